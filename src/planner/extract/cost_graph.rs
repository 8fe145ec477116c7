//! An e-graph reduced to numbers: classes, the alternatives of each, what an alternative costs and which classes it needs.
//!
//! Knows no term and no cost table.

use std::ops::Range;

/// No alternative chosen, or no place in an order.
pub(super) const NONE: u32 = u32::MAX;

/// By class: the place of the chosen alternative among the class's alternatives, or [`NONE`].
pub(super) type Selection = Vec<u32>;

/// One term of a class: its own cost, and the range of its needs in the graph's table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alternative {
    pub(super) own: f64,
    needs: (u32, u32),
}

/// Classes by number, the alternatives of each in one run.
#[derive(Debug)]
pub(super) struct CostGraph {
    alternatives: Vec<Alternative>,
    /// The classes that alternatives need; each once for an alternative, ascending.
    needs: Vec<u32>,
    /// Where the alternatives of each class begin, and where the last ones end.
    first: Vec<u32>,
    /// The class that has to be computed.
    pub(super) root: u32,
}

impl CostGraph {
    /// A graph without classes; `root` is the number of the root once it is complete.
    pub(super) fn with_root(root: u32) -> Self {
        Self { alternatives: Vec::new(), needs: Vec::new(), first: vec![0], root }
    }

    /// Adds an alternative to the class under construction.
    pub(super) fn add_alternative(&mut self, own: f64, needs: impl Iterator<Item = u32>) {
        let start = self.needs.len();
        self.needs.extend(needs);
        self.needs[start..].sort_unstable();
        let mut end = start;
        for i in start..self.needs.len() {
            if i == start || self.needs[i] != self.needs[end - 1] {
                self.needs[end] = self.needs[i];
                end += 1;
            }
        }
        self.needs.truncate(end);
        self.alternatives.push(Alternative { own, needs: (start as u32, end as u32) });
    }

    /// Completes the class under construction.
    pub(super) fn end_class(&mut self) {
        self.first.push(self.alternatives.len() as u32);
    }

    pub(super) fn n_classes(&self) -> usize {
        self.first.len() - 1
    }

    pub(super) fn n_alternatives(&self) -> usize {
        self.alternatives.len()
    }

    /// Where a class's alternatives lie among those of all classes.
    pub(super) fn range(&self, class: u32) -> Range<usize> {
        self.first[class as usize] as usize..self.first[class as usize + 1] as usize
    }

    /// An alternative by its place among those of all classes.
    pub(super) fn alternative(&self, place: usize) -> &Alternative {
        &self.alternatives[place]
    }

    pub(super) fn alternatives(&self, class: u32) -> &[Alternative] {
        &self.alternatives[self.range(class)]
    }

    pub(super) fn needs(&self, alternative: &Alternative) -> &[u32] {
        &self.needs[alternative.needs.0 as usize..alternative.needs.1 as usize]
    }

    /// The alternative chosen for a class, which has one.
    pub(super) fn chosen(&self, class: u32, selection: &[u32]) -> &Alternative {
        &self.alternatives(class)[selection[class as usize] as usize]
    }

    pub(super) fn chosen_needs(&self, class: u32, selection: &[u32]) -> &[u32] {
        self.needs(self.chosen(class, selection))
    }

    /// Calls `with` while every alternative of a class costs so much more.
    pub(super) fn with_surcharge<T>(&mut self, class: u32, surcharge: f64, with: impl FnOnce(&Self) -> T) -> T {
        let range = self.range(class);
        let before = self.alternatives[range.clone()].to_vec();
        self.alternatives[range.clone()].iter_mut().for_each(|a| a.own += surcharge);
        let result = with(self);
        self.alternatives[range].copy_from_slice(&before);
        result
    }

    /// The classes that have a chosen alternative, needed ones first; `None` if the selection has a cycle.
    pub(super) fn order(&self, selection: &[u32]) -> Option<Vec<u32>> {
        let mut state = vec![VisitState::New; selection.len()];
        let mut sequence = Vec::with_capacity(selection.len());
        let mut stack = Vec::new();
        for start in 0..selection.len() as u32 {
            if state[start as usize] != VisitState::New || selection[start as usize] == NONE {
                continue;
            }
            stack.push((start, 0));
            state[start as usize] = VisitState::Open;
            while let Some((class, at)) = stack.pop() {
                let Some(&need) = self.chosen_needs(class, selection).get(at) else {
                    state[class as usize] = VisitState::Done;
                    sequence.push(class);
                    continue;
                };
                stack.push((class, at + 1));
                if state[need as usize] == VisitState::Open || selection[need as usize] == NONE {
                    return None;
                }
                if state[need as usize] == VisitState::New {
                    state[need as usize] = VisitState::Open;
                    stack.push((need, 0));
                }
            }
        }
        Some(sequence)
    }

    /// The cost of everything the root needs, each class once; infinite if the selection has a cycle.
    pub(super) fn total(&self, selection: &[u32]) -> f64 {
        if self.order(selection).is_none() {
            return f64::INFINITY;
        }
        self.used(selection).iter().map(|&c| self.chosen(c, selection).own).sum()
    }

    /// Everything the root needs.
    pub(super) fn used(&self, selection: &[u32]) -> Vec<u32> {
        let mut seen = vec![false; selection.len()];
        let mut stack = vec![self.root];
        let mut used = Vec::new();
        while let Some(c) = stack.pop() {
            if !std::mem::replace(&mut seen[c as usize], true) {
                used.push(c);
                stack.extend(self.chosen_needs(c, selection));
            }
        }
        used
    }
}

/// The state of a class in a depth-first walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VisitState {
    New,
    Open,
    Done,
}
