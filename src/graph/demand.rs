//! Taking a demanded cone out of the recorder: an immutable graph in topological order, with the stored values at its rim.

use std::sync::Arc;

use petgraph::stable_graph::NodeIndex;

use super::recorder::{NodeRef, State, Visited};
use super::snapshot::{Graph, LeafInfo, Node, NodeId};
use super::{Op, Operands};
use crate::types::{Origin, Scalar};

/// A cone under evaluation. Hand it back through `publish` or `abandon`.
pub struct Demand<P> {
    /// The cone.
    pub graph: Graph,
    /// The stored values of the graph's leaves.
    pub leaves: Vec<Arc<P>>,
    /// The values of the graph's slots.
    pub slots: Vec<Scalar>,
    /// How many of the graph's roots were asked for; the others are pending nodes that a second
    /// evaluation needs, and single elements.
    pub n_asked: usize,
    /// Nodes that somebody can still ask for, by a handle or by a user outside the cone: worth keeping if they are stored anyway.
    pub needed: Vec<NodeId>,
    /// Where each node was written and which composite it belongs to.
    pub origins: Vec<(Vec<Origin>, Option<&'static str>)>,
    /// The recorder's node behind each node; `None` for leaves that stand for stored values.
    pub(super) nodes: Vec<Option<NodeRef>>,
    /// Nodes kept alive for the time of the evaluation.
    pub(super) held: Vec<NodeRef>,
}

/// Copies the cone of `roots`, or `None` when another thread is evaluating a part of it. Nodes are numbered in first-visit
/// post-order, which is what makes equal programs have equal keys.
pub(super) fn collect<P>(state: &mut State<P>, roots: &[NodeRef]) -> Option<Demand<P>> {
    let mut demand = Demand {
        graph: Graph::default(),
        leaves: Vec::new(),
        slots: Vec::new(),
        n_asked: roots.len(),
        needed: Vec::new(),
        origins: Vec::new(),
        nodes: Vec::new(),
        held: Vec::new(),
    };
    let mut visited = Visited::default();
    let mut stack: Vec<(NodeIndex<u32>, usize)> = Vec::new();
    for root in roots {
        stack.push((root.index, 0));
        while let Some((index, port)) = stack.pop() {
            if visited.contains_key(&index) {
                continue;
            }
            let entry = &state.dag[index];
            if entry.busy {
                return None;
            }
            match entry.operands.get(port) {
                Some(&operand) => {
                    stack.push((index, port + 1));
                    if !visited.contains_key(&operand) {
                        stack.push((operand, 0));
                    }
                }
                None => {
                    let id = demand.append(state, index, &visited);
                    visited.insert(index, id);
                }
            }
        }
    }
    demand.graph.roots = roots.iter().map(|r| visited[&r.index]).collect();
    demand.add_needed(state, &visited);
    demand.add_repeated_roots(state);
    demand.add_single_elements();
    demand.mark(state);
    Some(demand)
}

impl<P> Demand<P> {
    fn append(&mut self, state: &State<P>, index: NodeIndex<u32>, visited: &Visited) -> NodeId {
        let entry = &state.dag[index];
        let id = NodeId(self.graph.nodes.len() as u32);
        let op = if let Some(value) = &entry.value {
            self.leaves.push(value.clone());
            self.graph.leaves.push(LeafInfo { shape: entry.shape.clone(), dtype: entry.dtype });
            Op::Leaf(self.leaves.len() as u32 - 1)
        } else if let Some(scalar) = entry.scalar {
            self.slots.push(scalar);
            self.graph.slots.push(entry.dtype);
            Op::Slot(self.slots.len() as u32 - 1)
        } else {
            entry.op.clone()
        };
        let operands: Operands = entry.operands.iter().map(|o| visited[o]).collect();
        self.graph.nodes.push(Node { op, operands, shape: entry.shape.clone(), dtype: entry.dtype });
        self.origins.push((entry.origins.to_vec(), entry.tag));
        self.nodes.push(entry.value.is_none().then(|| state.reference(index)));
        id
    }

    /// Finds the nodes that outlive the evaluation.
    fn add_needed(&mut self, state: &State<P>, visited: &Visited) {
        for (i, node) in self.nodes.iter().enumerate() {
            let Some(node) = node else { continue };
            let outside = |user: NodeIndex<u32>| !visited.contains_key(&user);
            let constant = matches!(self.graph.nodes[i].op, Op::Literal(_) | Op::Slot(_) | Op::Iota { .. });
            if !constant && (state.has_handle(node.index) || state.dag.neighbors(node.index).any(outside)) {
                self.needed.push(NodeId(i as u32));
            }
        }
    }

    /// A pending node that an earlier evaluation already computed in registers, and that a *new* node of this one needs, becomes
    /// a root: loops that test a value each time would otherwise recompute from the start.
    fn add_repeated_roots(&mut self, state: &State<P>) {
        let repeated = |id: NodeId| -> bool {
            self.nodes[id.index()].is_some_and(|n| state.dag[n.index].demanded)
                && !matches!(
                    self.graph.node(id).op,
                    Op::Leaf(_) | Op::Slot(_) | Op::Literal(_) | Op::Iota { .. } | Op::View(_)
                )
        };
        let mut wanted = vec![false; self.graph.nodes.len()];
        for id in self.graph.ids() {
            if !repeated(id) {
                for &o in &self.graph.node(id).operands {
                    // A view costs nothing to repeat: what it reads is what must be stored.
                    let mut o = o;
                    while matches!(self.graph.node(o).op, Op::View(_)) {
                        o = self.graph.node(o).operands[0];
                    }
                    wanted[o.index()] |= repeated(o);
                }
            }
        }
        for id in self.graph.ids() {
            if wanted[id.index()] && !self.graph.roots.contains(&id) {
                self.graph.roots.push(id);
            }
        }
    }

    /// A needed single element that is computed on the way becomes a root: storing it costs nothing, and a loop that ends by a
    /// number usually reports it next.
    fn add_single_elements(&mut self) {
        let known = self.graph.host_scalars();
        for &id in &self.needed {
            if self.graph.node(id).shape.len() == 1 && !known[id.index()] && !self.graph.roots.contains(&id) {
                self.graph.roots.push(id);
            }
        }
    }

    fn mark(&mut self, state: &mut State<P>) {
        for id in self.graph.ids() {
            let Some(node) = self.nodes[id.index()] else { continue };
            let entry = &mut state.dag[node.index];
            // Constants are shared by everything and cost nothing: another thread need not wait for them.
            entry.busy = !matches!(entry.op, Op::Literal(_) | Op::Slot(_) | Op::Iota { .. });
        }
        for root in &self.graph.roots {
            if let Some(node) = self.nodes[root.index()] {
                state.hold(node.index);
                self.held.push(node);
            }
        }
    }
}
