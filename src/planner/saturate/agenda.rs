//! What to look at next: the terms that a wave made, and those above the classes that it united, as far up as any rule looks down.
//!
//! Each term comes once, in ascending order of numbers, so that a plan does not depend on the order in which things were found.
//! Numbers are small and dense: one bit each keeps them in order, and nothing is sorted.

use egg::{EClass, Id};
use smallvec::SmallVec;

use crate::planner::class_facts::Facts;
use crate::planner::class_mask::ClassMask;
use crate::planner::index::{Changes, PhaseIndex};
use crate::planner::knowledge::Terms;
use crate::planner::language::{ENode, EOp};

/// A term to try rules on: because it is new, or because classes below it changed.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) term: Id,
    /// What changed below it; `None` for a new term.
    pub(super) changes: Option<Changes>,
}

/// Every term, as work to do.
pub(super) fn everything(terms: &Terms) -> Vec<Task> {
    (0..terms.analysis.n_made).map(|i| Task { term: Id::from(i), changes: None }).collect()
}

/// A term above a class that was united with another, and the operations that the class gained.
#[derive(Clone, Copy, Debug)]
struct Raised {
    term: Id,
    gained: ClassMask,
}

/// What the last wave made and united, and from that the tasks of the next one.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Terms made by the last wave.
    fresh: Vec<Id>,
    /// Terms above classes that the last wave united.
    raised: Vec<Raised>,
    /// By term: whether an equal term has another number, so that this one need not be visited.
    stale: Vec<bool>,
    /// Buffers of `next`, empty between its calls. Terms to be tried; with each its place among the tasks.
    due: OrderedIds,
    /// Terms one step above a change, then the classes of these: with each the operations that were gained.
    edge: OrderedIds,
    above: OrderedIds,
}

impl Agenda {
    /// Notes that these terms are new.
    pub(super) fn add_fresh(&mut self, ids: impl Iterator<Item = Id>) {
        self.fresh.extend(ids);
    }

    /// Notes that a class below these terms gained operations.
    pub(super) fn raise(&mut self, terms: impl IntoIterator<Item = Id>, gained: ClassMask) {
        self.raised.extend(terms.into_iter().map(|term| Raised { term, gained }));
    }

    /// The terms above a class that are not stale.
    pub(super) fn users(&self, class: &EClass<ENode, Facts>) -> SmallVec<[Id; 8]> {
        users(&self.stale, class)
    }

    /// Notes that an equal of this term has another number. `n_made` terms exist.
    pub(super) fn mark_stale(&mut self, term: Id, n_made: usize) {
        if self.stale.len() <= usize::from(term) {
            self.stale.resize(n_made.max(usize::from(term) + 1), false);
        }
        self.stale[usize::from(term)] = true;
    }

    /// The tasks that follow from the unions and new terms of the last wave.
    pub(super) fn next(&mut self, terms: &Terms, index: &PhaseIndex) -> Vec<Task> {
        let Self { fresh, raised, stale, due, edge, above } = self;
        for ordered in [&mut *due, &mut *edge, &mut *above] {
            ordered.reserve(terms.analysis.n_made);
        }
        let mut found: Vec<Option<Changes>> = Vec::with_capacity(fresh.len() + raised.len());
        for id in fresh.drain(..) {
            let node = terms.id_to_node(id);
            // Some rules ask whether a reduction reads a term.
            let read = matches!(node.op, EOp::Reduce(_)).then(|| terms.find(node.children[0]));
            for term in read.into_iter().chain([id]) {
                *changes_below(due, &mut found, term) = None;
            }
        }
        for Raised { term, gained } in raised.drain(..) {
            *edge.at(term).0 |= gained.bits();
        }
        let mut distance = 1;
        while !edge.is_empty() {
            edge.drain(|term, gained| {
                if let Some(changes) = changes_below(due, &mut found, term) {
                    changes.note(distance, ClassMask::from_bits(gained));
                }
                if index.climbs(&terms.id_to_node(term).op, distance) {
                    *above.at(terms.find(term)).0 |= gained;
                }
            });
            above.drain(|class, gained| {
                for term in users(stale, &terms[class]) {
                    *edge.at(term).0 |= gained;
                }
            });
            distance += 1;
        }
        let mut tasks = Vec::with_capacity(found.len());
        due.drain(|term, at| tasks.push(Task { term, changes: found[at as usize].take() }));
        tasks
    }
}

fn users(stale: &[bool], class: &EClass<ENode, Facts>) -> SmallVec<[Id; 8]> {
    let mut users = SmallVec::new();
    for user in class.parents() {
        if stale.get(usize::from(user)) != Some(&true) {
            users.push(user);
        }
    }
    users
}

/// What is known of the changes below a term that is due: none yet for one that was not due before.
fn changes_below<'t>(due: &mut OrderedIds, found: &'t mut Vec<Option<Changes>>, term: Id) -> &'t mut Option<Changes> {
    let (at, new) = due.at(term);
    if new {
        *at = found.len() as u64;
        found.push(Some(Changes::default()));
    }
    &mut found[*at as usize]
}

/// A set of ids in ascending order, each with a word.
#[derive(Debug, Default)]
struct OrderedIds {
    words: Vec<u64>,
    bits: Vec<u64>,
    /// The first and the last word of `bits` that may not be 0.
    span: Option<(usize, usize)>,
}

impl OrderedIds {
    /// Makes room for ids below `n`.
    fn reserve(&mut self, n: usize) {
        if self.words.len() < n {
            self.words.resize(n, 0);
            self.bits.resize(n.div_ceil(64), 0);
        }
    }

    /// The word of an id, and whether the id is new here (then the word is 0).
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

    /// Removes all ids in order and calls `each` with them and their words.
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
