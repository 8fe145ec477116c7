//! A graph with everything it needs to run: what a check tries, a dump replays and a search makes smaller.

use std::fmt;

use super::{Graph, LeafInfo, NodeId, Op};
use crate::types::{HostBuffer, Scalar};

/// A graph with the data of its leaves and the values of its slots.
#[derive(Clone, Default)]
pub struct Case {
    /// The graph.
    pub graph: Graph,
    /// The data of its leaves.
    pub leaves: Vec<HostBuffer>,
    /// The values of its slots.
    pub slots: Vec<Scalar>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}slots {:?}", self.graph, self.slots)?;
        for (i, leaf) in self.leaves.iter().enumerate() {
            write!(f, "\nleaf #{i} {leaf:?}")?;
        }
        Ok(())
    }
}

impl Case {
    /// Another graph over the same data.
    #[must_use]
    pub fn with_graph(&self, graph: Graph) -> Self {
        Self { graph, leaves: self.leaves.clone(), slots: self.slots.clone() }
    }

    /// The same case with other roots, and without the nodes, leaves and slots that these do not need. Nodes are in first-visit
    /// order, operands before users, as in the graphs that a recorder gives.
    #[must_use]
    pub fn with_roots(&self, roots: &[NodeId]) -> Self {
        let mut out = Self::default();
        let mut renamed = vec![NodeId(0); self.graph.nodes.len()];
        for id in self.visited_from(roots) {
            let mut node = self.graph.node(id).clone();
            node.operands.iter_mut().for_each(|o| *o = renamed[o.index()]);
            match &mut node.op {
                Op::Leaf(i) => {
                    let old = std::mem::replace(i, out.leaves.len() as u32) as usize;
                    out.leaves.push(self.leaves[old].clone());
                    out.graph.leaves.push(self.graph.leaves[old].clone());
                }
                Op::Slot(i) => {
                    let old = std::mem::replace(i, out.slots.len() as u32) as usize;
                    out.slots.push(self.slots[old]);
                    out.graph.slots.push(self.graph.slots[old]);
                }
                _ => {}
            }
            renamed[id.index()] = NodeId(out.graph.nodes.len() as u32);
            out.graph.nodes.push(node);
        }
        out.graph.roots = roots.iter().map(|r| renamed[r.index()]).collect();
        out
    }

    /// The nodes that `roots` need, operands before users.
    fn visited_from(&self, roots: &[NodeId]) -> Vec<NodeId> {
        let mut order = Vec::new();
        let mut seen = vec![false; self.graph.nodes.len()];
        let mut stack: Vec<(NodeId, usize)> = Vec::new();
        for &root in roots {
            stack.push((root, 0));
            while let Some((id, next)) = stack.pop() {
                if next == 0 && std::mem::replace(&mut seen[id.index()], true) {
                    continue;
                }
                match self.graph.node(id).operands.get(next) {
                    Some(&operand) => stack.extend([(id, next + 1), (operand, 0)]),
                    None => order.push(id),
                }
            }
        }
        order
    }

    /// The same case with a node's result given as data, and without what was only needed to compute it.
    #[must_use]
    pub fn with_data(&self, id: NodeId, data: HostBuffer) -> Self {
        let mut case = self.clone();
        let node = &mut case.graph.nodes[id.index()];
        case.graph.leaves.push(LeafInfo { shape: node.shape.clone(), dtype: node.dtype });
        node.op = Op::Leaf(case.leaves.len() as u32);
        node.operands.clear();
        case.leaves.push(data);
        case.with_roots(&self.graph.roots)
    }
}
