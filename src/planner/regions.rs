//! Graphs too large to be planned at once, cut into regions that are planned one after another.
//!
//! In: a graph, and a function that plans a small one. Out: the graph of all plans together. A region is a run of nodes in the
//! graph's own order. What it needs from earlier regions are leaves of it, with what is known of their elements; what later
//! regions or the roots need of it are its roots. Leaves, slots, literals and the scalars made of them belong to no region:
//! every region that needs one has its own copy. Cuts are made where little is carried over that a kernel would have kept in
//! registers. Joining shares equal nodes and composes views across cuts, so that the result computes everything once. Knows no rule.

use std::ops::Range;

use hashbrown::HashMap;

use super::class_facts::LeafPromise;
use super::decode::{Decoded, FiredAt};
use crate::error::{Error, Result};
use crate::graph::{Graph, LeafInfo, Node, NodeId, Op, Operands};

/// Up to this many operations a graph is planned at once.
const MAX_OPERATIONS: usize = 2_000;
/// Nodes of a region, at least and at most.
const MIN_NODES: usize = 600;
const MAX_NODES: usize = 1_000;
/// A scalar known to the host is copied into a region with what it is made of, up to so many nodes.
const MAX_COPIED: usize = 32;

/// The plan of a region, and what is known of each of its roots.
pub(super) struct RegionPlan {
    pub(super) decoded: Decoded,
    pub(super) promises: Vec<LeafPromise>,
    /// Why the graph is as it was written, if it is. Other regions are planned all the same.
    pub(super) fallback: Option<String>,
}

/// Whether a graph is planned by regions.
pub(super) fn too_large(graph: &Graph) -> bool {
    let operations = || graph.nodes.iter().filter(|n| !n.operands.is_empty()).count();
    graph.nodes.len() > MAX_OPERATIONS && operations() > MAX_OPERATIONS
}

/// Plans a graph by regions; `plan` is given each region and the promises about its leaves.
///
/// # Errors
/// An internal error of `plan`, or when the parts do not fit.
pub(super) fn by_regions(
    graph: &Graph,
    plan: &mut dyn FnMut(&Graph, Vec<LeafPromise>) -> Result<RegionPlan>,
) -> Result<Decoded> {
    let mut joiner = Joiner::new(graph);
    for range in cuts(graph) {
        let region = Region::of(graph, range, &joiner);
        if !region.graph.roots.is_empty() {
            let part = plan(&region.graph, region.promises.clone())?;
            joiner.join(&region, part)?;
        }
    }
    joiner.finish()
}

/// The last node that reads each node, or the end for roots; nodes that belong to no region are read by none.
fn last_uses(graph: &Graph) -> Vec<usize> {
    let mut last = vec![0; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        node.operands.iter().for_each(|o| last[o.index()] = i);
    }
    graph.roots.iter().for_each(|r| last[r.index()] = usize::MAX);
    last
}

/// Where to cut: at places within reach of each other where least is carried over.
fn cuts(graph: &Graph) -> Vec<Range<usize>> {
    let n = graph.nodes.len();
    let costs = cut_costs(graph);
    let mut ranges = Vec::new();
    let mut start = 0;
    while n - start > MAX_NODES {
        // The last region has at least the least number of nodes too.
        let span = start + MIN_NODES..(start + MAX_NODES).min(n - MIN_NODES.min(n - start - MIN_NODES)) + 1;
        let end = span.min_by_key(|&p| costs[p]).unwrap_or(start + MAX_NODES);
        ranges.push(start..end);
        start = end;
    }
    ranges.push(start..n);
    ranges
}

/// What a cut before each node would cost.
fn cut_costs(graph: &Graph) -> Vec<i64> {
    let n = graph.nodes.len();
    let last = last_uses(graph);
    let mut readers = vec![0u32; n];
    graph.nodes.iter().for_each(|node| node.operands.iter().for_each(|o| readers[o.index()] += 1));
    // What it costs to carry a value across a cut. Results of products, sums and routines are stored anyway; the step after a
    // product, or between two elementwise steps with no other reader, would have stayed in registers.
    let weight = |i: usize| -> i64 {
        let node = &graph.nodes[i];
        match &node.op {
            _ if node.operands.is_empty() => 0,
            _ if last[i] == usize::MAX => 1,
            Op::Reduce { .. } | Op::Host { .. } => 1,
            Op::Contract { .. } => 2,
            _ if readers[i] > 1 => 2,
            _ => 3,
        }
    };
    // `change[p]`: by how much a cut before node `p` costs more than one before `p - 1`.
    let mut change = vec![0i64; n + 2];
    for (i, &end) in last.iter().enumerate() {
        let end = end.min(n);
        if end > i {
            change[i + 1] += weight(i);
            change[end + 1] -= weight(i);
        }
    }
    let mut cost = 0;
    let sum = |c: &i64| {
        cost += c;
        cost
    };
    change[..=n].iter().map(sum).collect()
}

/// The origin of a region's leaf.
#[derive(Clone, Copy)]
enum RegionLeaf {
    /// A leaf of the whole graph.
    Leaf(u32),
    /// A node of an earlier region.
    Earlier(NodeId),
}

/// A node of the whole graph and what it is in a region.
#[derive(Clone, Copy)]
struct OwnNode {
    whole: NodeId,
    local: NodeId,
}

/// A region as a graph of its own.
struct Region {
    graph: Graph,
    leaves: Vec<RegionLeaf>,
    promises: Vec<LeafPromise>,
    own: Vec<OwnNode>,
    /// The region's roots in the whole graph.
    roots: Vec<NodeId>,
}

impl Region {
    fn of(graph: &Graph, range: Range<usize>, joiner: &Joiner) -> Self {
        let mut region = Self {
            graph: Graph { slots: graph.slots.clone(), ..Graph::default() },
            leaves: Vec::new(),
            promises: Vec::new(),
            own: Vec::new(),
            roots: Vec::new(),
        };
        let mut here: HashMap<NodeId, NodeId> = HashMap::new();
        for i in range.clone() {
            let (id, node) = (NodeId(i as u32), &graph.nodes[i]);
            if node.operands.is_empty() {
                continue;
            }
            for &o in &node.operands {
                region.bring(joiner, range.start, o, &mut here);
            }
            let local = region.push(node, &here);
            here.insert(id, local);
            region.own.push(OwnNode { whole: id, local });
            if joiner.last[i] >= range.end {
                region.roots.push(id);
                region.graph.roots.push(local);
            }
        }
        region
    }

    /// Makes sure that an operand is in the region.
    fn bring(&mut self, joiner: &Joiner, start: usize, id: NodeId, here: &mut HashMap<NodeId, NodeId>) {
        if here.contains_key(&id) {
            return;
        }
        let graph = joiner.graph;
        for id in joiner.scalar_cone(id) {
            if !here.contains_key(&id) {
                let local = match graph.node(id).op {
                    Op::Leaf(i) => self.leaf(graph, id, RegionLeaf::Leaf(i), LeafPromise::default()),
                    _ => self.push(graph.node(id), here),
                };
                here.insert(id, local);
            }
        }
        if !here.contains_key(&id) {
            debug_assert!(id.index() < start, "a node of the region comes after its reader");
            let promise = joiner.promises.get(&id).cloned().unwrap_or_default();
            let local = self.leaf(graph, id, RegionLeaf::Earlier(id), promise);
            here.insert(id, local);
        }
    }

    fn leaf(&mut self, graph: &Graph, id: NodeId, source: RegionLeaf, promise: LeafPromise) -> NodeId {
        let node = graph.node(id);
        let number = self.graph.leaves.len() as u32;
        self.graph.leaves.push(LeafInfo { shape: node.shape.clone(), dtype: node.dtype });
        self.leaves.push(source);
        self.promises.push(promise);
        let local = NodeId(self.graph.nodes.len() as u32);
        self.graph.nodes.push(Node { op: Op::Leaf(number), operands: Operands::new(), ..node.clone() });
        local
    }

    fn push(&mut self, node: &Node, here: &HashMap<NodeId, NodeId>) -> NodeId {
        let local = NodeId(self.graph.nodes.len() as u32);
        let operands = node.operands.iter().map(|o| here[o]).collect();
        self.graph.nodes.push(Node { operands, ..node.clone() });
        local
    }
}

/// The plans of regions, joined.
struct Joiner<'a> {
    graph: &'a Graph,
    last: Vec<usize>,
    /// By node: whether it is a scalar that the host knows.
    host: Vec<bool>,
    /// What is known of values that later regions read.
    promises: HashMap<NodeId, LeafPromise>,
    memo: HashMap<(Op, Operands), NodeId>,
    out: Decoded,
}

impl<'a> Joiner<'a> {
    fn new(graph: &'a Graph) -> Self {
        let planned = Graph { leaves: graph.leaves.clone(), slots: graph.slots.clone(), ..Graph::default() };
        Self {
            graph,
            last: last_uses(graph),
            host: graph.host_scalars(),
            promises: HashMap::new(),
            memo: HashMap::new(),
            out: Decoded { graph: planned, image: vec![None; graph.nodes.len()], ..Decoded::default() },
        }
    }

    /// A node that belongs to no region, after the nodes it is made of; empty for any other node.
    fn scalar_cone(&self, id: NodeId) -> Vec<NodeId> {
        let belongs = |id: NodeId| !self.graph.node(id).operands.is_empty();
        if belongs(id) && !self.host[id.index()] {
            return Vec::new();
        }
        let mut cone = vec![id];
        let mut at = 0;
        while at < cone.len() {
            for &o in &self.graph.node(cone[at]).operands {
                if !cone.contains(&o) {
                    cone.push(o);
                }
            }
            at += 1;
            if cone.len() > MAX_COPIED {
                return Vec::new();
            }
        }
        // Operands have lower numbers than their users.
        cone.sort_unstable();
        cone
    }

    /// The joined node of a node without operands, or of one that was planned.
    fn node(&mut self, id: NodeId) -> Result<NodeId> {
        if let Some(known) = self.out.image[id.index()] {
            return Ok(known);
        }
        let node = self.graph.node(id);
        if !node.operands.is_empty() {
            return Err(Error::internal("a node of an earlier region was not computed"));
        }
        let new = self.add(node.op.clone(), &[])?;
        self.out.image[id.index()] = Some(new);
        Ok(new)
    }

    fn join(&mut self, region: &Region, part: RegionPlan) -> Result<()> {
        let planned = part.decoded;
        let mut joined: Vec<NodeId> = Vec::with_capacity(planned.graph.nodes.len());
        for (i, node) in planned.graph.nodes.iter().enumerate() {
            let id = match &node.op {
                Op::Leaf(n) => match region.leaves[*n as usize] {
                    RegionLeaf::Leaf(n) => self.add(Op::Leaf(n), &[])?,
                    RegionLeaf::Earlier(of) => self.node(of)?,
                },
                op => {
                    let operands: Operands = node.operands.iter().map(|o| joined[o.index()]).collect();
                    let stage = planned.stages.contains(&NodeId(i as u32));
                    self.over(op, &operands, stage)?
                }
            };
            joined.push(id);
        }
        let to = |id: &NodeId| joined[id.index()];
        self.out.cores.extend(planned.cores.iter().map(to));
        self.out.stages.extend(planned.stages.iter().map(to));
        self.out.fired.extend(planned.fired.iter().map(|f| FiredAt { node: to(&f.node), ..*f }));
        for own in &region.own {
            self.out.image[own.whole.index()] = planned.image[own.local.index()].as_ref().map(to);
        }
        for ((&id, root), promise) in region.roots.iter().zip(&planned.graph.roots).zip(part.promises) {
            self.out.image[id.index()] = Some(to(root));
            self.promises.insert(id, promise);
        }
        Ok(())
    }

    /// A node over joined ones. A view of a view across a cut is one view, unless a kernel stores the inner one.
    fn over(&mut self, op: &Op, operands: &Operands, stage: bool) -> Result<NodeId> {
        if let (Op::View(view), false) = (op, stage) {
            let below = self.out.graph.node(operands[0]);
            if let (Op::View(inner), false) = (&below.op, self.out.stages.contains(&operands[0]))
                && let Some(both) = view.through(inner)
            {
                let base = below.operands[0];
                if both.is_identity(&self.out.graph.node(base).shape) {
                    return Ok(base);
                }
                return self.add(Op::View(both), &[base]);
            }
        }
        self.add(op.clone(), operands)
    }

    fn add(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId> {
        let symmetric = op == Op::Contract { symmetric: true };
        let shared = if symmetric { Op::Contract { symmetric: false } } else { op.clone() };
        let key = (shared, Operands::from_slice(operands));
        if let Some(&id) = self.memo.get(&key) {
            if symmetric {
                self.out.graph.nodes[id.index()].op = op;
            }
            return Ok(id);
        }
        let id = self.out.graph.add(op, operands)?;
        self.memo.insert(key, id);
        Ok(id)
    }

    fn finish(mut self) -> Result<Decoded> {
        for &root in &self.graph.roots {
            let id = self.node(root)?;
            self.out.graph.roots.push(id);
        }
        self.out.fired.sort_unstable();
        self.out.fired.dedup();
        Ok(self.out.without_dead_nodes())
    }
}
