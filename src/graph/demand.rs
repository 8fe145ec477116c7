//! Taking a demanded cone out of the recorder: an immutable graph in topological order, with the stored values at its rim.
//!
//! One walk numbers the cone in first-visit post-order, which gives equal programs equal keys, and mixes the hashes that its nodes
//! were recorded with. A graph that was kept under that hash is compared with the cone in full and reused, so that an evaluation
//! that ran before copies no node.

use std::sync::Arc;

use smallvec::SmallVec;

use super::key::GraphHasher;
use super::nodes::{NodeEntry, NodeIndex, NodeIndices, NodeRef, Notes, Visit};
use super::snapshot::{Graph, LeafInfo, Node, NodeId};
use super::state::State;
use super::{Op, Operands};
use crate::types::Scalar;

/// Where graphs that were demanded before are kept.
pub trait GraphLookup {
    /// The graph of this hash for which `equal` holds. `equal` compares in full, so two graphs may have one hash.
    fn find(&self, hash: u64, equal: &mut dyn FnMut(&Graph) -> bool) -> Option<Arc<Graph>>;
}

/// A cone under evaluation. Hand it back through `publish` or `abandon`.
pub struct Demand<P> {
    /// The cone.
    pub graph: Arc<Graph>,
    /// Its hash: that of [`Graph::hash_value`].
    pub hash: u64,
    /// The stored values of the graph's leaves.
    pub leaves: SmallVec<[Arc<P>; 4]>,
    /// The values of the graph's slots.
    pub slots: SmallVec<[Scalar; 4]>,
    /// How many of the graph's roots were asked for; the others are pending nodes that a second evaluation needs, and single
    /// elements.
    #[cfg_attr(
        not(all(feature = "check", feature = "blocking")),
        expect(dead_code, reason = "snapshots for checks read it")
    )]
    pub n_asked: usize,
    /// Nodes that can still be asked for, because they have a handle or a user outside the cone: worth keeping if they are stored
    /// anyway.
    pub needed: SmallVec<[NodeId; 4]>,
    /// Where nodes were written and which composite they belong to, as far as that is known, in the order of the nodes.
    pub notes: Vec<(NodeId, Arc<Notes>)>,
    /// The recorder's node behind each node; `None` for leaves that stand for stored values.
    pub(super) nodes: Vec<Option<NodeRef>>,
    /// Nodes with a handle for the time of the evaluation.
    pub(super) held: SmallVec<[NodeRef; 2]>,
}

/// What a walk finds. The fields that are not described are those of [`Demand`].
struct Cone<P> {
    /// The nodes in the order of their numbers.
    order: Vec<NodeIndex>,
    leaves: SmallVec<[Arc<P>; 4]>,
    slots: SmallVec<[Scalar; 4]>,
    roots: SmallVec<[NodeId; 4]>,
    needed: SmallVec<[NodeId; 4]>,
    notes: Vec<(NodeId, Arc<Notes>)>,
    hash: GraphHasher,
    /// Whether an earlier evaluation computed one of the nodes without storing it.
    repeats: bool,
}

/// Takes the cone of `roots`; `None` when another thread is evaluating a part of it.
pub(super) fn collect<P>(state: &mut State<P>, roots: &[NodeRef], lookup: &dyn GraphLookup) -> Option<Demand<P>> {
    let mut cone = Cone {
        order: std::mem::take(&mut state.order),
        leaves: SmallVec::new(),
        slots: SmallVec::new(),
        roots: SmallVec::with_capacity(roots.len()),
        needed: SmallVec::new(),
        notes: Vec::new(),
        hash: GraphHasher::new(),
        repeats: false,
    };
    cone.order.clear();
    if !cone.walk(state, roots) {
        state.order = cone.order;
        return None;
    }
    cone.roots.extend(roots.iter().map(|r| NodeId(state.dag[r.index].visit.number)));
    cone.add_needed(state);
    if cone.repeats {
        cone.add_repeated_roots(state);
    }
    cone.add_single_elements(state);
    let hash = cone.hash.finish(cone.roots.iter().map(|r| r.0));
    let graph = lookup.find(hash, &mut |graph| cone.equals(state, graph)).unwrap_or_else(|| Arc::new(cone.copy(state)));
    let reference = |index: &NodeIndex| {
        let entry = &state.dag[*index];
        entry.value.is_none().then_some(NodeRef { index: *index, generation: entry.generation })
    };
    let nodes: Vec<Option<NodeRef>> = cone.order.iter().map(reference).collect();
    let held: SmallVec<[NodeRef; 2]> = cone.roots.iter().filter_map(|root| nodes[root.index()]).collect();
    held.iter().for_each(|node| state.retain(node.index));
    let Cone { order, leaves, slots, needed, notes, .. } = cone;
    state.order = order;
    Some(Demand { graph, hash, leaves, slots, n_asked: roots.len(), needed, notes, nodes, held })
}

impl<P> Demand<P> {
    /// Ends the evaluation; returns the nodes that only it may have kept alive.
    pub(super) fn end(&self, state: &mut State<P>, succeeded: bool) -> NodeIndices {
        for node in self.nodes.iter().flatten() {
            if let Some(entry) = state.dag.get_mut(*node) {
                entry.busy = false;
                entry.demanded |= succeeded && entry.value.is_none();
            }
        }
        let held: NodeIndices = self.held.iter().filter(|n| state.dag.get(**n).is_some()).map(|n| n.index).collect();
        for &index in &held {
            state.release(index);
        }
        held
    }
}

/// What a node is in a snapshot.
enum Role<'a> {
    Leaf,
    Slot,
    Op(&'a Op),
}

impl<P> NodeEntry<P> {
    fn role(&self) -> Role<'_> {
        match (&self.value, self.scalar) {
            (Some(_), _) => Role::Leaf,
            (None, Some(_)) => Role::Slot,
            (None, None) => Role::Op(&self.op),
        }
    }
}

impl<P> Cone<P> {
    /// Numbers the nodes, marks them as busy, and takes what belongs to the run. Returns `false`, with nothing marked, when one of
    /// them is busy already.
    fn walk(&mut self, state: &mut State<P>, roots: &[NodeRef]) -> bool {
        state.walk = state.walk.wrapping_add(1);
        if state.walk == 0 {
            // The count wrapped: no old visit may look like one of this walk.
            state.dag.entries_mut().for_each(|e| e.visit = Visit::default());
            state.walk = 1;
        }
        let walk = state.walk;
        let mut stack = std::mem::take(&mut state.stack);
        stack.clear();
        for root in roots {
            if state.dag[root.index].visit.walk == walk {
                continue;
            }
            stack.push((root.index, 0));
            'node: while let Some((index, port)) = stack.last_mut() {
                let index = *index;
                let entry = &state.dag[index];
                if entry.busy {
                    for &i in &self.order {
                        state.dag[i].busy = false;
                    }
                    state.stack = stack;
                    return false;
                }
                while let Some(&operand) = entry.operands.get(*port as usize) {
                    *port += 1;
                    if state.dag[operand].visit.walk != walk {
                        stack.push((operand, 0));
                        continue 'node;
                    }
                }
                stack.pop();
                self.number(state, index);
            }
        }
        state.stack = stack;
        true
    }

    fn number(&mut self, state: &mut State<P>, index: NodeIndex) {
        let number = self.order.len() as u32;
        self.order.push(index);
        let entry = &state.dag[index];
        match entry.role() {
            Role::Leaf => {
                self.hash.node(entry.content, std::iter::once(self.leaves.len() as u32));
                if let Some(value) = &entry.value {
                    self.leaves.push(value.clone());
                }
            }
            Role::Slot => {
                self.hash.node(entry.content, std::iter::once(self.slots.len() as u32));
                if let Some(scalar) = entry.scalar {
                    self.slots.push(scalar);
                }
            }
            Role::Op(_) => self.hash.node(entry.content, entry.operands.iter().map(|&o| state.dag[o].visit.number)),
        }
        self.repeats |= entry.demanded;
        if let Some(notes) = &entry.notes {
            self.notes.push((NodeId(number), notes.clone()));
        }
        let entry = &mut state.dag[index];
        entry.visit = Visit { walk: state.walk, number };
        // Constants need no computation, so another thread need not wait for them.
        entry.busy = !entry.is_constant();
    }

    fn entry<'a>(&self, state: &'a State<P>, id: NodeId) -> &'a NodeEntry<P> {
        &state.dag[self.order[id.index()]]
    }

    fn ids(&self) -> std::iter::Map<std::ops::Range<u32>, fn(u32) -> NodeId> {
        (0..self.order.len() as u32).map(NodeId)
    }

    /// Finds the nodes that outlive the evaluation.
    fn add_needed(&mut self, state: &State<P>) {
        for (i, &index) in self.order.iter().enumerate() {
            let entry = &state.dag[index];
            let outside = |user: NodeIndex| state.dag[user].visit.walk != state.walk;
            if !entry.is_constant() && (entry.handles > 0 || state.dag.users(index).any(outside)) {
                self.needed.push(NodeId(i as u32));
            }
        }
    }

    /// Makes roots of the pending nodes that an earlier evaluation computed without storing them and that a *new* node of this one
    /// needs: otherwise a loop that tests a value in each round would recompute it from the start.
    fn add_repeated_roots(&mut self, state: &State<P>) {
        let number = |index: &NodeIndex| state.dag[*index].visit.number as usize;
        let repeated = |index: NodeIndex| {
            let e = &state.dag[index];
            e.demanded && !e.is_constant() && !matches!(e.op, Op::View(_))
        };
        let mut wanted = vec![false; self.order.len()];
        for &index in &self.order {
            if !repeated(index) {
                for &operand in &state.dag[index].operands {
                    // A view costs nothing to repeat: its operand is what must be stored.
                    let mut o = operand;
                    while state.dag[o].value.is_none()
                        && matches!(state.dag[o].op, Op::View(_))
                        && let Some(&below) = state.dag[o].operands.first()
                    {
                        o = below;
                    }
                    wanted[number(&o)] |= repeated(o);
                }
            }
        }
        self.add_roots(|id| wanted[id.index()]);
    }

    /// Makes roots of the needed single elements that are computed on the way: storing one costs nothing, and a loop that tests a
    /// number usually reports it next.
    fn add_single_elements(&mut self, state: &State<P>) {
        let single = |id: &NodeId| self.entry(state, *id).shape.len() == 1;
        if !self.needed.iter().any(single) {
            return;
        }
        // Scalars that the host knows need no storage; see `Graph::host_scalars`.
        let mut known = vec![false; self.order.len()];
        for id in self.ids() {
            let entry = self.entry(state, id);
            known[id.index()] = match entry.role() {
                Role::Leaf => false,
                Role::Slot | Role::Op(Op::Literal(_)) => true,
                Role::Op(op) => {
                    op.is_elementwise() && entry.operands.iter().all(|&o| known[state.dag[o].visit.number as usize])
                }
            };
        }
        let wanted: Vec<NodeId> = self.needed.iter().copied().filter(|id| single(id) && !known[id.index()]).collect();
        let mut wanted = wanted.into_iter().peekable();
        self.add_roots(|id| wanted.next_if_eq(&id).is_some());
    }

    /// Adds the nodes for which `wanted` holds to the roots, unless they are roots already. Calls `wanted` in the order of numbers.
    fn add_roots(&mut self, mut wanted: impl FnMut(NodeId) -> bool) {
        let mut is_root = vec![false; self.order.len()];
        self.roots.iter().for_each(|r| is_root[r.index()] = true);
        for id in self.ids() {
            if wanted(id) && !is_root[id.index()] {
                self.roots.push(id);
            }
        }
    }

    /// Whether the cone equals this graph: every operation, attribute, operand, shape and dtype, and the roots.
    fn equals(&self, state: &State<P>, graph: &Graph) -> bool {
        if graph.nodes.len() != self.order.len() || graph.roots[..] != self.roots[..] {
            return false;
        }
        let (mut leaves, mut slots) = (0, 0);
        // A recorded graph has no kernels, and no leaves and slots besides those of its nodes.
        if !graph.kernels.is_empty() || graph.leaves.len() != self.leaves.len() || graph.slots.len() != self.slots.len()
        {
            return false;
        }
        self.order.iter().zip(&graph.nodes).all(|(&index, node)| {
            let entry = &state.dag[index];
            let same = match (entry.role(), &node.op) {
                (Role::Leaf, Op::Leaf(i)) => {
                    leaves += 1;
                    i + 1 == leaves
                }
                (Role::Slot, Op::Slot(i)) => {
                    slots += 1;
                    i + 1 == slots
                }
                (Role::Op(op), other) => op == other,
                _ => false,
            };
            same && entry.dtype == node.dtype
                && entry.operands.len() == node.operands.len()
                && entry.operands.iter().zip(&node.operands).all(|(&o, n)| state.dag[o].visit.number == n.0)
                && entry.shape == node.shape
        })
    }

    fn copy(&self, state: &State<P>) -> Graph {
        let mut graph = Graph { nodes: Vec::with_capacity(self.order.len()), ..Graph::default() };
        for &index in &self.order {
            let entry = &state.dag[index];
            let op = match entry.role() {
                Role::Leaf => {
                    graph.leaves.push(LeafInfo { shape: entry.shape.clone(), dtype: entry.dtype });
                    Op::Leaf(graph.leaves.len() as u32 - 1)
                }
                Role::Slot => {
                    graph.slots.push(entry.dtype);
                    Op::Slot(graph.slots.len() as u32 - 1)
                }
                Role::Op(op) => op.clone(),
            };
            let operands: Operands = entry.operands.iter().map(|&o| NodeId(state.dag[o].visit.number)).collect();
            graph.nodes.push(Node { op, operands, shape: entry.shape.clone(), dtype: entry.dtype });
        }
        graph.roots = self.roots.to_vec();
        graph
    }
}
