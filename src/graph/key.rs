//! The plan key: what two graphs must share to run by the same plan.
//!
//! One walk over the snapshot, whose nodes are already numbered in first-visit order, writes ops, attributes, shapes, dtypes,
//! views, literal bits and root order into words. Slots and leaf contents are left out: they belong to a run.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Graph;

/// The identity of a plan. Hashed in 64 bits and compared in full on a hit.
#[derive(Clone, Debug)]
pub struct PlanKey {
    hash: u64,
    graph: Arc<Graph>,
    context: u64,
}

impl PlanKey {
    /// The key of `graph` under `context`: a hash of numerics mode, rules, device and cost-table versions.
    #[must_use]
    pub fn new(graph: Arc<Graph>, context: u64) -> Self {
        // Fixed seeds: the same graph has the same key in every run, so dumps can name it.
        let mut hasher = FixedHasher(context ^ 0x9e37_79b9_7f4a_7c15);
        graph.nodes.hash(&mut hasher);
        graph.roots.hash(&mut hasher);
        graph.leaves.hash(&mut hasher);
        graph.slots.hash(&mut hasher);
        Self { hash: hasher.finish(), graph, context }
    }

    /// The hash, stable between runs of the same build.
    #[must_use]
    pub fn hash_value(&self) -> u64 {
        self.hash
    }

    /// Bytes this key holds on to, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.graph.nodes.len() * std::mem::size_of::<super::Node>()
    }
}

impl PartialEq for PlanKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.context == other.context
            && (Arc::ptr_eq(&self.graph, &other.graph)
                || (self.graph.nodes == other.graph.nodes
                    && self.graph.roots == other.graph.roots
                    && self.graph.leaves == other.graph.leaves
                    && self.graph.slots == other.graph.slots))
    }
}

impl Eq for PlanKey {}

impl Hash for PlanKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A word-at-a-time multiply-rotate hash with a fixed seed.
struct FixedHasher(u64);

impl FixedHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(29);
    }
}

impl Hasher for FixedHasher {
    fn finish(&self) -> u64 {
        let x = self.0 ^ (self.0 >> 32);
        x.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ (x >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word) ^ ((chunk.len() as u64) << 56));
        }
    }

    fn write_u32(&mut self, v: u32) {
        self.mix(u64::from(v));
    }

    fn write_u64(&mut self, v: u64) {
        self.mix(v);
    }

    fn write_usize(&mut self, v: usize) {
        self.mix(v as u64);
    }
}
