//! What recognisers look for, in several spellings, and what only looks like it.

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::elementwise::partner;
use super::structure::{factor, random_axes};
use crate::algorithms::Random;
use crate::graph::{BinaryOp, NodeId, Op, ReduceOp, UnaryOp};
use crate::types::{Shape, View};

fn sum(b: &mut CaseBuilder, x: NodeId, axes: &[usize]) -> Option<NodeId> {
    b.add(Op::Reduce { op: ReduceOp::Sum, axes: axes.into() }, &[x])
}

/// The mean over axes, as a sum divided or multiplied.
fn mean(b: &mut CaseBuilder, x: NodeId, axes: &[usize], dice: &mut Dice) -> Option<NodeId> {
    let shape = b.shape(x);
    let n = axes.iter().map(|&a| shape[a]).product::<usize>().max(1) as f64;
    let total = sum(b, x, axes)?;
    if dice.once_in(4) {
        let share = b.scalar(b.dtype(x), 1.0 / n, dice)?;
        return b.binary(BinaryOp::Mul, total, share);
    }
    let n = b.scalar(b.dtype(x), n, dice)?;
    b.binary(BinaryOp::Div, total, n)
}

/// Products: Grams plain, scaled, weighted and centred, epilogues, diagonals, traces, chains.
pub fn products(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = b.matrix(dice)?;
    let shape = b.shape(x);
    let result = match dice.below(8) {
        0 | 1 => gram(b, x, dice)?,
        2 | 3 => {
            let y = factor(b, x, dice)?;
            let product = b.product(x, y)?;
            let after = epilogue(b, product, dice)?;
            if dice.once_in(3) && b.shape(after).rank() == 2 { diagonal(b, after)? } else { after }
        }
        4 => {
            let y = factor(b, x, dice)?;
            let product = b.product(x, y)?;
            let read = diagonal(b, product)?;
            if dice.once_in(2) { sum(b, read, &[0])? } else { read }
        }
        5 => {
            let y = factor(b, x, dice)?;
            let product = b.product(x, y)?;
            let axes = random_axes(&b.shape(product), dice);
            sum(b, product, &axes)?
        }
        6 => {
            let y = factor(b, x, dice)?;
            let z = factor(b, y, dice)?;
            if dice.once_in(2) {
                let right = b.product(y, z)?;
                b.product(x, right)?
            } else {
                let left = b.product(x, y)?;
                b.product(left, z)?
            }
        }
        _ => {
            // Scaling before the product, by rows or columns.
            let scale = partner(b, x, dice)?;
            if b.shape(scale).broadcast(&shape).ok()? != shape {
                return None;
            }
            let scaled = b.binary(dice.pick(&[BinaryOp::Mul, BinaryOp::Sub, BinaryOp::Add]), x, scale)?;
            let scaled = if dice.once_in(3) { b.unary(UnaryOp::Exp, scaled)? } else { scaled };
            let y = factor(b, scaled, dice)?;
            b.product(scaled, y)?
        }
    };
    if dice.once_in(2) { epilogue(b, result, dice) } else { Some(result) }
}

fn diagonal(b: &mut CaseBuilder, x: NodeId) -> Option<NodeId> {
    let view = View::dense(&b.shape(x)).diagonal().ok()?;
    b.view(x, view)
}

/// X'X and its relatives, with near-misses among them.
fn gram(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let (shape, dtype) = (b.shape(x), b.dtype(x));
    let (left, right) = match dice.below(6) {
        0 => (x, x),
        1 => {
            // Weights along rows are a weighted Gram, along columns they are not.
            let dims = if dice.once_in(4) { [1, shape[1]] } else { [shape[0], 1] };
            let w = b.float_leaf(&Shape::new(&dims), dice)?;
            (x, b.binary(BinaryOp::Mul, w, x)?)
        }
        2 | 3 => {
            // Centred by the column means; by the row means it is another matrix.
            let axis = usize::from(dice.once_in(5));
            let m = mean(b, x, &[axis], dice)?;
            let c = b.binary(BinaryOp::Sub, x, m)?;
            match dice.below(4) {
                0 => (c, x),
                _ => (c, c),
            }
        }
        4 => {
            let y = b.float_leaf(&shape, dice)?;
            (x, if b.dtype(y) == dtype { y } else { x })
        }
        _ => {
            let s = b.scalar(dtype, 0.37, dice)?;
            (b.binary(BinaryOp::Mul, x, s)?, x)
        }
    };
    let product = if dice.once_in(4) {
        let t = b.transposed(right)?;
        b.product(left, t)?
    } else {
        let t = b.transposed(left)?;
        b.product(t, right)?
    };
    match dice.below(3) {
        0 => {
            let n = b.scalar(dtype, (shape[0].max(2) - 1) as f64, dice)?;
            b.binary(BinaryOp::Div, product, n)
        }
        _ => Some(product),
    }
}

/// A few elementwise steps after a product, each with a row, a column, a matrix or a scalar on either side.
fn epilogue(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    let mut at = x;
    for _ in 0..1 + dice.below(4) {
        let next = match dice.below(8) {
            0 => {
                let zero = b.scalar(b.dtype(at), dice.pick(&[0.0, 0.25]), dice)?;
                b.binary(dice.pick(&[B::Maximum, B::Fmax]), at, zero)
            }
            1 => {
                let p = b.positive(at, dice)?;
                let p = b.bounded(p, 9.0, dice)?;
                let power = b.scalar(b.dtype(at), dice.pick(&[1.8, 2.0, 0.5]), dice)?;
                b.binary(B::Pow, p, power)
            }
            2 => {
                let c = b.scalar(b.dtype(at), 1.25, dice)?;
                b.binary(B::Sub, c, at)
            }
            3 => {
                let p = b.positive(at, dice)?;
                let c = b.scalar(b.dtype(at), 1.25, dice)?;
                b.binary(B::Div, c, p)
            }
            4 => {
                let zero = b.scalar(b.dtype(at), 0.0, dice)?;
                let mask = b.binary(B::Gt, at, zero)?;
                let mask = b.add(Op::Cast { to: b.dtype(at), mode: crate::graph::CastMode::Wrap }, &[mask])?;
                b.binary(B::Mul, at, mask)
            }
            _ => {
                let y = partner(b, at, dice)?;
                let op = dice.pick(&[B::Add, B::Mul, B::Sub, B::Add]);
                if dice.once_in(2) { b.binary(op, at, y) } else { b.binary(op, y, at) }
            }
        };
        at = next.unwrap_or(at);
    }
    Some(at)
}

/// Normalise, softmax, logsumexp, variance: folds whose results meet their operand again.
pub fn rows(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = b.float(dice)?;
    let shape = b.shape(x);
    if shape.rank() == 0 || shape.is_empty() {
        return None;
    }
    let axes = random_axes(&shape, dice);
    match dice.below(4) {
        0 | 1 => normalised(b, x, &axes, dice),
        2 => softmax(b, x, &axes, dice),
        _ => {
            let squares = b.unary(UnaryOp::Square, x)?;
            let s = sum(b, squares, &axes)?;
            let s = b.positive(s, dice)?;
            let norm = b.unary(UnaryOp::Sqrt, s)?;
            b.binary(BinaryOp::Div, x, norm)
        }
    }
}

/// A variance, or what it normalises, with a gain.
fn normalised(b: &mut CaseBuilder, x: NodeId, axes: &[usize], dice: &mut Dice) -> Option<NodeId> {
    use BinaryOp as B;
    use UnaryOp as U;
    let dtype = b.dtype(x);
    let m = mean(b, x, axes, dice)?;
    let c = b.binary(B::Sub, x, m)?;
    let squares = if dice.once_in(2) { b.unary(U::Square, c)? } else { b.binary(B::Mul, c, c)? };
    let v = mean(b, squares, axes, dice)?;
    if dice.once_in(3) {
        return Some(v);
    }
    let eps = b.scalar(dtype, dice.pick(&[1e-3, 0.5]), dice)?;
    let v = b.binary(B::Add, v, eps)?;
    let y = if dice.once_in(2) {
        let d = b.unary(U::Sqrt, v)?;
        b.binary(B::Div, c, d)?
    } else {
        let d = b.unary(U::Rsqrt, v)?;
        b.binary(B::Mul, c, d)?
    };
    let gain = partner(b, y, dice)?;
    b.binary(dice.pick(&[B::Mul, B::Add]), y, gain)
}

/// A softmax or a logarithm of a sum of exponentials, with or without the largest element subtracted.
fn softmax(b: &mut CaseBuilder, x: NodeId, axes: &[usize], dice: &mut Dice) -> Option<NodeId> {
    let x = b.bounded(x, 8.0, dice)?;
    let shifted = if dice.once_in(2) {
        let top = b.add(Op::Reduce { op: ReduceOp::Max, axes: axes.into() }, &[x])?;
        b.binary(BinaryOp::Sub, x, top)?
    } else {
        x
    };
    let e = b.unary(UnaryOp::Exp, shifted)?;
    let s = sum(b, e, axes)?;
    if dice.once_in(3) { b.unary(UnaryOp::Log, s) } else { b.binary(BinaryOp::Div, e, s) }
}
