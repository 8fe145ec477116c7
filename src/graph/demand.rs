//! Taking a demanded cone out of the recorder: an immutable graph in topological order, with the stored values at its rim.
//!
//! One walk numbers the cone in first-visit post-order, which is what makes equal programs have equal keys, and mixes the hashes
//! that its nodes were recorded with. Whoever keeps graphs is asked by that hash; a graph found is compared with the cone in full
//! and taken as it is, so that an evaluation that ran before copies no node.

use std::sync::Arc;

use petgraph::stable_graph::NodeIndex;
use smallvec::SmallVec;

use super::key::GraphHasher;
use super::nodes::{Entry, Notes};
use super::recorder::NodeRef;
use super::snapshot::{Graph, LeafInfo, Node, NodeId};
use super::state::State;
use super::{Op, Operands};
use crate::types::Scalar;

/// Graphs that were demanded before.
pub trait Known {
    /// The graph of this hash for which `same` holds. `same` compares in full: two graphs of one hash are nothing to worry about.
    fn find(&self, hash: u64, same: &mut dyn FnMut(&Graph) -> bool) -> Option<Arc<Graph>>;
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
    /// How many of the graph's roots were asked for; the others are pending nodes that a second
    /// evaluation needs, and single elements.
    pub n_asked: usize,
    /// Nodes that somebody can still ask for, by a handle or by a user outside the cone: worth keeping if they are stored anyway.
    pub needed: SmallVec<[NodeId; 4]>,
    /// Where nodes were written and which composite they belong to, where that is known, in the order of the nodes.
    pub notes: Vec<(NodeId, Arc<Notes>)>,
    /// The recorder's node behind each node; `None` for leaves that stand for stored values.
    pub(super) nodes: Vec<Option<NodeRef>>,
    /// Nodes kept alive for the time of the evaluation.
    pub(super) held: SmallVec<[NodeRef; 2]>,
}

/// What a walk finds; see [`Demand`] for what is not said here.
struct Cone<P> {
    /// The nodes in the order of their numbers.
    order: Vec<NodeIndex<u32>>,
    leaves: SmallVec<[Arc<P>; 4]>,
    slots: SmallVec<[Scalar; 4]>,
    roots: SmallVec<[NodeId; 4]>,
    needed: SmallVec<[NodeId; 4]>,
    notes: Vec<(NodeId, Arc<Notes>)>,
    hash: GraphHasher,
    /// Whether an earlier evaluation computed one of the nodes without storing it.
    repeats: bool,
}

/// Takes the cone of `roots`, or gives `None` when another thread is evaluating a part of it.
pub(super) fn collect<P>(state: &mut State<P>, roots: &[NodeRef], known: &dyn Known) -> Option<Demand<P>> {
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
    cone.roots.extend(roots.iter().map(|r| NodeId(state.dag[r.index].seen.1)));
    cone.add_needed(state);
    if cone.repeats {
        cone.add_repeated_roots(state);
    }
    cone.add_single_elements(state);
    let hash = cone.hash.finish(cone.roots.iter().map(|r| r.0));
    let graph = known.find(hash, &mut |graph| cone.is(state, graph)).unwrap_or_else(|| Arc::new(cone.copy(state)));
    let reference = |index: &NodeIndex<u32>| {
        let entry = &state.dag[*index];
        entry.value.is_none().then_some(NodeRef { index: *index, generation: entry.generation })
    };
    let nodes: Vec<Option<NodeRef>> = cone.order.iter().map(reference).collect();
    let held: SmallVec<[NodeRef; 2]> = cone.roots.iter().filter_map(|root| nodes[root.index()]).collect();
    held.iter().for_each(|node| state.hold(node.index));
    let Cone { order, leaves, slots, needed, notes, .. } = cone;
    state.order = order;
    Some(Demand { graph, hash, leaves, slots, n_asked: roots.len(), needed, notes, nodes, held })
}

/// What a node is in a snapshot.
enum Role<'a> {
    Leaf,
    Slot,
    Op(&'a Op),
}

impl<P> Entry<P> {
    fn role(&self) -> Role<'_> {
        match (&self.value, self.scalar) {
            (Some(_), _) => Role::Leaf,
            (None, Some(_)) => Role::Slot,
            (None, None) => Role::Op(&self.op),
        }
    }
}

impl<P> Cone<P> {
    /// Numbers the nodes, marks them as busy, and takes what belongs to the run. Gives false, with nothing marked, when one of them
    /// is busy already.
    fn walk(&mut self, state: &mut State<P>, roots: &[NodeRef]) -> bool {
        state.walk = state.walk.wrapping_add(1);
        if state.walk == 0 {
            // The count came round: old marks must not look new.
            state.dag.entries_mut().for_each(|e| e.seen.0 = 0);
            state.walk = 1;
        }
        let walk = state.walk;
        let mut stack = std::mem::take(&mut state.stack);
        stack.clear();
        for root in roots {
            if state.dag[root.index].seen.0 == walk {
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
                    if state.dag[operand].seen.0 != walk {
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

    fn number(&mut self, state: &mut State<P>, index: NodeIndex<u32>) {
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
            Role::Op(_) => self.hash.node(entry.content, entry.operands.iter().map(|&o| state.dag[o].seen.1)),
        }
        self.repeats |= entry.demanded;
        if let Some(notes) = &entry.notes {
            self.notes.push((NodeId(number), notes.clone()));
        }
        let entry = &mut state.dag[index];
        entry.seen = (state.walk, number);
        // Constants are shared by everything and cost nothing: another thread need not wait for them.
        entry.busy = !entry.is_constant();
    }

    fn entry<'a>(&self, state: &'a State<P>, id: NodeId) -> &'a Entry<P> {
        &state.dag[self.order[id.index()]]
    }

    fn ids(&self) -> std::iter::Map<std::ops::Range<u32>, fn(u32) -> NodeId> {
        (0..self.order.len() as u32).map(NodeId)
    }

    /// Finds the nodes that outlive the evaluation.
    fn add_needed(&mut self, state: &State<P>) {
        for (i, &index) in self.order.iter().enumerate() {
            let entry = &state.dag[index];
            let outside = |user: NodeIndex<u32>| state.dag[user].seen.0 != state.walk;
            if !entry.is_constant() && (entry.handles > 0 || state.dag.users(index).any(outside)) {
                self.needed.push(NodeId(i as u32));
            }
        }
    }

    /// A pending node that an earlier evaluation already computed in registers, and that a *new* node of this one needs, becomes
    /// a root: loops that test a value each time would otherwise recompute from the start.
    fn add_repeated_roots(&mut self, state: &State<P>) {
        let number = |index: &NodeIndex<u32>| state.dag[*index].seen.1 as usize;
        let repeated = |index: NodeIndex<u32>| {
            let e = &state.dag[index];
            e.demanded && !e.is_constant() && !matches!(e.op, Op::View(_))
        };
        let mut wanted = vec![false; self.order.len()];
        for &index in &self.order {
            if !repeated(index) {
                for &operand in &state.dag[index].operands {
                    // A view costs nothing to repeat: what it reads is what must be stored.
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

    /// A needed single element that is computed on the way becomes a root: storing it costs nothing, and a loop that ends by a
    /// number usually reports it next.
    fn add_single_elements(&mut self, state: &State<P>) {
        let single = |id: &NodeId| self.entry(state, *id).shape.len() == 1;
        if !self.needed.iter().any(single) {
            return;
        }
        // What the host knows anyway needs no place: see `Graph::host_scalars`.
        let mut known = vec![false; self.order.len()];
        for id in self.ids() {
            let entry = self.entry(state, id);
            known[id.index()] = match entry.role() {
                Role::Leaf => false,
                Role::Slot | Role::Op(Op::Literal(_)) => true,
                Role::Op(op) => {
                    op.is_elementwise() && entry.operands.iter().all(|&o| known[state.dag[o].seen.1 as usize])
                }
            };
        }
        let wanted: Vec<NodeId> = self.needed.iter().copied().filter(|id| single(id) && !known[id.index()]).collect();
        let mut wanted = wanted.into_iter().peekable();
        self.add_roots(|id| wanted.next_if_eq(&id).is_some());
    }

    /// Adds the nodes for which `wanted` holds, asked in the order of their numbers, to the roots, unless they are among them.
    fn add_roots(&mut self, mut wanted: impl FnMut(NodeId) -> bool) {
        let mut is_root = vec![false; self.order.len()];
        self.roots.iter().for_each(|r| is_root[r.index()] = true);
        for id in self.ids() {
            if wanted(id) && !is_root[id.index()] {
                self.roots.push(id);
            }
        }
    }

    /// Whether the cone is this graph: every operation, attribute, operand, shape and dtype, and the roots.
    fn is(&self, state: &State<P>, graph: &Graph) -> bool {
        if graph.nodes.len() != self.order.len() || graph.roots[..] != self.roots[..] {
            return false;
        }
        let (mut leaves, mut slots) = (0, 0);
        // What a planner added is no part of what was recorded; leaves that no node names would shift nothing, but were not asked for.
        let plain = graph.kernels.is_empty() && graph.guards.is_empty();
        if !plain || graph.leaves.len() != self.leaves.len() || graph.slots.len() != self.slots.len() {
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
                && entry.operands.iter().zip(&node.operands).all(|(&o, n)| state.dag[o].seen.1 == n.0)
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
            let operands: Operands = entry.operands.iter().map(|&o| NodeId(state.dag[o].seen.1)).collect();
            graph.nodes.push(Node { op, operands, shape: entry.shape.clone(), dtype: entry.dtype });
        }
        graph.roots = self.roots.to_vec();
        graph
    }
}
