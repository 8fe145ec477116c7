//! Choosing one term for every class.
//!
//! In: an e-graph and a cost table. Out: an [`Extraction`]. A plan pays for each chosen class once, however many users it has. A
//! first choice minimises the longest path of costs (`paths`). Then each class in use, in topological order, is offered its other
//! terms and takes the one whose *additional* cost, given everything else in use, is least (`recover`: area recovery by reference
//! counts, as in technology mapping for circuits). The search starts from the path choice, from the program as written and, in
//! small graphs, from the cheapest trees; the cheapest result is kept. An expensive class that two users share is given up by
//! neither alone, so in small graphs the search also starts again without each of the most expensive terms.

mod cost_graph;
mod paths;
mod recover;

use egg::Id;
use hashbrown::HashSet;

use super::class_facts::Facts;
use super::cost::term_ns;
use super::encode::Encoded;
use super::knowledge::Terms;
use super::language::ENode;
use crate::types::CostTable;
use cost_graph::{CostGraph, NONE, Selection};
use paths::cheapest_selection;
use recover::recover;

/// The chosen term of every class that has one.
pub(super) struct Extraction {
    /// By class: the place of its term among the class's terms.
    chosen: Vec<u32>,
}

impl Extraction {
    /// The first term of every class: for e-graphs in which nothing was united.
    pub(super) fn only(terms: &Terms) -> Self {
        Self { chosen: vec![0; terms.analysis.n_made] }
    }

    /// The chosen term of a canonical class.
    pub(super) fn of<'a>(&self, terms: &'a Terms, id: Id) -> Option<&'a ENode> {
        terms[id].nodes.get(*self.chosen.get(usize::from(id))? as usize)
    }
}

/// More than any plan costs that avoids the term.
const SUPERSEDED_NS: f64 = 1e15;
/// A view of a computed array costs this share of a launch more than a view of a stored one: of two plans that differ in where a
/// transpose is, the one that transposes while loading fuses better.
const BURIED_VIEW: f64 = 0.000_5;
/// Up to this many classes the search also starts from the cheapest trees, in which a shared class counts for every user. Where
/// little is shared, as in chains of products, they are optimal.
const MAX_CLASSES_FOR_TREES: usize = 1_000;
/// Up to this many classes the search also starts without each of the most expensive terms in use, of which it tries so many.
const MAX_CLASSES_FOR_AVOIDING: usize = 400;
const AVOIDED_TERMS: usize = 6;

/// Chooses terms; `None` when the roots cannot be computed from leaves (a defect, answered by falling back).
///
/// `superseded` terms have an equal that is more accurate: they are chosen only where nothing else is possible.
pub(super) fn extract(encoded: &Encoded, costs: &CostTable, superseded: &HashSet<ENode>) -> Option<Extraction> {
    let terms = &encoded.terms;
    let classes = Classes::of(terms);
    let mut graph = cost_graph(encoded, &classes, costs, superseded);
    let path = cheapest_selection(&graph, f64::max);
    if path[graph.root as usize] == NONE {
        return None;
    }
    let written = as_written(encoded, &classes, &path);
    let mut starts = vec![path, written];
    if graph.n_classes() <= MAX_CLASSES_FOR_TREES {
        starts.push(cheapest_selection(&graph, |a, b| a + b));
    }
    let ends = starts.into_iter().map(|start| recover(&graph, start));
    let ends = ends.map(|end| (graph.total(&end), end));
    // Of equally cheap ones the first.
    let best = ends.reduce(|a, b| if b.0 < a.0 { b } else { a })?.1;
    let best = avoid_expensive_terms(&mut graph, best);
    let mut chosen = vec![NONE; terms.analysis.n_made];
    for (&id, term) in classes.ids.iter().zip(best) {
        chosen[usize::from(id)] = term;
    }
    Some(Extraction { chosen })
}

/// The classes of an e-graph, numbered without gaps.
struct Classes {
    /// By number; ascending.
    ids: Vec<Id>,
    /// By class id: its number.
    number: Vec<u32>,
}

impl Classes {
    fn of(terms: &Terms) -> Self {
        let mut ids: Vec<Id> = terms.classes().map(|c| c.id).collect();
        ids.sort_unstable();
        let mut number = vec![NONE; terms.analysis.n_made];
        for (i, &id) in ids.iter().enumerate() {
            number[usize::from(id)] = i as u32;
        }
        Self { ids, number }
    }
}

/// The e-graph as the search sees it: what each term costs by itself, and the classes it needs.
fn cost_graph(encoded: &Encoded, classes: &Classes, costs: &CostTable, superseded: &HashSet<ENode>) -> CostGraph {
    let terms = &encoded.terms;
    let number = |id: Id| classes.number[usize::from(terms.find(id))];
    let mut graph = CostGraph::with_root(number(encoded.roots));
    for &id in &classes.ids {
        for node in &terms[id].nodes {
            let mut cost = term_cost(terms, id, node, costs);
            if !superseded.is_empty() && superseded.contains(node) {
                cost += SUPERSEDED_NS;
            }
            graph.add_alternative(cost, node.operands().iter().map(|&c| number(c)));
        }
        graph.end_class();
    }
    graph
}

fn term_cost(terms: &Terms, class: Id, node: &ENode, costs: &CostTable) -> f64 {
    let operands: Vec<&Facts> = node.operands().iter().map(|&c| &terms[c].data).collect();
    let cost = term_ns(&node.op, &terms[class].data, &operands, &terms.analysis.opaques, costs);
    let joins_load = |&c: &Id| terms[c].nodes.iter().any(|n| n.op.is_view() || n.op.is_given());
    let buried = node.op.is_view() && !node.operands().iter().all(joins_load);
    if buried { cost + BURIED_VIEW * costs.launch_ns } else { cost }
}

/// The program's own terms where a class has one, the earliest first, so that operands always come before their users.
fn as_written(encoded: &Encoded, classes: &Classes, path: &[u32]) -> Selection {
    let terms = &encoded.terms;
    let mut chosen = path.to_vec();
    let mut seen = vec![false; path.len()];
    for original in &encoded.originals {
        let node = encoded.canonical(original);
        let Some(id) = terms.lookup(node.clone()) else { continue };
        let class = classes.number[usize::from(id)] as usize;
        if !std::mem::replace(&mut seen[class], true)
            && let Some(i) = terms[id].nodes.iter().position(|n| *n == node)
        {
            chosen[class] = i as u32;
        }
    }
    chosen
}

/// Searches again from path choices that avoid one of the most expensive classes in use, for as long as that helps.
fn avoid_expensive_terms(graph: &mut CostGraph, mut best: Selection) -> Selection {
    if graph.n_classes() > MAX_CLASSES_FOR_AVOIDING {
        return best;
    }
    let mut total = graph.total(&best);
    loop {
        let own = |c: u32| graph.chosen(c, &best).own;
        let mut expensive = graph.used(&best);
        expensive.retain(|&c| own(c) >= 0.1 * total);
        expensive.sort_by(|&a, &b| own(b).total_cmp(&own(a)));
        expensive.truncate(AVOIDED_TERMS);
        let mut better = None;
        for class in expensive {
            let path = graph.with_surcharge(class, SUPERSEDED_NS, |graph| cheapest_selection(graph, f64::max));
            let end = recover(graph, path);
            let cost = graph.total(&end);
            if cost < total * (1.0 - 1e-6) {
                total = cost;
                better = Some(end);
            }
        }
        match better {
            Some(end) => best = end,
            None => return best,
        }
    }
}
