//! The planner: rewrites a graph by rules kept as data, in an e-graph, and picks the cheapest equal one.
//!
//! In goes a [`Graph`] and a cost table; out comes a graph of the same roots, with the rules that fired.
//! It knows no device, no kernel text and no buffer. Planning cannot fail: out of budget gives the input back.

mod chain;
mod check;
mod cost;
mod decode;
mod encode;
mod extract;
#[cfg(test)]
mod extract_tests;
mod facts;
mod index;
mod instances;
mod kernels;
mod language;
mod matching;
mod proof;
mod prune;
mod recover;
mod regions;
mod rules;
mod saturate;
mod structure;
#[cfg(test)]
mod tests;
mod views;

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::types::{CostTable, Fault, Numerics, seeded};

pub use check::{Case, Input, Operator, RuleCheck, VariableSort, Wanted, expressions};
#[cfg(feature = "check")]
pub use instances::Instance;
pub use proof::{Proof, ProofStep, Prover, why};
pub use rules::{Class, Phase, RuleInfo, Rules};

/// What a plan may use and what it minimises.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Which classes of rules.
    pub numerics: Numerics,
    /// What work costs where the plan will run.
    pub costs: CostTable,
    /// Whether rules of class `rescales` may be used in Standard mode under run-time guards.
    pub allow_rescale: bool,
    /// The rules.
    pub rules: Arc<Rules>,
}

impl PlanOptions {
    /// Standard numerics and the rules that come with the engine.
    #[must_use]
    pub fn new(costs: CostTable) -> Self {
        Self { numerics: Numerics::Standard, costs, allow_rescale: true, rules: Rules::builtin().clone() }
    }
}

/// A rewritten graph and how it came about.
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
    pub iterations: usize,
    /// E-graphs that were saturated for it.
    pub egg_runs: usize,
    /// Terms in the e-graph at the end: all that extraction could choose from, attributes (axes, extents) included. Terms that
    /// were of use on the way and can be in no plan are taken out before (see `prune`).
    pub enodes: usize,
    /// Right sides that would have changed a shape or a dtype and were not added.
    pub refused_by_guard: usize,
    /// Why the input graph was given back unchanged, if it was.
    pub fallback: Option<String>,
}

impl Plan {
    /// Bytes of memory the plan holds on to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let fired = |f: &Fired| size_of::<Fired>() + f.rule.capacity() + f.nodes.capacity() * size_of::<NodeId>();
        self.graph.bytes()
            + self.image.capacity() * size_of::<Option<NodeId>>()
            + self.fired.iter().map(fired).sum::<usize>()
            + self.fallback.as_ref().map_or(0, String::capacity)
    }
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

/// Rewrites a graph. Shapes, dtypes and order of the roots stay. The result depends on the arguments only, never on time.
#[must_use]
pub fn plan(graph: &Graph, options: &PlanOptions) -> Plan {
    plan_by(graph, options, &|_| false, None)
}

/// The place of a seeded fault.
fn exchange_roots(graph: &mut Graph) {
    if let [a, b, ..] = graph.roots[..]
        && seeded(Fault::RootsExchanged)
        && graph.node(a).shape == graph.node(b).shape
        && graph.node(a).dtype == graph.node(b).dtype
    {
        graph.roots.swap(0, 1);
    }
}

/// As [`plan`]; where an `insisted` rule applies, its left side is avoided whatever that costs. A `trace` is given what proofs need.
fn plan_by(
    graph: &Graph,
    options: &PlanOptions,
    insisted: &dyn Fn(&rules::Rule) -> bool,
    trace: Option<&mut proof::Trace>,
) -> Plan {
    let mut plan = Plan {
        graph: graph.clone(),
        image: graph.ids().map(Some).collect(),
        fired: Vec::new(),
        saturated: true,
        iterations: 0,
        egg_runs: 0,
        enodes: 0,
        refused_by_guard: 0,
        fallback: None,
    };
    // A proof is about one e-graph.
    let chosen = if regions::too_large(graph) && trace.is_none() {
        regions::by_regions(graph, &mut |region, promises| whole(region, promises, options, insisted, &mut plan, None))
    } else {
        whole(graph, Vec::new(), options, insisted, &mut plan, trace).map(|part| {
            plan.fallback = part.given_up;
            part.decoded
        })
    };
    if plan.fallback.is_some() {
        return plan;
    }
    match chosen.map_err(|e| e.message().to_string()).and_then(|decoded| finish(graph, decoded, options)) {
        Ok((planned, image, fired)) => {
            plan.graph = planned;
            exchange_roots(&mut plan.graph);
            plan.image = image;
            plan.fired = fired;
        }
        Err(why) => {
            debug_assert!(false, "planner: {why}\n{graph}");
            tracing::warn!(%why, "planning fell back to the graph as written");
            plan.fallback = Some(why);
        }
    }
    plan
}

/// Plans a graph in one piece: the chosen terms as a graph, and what is known of its roots. Over budget the graph comes back as it
/// was, with the reason. Counts go into `plan`.
fn whole(
    graph: &Graph,
    promises: Vec<facts::LeafPromise>,
    options: &PlanOptions,
    insisted: &dyn Fn(&rules::Rule) -> bool,
    plan: &mut Plan,
    trace: Option<&mut proof::Trace>,
) -> Result<regions::Part> {
    let mut encoded = encode::encode(graph, promises);
    encoded.terms.analysis.costs = Some(options.costs.clone());
    let budget = saturate::Budget::of(encoded.terms.total_number_of_nodes());
    let (rules, journal) = (&options.rules, trace.is_some());
    let run = saturate::saturate(&mut encoded.terms, rules, options.numerics, options.allow_rescale, budget, journal);
    plan.egg_runs += 1;
    plan.saturated &= run.saturated;
    plan.iterations = plan.iterations.max(run.rounds);
    plan.refused_by_guard += run.refused;
    let promises = encoded.promises(graph);
    if run.exhausted {
        plan.enodes += encoded.terms.total_number_of_nodes();
        let given_up = Some(format!("more than {} terms after {} rounds", budget.terms, run.rounds));
        return Ok(regions::Part { decoded: decode::Decoded::unchanged(graph), promises, given_up });
    }
    let rules = options.rules.all();
    let improved = |a: &&saturate::Applied| {
        let rule = &rules[a.rule];
        rule.class(a.dtype) == Some(Class::Improves) || insisted(rule)
    };
    let outdone = run.applied.iter().filter(improved).map(|a| encoded.canonical(&a.left)).collect();
    let guarded: Vec<_> = run.applied.iter().flat_map(|a| &a.guards).copied().collect();
    prune::dominated(&mut encoded.terms, &options.costs, &outdone, &guarded);
    plan.enodes += encoded.terms.total_number_of_nodes();
    let choice = extract::extract(&encoded, &options.costs, &outdone)
        .ok_or_else(|| Error::internal("the roots could not be computed from the leaves"))?;
    let decoded = decode::decode(graph, &encoded, &choice, &run.applied)?;
    if let Some(trace) = trace {
        *trace = proof::Trace { chosen: Some((encoded, choice)), journal: run.journal.unwrap_or_default() };
    }
    Ok(regions::Part { decoded, promises, given_up: None })
}

/// The planned graph, the images of the input's nodes in it, and the rules in it.
type Chosen = (Graph, Vec<Option<NodeId>>, Vec<Fired>);

/// Forms the kernels of what was chosen for a graph and checks it.
fn finish(graph: &Graph, mut decoded: decode::Decoded, options: &PlanOptions) -> std::result::Result<Chosen, String> {
    let rules = options.rules.all();
    kernels::form(&mut decoded);
    let planned = &decoded.graph;
    for (a, b) in graph.roots.iter().zip(&planned.roots) {
        let (a, b) = (graph.node(*a), planned.node(*b));
        if a.shape != b.shape || a.dtype != b.dtype {
            return Err(format!("a root of {}{} became {}{}", a.dtype, a.shape, b.dtype, b.shape));
        }
    }
    planned.verify().map_err(|e| e.message().to_string())?;
    for (node, image) in graph.nodes.iter().zip(&mut decoded.image) {
        let same = |i: &NodeId| {
            let other = decoded.graph.node(*i);
            node.shape == other.shape && node.dtype == other.dtype
        };
        debug_assert!(image.as_ref().is_none_or(same), "a node changed shape or dtype");
        *image = image.filter(same);
    }
    let planned = &decoded.graph;
    let mut fired: Vec<Fired> = Vec::new();
    let mut order: Vec<(usize, NodeId)> = decoded.fired;
    order.sort_unstable();
    for (rule, node) in order {
        let rule = &rules[rule];
        match fired.iter_mut().find(|f| f.rule == rule.name) {
            Some(f) => {
                f.count += 1;
                if !f.nodes.contains(&node) {
                    f.nodes.push(node);
                }
            }
            None => {
                let class = rule.class(planned.node(node).dtype).unwrap_or_else(|| rule.shown_class());
                fired.push(Fired { rule: rule.name.clone(), class, count: 1, nodes: vec![node] });
            }
        }
    }
    Ok((decoded.graph, decoded.image, fired))
}

impl Plan {
    /// The weakest class among the rules in the plan, in the order of [`Class::ALL`]; `exact` for a plan without rules.
    #[must_use]
    pub fn weakest(&self) -> Class {
        self.fired.iter().map(|f| f.class).max().unwrap_or(Class::Exact)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &self.fallback {
            writeln!(f, "plan: the graph as written, because of {why}")?;
        } else {
            let end = if self.saturated { "saturated" } else { "stopped" };
            writeln!(f, "plan: {end} after {} rounds with {} terms", self.iterations, self.enodes)?;
        }
        for fired in &self.fired {
            let nodes: Vec<String> = fired.nodes.iter().map(ToString::to_string).collect();
            writeln!(f, "rule {} ({}) {}x at {}", fired.rule, fired.class, fired.count, nodes.join(" "))?;
        }
        writeln!(f, "weakest class {}", self.weakest())?;
        fmt::Display::fmt(&self.graph, f)
    }
}
