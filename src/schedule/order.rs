//! From formed groups to steps: an order, values, programs, places, and the transfers and frees between them.
//!
//! Groups run in the order in which the program named their results, as far as they wait for one another. Each value crosses
//! between host and device at most once in each direction.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use super::ScheduleOptions;
use super::build::{Kind, Slot, rows};
use super::emit::{self, Names};
use super::fuse::Builder;
use super::place::size_support;
use super::program::{Inst, Program};
use super::steps::{Core, Group, Place, Schedule, Step, Store, StoreShape, Value, ValueId, ValueKind};
use crate::error::{Error, Result};
use crate::graph::{NodeId, Op};

/// The steps of formed groups; `because` says why everything is on the CPU although a GPU is there.
pub(super) fn assemble(builder: &mut Builder<'_>, because: &str) -> Result<Schedule> {
    let order = topological(builder)?;
    let mut schedule = Schedule::default();
    let values = number(builder, &order, &mut schedule)?;
    let mut steps = Vec::new();
    for &node in &builder.empties {
        steps.push(Step::Empty(stored(&values, node)?));
    }
    let mut id = 0;
    let mut scalar_of = HashMap::new();
    let mut scalars = Vec::new();
    for &g in &order {
        let group = &builder.groups[g];
        if group.kind == Kind::Host {
            steps.push(host_step(builder, g, &values, because)?);
            continue;
        }
        let mut names = Names {
            source: builder.source,
            values: &values,
            kernel_of: &builder.kernel_of,
            scalars: &mut scalars,
            scalar_of: &mut scalar_of,
        };
        let (body, stores) = emit::body(&mut names, group)?;
        let core = core(&mut names, builder, g)?;
        let (place, reason) = placed(builder, g, &schedule, &body, &core, &stores, because);
        let core = split(core, place, &group.domain, &body, &stores);
        let mut nodes: Vec<NodeId> = group.requests.iter().filter(|r| r.fused).map(|r| r.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|&n| !builder.source.facts.inlined(n) || group.outputs.contains(&n));
        steps.push(Step::Run(Group { id, place, reason, domain: group.domain.clone(), core, body, stores, nodes }));
        id += 1;
    }
    schedule.scalars = scalars;
    schedule.refusals = std::mem::take(&mut builder.refusals);
    schedule.refusals.sort_by_key(|r| (r.node, r.user));
    schedule.refusals.dedup();
    for r in &builder.source.graph.roots {
        schedule.roots.push(stored(&values, *r)?);
    }
    schedule.steps = with_transfers(steps, &schedule, builder.options);
    Ok(schedule)
}

/// The groups in an order in which each runs after what it reads: the earliest result first.
fn topological(builder: &Builder<'_>) -> Result<Vec<usize>> {
    let alive: Vec<usize> = builder.waits.alive().collect();
    let mut waits: HashMap<usize, usize> = alive.iter().map(|&g| (g, 0)).collect();
    let mut next: HashMap<usize, Vec<usize>> = HashMap::new();
    for &g in &alive {
        let after = builder.waits.next(g);
        for &n in &after {
            *waits.entry(n).or_default() += 1;
        }
        next.insert(g, after);
    }
    let key = |g: usize| Reverse((builder.groups[g].outputs.iter().max().copied(), g));
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
fn number(builder: &Builder<'_>, order: &[usize], schedule: &mut Schedule) -> Result<Vec<Option<ValueId>>> {
    let graph = builder.source.graph;
    let mut values: Vec<Option<ValueId>> = vec![None; graph.nodes.len()];
    let mut leaf_of: HashMap<u32, ValueId> = HashMap::new();
    let mut wanted = vec![false; graph.nodes.len()];
    for n in graph.roots.iter().chain(&builder.options.keep) {
        wanted[n.index()] = true;
    }
    let mut add = |node: NodeId, kind: ValueKind| {
        let n = graph.node(node);
        schedule.values.push(Value { node, kind, shape: n.shape.clone(), dtype: n.dtype });
        ValueId(schedule.values.len() as u32 - 1)
    };
    for id in graph.ids().filter(|i| builder.source.facts.demanded[i.index()]) {
        if let Op::Leaf(i) = graph.node(id).op {
            let value = *leaf_of.entry(i).or_insert_with(|| add(id, ValueKind::Leaf(i)));
            values[id.index()] = Some(value);
        }
    }
    let stored = builder.empties.iter().chain(order.iter().flat_map(|&g| &builder.groups[g].outputs));
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

fn host_step(builder: &Builder<'_>, g: usize, values: &[Option<ValueId>], because: &str) -> Result<Step> {
    let graph = builder.source.graph;
    let nodes = {
        let mut nodes = builder.groups[g].outputs.clone();
        nodes.sort_unstable();
        nodes
    };
    let first = graph.node(nodes[0]);
    let inputs = first.operands.iter().map(|&o| stored(values, o)).collect::<Result<_>>()?;
    let outputs = nodes.iter().map(|&n| stored(values, n)).collect::<Result<_>>()?;
    let reason = if builder.gpu.is_some() {
        builder.support[nodes[0].index()].clone().err().unwrap_or_default()
    } else {
        because.to_owned()
    };
    Ok(Step::Host { nodes, inputs, outputs, reason })
}

fn core(names: &mut Names<'_>, builder: &Builder<'_>, g: usize) -> Result<Core> {
    let group = &builder.groups[g];
    Ok(match &group.kind {
        Kind::Map | Kind::Host => Core::Map,
        Kind::Rows(axes) => Core::Rows { axes: axes.clone(), split: 1 },
        Kind::Scan(op, axis) => Core::Scan { op: *op, axis: *axis },
        Kind::Product(core) => {
            let node = builder.source.graph.node(*core);
            let symmetric = matches!(node.op, Op::Contract { symmetric: true });
            let left = emit::operand(names, group, *core, Slot::Left)?;
            let right = emit::operand(names, group, *core, Slot::Right)?;
            Core::Contract { left, right, k: group.k, symmetric, dtype: node.dtype }
        }
    })
}

/// Where a group runs, and why on the CPU if there.
fn placed(
    builder: &Builder<'_>,
    g: usize,
    schedule: &Schedule,
    body: &Program,
    core: &Core,
    stores: &[Store],
    because: &str,
) -> (Place, String) {
    let group = &builder.groups[g];
    let Some(limits) = builder.gpu else { return (Place::Cpu, because.to_owned()) };
    if !group.gpu {
        let nodes = group.requests.iter().filter(|r| r.fused).map(|r| r.node);
        let why = nodes.filter_map(|n| builder.support[n.index()].as_ref().err().map(|why| (n, why))).min();
        return (Place::Cpu, why.map(|(n, why)| format!("{n}: {why}")).unwrap_or_default());
    }
    let mut loads: Vec<ValueId> = body.loads.iter().map(|l| l.value).collect();
    let mut domains = vec![group.domain.len()];
    if let Core::Contract { left, right, .. } = core {
        loads.extend(left.loads.iter().chain(&right.loads).map(|l| l.value));
        domains.extend([group.domain_of(Slot::Left).len(), group.domain_of(Slot::Right).len()]);
    }
    loads.extend(stores.iter().map(|s| s.value));
    let values = loads.iter().map(|&v| {
        let v = schedule.value(v);
        size_support(v.shape.len(), v.device_bytes(), limits)
    });
    match values.chain(domains.into_iter().map(|d| size_support(d, 0, limits))).find_map(std::result::Result::err) {
        Some(why) => (Place::Cpu, why),
        None => (Place::Gpu, String::new()),
    }
}

/// Cuts few long rows into parts where the folds do not need one another and only row results are stored.
fn split(core: Core, place: Place, domain: &crate::types::Shape, body: &Program, stores: &[Store]) -> Core {
    let Core::Rows { axes, .. } = core else { return core };
    let (count, len) = rows(domain, &axes);
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
    let parts = (len >> 13).min(512 / count.max(1)).max(1) as u32;
    let split = if place == Place::Gpu && independent && rows_only { parts } else { 1 };
    Core::Rows { axes, split }
}

/// The values a step reads and writes, and where it runs; `None` for steps that only move.
pub(super) fn touches(step: &Step) -> Option<(Place, Vec<ValueId>, Vec<ValueId>)> {
    match step {
        Step::Run(group) => {
            let mut reads: Vec<ValueId> = group.body.loads.iter().map(|l| l.value).collect();
            if let Core::Contract { left, right, .. } = &group.core {
                reads.extend(left.loads.iter().chain(&right.loads).map(|l| l.value));
            }
            reads.sort_unstable();
            reads.dedup();
            Some((group.place, reads, group.stores.iter().map(|s| s.value).collect()))
        }
        Step::Host { inputs, outputs, .. } => {
            let mut reads = inputs.clone();
            reads.sort_unstable();
            reads.dedup();
            Some((Place::Cpu, reads, outputs.clone()))
        }
        Step::Empty(v) => Some((Place::Cpu, Vec::new(), vec![*v])),
        Step::Upload(_) | Step::Readback(_) | Step::Free(_) => None,
    }
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
        if let Some((_, reads, writes)) = touches(step) {
            for v in reads.iter().chain(&writes) {
                last[v.index()] = i;
            }
        }
    }
    let mut out = Vec::with_capacity(steps.len() * 2);
    for (i, step) in steps.into_iter().enumerate() {
        let Some((place, reads, writes)) = touches(&step) else { continue };
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
