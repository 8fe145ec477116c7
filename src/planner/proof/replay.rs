//! What saturation did, done again over concrete terms.
//!
//! In: the e-graph at its end and the journal of the rules that were applied in it. Out: a [`Closure`] that knows the same
//! equalities, each between two terms that are written out in full. Every number the e-graph ever gave names the class it has now *and*
//! the term it was given to, so a variable that was bound to a number stands for that term. Where a condition holds for a class
//! because of another of its members, that member takes the variable's place; where a chain of products was weighed as a whole, so does
//! the operand with its factors written out.

use egg::Id;

use super::closure::{Application, Closure, Reason};
use crate::planner::chain::{Order, Weighed};
use crate::planner::encode::Encoded;
use crate::planner::extract::Choice;
use crate::planner::facts::Terms;
use crate::planner::language::{ENode, EOp};
use crate::planner::rules::{Condition, Question, RESULT, Rule, Rules, Subst, draft_left, draft_with};

/// A rule that was applied.
#[derive(Clone, Debug)]
pub(in crate::planner) struct Event {
    /// Index into the rules.
    pub(in crate::planner) rule: usize,
    /// The term that was matched, by number.
    pub(in crate::planner) term: Id,
    /// What the variables stood for.
    pub(in crate::planner) subst: Subst,
    /// The chains of products that its right side weighed, in the order in which they were built.
    pub(in crate::planner) weighed: Vec<Weighed>,
}

/// How deep a member is looked for that shows why a class is symmetric.
const DEPTH: usize = 6;

/// Whether a condition asks what a value is, and not whether rewriting it pays: what bears on the value has to hold for the very
/// terms of a proof.
pub(super) fn bears_on_values(question: Question) -> bool {
    use Question::{
        Folded, NegatedAlone, OpensLeft, OpensRight, SameCore, ScaledAlone, TurnedAlone, Unpeaked, Varying,
    };
    !matches!(
        question,
        Varying
            | Unpeaked
            | SameCore
            | TurnedAlone
            | ScaledAlone
            | NegatedAlone
            | Folded
            | Question::WholeChain
            | OpensLeft
            | OpensRight
    )
}

/// The closure under way.
pub(super) struct Replay<'a> {
    encoded: &'a Encoded,
    rules: &'a Rules,
    pub(super) closure: Closure,
    /// By number in the e-graph: the term.
    of: Vec<Option<Id>>,
    /// By number in the e-graph: the term that was chosen for the class.
    chosen: Vec<Option<Id>>,
    /// Applications that could not be done again.
    pub(super) lost: usize,
}

/// An e-graph without terms that has the tables of another.
pub(super) fn empty_like(terms: &Terms) -> Terms {
    Terms::new(terms.analysis.emptied())
}

impl<'a> Replay<'a> {
    pub(super) fn new(encoded: &'a Encoded, rules: &'a Rules) -> Self {
        let n = encoded.terms.analysis.n_made;
        let closure = Closure::new(empty_like(&encoded.terms));
        Self { encoded, rules, closure, of: vec![None; n], chosen: vec![None; n], lost: 0 }
    }

    /// The term that was given this number.
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
    pub(super) fn chosen(&mut self, choice: &Choice, id: Id) -> Option<Id> {
        let terms = &self.encoded.terms;
        let root = terms.find(id);
        let mut open = vec![root];
        while let Some(&at) = open.last() {
            if self.chosen[usize::from(at)].is_some() {
                open.pop();
                continue;
            }
            let node = choice.of(terms, at)?;
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
    pub(super) fn apply(&mut self, event: &Event) {
        if self.try_apply(event).is_none() {
            self.lost += 1;
            tracing::debug!(rule = %self.rules.all()[event.rule].name, "a rule could not be applied again");
        }
    }

    fn try_apply(&mut self, event: &Event) -> Option<()> {
        let rule = &*self.rules.all()[event.rule];
        let target = self.term(event.term);
        let mut subst = event.subst.clone();
        for v in subst.vars.iter_mut().flatten() {
            *v = self.term(*v);
        }
        for (_, attributes) in subst.ops.iter_mut().flatten() {
            for a in attributes {
                *a = self.term(*a);
            }
        }
        let orders = self.written_out(rule, &event.weighed, &mut subst)?;
        self.witnesses(rule, target, &mut subst);
        let facts = self.closure.terms[target].data.clone();
        let (left, _) = draft_left(&rule.left[0], &self.closure.terms, &subst, &facts)?.add(&mut self.closure.terms);
        self.closure.take_in();
        if !self.closure.equal(left, target) {
            return None;
        }
        let mut given = orders.iter().cloned();
        let right = draft_with(&rule.right, &self.closure.terms, &subst, &facts, &mut |_, _| given.next())?;
        let (right, _) = right.add(&mut self.closure.terms);
        self.closure.take_in();
        self.closure.applied.push(Application { rule: event.rule, subst, orders });
        self.closure.unite(left, right, Reason::Rule(self.closure.applied.len() - 1));
        Some(())
    }

    /// The brackets that were chosen, around terms. What stands for the operands becomes the products that they were taken for.
    fn written_out(&mut self, rule: &Rule, weighed: &[Weighed], subst: &mut Subst) -> Option<Vec<Order>> {
        let mut orders = Vec::with_capacity(weighed.len());
        for (vars, weighed) in rule.chains().iter().zip(weighed) {
            for (&v, operand) in vars.iter().zip(&weighed.operands) {
                let written = self.product(operand);
                if !self.closure.equal(written, subst.vars[v]?) {
                    return None;
                }
                subst.vars[v] = Some(written);
            }
            let mut best = weighed.best.clone();
            best.each(&mut |id| *id = self.term(*id));
            orders.push(best);
        }
        Some(orders)
    }

    /// The term of a product with these brackets.
    fn product(&mut self, order: &Order) -> Id {
        match order {
            Order::Factor(id) => self.term(*id),
            Order::Product(left, right) => {
                let operands = [self.product(left), self.product(right)];
                self.closure.add(ENode::new(EOp::Contract, operands))
            }
        }
    }

    /// Exchanges what stands for variables for equal terms until the rule's conditions hold for the very terms.
    fn witnesses(&mut self, rule: &Rule, target: Id, subst: &mut Subst) {
        let asked = |c: &&Condition| bears_on_values(c.question);
        let holds = |r: &Self, subst: &Subst, about: Option<usize>| {
            let about = |c: &&Condition| about.is_none_or(|v| c.vars.contains(&v)) && !c.vars.contains(&RESULT);
            let conditions = rule.conditions.iter().filter(asked).filter(about);
            conditions.filter(|c| !c.holds(&r.closure.terms, target, &subst.vars)).count()
        };
        for v in 0..rule.vars.len() {
            let Some(bound) = subst.vars[v] else { continue };
            let mut open = holds(self, subst, Some(v));
            if open == 0 {
                continue;
            }
            let mut candidates = self.closure.members(bound).to_vec();
            candidates.sort_unstable();
            if rule.conditions.iter().any(|c| c.question == Question::Symmetric && c.vars == [v]) {
                candidates.extend(self.symmetric(bound, DEPTH));
            }
            for candidate in candidates {
                let mut other = subst.clone();
                other.vars[v] = Some(candidate);
                let left = holds(self, &other, Some(v));
                if left < open {
                    (*subst, open) = (other, left);
                }
            }
        }
    }

    /// An equal term that shows by itself that it is symmetric: a product of a matrix and its transpose, or what keeps symmetry
    /// over such ones.
    fn symmetric(&mut self, id: Id, depth: usize) -> Option<Id> {
        for member in self.closure.members(id).to_vec() {
            if self.closure.terms[member].data.symmetric {
                return Some(member);
            }
            let node = self.closure.node(member).clone();
            let new = match node.op {
                EOp::Contract | EOp::Gemm => {
                    let (a, b) = (node.children[0], node.children[1]);
                    let turned = self.closure.add(ENode::new(EOp::Transpose, [b]));
                    if self.closure.equal(turned, a) {
                        Some(self.closure.add(ENode::new(node.op, [turned, b])))
                    } else {
                        let turned = self.closure.add(ENode::new(EOp::Transpose, [a]));
                        self.closure.equal(turned, b).then(|| self.closure.add(ENode::new(node.op, [a, turned])))
                    }
                }
                ref op if depth > 0 && (op.is_elementwise() || matches!(op, EOp::Transpose | EOp::Run)) => {
                    let mut children = node.children.to_vec();
                    for c in &mut children[..node.operands().len()] {
                        let facts = &self.closure.terms[*c].data;
                        if facts.shape.len() > 1 && !facts.symmetric {
                            *c = self.symmetric(*c, depth - 1).unwrap_or(*c);
                        }
                    }
                    Some(self.closure.add(ENode::new(node.op, children)))
                }
                _ => None,
            };
            if let Some(new) = new.filter(|&n| self.closure.terms[n].data.symmetric && self.closure.equal(n, id)) {
                return Some(new);
            }
        }
        None
    }
}
