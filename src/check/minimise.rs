//! A failing case made small: single roots, and computed values given as data, as long as it still fails.
//!
//! Shrinking a recipe removes steps; this removes what the failing part of the graph only reads.

use super::strategies::Case;
use crate::graph::{Graph, LeafInfo, NodeId, Op};
use crate::types::HostBuffer;

impl Case {
    /// The same case with a node's result given as data; also where its operands are needed elsewhere.
    #[must_use]
    pub fn with_data(&self, id: NodeId, data: HostBuffer) -> Self {
        let mut graph: Graph = self.graph.clone();
        let mut leaves = self.leaves.clone();
        let node = &mut graph.nodes[id.index()];
        graph.leaves.push(LeafInfo { shape: node.shape.clone(), dtype: node.dtype });
        node.op = Op::Leaf(leaves.len() as u32);
        node.operands.clear();
        leaves.push(data);
        let roots = graph.roots.clone();
        Self { graph, leaves, slots: self.slots.clone() }.with_roots(&roots)
    }
}

/// A smaller case that still `fails`. `value` computes a node by itself, so that its result can be given as data.
pub fn minimise(
    case: &Case,
    fails: impl Fn(&Case) -> bool,
    value: impl Fn(&Case, NodeId) -> Option<HostBuffer>,
) -> Case {
    let mut best = case.clone();
    // One root is enough, unless several together are the matter.
    loop {
        let roots = best.graph.roots.clone();
        let fewer = (0..roots.len()).filter(|_| roots.len() > 1).find_map(|i| {
            let mut some = roots.clone();
            some.remove(i);
            Some(best.with_roots(&some)).filter(&fails)
        });
        match fewer {
            Some(smaller) => best = smaller,
            None => break,
        }
    }
    // Results as data, the latest first: each that works cuts a whole branch.
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
