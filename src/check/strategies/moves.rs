//! Operations that move elements, and those that make them from nothing.

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::elementwise::{integer_array, partner};
use super::leaves::Profile;
use crate::algorithms::Random;
use crate::graph::{NodeId, Op, RngDist};
use crate::types::{DType, Dims, HostBuffer, Order, Shape, View};

/// A view of any kind over any array, views included.
pub fn view(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = if dice.once_in(6) { integer_array(b, dice)? } else { b.float(dice)? };
    let shape = b.shape(x);
    let mut v = View::dense(&shape);
    for _ in 0..1 + dice.below(3) {
        v = next_view(b, &v, dice).unwrap_or(v);
        if v.shape().len() > 2000 {
            return None;
        }
    }
    if v.is_identity(&shape) {
        return None;
    }
    b.view(x, v)
}

fn next_view(b: &CaseBuilder, v: &View, dice: &mut Dice) -> Option<View> {
    let shape = v.shape().clone();
    let rank = shape.rank();
    let axis = dice.below(rank.max(1));
    match dice.below(8) {
        0 if rank >= 2 => {
            let mut axes: Vec<usize> = (0..rank).collect();
            axes.swap(rank - 1, rank - 2);
            v.permute(&axes).ok()
        }
        1 if rank >= 2 => {
            let mut axes: Vec<usize> = (0..rank).collect();
            axes.rotate_left(dice.below(rank));
            axes.swap(0, axis);
            v.permute(&axes).ok()
        }
        2 if rank >= 1 => v.flip(axis).ok(),
        3 if rank >= 1 && shape[axis] > 0 => {
            let start = dice.below(shape[axis]);
            let step: i64 = dice.pick(&[1, 2, -1, 3, -2]);
            let room = if step > 0 { shape[axis] - 1 - start } else { start };
            let most = room / step.unsigned_abs() as usize + 1;
            v.slice(axis, start, step, dice.below(most) + 1).ok()
        }
        4 => {
            let mut dims: Vec<usize> =
                shape.iter().map(|&d| if d == 1 && dice.once_in(2) { dice.pick(&b.palette) } else { d }).collect();
            if dice.once_in(2) && rank < 4 {
                dims.insert(0, dice.pick(&[1, 2, 3]));
            }
            v.broadcast_to(&Shape::new(&dims)).ok()
        }
        5 if rank >= 2 => v.diagonal().ok(),
        6 => {
            let order = if dice.once_in(3) { Order::F } else { Order::C };
            v.reshape(&Shape::new(&[shape.len()]), order).ok().flatten()
        }
        _ if rank >= 1 => {
            let d = shape[axis];
            let part = (2..=d).find(|p| d.is_multiple_of(*p)).unwrap_or(d.max(1));
            let mut dims = shape.to_vec();
            dims.splice(axis..=axis, [d / part, part]);
            let order = if dice.once_in(3) { Order::F } else { Order::C };
            v.reshape(&Shape::new(&dims), order).ok().flatten()
        }
        _ => None,
    }
}

/// Gather, scatter, slice update, concatenation or padding.
pub fn moved(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = if dice.once_in(5) { integer_array(b, dice)? } else { b.float(dice)? };
    let (shape, dtype) = (b.shape(x), b.dtype(x));
    if shape.rank() == 0 {
        return None;
    }
    let axis = dice.below(shape.rank());
    match dice.below(5) {
        0 if shape[axis] > 0 => {
            let n = dice.below(9);
            let places = positions(b, n, shape[axis], dice)?;
            b.add(Op::Gather { axis }, &[x, places])
        }
        1 => {
            let n = dice.below(6);
            let places = positions(b, n, shape[axis], dice)?;
            let update = b.leaf(&shape.with_axis(axis, n), dtype, Profile::Positive, dice)?;
            b.add(Op::Scatter { axis }, &[x, places, update])
        }
        2 => slice_update(b, x, dice),
        3 => concatenation(b, x, axis, dice),
        _ => {
            let before: Dims = shape.iter().map(|_| dice.below(3)).collect();
            let after: Dims = shape.iter().map(|_| dice.below(3)).collect();
            let fill = b.scalar(dtype, dice.pick(&[0.0, 1.0, 7.0]), dice)?;
            b.add(Op::Pad { before, after }, &[x, fill])
        }
    }
}

/// A strided part of `x` replaced.
fn slice_update(b: &mut CaseBuilder, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
    let (mut start, mut step, mut dims) = (Dims::new(), Dims::new(), Vec::new());
    for &d in b.shape(x).iter() {
        let s = 1 + dice.below(3);
        let from = dice.below(d.max(1));
        let most = if d == 0 { 0 } else { (d - 1 - from) / s + 1 };
        start.push(from);
        step.push(s);
        dims.push(dice.below(most + 1));
    }
    let update = b.leaf(&Shape::new(&dims), b.dtype(x), Profile::Positive, dice)?;
    b.add(Op::SliceUpdate { start, step }, &[x, update])
}

/// `x` and one or two arrays that fit it along an axis.
fn concatenation(b: &mut CaseBuilder, x: NodeId, axis: usize, dice: &mut Dice) -> Option<NodeId> {
    let (shape, dtype) = (b.shape(x), b.dtype(x));
    let fits = |s: &Shape| s.rank() == shape.rank() && s.with_axis(axis, 0) == shape.with_axis(axis, 0);
    let mut all = vec![x];
    for _ in 0..1 + dice.below(2) {
        all.push(b.pick(dice, |n| n.dtype == dtype && fits(&n.shape))?);
    }
    if dice.once_in(2) {
        all.reverse();
    }
    b.add(Op::Concat { axis }, &all)
}

/// Positions along an axis, some of them outside.
fn positions(b: &mut CaseBuilder, n: usize, extent: usize, dice: &mut Dice) -> Option<NodeId> {
    let values: Vec<i32> = (0..n)
        .map(|_| match dice.below(12) {
            0 => -1 - dice.below(3) as i32,
            1 => (extent + dice.below(3)) as i32,
            _ => dice.below(extent.max(1)) as i32,
        })
        .collect();
    b.leaf_with(&Shape::new(&[n]), HostBuffer::from_slice(&values).ok()?)
}

/// A counting or random array, or a broadcast scalar, combined with an array where one fits.
pub fn generated(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let x = b.float(dice)?;
    let (shape, dtype) = (b.shape(x), b.dtype(x));
    let made = match dice.below(4) {
        0 if shape.rank() > 0 => {
            let axis = dice.below(shape.rank());
            let dtype = if dice.once_in(2) { DType::I32 } else { dtype };
            b.add(Op::Iota { shape: shape.clone(), axis, dtype }, &[])?
        }
        1 => {
            let value = dice.pick(&[1.0, 0.0, 2.25]);
            let c = b.scalar(dtype, value, dice)?;
            b.view(c, View::dense(&Shape::scalar()).broadcast_to(&shape).ok()?)?
        }
        _ => {
            let (dist, dtype) = match dice.below(3) {
                0 => (RngDist::Bits, DType::U32),
                1 => (RngDist::Uniform, dice.pick(&[DType::F32, DType::F64])),
                _ => (RngDist::Normal, dice.pick(&[DType::F32, DType::F64])),
            };
            let key = b.scalar(DType::U32, dice.below(1 << 16) as f64, dice)?;
            let stream = b.scalar(DType::U32, dice.below(50) as f64, dice)?;
            b.add(Op::Rng { dist, shape: shape.clone(), dtype }, &[key, stream])?
        }
    };
    if b.dtype(made) != dtype {
        return Some(made);
    }
    let y = partner(b, made, dice)?;
    b.binary(crate::graph::BinaryOp::Mul, made, y)
}
