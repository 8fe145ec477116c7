//! What arithmetic is known to get wrong: divisions by zero, NaN and infinities that cancel, absorbed terms, factors beside the ends
//! of the range, logarithms of sums with infinities, offset data.
//!
//! Only cases that may hold special values have these: their sets are exact where operations round as written.

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::leaves::Profile;
use crate::algorithms::Random;
use crate::graph::{BinaryOp as B, NodeId, Op, ReduceOp, UnaryOp as U};
use crate::types::{DType, Scalar, Shape};

type Hazard = fn(&mut CaseBuilder, DType, &mut Dice) -> Option<NodeId>;

const HAZARDS: [Hazard; 12] = [
    by_zero,
    by_zero,
    by_zero,
    cancelling,
    cancelling,
    cancelling,
    absorbed,
    two_sum,
    halves,
    scaled_sum,
    scaled_product,
    exponentials,
];

/// One of the hazards, over any floating dtype.
pub fn hazard(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    if !b.special {
        return None;
    }
    let dtype = dice.pick(&[DType::F32, DType::F64, DType::F16, DType::F32, DType::F32]);
    dice.pick(&HAZARDS)(b, dtype, dice)
}

/// An array of one dtype whose numbers have a profile.
fn leaf(b: &mut CaseBuilder, dtype: DType, profiles: &[Profile], dice: &mut Dice) -> Option<NodeId> {
    let rank = 1 + dice.below(2);
    let shape = b.shape_of_rank(rank, dice);
    let profile = dice.pick(profiles);
    b.leaf(&shape, dtype, profile, dice)
}

/// A zero of either sign: written down, computed from a scalar of the run, or an array.
fn zero(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let literal = |b: &mut CaseBuilder, v: f64| b.add(Op::Literal(Scalar::from_f64(dtype, v)), &[]);
    match dice.below(5) {
        0 => literal(b, -0.0),
        1 => {
            let s = b.scalar(dtype, 1.7, dice)?;
            let t = b.scalar(dtype, 1.7, dice)?;
            b.binary(B::Sub, s, t)
        }
        2 => {
            let s = b.scalar(dtype, -0.3, dice)?;
            let nothing = literal(b, 0.0)?;
            b.binary(B::Mul, s, nothing)
        }
        _ => literal(b, 0.0),
    }
}

fn by_zero(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let x = leaf(b, dtype, &[Profile::Whole, Profile::Special, Profile::Ordinary], dice)?;
    match dice.below(6) {
        0 => b.unary(dice.pick(&[U::Recip, U::Rsqrt, U::Powi(-1), U::Powi(-2), U::Log]), x),
        1 => {
            let shape = b.shape(x);
            let y = b.leaf(&shape, dtype, Profile::Whole, dice)?;
            b.binary(dice.pick(&[B::Div, B::Rem, B::Mod, B::Atan2]), x, y)
        }
        _ => {
            let y = zero(b, dtype, dice)?;
            let op = dice.pick(&[B::Div, B::Div, B::Div, B::Rem, B::Mod, B::Mul]);
            if dice.once_in(4) { b.binary(op, y, x) } else { b.binary(op, x, y) }
        }
    }
}

fn cancelling(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let x = leaf(b, dtype, &[Profile::Special], dice)?;
    if dice.once_in(2) {
        return b.binary(dice.pick(&[B::Sub, B::Sub, B::Sub, B::Div, B::Eq, B::Ne, B::Ge, B::Fmax, B::Minimum]), x, x);
    }
    let y = zero(b, dtype, dice)?;
    let op = dice.pick(&[B::Mul, B::Mul, B::Mul, B::Add, B::Sub, B::Maximum, B::Fmin, B::Eq, B::Ne, B::Gt]);
    if dice.once_in(2) { b.binary(op, x, y) } else { b.binary(op, y, x) }
}

/// (x + c) − c, and c + 1 + 1 where 1 is half a unit in the last place of c.
fn absorbed(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let c = 1.0 / dtype.unit_roundoff();
    let x = leaf(b, dtype, &[Profile::Ordinary, Profile::Whole], dice)?;
    let large = b.scalar(dtype, c * dice.pick(&[1.0, 1.0, 0.75]), dice)?;
    let once = b.binary(B::Add, x, large)?;
    if dice.once_in(2) {
        return b.binary(B::Sub, once, large);
    }
    let one = b.scalar(dtype, 1.0, dice)?;
    let twice = b.binary(B::Add, once, one)?;
    b.binary(B::Add, twice, one)
}

/// The error of a sum, and a product beside a sum that a device must not take together.
fn two_sum(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let x = leaf(b, dtype, &[Profile::Ordinary, Profile::Offset], dice)?;
    let shape = b.shape(x);
    let y = b.leaf(&shape, dtype, Profile::Positive, dice)?;
    if dice.once_in(2) {
        let product = b.binary(B::Mul, x, y)?;
        let again = b.binary(B::Mul, y, y)?;
        return b.binary(dice.pick(&[B::Sub, B::Add]), product, again);
    }
    let s = b.binary(B::Add, x, y)?;
    let t = b.binary(B::Sub, s, x)?;
    let (u, v) = (b.binary(B::Sub, s, t)?, b.binary(B::Sub, y, t)?);
    let left = b.binary(B::Sub, x, u)?;
    b.binary(B::Add, left, v)
}

/// ½x + ½y near the end of the range.
fn halves(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let x = leaf(b, dtype, &[Profile::Huge, Profile::Tiny], dice)?;
    let shape = b.shape(x);
    let y = if dice.once_in(2) { x } else { b.leaf(&shape, dtype, Profile::Huge, dice)? };
    let half = b.scalar(dtype, 0.5, dice)?;
    let (p, q) = (b.binary(B::Mul, x, half)?, b.binary(B::Mul, y, half)?);
    b.binary(dice.pick(&[B::Add, B::Add, B::Sub]), p, q)
}

/// A sum of what was divided, or multiplied, so that it does not overflow.
fn scaled_sum(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let x = leaf(b, dtype, &[Profile::Huge, Profile::Huge, Profile::Tiny], dice)?;
    let shape = b.shape(x);
    let axis = dice.below(shape.rank());
    let n = shape[axis].max(4) as f64;
    let scaled = if dice.once_in(2) {
        let n = b.scalar(dtype, n, dice)?;
        b.binary(B::Div, x, n)?
    } else {
        let share = b.scalar(dtype, 1.0 / n, dice)?;
        b.binary(B::Mul, x, share)?
    };
    let op = dice.pick(&[ReduceOp::Sum, ReduceOp::Sum, ReduceOp::Max]);
    b.add(Op::Reduce { op, axes: [axis].into_iter().collect() }, &[scaled])
}

/// A product of two arrays, one of them scaled, that neither overflows nor vanishes as written.
fn scaled_product(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let (m, k) = (b.palette[0].clamp(1, 8), b.palette[1].clamp(1, 8));
    let large = dice.once_in(2);
    let x = b.leaf(&Shape::new(&[m, k]), dtype, if large { Profile::Huge } else { Profile::Small }, dice)?;
    let y = b.leaf(&Shape::new(&[k, m]), dtype, if large { Profile::Ordinary } else { Profile::Small }, dice)?;
    let most: f64 = if dtype == DType::F16 { 64.0 } else { 1e6 };
    let factor = b.scalar(dtype, if large { 1.0 / most } else { most }, dice)?;
    let scaled = b.binary(B::Mul, x, factor)?;
    let product = b.product(scaled, y)?;
    if dice.once_in(2) {
        return Some(product);
    }
    let other = b.scalar(dtype, dice.pick(&[0.25, 3.0, 0.7]), dice)?;
    b.binary(dice.pick(&[B::Mul, B::Div]), product, other)
}

/// Exponentials of rows with infinities, their sums, and logarithms of those.
fn exponentials(b: &mut CaseBuilder, dtype: DType, dice: &mut Dice) -> Option<NodeId> {
    let x = leaf(b, dtype, &[Profile::Infinite], dice)?;
    let axis = b.shape(x).rank() - 1;
    let e = b.unary(U::Exp, x)?;
    let sum = b.add(Op::Reduce { op: ReduceOp::Sum, axes: [axis].into_iter().collect() }, &[e])?;
    match dice.below(3) {
        0 => b.binary(B::Div, e, sum),
        _ => b.unary(U::Log, sum),
    }
}
