//! Finding matches: the rules that may match a term, those of their matches whose conditions hold.
//! Nothing is changed here.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use egg::Id;
use hashbrown::HashSet;

use super::agenda::Task;
use crate::algorithms::FixedHasher;
use crate::planner::chain::ProductChains;
use crate::planner::index::{ChildMasks, IndexEntry, PhaseIndex};
use crate::planner::knowledge::Terms;
use crate::planner::matching::match_term;
use crate::planner::plan::PlanOptions;
use crate::planner::prune::is_removed;
use crate::planner::rule_set::Rules;
use crate::planner::rules::{Class, Pat, Rule, Subst};
use crate::types::{DType, Fault, Numerics, seeded};

/// A rule and what it was found to match.
pub(super) struct Match {
    /// Index into the rules.
    pub(super) rule: usize,
    pub(super) term: Id,
    pub(super) subst: Subst,
}

/// Fingerprints of matches, see [`fingerprint`].
pub(super) type Fingerprints = HashSet<u64, BuildHasherDefault<FixedHasher>>;

/// The rules to search with.
pub(super) struct RuleSearch<'a> {
    pub(super) rules: &'a Rules,
    numerics: Numerics,
    /// The rules of the current phase.
    pub(super) index: &'a PhaseIndex,
    /// By rule: whether any of its classes may be used at all.
    pub(super) admitted: Vec<bool>,
    /// By rule: whether it weighs a whole chain of products.
    pub(super) weighs: &'a [bool],
    /// Whether those are searched for, instead of the others.
    pub(super) weighing: bool,
}

impl<'a> RuleSearch<'a> {
    pub(super) fn new(options: &'a PlanOptions) -> Self {
        let (rules, numerics) = (&*options.rules, options.numerics);
        let admitted = |r: &Rule| r.classes.given().any(|c| c.admitted(numerics));
        Self {
            rules,
            numerics,
            index: &rules.index().shrink,
            admitted: rules.all().iter().map(|r| admitted(r)).collect(),
            weighs: &rules.index().weighs,
            weighing: false,
        }
    }

    /// All matches at these terms that are not in `done`.
    pub(super) fn matches(&self, terms: &Terms, tasks: &[Task], done: &Fingerprints) -> Vec<Match> {
        let mut found = Vec::new();
        for task in tasks {
            let op = &terms.id_to_node(task.term).op;
            match &task.changes {
                None => self.try_term(terms, task.term, self.index.entries(op).iter(), done, &mut found),
                Some(c) => self.try_term(terms, task.term, self.index.entries_above(op, c), done, &mut found),
            }
        }
        found
    }

    fn try_term<'i>(
        &self,
        terms: &Terms,
        term: Id,
        entries: impl Iterator<Item = &'i IndexEntry>,
        done: &Fingerprints,
        found: &mut Vec<Match>,
    ) {
        let (node, class) = (terms.id_to_node(term), terms.find(term));
        let mut children = ChildMasks::default();
        for (mask, &c) in children.iter_mut().zip(&node.children) {
            *mask = terms.analysis.masks[usize::from(terms.find(c))];
        }
        let turn = |e: &IndexEntry| self.admitted[e.rule] && self.weighs[e.rule] == self.weighing;
        let mut entries = entries.filter(|e| e.may_match(&children) && turn(e)).peekable();
        if entries.peek().is_none() || is_removed(terms, class, node) {
            return;
        }
        for entry in entries {
            let rule = &self.rules.all()[entry.rule];
            match_term(rule, &rule.left[entry.variant], terms, class, node, &mut |subst| {
                // A class that is one of the rule's own variables already has nothing to learn.
                if let Pat::Var(v) = rule.right
                    && subst.vars[v].is_some_and(|id| terms.find(id) == class)
                {
                    return;
                }
                let fingerprint = || fingerprint(terms, entry.rule, class, subst, &ProductChains::default());
                if !self.weighing && done.contains(&fingerprint()) {
                    return;
                }
                if self.admits(terms, rule, class, subst) == Some(true) {
                    found.push(Match { rule: entry.rule, term, subst: subst.clone() });
                }
            });
        }
    }

    /// Whether a match may be used in this mode; `None` for a rule that has no class for its dtype.
    fn admits(&self, terms: &Terms, rule: &Rule, found: Id, subst: &Subst) -> Option<bool> {
        let dtype = terms[subst.vars[rule.subject_var]?].data.dtype;
        let class = rule.class(dtype)?;
        // binary16 has so few exponents that another order of factors overflows or underflows with ordinary numbers.
        let narrow = dtype == DType::F16 && matches!(class, Class::Reassociates | Class::Rebrackets);
        Some(
            class.admitted(self.numerics)
                && !(narrow && self.numerics == Numerics::Standard)
                && (rule.conditions.iter().all(|c| c.holds(terms, found, &subst.vars))
                    || seeded(Fault::ConditionDropped)),
        )
    }
}

/// A match as a 64-bit fingerprint; collisions are negligible.
pub(super) fn fingerprint(terms: &Terms, rule: usize, class: Id, subst: &Subst, chains: &ProductChains) -> u64 {
    let mut hasher = FixedHasher::new();
    hasher.write_usize(rule);
    hasher.write_usize(usize::from(class));
    for v in &subst.vars {
        hasher.write_usize(v.map_or(usize::MAX, |id| usize::from(terms.find(id))));
    }
    subst.ops.hash(&mut hasher);
    chains.hash(&mut hasher);
    hasher.finish()
}
