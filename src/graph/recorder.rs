//! The mutable DAG behind all arrays of an engine: hash-consed nodes, handles, snapshots and publication.
//!
//! In come operations with operands that exist; out come snapshots of demanded cones. A lock guards the DAG only while a node is
//! recorded, a cone is copied or results are published: no planning, no device work and no release of payloads happens under
//! it. `P` is whatever the engine keeps for a stored value; this room never looks inside.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use smallvec::SmallVec;

use super::demand::{Demand, collect};
use super::infer::infer;
use super::{NodeId, Op};
use crate::error::{Error, Result};
use crate::types::{DType, Origin, Scalar, Shape, View};

/// A node of the recorder: its place and the generation of that place, so that a stale reference is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeRef {
    pub(super) index: NodeIndex<u32>,
    pub(super) generation: u32,
}

/// What a recorded node is.
pub(super) struct Entry<P> {
    pub(super) op: Op,
    pub(super) operands: SmallVec<[NodeIndex<u32>; 3]>,
    pub(super) shape: Shape,
    pub(super) dtype: DType,
    /// The value of a slot; nothing else has one before it is published.
    pub(super) scalar: Option<Scalar>,
    /// The stored result, once there is one. A node with a value has no operands any more.
    pub(super) value: Option<Arc<P>>,
    /// Live handles of users.
    handles: u32,
    generation: u32,
    /// Part of an evaluation that is under way.
    pub(super) busy: bool,
    /// Was demanded by an earlier evaluation and not stored by it.
    pub(super) demanded: bool,
    /// Its bytes are part of the state's `input_bytes`.
    counted: bool,
    pub(super) origins: SmallVec<[Origin; 1]>,
    pub(super) tag: Option<&'static str>,
}

/// The DAG and its index by content.
pub(super) struct State<P> {
    pub(super) dag: StableDiGraph<Entry<P>, u8, u32>,
    consed: HashTable<NodeIndex<u32>>,
    hasher: DefaultHashBuilder,
    generations: u32,
    pending: usize,
    /// Bytes of stored values that nobody holds any more and that only pending nodes keep.
    input_bytes: u64,
}

/// Everything an engine's arrays have recorded and still hold on to.
pub struct Recorder<P> {
    state: Mutex<State<P>>,
    finished: Condvar,
}

impl<P> Default for Recorder<P> {
    fn default() -> Self {
        let state = State {
            dag: StableDiGraph::default(),
            consed: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            generations: 0,
            pending: 0,
            input_bytes: 0,
        };
        Self { state: Mutex::new(state), finished: Condvar::new() }
    }
}

/// How many origins a node keeps: a loop that records one expression for ever must not grow it for ever.
const MAX_ORIGINS: usize = 8;

impl<P> Recorder<P> {
    fn lock(&self) -> MutexGuard<'_, State<P>> {
        // A panic in a user's destructor while the lock was held leaves the DAG whole: every change is finished before any
        // foreign code runs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an operation and returns a reference with one handle on it. Equal operations on equal operands are one node.
    ///
    /// # Errors
    /// What inference says of operands that do not fit.
    pub fn record(
        &self,
        op: Op,
        operands: &[NodeRef],
        cast_to: Option<DType>,
        origin: Option<&Origin>,
        tag: Option<&'static str>,
    ) -> Result<NodeRef> {
        let mut state = self.lock();
        let (shape, dtype) = {
            let mut given: SmallVec<[(&Shape, DType); 4]> = SmallVec::new();
            for o in operands {
                let entry = state.entry(*o)?;
                given.push((&entry.shape, entry.dtype));
            }
            infer(&op, &given, cast_to)?
        };
        let indices: SmallVec<[NodeIndex<u32>; 3]> = operands.iter().map(|o| o.index).collect();
        Ok(state.intern(op, indices, shape, dtype, origin, tag))
    }

    /// Records a view of `base`; a view of a view becomes one view wherever strides can express it, and a view that changes
    /// nothing is `base` itself.
    ///
    /// # Errors
    /// A shape error when the view reaches outside its operand.
    pub fn record_view(
        &self,
        base: NodeRef,
        view: View,
        origin: Option<&Origin>,
        tag: Option<&'static str>,
    ) -> Result<NodeRef> {
        let mut state = self.lock();
        let entry = state.entry(base)?;
        if !view.fits(entry.shape.len()) {
            return Err(Error::shape(format!("view {view} reaches outside its operand {}", entry.shape)));
        }
        let (mut view, mut base) = (view, base.index);
        while let Op::View(inner) = &state.dag[base].op
            && let Some(&below) = state.dag[base].operands.first()
            && let Some(both) = view.through(inner)
        {
            view = both;
            base = below;
        }
        if view.is_identity(&state.dag[base].shape) {
            state.hold(base);
            return Ok(state.reference(base));
        }
        let (shape, dtype) = (view.shape().clone(), state.dag[base].dtype);
        Ok(state.intern(Op::View(view), SmallVec::from_slice(&[base]), shape, dtype, origin, tag))
    }

    /// Adds data from outside, with one handle on it.
    pub fn record_leaf(&self, shape: Shape, dtype: DType, value: Arc<P>, origin: Option<&Origin>) -> NodeRef {
        let mut state = self.lock();
        let node = state.insert(Op::Leaf(0), SmallVec::new(), shape, dtype);
        let entry = &mut state.dag[node.index];
        entry.value = Some(value);
        entry.origins.extend(origin.cloned());
        state.pending -= 1;
        node
    }

    /// Adds a 0-d value that is not part of plans, with one handle on it.
    pub fn record_slot(&self, value: Scalar, origin: Option<&Origin>) -> NodeRef {
        let mut state = self.lock();
        let node = state.insert(Op::Slot(0), SmallVec::new(), Shape::scalar(), value.dtype());
        let entry = &mut state.dag[node.index];
        entry.scalar = Some(value);
        entry.origins.extend(origin.cloned());
        node
    }

    /// Shape and dtype of a node.
    ///
    /// # Errors
    /// An internal error for a stale reference.
    pub fn describe(&self, node: NodeRef) -> Result<(Shape, DType)> {
        let state = self.lock();
        let entry = state.entry(node)?;
        Ok((entry.shape.clone(), entry.dtype))
    }

    /// The stored value of a node, if it has one.
    #[must_use]
    pub fn value(&self, node: NodeRef) -> Option<Arc<P>> {
        self.lock().entry(node).ok().and_then(|e| e.value.clone())
    }

    /// The value of a scalar that is known without evaluation: a literal or a slot.
    #[must_use]
    pub fn known_scalar(&self, node: NodeRef) -> Option<Scalar> {
        let state = self.lock();
        let entry = state.entry(node).ok()?;
        match entry.op {
            Op::Literal(s) => Some(s),
            _ => entry.scalar,
        }
    }

    /// Where the node was written, and the name of the composite it is the result of.
    #[must_use]
    pub fn origins(&self, node: NodeRef) -> (Vec<Origin>, Option<&'static str>) {
        self.lock().entry(node).map(|e| (e.origins.to_vec(), e.tag)).unwrap_or_default()
    }

    /// Gives a node a name, for dumps: the label of `origin`. A place on the same line that has none takes it; otherwise the
    /// place is one more of the node's.
    pub fn label(&self, node: NodeRef, origin: &Origin) {
        let mut state = self.lock();
        if state.entry(node).is_err() {
            return;
        }
        let origins = &mut state.dag[node.index].origins;
        let same_line = |o: &Origin| o.file == origin.file && o.line == origin.line;
        if origins.iter().any(|o| same_line(o) && o.label == origin.label) {
            return;
        }
        let unnamed = origins.iter().position(|o| same_line(o) && o.label.is_none());
        match unnamed {
            Some(i) => origins[i].label.clone_from(&origin.label),
            None if origins.len() < MAX_ORIGINS => origins.push(origin.clone()),
            None => {}
        }
    }

    /// One more handle on a node.
    pub fn retain(&self, node: NodeRef) {
        let mut state = self.lock();
        if state.entry(node).is_ok() {
            state.hold(node.index);
        }
    }

    /// One handle less; a node without handles and users goes, and so does everything that only it needed. Iterative, so a
    /// chain of a million nodes does not touch the stack; payloads are dropped after the lock is released.
    pub fn release(&self, node: NodeRef) {
        let mut state = self.lock();
        if state.entry(node).is_err() {
            return;
        }
        state.let_go(node.index);
        let dropped = state.collect_garbage(SmallVec::from_slice(&[node.index]));
        drop(state);
        drop(dropped);
    }

    /// How many nodes are recorded, and how many of them have no value yet.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.dag.node_count(), state.pending)
    }

    /// Bytes of stored values without a handle: inputs that pending nodes alone keep alive.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        self.lock().input_bytes
    }

    /// Whether more than so many nodes are pending, or pending nodes keep more than so many bytes of inputs alive.
    #[must_use]
    pub fn exceeds(&self, nodes: usize, bytes: u64) -> bool {
        let state = self.lock();
        state.pending > nodes || state.input_bytes > bytes
    }

    /// Copies the cone of `roots` into an immutable graph and marks it as being evaluated. Waits for other threads that evaluate
    /// a part of it. `None` when all roots have values already.
    ///
    /// # Errors
    /// An internal error for a stale reference.
    pub fn demand(&self, roots: &[NodeRef]) -> Result<Option<Demand<P>>> {
        let mut state = self.lock();
        loop {
            for r in roots {
                state.entry(*r)?;
            }
            if roots.iter().all(|r| state.dag[r.index].value.is_some()) {
                return Ok(None);
            }
            match collect(&mut state, roots) {
                Some(demand) => return Ok(Some(demand)),
                None => state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Publishes the values of an evaluation, all or nothing, and wakes threads that wait for them. A node that gets a value lets
    /// go of its operands.
    pub fn publish(&self, demand: &Demand<P>, values: Vec<(NodeId, Arc<P>)>) {
        let mut dropped = Vec::new();
        let mut state = self.lock();
        let mut loose = SmallVec::new();
        for (id, value) in values {
            let Some(node) = demand.nodes.get(id.index()).copied().flatten() else { continue };
            if state.entry(node).is_err() || state.dag[node.index].value.is_some() {
                continue;
            }
            state.forget_consed(node.index);
            let operands = std::mem::take(&mut state.dag[node.index].operands);
            let edges: Vec<_> = state
                .dag
                .edges_directed(node.index, Direction::Incoming)
                .map(|e| petgraph::visit::EdgeRef::id(&e))
                .collect();
            for edge in edges {
                state.dag.remove_edge(edge);
            }
            let entry = &mut state.dag[node.index];
            entry.value = Some(value);
            entry.op = Op::Leaf(0);
            state.pending -= 1;
            state.count_input(node.index);
            loose.extend(operands);
        }
        loose.extend(state.unmark(demand, true));
        dropped.extend(state.collect_garbage(loose));
        drop(state);
        self.finished.notify_all();
        drop(dropped);
    }

    /// Gives a demand up after a failure: its nodes stay pending and can be asked for again.
    pub fn abandon(&self, demand: &Demand<P>) {
        let mut state = self.lock();
        let loose = state.unmark(demand, false);
        let dropped = state.collect_garbage(loose);
        drop(state);
        self.finished.notify_all();
        drop(dropped);
    }
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

    /// One more handle.
    pub(super) fn hold(&mut self, index: NodeIndex<u32>) {
        self.dag[index].handles += 1;
        self.count_input(index);
    }

    /// One handle less; what nobody needs any more is collected by the caller.
    fn let_go(&mut self, index: NodeIndex<u32>) {
        self.dag[index].handles -= 1;
        self.count_input(index);
    }

    /// Keeps `input_bytes` true after a change to a node's value or handles.
    fn count_input(&mut self, index: NodeIndex<u32>) {
        let entry = &mut self.dag[index];
        let counts = entry.value.is_some() && entry.handles == 0;
        if counts != entry.counted {
            let bytes = (entry.shape.len() as u64).saturating_mul(entry.dtype.size() as u64);
            entry.counted = counts;
            self.input_bytes = if counts { self.input_bytes + bytes } else { self.input_bytes - bytes };
        }
    }

    /// Whether somebody outside the DAG can still ask for the node.
    pub(super) fn has_handle(&self, index: NodeIndex<u32>) -> bool {
        self.dag[index].handles > 0
    }

    fn insert(&mut self, op: Op, operands: SmallVec<[NodeIndex<u32>; 3]>, shape: Shape, dtype: DType) -> NodeRef {
        self.generations = self.generations.wrapping_add(1);
        let generation = self.generations;
        let index = self.dag.add_node(Entry {
            op,
            operands: operands.clone(),
            shape,
            dtype,
            scalar: None,
            value: None,
            handles: 1,
            generation,
            busy: false,
            demanded: false,
            counted: false,
            origins: SmallVec::new(),
            tag: None,
        });
        for (port, &o) in operands.iter().enumerate() {
            self.dag.add_edge(o, index, port.min(255) as u8);
        }
        self.pending += 1;
        NodeRef { index, generation }
    }

    fn intern(
        &mut self,
        op: Op,
        operands: SmallVec<[NodeIndex<u32>; 3]>,
        shape: Shape,
        dtype: DType,
        origin: Option<&Origin>,
        tag: Option<&'static str>,
    ) -> NodeRef {
        let hash = Self::content_hash(&self.hasher, &op, &operands, dtype);
        let found = self.consed.find(hash, |&i| {
            let e = &self.dag[i];
            e.dtype == dtype && e.operands == operands && e.op == op
        });
        let node = match found.copied() {
            Some(index) => {
                self.hold(index);
                self.reference(index)
            }
            None => {
                let node = self.insert(op, operands, shape, dtype);
                let (dag, hasher) = (&self.dag, &self.hasher);
                self.consed.insert_unique(hash, node.index, |&i| {
                    let e = &dag[i];
                    Self::content_hash(hasher, &e.op, &e.operands, e.dtype)
                });
                node
            }
        };
        let entry = &mut self.dag[node.index];
        if let Some(origin) = origin
            && entry.origins.len() < MAX_ORIGINS
            && !entry.origins.iter().any(|o| o.is_at(origin))
        {
            entry.origins.push(origin.clone());
        }
        entry.tag = entry.tag.or(tag);
        node
    }

    fn content_hash(builder: &DefaultHashBuilder, op: &Op, operands: &[NodeIndex<u32>], dtype: DType) -> u64 {
        let mut hasher = builder.build_hasher();
        op.hash(&mut hasher);
        dtype.hash(&mut hasher);
        for o in operands {
            hasher.write_u32(o.index() as u32);
        }
        hasher.finish()
    }

    fn forget_consed(&mut self, index: NodeIndex<u32>) {
        let e = &self.dag[index];
        let hash = Self::content_hash(&self.hasher, &e.op, &e.operands, e.dtype);
        if let Ok(found) = self.consed.find_entry(hash, |&i| i == index) {
            found.remove();
        }
    }

    /// Ends an evaluation; gives the nodes that only it may have kept alive.
    fn unmark(&mut self, demand: &Demand<P>, succeeded: bool) -> SmallVec<[NodeIndex<u32>; 3]> {
        for node in demand.nodes.iter().flatten() {
            if self.entry(*node).is_ok() {
                let entry = &mut self.dag[node.index];
                entry.busy = false;
                entry.demanded |= succeeded && entry.value.is_none();
            }
        }
        let held: SmallVec<_> = demand.held.iter().filter(|n| self.entry(**n).is_ok()).map(|n| n.index).collect();
        for &index in &held {
            self.let_go(index);
        }
        held
    }

    /// Removes nodes without handle and user, starting from `candidates`, and returns what they held.
    fn collect_garbage(&mut self, mut candidates: SmallVec<[NodeIndex<u32>; 3]>) -> Vec<Entry<P>> {
        let mut dropped = Vec::new();
        while let Some(index) = candidates.pop() {
            let Some(entry) = self.dag.node_weight(index) else { continue };
            if entry.handles > 0 || self.dag.neighbors_directed(index, Direction::Outgoing).next().is_some() {
                continue;
            }
            if entry.value.is_none() {
                self.forget_consed(index);
                self.pending -= 1;
            }
            self.dag[index].handles = 1;
            self.count_input(index);
            if let Some(entry) = self.dag.remove_node(index) {
                candidates.extend(entry.operands.iter().copied());
                dropped.push(entry);
            }
        }
        dropped
    }
}

/// Numbers of nodes already visited, by their place.
pub(super) type Visited = HashMap<NodeIndex<u32>, NodeId>;

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
