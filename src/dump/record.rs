//! The record of a plan that ran: rules, groups, refusals, memory, kernels, and what each step costs at least.
//!
//! In: a prepared plan, whose parts are the objects that ran. Out: plain data for the dump and the pages made from it.
//! Nothing here is needed to run a graph again; it says what to expect.

use super::work::{Work, of_group};
use crate::engine::{PrepareTimes, Prepared};
use crate::graph::{Graph, NodeId};
use crate::schedule::{Block, Group, Lifetime, Place, Refusal, Step, Value, ValueId};
use crate::types::Shape;

/// How a recorded graph was planned, scheduled and lowered.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What the planner did; `None` with the planner off.
    pub plan: Option<PlanRecord>,
    /// The graph that ran.
    pub graph: Graph,
    /// Stored values.
    pub values: Vec<Value>,
    /// Scalars computed on the host at the start.
    pub scalars: Vec<NodeId>,
    /// The steps, in order.
    pub steps: Vec<StepRecord>,
    /// The value of each root.
    pub roots: Vec<ValueId>,
    /// For each value the first and the last step that need it in memory.
    pub lifetimes: Vec<Lifetime>,
    /// The memory plan.
    pub blocks: Vec<Block>,
    /// Fusions that did not happen.
    pub refusals: Vec<Refusal>,
    /// The cost tables behind the rooflines of the groups: a line for each kind of device that ran one; empty where unknown.
    pub costs: Vec<String>,
    /// How long planning, scheduling and lowering took; zeros where that was not measured.
    pub times: PrepareTimes,
}

/// What the planner did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanRecord {
    /// For each recorded node the node of the graph that ran which computes its value.
    pub image: Vec<Option<NodeId>>,
    /// Rules whose right sides are in the plan.
    pub fired: Vec<FiredRecord>,
    /// Whether the rules had nothing more to add.
    pub saturated: bool,
    /// Rounds of matching.
    pub rounds: usize,
    /// Terms in the e-graph at the end.
    pub terms: usize,
    /// Why the graph was kept as written, if it was.
    pub fallback: Option<String>,
    /// How recorded nodes came to be computed as they were: those that are not computed as they were written.
    pub why: Vec<WhyRecord>,
    /// Why `why` is missing, if it is.
    pub unproved: Option<String>,
}

/// How a recorded node came to be computed as it was. What its operands became is left to their own entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhyRecord {
    /// The recorded node.
    pub node: u32,
    /// The node of the graph that ran.
    pub image: u32,
    /// The weakest class in its whole proof.
    pub weakest: String,
    /// The term that was written.
    pub written: String,
    /// The term that ran.
    pub runs: String,
    /// The steps from one to the other.
    pub steps: Vec<WhyStep>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhyStep {
    /// The rule, or in words what the planner did by itself.
    pub rule: String,
    /// Its class; empty for what another entry says.
    pub class: String,
    /// Whether the rule is read from its right side to its left.
    pub backwards: bool,
    /// Where in the term; empty for the whole of it.
    pub place: String,
    /// The part of the term there.
    pub before: String,
    /// What it became.
    pub after: String,
}

/// A rule in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiredRecord {
    /// Its name.
    pub rule: String,
    /// Its numerics class.
    pub class: String,
    /// How many terms of the plan it gave.
    pub count: usize,
    /// The nodes that compute them.
    pub nodes: Vec<NodeId>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// Host memory to the device.
    Upload,
    /// Device memory to the host.
    Readback,
    /// A group.
    Group,
    /// A library routine.
    Host,
    /// An empty array.
    Empty,
    /// A value is not used any more.
    Free,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// What it does.
    pub kind: StepKind,
    /// The values read, each once; what is freed for a step that frees.
    pub reads: Vec<ValueId>,
    /// The values written.
    pub writes: Vec<ValueId>,
    /// The nodes computed.
    pub nodes: Vec<NodeId>,
    /// Why here, if there is something to say.
    pub reason: String,
    /// What the step is, if it is a group.
    pub group: Option<GroupRecord>,
}

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRecord {
    /// Its name in dumps is `g` and this number.
    pub id: u32,
    /// `map`, `rows`, `gemm`, `syrk` or `scan`.
    pub core: String,
    /// Where it runs.
    pub place: Place,
    /// Its domain.
    pub domain: Shape,
    /// Its programs as text.
    pub program: String,
    /// What it costs.
    pub work: Work,
    /// Its kernels on a GPU.
    pub kernels: Vec<KernelRecord>,
}

/// A kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelRecord {
    /// Its name.
    pub label: String,
    /// Workgroups along x, y, z.
    pub workgroups: [u32; 3],
    /// The whole module.
    pub wgsl: String,
}

impl Record {
    /// The record of a prepared plan, without proofs.
    #[must_use]
    pub fn of(prepared: &Prepared) -> Self {
        let schedule = &prepared.schedule;
        let costs = [Place::Cpu, Place::Gpu].into_iter().zip(&prepared.costs);
        let used = costs.filter(|(place, _)| schedule.groups().any(|g| g.place == *place));
        Self {
            plan: PlanRecord::of(prepared),
            graph: prepared.graph.clone(),
            values: schedule.values.clone(),
            scalars: schedule.scalars.clone(),
            steps: steps(prepared),
            roots: schedule.roots.clone(),
            lifetimes: schedule.lifetimes.clone(),
            blocks: schedule.blocks.clone(),
            refusals: schedule.refusals.clone(),
            costs: used.map(|(_, costs)| costs.to_string()).collect(),
            times: prepared.times,
        }
    }

    /// For each node of the graph that ran, the recorded nodes whose value it computes.
    #[must_use]
    pub fn sources(&self, recorded: &Graph) -> Vec<Vec<NodeId>> {
        let mut sources = vec![Vec::new(); self.graph.nodes.len()];
        for id in recorded.ids() {
            let image = match &self.plan {
                Some(plan) => plan.image.get(id.index()).copied().flatten(),
                None => Some(id),
            };
            if let Some(image) = image.filter(|i| i.index() < sources.len()) {
                sources[image.index()].push(id);
            }
        }
        sources
    }

    /// Bytes of the blocks of one side that hold a value during a step.
    pub(super) fn bytes_in_use(&self, step: usize, place: Place) -> u64 {
        let live = |v: &ValueId| {
            self.lifetimes.get(v.index()).is_some_and(|l| l.from as usize <= step && step <= l.to as usize)
        };
        self.blocks.iter().filter(|b| b.place == place && b.values.iter().any(live)).map(|b| b.bytes).sum()
    }

    /// A step in a few words.
    pub(super) fn step_name(&self, step: usize) -> String {
        let s = &self.steps[step];
        let value = |list: &[ValueId]| list.first().map_or_else(String::new, |v| format!(" {v}"));
        match (s.kind, &s.group) {
            (_, Some(g)) => format!("g{} {}", g.id, g.core),
            (StepKind::Upload, _) => format!("upload{}", value(&s.reads)),
            (StepKind::Readback, _) => format!("readback{}", value(&s.reads)),
            (StepKind::Free, _) => format!("free{}", value(&s.reads)),
            (StepKind::Empty, _) => format!("empty{}", value(&s.writes)),
            (StepKind::Host | StepKind::Group, _) => {
                let names: Vec<&str> = s.nodes.iter().map(|&n| self.graph.node(n).op.name()).collect();
                format!("host {}", names.join(" "))
            }
        }
    }

    /// The groups with the numbers of their steps.
    pub fn groups(&self) -> impl Iterator<Item = (usize, &StepRecord, &GroupRecord)> {
        self.steps.iter().enumerate().filter_map(|(i, s)| s.group.as_ref().map(|g| (i, s, g)))
    }
}

impl PlanRecord {
    fn of(prepared: &Prepared) -> Option<Self> {
        let plan = prepared.plan.as_ref()?;
        let fired = plan.fired.iter().map(|f| FiredRecord {
            rule: f.rule.clone(),
            class: f.class.to_string(),
            count: f.count,
            nodes: f.nodes.clone(),
        });
        Some(Self {
            image: plan.image.clone(),
            fired: fired.collect(),
            saturated: plan.saturated,
            rounds: plan.rounds,
            terms: plan.terms,
            fallback: plan.fallback.clone(),
            why: Vec::new(),
            unproved: None,
        })
    }
}

fn steps(prepared: &Prepared) -> Vec<StepRecord> {
    let both = prepared.schedule.steps.iter().zip(&prepared.lowered);
    let of_step = both.map(|(step, lowered)| {
        let kernels = lowered.iter().flat_map(|l| &l.kernels).map(|k| KernelRecord {
            label: k.label.clone(),
            workgroups: k.workgroups,
            wgsl: k.wgsl.to_string(),
        });
        StepRecord::of(step, prepared, kernels.collect())
    });
    of_step.collect()
}

impl StepRecord {
    fn of(step: &Step, prepared: &Prepared, kernels: Vec<KernelRecord>) -> Self {
        let new = |kind, reads: &[ValueId], writes: &[ValueId]| Self {
            kind,
            reads: reads.to_vec(),
            writes: writes.to_vec(),
            nodes: Vec::new(),
            reason: String::new(),
            group: None,
        };
        match step {
            Step::Upload(v) => new(StepKind::Upload, &[*v], &[]),
            Step::Readback(v) => new(StepKind::Readback, &[*v], &[]),
            Step::Empty(v) => new(StepKind::Empty, &[], &[*v]),
            Step::Free(v) => new(StepKind::Free, &[*v], &[]),
            Step::Host { nodes, inputs, outputs, reason } => {
                Self { nodes: nodes.clone(), reason: reason.clone(), ..new(StepKind::Host, inputs, outputs) }
            }
            Step::Run(group) => {
                let mut reads: Vec<ValueId> = crate::engine::loads(group).map(|l| l.value).collect();
                reads.sort_unstable();
                reads.dedup();
                let writes: Vec<ValueId> = group.stores.iter().map(|s| s.value).collect();
                Self {
                    nodes: group.nodes.clone(),
                    reason: group.reason.clone(),
                    group: Some(group_record(group, prepared, kernels)),
                    ..new(StepKind::Group, &reads, &writes)
                }
            }
        }
    }
}

fn group_record(group: &Group, prepared: &Prepared, kernels: Vec<KernelRecord>) -> GroupRecord {
    let costs = &prepared.costs[usize::from(group.place == Place::Gpu)];
    GroupRecord {
        id: group.id,
        core: group.core.name().to_owned(),
        place: group.place,
        domain: group.domain.clone(),
        // The first line names what the other fields say.
        program: group
            .to_string()
            .lines()
            .skip(1)
            .map(|l| l.strip_prefix("   ").unwrap_or(l))
            .fold(String::new(), |text, line| text + line + "\n"),
        work: of_group(&prepared.schedule, group, costs),
        kernels,
    }
}
