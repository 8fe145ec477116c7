//! Uniting classes, and what follows from it nearby.
//!
//! Two inferences are made at once: terms above united classes that have become equal are united too (congruence), and so are
//! kernels whose stored results are equal. Without the second, kernels multiply along epilogue chains.

use egg::Id;
use hashbrown::HashSet;

use super::agenda::Agenda;
use crate::planner::class_facts::Facts;
use crate::planner::class_mask::ClassMask;
use crate::planner::knowledge::Terms;
use crate::planner::language::EOp;
use crate::planner::prune::keep_constant;

/// Unions since the last round, and what has to be looked at because of them.
#[derive(Default)]
pub(super) struct Unions {
    pub(super) agenda: Agenda,
    /// Terms written anew because a class below them got another number; the next round removes the old ones.
    pub(super) renamed: usize,
    /// Kernels that were united although they had grown from different cores.
    cores: Vec<Id>,
}

impl Unions {
    /// Unites two classes and what has become equal because of it; whether anything was united.
    pub(super) fn unite(&mut self, terms: &mut Terms, a: Id, b: Id) -> bool {
        let mut open = vec![(a, b)];
        let mut united = false;
        while let Some((a, b)) = open.pop() {
            let (a, b) = (terms.find(a), terms.find(b));
            if a == b {
                continue;
            }
            let (class_a, class_b) = (&terms[a], &terms[b]);
            let (above_a, above_b) = (self.agenda.users(class_a), self.agenda.users(class_b));
            let fewer = if class_a.parents().len() < class_b.parents().len() { &above_a } else { &above_b };
            let (mask_a, mask_b) = (class_a.data.mask, class_b.data.mask);
            let core = |facts: &Facts| facts.core().map(|c| terms.find(c));
            let cores_meet = core(&class_a.data) != core(&class_b.data);
            terms.union(a, b);
            united = true;
            self.agenda.raise(above_a.iter().copied(), mask_b);
            self.agenda.raise(above_b.iter().copied(), mask_a);
            for &user in fewer {
                open.extend(self.rename(terms, user));
            }
            let class = terms.find(a);
            keep_constant(terms, class);
            open.extend(same_kernels(terms, class));
            if cores_meet {
                self.cores.push(class);
            }
        }
        united
    }

    /// Writes a term with the present numbers of its operands' classes. Where that term is there already, the two are to be united.
    fn rename(&mut self, terms: &mut Terms, term: Id) -> Option<(Id, Id)> {
        let mut node = terms.id_to_node(term).clone();
        egg::Language::update_children(&mut node, |c| terms.find(c));
        self.agenda.mark_stale(term, terms.analysis.n_made);
        let known = terms.lookup(node.clone());
        if known.is_none() {
            let again = terms.add(node);
            terms.union(term, again);
            self.renamed += 1;
        }
        known.map(|known| (term, known))
    }

    /// Raises every stage above kernels that were united although they had different cores: kernels name their cores, so any of
    /// these stages may be asked about them. Rare and far-reaching, so once a round.
    pub(super) fn raise_stages(&mut self, terms: &Terms) {
        let mut seen: HashSet<Id> = HashSet::new();
        while let Some(kernel) = self.cores.pop() {
            for user in terms[kernel].parents() {
                self.agenda.raise([user], ClassMask::NONE);
                let above = terms.find(user);
                if (terms[above].data.is_kernel() || terms.id_to_node(user).op == EOp::Run) && seen.insert(above) {
                    self.cores.push(above);
                }
            }
        }
    }

    /// Unites what restoring congruence shows to be equal and `unite` missed: nothing, as long as `unite` makes every union.
    pub(super) fn take_up_congruence(&mut self, terms: &mut Terms) {
        for id in std::mem::take(&mut terms.analysis.touched) {
            self.agenda.raise(terms[id].parents(), ClassMask::ALL);
            for (a, b) in same_kernels(terms, id) {
                self.unite(terms, a, b);
            }
        }
    }
}

/// Kernels that are equal because a class holds the stored results of all of them, as pairs.
fn same_kernels(terms: &Terms, class: Id) -> Vec<(Id, Id)> {
    if !terms.analysis.masks[usize::from(class)].contains(ClassMask::required_by(&EOp::Run)) {
        return Vec::new();
    }
    let stored = terms[class].nodes.iter().filter(|n| n.op == EOp::Run);
    let mut kernels = stored.map(|n| terms.find(n.children[0]));
    let Some(first) = kernels.next() else { return Vec::new() };
    kernels.filter(|&k| k != first).map(|k| (first, k)).collect()
}
