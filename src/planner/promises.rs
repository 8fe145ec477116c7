//! What an operation promises about the elements of its result, given what is known of its operands: that no sign bit is set,
//! that nothing is infinite or NaN, that the result equals its transpose.
//!
//! Nothing is guessed from data. What is known of the pattern of elements follows other rules, see `structure`.

use super::class_facts::Facts;
use super::language::EOp;
use super::properties::Property;
use crate::graph::{BinaryOp, Op, ReduceOp, RngDist, UnaryOp};
use crate::types::{DType, Scalar};

/// Adds what the operation promises to the facts of its result, which hold what its dtype says. `interned` is what an opaque
/// term stands for.
pub(super) fn infer(facts: &mut Facts, op: &EOp, operands: &[&Facts], attribute: Option<&EOp>, interned: Option<&Op>) {
    let Range { nonneg, finite } = range(facts, op, operands, attribute, interned);
    facts.set(Property::Nonneg, nonneg);
    facts.set(Property::Finite, finite);
    facts.set(Property::Symmetric, symmetric(facts, op, operands));
}

/// Where the elements of an array lie.
#[derive(Clone, Copy)]
struct Range {
    nonneg: bool,
    finite: bool,
}

impl Range {
    fn of(facts: &Facts) -> Self {
        Self { nonneg: facts.is(Property::Nonneg), finite: facts.is(Property::Finite) }
    }
}

fn range(result: &Facts, op: &EOp, operands: &[&Facts], attribute: Option<&EOp>, interned: Option<&Op>) -> Range {
    let x = |i: usize| Range::of(operands[i]);
    let plain = Range::of(result);
    let float = result.dtype.is_float();
    let both_nonneg = || x(0).nonneg && x(1).nonneg;
    match op {
        EOp::Literal(s) => literal(plain, *s),
        EOp::Unary(u) if float => unary(*u, x(0)),
        EOp::Powi if float => {
            let even = matches!(attribute, Some(EOp::Int(n)) if n % 2 == 0);
            Range { nonneg: even || x(0).nonneg, ..plain }
        }
        EOp::Binary(b) if float && !b.is_compare() => binary(*b, x(0), x(1)),
        EOp::Select => Range { nonneg: x(1).nonneg && x(2).nonneg, finite: x(1).finite && x(2).finite },
        EOp::Cast(_) if float => Range { finite: x(0).finite && holds(operands[0].dtype, result.dtype), ..x(0) },
        EOp::Transpose | EOp::Diagonal | EOp::Reshape | EOp::Broadcast | EOp::Strided => x(0),
        EOp::Reduce(r) if float => {
            // The greatest of no elements is −∞.
            let greatest = matches!(r, ReduceOp::Max | ReduceOp::Fmax);
            Range { nonneg: x(0).nonneg && !(greatest && operands[0].shape.is_empty()), ..plain }
        }
        EOp::Contract | EOp::Gemm if float => Range { nonneg: both_nonneg(), ..plain },
        EOp::Syrk => Range { nonneg: both_nonneg() || plain.nonneg, ..plain },
        EOp::Opaque(_) => opaque(plain, result.dtype, interned),
        _ => plain,
    }
}

fn literal(plain: Range, value: Scalar) -> Range {
    let v = value.to_f64();
    Range { nonneg: plain.nonneg || v.is_nan() || !v.is_sign_negative(), finite: plain.finite || v.is_finite() }
}

fn unary(op: UnaryOp, x: Range) -> Range {
    use UnaryOp as U;
    let always = matches!(op, U::Abs | U::Square | U::Exp | U::Cosh);
    let keeps_sign = matches!(
        op,
        U::Sqrt
            | U::Rsqrt
            | U::Recip
            | U::Sign
            | U::Floor
            | U::Ceil
            | U::Round
            | U::RoundAway
            | U::Trunc
            | U::Log1p
            | U::Expm1
            | U::Tanh
    );
    let stays_finite = matches!(
        op,
        U::Neg | U::Abs | U::Sign | U::Floor | U::Ceil | U::Round | U::RoundAway | U::Trunc | U::Tanh | U::Atan
    );
    Range { nonneg: always || x.nonneg && keeps_sign, finite: x.finite && stays_finite }
}

fn binary(op: BinaryOp, x: Range, y: Range) -> Range {
    use BinaryOp as B;
    let nonneg = match op {
        B::Hypot => true,
        B::Add | B::Mul | B::Div | B::Minimum | B::Fmin => x.nonneg && y.nonneg,
        B::Maximum => x.nonneg || y.nonneg,
        // A NaN on the promising side would let the other one through.
        B::Fmax => x.nonneg && (x.finite || y.nonneg) || y.nonneg && y.finite,
        B::Pow => x.nonneg,
        _ => false,
    };
    let chooses = matches!(op, B::Maximum | B::Minimum | B::Fmax | B::Fmin);
    Range { nonneg, finite: x.finite && y.finite && chooses }
}

/// Whether a float of this dtype holds all finite values of the other: large integers overflow binary16, and so may a float that
/// becomes narrower.
fn holds(from: DType, to: DType) -> bool {
    !from.is_float() && to != DType::F16 || from == to
}

fn opaque(plain: Range, dtype: DType, op: Option<&Op>) -> Range {
    match op {
        Some(Op::Iota { .. }) => Range { nonneg: true, finite: dtype != DType::F16 },
        Some(Op::Rng { dist: RngDist::Uniform, .. }) => Range { nonneg: true, finite: true },
        _ => plain,
    }
}

fn symmetric(result: &Facts, op: &EOp, operands: &[&Facts]) -> bool {
    let is = |f: &Facts| f.is(Property::Symmetric);
    match op {
        EOp::Transpose => is(operands[0]),
        EOp::Syrk => true,
        // A symmetric matrix stays so beside others of its size and beside single values.
        op if op.is_elementwise() && result.shape.rank() >= 2 => {
            operands.iter().all(|f| f.shape.len() == 1 || is(f) && f.shape == result.shape)
                && operands.iter().any(|f| is(f))
        }
        _ => false,
    }
}
