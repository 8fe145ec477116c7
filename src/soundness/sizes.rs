//! How large the terms are that add up to an element: a graph with every number and every difference replaced by magnitudes.
//!
//! An element of which the terms add up to a finite number overflows in no order of them. One of which no part is subnormal
//! lost nothing to underflow. Known for graphs of sums, products and moves; others have no such size.

use super::data::{CaseData, wider};
use crate::cpu::reference::eval;
use crate::graph::{BinaryOp, Graph, NodeId, Op, ReduceOp, UnaryOp};
use crate::types::{DType, HostBuffer, Scalar};

/// The sizes of all nodes of a graph.
pub(super) struct Sizes {
    /// Computed in the dtypes of the graph; NaN where something vanished on the way.
    narrow: Vec<HostBuffer>,
    /// Computed in f64.
    wide: Vec<HostBuffer>,
    /// Whether anything is summed.
    sums: bool,
}

impl Sizes {
    /// The sizes for these data; `None` for a graph of which they are not known. Of f64 they are not known, since nothing is wider.
    pub(super) fn of(graph: &Graph, data: &CaseData) -> Option<Self> {
        let magnitudes = magnitudes(graph)?;
        let mut data = data.clone();
        for b in &mut data.leaves {
            (0..b.len()).for_each(|i| b.set(i, magnitude(b.get(i))));
        }
        data.slots.iter_mut().for_each(|s| *s = magnitude(*s));
        let wide = wider(&magnitudes, &data)?;
        let mut narrow: Vec<HostBuffer> = Vec::with_capacity(wide.len());
        for (node, wide) in magnitudes.nodes.iter().zip(&wide) {
            let operands: Vec<_> =
                node.operands.iter().map(|&o| (&narrow[o.index()], &magnitudes.node(o).shape)).collect();
            let mut value = match node.op {
                Op::Leaf(i) => data.leaves.get(i as usize)?.clone(),
                Op::Slot(i) => HostBuffer::from_scalar(*data.slots.get(i as usize)?).ok()?,
                _ => eval(node, &operands).ok()?,
            };
            mark_vanished(&mut value, wide);
            narrow.push(value);
        }
        Some(Self { narrow, wide, sums: sums(graph) })
    }

    /// The size of an element as it is over the reals.
    pub(super) fn real(&self, node: NodeId, i: usize) -> f64 {
        self.wide[node.index()].get(i).to_f64()
    }

    /// The size of an element that neither overflows nor vanishes on the way; `value` is what it came out as. Sums have no order
    /// of their own, so their terms have to add up in any. Elementwise work is in the order in which it was written.
    pub(super) fn in_range(&self, node: NodeId, i: usize, value: Scalar) -> Option<f64> {
        let given = self.narrow[node.index()].get(i).to_f64();
        let as_written = !self.sums && given.is_infinite() && value.to_f64().is_finite();
        (given.is_finite() || as_written).then_some(self.real(node, i))
    }
}

/// Puts NaN in place of what has no normal number, or none at all, for what it is over the reals: all that depends on it becomes NaN.
fn mark_vanished(value: &mut HostBuffer, wide: &HostBuffer) {
    let dtype = value.dtype();
    if dtype.is_float() {
        let vanished = |i: &usize| value.get(*i).to_f64() < dtype.smallest_normal() && wide.get(*i).to_f64() != 0.0;
        let all: Vec<usize> = (0..value.len()).filter(vanished).collect();
        all.into_iter().for_each(|i| value.set(i, Scalar::from_f64(dtype, f64::NAN)));
    }
}

fn sums(graph: &Graph) -> bool {
    graph.nodes.iter().any(|n| matches!(n.op, Op::Reduce { op: ReduceOp::Sum, .. } | Op::Contract { .. }))
}

fn magnitude(s: Scalar) -> Scalar {
    if s.dtype().is_float() { Scalar::from_f64(s.dtype(), s.to_f64().abs()) } else { s }
}

/// The graph over magnitudes; `None` where that says nothing about terms.
fn magnitudes(graph: &Graph) -> Option<Graph> {
    let mut out = graph.clone();
    for node in &mut out.nodes {
        if node.dtype == DType::F64 {
            return None;
        }
        match &mut node.op {
            Op::Literal(s) => *s = magnitude(*s),
            Op::Unary(op @ UnaryOp::Neg) => *op = UnaryOp::Abs,
            Op::Binary(op @ (BinaryOp::Add | BinaryOp::Sub)) => *op = BinaryOp::Add,
            // A divisor that is a sum may be smaller than its terms.
            Op::Binary(BinaryOp::Div) if is_one_term(graph, node.operands[1]) => {}
            Op::Leaf(_)
            | Op::Slot(_)
            | Op::View(_)
            | Op::Contract { .. }
            | Op::Unary(UnaryOp::Abs | UnaryOp::Square)
            | Op::Binary(BinaryOp::Mul)
            | Op::Reduce { op: ReduceOp::Sum | ReduceOp::Prod, .. } => {}
            _ => return None,
        }
    }
    Some(out)
}

/// Whether a node is made of numbers that are given, by products and quotients alone.
fn is_one_term(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let keeps = matches!(node.op, Op::Unary(UnaryOp::Neg) | Op::Binary(BinaryOp::Mul | BinaryOp::Div) | Op::View(_));
    node.operands.is_empty() || keeps && node.operands.iter().all(|&o| is_one_term(graph, o))
}
