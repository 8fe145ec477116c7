//! A graph in a dump. Reading builds it node by node through the same inference as recording, so a graph that was read is one
//! that could have been recorded; what does not fit is reported where it stands in the text.

use super::json::{At, Object, lines, list};
use super::op::{self, shape};
use super::scalar::dtype;
use super::version::Version;
use crate::error::Result;
use crate::graph::infer::{OperandType, infer};
use crate::graph::{Graph, LeafInfo, Node, NodeId, Op, Operands, PlannedKernel};
use crate::types::Shape;

/// A dump's graph has at most this many nodes, leaves, slots and roots each.
const MAX_NODES: usize = 1 << 20;

pub(super) fn write(graph: &Graph) -> String {
    let nodes = graph.ids().map(|id| {
        let node = graph.node(id);
        op::write(Object::new().field("id", id.0), node)
            .field("operands", list(node.operands.iter().map(|o| o.0)))
            .text("dtype", node.dtype.name())
            .field("shape", list(node.shape.dims()))
            .finish()
    });
    let leaf = |l: &LeafInfo| Object::new().text("dtype", l.dtype.name()).field("shape", list(l.shape.dims())).finish();
    let ids = |ids: &[NodeId]| list(ids.iter().map(|n| n.0));
    let kernel = |k: &PlannedKernel| {
        Object::new().field("core", k.core.0).field("stages", ids(&k.stages)).field("outputs", ids(&k.outputs)).finish()
    };
    let mut object = Object::new()
        .field("nodes", lines(nodes))
        .field("roots", ids(&graph.roots))
        .field("leaves", list(graph.leaves.iter().map(leaf)))
        .field("slots", list(graph.slots.iter().map(|d| format!("\"{d}\""))));
    if !graph.kernels.is_empty() {
        object = object.field("kernels", list(graph.kernels.iter().map(kernel)));
    }
    object.finish()
}

pub(super) fn read(at: &At<'_>, version: Version) -> Result<Graph> {
    let leaf = |_, at: &At<'_>| Ok(LeafInfo { shape: shape(&at.field("shape")?)?, dtype: dtype(&at.field("dtype")?)? });
    let leaves = at.field("leaves")?;
    let slots = at.field("slots")?;
    at_most(&leaves, MAX_NODES)?;
    at_most(&slots, MAX_NODES)?;
    let mut graph = Graph { leaves: leaves.items(leaf)?, slots: slots.items(|_, at| dtype(at))?, ..Graph::default() };
    let nodes = at.field("nodes")?;
    let total = at_most(&nodes, MAX_NODES)?;
    nodes.items(|i, at| {
        let node = node(at, i, total, &graph, version)?;
        graph.nodes.push(node);
        Ok(())
    })?;
    let roots = at.field("roots")?;
    if at_most(&roots, MAX_NODES)? == 0 {
        return Err(roots.error("expected at least one root"));
    }
    graph.roots = ids(&roots, total)?;
    if let Some(kernels) = at.maybe("kernels")? {
        let mut owner = vec![None; total];
        graph.kernels = kernels.items(|k, at| kernel(at, k, &graph, &mut owner))?;
    }
    // The code above checks the same; this call makes sure that no change there lets something through.
    graph.verify().map_err(|e| at.error(e.message()))?;
    Ok(graph)
}

/// The length of a list that may not be longer.
fn at_most(at: &At<'_>, most: usize) -> Result<usize> {
    match at.len()? {
        n if n <= most => Ok(n),
        n => Err(at.error(format!("expected at most {most} entries, given {n}"))),
    }
}

/// Numbers of nodes, all of which exist.
pub(super) fn ids(at: &At<'_>, total: usize) -> Result<Vec<NodeId>> {
    at.items(|_, item| id(item, total))
}

pub(super) fn id(at: &At<'_>, total: usize) -> Result<NodeId> {
    match at.int::<u32>()? {
        i if (i as usize) < total => Ok(NodeId(i)),
        i => Err(at.error(format!("there is no node {i}: the graph has {total}"))),
    }
}

fn node(at: &At<'_>, i: usize, total: usize, graph: &Graph, version: Version) -> Result<Node> {
    if let Some(number) = at.maybe("id")?
        && number.int::<usize>()? != i
    {
        return Err(number.error(format!("expected {i}: nodes are numbered in order")));
    }
    let (shape, dtype) = (shape(&at.field("shape")?)?, dtype(&at.field("dtype")?)?);
    let op = op::read(at, &shape, dtype, version)?;
    let list = at.field("operands")?;
    let operands: Operands = list
        .items(|_, item| {
            let o = id(item, total)?;
            if o.index() < i {
                return Ok(o);
            }
            Err(item.error(format!("node {i} uses node {}, which does not come before it: a graph has no cycles", o.0)))
        })?
        .into_iter()
        .collect();
    let expected = match &op {
        Op::Leaf(n) => graph.leaves.get(*n as usize).map(|l| (l.shape.clone(), l.dtype)),
        Op::Slot(n) => graph.slots.get(*n as usize).map(|&d| (Shape::scalar(), d)),
        op => {
            let given: Vec<OperandType<'_>> = operands.iter().map(|&o| graph.node(o).as_operand()).collect();
            Some(infer(op, &given).map_err(|e| at.error(e.message()))?)
        }
    };
    match expected {
        Some(found) if found == (shape.clone(), dtype) => {}
        Some((s, d)) => return Err(at.error(format!("{op} gives {d}{s}, but the dump says {dtype}{shape}"))),
        None => return Err(at.error(format!("{op}: there is no such leaf or slot"))),
    }
    if matches!(op, Op::Leaf(_) | Op::Slot(_)) && !operands.is_empty() {
        return Err(list.error("expected no operands for a leaf or a slot"));
    }
    Ok(Node { op, operands, shape, dtype })
}

fn kernel(at: &At<'_>, k: usize, graph: &Graph, owner: &mut [Option<usize>]) -> Result<PlannedKernel> {
    let total = graph.nodes.len();
    let core_at = at.field("core")?;
    let core = id(&core_at, total)?;
    if !matches!(graph.node(core).op, Op::Contract { .. }) {
        return Err(core_at.error(format!("expected a contraction, given {core} = {}", graph.node(core).op)));
    }
    let (stages_at, outputs_at) = (at.field("stages")?, at.field("outputs")?);
    let (stages, outputs) = (ids(&stages_at, total)?, ids(&outputs_at, total)?);
    for &member in stages.iter().chain([&core]) {
        if owner[member.index()].replace(k).is_some() {
            return Err(stages_at.error(format!("{member} is part of a kernel already")));
        }
    }
    match outputs.iter().find(|o| owner[o.index()] != Some(k)) {
        Some(out) => Err(outputs_at.error(format!("the kernel does not compute {out}"))),
        None => Ok(PlannedKernel { core, stages, outputs }),
    }
}
