//! From a snapshot to something that runs: plan, schedule, lower; cached by structure.

use std::sync::{Arc, PoisonError};

use smallvec::SmallVec;

use super::cache::Asked;
use super::inspect::PrepareTimes;
use super::run::Results;
use super::scalars::HostScalars;
use super::verify::{Recorded, Verdict, Verify};
use super::{Engine, RunOptions, Stored, Without};
use crate::cpu::Compiled;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId, Op};
use crate::kernels::{Lowered, lower};
use crate::planner::{Plan, PlanOptions, plan};
use crate::schedule::{Core, Group, Place, Schedule, ScheduleOptions, Step, ValueId, ValueKind, schedule};
use crate::types::{CostTable, DType, DeviceChoice, Fault, Limits, Scalar, seeded};

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

    /// Whether the run-time guards hold: every guarded scalar has magnitude within 2^±24.
    fn guards_hold(&self, slots: &[Scalar]) -> Result<bool> {
        if self.graph.guards.is_empty() {
            return Ok(true);
        }
        let values = self.scalars.evaluate(&self.graph, slots)?;
        let bound = f64::from(1u32 << 24);
        Ok(self.scalars.guards(&values).all(|s| {
            let v = s.to_f64().abs();
            v >= 1.0 / bound && v <= bound
        }))
    }
}

/// What a run asks of the pipeline.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) options: RunOptions,
    pub(super) without: Without,
}

impl From<RunOptions> for Choice {
    fn from(options: RunOptions) -> Self {
        Self { options, without: Without::default() }
    }
}

/// A plan for a graph.
pub(super) struct Found {
    pub(super) prepared: Arc<Prepared>,
    /// Whether it came from the cache.
    pub(super) cached: bool,
    /// The key of a new plan that is kept only once its results were compared.
    pub(super) unverified: Option<(Asked, Context)>,
}

/// What a plan depends on besides the graph: the other half of its key, compared in full.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Context {
    without: Without,
    options: RunOptions,
    rescale: bool,
    gpu: bool,
    numerics: crate::types::Numerics,
    rules: u64,
    cost_versions: (u32, u32),
    device: DeviceChoice,
    needed: SmallVec<[NodeId; 4]>,
    resident: Vec<bool>,
}

impl Context {
    /// Standard numerics on the CPU with nothing special: for tests of the cache.
    #[cfg(test)]
    pub(super) fn plain(options: RunOptions) -> Self {
        Self {
            without: Without::default(),
            options,
            rescale: true,
            gpu: false,
            numerics: crate::types::Numerics::Standard,
            rules: 0,
            cost_versions: (0, 0),
            device: DeviceChoice::Cpu,
            needed: SmallVec::new(),
            resident: Vec::new(),
        }
    }

    /// Bytes of memory it holds on to beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.without.rules.iter().map(|r| size_of::<String>() + r.capacity()).sum::<usize>()
            + self.without.apart.capacity() * size_of::<NodeId>()
            + if self.needed.spilled() { self.needed.capacity() * size_of::<NodeId>() } else { 0 }
            + self.resident.capacity()
    }
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

/// The graph with every constant zero: the key of a seeded fault.
fn without_literals(graph: &Graph) -> Asked {
    let mut graph = graph.clone();
    for node in &mut graph.nodes {
        if let Op::Literal(s) = &mut node.op {
            *s = Scalar::from_bits(s.dtype(), 0);
        }
    }
    Asked::new(graph)
}

impl Engine {
    /// The limits that schedules go by; `None` without a GPU.
    pub(super) fn limits(&self) -> Option<&Limits> {
        #[cfg(feature = "gpu")]
        return self.0.gpu.as_ref().filter(|g| !g.is_lost()).map(crate::device::Gpu::limits);
        #[cfg(not(feature = "gpu"))]
        None
    }

    /// The prepared form of a graph, from the cache or made now; whether it was cached. `gpu` false keeps everything on the CPU.
    pub(super) fn prepare(
        &self,
        asked: &Asked,
        (leaves, slots): (&[Arc<Stored>], &[Scalar]),
        needed: &[NodeId],
        choice: &Choice,
        gpu: bool,
    ) -> Result<Found> {
        let settings = &self.0.settings;
        let options =
            RunOptions { plan: choice.options.plan && settings.plan, fuse: choice.options.fuse && settings.fuse };
        let mut context = Context {
            without: choice.without.clone(),
            options,
            rescale: true,
            gpu: gpu && self.limits().is_some(),
            numerics: settings.numerics,
            rules: settings.rules.hash(),
            cost_versions: (settings.cpu_costs.version, settings.gpu_costs.version),
            device: settings.device,
            needed: SmallVec::from_slice(needed),
            // Where leaves are matters to placement only where there is a choice.
            resident: if settings.device == DeviceChoice::Auto && gpu && self.limits().is_some() {
                leaves.iter().map(|l| l.copies().device().is_some()).collect()
            } else {
                Vec::new()
            },
        };
        let found = self.cached(asked, &context)?;
        if found.prepared.guards_hold(slots)? {
            return Ok(found);
        }
        self.0.counters.guard_misses.add(1);
        context.rescale = false;
        self.cached(asked, &context)
    }

    fn cached(&self, asked: &Asked, context: &Context) -> Result<Found> {
        let stale = seeded(Fault::StalePlan).then(|| without_literals(&asked.graph));
        let named = stale.as_ref().unwrap_or(asked);
        let found = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner).get(named, context);
        if let Some(prepared) = found {
            self.0.counters.plan_hits.add(1);
            return Ok(Found { prepared, cached: true, unverified: None });
        }
        let prepared = Arc::new(self.make(&asked.graph, context)?);
        let key = (named.clone(), context.clone());
        let changed = context.options.plan || context.options.fuse || prepared.lowered.iter().any(Option::is_some);
        if self.0.settings.verify == Verify::Sampled && changed {
            return Ok(Found { prepared, cached: false, unverified: Some(key) });
        }
        self.keep(key, prepared.clone());
        Ok(Found { prepared, cached: false, unverified: None })
    }

    fn keep(&self, (asked, context): (Asked, Context), prepared: Arc<Prepared>) {
        let gone = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner).insert(asked, context, prepared);
        drop(gone);
    }

    /// Keeps a new plan whose results are as sound as those of the recorded graph; otherwise a plan without planner and fusion
    /// in its place, which says why. Gives the plan that is kept and its results.
    pub(super) async fn keep_if_sound(
        &self,
        key: (Asked, Context),
        new: Arc<Prepared>,
        results: Results,
        graph: &Graph,
        (leaves, slots): (&[Arc<Stored>], &[Scalar]),
        needed: &[NodeId],
    ) -> Result<(Arc<Prepared>, Result<Results>)> {
        let settings = &self.0.settings;
        let context = Context {
            without: Default::default(),
            options: RunOptions { plan: false, fuse: false },
            rescale: false,
            gpu: false,
            numerics: settings.numerics,
            rules: settings.rules.hash(),
            cost_versions: (settings.cpu_costs.version, settings.gpu_costs.version),
            device: DeviceChoice::Cpu,
            needed: SmallVec::from_slice(needed),
            resident: Vec::new(),
        };
        let mut plain = self.make(graph, &context)?;
        let recorded = Recorded { graph, plain: &plain, leaves, slots };
        match self.verified(recorded, &new, &results).await? {
            Verdict::Sound => {
                self.keep(key, new.clone());
                Ok((new, Ok(results)))
            }
            Verdict::Wrong(why, right) => {
                tracing::error!(%why, "a plan gave wrong results and is quarantined");
                self.0.counters.quarantined.add(1);
                plain.quarantined = Some(why);
                let plain = Arc::new(plain);
                self.keep(key, plain.clone());
                Ok((plain, Ok(right)))
            }
        }
    }

    pub(super) fn make(&self, recorded: &Graph, context: &Context) -> Result<Prepared> {
        let settings = &self.0.settings;
        let limits = if context.gpu { self.limits() } else { None };
        let began = self.now();
        let choice = Choice { options: context.options, without: context.without.clone() };
        let planning = context.options.plan.then(|| self.plan_options(limits.is_some(), &choice, context.rescale));
        let planned = planning.as_ref().map(|options| {
            self.0.counters.plans.add(1);
            let plan = plan(recorded, options);
            self.0.counters.egg_runs.add(plan.egg_runs as u64);
            plan
        });
        let mut graph = planned.as_ref().map_or_else(|| recorded.clone(), |p| p.graph.clone());
        if context.options.fuse {
            for i in 0..graph.roots.len() {
                graph.roots[i] = stored_as(&graph, graph.roots[i]);
            }
        }
        let image = |id: NodeId| {
            let planned = planned.as_ref().map_or(Some(id), |p| p.image.get(id.index()).copied().flatten());
            planned.map(|n| if context.options.fuse { stored_as(&graph, n) } else { n })
        };
        self.0.counters.schedules.add(1);
        let plan_done = self.now();
        let mut schedule = schedule(
            &graph,
            &ScheduleOptions {
                device: if limits.is_some() { settings.device } else { DeviceChoice::Cpu },
                limits: limits.cloned(),
                cpu_costs: settings.cpu_costs.clone(),
                gpu_costs: settings.gpu_costs.clone(),
                fuse: context.options.fuse,
                resident: context.resident.clone(),
                keep: context.needed.iter().filter_map(|&n| image(n)).collect(),
                unfused: context.without.apart.clone(),
            },
        )?;
        let kept = kept(recorded, image, &schedule);
        let schedule_done = self.now();
        let lowered = self.lower_all(&graph, &mut schedule, limits);
        let spent = |from: Option<u64>, to: Option<u64>| from.zip(to).map_or(0, |(from, to)| to.saturating_sub(from));
        let times = PrepareTimes {
            plan: spent(began, plan_done),
            schedule: spent(plan_done, schedule_done),
            lower: spent(schedule_done, self.now()),
        };
        let scalars = HostScalars::new(&graph, &schedule.scalars, &graph.guards)?;
        let mut block_of = vec![None; schedule.values.len()];
        for (i, block) in schedule.blocks.iter().enumerate() {
            for v in &block.values {
                block_of[v.index()] = Some(i as u32);
            }
        }
        let on_host = schedule.blocks.iter().filter(|b| b.place == Place::Cpu);
        let total = on_host.fold(0u64, |n, b| n.saturating_add(b.bytes));
        if total > settings.memory_limit {
            return Err(Error::out_of_memory(format!(
                "this evaluation needs {total} bytes for its results and scratch; the limit is {}",
                settings.memory_limit
            )));
        }
        let work = work(&schedule);
        if work > settings.work_limit {
            return Err(Error::out_of_memory(format!(
                "this evaluation would take {work} steps of its inner loops; the limit is {}",
                settings.work_limit
            )));
        }
        let mut compiled = Vec::with_capacity(schedule.steps.len());
        for step in &schedule.steps {
            compiled.push(match step {
                // What is wrong with a group is for its run to say.
                Step::Run(group) if group.place == Place::Cpu => Compiled::new(group, &schedule.values).ok(),
                _ => None,
            });
        }
        let op = |n: &&Node| !n.operands.is_empty() && !matches!(n.op, Op::View(_));
        Ok(Prepared {
            plan: planned,
            planning,
            graph,
            schedule,
            lowered,
            compiled,
            costs: [settings.cpu_costs.clone(), settings.gpu_costs.clone()],
            n_ops: recorded.nodes.iter().filter(op).count() as u64,
            times,
            scalars,
            kept,
            block_of,
            quarantined: None,
            #[cfg(feature = "check")]
            first_slots: std::sync::OnceLock::new(),
        })
    }

    /// Kernels for every GPU group. A group that does not lower runs on the CPU, and says why.
    fn lower_all(&self, graph: &Graph, schedule: &mut Schedule, limits: Option<&Limits>) -> Vec<Option<Lowered>> {
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
            match lower(group, &schedule.values, &scalars, limits) {
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
}
