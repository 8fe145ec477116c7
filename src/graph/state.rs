//! What a recorder's lock guards: nodes with their handles, the index that makes equal nodes one, and their release.
//!
//! In come nodes whose operands exist and were inferred; out go places in the DAG. What is stored for a node is an opaque payload,
//! handed back so that the caller drops it outside the lock.

use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::SmallVec;

use super::Op;
use super::key::{self, identity};
use super::nodes::{NodeEntry, NodeIndex, NodeIndices, NodeRef, Nodes, Notes};
use crate::error::{Error, Result};
use crate::types::{DType, Origin, Scalar, Shape};

/// Payloads to drop once the lock is released.
pub(super) type Dropped<P> = SmallVec<[Arc<P>; 2]>;

/// The DAG and its index by content.
pub(super) struct State<P> {
    pub(super) dag: Nodes<P>,
    /// Pending nodes by operation and operands; leaves and slots are never equal to another node and not in it.
    interned: HashTable<NodeIndex>,
    /// How many nodes have no value yet.
    pub(super) pending: usize,
    /// Bytes of stored values without a handle, which only pending nodes keep alive.
    pub(super) input_bytes: u64,
    /// The number of the last walk over the DAG.
    pub(super) walk: u32,
    /// Memory of walks, kept from one to the next.
    pub(super) stack: Vec<(NodeIndex, u32)>,
    pub(super) order: Vec<NodeIndex>,
    /// Memory of `collect_garbage`, empty between calls.
    candidates: Vec<NodeIndex>,
    /// Threads that wait for an evaluation to end.
    pub(super) waiting: u32,
}

impl<P> Default for State<P> {
    fn default() -> Self {
        Self {
            dag: Nodes::default(),
            interned: HashTable::new(),
            pending: 0,
            input_bytes: 0,
            walk: 0,
            stack: Vec::new(),
            order: Vec::new(),
            candidates: Vec::new(),
            waiting: 0,
        }
    }
}

impl<P> State<P> {
    pub(super) fn entry(&self, node: NodeRef) -> Result<&NodeEntry<P>> {
        self.dag.get(node).ok_or_else(|| Error::internal("a reference to a node that was removed"))
    }

    pub(super) fn reference(&self, index: NodeIndex) -> NodeRef {
        NodeRef { index, generation: self.dag[index].generation }
    }

    /// Adds a node that is equal to no other, with one handle on it.
    pub(super) fn insert(&mut self, op: Op, operands: NodeIndices, shape: Shape, dtype: DType) -> NodeRef {
        let content = key::content(&op, &shape, dtype);
        self.pending += 1;
        self.dag.add(op, operands, shape, dtype, content)
    }

    /// Adds a number that is not part of plans, with one handle on it.
    pub(super) fn insert_slot(&mut self, value: Scalar) -> NodeIndex {
        let node = self.insert(Op::Slot(0), NodeIndices::new(), Shape::scalar(), value.dtype());
        self.dag[node.index].scalar = Some(value);
        node.index
    }

    /// Adds a node with one handle on it, or one more handle to the equal node that exists.
    // Inlined into its callers, the node is built where it stays instead of being moved from one to the next.
    #[inline(always)]
    pub(super) fn intern(&mut self, op: Op, operands: NodeIndices, shape: Shape, dtype: DType) -> NodeRef {
        let content = key::content(&op, &shape, dtype);
        let hash = identity(content, &operands);
        let dag = &self.dag;
        // Shape and dtype follow from these.
        let equal = |&i: &NodeIndex| {
            let e = &dag[i];
            e.content == content && e.operands == operands && e.op == op
        };
        match self.interned.entry(hash, equal, |&i| identity(dag[i].content, &dag[i].operands)) {
            Entry::Occupied(found) => {
                let index = *found.get();
                self.retain(index);
                self.reference(index)
            }
            Entry::Vacant(place) => {
                self.pending += 1;
                let node = self.dag.add(op, operands, shape, dtype, content);
                place.insert(node.index);
                node
            }
        }
    }

    /// Adds to what is known of where a node was written.
    pub(super) fn note(&mut self, index: NodeIndex, origin: Option<&Origin>, tag: Option<&'static str>) {
        if origin.is_some() || tag.is_some() {
            Notes::add(self.dag[index].notes.get_or_insert_default(), origin, tag);
        }
    }

    /// Stores the value of a pending node; returns the operands that it no longer needs.
    pub(super) fn store(&mut self, index: NodeIndex, value: Arc<P>) -> NodeIndices {
        self.remove_interned(index);
        let operands = self.dag.set_value(index, value);
        self.pending -= 1;
        self.count_input(index);
        operands
    }

    fn remove_interned(&mut self, index: NodeIndex) {
        let e = &self.dag[index];
        if matches!(e.op, Op::Leaf(_) | Op::Slot(_)) {
            return;
        }
        if let Ok(found) = self.interned.find_entry(identity(e.content, &e.operands), |&i| i == index) {
            found.remove();
        }
    }

    /// Adds a handle.
    pub(super) fn retain(&mut self, index: NodeIndex) {
        self.dag[index].handles += 1;
        self.count_input(index);
    }

    /// Removes a handle; says whether the node is still needed. If not, the caller collects it.
    #[inline]
    pub(super) fn release(&mut self, index: NodeIndex) -> bool {
        self.dag[index].handles -= 1;
        self.count_input(index);
        self.dag.is_needed(index)
    }

    /// Removes the handle that an operation consumed, if it consumed one, and the nodes that nothing needs after that.
    pub(super) fn release_consumed(&mut self, consumed: Option<NodeRef>) -> Dropped<P> {
        match consumed {
            Some(node) if self.entry(node).is_ok() && !self.release(node.index) => self.collect_garbage(&[node.index]),
            _ => Dropped::new(),
        }
    }

    /// Removes the nodes without handle and user that are reached from `candidates`; returns what they stored. Iterative, so that
    /// the length of a chain is not limited by the stack.
    pub(super) fn collect_garbage(&mut self, candidates: &[NodeIndex]) -> Dropped<P> {
        let mut dropped = Dropped::new();
        let mut pool = std::mem::take(&mut self.candidates);
        pool.extend_from_slice(candidates);
        while let Some(index) = pool.pop() {
            if !self.dag.contains(index) || self.dag.is_needed(index) {
                continue;
            }
            if self.dag[index].value.is_none() {
                self.remove_interned(index);
                self.pending -= 1;
            }
            // A node with a handle is no input, so its bytes are subtracted.
            self.dag[index].handles = 1;
            self.count_input(index);
            let (operands, value) = self.dag.remove(index);
            pool.extend(operands.iter().filter(|&&o| !self.dag.is_needed(o)));
            if let Some(value) = value {
                dropped.push(value);
            }
        }
        self.candidates = pool;
        dropped
    }

    /// Updates `input_bytes` after a change to a node's value or handles.
    fn count_input(&mut self, index: NodeIndex) {
        let entry = &mut self.dag[index];
        let counts = entry.value.is_some() && entry.handles == 0;
        if counts != entry.counted {
            let bytes = (entry.shape.len() as u64).saturating_mul(entry.dtype.size() as u64);
            entry.counted = counts;
            self.input_bytes = if counts { self.input_bytes + bytes } else { self.input_bytes - bytes };
        }
    }
}
