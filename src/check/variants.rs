//! Variants of a case: the same graph over other data, and nearly the same graph.

use crate::graph::{Case, Node, Op};
use crate::types::{HostBuffer, Scalar};

/// The graph with its last floating constant changed: doubled, or one in place of zero. `None` where there is none.
pub(super) fn with_other_literal(case: &Case) -> Option<Case> {
    let float = |n: &Node| matches!(n.op, Op::Literal(s) if s.dtype().is_float() && s.to_f64().is_finite());
    let at = case.graph.nodes.iter().rposition(float)?;
    let mut other = case.clone();
    if let Op::Literal(s) = &mut other.graph.nodes[at].op {
        *s = Scalar::from_f64(s.dtype(), if s.to_f64() == 0.0 { 1.0 } else { 2.0 * s.to_f64() });
    }
    // A constant is recorded once: two of the same value would be a graph that no program gives.
    let changed = &other.graph.nodes[at];
    let unique = other.graph.nodes.iter().filter(|n| *n == changed).count() == 1;
    unique.then_some(other)
}

/// The same graph over other data: the elements of every leaf in reverse, the scalars of the run a quarter larger.
#[must_use]
pub fn with_other_data(case: &Case) -> Case {
    let reversed = |b: &HostBuffer| {
        let mut out = b.clone();
        (0..b.len()).for_each(|i| out.set(i, b.get(b.len() - 1 - i)));
        out
    };
    let changed = |s: &Scalar| {
        let v = s.to_f64();
        // Integer scalars are keys, extents and the like: one more is another.
        Scalar::from_f64(s.dtype(), if s.dtype().is_float() { v * 1.25 } else { v + 1.0 })
    };
    Case {
        graph: case.graph.clone(),
        leaves: case.leaves.iter().map(reversed).collect(),
        slots: case.slots.iter().map(changed).collect(),
    }
}
