//! A proof with terms of its own: those of the closure that its lemmas name, renumbered, and what they are in the recorded graph.

use std::sync::Arc;

use egg::Id;
use hashbrown::{HashMap, HashSet};

use super::lemma::{Justification, Lemma, Proof};
use super::replayed_plan::ReplayedPlan;
use crate::graph::{NodeId, Op};
use crate::planner::knowledge::{Knowledge, Terms};
use crate::planner::language::ENode;
use crate::planner::rules::Subst;

/// A recorded node, and the planned node that computes its value.
pub(super) struct Proved {
    pub(super) node: NodeId,
    pub(super) image: NodeId,
}

/// The proof made of these lemmas about terms of the closure.
pub(super) fn proof(replayed: &ReplayedPlan, store: Arc<Knowledge>, mut lemmas: Vec<Lemma>, of: Proved) -> Proof {
    let (numbering, terms) = copy(&replayed.closure.terms, &lemmas);
    lemmas.iter_mut().for_each(|lemma| renumber(lemma, &numbering));
    let mut proof = Proof {
        node: of.node,
        image: of.image,
        store,
        terms,
        lemmas,
        recorded: HashMap::new(),
        multi_use: HashSet::new(),
        swapped: HashSet::new(),
        chosen: HashMap::new(),
    };
    note_recorded(&mut proof, replayed, &numbering);
    proof
}

/// By term of the closure: its number in the proof, if it is there.
struct Numbering(Vec<Option<Id>>);

impl Numbering {
    fn get(&self, id: Id) -> Option<Id> {
        self.0[usize::from(id)]
    }

    /// Renumbers a term. One that is not in the proof becomes a number that no term has, which [`Proof::check`] refuses.
    fn apply(&self, id: &mut Id) {
        *id = self.get(*id).unwrap_or(Id::from(usize::MAX >> 33));
    }
}

/// Copies the terms that lemmas name and all below them, in their order. With the order of the numbers that of commutative operands
/// is kept.
fn copy(terms: &Terms, lemmas: &[Lemma]) -> (Numbering, Vec<ENode>) {
    let mut needed = named_terms(lemmas, terms.analysis.n_made);
    for i in (0..needed.len()).rev() {
        if needed[i] {
            terms.id_to_node(Id::from(i)).children.iter().for_each(|&c| needed[usize::from(c)] = true);
        }
    }
    let mut numbering = Numbering(vec![None; needed.len()]);
    let mut copied = Vec::new();
    for (i, _) in needed.iter().enumerate().filter(|(_, needed)| **needed) {
        numbering.0[i] = Some(Id::from(copied.len()));
        let mut term = terms.id_to_node(Id::from(i)).clone();
        term.children.iter_mut().for_each(|c| numbering.apply(c));
        copied.push(term);
    }
    (numbering, copied)
}

/// By term: whether a lemma names it.
fn named_terms(lemmas: &[Lemma], n_terms: usize) -> Vec<bool> {
    let mut named = vec![false; n_terms];
    let mut mark = |id: Id| named[usize::from(id)] = true;
    for lemma in lemmas {
        mark(lemma.from);
        for link in &lemma.links {
            mark(link.to);
            match &link.why {
                Justification::Stored { stores, .. } => stores.iter().copied().for_each(&mut mark),
                Justification::Rule(link) => bound(&link.subst).for_each(&mut mark),
                _ => {}
            }
        }
    }
    named
}

/// The terms that variables stand for.
fn bound(subst: &Subst) -> impl Iterator<Item = Id> + '_ {
    let attributes = subst.ops.iter().flatten().flat_map(|bound| bound.attributes.iter().copied());
    subst.vars.iter().flatten().copied().chain(attributes)
}

fn renumber(lemma: &mut Lemma, numbering: &Numbering) {
    let new = |id: &mut Id| numbering.apply(id);
    new(&mut lemma.from);
    for link in &mut lemma.links {
        new(&mut link.to);
        match &mut link.why {
            Justification::Stored { stores, .. } => stores.iter_mut().for_each(new),
            Justification::Rule(link) => {
                link.bracketings.iter_mut().for_each(|b| b.each(&mut |id| new(id)));
                link.subst.vars.iter_mut().flatten().for_each(new);
                link.subst.ops.iter_mut().flatten().for_each(|bound| bound.attributes.iter_mut().for_each(new));
            }
            _ => {}
        }
    }
}

/// Notes which of the proof's terms are recorded nodes, and how these were written.
fn note_recorded(proof: &mut Proof, replayed: &ReplayedPlan, numbering: &Numbering) {
    let graph = &replayed.graph;
    let mut n_users = vec![0u32; graph.nodes.len()];
    graph.nodes.iter().flat_map(|n| &n.operands).for_each(|o| n_users[o.index()] += 1);
    for (id, &term) in graph.ids().zip(&replayed.recorded) {
        let Some(at) = numbering.get(term) else { continue };
        proof.recorded.entry(at).or_default().push(id);
        if n_users[id.index()] > 1 {
            proof.multi_use.insert(at);
        }
        if let (Op::Binary(_), [first, ..]) = (&graph.node(id).op, &graph.node(id).operands[..])
            && replayed.closure.node(term).children[0] != replayed.recorded[first.index()]
        {
            proof.swapped.insert(at);
        }
        if replayed.plan.image[id.index()].is_some() {
            let all = replayed.chosen[id.index()].iter().filter_map(|&c| numbering.get(c));
            proof.chosen.entry(at).or_insert_with(|| all.collect());
        }
    }
}
