//! The DAG behind a recorder's lock: nodes with their handles, the index that makes equal nodes one, and their release.
//!
//! In come nodes whose operands exist and were inferred; out go places in the DAG. What is stored for a node is an opaque payload,
//! given back to be dropped outside the lock.

use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;
use petgraph::stable_graph::NodeIndex;
use smallvec::SmallVec;

use super::Op;
use super::demand::Demand;
use super::key::{self, identity};
use super::nodes::{Entry, MAX_ORIGINS, Nodes, Places};
use super::recorder::{NodeRef, Recorded};
use crate::error::{Error, Result};
use crate::types::{DType, Origin, Scalar, Shape};

/// The DAG and its index by content.
pub(super) struct State<P> {
    pub(super) dag: Nodes<P>,
    consed: HashTable<NodeIndex<u32>>,
    pub(super) pending: usize,
    /// Bytes of stored values that nobody holds any more and that only pending nodes keep.
    pub(super) input_bytes: u64,
    /// The number of the last walk over the DAG.
    pub(super) walk: u32,
    /// Memory of walks, kept from one to the next.
    pub(super) stack: Vec<(NodeIndex<u32>, u32)>,
    pub(super) order: Vec<NodeIndex<u32>>,
    /// Memory of releases, empty between them.
    loose: Vec<NodeIndex<u32>>,
    /// Threads that wait for an evaluation to end.
    pub(super) waiting: u32,
}

impl<P> Default for State<P> {
    fn default() -> Self {
        Self {
            dag: Nodes::default(),
            consed: HashTable::new(),
            pending: 0,
            input_bytes: 0,
            walk: 0,
            stack: Vec::new(),
            order: Vec::new(),
            loose: Vec::new(),
            waiting: 0,
        }
    }
}

impl<P> State<P> {
    pub(super) fn entry(&self, node: NodeRef) -> Result<&Entry<P>> {
        self.dag.get(node).ok_or_else(|| Error::internal("a reference to a node that is gone"))
    }

    pub(super) fn reference(&self, index: NodeIndex<u32>) -> NodeRef {
        NodeRef { index, generation: self.dag[index].generation }
    }

    /// A node as recording gives it out.
    pub(super) fn recorded(&self, node: NodeRef) -> Recorded {
        let entry = &self.dag[node.index];
        Recorded { node, shape: entry.shape.clone(), dtype: entry.dtype, crowded: false }
    }

    /// One more handle.
    pub(super) fn hold(&mut self, index: NodeIndex<u32>) {
        self.dag[index].handles += 1;
        self.count_input(index);
    }

    /// One handle less; what nobody needs any more is collected by the caller.
    pub(super) fn let_go(&mut self, index: NodeIndex<u32>) {
        self.dag[index].handles -= 1;
        self.count_input(index);
    }

    /// Keeps `input_bytes` true after a change to a node's value or handles.
    pub(super) fn count_input(&mut self, index: NodeIndex<u32>) {
        let entry = &mut self.dag[index];
        let counts = entry.value.is_some() && entry.handles == 0;
        if counts != entry.counted {
            let bytes = (entry.shape.len() as u64).saturating_mul(entry.dtype.size() as u64);
            entry.counted = counts;
            self.input_bytes = if counts { self.input_bytes + bytes } else { self.input_bytes - bytes };
        }
    }

    /// Adds a node that merges with nothing, with one handle on it.
    pub(super) fn insert(&mut self, op: Op, operands: Places, shape: Shape, dtype: DType) -> NodeRef {
        let content = key::content(&op, &shape, dtype);
        self.insert_hashed(op, operands, shape, dtype, content)
    }

    /// Adds a number that is not part of plans, with one handle on it.
    pub(super) fn insert_slot(&mut self, value: Scalar) -> NodeIndex<u32> {
        let node = self.insert(Op::Slot(0), Places::new(), Shape::scalar(), value.dtype());
        self.dag[node.index].scalar = Some(value);
        node.index
    }

    // Inlined into its callers, the node is built where it stays instead of being moved from one to the next.
    #[inline(always)]
    fn insert_hashed(&mut self, op: Op, operands: Places, shape: Shape, dtype: DType, content: u64) -> NodeRef {
        self.pending += 1;
        self.dag.add(op, operands, shape, dtype, content)
    }

    /// Adds a node, or one more handle on the node that is the same already.
    #[inline(always)]
    pub(super) fn intern(&mut self, op: Op, operands: Places, shape: Shape, dtype: DType) -> NodeRef {
        let content = key::content(&op, &shape, dtype);
        let hash = identity(content, &operands);
        let dag = &self.dag;
        let same = |&i: &NodeIndex<u32>| {
            let e = &dag[i];
            e.content == content && e.dtype == dtype && e.operands == operands && e.op == op
        };
        match self.consed.entry(hash, same, |&i| identity(dag[i].content, &dag[i].operands)) {
            Place::Occupied(found) => {
                let index = *found.get();
                self.hold(index);
                self.reference(index)
            }
            Place::Vacant(place) => {
                self.pending += 1;
                let node = self.dag.add(op, operands, shape, dtype, content);
                place.insert(node.index);
                node
            }
        }
    }

    /// Adds to what is known of where a node was written.
    pub(super) fn note(&mut self, index: NodeIndex<u32>, origin: Option<&Origin>, tag: Option<&'static str>) {
        if origin.is_none() && tag.is_none() {
            return;
        }
        let notes = self.dag[index].notes.get_or_insert_default();
        let room = |o: &Origin| notes.origins.len() < MAX_ORIGINS && !notes.origins.iter().any(|other| other.is_at(o));
        let new = origin.filter(|o| room(o));
        if new.is_some() || tag.is_some() && notes.tag.is_none() {
            let notes = Arc::make_mut(notes);
            notes.origins.extend(new.cloned());
            notes.tag = notes.tag.or(tag);
        }
    }

    /// Gives a node its value; it lets go of its operands, which come back.
    pub(super) fn store(&mut self, index: NodeIndex<u32>, value: Arc<P>) -> Places {
        self.forget_consed(index);
        let operands = self.dag.settle(index, value);
        self.pending -= 1;
        self.count_input(index);
        operands
    }

    fn forget_consed(&mut self, index: NodeIndex<u32>) {
        let e = &self.dag[index];
        // These merge with nothing, and are not in the index.
        if matches!(e.op, Op::Leaf(_) | Op::Slot(_)) {
            return;
        }
        if let Ok(found) = self.consed.find_entry(identity(e.content, &e.operands), |&i| i == index) {
            found.remove();
        }
    }

    /// Ends an evaluation; gives the nodes that only it may have kept alive.
    pub(super) fn unmark(&mut self, demand: &Demand<P>, succeeded: bool) -> Places {
        for node in demand.nodes.iter().flatten() {
            if let Some(entry) = self.dag.get_mut(*node) {
                entry.busy = false;
                entry.demanded |= succeeded && entry.value.is_none();
            }
        }
        let held: Places = demand.held.iter().filter(|n| self.entry(**n).is_ok()).map(|n| n.index).collect();
        for &index in &held {
            self.let_go(index);
        }
        held
    }

    /// One handle less on a node that others may still need; `false` when nobody does, and it must be collected.
    #[inline]
    pub(super) fn let_go_lightly(&mut self, index: NodeIndex<u32>) -> bool {
        self.let_go(index);
        self.dag.is_needed(index)
    }

    /// One handle less on a node that was given away, if one was; gives what went with it.
    pub(super) fn give_up(&mut self, given: Option<NodeRef>) -> SmallVec<[Arc<P>; 2]> {
        match given {
            Some(node) if self.entry(node).is_ok() && !self.let_go_lightly(node.index) => {
                self.collect_garbage(&[node.index])
            }
            _ => SmallVec::new(),
        }
    }

    /// Removes nodes without handle and user, starting from `candidates`, and returns what they stored.
    pub(super) fn collect_garbage(&mut self, candidates: &[NodeIndex<u32>]) -> SmallVec<[Arc<P>; 2]> {
        let mut dropped = SmallVec::new();
        let mut loose = std::mem::take(&mut self.loose);
        loose.extend_from_slice(candidates);
        while let Some(index) = loose.pop() {
            if !self.dag.contains(index) || self.dag.is_needed(index) {
                continue;
            }
            if self.dag[index].value.is_none() {
                self.forget_consed(index);
                self.pending -= 1;
            }
            self.dag[index].handles = 1;
            self.count_input(index);
            let (operands, value) = self.dag.remove(index);
            loose.extend(operands.iter().filter(|&&o| !self.dag.is_needed(o)));
            if let Some(value) = value {
                dropped.push(value);
            }
        }
        self.loose = loose;
        dropped
    }
}
