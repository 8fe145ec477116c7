//! The recorded nodes: which node computes with which, and what each of them is.
//!
//! The edges are a stable DAG that holds nothing else; what the nodes are is kept in a vector indexed by the same numbers. An entry
//! is overwritten where it is by the next node that takes its number.

use std::ops;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::stable_graph::{self, StableDiGraph};
use petgraph::visit::EdgeRef;
use smallvec::SmallVec;

use super::Op;
use super::key;
use crate::types::{DType, Origin, Scalar, Shape};

/// The place of a node. It serves again once the node is removed.
pub(super) type NodeIndex = stable_graph::NodeIndex<u32>;

/// Operands, in order.
pub(super) type NodeIndices = SmallVec<[NodeIndex; 3]>;

/// A node of the recorder: its place and the generation of that place, so that a stale reference is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeRef {
    pub(super) index: NodeIndex,
    pub(super) generation: u32,
}

/// Where a node was written, and the name of the composite it is the result of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Places in the user's program.
    pub origins: SmallVec<[Origin; 1]>,
    /// The composite.
    pub tag: Option<&'static str>,
}

/// How many origins a node keeps: without a limit, a loop that records one expression again and again would grow the list for ever.
const MAX_ORIGINS: usize = 8;

impl Notes {
    /// Adds a place where the node was written and a composite, as far as they are new. Notes that do not change are not copied.
    pub(super) fn add(notes: &mut Arc<Self>, origin: Option<&Origin>, tag: Option<&'static str>) {
        let is_new = |o: &Origin| notes.has_room() && !notes.origins.iter().any(|other| other.is_at(o));
        let new = origin.filter(|o| is_new(o));
        if new.is_some() || tag.is_some() && notes.tag.is_none() {
            let notes = Arc::make_mut(notes);
            notes.origins.extend(new.cloned());
            notes.tag = notes.tag.or(tag);
        }
    }

    /// Gives the node the label of `origin`: to an unlabelled origin on the same line if there is one, else as one more origin.
    pub(super) fn label(notes: &mut Arc<Self>, origin: &Origin) {
        let notes = Arc::make_mut(notes);
        let same_line = |o: &Origin| o.file == origin.file && o.line == origin.line;
        if notes.origins.iter().any(|o| same_line(o) && o.label == origin.label) {
            return;
        }
        let unlabelled = notes.origins.iter().position(|o| same_line(o) && o.label.is_none());
        match unlabelled {
            Some(i) => notes.origins[i].label.clone_from(&origin.label),
            None if notes.has_room() => notes.origins.push(origin.clone()),
            None => {}
        }
    }

    fn has_room(&self) -> bool {
        self.origins.len() < MAX_ORIGINS
    }
}

/// The last walk over the DAG that reached a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Visit {
    /// The number of the walk; walks count from 1.
    pub(super) walk: u32,
    /// The number that the walk gave the node.
    pub(super) number: u32,
}

/// What a recorded node is.
pub(super) struct NodeEntry<P> {
    pub(super) op: Op,
    pub(super) operands: NodeIndices,
    pub(super) shape: Shape,
    pub(super) dtype: DType,
    /// The hash of operation, shape and dtype, so that a snapshot can be found without reading them.
    pub(super) content: u64,
    /// The value of a slot; `None` for any other node.
    pub(super) scalar: Option<Scalar>,
    /// The stored result, once there is one. A node with a value has no operands any more.
    pub(super) value: Option<Arc<P>>,
    /// How many handles the user has on the node.
    pub(super) handles: u32,
    /// How many operand positions name the node, if it is constant. Any other node has an edge for each. Constant nodes have
    /// none: removing an edge costs time proportional to the node's degree, and a leaf may have any number of users.
    users: u32,
    /// Which of the nodes that had this place it is; 0 for a free place.
    pub(super) generation: u32,
    /// Whether a running evaluation computes it.
    pub(super) busy: bool,
    /// Whether an earlier evaluation computed it without storing it.
    pub(super) demanded: bool,
    /// Whether its bytes are part of the state's `input_bytes`.
    pub(super) counted: bool,
    pub(super) visit: Visit,
    pub(super) notes: Option<Arc<Notes>>,
}

impl<P> NodeEntry<P> {
    /// A place without a node.
    fn free() -> Self {
        Self {
            op: Op::Leaf(0),
            operands: NodeIndices::new(),
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
            visit: Visit::default(),
            notes: None,
        }
    }

    /// Whether the node needs no computation: it has a value, or is a literal, a slot or an iota.
    pub(super) fn is_constant(&self) -> bool {
        self.value.is_some() || matches!(self.op, Op::Literal(_) | Op::Slot(_) | Op::Iota { .. })
    }
}

/// The nodes of a recorder.
pub(super) struct Nodes<P> {
    dag: StableDiGraph<(), (), u32>,
    entries: Vec<NodeEntry<P>>,
    last_generation: u32,
}

impl<P> Default for Nodes<P> {
    fn default() -> Self {
        Self { dag: StableDiGraph::default(), entries: Vec::new(), last_generation: 0 }
    }
}

impl<P> ops::Index<NodeIndex> for Nodes<P> {
    type Output = NodeEntry<P>;
    #[inline(always)]
    fn index(&self, index: NodeIndex) -> &NodeEntry<P> {
        &self.entries[index.index()]
    }
}

impl<P> ops::IndexMut<NodeIndex> for Nodes<P> {
    #[inline(always)]
    fn index_mut(&mut self, index: NodeIndex) -> &mut NodeEntry<P> {
        &mut self.entries[index.index()]
    }
}

impl<P> Nodes<P> {
    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.dag.node_count()
    }

    /// Whether there is a node at this place.
    pub(super) fn contains(&self, index: NodeIndex) -> bool {
        self.entries.get(index.index()).is_some_and(|e| e.generation != 0)
    }

    /// The node, unless it was removed.
    #[inline(always)]
    pub(super) fn get(&self, node: NodeRef) -> Option<&NodeEntry<P>> {
        self.entries.get(node.index.index()).filter(|e| e.generation == node.generation)
    }

    /// The node, unless it was removed.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, node: NodeRef) -> Option<&mut NodeEntry<P>> {
        self.entries.get_mut(node.index.index()).filter(|e| e.generation == node.generation)
    }

    /// All places, free ones included.
    pub(super) fn entries_mut(&mut self) -> impl Iterator<Item = &mut NodeEntry<P>> {
        self.entries.iter_mut()
    }

    /// The pending nodes that have this one as an operand, if it is pending itself.
    pub(super) fn users(&self, index: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        self.dag.neighbors(index)
    }

    /// Whether the node has a handle or a user.
    pub(super) fn is_needed(&self, index: NodeIndex) -> bool {
        let entry = &self[index];
        entry.handles > 0 || entry.users > 0 || self.users(index).next().is_some()
    }

    /// Adds a node with one handle on it.
    #[inline(always)]
    pub(super) fn add(&mut self, op: Op, operands: NodeIndices, shape: Shape, dtype: DType, content: u64) -> NodeRef {
        self.last_generation = self.last_generation.checked_add(1).unwrap_or(1);
        let generation = self.last_generation;
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
            self.entries.push(NodeEntry::free());
        }
        // The fields that are not written here have the same values in a free place and in a new node.
        let entry = &mut self.entries[index.index()];
        entry.op = op;
        entry.operands = operands;
        entry.shape = shape;
        entry.dtype = dtype;
        entry.content = content;
        entry.handles = 1;
        entry.generation = generation;
        entry.visit = Visit::default();
        NodeRef { index, generation }
    }

    /// Gives a node its value. It becomes a leaf; returns the operands that it had.
    pub(super) fn set_value(&mut self, index: NodeIndex, value: Arc<P>) -> NodeIndices {
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
        entry.content = key::content(&entry.op, &entry.shape, entry.dtype);
        self.forget_user(&operands);
        operands
    }

    /// Removes a node; returns its operands and its value.
    pub(super) fn remove(&mut self, index: NodeIndex) -> (NodeIndices, Option<Arc<P>>) {
        self.dag.remove_node(index);
        let entry = &mut self[index];
        let operands = std::mem::take(&mut entry.operands);
        let value = entry.value.take();
        entry.scalar = None;
        entry.users = 0;
        entry.generation = 0;
        (entry.busy, entry.demanded, entry.counted) = (false, false, false);
        entry.notes = None;
        self.forget_user(&operands);
        (operands, value)
    }

    /// Counts one user less for each constant operand; other operands had an edge, which is removed already.
    fn forget_user(&mut self, operands: &[NodeIndex]) {
        for &o in operands {
            let operand = &mut self.entries[o.index()];
            if operand.generation != 0 && operand.is_constant() {
                operand.users -= 1;
            }
        }
    }
}
