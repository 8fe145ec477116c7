//! The hash behind hash-consing and plan keys.
//!
//! It covers operations, attributes, shapes, dtypes, views, bits of literals, numbers of operands and the order of roots, but neither
//! values of slots nor contents of leaves, which belong to a run. Whatever is found by hash is compared in full, so a collision
//! only costs time.

use std::hash::{Hash, Hasher};

use petgraph::stable_graph::NodeIndex;

use super::{Graph, Op};
use crate::algorithms::FixedHasher;
use crate::types::{DType, Shape};

/// The hash of a node without its operands: operation, shape and dtype. The numbers of leaves and slots are left out, since a node
/// has none before it is part of a snapshot.
pub(super) fn content(op: &Op, shape: &Shape, dtype: DType) -> u64 {
    let mut hasher = FixedHasher::new();
    match op {
        // The most common ones by hand: they have no attributes.
        Op::Leaf(_) => hasher.mix(1),
        Op::Slot(_) => hasher.mix(2),
        Op::Binary(op) => hasher.mix(0x100 | *op as u64),
        Op::Select => hasher.mix(3),
        Op::Unary(op) => {
            hasher.mix(4);
            op.hash(&mut hasher);
        }
        // A view is hashed in full: two views of one shape may differ.
        op => op.hash(&mut hasher),
    }
    hasher.mix(dtype as u64 | (shape.rank() as u64) << 8);
    for &d in shape.iter() {
        hasher.mix(d as u64);
    }
    hasher.finish()
}

/// The hash by which equal nodes are found: of content and operands.
#[inline(always)]
pub(super) fn identity(content: u64, operands: &[NodeIndex<u32>]) -> u64 {
    let mut hasher = FixedHasher::new();
    hasher.mix(content);
    for o in operands {
        hasher.mix(o.index() as u64);
    }
    hasher.finish()
}

/// The hash of a snapshot, mixed node by node in its order.
#[derive(Clone, Copy)]
pub(super) struct GraphHasher(FixedHasher);

impl GraphHasher {
    pub(super) const fn new() -> Self {
        Self(FixedHasher::new())
    }

    /// One more node: its content and the numbers of its operands. A leaf or slot gives its own number as if it were one.
    #[inline(always)]
    pub(super) fn node(&mut self, content: u64, operands: impl Iterator<Item = u32>) {
        self.0.mix(content);
        for o in operands {
            self.0.mix(u64::from(o));
        }
    }

    /// The roots end it.
    pub(super) fn finish(mut self, roots: impl Iterator<Item = u32>) -> u64 {
        self.0.mix(u64::MAX);
        for r in roots {
            self.0.mix(u64::from(r));
        }
        self.0.finish()
    }
}

impl Graph {
    /// The hash of nodes and roots, stable between runs of the same build: the one a recorder finds for an equal cone.
    #[must_use]
    pub fn hash_value(&self) -> u64 {
        let mut hasher = GraphHasher::new();
        for node in &self.nodes {
            let content = content(&node.op, &node.shape, node.dtype);
            match node.op {
                Op::Leaf(i) | Op::Slot(i) => hasher.node(content, std::iter::once(i)),
                _ => hasher.node(content, node.operands.iter().map(|o| o.0)),
            }
        }
        hasher.finish(self.roots.iter().map(|r| r.0))
    }
}
