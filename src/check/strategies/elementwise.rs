//! Elementwise operations, with operands brought into their domain.

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::leaves::Profile;
use crate::algorithms::Random;
use crate::graph::{BinaryOp, CastMode, NodeId, Op, UnaryOp};
use crate::types::{DType, Shape};

/// A function of one floating array.
pub fn unary(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    use UnaryOp as U;
    let op = match dice.below(36) {
        i if i < U::ALL.len() => U::ALL[i],
        _ => U::Powi(dice.below(10) as i32 - 3),
    };
    let x = b.float(dice)?;
    let special = b.special && dice.once_in(2);
    let x = match op {
        _ if special => x,
        U::Not => {
            let x = integer_array(b, dice)?;
            return b.unary(op, x);
        }
        U::Sqrt | U::Rsqrt | U::Recip | U::Log | U::Log2 | U::Log10 | U::Log1p => b.positive(x, dice)?,
        U::Exp | U::Expm1 | U::Sinh | U::Cosh => b.bounded(x, 6.0, dice)?,
        U::Tan => b.bounded(x, 1.4, dice)?,
        U::Asin | U::Acos => b.bounded(x, 0.96, dice)?,
        U::Powi(n) if n < 0 => b.positive(x, dice)?,
        U::Powi(_) => b.bounded(x, 8.0, dice)?,
        _ => x,
    };
    b.unary(op, x)
}

/// An operand of the same dtype that broadcasts with `x`.
pub fn partner(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let (shape, dtype) = (b.shape(x), b.dtype(x));
    if !dice.once_in(4) {
        let fits = |s: &Shape| s.broadcast(&shape).is_ok_and(|all| all.len() <= 2000);
        if let Some(found) = b.pick(dice, |n| n.dtype == dtype && fits(&n.shape)) {
            return Some(found);
        }
    }
    // Drop leading axes and shrink others: every kind of broadcast.
    let lead = dice.below(shape.rank() + 1) * dice.below(2);
    let dims: Vec<usize> = shape[lead..].iter().map(|&d| if dice.once_in(3) { 1 } else { d }).collect();
    let shape = Shape::new(&dims);
    if dtype.is_float() {
        let data = super::leaves::data(&shape, dtype, dice.pick(&[Profile::Ordinary, Profile::Positive]), dice)?;
        return b.leaf_with(&shape, data);
    }
    b.leaf(&shape, dtype, Profile::Ordinary, dice)
}

/// A function of two arrays.
pub fn binary(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    const OPS: [B; 17] = [
        B::Add,
        B::Sub,
        B::Mul,
        B::Div,
        B::Add,
        B::Mul,
        B::Sub,
        B::Maximum,
        B::Minimum,
        B::Fmax,
        B::Fmin,
        B::Rem,
        B::Mod,
        B::Pow,
        B::Atan2,
        B::Hypot,
        B::Div,
    ];
    let op = dice.pick(&OPS);
    let x = b.float(dice)?;
    let y = partner(b, x, dice)?;
    in_domain(b, op, x, y, dice)
}

/// `x op y` after bringing the operands to where `op` is tame.
fn in_domain(b: &mut CaseBuilder, op: BinaryOp, x: NodeId, y: NodeId, dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    let wild = b.special && dice.once_in(2);
    let (x, y) = match op {
        _ if wild => (x, y),
        B::Div | B::Rem | B::Mod => (x, b.positive(y, dice)?),
        B::Pow => {
            let x = b.positive(x, dice)?;
            (b.bounded(x, 8.0, dice)?, b.bounded(y, 3.0, dice)?)
        }
        B::Atan2 => (x, b.positive(y, dice)?),
        _ => (x, y),
    };
    b.binary(op, x, y)
}

/// An array and a weak scalar, on either side.
pub fn with_scalar(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    const VALUES: [f64; 20] = [
        1.0, 2.0, 0.5, 0.0, -1.0, 3.0, 4.0, -0.5, -2.0, -0.0, 0.1, 1.0123, -0.02, 1.8, 7.0, 1e-6, -3.25, 100.0, 0.75,
        2.5,
    ];
    let x = b.float(dice)?;
    let value = dice.pick(&VALUES);
    let dtype = b.dtype(x);
    let op = dice.pick(&[
        B::Mul,
        B::Add,
        B::Sub,
        B::Div,
        B::Maximum,
        B::Minimum,
        B::Pow,
        B::Fmax,
        B::Fmin,
        B::Rem,
        B::Mod,
        B::Hypot,
        B::Atan2,
    ]);
    let c = b.scalar(dtype, value, dice)?;
    let flip = dice.once_in(3);
    // A power of negatives by a whole number is a case of its own.
    if op == B::Pow && !flip && value == value.trunc() && value.abs() <= 4.0 && dice.once_in(2) {
        let x = if value < 0.0 { b.positive(x, dice)? } else { b.bounded(x, 8.0, dice)? };
        return b.binary(op, x, c);
    }
    if flip { in_domain(b, op, c, x, dice) } else { in_domain(b, op, x, c, dice) }
}

/// A comparison, or a test of kinds.
pub fn compare(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    let x = if dice.once_in(4) { integer_array(b, dice)? } else { b.float(dice)? };
    let y = if dice.once_in(2) {
        let value = dice.pick(&[0.0, 1.0, 0.3]);
        b.scalar(b.dtype(x), value, dice)?
    } else {
        partner(b, x, dice)?
    };
    b.binary(dice.pick(&[B::Gt, B::Lt, B::Ge, B::Le, B::Eq, B::Ne]), x, y)
}

/// An array of integers or truth values, most of the time one that exists.
pub fn integer_array(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let dtype = dice.pick(&[DType::I32, DType::I32, DType::U32, DType::Bool, DType::I64, DType::U8, DType::I32]);
    let found = if dice.once_in(3) { None } else { b.pick(dice, |n| n.dtype == dtype && n.shape.rank() > 0) };
    found.or_else(|| {
        let shape = b.random_shape(dice);
        let profile = if b.special { Profile::Special } else { dice.pick(&[Profile::Ordinary, Profile::Positive]) };
        b.leaf(&shape, dtype, profile, dice)
    })
}

/// Arithmetic of integers.
pub fn integer(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    use UnaryOp as U;
    let mut x = integer_array(b, dice)?;
    if b.dtype(x) == DType::Bool {
        x = b.add(Op::Cast { to: DType::I32, mode: CastMode::Wrap }, &[x])?;
    }
    if dice.once_in(4) {
        let op = dice.pick(&[U::Neg, U::Abs, U::Sign, U::Square, U::Powi(3), U::Powi(-2), U::Not, U::Powi(0)]);
        return b.unary(op, x);
    }
    let op = dice.pick(&[
        B::Add,
        B::Mul,
        B::Sub,
        B::Div,
        B::Rem,
        B::Mod,
        B::Pow,
        B::Maximum,
        B::Minimum,
        B::Fmax,
        B::Fmin,
        B::And,
        B::Or,
        B::Xor,
    ]);
    let y = if dice.once_in(3) {
        let value = dice.below(9) as f64 - 3.0;
        b.scalar(b.dtype(x), value, dice)?
    } else {
        partner(b, x, dice)?
    };
    b.binary(op, x, y)
}

/// Logic of truth values.
pub fn logical(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    let x = match b.pick(dice, |n| n.dtype == DType::Bool && n.shape.rank() > 0) {
        Some(x) if !dice.once_in(4) => x,
        _ => compare(b, dice)?,
    };
    if dice.once_in(4) {
        return b.unary(UnaryOp::Not, x);
    }
    if dice.once_in(6) {
        let f = b.float(dice)?;
        return b.unary(dice.pick(&[UnaryOp::IsNan, UnaryOp::IsInf, UnaryOp::IsFinite]), f);
    }
    let y = partner(b, x, dice)?;
    b.binary(dice.pick(&[B::And, B::Or, B::Xor, B::Eq, B::Ne, B::Maximum, B::Minimum, B::Lt]), x, y)
}

/// A choice between two arrays.
pub fn select(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = if dice.once_in(6) { integer_array(b, dice)? } else { b.float(dice)? };
    let y = if dice.once_in(3) {
        let zero = dice.pick(&[0.0, 1.0, -0.25]);
        b.scalar(b.dtype(x), zero, dice)?
    } else {
        partner(b, x, dice)?
    };
    let shape = b.shape(x);
    let fits = |s: &Shape| s.broadcast(&shape).is_ok_and(|all| all.len() <= 2000);
    let test = match b.pick(dice, |n| n.dtype == DType::Bool && fits(&n.shape)) {
        Some(t) => t,
        None => {
            let zero = b.scalar(b.dtype(x), 0.0, dice)?;
            b.binary(BinaryOp::Gt, x, zero)?
        }
    };
    let operands = if dice.once_in(2) { [test, x, y] } else { [test, y, x] };
    b.add(Op::Select, &operands)
}

/// A conversion between any two dtypes.
pub fn cast(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = if dice.once_in(2) { b.float(dice)? } else { integer_array(b, dice)? };
    let to = dice.pick(&[
        DType::F32,
        DType::F32,
        DType::I32,
        DType::F64,
        DType::Bool,
        DType::U32,
        DType::F16,
        DType::I64,
        DType::U8,
    ]);
    let mode = if dice.once_in(2) { CastMode::Wrap } else { CastMode::RoundSaturate };
    let to = if to == b.dtype(x) { DType::F32 } else { to };
    // Larger numbers first, so that conversions to integers say something.
    let mut x = x;
    if b.dtype(x).is_float() && !to.is_float() && dice.once_in(2) {
        let factor = b.scalar(b.dtype(x), 10.5, dice)?;
        x = b.binary(BinaryOp::Mul, x, factor)?;
    }
    b.add(Op::Cast { to, mode }, &[x])
}
