//! What is known of the pattern of an array's elements: one value everywhere, a coordinate, ones or anything on a diagonal
//! with zeros around it.
//!
//! There is no operation for an identity matrix: it is recorded as a comparison of coordinates, and recognised here. Nothing is
//! guessed from data.

use super::class_facts::{Facts, Structure, last_two};
use super::language::EOp;
use super::properties::Property;
use crate::graph::{BinaryOp, Op, ReduceOp, UnaryOp};
use crate::types::{DType, Scalar, Shape};

/// Adds what the operation says of the pattern of its result to the facts, which have their shape. `interned` is what an opaque
/// term stands for.
pub(super) fn infer(facts: &mut Facts, op: &EOp, operands: &[&Facts], interned: Option<&Op>) {
    let Pattern { fill, coordinate, diagonal } = Term { op, operands, shape: &facts.shape }.pattern(interned);
    let moved = op.is_view() || matches!(op, EOp::Cast(_));
    let is = |i: usize, fact: fn(&Structure) -> bool| operands.get(i).is_some_and(|f| fact(&f.structure));
    let peak = |i: usize| is(i, |s| s.peak);
    facts.structure = Structure {
        fill,
        coordinate,
        peak: match op {
            EOp::Reduce(ReduceOp::Max | ReduceOp::Fmax) => true,
            EOp::Select => peak(1) || peak(2),
            _ => moved && peak(0),
        },
        peaked: *op == EOp::Binary(BinaryOp::Sub) && peak(1) || moved && is(0, |s| s.peaked),
    };
    facts.set(Property::Diagonal, diagonal != Diagonal::Unknown);
    facts.set(Property::Identity, diagonal == Diagonal::Ones);
    note_symmetry(facts);
}

/// Notes that the pattern alone makes an array equal to its transpose: what a transpose exchanges are equal zeros.
pub(super) fn note_symmetry(facts: &mut Facts) {
    let patterned = facts.is(Property::Diagonal) || facts.structure.fill.is_some();
    if patterned && facts.matrix().is_some_and(|[m, n]| m == n) {
        facts.set(Property::Symmetric, true);
    }
}

/// What is known of a matrix off and on its diagonal.
#[derive(Clone, Copy, Default, PartialEq)]
enum Diagonal {
    /// Nothing.
    #[default]
    Unknown,
    /// +0 (or `false`) off the diagonal.
    Zeros,
    /// That, and ones on it.
    Ones,
}

impl Diagonal {
    fn zeros_if(known: bool) -> Self {
        if known { Self::Zeros } else { Self::Unknown }
    }

    fn ones_if(ones: bool) -> Self {
        if ones { Self::Ones } else { Self::Zeros }
    }
}

#[derive(Default)]
struct Pattern {
    fill: Option<Scalar>,
    coordinate: Option<usize>,
    diagonal: Diagonal,
}

/// An operation, its operands and the shape of its result.
#[derive(Clone, Copy)]
struct Term<'a> {
    op: &'a EOp,
    operands: &'a [&'a Facts],
    shape: &'a Shape,
}

impl Term<'_> {
    fn pattern(self, interned: Option<&Op>) -> Pattern {
        match (self.op, interned) {
            (EOp::Literal(s), _) => Pattern { fill: Some(*s), ..Pattern::default() },
            (EOp::Opaque(_), Some(Op::Iota { axis, .. })) if self.operands.is_empty() => {
                Pattern { coordinate: Some(*axis), ..Pattern::default() }
            }
            (EOp::Transpose, _) if self.operands[0].is(Property::Diagonal) => {
                let Structure { fill, coordinate, .. } = self.operands[0].structure;
                let diagonal = Diagonal::ones_if(self.operands[0].is(Property::Identity));
                Pattern { fill, coordinate, diagonal }
            }
            (op, _) if op.is_view() => self.viewed(),
            _ => Pattern { diagonal: self.diagonal(), ..Pattern::default() },
        }
    }

    /// Whether an operand's matrices are the result's own, not stretched to them.
    fn aligned(self, i: usize) -> bool {
        self.operands.get(i).is_some_and(|f| f.matrix().is_some() && f.matrix() == last_two(self.shape))
    }

    fn is_diagonal(self, i: usize) -> bool {
        self.aligned(i) && self.operands[i].is(Property::Diagonal)
    }

    fn is_identity(self, i: usize) -> bool {
        self.operands[i].is(Property::Identity)
    }

    fn diagonal(self) -> Diagonal {
        use {BinaryOp as B, UnaryOp as U};
        let diagonal = |i: usize| self.is_diagonal(i);
        match self.op {
            EOp::Binary(B::Eq) => self.compared(),
            EOp::Binary(B::And) if diagonal(0) || diagonal(1) => {
                Diagonal::ones_if(diagonal(0) && diagonal(1) && self.is_identity(0) && self.is_identity(1))
            }
            EOp::Binary(B::Add | B::Sub | B::Maximum | B::Minimum | B::Or) => {
                Diagonal::zeros_if(diagonal(0) && diagonal(1))
            }
            EOp::Binary(B::Mul) => {
                let x = |i: usize| self.operands[i];
                // 0 · x is +0 only for finite x without a sign.
                let scaled = |d: usize, i: usize| diagonal(d) && x(i).is(Property::Finite) && x(i).is(Property::Nonneg);
                let float = x(0).dtype.is_float();
                Diagonal::zeros_if(scaled(0, 1) || scaled(1, 0) || !float && (diagonal(0) || diagonal(1)))
            }
            EOp::Unary(
                U::Abs
                | U::Sqrt
                | U::Square
                | U::Sign
                | U::Floor
                | U::Ceil
                | U::Trunc
                | U::Round
                | U::RoundAway
                | U::Sin
                | U::Tan
                | U::Sinh
                | U::Tanh
                | U::Expm1
                | U::Log1p,
            ) => Diagonal::zeros_if(diagonal(0)),
            EOp::Select => self.chosen(),
            EOp::Cast(_) if diagonal(0) => Diagonal::ones_if(self.is_identity(0)),
            _ => Diagonal::Unknown,
        }
    }

    /// A comparison of the coordinates along the last two axes.
    fn compared(self) -> Diagonal {
        let axis = |i: usize| {
            let f = self.operands[i];
            let axis = f.structure.coordinate?;
            let lead = self.shape.rank() - f.shape.rank();
            (f.shape[axis] == self.shape[axis + lead] && counts(f.dtype)).then_some(axis + lead)
        };
        match (axis(0), axis(1)) {
            (Some(a), Some(b)) if a != b && a.min(b) + 2 == self.shape.rank() => Diagonal::Ones,
            _ => Diagonal::Unknown,
        }
    }

    /// A choice between what is on the diagonal and zeros.
    fn chosen(self) -> Diagonal {
        let zeros = |i: usize| self.operands[i].structure.fill.is_some_and(|s| s.is(0.0));
        let by_identity = self.aligned(0) && self.is_identity(0) && zeros(2);
        if by_identity || self.is_diagonal(1) && (self.is_diagonal(2) || zeros(2)) {
            Diagonal::ones_if(by_identity && self.operands[1].structure.filled_with(1.0))
        } else {
            Diagonal::Unknown
        }
    }

    fn viewed(self) -> Pattern {
        let x = self.operands[0];
        let ones = || Scalar::from_i64(x.dtype, 1);
        let fill = x.structure.fill.or_else(|| (*self.op == EOp::Diagonal && self.is_identity(0)).then(ones));
        // A diagonal read from a cube is no matrix of it, whatever the extents.
        let whole = matches!(self.op, EOp::Reshape | EOp::Broadcast) && self.is_diagonal(0);
        // Leading axes that only appear do not move the others.
        let lead = self.shape.rank().checked_sub(x.shape.rank());
        let coordinate = match (self.op, x.structure.coordinate, lead) {
            (EOp::Broadcast, Some(axis), Some(lead)) if self.shape[axis + lead] == x.shape[axis] => Some(axis + lead),
            _ => None,
        };
        let diagonal = if whole { Diagonal::ones_if(self.is_identity(0)) } else { Diagonal::Unknown };
        Pattern { fill, coordinate, diagonal }
    }
}

/// Whether coordinates are exact in this dtype: bytes would wrap and floats round.
fn counts(dtype: DType) -> bool {
    matches!(dtype, DType::I32 | DType::U32 | DType::I64)
}
