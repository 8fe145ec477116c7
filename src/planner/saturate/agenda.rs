//! What to look at next: the terms that a wave made, and those above classes that met in it, as far up as any rule looks down.
//!
//! Terms come once each and in the order of their numbers, so that a plan is the same whatever order things were found in. Numbers
//! are small and dense: they are kept in order by a bit each, and nothing is sorted.

use egg::Id;

use super::Engine;
use crate::planner::facts::Terms;
use crate::planner::index::Changes;
use crate::planner::language::EOp;

/// A term to try rules on: because it is new, or because classes below it changed.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) term: Id,
    pub(super) changes: Option<Changes>,
}

/// Every term, as work to do.
pub(super) fn everything(terms: &Terms) -> Vec<Task> {
    (0..terms.analysis.n_made).map(|i| Task { term: Id::from(i), changes: None }).collect()
}

/// Room that is used anew for every wave; empty between them.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Terms that are to be looked at; with each its place among the tasks.
    due: Ordered,
    /// Terms one step above a change, then classes of theirs: with each the forms that were gained.
    edge: Ordered,
    above: Ordered,
}

/// Numbers with a word each, in their order.
#[derive(Debug, Default)]
struct Ordered {
    words: Vec<u64>,
    bits: Vec<u64>,
    /// The first and the last word of `bits` that may not be 0.
    span: Option<(usize, usize)>,
}

impl Ordered {
    /// Makes room for numbers below `n`.
    fn reserve(&mut self, n: usize) {
        if self.words.len() < n {
            self.words.resize(n, 0);
            self.bits.resize(n.div_ceil(64), 0);
        }
    }

    /// The word of a number, and whether it is new here (then the word is 0).
    fn at(&mut self, id: Id) -> (&mut u64, bool) {
        let n = usize::from(id);
        let (at, bit) = (n / 64, 1 << (n % 64));
        let new = self.bits[at] & bit == 0;
        self.bits[at] |= bit;
        self.span = Some(self.span.map_or((at, at), |(low, high)| (low.min(at), high.max(at))));
        (&mut self.words[n], new)
    }

    fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// Hands all numbers out in order, with their words; nothing is left.
    fn drain(&mut self, mut each: impl FnMut(Id, u64)) {
        let Some((low, high)) = self.span.take() else { return };
        for at in low..=high {
            let mut bits = std::mem::take(&mut self.bits[at]);
            while bits != 0 {
                let n = at * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                each(Id::from(n), std::mem::take(&mut self.words[n]));
            }
        }
    }
}

impl Engine<'_> {
    /// What the unions and new terms of the last wave ask to be looked at again.
    pub(super) fn next(&mut self, terms: &Terms) -> Vec<Task> {
        let mut agenda = std::mem::take(&mut self.agenda);
        let Agenda { due, edge, above } = &mut agenda;
        for ordered in [&mut *due, &mut *edge, &mut *above] {
            ordered.reserve(terms.analysis.n_made);
        }
        let mut found: Vec<Option<Changes>> = Vec::with_capacity(self.fresh.len() + self.raised.len());
        for id in self.fresh.drain(..) {
            let node = terms.id_to_node(id);
            // Some rules ask whether a reduction reads a term.
            let read = matches!(node.op, EOp::Reduce(_)).then(|| terms.find(node.children[0]));
            for term in read.into_iter().chain([id]) {
                *place(due, &mut found, term) = None;
            }
        }
        for (p, gained) in self.raised.drain(..) {
            *edge.at(p).0 |= gained;
        }
        let mut distance = 1;
        while !edge.is_empty() {
            edge.drain(|p, gained| {
                if let Some(changes) = place(due, &mut found, p) {
                    changes.note(distance, gained);
                }
                if self.index.climbs(&terms.id_to_node(p).op, distance) {
                    *above.at(terms.find(p)).0 |= gained;
                }
            });
            above.drain(|class, gained| {
                for p in self.above(&terms[class]) {
                    *edge.at(p).0 |= gained;
                }
            });
            distance += 1;
        }
        let mut tasks = Vec::with_capacity(found.len());
        due.drain(|term, at| tasks.push(Task { term, changes: found[at as usize].take() }));
        self.agenda = agenda;
        tasks
    }
}

/// What is known of the changes below a term that is due: none yet for a new one.
fn place<'t>(due: &mut Ordered, found: &'t mut Vec<Option<Changes>>, term: Id) -> &'t mut Option<Changes> {
    let (at, new) = due.at(term);
    if new {
        *at = found.len() as u64;
        found.push(Some(Changes::default()));
    }
    &mut found[*at as usize]
}
