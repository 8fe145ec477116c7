//! From formed groups to steps: an order, values, programs, places, and the transfers and frees between them.
//!
//! Groups run in the order in which the program named their results, as far as their dependencies allow. Each value crosses
//! between host and device at most once in each direction.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use super::build::{FormingCore, RowExtents, Section, row_extents};
use super::emit::{self, ProgramContext, RunScalars};
use super::fusion::Fusion;
use super::options::ScheduleOptions;
use super::place::size_support;
use super::program::{Inst, Program};
use super::steps::{Core, Group, Place, Schedule, Step, Store, StoreShape, Touched};
use super::value::{Value, ValueId, ValueKind};
use crate::error::{Error, Result};
use crate::graph::{NodeId, Op};
use crate::types::{Limits, Shape};

/// The steps of formed groups; `because` says why everything is on the CPU although a GPU is there.
pub(super) fn assemble(fusion: &mut Fusion<'_>, because: &str) -> Result<Schedule> {
    let order = topological(fusion)?;
    let mut schedule = Schedule::default();
    let values = number(fusion, &order, &mut schedule)?;
    let mut steps = Vec::new();
    for &node in &fusion.empties {
        steps.push(Step::Empty(stored(&values, node)?));
    }
    let mut id = 0;
    let mut scalars = RunScalars::default();
    for &g in &order {
        let group = &fusion.groups[g];
        if group.core == FormingCore::Host {
            steps.push(host_step(fusion, g, &values, because)?);
            continue;
        }
        let mut context = ProgramContext {
            input: fusion.input,
            values: &values,
            kernel_of: &fusion.kernel_of,
            scalars: &mut scalars,
        };
        let (body, stores) = emit::body(&mut context, group)?;
        let core = core(&mut context, fusion, g)?;
        let Placement { place, reason } = placed(fusion, g, &schedule, &body, &core, &stores, because);
        let core = split(core, fusion.gpu.filter(|_| place == Place::Gpu), &group.domain, &body, &stores);
        let mut nodes: Vec<NodeId> = group.requests.iter().filter(|r| r.fused).map(|r| r.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|&n| !fusion.input.analysis.inlined(n) || group.outputs.contains(&n));
        steps.push(Step::Run(Group { id, place, reason, domain: group.domain.clone(), core, body, stores, nodes }));
        id += 1;
    }
    schedule.scalars = scalars.nodes;
    schedule.refusals = std::mem::take(&mut fusion.refusals);
    schedule.refusals.sort_by_key(|r| (r.node, r.user));
    schedule.refusals.dedup();
    for r in &fusion.input.graph.roots {
        schedule.roots.push(stored(&values, *r)?);
    }
    schedule.steps = with_transfers(steps, &schedule, fusion.options);
    Ok(schedule)
}

/// The groups in an order in which each runs after what it reads: the earliest result first.
fn topological(fusion: &Fusion<'_>) -> Result<Vec<usize>> {
    let alive: Vec<usize> = fusion.waits.alive().collect();
    let mut waits: HashMap<usize, usize> = alive.iter().map(|&g| (g, 0)).collect();
    let mut next: HashMap<usize, Vec<usize>> = HashMap::new();
    for &g in &alive {
        let after = fusion.waits.next(g);
        for &n in &after {
            *waits.entry(n).or_default() += 1;
        }
        next.insert(g, after);
    }
    let key = |g: usize| Reverse((fusion.groups[g].outputs.iter().max().copied(), g));
    let mut ready: BinaryHeap<_> = alive.iter().copied().filter(|g| waits[g] == 0).map(key).collect();
    let mut order = Vec::with_capacity(alive.len());
    while let Some(Reverse((_, g))) = ready.pop() {
        order.push(g);
        for &n in &next[&g] {
            if let Some(w) = waits.get_mut(&n) {
                *w -= 1;
                if *w == 0 {
                    ready.push(key(n));
                }
            }
        }
    }
    if order.len() == alive.len() {
        return Ok(order);
    }
    Err(Error::internal("groups wait for one another in a circle"))
}

/// Numbers the stored values: leaves, then empty values, then what the groups write, in order.
fn number(fusion: &Fusion<'_>, order: &[usize], schedule: &mut Schedule) -> Result<Vec<Option<ValueId>>> {
    let graph = fusion.input.graph;
    let mut values: Vec<Option<ValueId>> = vec![None; graph.nodes.len()];
    let mut leaf_of: HashMap<u32, ValueId> = HashMap::new();
    let mut wanted = vec![false; graph.nodes.len()];
    for n in graph.roots.iter().chain(&fusion.options.keep) {
        wanted[n.index()] = true;
    }
    let mut add = |node: NodeId, kind: ValueKind| {
        let n = graph.node(node);
        schedule.values.push(Value { node, kind, shape: n.shape.clone(), dtype: n.dtype });
        ValueId(schedule.values.len() as u32 - 1)
    };
    for id in graph.ids().filter(|i| fusion.input.analysis.demanded[i.index()]) {
        if let Op::Leaf(i) = graph.node(id).op {
            let value = *leaf_of.entry(i).or_insert_with(|| add(id, ValueKind::Leaf(i)));
            values[id.index()] = Some(value);
        }
    }
    let stored = fusion.empties.iter().chain(order.iter().flat_map(|&g| &fusion.groups[g].outputs));
    for &node in stored {
        if values[node.index()].is_some() {
            return Err(Error::internal(format!("{node} is stored twice")));
        }
        let kind = if wanted[node.index()] { ValueKind::Root } else { ValueKind::Scratch };
        values[node.index()] = Some(add(node, kind));
    }
    Ok(values)
}

fn stored(values: &[Option<ValueId>], node: NodeId) -> Result<ValueId> {
    values[node.index()].ok_or_else(|| Error::internal(format!("{node} was never stored")))
}

fn host_step(fusion: &Fusion<'_>, g: usize, values: &[Option<ValueId>], because: &str) -> Result<Step> {
    let graph = fusion.input.graph;
    let nodes = {
        let mut nodes = fusion.groups[g].outputs.clone();
        nodes.sort_unstable();
        nodes
    };
    let first = graph.node(nodes[0]);
    let inputs = first.operands.iter().map(|&o| stored(values, o)).collect::<Result<_>>()?;
    let outputs = nodes.iter().map(|&n| stored(values, n)).collect::<Result<_>>()?;
    let reason = if fusion.gpu.is_some() {
        fusion.support[nodes[0].index()].clone().err().unwrap_or_default()
    } else {
        because.to_owned()
    };
    Ok(Step::Host { nodes, inputs, outputs, reason })
}

fn core(context: &mut ProgramContext<'_>, fusion: &Fusion<'_>, g: usize) -> Result<Core> {
    let group = &fusion.groups[g];
    Ok(match &group.core {
        FormingCore::Map | FormingCore::Host => Core::Map,
        FormingCore::Rows(axes) => Core::Rows { axes: axes.clone(), split: 1 },
        FormingCore::Scan(op, axis) => Core::Scan { op: *op, axis: *axis },
        FormingCore::Product(core) => {
            let node = fusion.input.graph.node(*core);
            let symmetric = matches!(node.op, Op::Contract { symmetric: true });
            let left = emit::operand(context, group, *core, Section::Left)?;
            let right = emit::operand(context, group, *core, Section::Right)?;
            Core::Contract { left, right, k: group.k, symmetric, dtype: node.dtype }
        }
    })
}

/// Where a group runs.
struct Placement {
    place: Place,
    /// Why on the CPU; empty otherwise.
    reason: String,
}

impl Placement {
    fn cpu(reason: impl Into<String>) -> Self {
        Self { place: Place::Cpu, reason: reason.into() }
    }
}

/// Decides where a group runs.
fn placed(
    fusion: &Fusion<'_>,
    g: usize,
    schedule: &Schedule,
    body: &Program,
    core: &Core,
    stores: &[Store],
    because: &str,
) -> Placement {
    let group = &fusion.groups[g];
    let Some(limits) = fusion.gpu else { return Placement::cpu(because) };
    if !group.gpu {
        let nodes = group.requests.iter().filter(|r| r.fused).map(|r| r.node);
        let why = nodes.filter_map(|n| fusion.support[n.index()].as_ref().err().map(|why| (n, why))).min();
        return Placement::cpu(why.map(|(n, why)| format!("{n}: {why}")).unwrap_or_default());
    }
    let mut loads: Vec<ValueId> = body.loads.iter().map(|l| l.value).collect();
    let mut domains = vec![group.domain.len()];
    if let Core::Contract { left, right, .. } = core {
        loads.extend(left.loads.iter().chain(&right.loads).map(|l| l.value));
        domains.extend([group.domain_of(Section::Left).len(), group.domain_of(Section::Right).len()]);
    }
    loads.extend(stores.iter().map(|s| s.value));
    let values = loads.iter().map(|&v| {
        let v = schedule.value(v);
        size_support(v.shape.len(), v.device_bytes(), limits)
    });
    match values.chain(domains.into_iter().map(|d| size_support(d, 0, limits))).find_map(std::result::Result::err) {
        Some(why) => Placement::cpu(why),
        None => Placement { place: Place::Gpu, reason: String::new() },
    }
}

/// Cuts few long rows into parts where the folds do not need one another and only row results are stored.
fn split(core: Core, gpu: Option<&Limits>, domain: &Shape, body: &Program, stores: &[Store]) -> Core {
    let (Core::Rows { axes, .. }, Some(limits)) = (&core, gpu) else { return core };
    let RowExtents { rows, elements } = row_extents(domain, axes);
    let independent = {
        let mut behind = vec![false; body.insts.len()];
        let mut independent = true;
        for (i, inst) in body.insts.iter().enumerate() {
            let fold = matches!(inst, Inst::Reduce(..) | Inst::ArgReduce(..));
            let after = Program::operands(inst).iter().any(|r| behind[r.index()]);
            independent &= !(fold && after);
            behind[i] = fold || after;
        }
        independent
    };
    let rows_only = stores.iter().all(|s| s.shape == StoreShape::Row);
    let tuning = &limits.tuning;
    let parts = (elements / tuning.split_row_elements.max(1)).min(tuning.split_groups / rows.max(1)).max(1) as u32;
    let split = if independent && rows_only { parts } else { 1 };
    Core::Rows { axes: axes.clone(), split }
}

/// Puts transfers before the steps that need them and frees behind the last use.
fn with_transfers(steps: Vec<Step>, schedule: &Schedule, options: &ScheduleOptions) -> Vec<Step> {
    let n = schedule.values.len();
    let (mut on_gpu, mut on_host) = (vec![false; n], vec![false; n]);
    for (i, v) in schedule.values.iter().enumerate() {
        if let ValueKind::Leaf(leaf) = v.kind {
            let resident = options.resident.get(leaf as usize).copied().unwrap_or(false);
            (on_gpu[i], on_host[i]) = (resident, !resident);
        }
    }
    let mut last = vec![usize::MAX; n];
    for (i, step) in steps.iter().enumerate() {
        if let Some(touched) = step.touched() {
            for v in touched.reads.iter().chain(&touched.writes) {
                last[v.index()] = i;
            }
        }
    }
    let mut out = Vec::with_capacity(steps.len() * 2);
    for (i, step) in steps.into_iter().enumerate() {
        let Some(Touched { place, reads, writes }) = step.touched() else { continue };
        for v in &reads {
            match place {
                Place::Gpu if !on_gpu[v.index()] => {
                    out.push(Step::Upload(*v));
                    on_gpu[v.index()] = true;
                }
                Place::Cpu if !on_host[v.index()] => {
                    out.push(Step::Readback(*v));
                    on_host[v.index()] = true;
                }
                _ => {}
            }
        }
        out.push(step);
        for v in &writes {
            *(if place == Place::Gpu { &mut on_gpu[v.index()] } else { &mut on_host[v.index()] }) = true;
        }
        for v in reads.iter().chain(&writes) {
            let scratch = schedule.value(*v).kind == ValueKind::Scratch;
            if scratch && last[v.index()] == i {
                last[v.index()] = usize::MAX;
                out.push(Step::Free(*v));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Dims, Tuning};

    #[test]
    fn tuning_data_of_zeros_split_no_rows() {
        let split_by = |tuning| {
            let limits = Limits { tuning, ..Limits::webgpu() };
            let core = Core::Rows { axes: Dims::from_slice(&[1]), split: 1 };
            split(core, Some(&limits), &Shape::new(&[2, 1 << 20]), &Program::default(), &[])
        };
        let parts = |core| if let Core::Rows { split, .. } = core { split } else { 0 };
        assert_eq!(parts(split_by(Tuning::zeros())), 1);
        assert_eq!(parts(split_by(Tuning { split_row_elements: 0, ..Tuning::gpu() })), 256);
        assert_eq!(parts(split_by(Tuning::gpu())), 128);
    }
}
