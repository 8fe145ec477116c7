//! The oracle: a graph in, for every node the set of results that a correct run may have.
//!
//! Values are carried in double-double with error bounds by [`Allowance`]; see `element` for what a set is. The oracle shares
//! no code with the executors and the reference: it knows what operations mean, not how the project computes them. A node that
//! it cannot bound accepts anything.

use super::allowance::Allowance;
use super::arith;
use super::discrete;
use super::element::Element;
use super::folds::{Fold, position, sorted};
use super::functions;
use super::host;
use super::philox;
use super::tensor::{Tensor, each, index, lanes};
use crate::error::{Error, Result};
use crate::graph::{Case, Graph, Node, Op, ReduceOp, ScanOp};
use crate::types::{HostBuffer, Scalar, Shape};

/// The acceptable results of every node, in order.
///
/// # Errors
/// An argument error when leaves or slots are missing or do not have the graph's sizes and dtypes.
pub fn evaluate(case: &Case, allow: Allowance) -> Result<Vec<Tensor>> {
    evaluate_over(&case.graph, case, allow, |_| {})
}

/// As [`evaluate`], for another graph over the data of a case; `settle` may change what is known of each node.
///
/// # Errors
/// As [`evaluate`].
pub(super) fn evaluate_over(
    graph: &Graph,
    data: &Case,
    allow: Allowance,
    settle: impl Fn(&mut [Element]),
) -> Result<Vec<Tensor>> {
    let Case { leaves, slots, .. } = data;
    if !graph.accepts(leaves, slots) {
        return Err(Error::argument("oracle: expected the graph's leaves and slots, given others"));
    }
    let mut done: Vec<Tensor> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let operands: Vec<&Tensor> = node.operands.iter().map(|o| &done[o.index()]).collect();
        let mut elements = evaluate_node(node, &operands, leaves, slots, allow);
        settle(&mut elements);
        if elements.len() != node.shape.len() {
            return Err(Error::internal(format!("oracle: {} gave {} elements", node.op, elements.len())));
        }
        done.push(Tensor { shape: node.shape.clone(), dtype: node.dtype, elements });
    }
    Ok(done)
}

/// For rules that promise nothing of NaN and infinities: an element that may be one accepts anything, and so does whatever is
/// computed from it.
pub(super) fn numbers_only(elements: &mut [Element]) {
    elements.iter_mut().filter(|e| !e.is_number()).for_each(|e| *e = Element::ANY);
}

/// The acceptable results of one node, given those of its operands.
pub(super) fn evaluate_node(
    node: &Node,
    operands: &[&Tensor],
    leaves: &[HostBuffer],
    slots: &[Scalar],
    allow: Allowance,
) -> Vec<Element> {
    let mut elements = match &node.op {
        Op::Leaf(i) => Tensor::from_buffer(&node.shape, &leaves[*i as usize]).elements,
        Op::Slot(i) => vec![Element::from_scalar(slots[*i as usize])],
        _ => compute(node, operands, allow),
    };
    if matches!(node.op, Op::Leaf(_) | Op::Slot(_) | Op::Literal(_)) && node.dtype.is_float() {
        // A GPU may flush what it reads.
        elements.iter_mut().for_each(|e| *e = allow.widen(*e, node.dtype, 0.0, 0.0));
    }
    elements
}

fn compute(node: &Node, operands: &[&Tensor], allow: Allowance) -> Vec<Element> {
    let shape = &node.shape;
    if let Op::View(view) = &node.op {
        return gathered(shape, |c| operands[0].elements[view.index(c) as usize]);
    }
    // Only a root may have either sign; whoever computes with it takes the hull.
    let settled: Vec<Tensor>;
    let operands: Vec<&Tensor> = if operands.iter().any(|t| t.elements.iter().any(|e| e.either_sign)) {
        let one = |t: &&Tensor| Tensor { elements: t.elements.iter().map(|e| e.one_sign()).collect(), ..(*t).clone() };
        settled = operands.iter().map(one).collect();
        settled.iter().collect()
    } else {
        operands.to_vec()
    };
    let x = operands.first().copied();
    let of = |i: usize| operands[i];
    match &node.op {
        Op::Leaf(_) | Op::Slot(_) | Op::View(_) => Vec::new(),
        Op::Literal(s) => vec![Element::from_scalar(*s)],
        Op::Iota { axis, dtype, .. } => gathered(shape, |c| {
            let e = Element::integer(c[*axis] as i128);
            if dtype.is_float() { allow.round(e, *dtype, super::allowance::ROUNDED) } else { e }
        }),
        Op::Rng { dist, shape, dtype } => {
            philox::elements(*dist, shape.len(), of(0).elements[0], of(1).elements[0], *dtype, allow)
        }
        Op::Unary(op) => {
            let dtype = of(0).dtype;
            let f = |e: &Element| {
                if dtype.is_float() { functions::unary(*op, *e, dtype, allow) } else { discrete::unary(*op, *e, dtype) }
            };
            of(0).elements.iter().map(f).collect()
        }
        Op::Binary(op) => {
            let dtype = of(0).dtype;
            gathered(shape, |c| {
                let (a, b) = (of(0).broadcast_at(c), of(1).broadcast_at(c));
                if dtype.is_float() {
                    arith::binary(*op, a, b, dtype, allow)
                } else {
                    discrete::binary(*op, a, b, dtype)
                }
            })
        }
        Op::Select => gathered(shape, |c| {
            let (test, a, b) = (of(0).broadcast_at(c), of(1).broadcast_at(c), of(2).broadcast_at(c));
            match test.integer_range(crate::types::DType::Bool) {
                (1, _) => a,
                (_, 0) => b,
                _ => a.or(b),
            }
        }),
        Op::Cast { to, mode } => {
            let from = of(0).dtype;
            of(0).elements.iter().map(|e| functions::cast(*mode, *e, from, *to, allow)).collect()
        }
        Op::Reduce { op, axes } => {
            let mut folds: Vec<Fold> = (0..shape.len()).map(|_| Fold::new(*op, node.dtype, allow)).collect();
            each(&of(0).shape, |c| {
                let to: Vec<usize> =
                    c.iter().enumerate().map(|(i, &v)| if axes.contains(&i) { 0 } else { v }).collect();
                folds[index(shape, &to)].push(of(0).elements[index(&of(0).shape, c)]);
            });
            folds.iter().map(Fold::result).collect()
        }
        Op::ArgReduce { op, axis } => {
            let pick = |lane: Vec<usize>| lane.into_iter().map(|i| of(0).elements[i]).collect::<Vec<_>>();
            lanes(&of(0).shape, *axis).into_iter().map(|l| position(*op, &pick(l), of(0).dtype)).collect()
        }
        Op::Scan { op, axis } => scan(*op, *axis, of(0), allow),
        Op::Contract { .. } => contract(of(0), of(1), shape, allow),
        Op::Sort { axis, descending, indices } => {
            let mut out = vec![Element::ANY; shape.len()];
            for lane in lanes(shape, *axis) {
                let values: Vec<Element> = lane.iter().map(|&i| of(0).elements[i]).collect();
                for (&i, e) in lane.iter().zip(sorted(&values, *descending, *indices, of(0).dtype)) {
                    out[i] = e;
                }
            }
            out
        }
        Op::Host { op, output } => {
            let m: Vec<&Tensor> = operands.clone();
            host::elements(*op, *output, &m, shape, allow)
        }
        _ => moved(node, &operands, x),
    }
}

/// Operations that only move elements.
fn moved(node: &Node, operands: &[&Tensor], first: Option<&Tensor>) -> Vec<Element> {
    let shape = &node.shape;
    let Some(x) = first else { return Vec::new() };
    let at = |t: &Tensor, c: &[usize]| t.elements[index(&t.shape, c)];
    match &node.op {
        Op::Gather { axis } => gathered(shape, |c| {
            let extent = x.shape[*axis] as i128;
            let (low, high) = operands[1].elements[c[*axis]].integer_range(operands[1].dtype);
            let clamp = |i: i128| i.clamp(0, extent - 1) as usize;
            let mut from = c.to_vec();
            let pick = |i: usize| {
                from[*axis] = i;
                at(x, &from)
            };
            (clamp(low)..=clamp(high)).map(pick).reduce(Element::or).unwrap_or(Element::ANY)
        }),
        Op::Scatter { axis } => {
            let mut out = x.elements.clone();
            let (places, update) = (operands[1], operands[2]);
            each(&update.shape, |c| {
                let (low, high) = places.elements[c[*axis]].integer_range(places.dtype);
                let extent = x.shape[*axis] as i128;
                let mut to = c.to_vec();
                for i in low.max(0)..=high.min(extent - 1) {
                    to[*axis] = i as usize;
                    let target = &mut out[index(shape, &to)];
                    *target = if low == high { at(update, c) } else { target.or(at(update, c)) };
                }
            });
            out
        }
        Op::SliceUpdate { start, step } => {
            let mut out = x.elements.clone();
            each(&operands[1].shape, |c| {
                let to: Vec<usize> = c.iter().enumerate().map(|(i, &v)| start[i] + step[i] * v).collect();
                out[index(shape, &to)] = at(operands[1], c);
            });
            out
        }
        Op::Concat { axis } => gathered(shape, |c| {
            let mut from = c.to_vec();
            for t in operands {
                if from[*axis] < t.shape[*axis] {
                    return at(t, &from);
                }
                from[*axis] -= t.shape[*axis];
            }
            Element::ANY
        }),
        Op::Pad { before, .. } => gathered(shape, |c| {
            let inside = |i: usize| c[i] >= before[i] && c[i] - before[i] < x.shape[i];
            if (0..c.len()).all(inside) {
                let from: Vec<usize> = c.iter().zip(before).map(|(&v, &b)| v - b).collect();
                return at(x, &from);
            }
            operands[1].elements[0]
        }),
        _ => vec![Element::ANY; shape.len()],
    }
}

fn gathered(shape: &Shape, mut f: impl FnMut(&[usize]) -> Element) -> Vec<Element> {
    let mut out = Vec::with_capacity(shape.len());
    each(shape, |c| out.push(f(c)));
    out
}

fn scan(op: ScanOp, axis: usize, x: &Tensor, allow: Allowance) -> Vec<Element> {
    let fold = match op {
        ScanOp::Sum => ReduceOp::Sum,
        ScanOp::Prod => ReduceOp::Prod,
        ScanOp::Max => ReduceOp::Max,
        ScanOp::Min => ReduceOp::Min,
    };
    let mut out = vec![Element::ANY; x.elements.len()];
    for lane in lanes(&x.shape, axis) {
        let mut running = Fold::new(fold, x.dtype, allow);
        for i in lane {
            running.push(x.elements[i]);
            out[i] = running.result();
        }
    }
    out
}

fn contract(a: &Tensor, b: &Tensor, shape: &Shape, allow: Allowance) -> Vec<Element> {
    let rank = shape.rank();
    let k = a.shape[a.shape.rank() - 1];
    let batch = |t: &Tensor, c: &[usize], row: usize, column: usize| {
        let mut at = c.to_vec();
        at[rank - 2] = row;
        at[rank - 1] = column;
        t.broadcast_matrix(&at)
    };
    gathered(shape, |c| {
        let mut fold = Fold::new(ReduceOp::Sum, a.dtype, allow);
        for p in 0..k {
            let (x, y) = (batch(a, c, c[rank - 2], p), batch(b, c, p, c[rank - 1]));
            if a.dtype.is_float() {
                fold.push_product(x, y);
            } else {
                fold.push(discrete::binary(crate::graph::BinaryOp::Mul, x, y, a.dtype));
            }
        }
        fold.result()
    })
}
