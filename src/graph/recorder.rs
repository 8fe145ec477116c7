//! The mutable DAG behind all arrays of an engine: hash-consed nodes, handles, snapshots and publication.
//!
//! In come operations with operands that exist; out come snapshots of demanded cones. A lock guards the DAG only while a node is
//! recorded, a cone is copied, or results are published: no planning, no device work and no release of payloads happens under
//! it. `P` is whatever the engine keeps for a stored value; this room never looks inside.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use petgraph::stable_graph::NodeIndex;
use smallvec::SmallVec;

use super::demand::{Demand, collect};
use super::infer::infer;
use super::nodes::{MAX_ORIGINS, Places};
use super::state::State;
use super::{BinaryOp, Known, NodeId, Op};
use crate::error::{Error, Result};
use crate::types::{DType, Origin, Scalar, Shape, View};

/// A node of the recorder: its place and the generation of that place, so that a stale reference is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeRef {
    pub(super) index: NodeIndex<u32>,
    pub(super) generation: u32,
}

/// What recording gives: a node with one more handle on it, and what it is.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The node.
    pub node: NodeRef,
    /// Its shape.
    pub shape: Shape,
    /// Its dtype.
    pub dtype: DType,
    /// Whether more is pending than the recorder was told to hold.
    pub crowded: bool,
}

/// Everything an engine's arrays have recorded and still hold on to.
pub struct Recorder<P> {
    state: Mutex<State<P>>,
    finished: Condvar,
    most_pending: usize,
    most_bytes: u64,
}

impl<P> Default for Recorder<P> {
    fn default() -> Self {
        Self::new(usize::MAX, u64::MAX)
    }
}

impl<P> Recorder<P> {
    /// A recorder that calls itself crowded when more nodes than `most_pending` are pending, or when pending nodes keep more than
    /// `most_bytes` bytes of inputs alive that nobody else holds.
    #[must_use]
    pub fn new(most_pending: usize, most_bytes: u64) -> Self {
        Self { state: Mutex::default(), finished: Condvar::new(), most_pending, most_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        // A panic in a user's destructor while the lock was held leaves the DAG whole: every change is finished before any
        // foreign code runs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, state: &State<P>, node: NodeRef) -> Recorded {
        let crowded = state.pending > self.most_pending || state.input_bytes > self.most_bytes;
        Recorded { crowded, ..state.recorded(node) }
    }

    /// Records an operation and gives one handle on it. Equal operations on equal operands are one node. The caller's handle on
    /// `given` goes where nothing fails, in the same step.
    ///
    /// # Errors
    /// What inference says of operands that do not fit.
    pub fn record(
        &self,
        op: Op,
        operands: &[NodeRef],
        given: Option<NodeRef>,
        origin: Option<&Origin>,
        tag: Option<&'static str>,
    ) -> Result<Recorded> {
        let mut state = self.lock();
        let mut places = Places::new();
        let (shape, dtype) = {
            let mut kinds: SmallVec<[(&Shape, DType); 4]> = SmallVec::new();
            for o in operands {
                let entry = state.entry(*o)?;
                kinds.push((&entry.shape, entry.dtype));
                places.push(o.index);
            }
            infer(&op, &kinds)?
        };
        let node = state.intern(op, places, shape, dtype);
        state.note(node.index, origin, tag);
        let dropped = state.give_up(given);
        let recorded = self.give(&state, node);
        drop(state);
        drop(dropped);
        Ok(recorded)
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
    ) -> Result<Recorded> {
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
            return Ok(self.give(&state, state.reference(base)));
        }
        let (shape, dtype) = (view.shape().clone(), state.dag[base].dtype);
        let node = state.intern(Op::View(view), SmallVec::from_slice(&[base]), shape, dtype);
        state.note(node.index, origin, tag);
        Ok(self.give(&state, node))
    }

    /// Adds data from outside, with one handle on it.
    pub fn record_leaf(&self, shape: Shape, dtype: DType, value: Arc<P>, origin: Option<&Origin>) -> Recorded {
        let mut state = self.lock();
        let node = state.insert(Op::Leaf(0), SmallVec::new(), shape, dtype);
        // It has no users yet, so that none is counted as an edge.
        state.dag[node.index].value = Some(value);
        state.pending -= 1;
        state.note(node.index, origin, None);
        self.give(&state, node)
    }

    /// Adds a 0-d value that is not part of plans, with one handle on it.
    pub fn record_slot(&self, value: Scalar, origin: Option<&Origin>) -> Recorded {
        let mut state = self.lock();
        let slot = state.insert_slot(value);
        state.note(slot, origin, None);
        self.give(&state, state.reference(slot))
    }

    /// Records an elementwise operation of a node and a number, which stands on its left if `number_first`. The number is a literal
    /// or a slot that nobody but the operation holds. The caller's handle on `given` goes as in [`record`](Self::record).
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn record_with_number(
        &self,
        op: BinaryOp,
        node: NodeRef,
        (number, number_first): (Scalar, bool),
        given: Option<NodeRef>,
        origin: Option<&Origin>,
    ) -> Result<Recorded> {
        let mut state = self.lock();
        let entry = state.entry(node)?;
        let (of_node, of_number) = ((&entry.shape, entry.dtype), (&Shape::scalar(), number.dtype()));
        let kinds = if number_first { [of_number, of_node] } else { [of_node, of_number] };
        let op = Op::Binary(op);
        let (shape, dtype) = infer(&op, &kinds)?;
        let number = if number.is_structural() {
            state.intern(Op::Literal(number), Places::new(), Shape::scalar(), number.dtype()).index
        } else {
            state.insert_slot(number)
        };
        state.note(number, origin, None);
        let places = if number_first { [number, node.index] } else { [node.index, number] };
        let node = state.intern(op, Places::from_slice(&places), shape, dtype);
        state.let_go(number);
        state.note(node.index, origin, None);
        let dropped = state.give_up(given);
        let recorded = self.give(&state, node);
        drop(state);
        drop(dropped);
        Ok(recorded)
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

    /// What `read` says of the stored value of a node, if it has one. `read` runs under the lock and may not come back here.
    pub fn peek<T>(&self, node: NodeRef, read: impl FnOnce(&P) -> T) -> Option<T> {
        self.lock().entry(node).ok().and_then(|e| e.value.as_deref()).map(read)
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

    /// Gives a node a name, for dumps: the label of `origin`. A place on the same line that has none takes it; otherwise the
    /// place is one more of the node's.
    pub fn label(&self, node: NodeRef, origin: &Origin) {
        let mut state = self.lock();
        if state.entry(node).is_err() {
            return;
        }
        let notes = Arc::make_mut(state.dag[node.index].notes.get_or_insert_default());
        let origins = &mut notes.origins;
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

    /// One handle less; a node without handles and users goes, and so does everything that only it needed. Iterative, so a
    /// chain of a million nodes does not touch the stack; payloads are dropped after the lock is released.
    pub fn release(&self, node: NodeRef) {
        let mut state = self.lock();
        if state.entry(node).is_err() {
            return;
        }
        if state.let_go_lightly(node.index) {
            return;
        }
        let dropped = state.collect_garbage(&[node.index]);
        drop(state);
        drop(dropped);
    }

    /// How many nodes are recorded, and how many of them have no value yet.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.dag.len(), state.pending)
    }

    /// Bytes of stored values without a handle: inputs that pending nodes alone keep alive.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        self.lock().input_bytes
    }

    /// Takes the cone of `roots` as an immutable graph and marks it as being evaluated. Where `known` holds an equal graph that one
    /// is taken and nothing is copied. Waits for other threads that evaluate a part of the cone. `None` when all roots have values
    /// already.
    ///
    /// # Errors
    /// An internal error for a stale reference.
    pub fn demand(&self, roots: &[NodeRef], known: &dyn Known) -> Result<Option<Demand<P>>> {
        let mut state = self.lock();
        loop {
            let mut stored = true;
            for r in roots {
                stored &= state.entry(*r)?.value.is_some();
            }
            if stored {
                return Ok(None);
            }
            match collect(&mut state, roots, known) {
                Some(demand) => return Ok(Some(demand)),
                None => {
                    state.waiting += 1;
                    state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.waiting -= 1;
                }
            }
        }
    }

    /// Publishes the values of an evaluation, all or nothing, and wakes threads that wait for them. A node that gets a value lets
    /// go of its operands.
    pub fn publish(&self, demand: &Demand<P>, values: impl IntoIterator<Item = (NodeId, Arc<P>)>) {
        let mut state = self.lock();
        let (mut loose, mut spare) = (Places::new(), Vec::new());
        for (id, value) in values {
            let node = demand.nodes.get(id.index()).copied().flatten();
            match node.filter(|&n| state.entry(n).is_ok_and(|e| e.value.is_none())) {
                Some(node) => loose.extend(state.store(node.index, value)),
                None => spare.push(value),
            }
        }
        loose.extend(state.unmark(demand, true));
        let dropped = state.collect_garbage(&loose);
        self.wake(state);
        drop((dropped, spare));
    }

    /// Ends the lock, and wakes who waits for what is done now. Nobody usually does, and waking is a call of the system.
    fn wake(&self, state: MutexGuard<'_, State<P>>) {
        let anybody = state.waiting > 0;
        drop(state);
        if anybody {
            self.finished.notify_all();
        }
    }

    /// Gives a demand up after a failure: its nodes stay pending and can be asked for again.
    pub fn abandon(&self, demand: &Demand<P>) {
        let mut state = self.lock();
        let loose = state.unmark(demand, false);
        let dropped = state.collect_garbage(&loose);
        self.wake(state);
        drop(dropped);
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
