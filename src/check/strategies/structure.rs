//! Reductions, running folds, products, order and library routines.

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::elementwise::integer_array;
use super::leaves::Profile;
use crate::algorithms::Random;
use crate::graph::{ArgOp, HostOp, NodeId, Op, ReduceOp, ScanOp};
use crate::types::{DType, Dims, Shape};

/// A reduction over any set of axes.
pub fn reduce(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    use ReduceOp as R;
    let x = match dice.below(8) {
        0 => integer_array(b, dice)?,
        1 => match b.pick(dice, |n| n.dtype == DType::Bool && n.shape.rank() > 0) {
            Some(x) => x,
            None => super::elementwise::compare(b, dice)?,
        },
        _ => foldable(b, dice)?,
    };
    let (shape, dtype) = (b.shape(x), b.dtype(x));
    if shape.rank() == 0 {
        return None;
    }
    let op = match dtype {
        DType::Bool => dice.pick(&[R::Any, R::All, R::Max, R::Min]),
        _ => dice.pick(&[R::Sum, R::Max, R::Sum, R::Min, R::Fmax, R::Fmin, R::Prod]),
    };
    let axes = random_axes(&shape, dice);
    b.add(Op::Reduce { op, axes }, &[x])
}

/// A floating array to fold; where special values are allowed, mostly a new one that has them: most operations lose them.
fn foldable(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    if b.special && !dice.once_in(3) {
        let shape = b.shape_of_rank(2, dice);
        let dtype = dice.pick(&[DType::F32, DType::F64, DType::F32, DType::F16]);
        return b.leaf(&shape, dtype, Profile::Special, dice);
    }
    b.float(dice)
}

/// One or more axes, ascending.
pub fn random_axes(shape: &Shape, dice: &mut Dice) -> Dims {
    let mut axes: Dims = (0..shape.rank()).filter(|_| dice.once_in(2)).collect();
    if axes.is_empty() {
        axes.push(dice.below(shape.rank()));
    }
    axes
}

/// Where the extremum is.
pub fn arg_reduce(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = if dice.once_in(4) { integer_array(b, dice)? } else { foldable(b, dice)? };
    let rank = b.shape(x).rank();
    let axis = dice.below(rank.max(1));
    b.add(Op::ArgReduce { op: dice.pick(ArgOp::ALL), axis }, &[x])
}

/// A running fold.
pub fn scan(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    if dice.once_in(4) {
        // A line longer than the executors' tiles, so that the fold has to be carried on.
        let shape = Shape::new(&[1 + dice.below(3), dice.pick(&[520, 600])]);
        let x = b.float_leaf(&shape, dice)?;
        return b.add(Op::Scan { op: dice.pick(ScanOp::ALL), axis: 1 }, &[x]);
    }
    let x = if dice.once_in(4) { integer_array(b, dice)? } else { foldable(b, dice)? };
    let rank = b.shape(x).rank();
    b.add(Op::Scan { op: dice.pick(ScanOp::ALL), axis: dice.below(rank.max(1)) }, &[x])
}

/// Sorted values or positions.
pub fn sort(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = if dice.once_in(4) { integer_array(b, dice)? } else { b.float(dice)? };
    let shape = b.shape(x);
    let axis = dice.below(shape.rank().max(1));
    if shape.get(axis).is_none_or(|&d| d > 130) {
        return None;
    }
    b.add(Op::Sort { axis, descending: dice.once_in(2), indices: dice.once_in(2) }, &[x])
}

/// A product of two arrays, batched, broadcast, turned or of integers.
pub fn contract(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    if dice.once_in(6) {
        let n = dice.pick(&b.palette);
        let dtype = dice.pick(&[DType::I32, DType::U32]);
        let x = b.leaf(&Shape::new(&[4, n]), dtype, Profile::Ordinary, dice)?;
        let y = b.leaf(&Shape::new(&[n, 3]), dtype, Profile::Ordinary, dice)?;
        return b.product(x, y);
    }
    let x = match b.pick(dice, |n| n.dtype.is_float() && n.shape.rank() >= 2) {
        Some(x) => x,
        None => b.matrix(dice)?,
    };
    let y = factor(b, x, dice)?;
    if dice.once_in(3) {
        // (Y'X')' has the same elements.
        let (x, y) = (b.transposed(x)?, b.transposed(y)?);
        return b.product(y, x);
    }
    b.product(x, y)
}

/// Something that `x` can be multiplied with from the left.
pub fn factor(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let (shape, dtype) = (b.shape(x), b.dtype(x));
    let k = *shape.last()?;
    let batch = Shape::new(&shape[..shape.rank() - 2]);
    let fits =
        |s: &Shape| s.rank() >= 2 && s[s.rank() - 2] == k && Shape::new(&s[..s.rank() - 2]).broadcast(&batch).is_ok();
    if !dice.once_in(4) {
        if let Some(y) = b.pick(dice, |n| n.dtype == dtype && fits(&n.shape)) {
            return Some(y);
        }
        let turned = |s: &Shape| s.rank() >= 2 && s[s.rank() - 1] == k;
        if let Some(y) = b.pick(dice, |n| n.dtype == dtype && turned(&n.shape)) {
            return b.transposed(y);
        }
    }
    let columns = dice.pick(&[b.palette[0], b.palette[1], 1, 2, 5]);
    let mut dims = if dice.once_in(4) { batch.to_vec() } else { Vec::new() };
    dims.extend([k, columns]);
    let data = super::leaves::data(&Shape::new(&dims), dtype, Profile::Ordinary, dice)?;
    b.leaf_with(&Shape::new(&dims), data)
}

/// A library routine on a small matrix that suits it.
pub fn host(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let n = 2 + dice.below(5);
    let dtype = dice.pick(&[DType::F64, DType::F32, DType::F64]);
    let square = Shape::new(&[n, n]);
    let (op, outputs) = match dice.below(8) {
        0 => (HostOp::Solve, 2),
        1 => (HostOp::Inv, 2),
        2 => (HostOp::Cholesky, 1),
        3 => (HostOp::Det, 1),
        4 => (HostOp::Eigh, 2),
        5 => (HostOp::Svd, 3),
        6 => (HostOp::Qr { complete: true }, 2),
        _ => (HostOp::Qr { complete: false }, 2),
    };
    let output = dice.below(outputs) as u8;
    let tall = Shape::new(&[n + dice.below(4), n]);
    let a = match op {
        HostOp::Cholesky | HostOp::Eigh => b.leaf(&square, dtype, Profile::Definite, dice)?,
        HostOp::Solve | HostOp::Svd | HostOp::Qr { .. } if dice.once_in(3) => {
            b.leaf(&tall, dtype, Profile::Dominant, dice)?
        }
        _ => b.leaf(&square, dtype, Profile::Dominant, dice)?,
    };
    // A computed operand, so that values cross to the host.
    let a = if dice.once_in(2) {
        let two = b.scalar(dtype, 2.0, dice)?;
        b.binary(crate::graph::BinaryOp::Mul, a, two)?
    } else {
        a
    };
    if op != HostOp::Solve {
        return b.add(Op::Host { op, output }, &[a]);
    }
    let right = b.leaf(&Shape::new(&[b.shape(a)[0], 1 + dice.below(3)]), dtype, Profile::Ordinary, dice)?;
    b.add(Op::Host { op, output }, &[a, right])
}
