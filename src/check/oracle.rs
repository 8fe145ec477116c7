//! The oracle: a graph in, for every node the set of results that a correct run may have.
//!
//! Values are carried in double-double with error bounds by [`Allowance`]; see `element` for what a set is. The oracle shares
//! no code with the executors and the reference: it knows what operations mean, not how the project computes them. A node that
//! it cannot bound accepts anything.

use super::allowance::{Allowance, ROUNDED};
use super::arith;
use super::discrete;
use super::element::Element;
use super::folds::{Fold, position, sorted};
use super::functions;
use super::host;
use super::moved::moved;
use super::philox;
use super::tensor::{Tensor, each, gathered, index, lanes};
use crate::error::{Error, Result};
use crate::graph::{Case, Graph, Node, Op, ReduceOp, ScanOp};
use crate::types::{DType, HostBuffer, Scalar, Shape};

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
    if let Op::View(view) = &node.op {
        return gathered(&node.shape, |c| operands[0].elements[view.index(c) as usize]);
    }
    // Only a root may have either sign; an operation on it takes the hull of both.
    let settled: Vec<Tensor>;
    let operands: Vec<&Tensor> = if operands.iter().any(|t| t.elements.iter().any(|e| e.either_sign)) {
        let one = |t: &&Tensor| Tensor { elements: t.elements.iter().map(|e| e.one_sign()).collect(), ..(*t).clone() };
        settled = operands.iter().map(one).collect();
        settled.iter().collect()
    } else {
        operands.to_vec()
    };
    let (shape, x) = (&node.shape, operands.first().copied());
    match (&node.op, x) {
        (Op::Literal(s), _) => vec![Element::from_scalar(*s)],
        (Op::Iota { axis, dtype, .. }, _) => gathered(shape, |c| {
            let e = Element::integer(c[*axis] as i128);
            if dtype.is_float() { allow.round(e, *dtype, ROUNDED) } else { e }
        }),
        (Op::Rng { dist, dtype, .. }, Some(key)) => {
            philox::elements(*dist, shape.len(), key.elements[0], operands[1].elements[0], *dtype, allow)
        }
        (Op::Reduce { op, axes }, Some(x)) => reduce(*op, axes, x, shape, allow),
        (Op::ArgReduce { op, axis }, Some(x)) => {
            let pick = |lane: Vec<usize>| lane.into_iter().map(|i| x.elements[i]).collect::<Vec<_>>();
            lanes(&x.shape, *axis).into_iter().map(|l| position(*op, &pick(l), x.dtype)).collect()
        }
        (Op::Scan { op, axis }, Some(x)) => scan(*op, *axis, x, allow),
        (Op::Contract { symmetric }, Some(x)) => {
            let all = contract(x, operands[1], shape, allow);
            if *symmetric { mirrored(&all, shape) } else { all }
        }
        (Op::Sort { axis, descending, indices }, Some(x)) => {
            let mut out = vec![Element::ANY; shape.len()];
            for lane in lanes(shape, *axis) {
                let values: Vec<Element> = lane.iter().map(|&i| x.elements[i]).collect();
                for (&i, e) in lane.iter().zip(sorted(&values, *descending, *indices, x.dtype)) {
                    out[i] = e;
                }
            }
            out
        }
        (Op::Host { op, output }, _) => host::elements(*op, *output, &operands, shape, allow),
        (op, Some(_)) if op.is_elementwise() => elementwise(node, &operands, allow),
        (_, Some(_)) => moved(node, &operands),
        (_, None) => Vec::new(),
    }
}

fn elementwise(node: &Node, operands: &[&Tensor], allow: Allowance) -> Vec<Element> {
    let (shape, x) = (&node.shape, operands[0]);
    let dtype = x.dtype;
    match &node.op {
        Op::Unary(op) => {
            let f = |e: &Element| match dtype.is_float() {
                true => functions::unary(*op, *e, dtype, allow),
                false => discrete::unary(*op, *e, dtype),
            };
            x.elements.iter().map(f).collect()
        }
        Op::Binary(op) => gathered(shape, |c| {
            let (a, b) = (x.broadcast_at(c), operands[1].broadcast_at(c));
            match dtype.is_float() {
                true => arith::binary(*op, a, b, dtype, allow),
                false => discrete::binary(*op, a, b, dtype),
            }
        }),
        Op::Select => gathered(shape, |c| {
            let (a, b) = (operands[1].broadcast_at(c), operands[2].broadcast_at(c));
            match x.broadcast_at(c).integer_range(DType::Bool) {
                (1, _) => a,
                (_, 0) => b,
                _ => a.or(b),
            }
        }),
        Op::Cast { to, mode } => x.elements.iter().map(|e| functions::cast(*mode, *e, dtype, *to, allow)).collect(),
        _ => vec![Element::ANY; shape.len()],
    }
}

fn reduce(op: ReduceOp, axes: &[usize], x: &Tensor, shape: &Shape, allow: Allowance) -> Vec<Element> {
    let mut folds: Vec<Fold> = (0..shape.len()).map(|_| Fold::new(op, x.dtype, allow)).collect();
    each(&x.shape, |c| {
        let to: Vec<usize> = c.iter().enumerate().map(|(i, &v)| if axes.contains(&i) { 0 } else { v }).collect();
        folds[index(shape, &to)].push(x.elements[index(&x.shape, c)]);
    });
    folds.iter().map(Fold::result).collect()
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

/// A product that is promised to be symmetric may compute either of two opposite elements for both.
fn mirrored(all: &[Element], shape: &Shape) -> Vec<Element> {
    let rank = shape.rank();
    gathered(shape, |c| {
        let mut opposite = c.to_vec();
        opposite.swap(rank - 1, rank - 2);
        all[index(shape, c)].or(all[index(shape, &opposite)])
    })
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
