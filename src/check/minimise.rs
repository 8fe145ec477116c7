//! A failing case made smaller: with fewer roots, and with computed values given as data, as long as it still fails.
//!
//! Shrinking a recipe removes steps; this file removes what the failing part of the graph only reads.

use crate::algorithms::minimal;
use crate::graph::{Case, NodeId};
use crate::types::HostBuffer;

/// A smaller case that still `fails`. `value` computes a node by itself, so that its result can be given as data.
pub fn minimise(
    case: &Case,
    fails: impl Fn(&Case) -> bool,
    value: impl Fn(&Case, NodeId) -> Option<HostBuffer>,
) -> Case {
    // One root is enough, unless the case fails only with several of them.
    let roots =
        minimal(&case.graph.roots, usize::MAX, &mut |roots| !roots.is_empty() && fails(&case.with_roots(roots)));
    let mut best = if roots.len() < case.graph.roots.len() { case.with_roots(&roots) } else { case.clone() };
    // Results as data, the latest first: each that is accepted removes a whole branch.
    let mut refused = 0;
    while let Some(id) = best.graph.ids().rev().filter(|&id| computed(&best, id)).nth(refused) {
        let smaller = value(&best, id).map(|data| best.with_data(id, data)).filter(&fails);
        match smaller {
            Some(smaller) => best = smaller,
            None => refused += 1,
        }
    }
    best
}

fn computed(case: &Case, id: NodeId) -> bool {
    let node = case.graph.node(id);
    !node.operands.is_empty() && !case.graph.roots.contains(&id)
}
