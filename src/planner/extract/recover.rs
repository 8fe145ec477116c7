//! Area recovery: improving a selection one class at a time.
//!
//! In: a cost graph and a selection with its classes in topological order. Out: a selection that costs no more and is still free of
//! cycles. To offer a class another alternative means to look at what would be freed and what would be needed, which in a deep
//! graph may be all of it. An offer that needs more than a fixed number of steps is rejected, so that recovery takes time
//! proportional to the graph.

use super::cost_graph::{CostGraph, NONE, Selection};

/// Passes over all classes.
const PASSES: usize = 4;
/// Steps that one offer may take.
const STEPS: usize = 128;

/// The selection after area recovery; as it was if it has a cycle.
pub(super) fn recover(graph: &CostGraph, selection: Selection) -> Selection {
    let Some(sequence) = graph.order(&selection) else { return selection };
    let mut recovery = Recovery::new(graph, selection, sequence);
    for _ in 0..PASSES {
        let mut improved = false;
        recovery.begin_pass();
        for class in recovery.sequence.clone() {
            if recovery.uses[class as usize] > 0 && graph.alternatives(class).len() > 1 {
                improved |= recovery.improve(class);
            }
        }
        if !improved {
            break;
        }
    }
    recovery.selection
}

/// The state of area recovery.
struct Recovery<'a> {
    graph: &'a CostGraph,
    selection: Selection,
    /// How many chosen alternatives in use need each class.
    uses: Vec<u32>,
    /// Classes, needed ones first, and the place of each.
    sequence: Vec<u32>,
    place: Vec<u32>,
    /// Classes whose count of uses changed, to be changed back.
    journal: Vec<u32>,
    stack: Vec<u32>,
    /// By class: how many classes at least would be freed with it, itself included, as of the beginning of the pass.
    freed_with: Vec<u32>,
    /// The last walk that reached each class.
    visited: Vec<u32>,
    walk: u32,
}

/// An alternative and what a class would cost with it.
#[derive(Clone, Copy)]
struct Offer {
    cost: f64,
    alternative: u32,
}

impl<'a> Recovery<'a> {
    fn new(graph: &'a CostGraph, selection: Selection, sequence: Vec<u32>) -> Self {
        let n = selection.len();
        let mut place = vec![NONE; n];
        for (i, &c) in sequence.iter().enumerate() {
            place[c as usize] = i as u32;
        }
        let mut uses = vec![0u32; n];
        uses[graph.root as usize] = 1;
        for &c in sequence.iter().rev() {
            if uses[c as usize] > 0 {
                for &d in graph.chosen_needs(c, &selection) {
                    uses[d as usize] += 1;
                }
            }
        }
        Self {
            graph,
            selection,
            uses,
            sequence,
            place,
            journal: Vec::new(),
            stack: Vec::new(),
            freed_with: Vec::new(),
            visited: vec![0; n],
            walk: 0,
        }
    }

    /// Begins a pass: notes which classes would free so many others that an offer would exceed its steps.
    fn begin_pass(&mut self) {
        self.freed_with.clear();
        self.freed_with.resize(self.selection.len(), 0);
        for &c in &self.sequence {
            let needs = self.graph.chosen_needs(c, &self.selection).iter().map(|&d| d as usize);
            let below = needs.filter(|&d| self.uses[d] == 1).map(|d| self.freed_with[d] as usize).sum::<usize>();
            self.freed_with[c as usize] = (1 + below).min(2 * STEPS) as u32;
        }
    }

    /// Offers a class its other alternatives; whether it took one.
    fn improve(&mut self, class: u32) -> bool {
        let graph = self.graph;
        let before = self.selection[class as usize];
        if self.freed_with[class as usize] as usize > STEPS + 1 {
            return false;
        }
        self.journal.clear();
        let Some(freed) = self.release(graph.chosen_needs(class, &self.selection)) else {
            self.undo(0, 1);
            return false;
        };
        let current = Offer { cost: freed + graph.chosen(class, &self.selection).own, alternative: before };
        let best = self.best_offer(class, current);
        if best.alternative == before {
            self.undo(0, 1);
            return false;
        }
        self.selection[class as usize] = best.alternative;
        let needs = graph.chosen_needs(class, &self.selection);
        if let Some(first) = self.classes_to_move(class, needs) {
            self.reorder(class, &first);
        }
        // The same steps as in the offer, so within the same bound.
        self.take(needs);
        true
    }

    /// The cheapest alternative of a class whose current needs are released; the current one unless another is clearly cheaper.
    fn best_offer(&mut self, class: u32, current: Offer) -> Offer {
        let graph = self.graph;
        let released = self.journal.len();
        let mut best = current;
        for (i, alternative) in graph.alternatives(class).iter().enumerate() {
            let needs = graph.needs(alternative);
            if i as u32 == current.alternative || self.classes_to_move(class, needs).is_none() {
                continue;
            }
            let added = self.take(needs);
            self.undo(released, -1);
            if let Some(added) = added
                && alternative.own + added < best.cost * (1.0 - 1e-9) - 1e-6
            {
                best = Offer { cost: alternative.own + added, alternative: i as u32 };
            }
        }
        best
    }

    /// Everything that must be computed before `class` if it needs these classes, and comes after it now; `None` where that
    /// includes `class` itself, or more classes than an offer may look at.
    fn classes_to_move(&mut self, class: u32, needs: &[u32]) -> Option<Vec<u32>> {
        self.walk += 1;
        let limit = self.place[class as usize];
        let mut found = Vec::new();
        self.stack.clear();
        self.stack.extend_from_slice(needs);
        while let Some(d) = self.stack.pop() {
            let place = self.place[d as usize];
            if place == NONE || d == class || found.len() > STEPS {
                return None;
            }
            // What comes before `class` in the order cannot need it.
            if place > limit && self.visited[d as usize] != self.walk {
                self.visited[d as usize] = self.walk;
                found.push(d);
                self.stack.extend_from_slice(self.graph.chosen_needs(d, &self.selection));
            }
        }
        Some(found)
    }

    /// Moves these classes in front of `class`; all others keep their order. They need nothing behind `class` but one another.
    fn reorder(&mut self, class: u32, first: &[u32]) {
        let places = first.iter().map(|&d| self.place[d as usize]);
        let (Some(end), start) = (places.max(), self.place[class as usize]) else { return };
        let span = start as usize..end as usize + 1;
        let old: Vec<u32> = self.sequence[span.clone()].to_vec();
        let moved = |d: &&u32| self.visited[**d as usize] == self.walk;
        let new = old.iter().filter(moved).chain(old.iter().filter(|d| !moved(d)));
        for (at, &d) in span.zip(new) {
            self.sequence[at] = d;
            self.place[d as usize] = at as u32;
        }
    }

    /// Counts one more use of each: what that adds to the total. `None` when it took too long; the journal knows what to undo.
    fn take(&mut self, needs: &[u32]) -> Option<f64> {
        let start = self.journal.len();
        let mut added = 0.0;
        self.stack.clear();
        self.stack.extend_from_slice(needs);
        while let Some(c) = self.stack.pop() {
            self.uses[c as usize] += 1;
            self.journal.push(c);
            if self.uses[c as usize] == 1 {
                if self.journal.len() - start > 2 * STEPS {
                    return None;
                }
                added += self.graph.chosen(c, &self.selection).own;
                self.stack.extend_from_slice(self.graph.chosen_needs(c, &self.selection));
            }
        }
        Some(added)
    }

    /// Counts one use less of each: what that takes from the total. `None` as for [`take`](Self::take).
    fn release(&mut self, needs: &[u32]) -> Option<f64> {
        let mut saved = 0.0;
        self.stack.clear();
        self.stack.extend_from_slice(needs);
        while let Some(c) = self.stack.pop() {
            self.uses[c as usize] -= 1;
            self.journal.push(c);
            if self.uses[c as usize] == 0 {
                if self.journal.len() > STEPS {
                    return None;
                }
                saved += self.graph.chosen(c, &self.selection).own;
                self.stack.extend_from_slice(self.graph.chosen_needs(c, &self.selection));
            }
        }
        Some(saved)
    }

    /// Changes the counts in the journal from `keep` on by `by` and forgets them.
    fn undo(&mut self, keep: usize, by: i32) {
        for c in self.journal.drain(keep..) {
            self.uses[c as usize] = self.uses[c as usize].wrapping_add_signed(by);
        }
    }
}
