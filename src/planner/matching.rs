//! Every way in which a left side matches a term.
//!
//! Plain backtracking over a list of goals (a pattern, and the class it must match): a pattern has at most a dozen nodes and a
//! class a handful of terms. One substitution is filled in and undone; nothing is copied until a match is complete.

use egg::Id;
use smallvec::SmallVec;

use super::class_facts::{Facts, Sort};
use super::knowledge::Terms;
use super::language::{ENode, EOp};
use super::rules::{BoundOp, Head, Pat, Rule, Subst, VarSort, is_attribute};
use crate::types::{DType, Fault, Scalar, seeded};

/// Calls `found` for every way in which `pattern` (a left side of `rule`) matches the term `node` of a class.
pub(super) fn match_term(
    rule: &Rule,
    pattern: &Pat,
    terms: &Terms,
    class: Id,
    node: &ENode,
    found: &mut dyn FnMut(&Subst),
) {
    let mut m = Matcher { rule, terms, subst: Subst::new(rule), goals: SmallVec::new(), found };
    if let Pat::Node(head, args) = pattern
        && !m.circular(class, node)
    {
        // The caller has compared the masks of the children already.
        m.node(head, args, class, node, true);
    }
}

#[derive(Clone, Copy)]
struct Goal<'a> {
    pat: &'a Pat,
    class: Id,
    /// The first operand of the term around the goal, unless the goal is that operand: attributes are relative to it.
    first_operand: Option<Id>,
    /// The class of that term.
    result: Id,
}

struct Matcher<'a, 'f> {
    rule: &'a Rule,
    terms: &'a Terms,
    subst: Subst,
    /// What is still to be matched, the next goal last.
    goals: SmallVec<[Goal<'a>; 12]>,
    found: &'f mut dyn FnMut(&Subst),
}

impl<'a> Matcher<'a, '_> {
    /// Whether a term has its own class as an operand (x + 0 in the class of x). Matching through it would go on for ever and find
    /// nothing new.
    fn circular(&self, class: Id, node: &ENode) -> bool {
        node.operands().iter().any(|&c| self.terms.find(c) == class)
    }

    /// Whether a class may stand for a variable.
    fn fits(&self, var: usize, class: Id) -> bool {
        let mask = self.terms.analysis.masks[usize::from(class)];
        let sort = self.rule.vars[var].sort;
        mask.contains(self.rule.required[var])
            && (matches!(sort, VarSort::Tensor | VarSort::Kernel) || sort.admits(&self.terms[class].data.sort))
    }

    /// Matches a term, then whatever else is to be matched.
    fn node(&mut self, head: &Head, args: &'a [Pat], class: Id, node: &ENode, known: bool) {
        let (children, bound): (&[Id], Option<usize>) = match head {
            Head::Is(op) if *op == node.op && args.len() == node.children.len() => (&node.children, None),
            Head::AnyUnary(v) if matches!(node.op, EOp::Unary(_) | EOp::Powi | EOp::Cast(_)) => {
                (node.operands(), Some(*v))
            }
            Head::AnyBinary(v) if matches!(node.op, EOp::Binary(_)) => (&node.children, Some(*v)),
            _ => return,
        };
        if args.len() != children.len() {
            return;
        }
        if !known {
            let masks = &self.terms.analysis.masks;
            for (pat, &child) in args.iter().zip(children) {
                if !masks[usize::from(self.terms.find(child))].contains(pat.required_mask()) {
                    return;
                }
            }
        }
        let mut took = false;
        if let Some(v) = bound {
            let attributes = &node.children[node.operands().len()..];
            match &self.subst.ops[v] {
                Some(bound) if bound.op != node.op || *bound.attributes != *attributes => return,
                Some(_) => {}
                None => {
                    self.subst.ops[v] = Some(BoundOp { op: node.op.clone(), attributes: attributes.into() });
                    took = true;
                }
            }
        }
        let depth = self.goals.len();
        for (i, (pat, &child)) in args.iter().zip(children).enumerate().rev() {
            self.goals.push(Goal { pat, class: child, first_operand: (i > 0).then_some(children[0]), result: class });
        }
        self.next();
        self.goals.truncate(depth);
        if took && let Some(v) = bound {
            self.subst.ops[v] = None;
        }
    }

    /// Matches the last goal and then the others; the list is left as it was.
    fn next(&mut self) {
        let Some(goal) = self.goals.pop() else {
            (self.found)(&self.subst);
            return;
        };
        let class = self.terms.find(goal.class);
        match goal.pat {
            Pat::Var(v) => match self.subst.vars[*v] {
                Some(bound) => {
                    if self.terms.find(bound) == class {
                        self.next();
                    }
                }
                None => {
                    if self.fits(*v, class) {
                        self.subst.vars[*v] = Some(class);
                        self.next();
                        self.subst.vars[*v] = None;
                    }
                }
            },
            Pat::Number(x) => {
                let is = |n: &ENode| matches!(&n.op, EOp::Literal(l) if same_number(*l, *x));
                if self.terms[class].nodes.iter().any(is) {
                    self.next();
                }
            }
            Pat::Attr(attr) => {
                let facts = |id: Id| -> &Facts { &self.terms[id].data };
                let operand = goal.first_operand.map(facts);
                let Sort::Attribute(found) = &facts(class).sort else {
                    self.goals.push(goal);
                    return;
                };
                if is_attribute(found, attr, operand, facts(goal.result), self.terms, &self.subst) {
                    self.next();
                }
            }
            Pat::Node(head, args) => {
                let terms = self.terms;
                for node in &terms[class].nodes {
                    if !self.circular(class, node) {
                        self.node(head, args, class, node, false);
                    }
                }
            }
        }
        self.goals.push(goal);
    }
}

fn same_number(literal: Scalar, x: f64) -> bool {
    let x = if seeded(Fault::NumberSign) && literal.to_f64() == -x { -x } else { x };
    literal.dtype() != DType::Bool && literal == Scalar::from_f64(literal.dtype(), x) && literal.to_f64() == x
}
