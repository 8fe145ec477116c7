//! What saturation did, done again over concrete terms.
//!
//! In: the e-graph after saturation and the journal of the rules that were applied in it. Out: a [`Closure`] that knows the same
//! equalities, each between two terms that are written out in full. Every number that the e-graph ever assigned names the class it
//! has now *and* the term it was assigned to, so a variable that was bound to a number stands for that term. Where a condition holds
//! for a class because of another of its members, that member takes the variable's place. Where a chain of products was weighed as
//! a whole, the operand with its factors written out takes the operand's place.

use egg::Id;

use super::closure::{Closure, Reason, ReplayedRule};
use crate::planner::chain::{Bracketing, WeighedChain};
use crate::planner::encode::Encoded;
use crate::planner::extract::Extraction;
use crate::planner::knowledge::Terms;
use crate::planner::language::{ENode, EOp};
use crate::planner::properties::Property;
use crate::planner::rule_set::Rules;
use crate::planner::rules::{Condition, Question, RESULT, Rule, Subst, draft_left, draft_with};
use crate::planner::saturate::JournalEntry;

/// How deep the search goes for a member that shows why a class is symmetric.
const SYMMETRY_DEPTH: usize = 6;

/// Whether a condition asks what a value is, rather than whether rewriting it pays. The former has to hold for the terms of a proof
/// themselves.
pub(super) fn bears_on_values(question: Question) -> bool {
    use Question::{
        FeedsReduction, NegatedAlone, OpensLeft, OpensRight, SameCore, ScaledAlone, TurnedAlone, Unpeaked, WholeChain,
    };
    !matches!(
        question,
        Question::Is(Property::Varying)
            | Unpeaked
            | SameCore
            | TurnedAlone
            | ScaledAlone
            | NegatedAlone
            | FeedsReduction
            | WholeChain
            | OpensLeft
            | OpensRight
    )
}

/// A closure under construction.
pub(super) struct Replay<'a> {
    encoded: &'a Encoded,
    rules: &'a Rules,
    pub(super) closure: Closure,
    /// By number in the e-graph: the term it was assigned to.
    of: Vec<Option<Id>>,
    /// By class in the e-graph: the term that was chosen for it.
    chosen: Vec<Option<Id>>,
    /// Rules that could not be applied again.
    pub(super) failed: usize,
}

/// An e-graph without terms that has the tables of another.
fn empty_like(terms: &Terms) -> Terms {
    Terms::new(terms.analysis.emptied())
}

impl<'a> Replay<'a> {
    pub(super) fn new(encoded: &'a Encoded, rules: &'a Rules) -> Self {
        let n = encoded.terms.analysis.n_made;
        let closure = Closure::new(empty_like(&encoded.terms));
        Self { encoded, rules, closure, of: vec![None; n], chosen: vec![None; n], failed: 0 }
    }

    /// The term that this number was assigned to.
    pub(super) fn term(&mut self, id: Id) -> Id {
        let mut open = vec![id];
        while let Some(&at) = open.last() {
            if self.of[usize::from(at)].is_some() {
                open.pop();
                continue;
            }
            let node = self.encoded.terms.id_to_node(at).clone();
            let known: Option<Vec<Id>> = node.children.iter().map(|&c| self.of[usize::from(c)]).collect();
            match known {
                Some(children) => {
                    self.of[usize::from(at)] = Some(self.closure.add(ENode::new(node.op, children)));
                    open.pop();
                }
                None => open.extend(node.children.iter().filter(|c| self.of[usize::from(**c)].is_none())),
            }
        }
        self.of[usize::from(id)].unwrap_or(id)
    }

    /// The term that extraction chose for a class; `None` where it chose none.
    pub(super) fn chosen(&mut self, extraction: &Extraction, id: Id) -> Option<Id> {
        let terms = &self.encoded.terms;
        let root = terms.find(id);
        let mut open = vec![root];
        while let Some(&at) = open.last() {
            if self.chosen[usize::from(at)].is_some() {
                open.pop();
                continue;
            }
            let node = extraction.of(terms, at)?;
            let children: Vec<Id> = node.children.iter().map(|&c| terms.find(c)).collect();
            let known: Option<Vec<Id>> = children.iter().map(|&c| self.chosen[usize::from(c)]).collect();
            match known {
                Some(children) => {
                    self.chosen[usize::from(at)] = Some(self.closure.add(ENode::new(node.op.clone(), children)));
                    open.pop();
                }
                None => open.extend(children.into_iter().filter(|&c| self.chosen[usize::from(c)].is_none())),
            }
        }
        self.chosen[usize::from(root)]
    }

    /// Applies a rule again.
    pub(super) fn apply(&mut self, entry: &JournalEntry) {
        if self.try_apply(entry).is_none() {
            self.failed += 1;
            tracing::debug!(rule = %self.rules.all()[entry.rule].name, "a rule could not be applied again");
        }
    }

    fn try_apply(&mut self, entry: &JournalEntry) -> Option<()> {
        let rule = &*self.rules.all()[entry.rule];
        let target = self.term(entry.term);
        let mut subst = entry.subst.clone();
        for v in subst.vars.iter_mut().flatten() {
            *v = self.term(*v);
        }
        for bound in subst.ops.iter_mut().flatten() {
            for a in &mut bound.attributes {
                *a = self.term(*a);
            }
        }
        let bracketings = self.bracketings(rule, &entry.weighed, &mut subst)?;
        self.witnesses(rule, target, &mut subst);
        let facts = self.closure.terms[target].data.clone();
        let left = draft_left(&rule.left[0], &self.closure.terms, &subst, &facts)?.add(&mut self.closure.terms).root;
        self.closure.take_in();
        if !self.closure.equal(left, target) {
            return None;
        }
        let mut given = bracketings.iter().cloned();
        let right = draft_with(&rule.right, &self.closure.terms, &subst, &facts, &mut |_, _| given.next())?;
        let right = right.add(&mut self.closure.terms).root;
        self.closure.take_in();
        self.closure.replayed_rules.push(ReplayedRule { rule: entry.rule, subst, bracketings });
        self.closure.unite(left, right, Reason::Rule(self.closure.replayed_rules.len() - 1));
        Some(())
    }

    /// The brackets that were chosen, around terms. The variables for the operands are bound to the products of the factors.
    fn bracketings(&mut self, rule: &Rule, weighed: &[WeighedChain], subst: &mut Subst) -> Option<Vec<Bracketing>> {
        let mut bracketings = Vec::with_capacity(weighed.len());
        for (vars, weighed) in rule.chains().iter().zip(weighed) {
            for (&v, operand) in vars.iter().zip(&weighed.operands) {
                let product = self.product(operand);
                if !self.closure.equal(product, subst.vars[v]?) {
                    return None;
                }
                subst.vars[v] = Some(product);
            }
            let mut best = weighed.best.clone();
            best.each(&mut |id| *id = self.term(*id));
            bracketings.push(best);
        }
        Some(bracketings)
    }

    /// The term of a product with these brackets.
    fn product(&mut self, bracketing: &Bracketing) -> Id {
        match bracketing {
            Bracketing::Factor(id) => self.term(*id),
            Bracketing::Product(left, right) => {
                let operands = [self.product(left), self.product(right)];
                self.closure.add(ENode::new(EOp::Contract, operands))
            }
        }
    }

    /// Rebinds variables to equal terms until the rule's conditions hold for these terms themselves.
    fn witnesses(&mut self, rule: &Rule, target: Id, subst: &mut Subst) {
        for v in 0..rule.vars.len() {
            let Some(bound) = subst.vars[v] else { continue };
            let mut failing = self.failing_conditions(rule, target, subst, v);
            if failing == 0 {
                continue;
            }
            let mut candidates = self.closure.members(bound).to_vec();
            candidates.sort_unstable();
            if rule.conditions.iter().any(|c| c.question == Question::Is(Property::Symmetric) && c.vars == [v]) {
                candidates.extend(self.symmetric(bound, SYMMETRY_DEPTH));
            }
            for candidate in candidates {
                let mut other = subst.clone();
                other.vars[v] = Some(candidate);
                let left = self.failing_conditions(rule, target, &other, v);
                if left < failing {
                    (*subst, failing) = (other, left);
                }
            }
        }
    }

    /// How many conditions on the value of a variable do not hold.
    fn failing_conditions(&self, rule: &Rule, target: Id, subst: &Subst, variable: usize) -> usize {
        let about = |c: &&Condition| c.vars.contains(&variable) && !c.vars.contains(&RESULT);
        let conditions = rule.conditions.iter().filter(|c| bears_on_values(c.question)).filter(about);
        conditions.filter(|c| !c.holds(&self.closure.terms, target, &subst.vars)).count()
    }

    /// An equal term that shows by itself that it is symmetric: a product of a matrix and its transpose, or what keeps symmetry
    /// over such products.
    fn symmetric(&mut self, id: Id, depth: usize) -> Option<Id> {
        for member in self.closure.members(id).to_vec() {
            if self.closure.terms[member].data.is(Property::Symmetric) {
                return Some(member);
            }
            let node = self.closure.node(member).clone();
            let new = match node.op {
                EOp::Contract | EOp::Gemm => self.gram(&node),
                ref op if depth > 0 && (op.is_elementwise() || matches!(op, EOp::Transpose | EOp::Run)) => {
                    Some(self.over_symmetric(&node, depth))
                }
                _ => None,
            };
            if let Some(new) =
                new.filter(|&n| self.closure.terms[n].data.is(Property::Symmetric) && self.closure.equal(n, id))
            {
                return Some(new);
            }
        }
        None
    }

    /// A product with one factor written as the transpose of the other, where they are equal up to that.
    fn gram(&mut self, product: &ENode) -> Option<Id> {
        let (a, b) = (product.children[0], product.children[1]);
        let transposed = self.closure.add(ENode::new(EOp::Transpose, [b]));
        if self.closure.equal(transposed, a) {
            return Some(self.closure.add(ENode::new(product.op.clone(), [transposed, b])));
        }
        let transposed = self.closure.add(ENode::new(EOp::Transpose, [a]));
        let is_gram = self.closure.equal(transposed, b);
        is_gram.then(|| self.closure.add(ENode::new(product.op.clone(), [a, transposed])))
    }

    /// A term over operands that show by themselves that they are symmetric, as far as there are such.
    fn over_symmetric(&mut self, node: &ENode, depth: usize) -> Id {
        let mut children = node.children.to_vec();
        for c in &mut children[..node.operands().len()] {
            let facts = &self.closure.terms[*c].data;
            if facts.shape.len() > 1 && !facts.is(Property::Symmetric) {
                *c = self.symmetric(*c, depth - 1).unwrap_or(*c);
            }
        }
        self.closure.add(ENode::new(node.op.clone(), children))
    }
}
