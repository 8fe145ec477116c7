//! Whether two computed sides differ by more than the class of a rule allows.

use super::sizes::Sizes;
use crate::graph::{Graph, Op};
use crate::planner::Class;
use crate::types::{DType, HostBuffer, Scalar, Shape};

/// Whether everything that was computed is finite.
fn all_finite(values: &[HostBuffer]) -> bool {
    values.iter().all(|b| !b.dtype().is_float() || (0..b.len()).all(|i| b.get(i).to_f64().is_finite()))
}

fn largest(values: &[HostBuffer]) -> f64 {
    values.iter().filter(|b| b.dtype().is_float()).map(HostBuffer::largest_magnitude).fold(1.0, f64::max)
}

/// Both sides of a rule, roots 0 and 1 of a graph, and the values of its nodes.
pub(super) struct Evaluated<'a> {
    pub(super) graph: &'a Graph,
    pub(super) values: Vec<HostBuffer>,
    /// The same nodes in f64.
    pub(super) truth: Option<Vec<HostBuffer>>,
    pub(super) sizes: Option<Sizes>,
}

/// What is wrong with the right side beside the left one, if anything is.
pub(super) fn compare(class: Class, sides: &Evaluated<'_>, at_edges: bool) -> Option<String> {
    let Evaluated { graph, values, truth, .. } = sides;
    let (left, right) = (&values[graph.roots[0].index()], &values[graph.roots[1].index()]);
    let float = left.dtype().is_float();
    if class == Class::Finite && !all_finite(values) {
        return None;
    }
    if at_edges && float && class != Class::Improves {
        return sides.sizes.as_ref().and_then(|sizes| lost_at_edges(class, sides, sizes));
    }
    let largest = largest(values);
    let u = left.dtype().unit_roundoff();
    for i in 0..left.len() {
        let (a, b) = (left.get(i), right.get(i));
        let (x, y) = (a.to_f64(), b.to_f64());
        let good = match class {
            _ if !float => a == b,
            Class::Exact => b.is_same(a),
            // Zeros of both signs are equal.
            Class::Finite => b.is_within(a, 0.0),
            Class::Reassociates | Class::Rebrackets | Class::Rescales => b.is_within(a, 64.0 * u * largest),
            Class::Approximate => !x.is_finite() || !y.is_finite() || b.is_within(a, (1e4 * u).max(1e-9) * largest),
            Class::Improves => truth.as_ref().is_none_or(|t| improves(sides, t, i)),
        };
        if !good {
            return Some(differs(i, a, b));
        }
    }
    None
}

fn differs(i: usize, left: Scalar, right: Scalar) -> String {
    format!("element {i} is {left} on the left and {right} on the right")
}

/// What the right side loses to overflow or underflow that the left side keeps; of rules that give their right side a range of its
/// own, what it loses although that range holds it. A kernel that computes half of a symmetric product takes an element from
/// either half.
fn lost_at_edges(class: Class, sides: &Evaluated<'_>, sizes: &Sizes) -> Option<String> {
    let (l, r) = (sides.graph.roots[0], sides.graph.roots[1]);
    let (left, right) = (&sides.values[l.index()], &sides.values[r.index()]);
    let symmetric = sides.graph.node(r).op == Op::Contract { symmetric: true };
    let dtype = left.dtype();
    let own_range = class != Class::Reassociates;
    for i in 0..left.len() {
        let a = left.get(i);
        let Some(size) = sizes.in_range(l, i, a) else { continue };
        let allowed = 64.0 * dtype.unit_roundoff() * size + 32.0 * dtype.smallest_positive();
        let mirrored = if symmetric { mirrored(&sides.graph.node(r).shape, i) } else { i };
        for j in [i, mirrored] {
            let b = right.get(j);
            let promised = !own_range || sizes.in_range(r, j, b).is_some();
            if promised && !b.is_within(a, allowed) {
                return Some(differs(i, a, b));
            }
        }
    }
    None
}

/// The place of an element in the transpose of the last two axes, which have equal extents.
fn mirrored(shape: &Shape, i: usize) -> usize {
    let n = shape[shape.rank() - 1];
    let (matrix, row, column) = (i / (n * n), i / n % n, i % n);
    (matrix * n + column) * n + row
}

/// Whether the right side is as near to the truth as the left one, up to a few roundings. Where the truth itself overflowed
/// midway it says nothing.
fn improves(sides: &Evaluated<'_>, truth: &[HostBuffer], i: usize) -> bool {
    let Evaluated { graph, values, sizes, .. } = sides;
    let (l, r) = (graph.roots[0].index(), graph.roots[1].index());
    let of = |values: &[HostBuffer], n: usize| values[n].get(i).to_f64();
    let given_finite = graph
        .ids()
        .filter(|&n| matches!(graph.node(n).op, Op::Leaf(_) | Op::Slot(_)))
        .all(|n| all_finite(&truth[n.index()..=n.index()]));
    let (x, y, t) = (of(values, l), of(values, r), of(truth, l));
    let dtype = values[l].dtype();
    if dtype == DType::F64 {
        // Nothing wider is at hand: both must agree where neither overflowed.
        return !all_finite(values) || (x - y).abs() <= 1e-9 * x.abs().max(1.0);
    }
    if given_finite && !all_finite(truth) {
        return true;
    }
    if !t.is_finite() {
        return t.is_nan() == y.is_nan() && (t.is_nan() || t == y || !y.is_finite());
    }
    let u = dtype.unit_roundoff();
    // Sums are judged beside their terms, single elements by themselves.
    let sums = graph.nodes.iter().any(|n| matches!(n.op, Op::Reduce { .. }));
    let scale = match sizes {
        Some(sizes) => sizes.real(graph.roots[0], i),
        None if sums => t.abs().max(1.0),
        None => t.abs(),
    };
    // The truth comes from f64, which cancels too, only later: where its two sides differ by no more than its own rounding it
    // says nothing, and where they differ by more the rule is wrong.
    let other = of(truth, r);
    if (t - other).abs() > 1e-7 * scale {
        return (t - other).abs() <= 1e-12 * self::largest(truth);
    }
    if t.abs() > dtype.largest_finite() {
        return y.is_infinite() || (y - t).abs() <= 8.0 * u * scale;
    }
    let before = if x.is_finite() { (x - t).abs() } else { f64::INFINITY };
    // Below the normal numbers a rounding is a step of the least one. What was no number may be one or not.
    (!x.is_finite() && !y.is_finite())
        || y.is_finite() && (y - t).abs() <= before + 8.0 * u * scale + dtype.smallest_positive()
}
