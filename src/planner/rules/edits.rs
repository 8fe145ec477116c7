//! Left sides with one thing changed, for graphs that nearly match a rule.
//!
//! A pattern comes in, and all patterns one edit away come out: operands exchanged, a related operation, a transpose removed or
//! added, another number, other axes, one of two equal variables replaced by another array. An edit may keep the meaning or
//! change it; those who check plans must not depend on that.

use super::model::{AttrPat, Head, Pat, Rule};
use super::sort::VarSort;
use crate::graph::{BinaryOp, ReduceOp, UnaryOp};
use crate::planner::language::EOp;

/// Every pattern one edit away from the rule's left side. A variable numbered `n + v`, where the rule has `n` of them, stands for
/// another array like `v`.
pub(in crate::planner) fn edits(rule: &Rule) -> Vec<Pat> {
    let left = &rule.left[0];
    let mut counts = vec![0; rule.vars.len()];
    left.count_variables(&mut counts);
    let mut out = Vec::new();
    edit(rule, &counts, left, &mut |p| out.push(p));
    out.retain(|p| p != left && matches!(p, Pat::Node(..)));
    out
}

/// Calls `with` for every pattern that replaces one place of `pattern`.
fn edit(rule: &Rule, counts: &[usize], pattern: &Pat, with: &mut dyn FnMut(Pat)) {
    replacements(rule, counts, pattern).into_iter().for_each(&mut *with);
    let Pat::Node(head, args) = pattern else { return };
    for (i, arg) in args.iter().enumerate() {
        edit(rule, counts, arg, &mut |p| {
            let mut args = args.clone();
            args[i] = p;
            with(Pat::Node(head.clone(), args));
        });
    }
}

fn unary(op: UnaryOp, x: Pat) -> Pat {
    Pat::Node(Head::Is(EOp::Unary(op)), vec![x])
}

fn transposed(x: Pat) -> Pat {
    Pat::Node(Head::Is(EOp::Transpose), vec![x])
}

/// The patterns that replace `pattern` as a whole.
fn replacements(rule: &Rule, counts: &[usize], pattern: &Pat) -> Vec<Pat> {
    match pattern {
        Pat::Var(v) => {
            if rule.vars[*v].sort != VarSort::Tensor {
                return Vec::new();
            }
            let mut all = vec![unary(UnaryOp::Neg, pattern.clone()), transposed(pattern.clone())];
            if counts[*v] > 1 {
                all.push(Pat::Var(rule.vars.len() + v));
            }
            all
        }
        Pat::Number(x) => {
            let next = if *x < 2.0 { x + 1.0 } else { x - 1.0 };
            vec![Pat::Number(next), Pat::Number(-x)]
        }
        Pat::Attr(attr) => {
            let next = match attr {
                AttrPat::Last => AttrPat::Rows,
                AttrPat::Rows | AttrPat::Every => AttrPat::Last,
                AttrPat::Both => AttrPat::Rows,
                AttrPat::Int(n) => AttrPat::Int(n + 1),
                _ => return Vec::new(),
            };
            vec![Pat::Attr(next)]
        }
        Pat::Node(head, args) => changed_node(head, args),
    }
}

/// A node with another operation, or with its operands exchanged, transposed or alone.
fn changed_node(head: &Head, args: &[Pat]) -> Vec<Pat> {
    let with = |op: EOp| Pat::Node(Head::Is(op), args.to_vec());
    let exchanged = |i: usize, j: usize| {
        let mut args = args.to_vec();
        args.swap(i, j);
        Pat::Node(head.clone(), args)
    };
    match head {
        Head::AnyBinary(_) => vec![exchanged(0, 1)],
        Head::AnyUnary(_) => vec![args[0].clone()],
        Head::Is(EOp::Unary(u)) => {
            let mut all = vec![args[0].clone()];
            all.extend(related_unary(*u).map(|u| with(EOp::Unary(u))));
            all
        }
        Head::Is(EOp::Binary(b)) => {
            let mut all = vec![with(EOp::Binary(related_binary(*b)))];
            if !b.is_commutative() && args[0] != args[1] {
                all.push(exchanged(0, 1));
            }
            all
        }
        Head::Is(EOp::Select) => vec![exchanged(1, 2)],
        Head::Is(EOp::Transpose) => vec![args[0].clone()],
        Head::Is(EOp::Contract) => {
            let turned = |i: usize| {
                let mut args = args.to_vec();
                args[i] = transposed(args[i].clone());
                Pat::Node(head.clone(), args)
            };
            vec![exchanged(0, 1), turned(0), turned(1)]
        }
        Head::Is(EOp::Reduce(r)) => vec![with(EOp::Reduce(related_reduction(*r)))],
        _ => Vec::new(),
    }
}

fn related_unary(op: UnaryOp) -> Option<UnaryOp> {
    use UnaryOp as U;
    Some(match op {
        U::Exp => U::Expm1,
        U::Expm1 => U::Exp,
        U::Log => U::Log1p,
        U::Log1p => U::Log,
        U::Neg => U::Abs,
        U::Abs | U::Square | U::Recip => U::Neg,
        U::Sqrt => U::Rsqrt,
        U::Rsqrt => U::Sqrt,
        _ => return None,
    })
}

fn related_binary(op: BinaryOp) -> BinaryOp {
    use BinaryOp as B;
    match op {
        B::Add => B::Sub,
        B::Sub => B::Add,
        B::Mul => B::Div,
        B::Div => B::Mul,
        B::Maximum => B::Fmax,
        B::Fmax => B::Minimum,
        B::Minimum => B::Fmin,
        B::Fmin => B::Maximum,
        B::Lt => B::Le,
        B::Le => B::Lt,
        B::Gt => B::Ge,
        B::Ge => B::Gt,
        B::Eq => B::Ne,
        B::Ne => B::Eq,
        B::And => B::Or,
        B::Or => B::And,
        _ => B::Maximum,
    }
}

fn related_reduction(op: ReduceOp) -> ReduceOp {
    use ReduceOp as R;
    match op {
        R::Sum => R::Max,
        R::Prod => R::Sum,
        R::Max => R::Fmax,
        R::Min => R::Fmin,
        R::Fmax => R::Max,
        R::Fmin => R::Min,
        R::Any => R::All,
        R::All => R::Any,
    }
}
