//! The DAG behind a recorder's lock: nodes with their handles, the index that makes equal nodes one, and their release.
//!
//! In come nodes whose operands exist and were inferred; out go places in the DAG. What is stored for a node is an opaque payload,
//! given back to be dropped outside the lock.

use std::hash::Hasher;
use std::sync::Arc;

use hashbrown::HashTable;
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use super::Op;
use super::demand::Demand;
use super::key::{self, FixedHasher};
use super::recorder::{NodeRef, Recorded};
use crate::error::{Error, Result};
use crate::types::{DType, Origin, Scalar, Shape};

/// Operands by place.
pub(super) type Places = SmallVec<[NodeIndex<u32>; 3]>;

/// Where a node was written, and the name of the composite it is the result of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Places in the user's program.
    pub origins: SmallVec<[Origin; 1]>,
    /// The composite.
    pub tag: Option<&'static str>,
}

/// What a recorded node is.
pub(super) struct Entry<P> {
    pub(super) op: Op,
    pub(super) operands: Places,
    pub(super) shape: Shape,
    pub(super) dtype: DType,
    /// The hash of op, shape and dtype, so that a snapshot need not read them to be recognised.
    pub(super) content: u64,
    /// The value of a slot; nothing else has one before it is published.
    pub(super) scalar: Option<Scalar>,
    /// The stored result, once there is one. A node with a value has no operands any more.
    pub(super) value: Option<Arc<P>>,
    /// Live handles of users.
    pub(super) handles: u32,
    /// How many operand positions name the node, if it is constant. Other nodes have an edge for each: an edge goes in a time
    /// that grows with their number, and a leaf may have any number of users.
    users: u32,
    pub(super) generation: u32,
    /// Part of an evaluation that is under way.
    pub(super) busy: bool,
    /// Was demanded by an earlier evaluation and not stored by it.
    pub(super) demanded: bool,
    /// Its bytes are part of the state's `input_bytes`.
    counted: bool,
    /// The walk that saw the node last, and its number there.
    pub(super) seen: (u32, u32),
    pub(super) notes: Option<Arc<Notes>>,
}

impl<P> Entry<P> {
    /// Whether the node costs nothing to have again: it has a value, or is a number or a count.
    pub(super) fn is_constant(&self) -> bool {
        self.value.is_some() || matches!(self.op, Op::Literal(_) | Op::Slot(_) | Op::Iota { .. })
    }
}

/// The DAG and its index by content.
pub(super) struct State<P> {
    pub(super) dag: StableDiGraph<Entry<P>, u8, u32>,
    consed: HashTable<NodeIndex<u32>>,
    generations: u32,
    pub(super) pending: usize,
    /// Bytes of stored values that nobody holds any more and that only pending nodes keep.
    pub(super) input_bytes: u64,
    /// The number of the last walk over the DAG.
    pub(super) walk: u32,
    /// Memory of walks, kept from one to the next.
    pub(super) stack: Vec<(NodeIndex<u32>, u32)>,
    pub(super) order: Vec<NodeIndex<u32>>,
    /// Threads that wait for an evaluation to end.
    pub(super) waiting: u32,
}

/// How many origins a node keeps: a loop that records one expression for ever must not grow it for ever.
pub(super) const MAX_ORIGINS: usize = 8;

impl<P> Default for State<P> {
    fn default() -> Self {
        Self {
            dag: StableDiGraph::default(),
            consed: HashTable::new(),
            generations: 0,
            pending: 0,
            input_bytes: 0,
            walk: 0,
            stack: Vec::new(),
            order: Vec::new(),
            waiting: 0,
        }
    }
}

/// The hash by which equal nodes are found.
fn identity(content: u64, operands: &[NodeIndex<u32>]) -> u64 {
    let mut hasher = FixedHasher::new();
    hasher.mix(content);
    for o in operands {
        hasher.mix(o.index() as u64);
    }
    hasher.finish()
}

impl<P> State<P> {
    pub(super) fn entry(&self, node: NodeRef) -> Result<&Entry<P>> {
        self.dag
            .node_weight(node.index)
            .filter(|e| e.generation == node.generation)
            .ok_or_else(|| Error::internal("a reference to a node that is gone"))
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
        self.generations = self.generations.wrapping_add(1);
        let generation = self.generations;
        let operands_of = Places::from_slice(&operands);
        let index = self.dag.add_node(Entry {
            op,
            operands,
            shape,
            dtype,
            content,
            scalar: None,
            value: None,
            handles: 1,
            users: 0,
            generation,
            busy: false,
            demanded: false,
            counted: false,
            seen: (0, 0),
            notes: None,
        });
        for (port, &o) in operands_of.iter().enumerate() {
            let operand = &mut self.dag[o];
            if operand.is_constant() {
                operand.users += 1;
            } else {
                self.dag.add_edge(o, index, port.min(255) as u8);
            }
        }
        self.pending += 1;
        NodeRef { index, generation }
    }

    /// Adds a node, or one more handle on the node that is the same already.
    #[inline(always)]
    pub(super) fn intern(&mut self, op: Op, operands: Places, shape: Shape, dtype: DType) -> NodeRef {
        let content = key::content(&op, &shape, dtype);
        let hash = identity(content, &operands);
        let found = self.consed.find(hash, |&i| {
            let e = &self.dag[i];
            e.content == content && e.dtype == dtype && e.operands == operands && e.op == op
        });
        if let Some(&index) = found {
            self.hold(index);
            return self.reference(index);
        }
        let node = self.insert_hashed(op, operands, shape, dtype, content);
        let dag = &self.dag;
        self.consed.insert_unique(hash, node.index, |&i| identity(dag[i].content, &dag[i].operands));
        node
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
        for direction in [Direction::Incoming, Direction::Outgoing] {
            while let Some(edge) = self.dag.edges_directed(index, direction).next().map(|e| e.id()) {
                self.dag.remove_edge(edge);
                self.dag[index].users += u32::from(direction == Direction::Outgoing);
            }
        }
        let entry = &mut self.dag[index];
        let operands = std::mem::take(&mut entry.operands);
        entry.value = Some(value);
        entry.op = Op::Leaf(0);
        entry.content = key::content(&entry.op, &entry.shape, entry.dtype);
        self.pending -= 1;
        self.count_input(index);
        self.uncount(&operands);
        operands
    }

    /// Takes a user off constant operands; those of others go with their edges.
    fn uncount(&mut self, operands: &[NodeIndex<u32>]) {
        for &o in operands {
            if let Some(operand) = self.dag.node_weight_mut(o)
                && operand.is_constant()
            {
                operand.users -= 1;
            }
        }
    }

    /// Whether somebody holds the node or computes with it.
    fn is_needed(&self, index: NodeIndex<u32>) -> bool {
        let entry = &self.dag[index];
        entry.handles > 0 || entry.users > 0 || self.dag.neighbors(index).next().is_some()
    }

    fn forget_consed(&mut self, index: NodeIndex<u32>) {
        let e = &self.dag[index];
        if let Ok(found) = self.consed.find_entry(identity(e.content, &e.operands), |&i| i == index) {
            found.remove();
        }
    }

    /// Ends an evaluation; gives the nodes that only it may have kept alive.
    pub(super) fn unmark(&mut self, demand: &Demand<P>, succeeded: bool) -> Places {
        for node in demand.nodes.iter().flatten() {
            if let Some(entry) = self.dag.node_weight_mut(node.index)
                && entry.generation == node.generation
            {
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
        self.is_needed(index)
    }

    /// Removes nodes without handle and user, starting from `candidates`, and returns what they stored.
    pub(super) fn collect_garbage(&mut self, mut candidates: Places) -> SmallVec<[Arc<P>; 2]> {
        let mut dropped = SmallVec::new();
        while let Some(index) = candidates.pop() {
            if !self.dag.contains_node(index) || self.is_needed(index) {
                continue;
            }
            if self.dag[index].value.is_none() {
                self.forget_consed(index);
                self.pending -= 1;
            }
            self.dag[index].handles = 1;
            self.count_input(index);
            if let Some(entry) = self.dag.remove_node(index) {
                self.uncount(&entry.operands);
                candidates.extend_from_slice(&entry.operands);
                dropped.extend(entry.value);
            }
        }
        dropped
    }
}
