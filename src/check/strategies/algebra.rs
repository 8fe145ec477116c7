//! Chains that algebra rules look for, right or nearly so.

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::elementwise::partner;
use crate::algorithms::Random;
use crate::graph::{BinaryOp as B, CastMode, NodeId, Op, UnaryOp as U};
use crate::types::Scalar;

type Chain = fn(&mut CaseBuilder, NodeId, &mut Dice) -> Option<NodeId>;

const CHAINS: [Chain; 12] = [
    root_of_square,
    cube,
    exp_of_log,
    two_scalars,
    negated_operand,
    common_factor,
    clamp,
    masked,
    times_reciprocal,
    magnitude_times_sign,
    reciprocal_of_root,
    power,
];

/// One of the chains over a floating array.
pub fn algebra(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = b.float(dice)?;
    dice.pick(&CHAINS)(b, x, dice)
}

fn root_of_square(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let p = b.positive(x, dice)?;
    let square = b.unary(U::Square, p)?;
    b.unary(U::Sqrt, square)
}

fn cube(b: &mut CaseBuilder, x: NodeId, _dice: &mut Dice) -> Option<NodeId> {
    let square = b.binary(B::Mul, x, x)?;
    b.binary(B::Mul, square, x)
}

fn exp_of_log(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let p = b.positive(x, dice)?;
    let log = b.unary(U::Log, p)?;
    b.unary(U::Exp, log)
}

fn two_scalars(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let dtype = b.dtype(x);
    let (p, q) = (b.scalar(dtype, 1.7, dice)?, b.scalar(dtype, 0.6, dice)?);
    let y = b.binary(B::Mul, x, p)?;
    b.binary(dice.pick(&[B::Mul, B::Div, B::Add]), y, q)
}

fn negated_operand(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let negative = b.unary(U::Neg, x)?;
    let y = partner(b, x, dice)?;
    b.binary(dice.pick(&[B::Add, B::Mul, B::Sub]), y, negative)
}

fn common_factor(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let y = partner(b, x, dice)?;
    let z = partner(b, x, dice)?;
    let (p, q) = (b.binary(B::Mul, x, y)?, b.binary(B::Mul, x, z)?);
    b.binary(dice.pick(&[B::Add, B::Sub]), p, q)
}

fn clamp(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let dtype = b.dtype(x);
    let (low, high) = (b.scalar(dtype, dice.pick(&[-0.5, 0.0, 0.7]), dice)?, b.scalar(dtype, 1.0, dice)?);
    let capped = b.binary(dice.pick(&[B::Minimum, B::Fmin]), x, high)?;
    b.binary(dice.pick(&[B::Maximum, B::Fmax]), capped, low)
}

fn masked(b: &mut CaseBuilder, x: NodeId, _dice: &mut Dice) -> Option<NodeId> {
    let dtype = b.dtype(x);
    let zero = b.add(Op::Literal(Scalar::from_f64(dtype, 0.0)), &[])?;
    let mask = b.binary(B::Gt, x, zero)?;
    let mask = b.add(Op::Cast { to: dtype, mode: CastMode::Wrap }, &[mask])?;
    b.binary(B::Mul, x, mask)
}

fn times_reciprocal(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let dtype = b.dtype(x);
    let p = b.positive(x, dice)?;
    let one = b.scalar(dtype, 1.0, dice)?;
    let inverse = b.binary(B::Div, one, p)?;
    let y = partner(b, x, dice)?;
    b.binary(B::Mul, y, inverse)
}

fn magnitude_times_sign(b: &mut CaseBuilder, x: NodeId, _dice: &mut Dice) -> Option<NodeId> {
    let up = b.unary(U::Abs, x)?;
    let sign = b.unary(U::Sign, x)?;
    b.binary(B::Mul, up, sign)
}

fn reciprocal_of_root(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let dtype = b.dtype(x);
    let p = b.positive(x, dice)?;
    let root = b.unary(U::Sqrt, p)?;
    let one = b.scalar(dtype, 1.0, dice)?;
    b.binary(B::Div, one, root)
}

fn power(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let dtype = b.dtype(x);
    let p = b.positive(x, dice)?;
    let p = b.bounded(p, 4.0, dice)?;
    let half = b.scalar(dtype, dice.pick(&[0.5, 2.0, 3.0, 1.8, -1.0]), dice)?;
    b.binary(B::Pow, p, half)
}
