//! A plan with the terms of its nodes and every equality that planning found between them.

use egg::Id;
use hashbrown::HashMap;

use super::closure::Closure;
use super::replay::Replay;
use crate::graph::Graph;
use crate::planner::decode::stored;
use crate::planner::encode::encode_into;
use crate::planner::knowledge::{Knowledge, Terms};
use crate::planner::language::{ENode, EOp};
use crate::planner::plan::{Plan, PlanOptions};
use crate::planner::planning::{PlanTrace, plan_traced};
use crate::planner::rule_set::Rules;

/// What all proofs of one plan are made from.
pub(super) struct ReplayedPlan {
    /// The recorded graph.
    pub(super) graph: Graph,
    pub(super) plan: Plan,
    pub(super) closure: Closure,
    /// The terms of the recorded nodes.
    pub(super) recorded: Vec<Id>,
    /// By recorded node: the terms that extraction may have chosen for it.
    pub(super) chosen: Vec<Vec<Id>>,
    /// The terms of the plan's nodes.
    pub(super) planned: Vec<Id>,
}

impl ReplayedPlan {
    /// Plans a graph and replays what planning did.
    pub(super) fn of(graph: &Graph, options: &PlanOptions) -> Self {
        let (plan, trace) = plan_traced(graph, options);
        let mut replayed = match trace {
            Some(trace) => Self::replay(graph, plan, &trace, &options.rules),
            None => Self::as_written(graph, plan),
        };
        replayed.planned = encode_into(&mut replayed.closure.terms, &replayed.plan.graph);
        replayed.closure.take_in();
        replayed
    }

    /// A graph that was returned as written: nothing is known to be equal, and each node was chosen for itself.
    fn as_written(graph: &Graph, plan: Plan) -> Self {
        let mut terms = Terms::new(Knowledge::of(graph.leaves.clone(), graph.slots.clone()));
        let recorded = encode_into(&mut terms, graph);
        let chosen = recorded.iter().map(|&id| vec![id]).collect();
        let closure = Closure::new(terms);
        Self { graph: graph.clone(), plan, closure, recorded, chosen, planned: Vec::new() }
    }

    fn replay(graph: &Graph, plan: Plan, trace: &PlanTrace, rules: &Rules) -> Self {
        let mut replay = Replay::new(&trace.encoded, rules);
        let recorded: Vec<Id> = trace.encoded.of_node.iter().map(|&id| replay.term(id)).collect();
        for entry in &trace.journal {
            replay.apply(entry);
        }
        debug_assert!(replay.failed == 0, "{} rules could not be applied again", replay.failed);
        let chosen = chosen(&mut replay, trace);
        Self { graph: graph.clone(), plan, closure: replay.closure, recorded, chosen, planned: Vec::new() }
    }
}

/// By recorded node: the terms that extraction may have chosen for it.
fn chosen(replay: &mut Replay<'_>, trace: &PlanTrace) -> Vec<Vec<Id>> {
    let terms = &trace.encoded.terms;
    let mut kernels: HashMap<Id, Vec<Id>> = HashMap::new();
    let mut ids: Vec<Id> = terms.classes().map(|c| c.id).collect();
    ids.sort_unstable();
    for id in ids {
        if let Some(class) = stored(terms, id) {
            kernels.entry(class).or_default().push(id);
        }
    }
    let mut chosen = Vec::with_capacity(trace.encoded.of_node.len());
    for &id in &trace.encoded.of_node {
        let class = terms.find(id);
        let mut all: Vec<Id> = replay.chosen(&trace.extraction, class).into_iter().collect();
        // A value that stays in registers was chosen as its kernel.
        for &kernel in kernels.get(&class).into_iter().flatten() {
            if let Some(kernel) = replay.chosen(&trace.extraction, kernel) {
                all.push(replay.closure.add(ENode::new(EOp::Run, [kernel])));
            }
        }
        chosen.push(all);
    }
    chosen
}
