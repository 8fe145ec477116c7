//! Operations that only move elements: gather, scatter, slice update, concatenation, padding.
//!
//! An uncertain position gives the union of what it may pick. Views are the oracle's own, since they need no copy.

use super::element::Element;
use super::tensor::{Tensor, each, gathered, index};
use crate::graph::{Node, Op};
use crate::types::Shape;

/// The elements of a node that moves those of its operands, of which there must be one.
pub(super) fn moved(node: &Node, operands: &[&Tensor]) -> Vec<Element> {
    let (shape, x) = (&node.shape, operands[0]);
    match &node.op {
        Op::Gather { axis } => gather(*axis, x, operands[1], shape),
        Op::Scatter { axis } => scatter(*axis, x, operands[1], operands[2]),
        Op::SliceUpdate { start, step } => {
            let mut out = x.elements.clone();
            each(&operands[1].shape, |c| {
                let to: Vec<usize> = c.iter().enumerate().map(|(i, &v)| start[i] + step[i] * v).collect();
                out[index(shape, &to)] = operands[1].at(c);
            });
            out
        }
        Op::Concat { axis } => concat(*axis, operands, shape),
        Op::Pad { before, .. } => gathered(shape, |c| {
            let inside = |i: usize| c[i] >= before[i] && c[i] - before[i] < x.shape[i];
            if (0..c.len()).all(inside) {
                let from: Vec<usize> = c.iter().zip(before).map(|(&v, &b)| v - b).collect();
                return x.at(&from);
            }
            operands[1].elements[0]
        }),
        _ => vec![Element::ANY; shape.len()],
    }
}

fn gather(axis: usize, x: &Tensor, places: &Tensor, shape: &Shape) -> Vec<Element> {
    let extent = x.shape[axis] as i128;
    gathered(shape, |c| {
        let (low, high) = places.elements[c[axis]].integer_range(places.dtype);
        let clamp = |i: i128| i.clamp(0, extent - 1) as usize;
        let mut from = c.to_vec();
        let pick = |i: usize| {
            from[axis] = i;
            x.at(&from)
        };
        (clamp(low)..=clamp(high)).map(pick).reduce(Element::or).unwrap_or(Element::ANY)
    })
}

fn scatter(axis: usize, x: &Tensor, places: &Tensor, update: &Tensor) -> Vec<Element> {
    let mut out = x.elements.clone();
    let extent = x.shape[axis] as i128;
    each(&update.shape, |c| {
        let (low, high) = places.elements[c[axis]].integer_range(places.dtype);
        let mut to = c.to_vec();
        for i in low.max(0)..=high.min(extent - 1) {
            to[axis] = i as usize;
            let target = &mut out[index(&x.shape, &to)];
            *target = if low == high { update.at(c) } else { target.or(update.at(c)) };
        }
    });
    out
}

fn concat(axis: usize, operands: &[&Tensor], shape: &Shape) -> Vec<Element> {
    gathered(shape, |c| {
        let mut from = c.to_vec();
        for t in operands {
            if from[axis] < t.shape[axis] {
                return t.at(&from);
            }
            from[axis] -= t.shape[axis];
        }
        Element::ANY
    })
}
