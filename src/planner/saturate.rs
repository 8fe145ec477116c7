//! Applying rules until nothing new comes: deterministic, limited by counts and never by a clock.
//!
//! Work goes in waves. A wave finds all matches at terms that are new or stand above classes found equal, then applies them in
//! the order of terms and rules. Waves follow one another without looking at the rest of the graph, so a transpose on its way
//! through ten thousand operations costs ten thousand small steps. Only when they run dry, or when many classes have met,
//! or when what is known of two of them differed, a *round* ends: congruence and facts are restored over the whole graph, and
//! what that changes begins the next round. Rules that weigh a whole chain wait until there is nothing else to do: only then is
//! all of it known.

mod agenda;
mod search;

use std::hash::BuildHasherDefault;

use egg::{EClass, Id};
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::chain::Chains;
use super::facts::{Facts, Terms};
use super::index::{Forms, Index, form};
use super::language::{ENode, EOp};
use super::proof::Event;
use super::prune::{keep_constant, prune};
use super::rules::{Phase, Rule, Rules, draft_with};
use crate::algorithms::FixedHasher;
use crate::types::{DType, Numerics};
use agenda::{Agenda, Task, everything};
use search::{Match, mark};

/// How far rounds and terms may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Rounds of the shrinking phases.
    pub(super) rounds: usize,
    /// Terms in the e-graph.
    pub(super) terms: usize,
    /// Rounds of the phase that may grow.
    pub(super) grow_rounds: usize,
    /// How often chains may be weighed anew.
    pub(super) weighings: usize,
}

impl Budget {
    /// The budget for a graph of so many terms.
    pub(super) fn of(n_terms: usize) -> Self {
        Self { rounds: 200, terms: 12 * n_terms + 4_000, grow_rounds: 3, weighings: 3 }
    }
}

/// A union that changed something.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    /// Index into the rules.
    pub(super) rule: usize,
    /// The dtype that decided the rule's class.
    pub(super) dtype: DType,
    /// The class whose members were found equal.
    pub(super) class: Id,
    /// The term that was matched.
    pub(super) left: ENode,
    /// Terms that came into being.
    pub(super) fresh: Vec<ENode>,
    /// Scalars whose magnitude the plan must check at run time.
    pub(super) guards: Vec<Id>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Saturation {
    pub(super) saturated: bool,
    /// How often congruence was restored.
    pub(super) rounds: usize,
    /// Matches that were looked at closely.
    pub(super) matches: usize,
    /// Right sides whose shape or dtype would have differed.
    pub(super) refused: usize,
    pub(super) applied: Vec<Applied>,
    /// The term budget was passed; the e-graph is of no use.
    pub(super) exhausted: bool,
    /// What was applied, in order, for proofs; `None` when nobody asks.
    pub(super) journal: Option<Vec<Event>>,
}

struct Engine<'a> {
    rules: &'a Rules,
    numerics: Numerics,
    allow_rescale: bool,
    /// By rule: whether any of its classes may be used at all.
    admitted: Vec<bool>,
    /// By rule: whether it weighs a whole chain.
    weighs: &'a [bool],
    /// Whether it is the turn of those that do, instead of the others'.
    weighing: bool,
    /// How often that found something.
    weighings: usize,
    index: &'a Index,
    /// Matches that were applied or refused, as hashes of rule, class and substitution: none is drafted twice.
    done: HashSet<u64, BuildHasherDefault<FixedHasher>>,
    /// Terms made so far, those of the input included.
    made: usize,
    /// Terms written anew because a class below them got another number; the next round clears them away.
    renamed: usize,
    /// By term: whether it need not be looked for under this number any more.
    stale: Vec<bool>,
    /// Room for the terms to be looked at next.
    agenda: Agenda,
    /// Terms made by the last wave.
    fresh: Vec<Id>,
    /// Terms above classes that met in the last wave, with the forms those gained.
    raised: Vec<(Id, Forms)>,
    /// Kernels that were found equal and had grown from different cores.
    cores: Vec<Id>,
    out: Saturation,
}

/// Runs the rules.
pub(super) fn saturate(
    terms: &mut Terms,
    rules: &Rules,
    numerics: Numerics,
    allow_rescale: bool,
    budget: Budget,
    journal: bool,
) -> Saturation {
    let made = terms.total_number_of_nodes();
    let mut engine = Engine {
        rules,
        numerics,
        allow_rescale,
        index: &rules.index().shrink,
        admitted: rules.all().iter().map(|r| may(r, numerics, allow_rescale)).collect(),
        weighs: &rules.index().weighs,
        weighing: false,
        weighings: 0,
        done: HashSet::default(),
        made,
        renamed: 0,
        stale: Vec::new(),
        agenda: Agenda::default(),
        fresh: Vec::new(),
        raised: Vec::new(),
        cores: Vec::new(),
        out: Saturation { journal: journal.then(Vec::new), ..Saturation::default() },
    };
    let all = everything(terms);
    engine.settle(terms, all, budget);
    let grows = rules.all().iter().zip(&engine.admitted).any(|(r, &may)| may && r.phase == Phase::Grow);
    if grows && engine.out.saturated && !engine.out.exhausted {
        engine.grow(terms, budget);
    }
    if engine.out.saturated && !engine.out.exhausted {
        engine.index = &rules.index().kernel;
        let all = everything(terms);
        engine.settle(terms, all, budget);
    }
    if !engine.out.exhausted {
        prune(terms);
    }
    engine.out
}

fn may(rule: &Rule, numerics: Numerics, allow_rescale: bool) -> bool {
    rule.classes.iter().flatten().any(|c| c.admitted(numerics, allow_rescale))
}

impl Engine<'_> {
    /// Waves and rounds from these tasks until nothing new comes.
    fn settle(&mut self, terms: &mut Terms, mut tasks: Vec<Task>, budget: Budget) {
        self.out.saturated = false;
        let end = self.out.rounds + budget.rounds;
        while self.out.rounds < end {
            self.out.rounds += 1;
            while !tasks.is_empty() && self.renamed <= 64 + self.made / 2 && !terms.analysis.facts_changed {
                self.wave(terms, &tasks, budget.terms);
                if self.out.exhausted {
                    terms.rebuild();
                    return;
                }
                tasks = self.next(terms);
            }
            self.renamed = 0;
            terms.analysis.touched.clear();
            terms.rebuild();
            terms.analysis.facts_changed = false;
            // Terms that turned out to be equal are one term from here on.
            self.made = terms.total_number_of_nodes();
            self.found_by_congruence(terms);
            self.stages(terms);
            tasks.extend(self.next(terms));
            if tasks.is_empty() {
                self.weigh(terms, budget);
                tasks = self.next(terms);
            }
            if tasks.is_empty() || self.out.exhausted {
                self.out.saturated = !self.out.exhausted;
                return;
            }
            tasks.sort_unstable_by_key(|t| t.term);
        }
    }

    /// A few rounds of the rules that may grow the graph, each followed by the others. Over budget they never were.
    fn grow(&mut self, terms: &mut Terms, budget: Budget) {
        let before = (terms.clone(), self.out.clone(), self.made);
        for _ in 0..budget.grow_rounds {
            let known = self.out.applied.len();
            self.index = &self.rules.index().grow;
            let all = everything(terms);
            self.wave(terms, &all, budget.terms);
            self.weigh(terms, budget);
            let tasks = self.next(terms);
            self.index = &self.rules.index().shrink;
            self.settle(terms, tasks, budget);
            if self.out.exhausted {
                (*terms, self.out, self.made) = before;
                return;
            }
            if self.out.applied.len() == known {
                return;
            }
        }
    }

    /// The rules that weigh whole chains; a few times only, since others may spell a chain's factors anew each time.
    fn weigh(&mut self, terms: &mut Terms, budget: Budget) {
        if self.weighings == budget.weighings {
            return;
        }
        let (forms, before) = (self.rules.index().weighed, self.out.applied.len());
        let ids = (0..terms.analysis.n_made).map(Id::from);
        let begins = ids.filter(|&id| form(&terms.id_to_node(id).op) & forms != 0);
        let tasks: Vec<Task> = begins.map(|term| Task { term, changes: None }).collect();
        self.weighing = true;
        self.wave(terms, &tasks, budget.terms);
        self.weighing = false;
        self.weighings += usize::from(self.out.applied.len() > before);
    }

    fn wave(&mut self, terms: &mut Terms, tasks: &[Task], most_terms: usize) {
        let found = self.search(terms, tasks);
        for m in found {
            self.apply(terms, m);
            if self.made > most_terms {
                self.out.exhausted = true;
                return;
            }
        }
    }

    /// Makes two classes one and restores what follows from it nearby: terms above them that have become equal, and kernels whose
    /// stored results have (without this, kernels multiply along epilogue chains).
    fn unite(&mut self, terms: &mut Terms, a: Id, b: Id) -> bool {
        let mut open = vec![(a, b)];
        let mut united = false;
        while let Some((a, b)) = open.pop() {
            let (a, b) = (terms.find(a), terms.find(b));
            if a == b {
                continue;
            }
            let (class_a, class_b) = (&terms[a], &terms[b]);
            let (above_a, above_b) = (self.above(class_a), self.above(class_b));
            let fewer = if class_a.parents().len() < class_b.parents().len() { &above_a } else { &above_b };
            let (forms_a, forms_b) = (class_a.data.forms, class_b.data.forms);
            let core = |facts: &Facts| facts.core().map(|c| terms.find(c));
            let cores_meet = core(&class_a.data) != core(&class_b.data);
            terms.union(a, b);
            united = true;
            self.raised.extend(above_a.iter().map(|&p| (p, forms_b)));
            self.raised.extend(above_b.iter().map(|&p| (p, forms_a)));
            for &p in fewer {
                let mut node = terms.id_to_node(p).clone();
                egg::Language::update_children(&mut node, |c| terms.find(c));
                // From now on the same term stands under another number, old or new.
                if self.stale.len() <= usize::from(p) {
                    self.stale.resize(terms.analysis.n_made.max(usize::from(p) + 1), false);
                }
                self.stale[usize::from(p)] = true;
                match terms.lookup(node.clone()) {
                    Some(known) => open.push((p, known)),
                    None => {
                        let again = terms.add(node);
                        terms.union(p, again);
                        self.renamed += 1;
                    }
                }
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

    /// The terms above a class.
    fn above(&self, class: &EClass<ENode, Facts>) -> SmallVec<[Id; 8]> {
        let mut above = SmallVec::new();
        for p in class.parents() {
            if self.stale.get(usize::from(p)) != Some(&true) {
                above.push(p);
            }
        }
        above
    }

    /// Kernels name their cores: two cores that meet may be asked about from any stage above them. Rare and far-reaching, so once
    /// a round.
    fn stages(&mut self, terms: &Terms) {
        let mut seen: HashSet<Id> = HashSet::new();
        while let Some(kernel) = self.cores.pop() {
            for p in terms[kernel].parents() {
                self.raised.push((p, 0));
                let above = terms.find(p);
                if (terms[above].data.is_kernel() || terms.id_to_node(p).op == EOp::Run) && seen.insert(above) {
                    self.cores.push(above);
                }
            }
        }
    }

    /// What a round has found that `unite` had not: nothing, as long as every union goes through it.
    fn found_by_congruence(&mut self, terms: &mut Terms) {
        for id in std::mem::take(&mut terms.analysis.touched) {
            self.raised.extend(terms[id].parents().map(|p| (p, Forms::MAX)));
            for (a, b) in same_kernels(terms, id) {
                self.unite(terms, a, b);
            }
        }
    }

    fn apply(&mut self, terms: &mut Terms, m: Match) {
        let rule = &self.rules.all()[m.rule];
        let class = terms.find(m.term);
        // An operand may have turned out to be a product since it was last looked at.
        let mut chains = if self.weighs[m.rule] { Chains::of(terms, rule, &m.subst) } else { Chains::default() };
        let key = mark(terms, m.rule, class, &m.subst, &chains);
        if !self.done.insert(key) {
            return;
        }
        let mut bracket = |terms: &Terms, _: &[Id]| chains.next(terms);
        let Some(draft) = draft_with(&rule.right, terms, &m.subst, &terms[class].data, &mut bracket) else {
            self.out.refused += 1;
            return;
        };
        if rule.phase == Phase::Meet && draft.computes() {
            // The other one may yet come.
            self.done.remove(&key);
            return;
        }
        let before = terms.analysis.n_made;
        let (id, fresh) = draft.add(terms);
        self.fresh.extend((before..terms.analysis.n_made).map(Id::from));
        self.made += fresh.len();
        if !self.unite(terms, class, id) {
            return;
        }
        if let Some(journal) = &mut self.out.journal {
            journal.push(Event { rule: m.rule, term: m.term, subst: m.subst.clone(), weighed: chains.weighed });
        }
        let subject = m.subst.vars[rule.subject_var].unwrap_or(class);
        let dtype = terms[subject].data.dtype;
        let mut left = terms.id_to_node(m.term).clone();
        egg::Language::update_children(&mut left, |c| terms.find(c));
        self.out.applied.push(Applied { rule: m.rule, dtype, class, left, fresh, guards: m.guards });
    }
}

/// Kernels that are equal because a class holds the stored results of all of them.
fn same_kernels(terms: &Terms, class: Id) -> Vec<(Id, Id)> {
    if terms.analysis.forms[usize::from(class)] & form(&EOp::Run) == 0 {
        return Vec::new();
    }
    let stored = terms[class].nodes.iter().filter(|n| n.op == EOp::Run);
    let mut kernels = stored.map(|n| terms.find(n.children[0]));
    let Some(first) = kernels.next() else { return Vec::new() };
    kernels.filter(|&k| k != first).map(|k| (first, k)).collect()
}
