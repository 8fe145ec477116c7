//! From a wrong result to what computed it: the first node that diverges, and the rule, group or operation at fault.
//!
//! The pipeline is run again with stages left out. What is wrong without planner and fusion is the fault of an operation; what is
//! wrong with fusion alone is the fault of a group, found by comparing everything the run stored; what is wrong only with the planner
//! is the fault of a group if the planned graph is right node by node, else that of a rule without which the plan is right, or of a
//! minimal set of rules that make a wrong plan.

use std::sync::Arc;

use super::allowance::Allowance;
use super::compare::{Mismatch, Tally, as_it_ran, compare, rebracketed, rebrackets};
use super::oracle::{evaluate, evaluate_over, numbers_only};
use super::report::{Blame, BlamedRule, Divergence, Tolerance};
use super::runs::caught;
use super::tensor::Tensor;
use crate::algorithms::minimal;
use crate::engine::{Engine, Evaluation, RunOptions, Trace};
use crate::graph::{Case, Graph, NodeId};
use crate::planner::{PlanOptions, Rules, plan};
use crate::schedule::Step;
use crate::types::{HostBuffer, Numerics};

/// Largest graph of which every prefix is tried; of a larger one only what the wrong group computes.
const MOST_PREFIXES: usize = 300;
/// Sets of rules that are tried at most.
const MOST_REMOVALS: usize = 200;

/// One way to run a case, with what it may get wrong.
#[derive(Clone, Copy)]
pub(super) struct Probe<'a> {
    pub(super) engine: &'a Engine,
    pub(super) options: RunOptions,
    pub(super) allow: Allowance,
    /// Whether rules that change domain, range or accuracy may have been used.
    pub(super) approximate: bool,
}

/// What is wrong with a run.
pub(super) enum Wrong {
    /// A root's value.
    Value(usize, Box<Mismatch>),
    /// It failed.
    Failure(String),
}

impl<'a> Probe<'a> {
    pub(super) fn new(engine: &'a Engine, options: RunOptions) -> Self {
        let mode = engine.numerics();
        let planned = options.plan && mode != Numerics::Strict;
        let allow = Allowance::new(engine.device_name().is_some(), planned);
        let allow = if mode == Numerics::Fast { allow.in_fast_mode() } else { allow };
        Self { engine, options, allow, approximate: options.plan && mode == Numerics::Fast }
    }

    /// The same engine with other stages left out.
    pub(super) fn with(self, options: RunOptions) -> Self {
        Self::new(self.engine, options)
    }

    /// What is known of every recorded node; where approximate rules may be used, over the reals.
    pub(super) fn known(&self, case: &Case) -> Result<Vec<Tensor>, Wrong> {
        let known = match self.approximate {
            true => evaluate_over(&case.graph, case, Allowance::REALS, numbers_only),
            false => evaluate(case, self.allow),
        };
        known.map_err(|e| Wrong::Failure(e.to_string()))
    }

    /// What is known of every node of a graph that ran.
    fn known_of_ran(&self, ran: &Graph, case: &Case) -> Result<Vec<Tensor>, Wrong> {
        let known = match self.approximate {
            true => evaluate_over(ran, case, Allowance { planned: false, ..self.allow }, numbers_only),
            false => evaluate_over(ran, case, self.allow, |_| {}),
        };
        known.map_err(|e| Wrong::Failure(e.to_string()))
    }

    /// Compares the roots of the engine's last run with what is known of the recorded graph.
    pub(super) fn compare_roots(
        &self,
        case: &Case,
        known: &[Tensor],
        given: &[Arc<HostBuffer>],
    ) -> Result<Tally, Wrong> {
        let last = self.engine.last_evaluation();
        let ran = match &last {
            Some(ran) if self.approximate => Some(self.known_roots_of_ran(ran, case)?),
            _ => None,
        };
        let mut total = Tally::default();
        for (i, (root, given)) in case.graph.roots.iter().zip(given).enumerate() {
            let known = &known[root.index()];
            let mut result = match &ran {
                Some(ran) => compare(&as_it_ran(known, &ran[i]), given),
                None => compare(known, given),
            };
            // Rare, so asked only when it matters: products bracketed otherwise may overflow or underflow midway.
            if let (Err(_), None, Some(last)) = (&result, &ran, &last)
                && last.prepared.plan.as_ref().is_some_and(rebrackets)
            {
                result = compare(&rebracketed(known, &self.known_roots_of_ran(last, case)?[i]), given);
            }
            total.add(result.map_err(|m| Wrong::Value(i, m))?);
        }
        Ok(total)
    }

    /// What is known of the roots of the graph of an evaluation.
    fn known_roots_of_ran(&self, ran: &Evaluation, case: &Case) -> Result<Vec<Tensor>, Wrong> {
        let graph = &ran.prepared.graph;
        let known = self.known_of_ran(graph, case)?;
        Ok(graph.roots.iter().map(|r| known[r.index()].clone()).collect())
    }

    /// The tolerance behind a mismatch.
    pub(super) fn tolerance(&self, case: &Case, node: NodeId, mismatch: &Mismatch) -> Tolerance {
        if self.approximate {
            return Tolerance::as_it_ran(mismatch);
        }
        Tolerance::of(case, node, mismatch.index, &self.known(case).unwrap_or_default(), self.allow)
    }

    /// Runs a case.
    pub(super) fn run(&self, case: &Case) -> Result<Vec<Arc<HostBuffer>>, Wrong> {
        caught(self.engine, case, self.options).map_err(|e| Wrong::Failure(e.to_string()))
    }

    /// Runs a case and compares all roots.
    pub(super) fn fault(&self, case: &Case) -> Result<Tally, Wrong> {
        let known = self.known(case)?;
        self.compare_roots(case, &known, &self.run(case)?)
    }

    fn fails(&self, case: &Case) -> bool {
        self.fault(case).is_err()
    }

    /// The divergence behind what went wrong.
    pub(super) fn diagnose(&self, case: &Case, wrong: Wrong) -> Divergence {
        let (root, mismatch) = match wrong {
            Wrong::Value(root, mismatch) => (root, *mismatch),
            Wrong::Failure(why) => return self.failure(case, why),
        };
        let plain = self.with(RunOptions { plan: false, fuse: false });
        let fused = self.with(RunOptions { plan: false, fuse: true });
        let one = |b| RunOptions { plan: b, fuse: false };
        let (probe, blame, inside) = if plain.fails(case) {
            let (node, _) = plain.first(case, &[]).unwrap_or((case.graph.roots[root], mismatch.clone()));
            let text = plain.made_by(&case.with_roots(&[node]));
            (plain, Blame::Operation(text), Vec::new())
        } else if self.options.fuse && fused.fails(case) {
            let (blame, inside) = fused.group(case);
            (fused, blame, inside)
        } else if !self.options.plan {
            (*self, Blame::Together, Vec::new())
        } else if self.with(one(true)).fails(case) {
            (*self, self.rules(case), Vec::new())
        } else {
            let (blame, inside) = self.group(case);
            (*self, blame, inside)
        };
        let (node, mismatch) = probe.first(case, &inside).unwrap_or((case.graph.roots[root], mismatch));
        let tolerance = probe.tolerance(case, node, &mismatch);
        Divergence { case: case.clone(), root, node, mismatch, tolerance, blame }
    }

    fn failure(&self, case: &Case, why: String) -> Divergence {
        let fails = |id: &NodeId| matches!(self.fault(&case.with_roots(&[*id])), Err(Wrong::Failure(_)));
        let node = case.graph.ids().take(MOST_PREFIXES).find(fails).unwrap_or(case.graph.roots[0]);
        let root = case.graph.roots.iter().position(|r| *r == node).unwrap_or(0);
        let mismatch = Mismatch { index: 0, given: None, expected: None, note: why.clone() };
        let tolerance = Tolerance::default();
        Divergence { case: case.clone(), root, node, mismatch, tolerance, blame: Blame::Failure(why) }
    }

    /// The first node that diverges when it is the only root; failing that, when it is an additional root. `only` are
    /// the nodes to try; all of them when it is empty.
    fn first(&self, case: &Case, only: &[NodeId]) -> Option<(NodeId, Mismatch)> {
        let all: Vec<NodeId> = if only.is_empty() { case.graph.ids().collect() } else { only.to_vec() };
        if all.len() > MOST_PREFIXES {
            return None;
        }
        let wrong = |id: NodeId, roots: &[NodeId]| match self.fault(&case.with_roots(roots)) {
            Err(Wrong::Value(0, m)) => Some((id, *m)),
            _ => None,
        };
        let alone = all.iter().find_map(|&id| wrong(id, &[id]));
        alone.or_else(|| {
            all.iter().find_map(|&id| {
                let mut roots = vec![id];
                roots.extend(&case.graph.roots);
                wrong(id, &roots)
            })
        })
    }

    fn trace(&self, case: &Case) -> Option<Trace> {
        self.engine.trace_graph(case, self.options).ok()
    }

    /// The group that stored the first wrong value, and the recorded nodes it computes.
    fn group(&self, case: &Case) -> (Blame, Vec<NodeId>) {
        let Some(trace) = self.trace(case) else { return (Blame::Together, Vec::new()) };
        let (graph, schedule) = (&trace.prepared.graph, &trace.prepared.schedule);
        let Ok(known) = self.known_of_ran(graph, case) else { return (Blame::Together, Vec::new()) };
        let differs = |t: &&crate::engine::Traced| {
            let node = schedule.value(t.value).node;
            compare(&known[node.index()], &t.data).is_err()
        };
        let Some(wrong) = trace.stored.iter().find(differs) else { return (Blame::Together, Vec::new()) };
        let step = &schedule.steps[wrong.step];
        let (nodes, text) = match step {
            Step::Run(group) => (group.nodes.clone(), group.to_string()),
            Step::Host { nodes, .. } => (nodes.clone(), format!("host step of {nodes:?}")),
            _ => (Vec::new(), String::new()),
        };
        let fired = trace.prepared.plan.iter().flat_map(|p| &p.fired);
        let of_group = |f: &&crate::planner::Fired| f.nodes.iter().any(|n| nodes.contains(n));
        let rules = fired.filter(of_group).map(|f| f.rule.clone()).collect();
        let inside = match &trace.prepared.plan {
            Some(plan) => case
                .graph
                .ids()
                .filter(|id| plan.image.get(id.index()).copied().flatten().is_some_and(|i| nodes.contains(&i)))
                .collect(),
            None => nodes,
        };
        (Blame::Group { text, rules }, inside)
    }

    /// How the only step of a graph of one operation ran.
    fn made_by(&self, case: &Case) -> String {
        let Some(trace) = self.trace(case) else { return String::new() };
        let last = trace.prepared.schedule.steps.iter().rev().find_map(|s| match s {
            Step::Run(group) => Some(group.to_string()),
            Step::Host { nodes, .. } => Some(format!("host step of {nodes:?}")),
            _ => None,
        });
        last.unwrap_or_default()
    }

    /// The rules behind a plan whose nodes, one by one, give something else: one that fired and without which the plan is right;
    /// else a minimal set of all rules that by themselves still make a wrong plan: none of it can be left out.
    fn rules(&self, case: &Case) -> Blame {
        let all = self.engine.rules();
        let Some(fired) = self.wrong_plan(case, all) else { return Blame::Together };
        let right_without = |name: &str| self.wrong_plan(case, &all.without(&[name])).is_none();
        if let Some(rule) = fired.iter().find(|f| right_without(&f.name)) {
            return Blame::Rules(vec![rule.clone()]);
        }
        let everything: Vec<&str> = all.iter().map(|r| r.name).collect();
        let names = minimal(&everything, MOST_REMOVALS, &mut |some| {
            let others: Vec<&str> = everything.iter().copied().filter(|n| !some.contains(n)).collect();
            !some.is_empty() && self.wrong_plan(case, &all.without(&others)).is_some()
        });
        let named = all.iter().filter(|r| names.contains(&r.name));
        Blame::Rules(named.map(|r| BlamedRule { name: r.name.to_string(), class: r.class }).collect())
    }

    /// The rules that fired in a plan by these rules, if that plan is wrong node by node.
    fn wrong_plan(&self, case: &Case, rules: &Rules) -> Option<Vec<BlamedRule>> {
        let options = PlanOptions {
            numerics: self.engine.numerics(),
            rules: Arc::new(rules.clone()),
            ..PlanOptions::new(self.engine.costs().clone())
        };
        let planned = plan(&case.graph, &options);
        let on_plan = case.with_graph(planned.graph);
        let known = self.known(case).ok()?;
        let given = caught(self.engine, &on_plan, RunOptions { plan: false, fuse: false });
        let right = given.is_ok_and(|given| self.compare_roots(case, &known, &given).is_ok());
        (!right).then(|| planned.fired.iter().map(BlamedRule::of).collect())
    }
}
