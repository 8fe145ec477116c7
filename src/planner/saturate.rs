//! Applying rules until nothing new comes: deterministic, limited by counts and never by a clock.
//!
//! In: an e-graph, the options and a budget. Out: the e-graph with everything that the rules found, and a [`Saturation`].
//!
//! Work is done in waves. A wave finds all matches at terms that are new or lie above united classes, then applies them in the
//! order of terms and rules. Waves follow one another without visiting the rest of the graph, so moving a transpose through ten
//! thousand operations costs ten thousand small steps. A *round* ends only when no work is left, when many classes have been
//! united, or when what was known of two united classes differed: congruence and facts are then restored over the whole graph, and
//! what that changes begins the next round. Rules that weigh a whole chain of products wait until there is nothing else to do:
//! only then are all of its factors known.

mod agenda;
mod search;
mod unite;

use egg::Id;

use super::chain::{ProductChains, WeighedChain};
use super::class_mask::ClassMask;
use super::knowledge::Terms;
use super::language::ENode;
use super::plan::PlanOptions;
use super::prune::prune;
use super::rules::{Added, Phase, Rule, Subst, draft_with};
use crate::types::DType;
use agenda::{Task, everything};
use search::{Fingerprints, Match, RuleSearch, fingerprint};
use unite::Unions;

/// How far rounds and terms may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Rounds of the shrinking phases.
    rounds: usize,
    /// Terms in the e-graph.
    pub(super) terms: usize,
    /// Rounds of the phase that may grow.
    grow_rounds: usize,
    /// How often chains of products may be weighed anew.
    weighings: usize,
}

impl Budget {
    /// The budget for a graph of so many terms.
    pub(super) fn of(n_terms: usize) -> Self {
        Self { rounds: 200, terms: 12 * n_terms + 4_000, grow_rounds: 3, weighings: 3 }
    }
}

/// An application of a rule that changed something.
#[derive(Clone, Debug)]
pub(super) struct Application {
    /// Index into the rules.
    pub(super) rule: usize,
    /// The dtype that decided the rule's class.
    pub(super) dtype: DType,
    /// The class that both sides belong to.
    pub(super) class: Id,
    /// The term that was matched.
    pub(super) left: ENode,
    /// Terms that it added.
    pub(super) fresh: Vec<ENode>,
}

/// An application as a proof needs it.
#[derive(Clone, Debug)]
pub(super) struct JournalEntry {
    /// Index into the rules.
    pub(super) rule: usize,
    /// The term that was matched, by number.
    pub(super) term: Id,
    /// What the variables stood for.
    pub(super) subst: Subst,
    /// The chains of products that the right side weighed, in the order in which they were built.
    pub(super) weighed: Vec<WeighedChain>,
}

/// What saturation did.
#[derive(Clone, Debug, Default)]
pub(super) struct Saturation {
    /// Whether the rules had nothing more to add.
    pub(super) saturated: bool,
    /// How often congruence was restored.
    pub(super) rounds: usize,
    /// Right sides whose shape or dtype would have differed.
    pub(super) refused: usize,
    pub(super) applications: Vec<Application>,
    /// The term budget was exceeded; the e-graph is of no use.
    pub(super) exhausted: bool,
    /// What was applied, in order; `None` when it was not asked for.
    pub(super) journal: Option<Vec<JournalEntry>>,
}

/// Runs the rules; `journal` asks for what proofs need.
pub(super) fn saturate(terms: &mut Terms, options: &PlanOptions, budget: Budget, journal: bool) -> Saturation {
    let mut saturator = Saturator {
        search: RuleSearch::new(options),
        budget,
        weighings: 0,
        done: Fingerprints::default(),
        n_terms: terms.total_number_of_nodes(),
        unions: Unions::default(),
        out: Saturation { journal: journal.then(Vec::new), ..Saturation::default() },
    };
    saturator.run(terms);
    saturator.out
}

struct Saturator<'a> {
    search: RuleSearch<'a>,
    budget: Budget,
    /// How often weighing chains of products found something.
    weighings: usize,
    /// Matches that were applied or refused: none is drafted twice.
    done: Fingerprints,
    /// Terms so far, those of the input included.
    n_terms: usize,
    unions: Unions,
    out: Saturation,
}

impl Saturator<'_> {
    /// All phases.
    fn run(&mut self, terms: &mut Terms) {
        let rules = self.search.rules;
        let all = everything(terms);
        self.settle(terms, all);
        let grows = rules.all().iter().zip(&self.search.admitted).any(|(r, &may)| may && r.phase == Phase::Grow);
        if grows && self.out.saturated && !self.out.exhausted {
            self.grow(terms);
        }
        if self.out.saturated && !self.out.exhausted {
            self.search.index = &rules.index().kernel;
            let all = everything(terms);
            self.settle(terms, all);
        }
        if !self.out.exhausted {
            prune(terms);
        }
    }

    /// Waves and rounds from these tasks until nothing new comes.
    fn settle(&mut self, terms: &mut Terms, mut tasks: Vec<Task>) {
        self.out.saturated = false;
        let end = self.out.rounds + self.budget.rounds;
        while self.out.rounds < end {
            self.out.rounds += 1;
            while !tasks.is_empty() && self.unions.renamed <= 64 + self.n_terms / 2 && !terms.analysis.facts_changed {
                self.wave(terms, &tasks);
                if self.out.exhausted {
                    terms.rebuild();
                    return;
                }
                tasks = self.next(terms);
            }
            self.restore(terms);
            tasks.extend(self.next(terms));
            if tasks.is_empty() {
                self.weigh(terms);
                tasks = self.next(terms);
            }
            if tasks.is_empty() || self.out.exhausted {
                self.out.saturated = !self.out.exhausted;
                return;
            }
            tasks.sort_unstable_by_key(|t| t.term);
        }
    }

    /// Restores congruence and facts over the whole graph.
    fn restore(&mut self, terms: &mut Terms) {
        self.unions.renamed = 0;
        terms.analysis.touched.clear();
        terms.rebuild();
        terms.analysis.facts_changed = false;
        // Terms that turned out to be equal are one term from here on.
        self.n_terms = terms.total_number_of_nodes();
        self.unions.take_up_congruence(terms);
        self.unions.raise_stages(terms);
    }

    /// A few rounds of the rules that may grow the graph, each followed by the others. When they exceed the budget, all is as if
    /// they had not run.
    fn grow(&mut self, terms: &mut Terms) {
        let before = (terms.clone(), self.out.clone(), self.n_terms);
        for _ in 0..self.budget.grow_rounds {
            let known = self.out.applications.len();
            self.search.index = &self.search.rules.index().grow;
            let all = everything(terms);
            self.wave(terms, &all);
            self.weigh(terms);
            let tasks = self.next(terms);
            self.search.index = &self.search.rules.index().shrink;
            self.settle(terms, tasks);
            if self.out.exhausted {
                (*terms, self.out, self.n_terms) = before;
                return;
            }
            if self.out.applications.len() == known {
                return;
            }
        }
    }

    /// The rules that weigh whole chains of products; a few times only, since others may spell a chain's factors anew each time.
    fn weigh(&mut self, terms: &mut Terms) {
        if self.weighings == self.budget.weighings {
            return;
        }
        let (weighed, before) = (self.search.rules.index().weighed, self.out.applications.len());
        let ids = (0..terms.analysis.n_made).map(Id::from);
        let begins = ids.filter(|&id| ClassMask::of_op(&terms.id_to_node(id).op).intersects(weighed));
        let tasks: Vec<Task> = begins.map(|term| Task { term, changes: None }).collect();
        self.search.weighing = true;
        self.wave(terms, &tasks);
        self.search.weighing = false;
        self.weighings += usize::from(self.out.applications.len() > before);
    }

    fn next(&mut self, terms: &Terms) -> Vec<Task> {
        self.unions.agenda.next(terms, self.search.index)
    }

    fn wave(&mut self, terms: &mut Terms, tasks: &[Task]) {
        for found in self.search.matches(terms, tasks, &self.done) {
            self.apply(terms, found);
            if self.n_terms > self.budget.terms {
                self.out.exhausted = true;
                return;
            }
        }
    }

    fn apply(&mut self, terms: &mut Terms, m: Match) {
        let rule = &self.search.rules.all()[m.rule];
        let class = terms.find(m.term);
        // An operand may have turned out to be a product since the match was found.
        let weighs = self.search.weighs[m.rule];
        let mut chains = if weighs { product_chains(terms, rule, &m.subst) } else { ProductChains::default() };
        let fingerprint = fingerprint(terms, m.rule, class, &m.subst, &chains);
        if !self.done.insert(fingerprint) {
            return;
        }
        let mut bracket = |terms: &Terms, _: &[Id]| chains.next(terms);
        let Some(draft) = draft_with(&rule.right, terms, &m.subst, &terms[class].data, &mut bracket) else {
            self.out.refused += 1;
            return;
        };
        if rule.phase == Phase::Meet && draft.computes() {
            // What it would meet may still come.
            self.done.remove(&fingerprint);
            return;
        }
        let before = terms.analysis.n_made;
        let Added { root: right, fresh } = draft.add(terms);
        self.unions.agenda.add_fresh((before..terms.analysis.n_made).map(Id::from));
        self.n_terms += fresh.len();
        if !self.unions.unite(terms, class, right) {
            return;
        }
        let dtype = terms[m.subst.vars[rule.subject_var].unwrap_or(class)].data.dtype;
        let mut left = terms.id_to_node(m.term).clone();
        egg::Language::update_children(&mut left, |c| terms.find(c));
        self.out.applications.push(Application { rule: m.rule, dtype, class, left, fresh });
        if let Some(journal) = &mut self.out.journal {
            journal.push(JournalEntry { rule: m.rule, term: m.term, subst: m.subst, weighed: chains.weighed });
        }
    }
}

/// The chains of products that a rule's right side weighs for a match.
fn product_chains(terms: &Terms, rule: &Rule, subst: &Subst) -> ProductChains {
    ProductChains::of(terms, rule.chains().iter().map(|vars| subst.classes(vars)))
}
