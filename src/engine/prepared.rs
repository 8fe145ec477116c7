//! From a recorded graph to something that runs: planned, scheduled, lowered to kernels and CPU passes.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Engine;
use super::inspect::PrepareTimes;
use super::options::{RunOptions, RunRequest, Without};
use super::scalars::HostScalars;
use super::settings::Settings;
use crate::cpu::Compiled;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId, Op};
use crate::kernels::{Lowered, lower};
use crate::planner::{Plan, PlanOptions, plan};
use crate::schedule::{Core, Group, Place, Schedule, ScheduleOptions, Step, ValueId, ValueKind, schedule};
use crate::types::{CostTable, DType, DeviceChoice, Fault, Limits, Numerics, Scalar, seeded};

/// Everything a run needs besides data: the product of planner, schedule and kernels.
#[derive(Debug)]
pub struct Prepared {
    /// What the planner made of the graph; `None` with the planner off.
    pub plan: Option<Plan>,
    /// The options it was made under.
    pub planning: Option<PlanOptions>,
    /// The graph that runs.
    pub graph: Graph,
    /// The schedule.
    pub schedule: Schedule,
    /// The kernels of each step that is a GPU group.
    pub lowered: Vec<Option<Lowered>>,
    /// What work costs on the CPU and on the GPU, as the plan was made for.
    pub costs: [CostTable; 2],
    /// How long making it took; zeros unless the engine inspects.
    pub times: PrepareTimes,
    /// The passes of each step that is a CPU group.
    pub(super) compiled: Vec<Option<Compiled>>,
    /// Operations of the recorded graph that are neither leaf nor scalar nor view.
    pub(super) n_ops: u64,
    /// Host scalars that a run computes.
    pub(super) scalars: HostScalars,
    /// Nodes of the snapshot, other than views, whose values outlive the run, with those values.
    pub(super) kept: Vec<(NodeId, ValueId)>,
    /// The block of each value, if the memory plan gave it one.
    pub(super) block_of: Vec<Option<u32>>,
    /// Why this plan, without planner and fusion, stands in place of one that gave wrong results.
    pub quarantined: Option<String>,
    /// The slots of the first run, which a seeded fault keeps.
    #[cfg(feature = "check")]
    pub(super) first_slots: std::sync::OnceLock<Vec<Scalar>>,
}

impl Prepared {
    /// Bytes this plan holds on to.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.plan.as_ref().map_or(0, Plan::bytes)
            + self.graph.bytes()
            + self.schedule.bytes()
            + self.lowered.capacity() * size_of::<Option<Lowered>>()
            + self.lowered.iter().flatten().map(Lowered::bytes).sum::<usize>()
            + self.compiled.capacity() * size_of::<Option<Compiled>>()
            + self.compiled.iter().flatten().map(Compiled::bytes).sum::<usize>()
            + self.scalars.bytes()
            + self.kept.capacity() * size_of::<(NodeId, ValueId)>()
            + self.block_of.capacity() * size_of::<Option<u32>>()
            + self.quarantined.as_ref().map_or(0, String::capacity)
    }
}

/// What a plan depends on besides the graph: the other half of its key, compared in full.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Context {
    pub(super) without: Without,
    pub(super) options: RunOptions,
    pub(super) gpu: bool,
    /// Whether it was settled what the GPU computes.
    pub(super) certified: bool,
    numerics: Numerics,
    /// The hash of the rule set.
    rules: u64,
    cost_versions: CostVersions,
    pub(super) device: DeviceChoice,
    /// Nodes whose values outlive the run if they are stored anyway.
    needed: SmallVec<[NodeId; 4]>,
    /// Which leaves are on the device, where that can change the placement.
    pub(super) resident: Vec<bool>,
}

/// The versions of the cost tables that a plan was made for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CostVersions {
    cpu: u32,
    gpu: u32,
}

impl Context {
    /// A plan for the CPU alone, under an engine's settings.
    pub(super) fn on_cpu(settings: &Settings, options: RunOptions, needed: &[NodeId]) -> Self {
        Self {
            without: Without::default(),
            options,
            gpu: false,
            certified: false,
            numerics: settings.numerics,
            rules: settings.rules.hash(),
            cost_versions: CostVersions { cpu: settings.cpu_costs.version, gpu: settings.gpu_costs.version },
            device: DeviceChoice::Cpu,
            needed: SmallVec::from_slice(needed),
            resident: Vec::new(),
        }
    }

    /// Bytes of memory it holds on to beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.without.rules.iter().map(|r| size_of::<String>() + r.capacity()).sum::<usize>()
            + self.without.unfused.capacity() * size_of::<NodeId>()
            + if self.needed.spilled() { self.needed.capacity() * size_of::<NodeId>() } else { 0 }
            + self.resident.capacity()
    }
}

/// The graph that is to run: what the planner made of a recorded graph, or the recorded graph itself.
struct Planned {
    plan: Option<Plan>,
    options: Option<PlanOptions>,
    graph: Graph,
    /// Whether a view that reads another node whole and in order stands for that node.
    fuse: bool,
}

impl Planned {
    fn new(recorded: &Graph, plan: Option<Plan>, options: Option<PlanOptions>, fuse: bool) -> Self {
        let mut graph = plan.as_ref().map_or_else(|| recorded.clone(), |p| p.graph.clone());
        if fuse {
            for i in 0..graph.roots.len() {
                graph.roots[i] = stored_as(&graph, graph.roots[i]);
            }
        }
        Self { plan, options, graph, fuse }
    }

    /// The node that stores the value of a recorded node, if one does.
    fn image(&self, recorded: NodeId) -> Option<NodeId> {
        let image = match &self.plan {
            Some(plan) => plan.image.get(recorded.index()).copied().flatten()?,
            None => recorded,
        };
        Some(if self.fuse { stored_as(&self.graph, image) } else { image })
    }
}

impl Engine {
    /// The limits that schedules go by; `None` without a GPU.
    pub(super) fn limits(&self) -> Option<&Limits> {
        #[cfg(feature = "gpu")]
        {
            let gpu = self.0.gpu.as_ref().filter(|g| !g.is_lost())?;
            Some(self.0.certified.get().unwrap_or_else(|| gpu.limits()))
        }
        #[cfg(not(feature = "gpu"))]
        None
    }

    /// The options that this engine plans under.
    pub(super) fn plan_options(&self, gpu: bool, request: &RunRequest) -> PlanOptions {
        let settings = &self.0.settings;
        let rules = match &request.without.rules[..] {
            [] => settings.rules.get().clone(),
            names => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Arc::new(settings.rules.get().without(&names))
            }
        };
        let costs = if gpu { &settings.gpu_costs } else { &settings.cpu_costs };
        PlanOptions { numerics: settings.numerics, costs: costs.clone(), rules }
    }

    /// Plans, schedules and lowers a recorded graph.
    ///
    /// # Errors
    /// Out of memory when the schedule is over the engine's limits; what scheduling says.
    pub(super) fn make(&self, recorded: &Graph, context: &Context) -> Result<Prepared> {
        let limits = if context.gpu { self.limits() } else { None };
        let began = self.now();
        let planned = self.planned(recorded, context, limits.is_some());
        let plan_done = self.now();
        self.0.counters.schedules.add(1);
        let mut schedule = schedule(&planned.graph, &self.schedule_options(&planned, context, limits))?;
        let kept = kept(recorded, |id| planned.image(id), &schedule);
        let schedule_done = self.now();
        let lowered = lower_groups(&planned.graph, &mut schedule, limits, self.0.settings.numerics);
        let spent = |from: Option<u64>, to: Option<u64>| from.zip(to).map_or(0, |(from, to)| to.saturating_sub(from));
        let times = PrepareTimes {
            plan: spent(began, plan_done),
            schedule: spent(plan_done, schedule_done),
            lower: spent(schedule_done, self.now()),
        };
        let scalars = HostScalars::new(&planned.graph, &schedule.scalars)?;
        let settings = &self.0.settings;
        within_limits(&schedule, settings)?;
        let counted = |n: &&Node| !n.operands.is_empty() && !matches!(n.op, Op::View(_));
        Ok(Prepared {
            compiled: compile_groups(&schedule),
            block_of: block_of(&schedule),
            plan: planned.plan,
            planning: planned.options,
            graph: planned.graph,
            schedule,
            lowered,
            costs: [settings.cpu_costs.clone(), settings.gpu_costs.clone()],
            n_ops: recorded.nodes.iter().filter(counted).count() as u64,
            times,
            scalars,
            kept,
            quarantined: None,
            #[cfg(feature = "check")]
            first_slots: std::sync::OnceLock::new(),
        })
    }

    fn planned(&self, recorded: &Graph, context: &Context, gpu: bool) -> Planned {
        let request = RunRequest { options: context.options, without: context.without.clone() };
        let options = context.options.plan.then(|| self.plan_options(gpu, &request));
        let plan = options.as_ref().map(|options| {
            self.0.counters.plans.add(1);
            let plan = plan(recorded, options);
            self.0.counters.egg_runs.add(plan.egg_runs as u64);
            plan
        });
        Planned::new(recorded, plan, options, context.options.fuse)
    }

    fn schedule_options(&self, planned: &Planned, context: &Context, limits: Option<&Limits>) -> ScheduleOptions {
        let settings = &self.0.settings;
        ScheduleOptions {
            device: if limits.is_some() { settings.device } else { DeviceChoice::Cpu },
            limits: limits.cloned(),
            numerics: settings.numerics,
            cpu_costs: settings.cpu_costs.clone(),
            gpu_costs: settings.gpu_costs.clone(),
            fuse: context.options.fuse,
            resident: context.resident.clone(),
            keep: context.needed.iter().filter_map(|&n| planned.image(n)).collect(),
            unfused: context.without.unfused.clone(),
        }
    }
}

/// Kernels for every GPU group. A group that does not lower runs on the CPU, and says why.
fn lower_groups(
    graph: &Graph,
    schedule: &mut Schedule,
    limits: Option<&Limits>,
    numerics: Numerics,
) -> Vec<Option<Lowered>> {
    let scalars: Vec<DType> = schedule.scalars.iter().map(|&n| graph.node(n).dtype).collect();
    let mut lowered = Vec::with_capacity(schedule.steps.len());
    for step in &mut schedule.steps {
        let (Step::Run(group), Some(limits)) = (step, limits) else {
            lowered.push(None);
            continue;
        };
        if group.place == Place::Cpu {
            lowered.push(None);
            continue;
        }
        match lower(group, &schedule.values, &scalars, limits, numerics) {
            Ok(kernels) => lowered.push(Some(kernels)),
            Err(error) => {
                group.place = Place::Cpu;
                group.reason = format!("no kernel: {}", error.message());
                lowered.push(None);
            }
        }
    }
    lowered
}

/// The block of each value, if the memory plan gave it one.
fn block_of(schedule: &Schedule) -> Vec<Option<u32>> {
    let mut block_of = vec![None; schedule.values.len()];
    for (i, block) in schedule.blocks.iter().enumerate() {
        for v in &block.values {
            block_of[v.index()] = Some(i as u32);
        }
    }
    block_of
}

/// Refuses a schedule that needs more memory or more work than the engine was told to spend.
fn within_limits(schedule: &Schedule, settings: &Settings) -> Result<()> {
    let on_host = schedule.blocks.iter().filter(|b| b.place == Place::Cpu);
    let total = on_host.fold(0u64, |n, b| n.saturating_add(b.bytes));
    if total > settings.memory_limit {
        return Err(Error::out_of_memory(format!(
            "this evaluation needs {total} bytes for its results and scratch; the limit is {}",
            settings.memory_limit
        )));
    }
    let work = work(schedule);
    if work > settings.work_limit {
        return Err(Error::out_of_memory(format!(
            "this evaluation would take {work} steps of its inner loops; the limit is {}",
            settings.work_limit
        )));
    }
    Ok(())
}

/// The passes of each step that is a CPU group. A group that does not compile is left to its run, which says why.
fn compile_groups(schedule: &Schedule) -> Vec<Option<Compiled>> {
    let compiled = |step: &Step| match step {
        Step::Run(group) if group.place == Place::Cpu => Compiled::new(group, &schedule.values).ok(),
        _ => None,
    };
    schedule.steps.iter().map(compiled).collect()
}

/// A node that reads all of another in its own order under other extents holds that node's elements: stored values are dense
/// runs of elements, and the extents of a result are its recorded node's.
fn stored_as(graph: &Graph, mut id: NodeId) -> NodeId {
    while let Op::View(view) = &graph.node(id).op
        && let Some(&base) = graph.node(id).operands.first()
        && (view.is_dense() || seeded(Fault::AliasedView))
        && view.shape().len() == graph.node(base).shape.len()
    {
        id = base;
    }
    id
}

/// Elements that the groups visit; for products multiply-adds.
fn work(schedule: &Schedule) -> u64 {
    let of = |group: &Group| {
        let inner = if let Core::Contract { k, .. } = group.core { (k as u64).max(1) } else { 1 };
        (group.domain.len() as u64).saturating_mul(inner)
    };
    schedule.groups().map(of).fold(0, u64::saturating_add)
}

/// The nodes of the snapshot whose values the schedule leaves behind. A view is left out: it costs nothing to take again, and
/// rules see what it is a view of.
fn kept(recorded: &Graph, image: impl Fn(NodeId) -> Option<NodeId>, schedule: &Schedule) -> Vec<(NodeId, ValueId)> {
    let mut value_of = hashbrown::HashMap::new();
    for (i, value) in schedule.values.iter().enumerate() {
        if value.kind != ValueKind::Scratch {
            value_of.insert(value.node, ValueId(i as u32));
        }
    }
    let computed = |id: &NodeId| {
        let constant =
            |op: &Op| matches!(op, Op::Leaf(_) | Op::Literal(_) | Op::Slot(_) | Op::Iota { .. } | Op::View(_));
        !constant(&recorded.node(*id).op) && !recorded.roots.contains(id)
    };
    recorded.ids().filter(computed).filter_map(|id| Some((id, *value_of.get(&image(id)?)?))).collect()
}
