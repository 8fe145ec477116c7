//! Finding matches: the rules that may match a term, those of their matches whose conditions hold, and what a run must check
//! for them. Nothing is changed here; what is found is applied by the page above.

use std::hash::{Hash, Hasher};

use egg::Id;

use super::Engine;
use super::agenda::Task;
use crate::algorithms::FixedHasher;
use crate::planner::chain::Chains;
use crate::planner::facts::Terms;
use crate::planner::index::{Children, Entry};
use crate::planner::language::{ENode, EOp};
use crate::planner::matching::match_term;
use crate::planner::prune::is_spent;
use crate::planner::rules::{Class, Pat, Question, Rule, Subst};
use crate::types::{DType, Fault, Numerics, seeded};

/// A rule and what it was found to match.
pub(super) struct Match {
    pub(super) rule: usize,
    pub(super) term: Id,
    pub(super) subst: Subst,
    pub(super) guards: Vec<Id>,
}

impl Engine<'_> {
    /// All matches of the rules whose turn it is, at these terms.
    pub(super) fn search(&mut self, terms: &Terms, tasks: &[Task]) -> Vec<Match> {
        let (mut out, mut matches) = (Vec::new(), 0);
        for task in tasks {
            let node = terms.id_to_node(task.term);
            let found = (&mut out, &mut matches);
            match &task.changes {
                None => self.try_all(terms, task.term, node, self.index.entries(&node.op).iter(), found),
                Some(c) => self.try_all(terms, task.term, node, self.index.entries_above(&node.op, c), found),
            }
        }
        self.out.matches += matches;
        out
    }

    fn try_all<'i>(
        &self,
        terms: &Terms,
        term: Id,
        node: &ENode,
        entries: impl Iterator<Item = &'i Entry>,
        (out, matches): (&mut Vec<Match>, &mut usize),
    ) {
        let class = terms.find(term);
        let mut children = Children::default();
        for (forms, &c) in children.iter_mut().zip(&node.children) {
            *forms = terms.analysis.forms[usize::from(terms.find(c))];
        }
        let turn = |e: &Entry| self.admitted[e.rule] && self.weighs[e.rule] == self.weighing;
        let mut entries = entries.filter(|e| e.may_match(&children) && turn(e)).peekable();
        if entries.peek().is_none() || is_spent(terms, class, node) {
            return;
        }
        for entry in entries {
            let rule = &self.rules.all()[entry.rule];
            *matches += 1;
            match_term(rule, &rule.left[entry.variant], terms, class, node, &mut |subst| {
                // What is one of its own variables already has nothing to learn.
                if let Pat::Var(v) = rule.right
                    && subst.vars[v].is_some_and(|id| terms.find(id) == class)
                {
                    return;
                }
                let mark = || mark(terms, entry.rule, class, subst, &Chains::default());
                if !self.weighing && self.done.contains(&mark()) {
                    return;
                }
                if let Some(guards) = self.guards(terms, rule, class, subst) {
                    out.push(Match { rule: entry.rule, term, subst: subst.clone(), guards });
                }
            });
        }
    }

    /// Whether a match may be used; the scalars to guard if so.
    fn guards(&self, terms: &Terms, rule: &Rule, found: Id, subst: &Subst) -> Option<Vec<Id>> {
        let dtype = terms[subst.vars[rule.subject_var]?].data.dtype;
        let class = rule.class(dtype)?;
        if !class.admitted(self.numerics, self.allow_rescale)
            || !(rule.conditions.iter().all(|c| c.holds(terms, found, &subst.vars)) || seeded(Fault::ConditionDropped))
        {
            return None;
        }
        // Sixteen bits hold so few exponents that another order of factors overflows, or loses what is small, with ordinary numbers.
        let narrow = dtype == DType::F16 && matches!(class, Class::Reassociates | Class::Rescales);
        if narrow && self.numerics == Numerics::Standard {
            return None;
        }
        if class != Class::Rescales || self.numerics != Numerics::Standard {
            return Some(Vec::new());
        }
        // What has no scalar to check is not checked, and so not admitted.
        let mut guards = Vec::new();
        if !rule.conditions.iter().any(|c| c.question == Question::Constant) {
            return None;
        }
        for c in rule.conditions.iter().filter(|c| c.question == Question::Constant) {
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
}

/// A match as a number: equal ones have equal numbers, and different ones as good as never.
pub(super) fn mark(terms: &Terms, rule: usize, class: Id, subst: &Subst, chains: &Chains) -> u64 {
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
