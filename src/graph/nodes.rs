//! Recorded nodes in their places: who computes with whom, and what each node is.
//!
//! The edges are a stable DAG that holds nothing else; what the nodes are lies in a vector by the same numbers. An entry is written
//! where it stays and never moved: a place that became free is overwritten by the next node that takes it.

use std::ops::{Index, IndexMut};
use std::sync::Arc;

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use super::Op;
use super::recorder::NodeRef;
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
    /// Which of the nodes that had this place it is; 0 for a place that is free.
    pub(super) generation: u32,
    /// Part of an evaluation that is under way.
    pub(super) busy: bool,
    /// Was demanded by an earlier evaluation and not stored by it.
    pub(super) demanded: bool,
    /// Its bytes are part of the state's `input_bytes`.
    pub(super) counted: bool,
    /// The walk that saw the node last, and its number there.
    pub(super) seen: (u32, u32),
    pub(super) notes: Option<Arc<Notes>>,
}

impl<P> Entry<P> {
    /// A place without a node.
    fn free() -> Self {
        Self {
            op: Op::Leaf(0),
            operands: Places::new(),
            shape: Shape::scalar(),
            dtype: DType::Bool,
            content: 0,
            scalar: None,
            value: None,
            handles: 0,
            users: 0,
            generation: 0,
            busy: false,
            demanded: false,
            counted: false,
            seen: (0, 0),
            notes: None,
        }
    }

    /// Whether the node costs nothing to have again: it has a value, or is a number or a count.
    pub(super) fn is_constant(&self) -> bool {
        self.value.is_some() || matches!(self.op, Op::Literal(_) | Op::Slot(_) | Op::Iota { .. })
    }
}

/// How many origins a node keeps: a loop that records one expression for ever must not grow it for ever.
pub(super) const MAX_ORIGINS: usize = 8;

/// The nodes of a recorder.
pub(super) struct Nodes<P> {
    dag: StableDiGraph<(), (), u32>,
    entries: Vec<Entry<P>>,
    generations: u32,
}

impl<P> Default for Nodes<P> {
    fn default() -> Self {
        Self { dag: StableDiGraph::default(), entries: Vec::new(), generations: 0 }
    }
}

impl<P> Index<NodeIndex<u32>> for Nodes<P> {
    type Output = Entry<P>;
    #[inline(always)]
    fn index(&self, index: NodeIndex<u32>) -> &Entry<P> {
        &self.entries[index.index()]
    }
}

impl<P> IndexMut<NodeIndex<u32>> for Nodes<P> {
    #[inline(always)]
    fn index_mut(&mut self, index: NodeIndex<u32>) -> &mut Entry<P> {
        &mut self.entries[index.index()]
    }
}

impl<P> Nodes<P> {
    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.dag.node_count()
    }

    /// Whether there is a node at this place.
    pub(super) fn contains(&self, index: NodeIndex<u32>) -> bool {
        self.entries.get(index.index()).is_some_and(|e| e.generation != 0)
    }

    /// The node, unless it is gone.
    #[inline(always)]
    pub(super) fn get(&self, node: NodeRef) -> Option<&Entry<P>> {
        self.entries.get(node.index.index()).filter(|e| e.generation == node.generation)
    }

    /// The node, unless it is gone.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, node: NodeRef) -> Option<&mut Entry<P>> {
        self.entries.get_mut(node.index.index()).filter(|e| e.generation == node.generation)
    }

    /// All places, with those that are free.
    pub(super) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry<P>> {
        self.entries.iter_mut()
    }

    /// The pending nodes that compute with a node that is pending itself.
    pub(super) fn users(&self, index: NodeIndex<u32>) -> impl Iterator<Item = NodeIndex<u32>> {
        self.dag.neighbors(index)
    }

    /// Whether somebody holds the node or computes with it.
    pub(super) fn is_needed(&self, index: NodeIndex<u32>) -> bool {
        let entry = &self[index];
        entry.handles > 0 || entry.users > 0 || self.users(index).next().is_some()
    }

    /// Adds a node with one handle on it.
    #[inline(always)]
    pub(super) fn add(&mut self, op: Op, operands: Places, shape: Shape, dtype: DType, content: u64) -> NodeRef {
        self.generations = self.generations.checked_add(1).unwrap_or(1);
        let generation = self.generations;
        let index = self.dag.add_node(());
        for &o in &operands {
            let operand = &mut self.entries[o.index()];
            if operand.is_constant() {
                operand.users += 1;
            } else {
                self.dag.add_edge(o, index, ());
            }
        }
        if index.index() == self.entries.len() {
            self.entries.push(Entry::free());
        }
        // What is not written here, a free place has as a new node has it.
        let entry = &mut self.entries[index.index()];
        entry.op = op;
        entry.operands = operands;
        entry.shape = shape;
        entry.dtype = dtype;
        entry.content = content;
        entry.handles = 1;
        entry.generation = generation;
        entry.seen = (0, 0);
        NodeRef { index, generation }
    }

    /// Makes a node one that has a value and no operands, which come back.
    pub(super) fn settle(&mut self, index: NodeIndex<u32>, value: Arc<P>) -> Places {
        for direction in [Direction::Incoming, Direction::Outgoing] {
            while let Some(edge) = self.dag.edges_directed(index, direction).next().map(|e| e.id()) {
                self.dag.remove_edge(edge);
                self[index].users += u32::from(direction == Direction::Outgoing);
            }
        }
        let entry = &mut self[index];
        let operands = std::mem::take(&mut entry.operands);
        entry.value = Some(value);
        entry.op = Op::Leaf(0);
        entry.content = super::key::content(&entry.op, &entry.shape, entry.dtype);
        self.uncount(&operands);
        operands
    }

    /// Takes a node out of its place; its operands and its value come back.
    pub(super) fn remove(&mut self, index: NodeIndex<u32>) -> (Places, Option<Arc<P>>) {
        self.dag.remove_node(index);
        let entry = &mut self[index];
        let operands = std::mem::take(&mut entry.operands);
        let value = entry.value.take();
        entry.scalar = None;
        entry.users = 0;
        entry.generation = 0;
        (entry.busy, entry.demanded, entry.counted) = (false, false, false);
        entry.notes = None;
        self.uncount(&operands);
        (operands, value)
    }

    /// Takes a user off constant operands; those of others go with their edges.
    fn uncount(&mut self, operands: &[NodeIndex<u32>]) {
        for &o in operands {
            let operand = &mut self.entries[o.index()];
            if operand.generation != 0 && operand.is_constant() {
                operand.users -= 1;
            }
        }
    }
}
