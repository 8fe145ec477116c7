//! Which results have the same bits on every device in Strict mode, and which of their elements a device that flushes subnormals
//! may give otherwise.
//!
//! A graph comes in, with the values of its nodes on the CPU for the second question. The table is that of docs/numerics.md.

use super::element::Element;
use super::moved::moved;
use super::tensor::{Tensor, each, gathered, index, lanes};
use crate::graph::{BinaryOp, Case, Graph, Node, NodeId, Op, ReduceOp, RngDist, ScanOp, UnaryOp};
use crate::types::{DType, HostBuffer};

/// Whether an operation gives the same bits on every device when its operands have the same bits: it moves, compares or chooses,
/// is exact, or rounds once and correctly.
fn keeps_bits(op: &Op, dtype: DType) -> bool {
    use BinaryOp as B;
    use UnaryOp as U;
    let float = dtype.is_float();
    match op {
        Op::Leaf(_) | Op::Slot(_) | Op::Literal(_) | Op::Iota { .. } => true,
        Op::View(_) | Op::Gather { .. } | Op::Scatter { .. } | Op::SliceUpdate { .. } => true,
        Op::Concat { .. } | Op::Pad { .. } | Op::Sort { .. } | Op::Select | Op::Cast { .. } => true,
        Op::Rng { dist, .. } => matches!(dist, RngDist::Bits | RngDist::Uniform),
        Op::Unary(op) => {
            let exact =
                matches!(op, U::Neg | U::Abs | U::Sign | U::Floor | U::Ceil | U::Round | U::RoundAway | U::Trunc);
            let rounded_once = matches!(op, U::Sqrt | U::Recip | U::Square | U::Powi(_));
            let tests = matches!(op, U::Not | U::IsNan | U::IsInf | U::IsFinite);
            !float || exact || rounded_once || tests
        }
        Op::Binary(op) => {
            let rounded_once = matches!(op, B::Add | B::Sub | B::Mul | B::Div);
            let extrema = matches!(op, B::Maximum | B::Minimum | B::Fmax | B::Fmin);
            !float || rounded_once || extrema || op.is_compare()
        }
        Op::Reduce { op, .. } => !float || !matches!(op, ReduceOp::Sum | ReduceOp::Prod),
        Op::Scan { op, .. } => !float || !matches!(op, ScanOp::Sum | ScanOp::Prod),
        Op::ArgReduce { .. } => true,
        Op::Contract { .. } => !float,
        Op::Host { .. } => false,
    }
}

/// Of every node, whether its result has the same bits on every device: its operation keeps bits, and so do all that it depends on.
#[must_use]
pub fn promised(graph: &Graph) -> Vec<bool> {
    let mut all: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let dtype = node.operands.first().map_or(node.dtype, |o| graph.node(*o).dtype);
        let kept = keeps_bits(&node.op, dtype) && node.operands.iter().all(|o| all[o.index()]);
        all.push(kept);
    }
    all
}

/// Whether a node computes something: not data, not a scalar, and not a view.
#[must_use]
pub fn computes(node: &Node) -> bool {
    !node.operands.is_empty() && !matches!(node.op, Op::View(_))
}

/// At most so many results of a case are compared in bits.
const MOST_ROOTS: usize = 4;

/// The part of a case that has the same bits on every device, with the last results that have as roots. `None` where nothing is
/// computed in it.
#[must_use]
pub fn promised_part(case: &Case) -> Option<Case> {
    let graph = &case.graph;
    let promised = promised(graph);
    let mut read = vec![false; graph.nodes.len()];
    for (node, _) in graph.nodes.iter().zip(&promised).filter(|(_, promised)| **promised) {
        node.operands.iter().for_each(|o| read[o.index()] = true);
    }
    let last = |id: &NodeId| promised[id.index()] && !read[id.index()] && computes(graph.node(*id));
    let roots: Vec<NodeId> = graph.ids().rev().filter(last).take(MOST_ROOTS).collect();
    (!roots.is_empty()).then(|| case.with_roots(&roots))
}

/// Of every node, the elements that are a subnormal number or computed from one, as truth values; `values` are the nodes' results
/// and `flushed` says of which dtypes a device flushes subnormals.
#[must_use]
pub fn touched(
    graph: &Graph,
    values: &[impl std::borrow::Borrow<HostBuffer>],
    flushed: impl Fn(DType) -> bool,
) -> Vec<Tensor> {
    let mut all: Vec<Tensor> = Vec::with_capacity(graph.nodes.len());
    for (node, value) in graph.nodes.iter().zip(values) {
        let operands: Vec<&Tensor> = node.operands.iter().map(|o| &all[o.index()]).collect();
        let mut elements = from_operands(node, &operands);
        if node.dtype.is_float() && flushed(node.dtype) {
            let value: &HostBuffer = value.borrow();
            for (i, e) in elements.iter_mut().enumerate() {
                let v = value.get(i).to_f64().abs();
                if v > 0.0 && v < node.dtype.smallest_normal() {
                    *e = Element::integer(1);
                }
            }
        }
        all.push(Tensor { shape: node.shape.clone(), dtype: DType::Bool, elements });
    }
    all
}

/// The elements of a node that are computed from a touched one.
fn from_operands(node: &Node, operands: &[&Tensor]) -> Vec<Element> {
    let shape = &node.shape;
    let is = |e: Element| e.high() > 0.0;
    let truth = |touched: bool| Element::integer(i128::from(touched));
    let Some(x) = operands.first() else { return vec![Element::integer(0); shape.len()] };
    match &node.op {
        Op::View(view) => gathered(shape, |c| x.elements[view.index(c) as usize]),
        Op::SliceUpdate { .. } | Op::Concat { .. } | Op::Pad { .. } => moved(node, operands),
        op if op.is_elementwise() => gathered(shape, |c| truth(operands.iter().any(|t| is(t.broadcast_at(c))))),
        Op::Reduce { axes, .. } => {
            let mut out = vec![Element::integer(0); shape.len()];
            each(&x.shape, |c| {
                let to: Vec<usize> =
                    c.iter().enumerate().map(|(i, &v)| if axes.contains(&i) { 0 } else { v }).collect();
                if is(x.elements[index(&x.shape, c)]) {
                    out[index(shape, &to)] = Element::integer(1);
                }
            });
            out
        }
        Op::Scan { axis, .. } | Op::Sort { axis, .. } => {
            let mut out = x.elements.clone();
            for lane in lanes(shape, *axis) {
                if lane.iter().any(|&i| is(x.elements[i])) {
                    lane.iter().for_each(|&i| out[i] = Element::integer(1));
                }
            }
            out
        }
        // Positions and products may move any of them anywhere.
        _ => vec![truth(operands.iter().any(|t| t.elements.iter().any(|e| is(*e)))); shape.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::LeafInfo;
    use crate::types::Shape;

    fn graph() -> (Graph, NodeId, NodeId) {
        let shape = Shape::new(&[3]);
        let leaf = LeafInfo { shape, dtype: DType::F32 };
        let mut graph = Graph { leaves: vec![leaf.clone(), leaf], ..Graph::default() };
        let (x, y) = (graph.add(Op::Leaf(0), &[]).unwrap(), graph.add(Op::Leaf(1), &[]).unwrap());
        (graph, x, y)
    }

    #[test]
    fn what_rounds_once_or_not_at_all_promises_bits_and_what_it_depends_on_must_too() {
        let (mut graph, x, y) = graph();
        let mut add = |op: Op, operands: &[NodeId]| graph.add(op, operands).unwrap();
        let reduce = |op| Op::Reduce { op, axes: [0].into_iter().collect() };
        let quotient = add(Op::Binary(BinaryOp::Div), &[x, y]);
        let exp = add(Op::Unary(UnaryOp::Exp), &[x]);
        let test = add(Op::Binary(BinaryOp::Gt), &[exp, x]);
        let (sum, most) = (add(reduce(ReduceOp::Sum), &[quotient]), add(reduce(ReduceOp::Max), &[quotient]));
        let integers = add(Op::Cast { to: DType::I32, mode: crate::graph::CastMode::Wrap }, &[quotient]);
        let whole = add(reduce(ReduceOp::Sum), &[integers]);
        graph.roots = vec![sum, test, whole, most];
        let promised = promised(&graph);
        let of = |ids: &[NodeId]| ids.iter().map(|id| promised[id.index()]).collect::<Vec<_>>();
        assert_eq!(of(&[quotient, most, integers, whole]), [true; 4]);
        assert_eq!(of(&[exp, test, sum]), [false; 3]);
        let case = Case { leaves: vec![HostBuffer::zeros(DType::F32, 3).unwrap(); 2], graph, slots: Vec::new() };
        let part = promised_part(&case).unwrap();
        assert_eq!(part.graph.roots.len(), 2, "{:?}", part.graph);
        assert!(super::promised(&part.graph).iter().all(|p| *p));
    }

    #[test]
    fn a_subnormal_touches_what_is_computed_from_it_and_nothing_else() {
        let (mut graph, x, y) = graph();
        let sum = graph.add(Op::Binary(BinaryOp::Add), &[x, y]).unwrap();
        let most = graph.add(Op::Reduce { op: ReduceOp::Max, axes: [0].into_iter().collect() }, &[sum]).unwrap();
        graph.roots = vec![sum, most];
        let buffer = |data: &[f32]| {
            let mut b = HostBuffer::zeros(DType::F32, data.len()).unwrap();
            data.iter()
                .enumerate()
                .for_each(|(i, v)| b.set(i, crate::types::Scalar::from_f64(DType::F32, f64::from(*v))));
            b
        };
        let values = [buffer(&[1e-40, 1.0, 2.0]), buffer(&[1.0; 3]), buffer(&[1.0, 2.0, 3.0]), buffer(&[3.0])];
        let of = |flushes: bool, node: usize| -> Vec<bool> {
            touched(&graph, &values, |_| flushes)[node].elements.iter().map(|e| e.high() > 0.0).collect()
        };
        assert_eq!((of(true, 2), of(true, 3)), (vec![true, false, false], vec![true]));
        assert_eq!(of(false, 3), [false]);
    }
}
