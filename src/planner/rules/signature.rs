//! The functions that a rule may name, and their parameters.

use self::Parameter::{Of, Op1, Op2, Value};
use super::model::Head;
use super::sort::VarSort;
use crate::graph::{BinaryOp, HostOp, ReduceOp, UnaryOp};
use crate::planner::language::EOp;

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// An expression or variable of this sort.
    Of(VarSort),
    /// An array or a kernel.
    Value,
    /// The name of an operator variable of one operand.
    Op1,
    /// The name of an operator variable of two operands.
    Op2,
}

/// A function of the rule language.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// What it becomes; operator variables are filled in by the parser.
    pub(super) head: Head,
    /// What it is applied to.
    pub(super) parameters: &'static [Parameter],
    /// How many of them, at the end, may be left out.
    pub(super) optional: usize,
    /// Whether it may appear on the right side only.
    pub(super) right_only: bool,
}

impl Function {
    const fn of(head: Head, parameters: &'static [Parameter]) -> Self {
        Self { head, parameters, optional: 0, right_only: false }
    }

    const fn op(op: EOp, parameters: &'static [Parameter]) -> Self {
        Self::of(Head::Is(op), parameters)
    }

    const fn right(head: Head, parameters: &'static [Parameter], optional: usize) -> Self {
        Self { head, parameters, optional, right_only: true }
    }
}

const T: Parameter = Of(VarSort::Tensor);
const K: Parameter = Of(VarSort::Kernel);
const AXES: Parameter = Of(VarSort::Axes);
const EXTENTS: Parameter = Of(VarSort::Extents);

/// The functions that are not named by a unary, a binary or a reduction operation.
const OTHERS: &[(&str, Function)] = &[
    ("select", Function::op(EOp::Select, &[T, T, T])),
    ("powi", Function::op(EOp::Powi, &[T, Of(VarSort::Int)])),
    ("transpose", Function::op(EOp::Transpose, &[T])),
    ("diag", Function::op(EOp::Diagonal, &[T])),
    ("reshape", Function::op(EOp::Reshape, &[T, EXTENTS])),
    ("bcast", Function::op(EOp::Broadcast, &[T, EXTENTS])),
    ("inv", Function::op(EOp::Host(HostOp::Inv, 0), &[T])),
    ("solve", Function::op(EOp::Host(HostOp::Solve, 0), &[T, T])),
    ("run", Function::op(EOp::Run, &[K])),
    ("run_diag", Function::op(EOp::RunDiag, &[K])),
    ("gemm", Function::op(EOp::Gemm, &[T, T])),
    ("syrk", Function::op(EOp::Syrk, &[T, T])),
    ("ep_select", Function::op(EOp::Select, &[Value, Value, Value])),
    ("ep1", Function::of(Head::AnyUnary(0), &[Op1, K])),
    ("ep2", Function::of(Head::AnyBinary(0), &[Op2, Value, Value])),
    ("map1", Function::of(Head::AnyUnary(0), &[Op1, T])),
    ("map2", Function::of(Head::AnyBinary(0), &[Op2, T, T])),
    ("like", Function::right(Head::Like, &[T, T], 0)),
    ("turn", Function::right(Head::Turn, &[T, T, T], 1)),
    ("diag_in", Function::right(Head::DiagonalIn, &[T, T, T], 1)),
    ("as_column", Function::right(Head::AsColumn, &[T], 0)),
    ("as_row", Function::right(Head::AsRow, &[T], 0)),
    ("cheapest", Function::right(Head::Cheapest, &[T, T, T], 0)),
    ("count_of", Function::right(Head::CountOf, &[AXES, EXTENTS], 0)),
];

/// The function called `name`.
pub(super) fn function(name: &str) -> Option<Function> {
    let unary = UnaryOp::ALL.iter().copied().find(|u| u.name() == name).map(|u| Function::op(EOp::Unary(u), &[T]));
    let binary = || BinaryOp::ALL.iter().copied().find(|b| b.name() == name);
    let reduction = || ReduceOp::ALL.iter().copied().find(|r| r.name() == name);
    let other = || OTHERS.iter().find(|(other, _)| *other == name);
    unary
        .or_else(|| Some(Function::op(EOp::Binary(binary()?), &[T, T])))
        .or_else(|| Some(Function::op(EOp::Reduce(reduction()?), &[T, AXES])))
        .or_else(|| Some(other()?.1.clone()))
}

/// Every function's name.
pub(super) fn names() -> Vec<&'static str> {
    UnaryOp::ALL
        .iter()
        .map(|u| u.name())
        .chain(BinaryOp::ALL.iter().map(|b| b.name()))
        .chain(ReduceOp::ALL.iter().map(|r| r.name()))
        .chain(OTHERS.iter().map(|(name, _)| *name))
        .collect()
}

/// The known name nearest to a misspelt one, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3).min(3);
    known.into_iter().map(|k| (distance(name, k), k)).filter(|(d, _)| *d <= limit).min().map(|(_, k)| k)
}

/// Insertions, deletions, replacements and neighbour swaps between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        assert_eq!(nearest("mximum", names()), Some("maximum"));
        assert_eq!(nearest("zzz", names()), None);
    }
}
