//! What is known of the pattern of an array's elements: one value everywhere, a coordinate, ones or anything on a diagonal
//! with zeros around it.
//!
//! In go an operation and the facts of its operands; out comes what must hold of every result. There is no operation for
//! an identity matrix: it is recorded as a comparison of coordinates, and found again here. Nothing is guessed from data.

use super::facts::Facts;
use super::language::EOp;
use crate::graph::{BinaryOp, Op, ReduceOp, UnaryOp};
use crate::types::{DType, Scalar, Shape};

/// The pattern of an array's elements, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Structure {
    /// Every element is this value, bit for bit.
    pub(super) fill: Option<Scalar>,
    /// Every element is its coordinate along this axis.
    pub(super) coordinate: Option<usize>,
    /// Ones (truths) where the coordinates along the last two axes are equal, +0 (untruth) elsewhere.
    pub(super) identity: bool,
    /// +0 (untruth) wherever the coordinates along the last two axes differ.
    pub(super) diagonal: bool,
    /// Greatest elements, or what stands in their place. Rules ask so as not to repeat themselves; no value depends on it.
    pub(super) peak: bool,
    /// Elements less a `peak`, read in any order.
    pub(super) peaked: bool,
}

impl Structure {
    /// What is known of the members of both classes together.
    ///
    /// A fill, a coordinate and an identity say what the value *is*: a rule that asks for one and leaves the array out of its
    /// right side has chosen the member that is known, as extraction may choose any member. So knowing it of one is enough.
    /// A diagonal says only a part, and its rules read the rest from the class: it must hold for all. So nothing that was found
    /// nearly equal to a fill is ever read *as* one: the fill itself takes its place, by a step of the class that said so. And
    /// in Strict mode, where every step is exact, all members are the same bits anyway. tests/planning/rules/growth.rs
    pub(super) fn meet(&mut self, other: &Self) {
        // Of two values that some rule found nearly equal the lesser bits, so that the order of unions does not matter.
        self.fill = [self.fill, other.fill].into_iter().flatten().min();
        self.coordinate = [self.coordinate, other.coordinate].into_iter().flatten().min();
        self.identity |= other.identity;
        self.diagonal &= other.diagonal;
        self.peak |= other.peak;
        self.peaked |= other.peaked;
    }

    /// What values depend on.
    pub(super) fn promises(&self) -> Self {
        Self { peak: false, peaked: false, ..*self }
    }

    /// Whether every element is this number, a zero of either sign for 0.
    pub(super) fn filled_with(&self, value: f64) -> bool {
        self.fill.is_some_and(|s| s.to_f64() == value)
    }

    fn diagonal(identity: bool) -> Self {
        Self { identity, diagonal: true, ..Self::default() }
    }
}

/// The last two extents.
fn matrix(shape: &Shape) -> Option<[usize; 2]> {
    let rank = shape.rank();
    Some([shape[rank.checked_sub(2)?], shape[rank - 1]])
}

/// Whether the pattern alone makes an array equal to its transpose: what a transpose exchanges are equal zeros.
pub(super) fn is_symmetric(facts: &Facts) -> bool {
    (facts.structure.diagonal || facts.structure.fill.is_some()) && matrix(&facts.shape).is_some_and(|[m, n]| m == n)
}

/// The structure of a term's result, which has this shape.
pub(super) fn of(op: &EOp, operands: &[&Facts], shape: &Shape, interned: Option<&Op>) -> Structure {
    let at = |i: usize| operands.get(i).map(|f| &f.structure);
    let peak = |i: usize| at(i).is_some_and(|s| s.peak);
    let moved = op.is_view() || matches!(op, EOp::Cast(_));
    Structure {
        peak: match op {
            EOp::Reduce(ReduceOp::Max | ReduceOp::Fmax) => true,
            EOp::Select => peak(1) || peak(2),
            _ => moved && peak(0),
        },
        peaked: *op == EOp::Binary(BinaryOp::Sub) && peak(1) || moved && at(0).is_some_and(|s| s.peaked),
        ..pattern(op, operands, shape, interned)
    }
}

fn pattern(op: &EOp, operands: &[&Facts], shape: &Shape, interned: Option<&Op>) -> Structure {
    let at = |i: usize| &operands[i].structure;
    // Whether an operand's matrices are the result's own, not stretched to them.
    let aligned =
        |i: usize| operands.get(i).is_some_and(|f| matrix(&f.shape).is_some() && matrix(&f.shape) == matrix(shape));
    let diagonal = |i: usize| aligned(i) && at(i).diagonal;
    match op {
        EOp::Literal(s) => Structure { fill: Some(*s), ..Structure::default() },
        EOp::Opaque(_) => match interned {
            Some(Op::Iota { axis, .. }) if operands.is_empty() => {
                Structure { coordinate: Some(*axis), ..Structure::default() }
            }
            _ => Structure::default(),
        },
        EOp::Binary(BinaryOp::Eq) => {
            let axis = |i: usize| {
                let f = operands[i];
                let axis = f.structure.coordinate?;
                let lead = shape.rank() - f.shape.rank();
                (f.shape[axis] == shape[axis + lead] && counts(f.dtype)).then_some(axis + lead)
            };
            match (axis(0), axis(1)) {
                (Some(a), Some(b)) if a != b && a.min(b) + 2 == shape.rank() => Structure::diagonal(true),
                _ => Structure::default(),
            }
        }
        EOp::Binary(BinaryOp::And) if diagonal(0) || diagonal(1) => {
            Structure::diagonal(diagonal(0) && diagonal(1) && at(0).identity && at(1).identity)
        }
        EOp::Binary(BinaryOp::Add | BinaryOp::Sub | BinaryOp::Maximum | BinaryOp::Minimum | BinaryOp::Or)
            if diagonal(0) && diagonal(1) =>
        {
            Structure::diagonal(false)
        }
        EOp::Binary(BinaryOp::Mul) => {
            // 0 · x is +0 only for finite x without a sign.
            let scaled = |d: usize, x: usize| diagonal(d) && operands[x].finite && operands[x].nonneg;
            let float = operands[0].dtype.is_float();
            let kept = scaled(0, 1) || scaled(1, 0) || !float && (diagonal(0) || diagonal(1));
            if kept { Structure::diagonal(false) } else { Structure::default() }
        }
        EOp::Unary(
            UnaryOp::Abs
            | UnaryOp::Sqrt
            | UnaryOp::Square
            | UnaryOp::Sign
            | UnaryOp::Floor
            | UnaryOp::Ceil
            | UnaryOp::Trunc
            | UnaryOp::Round
            | UnaryOp::RoundAway
            | UnaryOp::Sin
            | UnaryOp::Tan
            | UnaryOp::Sinh
            | UnaryOp::Tanh
            | UnaryOp::Expm1
            | UnaryOp::Log1p,
        ) if diagonal(0) => Structure::diagonal(false),
        EOp::Select => {
            let nothing = |i: usize| at(i).fill.is_some_and(|s| s.is(0.0));
            let chosen = aligned(0) && at(0).identity && nothing(2);
            if chosen || diagonal(1) && (diagonal(2) || nothing(2)) {
                Structure::diagonal(chosen && at(1).filled_with(1.0))
            } else {
                Structure::default()
            }
        }
        EOp::Cast(_) if diagonal(0) => Structure::diagonal(at(0).identity),
        EOp::Transpose if operands[0].structure.diagonal => *at(0),
        EOp::Reshape | EOp::Broadcast | EOp::Transpose | EOp::Diagonal | EOp::Strided => {
            let ones = || Scalar::from_i64(operands[0].dtype, 1);
            let fill = at(0).fill.or_else(|| (*op == EOp::Diagonal && at(0).identity).then(ones));
            // A diagonal read from a cube is no matrix of it, whatever the extents.
            let kept = matches!(op, EOp::Reshape | EOp::Broadcast) && diagonal(0);
            // Leading axes that only appear do not move the others.
            let lead = shape.rank().checked_sub(operands[0].shape.rank());
            let coordinate = match (op, at(0).coordinate, lead) {
                (EOp::Broadcast, Some(axis), Some(lead)) if shape[axis + lead] == operands[0].shape[axis] => {
                    Some(axis + lead)
                }
                _ => None,
            };
            Structure { fill, coordinate, identity: kept && at(0).identity, diagonal: kept, ..Structure::default() }
        }
        _ => Structure::default(),
    }
}

/// Whether coordinates are exact in this dtype: bytes would wrap and floats round.
fn counts(dtype: DType) -> bool {
    matches!(dtype, DType::I32 | DType::U32 | DType::I64)
}
