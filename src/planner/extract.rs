//! Choosing one term for every class.
//!
//! Costs count each chosen class once, however many users it has. A first choice minimises the longest path of costs; then, in
//! topological order, each class in use is offered its other terms and takes the one whose *additional* cost, given all that is
//! used anyway, is least (area recovery by reference counts, as in technology mapping for circuits). This starts twice, from the
//! path choice and from the program as written, and the cheaper end is kept.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use egg::Id;
use hashbrown::{HashMap, HashSet};

use super::cost::own;
use super::encode::Encoded;
use super::facts::{Facts, Terms};
use super::language::{ENode, EOp};
use crate::types::CostTable;

/// The chosen term of every class that has one.
pub(super) struct Choice {
    index: HashMap<Id, usize>,
    terms: Vec<Vec<ENode>>,
    chosen: Vec<usize>,
}

impl Choice {
    /// The first term of every class: for e-graphs in which nothing was united.
    pub(super) fn only(terms: &Terms) -> Self {
        let ids: Vec<Id> = terms.classes().map(|c| c.id).collect();
        Self {
            index: ids.iter().enumerate().map(|(i, &id)| (id, i)).collect(),
            terms: ids.iter().map(|&id| terms[id].nodes.clone()).collect(),
            chosen: vec![0; ids.len()],
        }
    }

    /// The chosen term of a canonical class.
    pub(super) fn of(&self, id: Id) -> Option<&ENode> {
        let c = *self.index.get(&id)?;
        self.terms[c].get(self.chosen[c])
    }
}

/// One way to compute a class.
struct Way {
    own: f64,
    /// Classes it needs, each once.
    needs: Vec<usize>,
}

struct Problem {
    options: Vec<Vec<Way>>,
    root: usize,
}

/// Dearer than any plan that avoids the term.
const OUTDONE_NS: f64 = 1e15;
/// Views of what is computed cost this share of a launch more than views of what is stored: of two plans that differ in where a
/// transpose stands, the one that loads transposed fuses better.
const BURIED_VIEW: f64 = 0.000_5;
/// No term chosen.
const NONE: usize = usize::MAX;
/// Passes of area recovery.
const PASSES: usize = 4;

/// Chooses; `None` when the roots cannot be computed from leaves (a defect, answered by falling back).
///
/// `outdone` are terms for which a more accurate equal is known: they are taken only where nothing else will do.
pub(super) fn extract(encoded: &Encoded, costs: &CostTable, outdone: &[ENode]) -> Option<Choice> {
    let terms = &encoded.terms;
    let mut ids: Vec<Id> = terms.classes().map(|c| c.id).collect();
    ids.sort_unstable();
    let index: HashMap<Id, usize> = ids.iter().enumerate().map(|(i, &id)| (id, i)).collect();
    let outdone: HashSet<ENode> = outdone.iter().map(|n| canonical(terms, n)).collect();
    let mut options = Vec::with_capacity(ids.len());
    let mut nodes = Vec::with_capacity(ids.len());
    for &id in &ids {
        let class = &terms[id];
        let mut class_options = Vec::with_capacity(class.nodes.len());
        for node in &class.nodes {
            let children: Vec<&Facts> = node.operands().iter().map(|&c| &terms[c].data).collect();
            let mut needs: Vec<usize> = node.operands().iter().map(|&c| index[&terms.find(c)]).collect();
            needs.sort_unstable();
            needs.dedup();
            let mut cost = own(&node.op, &class.data, &children, &terms.analysis.opaques, costs);
            if node.op.is_view() && !node.operands().iter().all(|&c| terms[c].nodes.iter().any(|n| is_rim(&n.op))) {
                cost += BURIED_VIEW * costs.launch_ns;
            }
            if outdone.contains(node) {
                cost += OUTDONE_NS;
            }
            class_options.push(Way { own: cost, needs });
        }
        options.push(class_options);
        nodes.push(class.nodes.clone());
    }
    let problem = Problem { options, root: index[&terms.find(encoded.roots)] };
    let path = problem.shortest_paths();
    if path[problem.root] == NONE {
        return None;
    }
    let written = as_written(terms, encoded, &index, &nodes, &path);
    let ends = [path, written].map(|start| problem.recover(start));
    let [a, b] = ends;
    let chosen = if problem.total(&b) < problem.total(&a) { b } else { a };
    Some(Choice { index, terms: nodes, chosen })
}

/// What a view can be joined with into one load.
fn is_rim(op: &EOp) -> bool {
    op.is_view() || matches!(op, EOp::Leaf(_) | EOp::Literal(_) | EOp::Slot(_))
}

/// The program's own terms where a class has one, the earliest first: children then always come before.
fn as_written(
    terms: &Terms,
    encoded: &Encoded,
    index: &HashMap<Id, usize>,
    nodes: &[Vec<ENode>],
    path: &[usize],
) -> Vec<usize> {
    let mut chosen = path.to_vec();
    let mut seen = vec![false; path.len()];
    for original in &encoded.originals {
        let node = canonical(terms, original);
        let Some(class) = terms.lookup(node.clone()).map(|id| index[&terms.find(id)]) else { continue };
        if !std::mem::replace(&mut seen[class], true)
            && let Some(i) = nodes[class].iter().position(|n| *n == node)
        {
            chosen[class] = i;
        }
    }
    chosen
}

fn canonical(terms: &Terms, node: &ENode) -> ENode {
    let mut node = node.clone();
    for c in &mut node.children {
        *c = terms.find(*c);
    }
    node.order();
    node
}

/// Costs in whole hundredths of a nanosecond order as numbers do.
fn key(cost: f64) -> u64 {
    (cost * 100.0).min(9e18) as u64
}

impl Problem {
    /// For each class the term with the least own cost plus dearest child, found in the order of cost (Knuth's generalisation
    /// of Dijkstra's method).
    fn shortest_paths(&self) -> Vec<usize> {
        let n = self.options.len();
        let mut users: Vec<Vec<(usize, usize)>> = vec![Vec::new(); n];
        let mut open: Vec<Vec<usize>> = Vec::with_capacity(n);
        let mut heap = BinaryHeap::new();
        let mut best = vec![NONE; n];
        let mut cost = vec![f64::INFINITY; n];
        for (c, options) in self.options.iter().enumerate() {
            open.push(options.iter().map(|o| o.needs.len()).collect());
            for (i, o) in options.iter().enumerate() {
                for &need in &o.needs {
                    users[need].push((c, i));
                }
                if o.needs.is_empty() {
                    heap.push(Reverse((key(o.own), c, i)));
                }
            }
        }
        while let Some(Reverse((_, c, i))) = heap.pop() {
            if best[c] != NONE {
                continue;
            }
            best[c] = i;
            let option = &self.options[c][i];
            cost[c] = option.own + option.needs.iter().map(|&d| cost[d]).fold(0.0, f64::max);
            for &(user, j) in &users[c] {
                open[user][j] -= 1;
                if open[user][j] == 0 && best[user] == NONE {
                    let o = &self.options[user][j];
                    let dearest = o.needs.iter().map(|&d| cost[d]).fold(0.0, f64::max);
                    heap.push(Reverse((key(o.own + dearest), user, j)));
                }
            }
        }
        best
    }

    fn recover(&self, mut chosen: Vec<usize>) -> Vec<usize> {
        let Some(mut order) = self.order(&chosen) else { return chosen };
        let mut refs = vec![0u32; chosen.len()];
        self.take(self.root, &chosen, &mut refs);
        for _ in 0..PASSES {
            let mut improved = false;
            let mut classes: Vec<usize> = (0..chosen.len()).filter(|&c| order[c] != NONE).collect();
            classes.sort_unstable_by_key(|&c| order[c]);
            for c in classes {
                if refs[c] == 0 || self.options[c].len() < 2 {
                    continue;
                }
                improved |= self.improve(c, &mut chosen, &mut refs, &mut order);
            }
            if !improved {
                break;
            }
        }
        chosen
    }

    /// Offers a class its other terms.
    fn improve(&self, c: usize, chosen: &mut [usize], refs: &mut [u32], order: &mut Vec<usize>) -> bool {
        let before = chosen[c];
        let mut best = (self.release_needs(c, chosen, refs) + self.options[c][before].own, before);
        for i in 0..self.options[c].len() {
            if i == before || self.reaches(c, i, chosen, order) {
                continue;
            }
            chosen[c] = i;
            let cost = self.options[c][i].own + self.take_needs(c, chosen, refs);
            self.release_needs(c, chosen, refs);
            if cost < best.0 * (1.0 - 1e-9) - 1e-6 {
                best = (cost, i);
            }
        }
        chosen[c] = best.1;
        self.take_needs(c, chosen, refs);
        if best.1 == before {
            return false;
        }
        if let Some(fresh) = self.order(chosen) {
            *order = fresh;
        }
        true
    }

    /// Whether option `i` of class `c` needs, by the present choices, `c` itself.
    fn reaches(&self, c: usize, i: usize, chosen: &[usize], order: &[usize]) -> bool {
        let mut stack: Vec<usize> = self.options[c][i].needs.clone();
        let mut seen = HashSet::new();
        while let Some(d) = stack.pop() {
            if d == c || chosen[d] == NONE {
                return true;
            }
            // What stands before `c` in the order cannot need it.
            if order[d] < order[c] || !seen.insert(d) {
                continue;
            }
            stack.extend(&self.options[d][chosen[d]].needs);
        }
        false
    }

    /// A topological number for every class under the present choices; `None` if they run in a circle.
    fn order(&self, chosen: &[usize]) -> Option<Vec<usize>> {
        let mut number = vec![NONE; chosen.len()];
        let mut on_path = vec![false; chosen.len()];
        let mut next = 0;
        for start in 0..chosen.len() {
            if number[start] != NONE || chosen[start] == NONE {
                continue;
            }
            let mut stack = vec![(start, 0)];
            on_path[start] = true;
            while let Some((c, at)) = stack.pop() {
                let needs = &self.options[c][chosen[c]].needs;
                if let Some(&d) = needs.get(at) {
                    stack.push((c, at + 1));
                    if on_path[d] || chosen[d] == NONE {
                        return None;
                    }
                    if number[d] == NONE {
                        on_path[d] = true;
                        stack.push((d, 0));
                    }
                } else {
                    on_path[c] = false;
                    number[c] = next;
                    next += 1;
                }
            }
        }
        Some(number)
    }

    /// Counts one more use of a class: what that adds.
    fn take(&self, c: usize, chosen: &[usize], refs: &mut [u32]) -> f64 {
        let mut added = 0.0;
        let mut stack = vec![c];
        while let Some(c) = stack.pop() {
            refs[c] += 1;
            if refs[c] == 1 {
                let option = &self.options[c][chosen[c]];
                added += option.own;
                stack.extend(&option.needs);
            }
        }
        added
    }

    fn take_needs(&self, c: usize, chosen: &[usize], refs: &mut [u32]) -> f64 {
        self.options[c][chosen[c]].needs.iter().map(|&d| self.take(d, chosen, refs)).sum()
    }

    /// Counts one use less of everything a class needs: what that saves.
    fn release_needs(&self, c: usize, chosen: &[usize], refs: &mut [u32]) -> f64 {
        let mut saved = 0.0;
        let mut stack: Vec<usize> = self.options[c][chosen[c]].needs.clone();
        while let Some(c) = stack.pop() {
            refs[c] -= 1;
            if refs[c] == 0 {
                let option = &self.options[c][chosen[c]];
                saved += option.own;
                stack.extend(&option.needs);
            }
        }
        saved
    }

    /// The cost of everything the root needs, each class once.
    fn total(&self, chosen: &[usize]) -> f64 {
        if self.order(chosen).is_none() {
            return f64::INFINITY;
        }
        self.take(self.root, chosen, &mut vec![0; chosen.len()])
    }
}
