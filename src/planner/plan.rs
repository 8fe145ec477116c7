//! What planning takes and what it returns: [`PlanOptions`] and [`Plan`].

use std::sync::Arc;

use super::rule_set::Rules;
use super::rules::Class;
use crate::graph::{Graph, NodeId};
use crate::types::{CostTable, Numerics};

/// What a plan may use and what it minimises.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Which classes of rules.
    pub numerics: Numerics,
    /// What work costs where the plan will run.
    pub costs: CostTable,
    /// The rules.
    pub rules: Arc<Rules>,
}

impl PlanOptions {
    /// Standard numerics and the rules that come with the engine.
    #[must_use]
    pub fn new(costs: CostTable) -> Self {
        Self { numerics: Numerics::Standard, costs, rules: Rules::builtin().clone() }
    }
}

/// A rewritten graph and how it was found.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The graph to run: leaves, slots and root order of the input.
    pub graph: Graph,
    /// For every node of the input the node of the planned graph that computes its value, if there is one: equal in every bit
    /// in Strict mode, equal up to the classes of the rules used otherwise. Shape and dtype are those of the input's node.
    /// A node inside a kernel computes a value without storing it. Indexed by the input's nodes, so it holds for every
    /// graph with the same plan key.
    pub image: Vec<Option<NodeId>>,
    /// Rules whose right sides are in the plan, in the order of the rule files.
    pub fired: Vec<Fired>,
    /// Whether the rules had nothing more to add.
    pub saturated: bool,
    /// Rounds of matching.
    pub rounds: usize,
    /// How many e-graphs were saturated.
    pub egg_runs: usize,
    /// Terms in the e-graph when extraction begins, attributes (axes, extents) included. Terms that `prune` removed before
    /// are not counted.
    pub terms: usize,
    /// Right sides that would have changed a shape or a dtype and were not added.
    pub refused_by_guard: usize,
    /// Why the input graph was returned unchanged, if it was.
    pub fallback: Option<String>,
}

/// A rule in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Its name.
    pub rule: String,
    /// Its class.
    pub class: Class,
    /// How many terms of the plan it gave.
    pub count: usize,
    /// Nodes of the planned graph that compute them.
    pub nodes: Vec<NodeId>,
}

impl Plan {
    /// A plan that runs a graph as it was written, before anything was counted.
    pub(super) fn unchanged(graph: &Graph) -> Self {
        Self {
            graph: graph.clone(),
            image: graph.ids().map(Some).collect(),
            fired: Vec::new(),
            saturated: true,
            rounds: 0,
            egg_runs: 0,
            terms: 0,
            refused_by_guard: 0,
            fallback: None,
        }
    }

    /// Bytes of memory that the plan occupies.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let fired = |f: &Fired| size_of::<Fired>() + f.rule.capacity() + f.nodes.capacity() * size_of::<NodeId>();
        self.graph.bytes()
            + self.image.capacity() * size_of::<Option<NodeId>>()
            + self.fired.iter().map(fired).sum::<usize>()
            + self.fallback.as_ref().map_or(0, String::capacity)
    }

    /// The weakest class among the rules in the plan, in the order of [`Class::ALL`]; `exact` for a plan without rules.
    #[must_use]
    pub fn weakest(&self) -> Class {
        self.fired.iter().map(|f| f.class).max().unwrap_or(Class::Exact)
    }
}
