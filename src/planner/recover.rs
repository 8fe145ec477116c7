//! Offers of area recovery: what a class would save by another of its terms, given all that is used anyway.
//!
//! In goes a choice with its classes in topological order; it is changed one class at a time, and stays free of circles. An offer
//! looks at what would be freed and what would be needed, which in a deep graph may be all of it: an offer that needs more
//! than a fixed number of steps is turned down, so that recovery takes time in proportion to the graph. This page knows numbers
//! only: no term and no cost table.

use super::extract::{NONE, Problem};

/// Steps that one offer may take.
const STEPS: usize = 128;

/// Area recovery under way.
pub(super) struct Recovery<'a> {
    problem: &'a Problem,
    pub(super) chosen: Vec<u32>,
    /// How many chosen terms in use need each class.
    pub(super) refs: Vec<u32>,
    /// Classes, needed ones first, and the place of each.
    pub(super) sequence: Vec<u32>,
    place: Vec<u32>,
    /// Classes whose count changed, to be changed back.
    journal: Vec<u32>,
    stack: Vec<u32>,
    /// At least so many classes would be freed with each class, itself included, as of the beginning of a pass.
    alone: Vec<u32>,
    /// The last walk that came by each class.
    mark: Vec<u32>,
    walk: u32,
}

impl<'a> Recovery<'a> {
    pub(super) fn new(problem: &'a Problem, chosen: Vec<u32>, sequence: Vec<u32>) -> Self {
        let n = chosen.len();
        let mut place = vec![NONE; n];
        for (i, &c) in sequence.iter().enumerate() {
            place[c as usize] = i as u32;
        }
        let mut refs = vec![0u32; n];
        refs[problem.root as usize] = 1;
        for &c in sequence.iter().rev() {
            if refs[c as usize] > 0 {
                for &d in problem.chosen_needs(c, &chosen) {
                    refs[d as usize] += 1;
                }
            }
        }
        Self {
            problem,
            chosen,
            refs,
            sequence,
            place,
            journal: Vec::new(),
            stack: Vec::new(),
            alone: Vec::new(),
            mark: vec![0; n],
            walk: 0,
        }
    }

    /// Begins a pass: notes which classes are needed by so much that nobody else needs that an offer would never see the end of it.
    pub(super) fn begin(&mut self) {
        self.alone.clear();
        self.alone.resize(self.chosen.len(), 0);
        for &c in &self.sequence {
            let needs = self.problem.chosen_needs(c, &self.chosen).iter().map(|&d| d as usize);
            let below = needs.filter(|&d| self.refs[d] == 1).map(|d| self.alone[d] as usize).sum::<usize>();
            self.alone[c as usize] = (1 + below).min(2 * STEPS) as u32;
        }
    }

    /// Offers a class its other terms.
    pub(super) fn improve(&mut self, c: u32) -> bool {
        let p = self.problem;
        let before = self.chosen[c as usize];
        if self.alone[c as usize] as usize > STEPS + 1 {
            return false;
        }
        self.journal.clear();
        let Some(freed) = self.release(p.chosen_needs(c, &self.chosen)) else {
            self.undo(0, 1);
            return false;
        };
        let released = self.journal.len();
        let mut best = (freed + p.options(c)[before as usize].own, before);
        for (i, way) in p.options(c).iter().enumerate() {
            if i as u32 == before || self.before(c, p.needs(way)).is_none() {
                continue;
            }
            let added = self.take(p.needs(way));
            self.undo(released, -1);
            if let Some(added) = added
                && way.own + added < best.0 * (1.0 - 1e-9) - 1e-6
            {
                best = (way.own + added, i as u32);
            }
        }
        if best.1 == before {
            self.undo(0, 1);
            return false;
        }
        self.chosen[c as usize] = best.1;
        let needs = p.chosen_needs(c, &self.chosen);
        if let Some(first) = self.before(c, needs) {
            self.reorder(c, &first);
        }
        // The same steps as in the offer, so within the same bound.
        self.take(needs);
        true
    }

    /// Everything that needs must be computed before `c` for these classes to be, and stands behind it now; `None` where that
    /// is `c` itself or more than an offer may look at.
    fn before(&mut self, c: u32, needs: &[u32]) -> Option<Vec<u32>> {
        self.walk += 1;
        let limit = self.place[c as usize];
        let mut found = Vec::new();
        self.stack.clear();
        self.stack.extend_from_slice(needs);
        while let Some(d) = self.stack.pop() {
            let place = self.place[d as usize];
            if place == NONE || d == c || found.len() > STEPS {
                return None;
            }
            // What stands before `c` in the order cannot need it.
            if place > limit && self.mark[d as usize] != self.walk {
                self.mark[d as usize] = self.walk;
                found.push(d);
                self.stack.extend_from_slice(self.problem.chosen_needs(d, &self.chosen));
            }
        }
        Some(found)
    }

    /// Moves these classes in front of `c`, all else keeping its order. They need nothing behind `c` but one another.
    fn reorder(&mut self, c: u32, first: &[u32]) {
        let places = first.iter().map(|&d| self.place[d as usize]);
        let (Some(end), start) = (places.max(), self.place[c as usize]) else { return };
        let span = start as usize..end as usize + 1;
        let old: Vec<u32> = self.sequence[span.clone()].to_vec();
        let moved = |d: &&u32| self.mark[**d as usize] == self.walk;
        let new = old.iter().filter(moved).chain(old.iter().filter(|d| !moved(d)));
        for (at, &d) in span.zip(new) {
            self.sequence[at] = d;
            self.place[d as usize] = at as u32;
        }
    }

    /// Counts one more use of each: what that adds. `None` when it took too long; the journal knows what to undo.
    fn take(&mut self, needs: &[u32]) -> Option<f64> {
        let start = self.journal.len();
        let mut added = 0.0;
        self.stack.clear();
        self.stack.extend_from_slice(needs);
        while let Some(c) = self.stack.pop() {
            self.refs[c as usize] += 1;
            self.journal.push(c);
            if self.refs[c as usize] == 1 {
                if self.journal.len() - start > 2 * STEPS {
                    return None;
                }
                added += self.problem.options(c)[self.chosen[c as usize] as usize].own;
                self.stack.extend_from_slice(self.problem.chosen_needs(c, &self.chosen));
            }
        }
        Some(added)
    }

    /// Counts one use less of each: what that saves.
    fn release(&mut self, needs: &[u32]) -> Option<f64> {
        let mut saved = 0.0;
        self.stack.clear();
        self.stack.extend_from_slice(needs);
        while let Some(c) = self.stack.pop() {
            self.refs[c as usize] -= 1;
            self.journal.push(c);
            if self.refs[c as usize] == 0 {
                if self.journal.len() > STEPS {
                    return None;
                }
                saved += self.problem.options(c)[self.chosen[c as usize] as usize].own;
                self.stack.extend_from_slice(self.problem.chosen_needs(c, &self.chosen));
            }
        }
        Some(saved)
    }

    /// Takes back what the journal holds from `keep` on.
    fn undo(&mut self, keep: usize, by: i32) {
        for c in self.journal.drain(keep..) {
            self.refs[c as usize] = self.refs[c as usize].wrapping_add_signed(by);
        }
    }
}
