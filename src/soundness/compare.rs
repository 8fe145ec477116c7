//! Whether two computed sides differ by more than the class of a rule allows.

use crate::graph::{Graph, Op};
use crate::planner::Class;
use crate::types::{DType, HostBuffer};

/// Whether everything that was computed is finite.
fn all_finite(values: &[HostBuffer]) -> bool {
    values.iter().all(|b| !b.dtype().is_float() || (0..b.len()).all(|i| b.get(i).to_f64().is_finite()))
}

fn largest(values: &[HostBuffer]) -> f64 {
    values.iter().filter(|b| b.dtype().is_float()).map(HostBuffer::largest_magnitude).fold(1.0, f64::max)
}

/// What is wrong with the first root beside the second, if anything is. `truth` are the same nodes in f64.
#[must_use]
pub fn compare(class: Class, graph: &Graph, values: &[HostBuffer], truth: Option<&Vec<HostBuffer>>) -> Option<String> {
    let (left, right) = (&values[graph.roots[0].index()], &values[graph.roots[1].index()]);
    let float = left.dtype().is_float();
    if class == Class::Finite && !all_finite(values) {
        return None;
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
            Class::Reassociates | Class::Rescales => b.is_within(a, 64.0 * u * largest),
            Class::Approximate => !x.is_finite() || !y.is_finite() || b.is_within(a, (1e4 * u).max(1e-9) * largest),
            Class::Improves => truth.is_none_or(|t| improves(graph, values, t, i)),
        };
        if !good {
            return Some(format!("element {i} is {a} on the left and {b} on the right"));
        }
    }
    None
}

/// Whether the right side is as near to the truth as the left one, up to a few roundings. Where the truth itself overflowed
/// midway it says nothing.
fn improves(graph: &Graph, values: &[HostBuffer], truth: &[HostBuffer], i: usize) -> bool {
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
    let scale = if sums { t.abs().max(1.0) } else { t.abs() };
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
    // Below the normal numbers a rounding is a step of the least one.
    y.is_finite() && (y - t).abs() <= before + 8.0 * u * scale + dtype.smallest_positive()
}
