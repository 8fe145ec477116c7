//! The mutable DAG behind all arrays of an engine: hash-consed nodes, handles, snapshots and publication.
//!
//! In come operations with operands that exist; out come snapshots of demanded cones. A lock guards the DAG only while a node is
//! recorded, a cone is copied, or results are published: no planning, no device work and no release of payloads happens under
//! it. `P` is what the engine keeps for a stored value; this room never looks inside.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use super::demand::{Demand, GraphLookup, collect};
use super::infer::{OperandType, infer};
use super::nodes::{NodeIndices, NodeRef, Notes};
use super::state::State;
use super::{BinaryOp, NodeId, Op};
use crate::error::{Error, Result};
use crate::types::{DType, Origin, Scalar, Shape, View};

/// The result of recording: a node with one more handle on it, and what it is.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The node.
    pub node: NodeRef,
    /// Its shape.
    pub shape: Shape,
    /// Its dtype.
    pub dtype: DType,
    /// Whether more is pending than the recorder's limits allow.
    pub over_limit: bool,
}

/// Everything an engine's arrays have recorded and still hold on to.
pub struct Recorder<P> {
    state: Mutex<State<P>>,
    finished: Condvar,
    max_pending: usize,
    max_input_bytes: u64,
}

impl<P> Default for Recorder<P> {
    fn default() -> Self {
        Self::new(usize::MAX, u64::MAX)
    }
}

impl<P> Recorder<P> {
    /// A recorder that is over its limit when more than `max_pending` nodes are pending, or when only pending nodes keep more than
    /// `max_input_bytes` bytes of stored values alive.
    #[must_use]
    pub fn new(max_pending: usize, max_input_bytes: u64) -> Self {
        Self { state: Mutex::default(), finished: Condvar::new(), max_pending, max_input_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        // A panic in foreign code, such as a user's destructor, while the lock was held leaves the DAG intact: every change is
        // finished before foreign code runs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recorded(&self, state: &State<P>, node: NodeRef) -> Recorded {
        let over_limit = state.pending > self.max_pending || state.input_bytes > self.max_input_bytes;
        let entry = &state.dag[node.index];
        Recorded { node, shape: entry.shape.clone(), dtype: entry.dtype, over_limit }
    }

    /// Records an operation, with one handle on it. Equal operations on equal operands are one node. Unless recording fails, the
    /// caller's handle on `consumed` is released under the same lock.
    ///
    /// # Errors
    /// The error of inference for operands that do not fit.
    #[inline]
    pub fn record(
        &self,
        op: Op,
        operands: &[NodeRef],
        consumed: Option<NodeRef>,
        origin: Option<&Origin>,
        tag: Option<&'static str>,
    ) -> Result<Recorded> {
        let mut state = self.lock();
        let mut indices = NodeIndices::new();
        let (shape, dtype) = {
            let mut types: SmallVec<[OperandType<'_>; 4]> = SmallVec::new();
            for o in operands {
                let entry = state.entry(*o)?;
                types.push(OperandType { shape: &entry.shape, dtype: entry.dtype });
                indices.push(o.index);
            }
            infer(&op, &types)?
        };
        let node = state.intern(op, indices, shape, dtype);
        state.note(node.index, origin, tag);
        let dropped = state.release_consumed(consumed);
        let recorded = self.recorded(&state, node);
        drop(state);
        drop(dropped);
        Ok(recorded)
    }

    /// Records a view of `base`. A view of a view becomes one view wherever strides can express it; a view that changes nothing is
    /// `base` itself.
    ///
    /// # Errors
    /// A shape error when the view reaches outside its operand or has too many elements.
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
        view.shape().check_size(entry.dtype, tag.unwrap_or("view"))?;
        let (mut view, mut base) = (view, base.index);
        while let Op::View(inner) = &state.dag[base].op
            && let Some(&below) = state.dag[base].operands.first()
            && let Some(both) = view.through(inner)
        {
            view = both;
            base = below;
        }
        if view.is_identity(&state.dag[base].shape) {
            state.retain(base);
            return Ok(self.recorded(&state, state.reference(base)));
        }
        let (shape, dtype) = (view.shape().clone(), state.dag[base].dtype);
        let node = state.intern(Op::View(view), SmallVec::from_slice(&[base]), shape, dtype);
        state.note(node.index, origin, tag);
        Ok(self.recorded(&state, node))
    }

    /// Adds data from outside, with one handle on it.
    pub fn record_leaf(&self, shape: Shape, dtype: DType, value: Arc<P>, origin: Option<&Origin>) -> Recorded {
        let mut state = self.lock();
        let node = state.insert(Op::Leaf(0), SmallVec::new(), shape, dtype);
        // No node uses it yet, so no edge has to be turned into a count.
        state.dag[node.index].value = Some(value);
        state.pending -= 1;
        state.note(node.index, origin, None);
        self.recorded(&state, node)
    }

    /// Adds a 0-d value that is not part of plans, with one handle on it.
    pub fn record_slot(&self, value: Scalar, origin: Option<&Origin>) -> Recorded {
        let mut state = self.lock();
        let slot = state.insert_slot(value);
        state.note(slot, origin, None);
        self.recorded(&state, state.reference(slot))
    }

    /// Records an elementwise operation of a node and a number, which is the left operand if `number_first`. The number becomes a
    /// literal or a slot without a handle. The caller's handle on `consumed` is released as in [`record`](Self::record).
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn record_with_number(
        &self,
        op: BinaryOp,
        node: NodeRef,
        (number, number_first): (Scalar, bool),
        consumed: Option<NodeRef>,
        origin: Option<&Origin>,
    ) -> Result<Recorded> {
        let mut state = self.lock();
        let entry = state.entry(node)?;
        let of_node = OperandType { shape: &entry.shape, dtype: entry.dtype };
        let of_number = OperandType { shape: &Shape::scalar(), dtype: number.dtype() };
        let types = if number_first { [of_number, of_node] } else { [of_node, of_number] };
        let op = Op::Binary(op);
        let (shape, dtype) = infer(&op, &types)?;
        let number = if number.is_structural() {
            state.intern(Op::Literal(number), NodeIndices::new(), Shape::scalar(), number.dtype()).index
        } else {
            state.insert_slot(number)
        };
        state.note(number, origin, None);
        let operands = if number_first { [number, node.index] } else { [node.index, number] };
        let node = state.intern(op, NodeIndices::from_slice(&operands), shape, dtype);
        state.release(number);
        state.note(node.index, origin, None);
        let dropped = state.release_consumed(consumed);
        let recorded = self.recorded(&state, node);
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

    /// The result of `read` on the stored value of a node, if it has one. `read` runs under the lock and may not call the recorder.
    #[cfg(feature = "blocking")]
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

    /// Gives a node a name, for dumps: the label of `origin`. An unlabelled origin on the same line takes it; otherwise `origin`
    /// becomes one more origin of the node.
    pub fn label(&self, node: NodeRef, origin: &Origin) {
        if let Some(entry) = self.lock().dag.get_mut(node) {
            Notes::label(entry.notes.get_or_insert_default(), origin);
        }
    }

    /// Removes a handle. A node without handles and users is removed, and so is everything that only it needed: iteratively, so
    /// that a chain of a million nodes does not overflow the stack. Payloads are dropped after the lock is released.
    pub fn release(&self, node: NodeRef) {
        let mut state = self.lock();
        if state.entry(node).is_err() || state.release(node.index) {
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

    /// Bytes of stored values without a handle, which only pending nodes keep alive.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        self.lock().input_bytes
    }

    /// Takes the cone of `roots` as an immutable graph and marks it as being evaluated. If `lookup` has an equal graph, that one is
    /// used and no node is copied. Waits for other threads that evaluate a part of the cone. `None` when all roots have values
    /// already.
    ///
    /// # Errors
    /// An internal error for a stale reference.
    pub fn demand(&self, roots: &[NodeRef], lookup: &dyn GraphLookup) -> Result<Option<Demand<P>>> {
        let mut state = self.lock();
        loop {
            let mut stored = true;
            for r in roots {
                stored &= state.entry(*r)?.value.is_some();
            }
            if stored {
                return Ok(None);
            }
            match collect(&mut state, roots, lookup) {
                Some(demand) => return Ok(Some(demand)),
                None => {
                    state.waiting += 1;
                    state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.waiting -= 1;
                }
            }
        }
    }

    /// Publishes the values of an evaluation, all or nothing, and wakes the threads that wait for them. A node that gets a value
    /// drops its operands.
    pub fn publish(&self, demand: &Demand<P>, values: impl IntoIterator<Item = (NodeId, Arc<P>)>) {
        let mut state = self.lock();
        let (mut candidates, mut unused) = (NodeIndices::new(), Vec::new());
        for (id, value) in values {
            let node = demand.nodes.get(id.index()).copied().flatten();
            match node.filter(|&n| state.entry(n).is_ok_and(|e| e.value.is_none())) {
                Some(node) => candidates.extend(state.store(node.index, value)),
                None => unused.push(value),
            }
        }
        candidates.extend(demand.end(&mut state, true));
        let dropped = state.collect_garbage(&candidates);
        self.wake(state);
        drop((dropped, unused));
    }

    /// Unlocks the state and wakes the threads that wait for an evaluation to end. Usually there is none, and waking costs a system
    /// call.
    fn wake(&self, state: MutexGuard<'_, State<P>>) {
        let has_waiting = state.waiting > 0;
        drop(state);
        if has_waiting {
            self.finished.notify_all();
        }
    }

    /// Ends a demand after a failure: its nodes stay pending and can be asked for again.
    pub fn abandon(&self, demand: &Demand<P>) {
        let mut state = self.lock();
        let candidates = demand.end(&mut state, false);
        let dropped = state.collect_garbage(&candidates);
        self.wake(state);
        drop(dropped);
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
