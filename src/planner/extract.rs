//! Choosing one term for every class.
//!
//! Costs count each chosen class once, however many users it has. A first choice minimises the longest path of costs; then, in
//! topological order, each class in use is offered its other terms and takes the one whose *additional* cost, given all that is
//! used anyway, is least (area recovery by reference counts, as in technology mapping for circuits; `recover`). This starts
//! twice, from the path choice and from the program as written, in small graphs also from the cheapest trees, and the cheapest
//! end is kept. What two users share is left by neither alone, so in small graphs it starts again without each of the dearest
//! terms.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use egg::Id;
use hashbrown::HashSet;

use super::cost::own;
use super::encode::Encoded;
use super::facts::{Facts, Terms};
use super::language::{ENode, EOp};
use super::recover::Recovery;
use crate::types::CostTable;

/// The chosen term of every class that has one.
pub(super) struct Choice {
    /// By class: the place of its term among the class's terms.
    chosen: Vec<u32>,
}

impl Choice {
    /// The first term of every class: for e-graphs in which nothing was united.
    pub(super) fn only(terms: &Terms) -> Self {
        Self { chosen: vec![0; terms.analysis.n_made] }
    }

    /// The chosen term of a canonical class.
    pub(super) fn of<'a>(&self, terms: &'a Terms, id: Id) -> Option<&'a ENode> {
        terms[id].nodes.get(*self.chosen.get(usize::from(id))? as usize)
    }
}

/// Dearer than any plan that avoids the term.
const OUTDONE_NS: f64 = 1e15;
/// Views of what is computed cost this share of a launch more than views of what is stored: of two plans that differ in where a
/// transpose stands, the one that loads transposed fuses better.
const BURIED_VIEW: f64 = 0.000_5;
/// No term chosen, or no place in the order.
pub(super) const NONE: u32 = u32::MAX;
/// Passes of area recovery.
const PASSES: usize = 4;
/// Up to this many classes the search also starts from the cheapest trees, in which what is shared counts for every user: where
/// little is shared, as in chains of products, they are the plan.
const SUMMED_CLASSES: usize = 1_000;
/// Up to this many classes the search also asks what the plan would be without each of its dearest terms, and of so many.
const ASKED_CLASSES: usize = 400;
const ASKED_TERMS: usize = 6;

/// Chooses; `None` when the roots cannot be computed from leaves (a defect, answered by falling back).
///
/// `outdone` are terms for which a more accurate equal is known: they are taken only where nothing else will do.
pub(super) fn extract(encoded: &Encoded, costs: &CostTable, outdone: &HashSet<ENode>) -> Option<Choice> {
    let terms = &encoded.terms;
    let mut ids: Vec<Id> = terms.classes().map(|c| c.id).collect();
    ids.sort_unstable();
    let mut index = vec![NONE; terms.analysis.n_made];
    for (i, &id) in ids.iter().enumerate() {
        index[usize::from(id)] = i as u32;
    }
    let mut problem = Problem::default();
    for &id in &ids {
        let class = &terms[id];
        for node in &class.nodes {
            let children: Vec<&Facts> = node.operands().iter().map(|&c| &terms[c].data).collect();
            let mut cost = own(&node.op, &class.data, &children, &terms.analysis.opaques, costs);
            if node.op.is_view() && !node.operands().iter().all(|&c| terms[c].nodes.iter().any(|n| is_rim(&n.op))) {
                cost += BURIED_VIEW * costs.launch_ns;
            }
            if !outdone.is_empty() && outdone.contains(node) {
                cost += OUTDONE_NS;
            }
            let needs = problem.needs.len();
            problem.needs.extend(node.operands().iter().map(|&c| index[usize::from(terms.find(c))]));
            problem.needs[needs..].sort_unstable();
            let mut kept = needs;
            for i in needs..problem.needs.len() {
                if i == needs || problem.needs[i] != problem.needs[kept - 1] {
                    problem.needs[kept] = problem.needs[i];
                    kept += 1;
                }
            }
            problem.needs.truncate(kept);
            problem.ways.push(Way { own: cost, needs: (needs as u32, kept as u32) });
        }
        problem.first.push(problem.ways.len() as u32);
    }
    problem.root = index[usize::from(terms.find(encoded.roots))];
    let path = problem.shortest_paths(f64::max);
    if path[problem.root as usize] == NONE {
        return None;
    }
    let written = as_written(terms, encoded, &index, &path);
    let mut starts = vec![path, written];
    if problem.n_classes() <= SUMMED_CLASSES {
        starts.push(problem.shortest_paths(|a, b| a + b));
    }
    let ends = starts.into_iter().map(|start| problem.recover(start));
    let ends = ends.map(|end| (problem.total(&end), end));
    // The first of equal ones.
    let best = ends.reduce(|a, b| if b.0 < a.0 { b } else { a })?.1;
    let best = problem.do_without(best);
    let mut chosen = vec![NONE; terms.analysis.n_made];
    for (i, &id) in ids.iter().enumerate() {
        chosen[usize::from(id)] = best[i];
    }
    Some(Choice { chosen })
}

/// What a view can be joined with into one load.
fn is_rim(op: &EOp) -> bool {
    op.is_view() || matches!(op, EOp::Leaf(_) | EOp::Literal(_) | EOp::Slot(_))
}

/// The program's own terms where a class has one, the earliest first: children then always come before.
fn as_written(terms: &Terms, encoded: &Encoded, index: &[u32], path: &[u32]) -> Vec<u32> {
    let mut chosen = path.to_vec();
    let mut seen = vec![false; path.len()];
    for original in &encoded.originals {
        let node = encoded.canonical(original);
        let Some(id) = terms.lookup(node.clone()) else { continue };
        let class = index[usize::from(id)] as usize;
        if !std::mem::replace(&mut seen[class], true)
            && let Some(i) = terms[id].nodes.iter().position(|n| *n == node)
        {
            chosen[class] = i as u32;
        }
    }
    chosen
}

/// Costs in whole hundredths of a nanosecond order as numbers do.
fn key(cost: f64) -> u64 {
    (cost * 100.0).min(9e18) as u64
}

/// One way to compute a class: its own cost, and the range of the classes it needs, each once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) own: f64,
    needs: (u32, u32),
}

/// Classes by number, the ways of each in one run.
#[derive(Debug)]
pub(super) struct Problem {
    ways: Vec<Way>,
    needs: Vec<u32>,
    /// Where the ways of each class begin, and where the last ones end.
    first: Vec<u32>,
    pub(super) root: u32,
}

impl Default for Problem {
    fn default() -> Self {
        Self { ways: Vec::new(), needs: Vec::new(), first: vec![0], root: 0 }
    }
}

impl Problem {
    pub(super) fn n_classes(&self) -> usize {
        self.first.len() - 1
    }

    pub(super) fn options(&self, class: u32) -> &[Way] {
        &self.ways[self.first[class as usize] as usize..self.first[class as usize + 1] as usize]
    }

    pub(super) fn needs(&self, way: &Way) -> &[u32] {
        &self.needs[way.needs.0 as usize..way.needs.1 as usize]
    }

    pub(super) fn chosen_needs(&self, class: u32, chosen: &[u32]) -> &[u32] {
        self.needs(&self.options(class)[chosen[class as usize] as usize])
    }

    /// For each class the term with the least own cost plus that of its children together (the dearest of them, or their sum),
    /// found in the order of cost (Knuth's generalisation of Dijkstra's method).
    fn shortest_paths(&self, together: impl Fn(f64, f64) -> f64) -> Vec<u32> {
        let n = self.n_classes();
        let mut users: Vec<Vec<u32>> = vec![Vec::new(); n];
        let mut class_of = vec![0u32; self.ways.len()];
        let mut open = vec![0u32; self.ways.len()];
        let mut heap = BinaryHeap::new();
        let mut best = vec![NONE; n];
        let mut cost = vec![f64::INFINITY; n];
        for c in 0..n as u32 {
            for (i, way) in self.options(c).iter().enumerate() {
                let w = self.first[c as usize] as usize + i;
                class_of[w] = c;
                open[w] = way.needs.1 - way.needs.0;
                for &need in self.needs(way) {
                    users[need as usize].push(w as u32);
                }
                if open[w] == 0 {
                    heap.push(Reverse((key(way.own), c, i as u32)));
                }
            }
        }
        while let Some(Reverse((_, c, i))) = heap.pop() {
            if best[c as usize] != NONE {
                continue;
            }
            best[c as usize] = i;
            let below = |way: &Way| self.needs(way).iter().map(|&d| cost[d as usize]).fold(0.0, &together);
            let way = &self.options(c)[i as usize];
            cost[c as usize] = way.own + below(way);
            for &w in &users[c as usize] {
                let (w, user) = (w as usize, class_of[w as usize]);
                open[w] -= 1;
                if open[w] == 0 && best[user as usize] == NONE {
                    let below = self.needs(&self.ways[w]).iter().map(|&d| cost[d as usize]).fold(0.0, &together);
                    let i = w as u32 - self.first[user as usize];
                    heap.push(Reverse((key(self.ways[w].own + below), user, i)));
                }
            }
        }
        best
    }

    /// Starts again from the path choice that avoids one of the dearest terms in use, for as long as that helps.
    fn do_without(&mut self, mut best: Vec<u32>) -> Vec<u32> {
        if self.n_classes() > ASKED_CLASSES {
            return best;
        }
        let mut total = self.total(&best);
        loop {
            let own = |c: u32| self.options(c)[best[c as usize] as usize].own;
            let mut dear = self.used(&best);
            dear.retain(|&c| own(c) >= 0.1 * total);
            dear.sort_by(|&a, &b| own(b).total_cmp(&own(a)));
            dear.truncate(ASKED_TERMS);
            let mut better = None;
            for c in dear {
                let ways = self.first[c as usize] as usize..self.first[c as usize + 1] as usize;
                let kept = self.ways[ways.clone()].to_vec();
                self.ways[ways.clone()].iter_mut().for_each(|way| way.own += OUTDONE_NS);
                let path = self.shortest_paths(f64::max);
                self.ways[ways].copy_from_slice(&kept);
                let end = self.recover(path);
                let cost = self.total(&end);
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

    fn recover(&self, chosen: Vec<u32>) -> Vec<u32> {
        let Some(sequence) = self.order(&chosen) else { return chosen };
        let mut r = Recovery::new(self, chosen, sequence);
        for _ in 0..PASSES {
            let mut improved = false;
            r.begin();
            for c in r.sequence.clone() {
                if r.refs[c as usize] > 0 && self.options(c).len() > 1 {
                    improved |= r.improve(c);
                }
            }
            if !improved {
                break;
            }
        }
        r.chosen
    }

    /// The classes that have a term, needed ones first; `None` if the choices run in a circle.
    fn order(&self, chosen: &[u32]) -> Option<Vec<u32>> {
        let mut state = vec![0u8; chosen.len()];
        let mut sequence = Vec::with_capacity(chosen.len());
        let mut stack = Vec::new();
        for start in 0..chosen.len() as u32 {
            if state[start as usize] != 0 || chosen[start as usize] == NONE {
                continue;
            }
            stack.push((start, 0));
            state[start as usize] = 1;
            while let Some((c, at)) = stack.pop() {
                if let Some(&d) = self.chosen_needs(c, chosen).get(at) {
                    stack.push((c, at + 1));
                    if state[d as usize] == 1 || chosen[d as usize] == NONE {
                        return None;
                    }
                    if state[d as usize] == 0 {
                        state[d as usize] = 1;
                        stack.push((d, 0));
                    }
                } else {
                    state[c as usize] = 2;
                    sequence.push(c);
                }
            }
        }
        Some(sequence)
    }

    /// The cost of everything the root needs, each class once.
    fn total(&self, chosen: &[u32]) -> f64 {
        if self.order(chosen).is_none() {
            return f64::INFINITY;
        }
        self.used(chosen).iter().map(|&c| self.options(c)[chosen[c as usize] as usize].own).sum()
    }

    /// Everything the root needs.
    fn used(&self, chosen: &[u32]) -> Vec<u32> {
        let mut seen = vec![false; chosen.len()];
        let mut stack = vec![self.root];
        let mut used = Vec::new();
        while let Some(c) = stack.pop() {
            if !std::mem::replace(&mut seen[c as usize], true) {
                used.push(c);
                stack.extend(self.chosen_needs(c, chosen));
            }
        }
        used
    }
}
