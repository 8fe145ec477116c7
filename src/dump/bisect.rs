//! Which rules and groups are at fault: a minimal set of them whose removal makes the results of a case right.
//!
//! In: a case, an engine, and a judge of results. Out: what must be removed. The search is delta debugging over what is removed, so
//! the set is minimal: putting any one of it back makes the results wrong again. This file knows no oracle; the caller judges.

use std::sync::Arc;

use crate::algorithms::minimal;
use crate::engine::{Engine, RunOptions, Without};
use crate::graph::{Case, NodeId};
use crate::types::HostBuffer;

/// The result of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Bisection {
    /// What was found.
    pub outcome: Outcome,
    /// How many runs it took.
    pub runs: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The results are right as they are.
    Right,
    /// The results are wrong without any rule and with every node by itself, for this reason: fusion is not at fault.
    WrongUnfused(String),
    /// Without these rules and with the nodes of these groups run one by one the results are right, and nothing less is enough.
    Culprits {
        /// Names of rules.
        rules: Vec<String>,
        /// Groups of the plan without those rules.
        groups: Vec<UnfusedGroup>,
    },
}

/// A group whose nodes must run one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfusedGroup {
    /// Its first line in dumps.
    pub name: String,
    /// Its nodes in the planned graph.
    pub nodes: Vec<NodeId>,
}

/// Decides whether the results of the roots are right, or says why not.
pub type Judge<'a> = dyn Fn(&[Arc<HostBuffer>]) -> Result<(), String> + 'a;

struct Search<'a> {
    engine: &'a Engine,
    case: &'a Case,
    judge: &'a Judge<'a>,
    runs: usize,
}

impl Search<'_> {
    /// A run that fails is as wrong as one that differs.
    fn wrong(&mut self, options: RunOptions, without: &Without) -> Result<(), String> {
        self.runs += 1;
        let Case { graph, leaves, slots } = self.case;
        let run = || self.engine.run_graph_without(graph.clone(), leaves.clone(), slots, options, without);
        let results = run().map_err(|e| e.to_string())?;
        (self.judge)(&results)
    }

    fn right(&mut self, rules: &[String], apart: &[NodeId]) -> bool {
        let without = Without { rules: rules.to_vec(), unfused: apart.to_vec() };
        self.wrong(RunOptions::default(), &without).is_ok()
    }

    /// The groups of more than one node in what ran last.
    fn groups(&self) -> Vec<UnfusedGroup> {
        let Some(ran) = self.engine.last_evaluation() else { return Vec::new() };
        let groups = ran.prepared.schedule.groups().filter(|g| g.nodes.len() > 1);
        let named = |g: &crate::schedule::Group| {
            let text = g.to_string();
            UnfusedGroup { name: text.lines().next().unwrap_or_default().to_owned(), nodes: g.nodes.clone() }
        };
        groups.map(named).collect()
    }

    /// Names of rules that the last plan holds.
    fn fired(&self) -> Vec<String> {
        let ran = self.engine.last_evaluation();
        let plan = ran.as_ref().and_then(|e| e.prepared.plan.as_ref());
        plan.map(|p| p.fired.iter().map(|f| f.rule.clone()).collect()).unwrap_or_default()
    }

    /// A minimal set of rules whose removal is enough while the nodes of `apart` run by themselves; `None` when even all are not.
    fn rules(&mut self, apart: &[NodeId]) -> Option<Vec<String>> {
        // A plan without the rules that fired may hold others in their place: then all rules are in question.
        let fired = self.fired();
        let all: Vec<String> = self.engine.rules().iter().map(|r| r.name.to_owned()).collect();
        let enough = [fired, all].into_iter().find(|names| !names.is_empty() && self.right(names, apart))?;
        Some(minimal(&enough, usize::MAX, &mut |names| !names.is_empty() && self.right(names, apart)))
    }

    /// A minimal set of groups to be taken apart while the rules of `without` are not used; `None` when even all are not enough.
    fn groups_to_part(&mut self, without: &[String]) -> Option<Vec<UnfusedGroup>> {
        if self.right(without, &[]) {
            return Some(Vec::new());
        }
        let groups = self.groups();
        let mut right = |some: &[UnfusedGroup]| {
            let nodes: Vec<NodeId> = some.iter().flat_map(|g| g.nodes.iter().copied()).collect();
            !some.is_empty() && self.right(without, &nodes)
        };
        right(&groups).then(|| minimal(&groups, usize::MAX, &mut right))
    }
}

/// Finds what must be left out for `judge` to accept the results. Runs the case at most some hundred times for usual plans, on
/// the engine's device.
#[must_use]
pub fn bisect(engine: &Engine, case: &Case, judge: &Judge<'_>) -> Bisection {
    let mut search = Search { engine, case, judge, runs: 0 };
    let outcome = outcome(&mut search);
    Bisection { outcome, runs: search.runs }
}

fn outcome(search: &mut Search<'_>) -> Outcome {
    if search.right(&[], &[]) {
        return Outcome::Right;
    }
    let plain = RunOptions { plan: false, fuse: false };
    if let Err(why) = search.wrong(plain, &Without::default()) {
        return Outcome::WrongUnfused(why);
    }
    search.right(&[], &[]);
    let rules = search.rules(&[]);
    let groups = search.groups_to_part(&[]);
    match (rules, groups) {
        // Either is enough: the smaller set says more, and of equal ones the rule, which is the smaller thing.
        (Some(rules), Some(groups)) if groups.len() < rules.len() => Outcome::Culprits { rules: Vec::new(), groups },
        (Some(rules), _) => Outcome::Culprits { rules, groups: Vec::new() },
        (None, Some(groups)) => Outcome::Culprits { rules: Vec::new(), groups },
        (None, None) => both(search),
    }
}

/// Neither rules nor groups alone: first rules with every node by itself, then groups of what is planned without those.
fn both(search: &mut Search<'_>) -> Outcome {
    search.right(&[], &[]);
    let n_nodes = search.engine.last_evaluation().map_or(0, |e| e.prepared.graph.nodes.len());
    // Plans with fewer rules have other nodes, hardly more of them; numbers beyond the last mean nothing.
    let everything: Vec<NodeId> = (0..4 * n_nodes as u32 + 64).map(NodeId).collect();
    let rules = if search.right(&[], &everything) { Some(Vec::new()) } else { search.rules(&everything) };
    let rules = rules.unwrap_or_else(|| search.engine.rules().iter().map(|r| r.name.to_owned()).collect());
    let groups = search.groups_to_part(&rules).unwrap_or_default();
    Outcome::Culprits { rules, groups }
}
