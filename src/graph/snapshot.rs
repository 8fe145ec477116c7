//! The immutable graph that planner, schedule and executors read: nodes in topological order, roots, leaves.

use std::fmt;

use smallvec::SmallVec;

use super::Op;
use super::infer::{OperandType, infer};
use crate::error::Result;
use crate::types::{DType, HostBuffer, Scalar, Shape};

/// The place of a node in a [`Graph`]; operands have lower numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// As an index into the graph's nodes.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Operands in order.
pub type Operands = SmallVec<[NodeId; 3]>;

/// One operation with its operands and the type of its result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From what, in order.
    pub operands: Operands,
    /// The shape of the result.
    pub shape: Shape,
    /// The dtype of the result.
    pub dtype: DType,
}

impl Node {
    /// Shape and dtype of the result, as inference takes them.
    #[must_use]
    pub fn as_operand(&self) -> OperandType<'_> {
        OperandType { shape: &self.shape, dtype: self.dtype }
    }
}

/// What is known of a leaf without its data. Leaves are stored dense and row-major.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeafInfo {
    /// Its shape.
    pub shape: Shape,
    /// Its dtype.
    pub dtype: DType,
}

/// A kernel the planner decided on: a contraction with everything that happens to its result before it is stored. The
/// schedule takes it as given. Two kernels of the plan never share a core: their outputs were joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKernel {
    /// The contraction.
    pub core: NodeId,
    /// The nodes computed in the kernel's epilogue, in topological order: elementwise nodes over the core's result, and
    /// views that read its diagonal. Does not hold the core.
    pub stages: Vec<NodeId>,
    /// What the kernel stores: stages, or the core itself.
    pub outputs: Vec<NodeId>,
}

/// A demanded graph: nodes in topological order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The nodes; operands come before their users.
    pub nodes: Vec<Node>,
    /// What is asked for, in order; may repeat.
    pub roots: Vec<NodeId>,
    /// Shapes and dtypes of the leaves.
    pub leaves: Vec<LeafInfo>,
    /// The dtypes of the scalar slots; their values belong to a run.
    pub slots: Vec<DType>,
    /// Kernels the planner decided on; empty for a graph that was not planned.
    pub kernels: Vec<PlannedKernel>,
}

impl Graph {
    /// The node at `id`.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Ids of all nodes in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Adds a node after inferring its shape and dtype.
    ///
    /// # Errors
    /// The error of [`infer`] for operands that do not fit.
    pub fn add(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId> {
        let (shape, dtype) = {
            let types: SmallVec<[OperandType<'_>; 4]> = operands.iter().map(|&o| self.node(o).as_operand()).collect();
            match &op {
                Op::Leaf(i) => {
                    let leaf = &self.leaves[*i as usize];
                    (leaf.shape.clone(), leaf.dtype)
                }
                Op::Slot(i) => (Shape::scalar(), self.slots[*i as usize]),
                _ => infer(&op, &types)?,
            }
        };
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { op, operands: Operands::from_slice(operands), shape, dtype });
        Ok(id)
    }

    /// Bytes of memory the graph holds on to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let spilled = |o: &Operands| if o.spilled() { o.capacity() * size_of::<NodeId>() } else { 0 };
        let ids = |ids: &Vec<NodeId>| ids.capacity() * size_of::<NodeId>();
        size_of::<Self>()
            + self.nodes.capacity() * size_of::<Node>()
            + self.nodes.iter().map(|n| spilled(&n.operands)).sum::<usize>()
            + self.leaves.capacity() * size_of::<LeafInfo>()
            + self.slots.capacity() * size_of::<DType>()
            + ids(&self.roots)
            + self.kernels.capacity() * size_of::<PlannedKernel>()
            + self.kernels.iter().map(|k| ids(&k.stages) + ids(&k.outputs)).sum::<usize>()
    }

    /// How many operand positions and roots name each node.
    #[must_use]
    pub fn use_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.nodes.len()];
        for node in &self.nodes {
            for o in &node.operands {
                counts[o.index()] += 1;
            }
        }
        for r in &self.roots {
            counts[r.index()] += 1;
        }
        counts
    }

    /// The users of each node, in topological order, each once.
    #[must_use]
    pub fn users(&self) -> Vec<Vec<NodeId>> {
        let mut users = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            for o in &self.node(id).operands {
                let list: &mut Vec<NodeId> = &mut users[o.index()];
                if list.last() != Some(&id) {
                    list.push(id);
                }
            }
        }
        users
    }

    /// The part of the graph that `roots` need, with these roots. Leaves and slots keep their numbers, needed or not.
    #[must_use]
    pub fn subgraph(&self, roots: &[NodeId]) -> Self {
        let mut live = vec![false; self.nodes.len()];
        roots.iter().for_each(|r| live[r.index()] = true);
        for id in self.ids().rev() {
            if live[id.index()] {
                self.node(id).operands.iter().for_each(|o| live[o.index()] = true);
            }
        }
        let mut to = vec![NodeId(0); self.nodes.len()];
        let mut out = Self { leaves: self.leaves.clone(), slots: self.slots.clone(), ..Self::default() };
        for id in self.ids().filter(|id| live[id.index()]) {
            to[id.index()] = NodeId(out.nodes.len() as u32);
            let mut node = self.node(id).clone();
            node.operands.iter_mut().for_each(|o| *o = to[o.index()]);
            out.nodes.push(node);
        }
        out.roots = roots.iter().map(|r| to[r.index()]).collect();
        out
    }

    /// Whether these are data for the leaves and values for the slots.
    #[must_use]
    pub fn accepts(&self, leaves: &[HostBuffer], slots: &[Scalar]) -> bool {
        leaves.len() == self.leaves.len()
            && leaves.iter().zip(&self.leaves).all(|(b, l)| b.dtype() == l.dtype && b.len() == l.shape.len())
            && slots.len() == self.slots.len()
            && slots.iter().zip(&self.slots).all(|(s, d)| s.dtype() == *d)
    }

    /// Whether a node is a scalar that the host knows at the start of a run: 0-d and built from literals and slots by
    /// elementwise operations only.
    #[must_use]
    pub fn host_scalars(&self) -> Vec<bool> {
        let mut known = vec![false; self.nodes.len()];
        for id in self.ids() {
            let node = self.node(id);
            known[id.index()] = match &node.op {
                Op::Literal(_) | Op::Slot(_) => true,
                op if op.is_elementwise() => node.operands.iter().all(|o| known[o.index()]),
                _ => false,
            };
        }
        known
    }

    /// The literal at `id`, if it is one.
    #[must_use]
    pub fn literal(&self, id: NodeId) -> Option<Scalar> {
        match self.node(id).op {
            Op::Literal(s) => Some(s),
            _ => None,
        }
    }
}

impl Graph {
    /// A node as text: `%2 = add (%0, %1) : f32[4]`.
    pub(crate) fn write_node(&self, f: &mut fmt::Formatter<'_>, id: NodeId) -> fmt::Result {
        let node = self.node(id);
        write!(f, "{id} = {}", node.op)?;
        for (i, o) in node.operands.iter().enumerate() {
            write!(f, "{}{o}", if i == 0 { " (" } else { ", " })?;
        }
        let close = if node.operands.is_empty() { "" } else { ")" };
        write!(f, "{close} : {}{}", node.dtype, node.shape)
    }

    /// What follows the nodes: kernels and roots, a line each.
    pub(crate) fn write_outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for k in &self.kernels {
            writeln!(f, "kernel {} stages {:?} outputs {:?}", k.core, k.stages, k.outputs)?;
        }
        writeln!(f, "roots {:?}", self.roots)
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in self.ids() {
            self.write_node(f, id)?;
            writeln!(f)?;
        }
        self.write_outcome(f)
    }
}
