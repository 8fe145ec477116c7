//! Planning from end to end: encode, saturate, prune, extract, decode, form kernels, check.
//!
//! In: a graph and options. Out: a [`Plan`]. Planning cannot fail: when the term budget is exceeded, or when the planned graph
//! turns out to be invalid (a defect), the plan is the input graph with the reason in [`Plan::fallback`].

use hashbrown::HashSet;

use super::class_facts::LeafPromise;
use super::decode::{Decoded, decode};
use super::encode::{Encoded, encode};
use super::extract::{Extraction, extract};
use super::kernels;
use super::language::ENode;
use super::plan::{Fired, Plan, PlanOptions};
use super::prune::dominated;
use super::regions::{RegionPlan, by_regions, too_large};
use super::rule_set::Rules;
use super::rules::{Class, Rule};
use super::saturate::{Application, Budget, JournalEntry, Saturation, saturate};
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::types::{Fault, seeded};

/// Rewrites a graph. The roots keep their shapes, dtypes and order. The result depends on the arguments only, never on time.
#[must_use]
pub fn plan(graph: &Graph, options: &PlanOptions) -> Plan {
    plan_forcing(graph, options, &|_| false)
}

/// As [`plan`]; where a `forced` rule applies, its left side is avoided whatever that costs.
pub(super) fn plan_forcing(graph: &Graph, options: &PlanOptions, forced: &dyn Fn(&Rule) -> bool) -> Plan {
    let mut planner = Planner::new(graph, options, forced);
    planner.run(graph);
    planner.plan
}

/// What proofs need of a run of the planner.
pub(super) struct PlanTrace {
    /// The e-graph after pruning.
    pub(super) encoded: Encoded,
    pub(super) extraction: Extraction,
    /// The rules that were applied, in order.
    pub(super) journal: Vec<JournalEntry>,
}

/// As [`plan`], with a trace unless the graph is returned as written. A proof is about one e-graph, so a large graph is not cut
/// into regions here.
pub(super) fn plan_traced(graph: &Graph, options: &PlanOptions) -> (Plan, Option<PlanTrace>) {
    let mut planner = Planner { traced: true, ..Planner::new(graph, options, &|_| false) };
    planner.run(graph);
    let trace = planner.trace.filter(|_| planner.plan.fallback.is_none());
    (planner.plan, trace)
}

/// One planning run.
pub(super) struct Planner<'a> {
    options: &'a PlanOptions,
    forced: &'a dyn Fn(&Rule) -> bool,
    /// Whether a trace is wanted.
    traced: bool,
    /// The plan so far; it counts the terms and rounds of all regions.
    plan: Plan,
    trace: Option<PlanTrace>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(graph: &Graph, options: &'a PlanOptions, forced: &'a dyn Fn(&Rule) -> bool) -> Self {
        Self { options, forced, traced: false, plan: Plan::unchanged(graph), trace: None }
    }

    fn run(&mut self, graph: &Graph) {
        let decoded = if too_large(graph) && !self.traced {
            by_regions(graph, &mut |region, promises| self.plan_region(region, promises))
        } else {
            self.plan_region(graph, Vec::new()).map(|whole| {
                self.plan.fallback = whole.fallback;
                whole.decoded
            })
        };
        if self.plan.fallback.is_some() {
            return;
        }
        let finished = decoded.map_err(|e| e.message().to_string()).and_then(|d| finish(graph, d, &self.options.rules));
        match finished {
            Ok(finished) => {
                self.plan.graph = finished.graph;
                exchange_roots(&mut self.plan.graph);
                self.plan.image = finished.image;
                self.plan.fired = finished.fired;
            }
            Err(why) => {
                debug_assert!(false, "planner: {why}\n{graph}");
                tracing::warn!(%why, "planning fell back to the graph as written");
                self.plan.fallback = Some(why);
            }
        }
    }

    /// Plans a graph in one e-graph. Over budget the graph is returned as it was, with the reason.
    pub(super) fn plan_region(&mut self, graph: &Graph, promises: Vec<LeafPromise>) -> Result<RegionPlan> {
        let options = self.options;
        let mut encoded = encode(graph, promises);
        encoded.terms.analysis.costs = Some(options.costs.clone());
        let budget = Budget::of(encoded.terms.total_number_of_nodes());
        let saturation = saturate(&mut encoded.terms, options, budget, self.traced);
        self.count(&saturation);
        let promises = encoded.promises(graph);
        if saturation.exhausted {
            self.plan.terms += encoded.terms.total_number_of_nodes();
            let fallback = Some(format!("more than {} terms after {} rounds", budget.terms, saturation.rounds));
            return Ok(RegionPlan { decoded: Decoded::unchanged(graph), promises, fallback });
        }
        let superseded = self.superseded(&encoded, &saturation.applications);
        dominated(&mut encoded.terms, &options.costs, &superseded);
        self.plan.terms += encoded.terms.total_number_of_nodes();
        let extraction = extract(&encoded, &options.costs, &superseded)
            .ok_or_else(|| Error::internal("the roots could not be computed from the leaves"))?;
        let decoded = decode(graph, &encoded, &extraction, &saturation.applications)?;
        if self.traced {
            let journal = saturation.journal.unwrap_or_default();
            self.trace = Some(PlanTrace { encoded, extraction, journal });
        }
        Ok(RegionPlan { decoded, promises, fallback: None })
    }

    fn count(&mut self, saturation: &Saturation) {
        self.plan.egg_runs += 1;
        self.plan.saturated &= saturation.saturated;
        self.plan.rounds = self.plan.rounds.max(saturation.rounds);
        self.plan.refused_by_guard += saturation.refused;
    }

    /// Left sides for which a rule that improves accuracy, or a forced one, has a right side.
    fn superseded(&self, encoded: &Encoded, applications: &[Application]) -> HashSet<ENode> {
        let rules = self.options.rules.all();
        let supersedes = |a: &&Application| {
            let rule = &rules[a.rule];
            rule.class(a.dtype) == Some(Class::Improves) || (self.forced)(rule)
        };
        applications.iter().filter(supersedes).map(|a| encoded.canonical(&a.left)).collect()
    }
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

/// A planned graph that was checked.
pub(super) struct Finished {
    graph: Graph,
    /// By node of the input: its node in `graph`, see [`Plan::image`].
    pub(super) image: Vec<Option<NodeId>>,
    fired: Vec<Fired>,
}

/// Forms the kernels of a decoded graph and checks it against the input; the error says what is wrong.
pub(super) fn finish(graph: &Graph, mut decoded: Decoded, rules: &Rules) -> std::result::Result<Finished, String> {
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
            let other = planned.node(*i);
            node.shape == other.shape && node.dtype == other.dtype
        };
        debug_assert!(image.as_ref().is_none_or(same), "a node changed shape or dtype");
        *image = image.filter(same);
    }
    let fired = fired(&mut decoded, rules);
    Ok(Finished { graph: decoded.graph, image: decoded.image, fired })
}

/// The rules in a plan, in the order of the rule files, with their nodes.
fn fired(decoded: &mut Decoded, rules: &Rules) -> Vec<Fired> {
    let mut fired: Vec<Fired> = Vec::new();
    decoded.fired.sort_unstable();
    for at in &decoded.fired {
        let rule = &rules.all()[at.rule];
        match fired.iter_mut().find(|f| f.rule == rule.name) {
            Some(f) => {
                f.count += 1;
                if !f.nodes.contains(&at.node) {
                    f.nodes.push(at.node);
                }
            }
            None => {
                let class = rule.class(decoded.graph.node(at.node).dtype).unwrap_or_else(|| rule.shown_class());
                fired.push(Fired { rule: rule.name.clone(), class, count: 1, nodes: vec![at.node] });
            }
        }
    }
    fired
}
