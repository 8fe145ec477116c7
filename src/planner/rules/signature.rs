//! The functions a rule may name, with what they take and give: one table for the parser, the help and the check of rules.

use super::model::{Head, VarSort};
use crate::graph::{BinaryOp, HostOp, ReduceOp, UnaryOp};
use crate::planner::language::EOp;

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arg {
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
    /// Its arguments.
    pub(super) args: Vec<Arg>,
    /// How many of them, at the end, may be left out.
    pub(super) optional: usize,
    /// Whether it may stand on the right side only.
    pub(super) right_only: bool,
}

const T: Arg = Arg::Of(VarSort::Tensor);
const K: Arg = Arg::Of(VarSort::Kernel);

/// Names that are no unary, binary or reduction table entry.
const OTHERS: [&str; 24] = [
    "select",
    "powi",
    "diag",
    "reshape",
    "bcast",
    "inv",
    "solve",
    "gemm",
    "syrk",
    "run",
    "run_diag",
    "ep1",
    "ep2",
    "ep_select",
    "map1",
    "map2",
    "like",
    "turn",
    "diag_in",
    "as_column",
    "as_row",
    "count_of",
    "cheapest",
    "transpose",
];

/// The function called `name`.
pub(super) fn function(name: &str) -> Option<Function> {
    let make = |op: EOp, args: Vec<Arg>| Function { head: Head::Is(op), args, optional: 0, right_only: false };
    let tensor = |op: EOp, args: Vec<Arg>| Some(make(op, args));
    if let Some(u) = UnaryOp::ALL.into_iter().find(|u| u.name() == name) {
        return tensor(EOp::Unary(u), vec![T]);
    }
    if let Some(b) = BinaryOp::ALL.into_iter().find(|b| b.name() == name) {
        return tensor(EOp::Binary(b), vec![T, T]);
    }
    if let Some(r) = ReduceOp::ALL.into_iter().find(|r| r.name() == name) {
        return tensor(EOp::Reduce(r), vec![T, Arg::Of(VarSort::Axes)]);
    }
    let right = |head, args: Vec<Arg>| Some(Function { head, args, optional: 0, right_only: true });
    match name {
        "select" => tensor(EOp::Select, vec![T, T, T]),
        "powi" => tensor(EOp::Powi, vec![T, Arg::Of(VarSort::Int)]),
        "transpose" => tensor(EOp::Transpose, vec![T]),
        "diag" => tensor(EOp::Diagonal, vec![T]),
        "reshape" => tensor(EOp::Reshape, vec![T, Arg::Of(VarSort::Extents)]),
        "bcast" => tensor(EOp::Broadcast, vec![T, Arg::Of(VarSort::Extents)]),
        "inv" => tensor(EOp::Host(HostOp::Inv, 0), vec![T]),
        "solve" => tensor(EOp::Host(HostOp::Solve, 0), vec![T, T]),
        "run" => tensor(EOp::Run, vec![K]),
        "run_diag" => tensor(EOp::RunDiag, vec![K]),
        "gemm" => Some(make(EOp::Gemm, vec![T, T])),
        "syrk" => Some(make(EOp::Syrk, vec![T, T])),
        "ep_select" => Some(make(EOp::Select, vec![Arg::Value, Arg::Value, Arg::Value])),
        "ep1" => Some(Function { head: Head::AnyUnary(0), args: vec![Arg::Op1, K], optional: 0, right_only: false }),
        "ep2" => Some(Function {
            head: Head::AnyBinary(0),
            args: vec![Arg::Op2, Arg::Value, Arg::Value],
            optional: 0,
            right_only: false,
        }),
        "map1" => Some(Function { head: Head::AnyUnary(0), args: vec![Arg::Op1, T], optional: 0, right_only: false }),
        "map2" => {
            Some(Function { head: Head::AnyBinary(0), args: vec![Arg::Op2, T, T], optional: 0, right_only: false })
        }
        "like" => right(Head::Like, vec![T, T]),
        "turn" => right(Head::Turn, vec![T, T, T]).map(|f| Function { optional: 1, ..f }),
        "diag_in" => right(Head::DiagonalIn, vec![T, T, T]).map(|f| Function { optional: 1, ..f }),
        "as_column" => right(Head::AsColumn, vec![T]),
        "as_row" => right(Head::AsRow, vec![T]),
        "cheapest" => right(Head::Cheapest, vec![T, T, T]),
        "count_of" => right(Head::CountOf, vec![Arg::Of(VarSort::Axes), Arg::Of(VarSort::Extents)]),
        _ => None,
    }
}

/// Every function's name.
pub(super) fn names() -> Vec<&'static str> {
    UnaryOp::ALL
        .iter()
        .map(|u| u.name())
        .chain(BinaryOp::ALL.iter().map(|b| b.name()))
        .chain(ReduceOp::ALL.iter().map(|r| r.name()))
        .chain(OTHERS)
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
    fn every_listed_name_is_a_function() {
        for name in names() {
            assert!(function(name).is_some(), "{name}");
        }
    }

    #[test]
    fn near_words_are_found() {
        assert_eq!(nearest("mximum", names()), Some("maximum"));
        assert_eq!(nearest("zzz", names()), None);
    }
}
