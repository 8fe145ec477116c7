//! Finding matches: the rules that may match a term, those of their matches whose conditions hold, and what a run must check
//! for them. Nothing is changed here.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use egg::Id;
use hashbrown::HashSet;

use super::agenda::Task;
use crate::algorithms::FixedHasher;
use crate::planner::chain::ProductChains;
use crate::planner::index::{ChildMasks, IndexEntry, PhaseIndex};
use crate::planner::knowledge::Terms;
use crate::planner::language::EOp;
use crate::planner::matching::match_term;
use crate::planner::plan::PlanOptions;
use crate::planner::properties::Property;
use crate::planner::prune::is_removed;
use crate::planner::rule_set::Rules;
use crate::planner::rules::{Class, Pat, Question, Rule, Subst};
use crate::types::{DType, Fault, Numerics, seeded};

/// A rule and what it was found to match.
pub(super) struct Match {
    /// Index into the rules.
    pub(super) rule: usize,
    pub(super) term: Id,
    pub(super) subst: Subst,
    /// Scalars whose magnitude the plan must check at run time.
    pub(super) guards: Vec<Id>,
}

/// Fingerprints of matches, see [`fingerprint`].
pub(super) type Fingerprints = HashSet<u64, BuildHasherDefault<FixedHasher>>;

/// The rules to search with.
pub(super) struct RuleSearch<'a> {
    pub(super) rules: &'a Rules,
    numerics: Numerics,
    allow_rescale: bool,
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
        let (rules, numerics, allow_rescale) = (&*options.rules, options.numerics, options.allow_rescale);
        let admitted = |r: &Rule| r.classes.given().any(|c| c.admitted(numerics, allow_rescale));
        Self {
            rules,
            numerics,
            allow_rescale,
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
                if let Some(guards) = self.guards(terms, rule, class, subst) {
                    found.push(Match { rule: entry.rule, term, subst: subst.clone(), guards });
                }
            });
        }
    }

    /// The scalars to guard if a match may be used; `None` if it may not.
    fn guards(&self, terms: &Terms, rule: &Rule, found: Id, subst: &Subst) -> Option<Vec<Id>> {
        let dtype = terms[subst.vars[rule.subject_var]?].data.dtype;
        let class = rule.class(dtype)?;
        if !class.admitted(self.numerics, self.allow_rescale)
            || !(rule.conditions.iter().all(|c| c.holds(terms, found, &subst.vars)) || seeded(Fault::ConditionDropped))
        {
            return None;
        }
        // binary16 has so few exponents that another order of factors overflows or underflows with ordinary numbers.
        let narrow = dtype == DType::F16 && matches!(class, Class::Reassociates | Class::Rescales);
        if narrow && self.numerics == Numerics::Standard {
            return None;
        }
        if class != Class::Rescales || self.numerics != Numerics::Standard {
            return Some(Vec::new());
        }
        scalars_to_guard(terms, rule, subst)
    }
}

/// The scalars that a rescaling moves and a run must check: those that are not literals. `None` where there is nothing to check or
/// a literal is out of bounds.
fn scalars_to_guard(terms: &Terms, rule: &Rule, subst: &Subst) -> Option<Vec<Id>> {
    let mut scalars = rule.conditions.iter().filter(|c| c.question == Question::Is(Property::Constant)).peekable();
    scalars.peek()?;
    let mut guards = Vec::new();
    for c in scalars {
        let id = terms.find(subst.vars[c.vars[0]]?);
        let literal = terms[id].nodes.iter().find_map(|n| match n.op {
            EOp::Literal(s) => Some(s.to_f64().abs()),
            _ => None,
        });
        match literal {
            Some(v) => {
                let bound = f64::from(1 << 24);
                if !(v >= 1.0 / bound && v <= bound) {
                    return None;
                }
            }
            None => guards.push(id),
        }
    }
    Some(guards)
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
