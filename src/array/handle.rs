//! The handle itself: identity, shape, dtype, poisoning, and the one door through which nodes are recorded.

use std::fmt;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, NodeRef, Op, Recorded};
use crate::types::{DType, Scalar, Shape, View};

/// A lazy n-dimensional array: a handle on a node of an engine's graph, or the error that came instead of one.
///
/// Cloning costs one reference count. Dropping the last handle on a node that nothing else needs frees its memory.
#[derive(Clone)]
pub struct Array(State);

#[derive(Clone)]
enum State {
    Node(Arc<Handle>),
    Poisoned(Engine, Error),
}

struct Handle {
    engine: Engine,
    node: NodeRef,
    shape: Shape,
    dtype: DType,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.recorder().release(self.node);
    }
}

impl Array {
    /// Takes over the handle that recording gave on a node.
    pub(crate) fn adopt(engine: &Engine, recorded: Recorded) -> Self {
        let Recorded { node, shape, dtype, over_limit } = recorded;
        let array = Self(State::Node(Arc::new(Handle { engine: engine.clone(), node, shape, dtype })));
        if over_limit {
            engine.flush_pending(node);
        }
        array
    }

    /// An array that carries an error instead of a node.
    pub(crate) fn poisoned(engine: &Engine, error: Error) -> Self {
        Self(State::Poisoned(engine.clone(), error.at(crate::engine::origin::current())))
    }

    /// The array, or a poisoned one.
    pub(crate) fn lift(engine: &Engine, result: Result<Self>) -> Self {
        result.unwrap_or_else(|e| Self::poisoned(engine, e))
    }

    fn handle(&self) -> Result<&Handle> {
        match &self.0 {
            State::Node(handle) => Ok(handle),
            State::Poisoned(_, error) => Err(error.clone()),
        }
    }

    /// The node, or the error this array carries.
    pub(crate) fn node(&self) -> Result<NodeRef> {
        Ok(self.handle()?.node)
    }

    /// The engine that this array belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        match &self.0 {
            State::Node(handle) => &handle.engine,
            State::Poisoned(engine, _) => engine,
        }
    }

    /// The extents, outermost first.
    ///
    /// # Errors
    /// The error of a poisoned array.
    pub fn shape(&self) -> Result<Shape> {
        Ok(self.handle()?.shape.clone())
    }

    /// The number of axes.
    ///
    /// # Errors
    /// The error of a poisoned array.
    pub fn rank(&self) -> Result<usize> {
        Ok(self.handle()?.shape.rank())
    }

    /// The dtype of the elements.
    ///
    /// # Errors
    /// The error of a poisoned array.
    pub fn dtype(&self) -> Result<DType> {
        Ok(self.handle()?.dtype)
    }

    /// The error this array carries, if it is poisoned.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match &self.0 {
            State::Node(_) => None,
            State::Poisoned(_, error) => Some(error),
        }
    }

    /// Gives the array a name that dumps and explanations show beside the place where the program is; it changes nothing else.
    /// Does nothing outside [`Engine::with_origin`] and for a poisoned array.
    pub fn name(&self, name: &str) {
        if let (Ok(node), Some(mut origin)) = (self.node(), crate::engine::origin::current()) {
            origin.label = Some(name.into());
            self.engine().recorder().label(node, &origin);
        }
    }

    /// Whether the elements are stored already, so that reading them evaluates nothing.
    #[must_use]
    pub fn is_evaluated(&self) -> bool {
        self.node().is_ok_and(|n| self.engine().recorder().value(n).is_some())
    }

    /// Whether no other clone of this array exists, so that its handle can be reused unseen.
    pub(super) fn is_unshared(&mut self) -> bool {
        match &mut self.0 {
            State::Node(handle) => Arc::get_mut(handle).is_some(),
            State::Poisoned(..) => false,
        }
    }

    /// The array of what was recorded. If recording `consumed` this one, its handle was released then and its memory is reused.
    pub(super) fn turn_into(mut self, recorded: Recorded, consumed: bool) -> Self {
        if consumed
            && let State::Node(handle) = &mut self.0
            && let Some(handle) = Arc::get_mut(handle)
        {
            (handle.node, handle.shape, handle.dtype) = (recorded.node, recorded.shape, recorded.dtype);
            if recorded.over_limit {
                handle.engine.flush_pending(recorded.node);
            }
            return self;
        }
        Self::adopt(self.engine(), recorded)
    }

    /// Records `op` on `operands`, all of this array's engine.
    pub(super) fn record(engine: &Engine, op: Op, operands: &[&Self], tag: Option<&'static str>) -> Result<Self> {
        Ok(Self::adopt(engine, Self::record_node(engine, op, operands, false, tag)?))
    }

    /// As [`record`](Self::record), without a handle for the node. If `consumed`, the first operand's handle is released under the
    /// same lock.
    pub(super) fn record_node(
        engine: &Engine,
        op: Op,
        operands: &[&Self],
        consumed: bool,
        tag: Option<&'static str>,
    ) -> Result<Recorded> {
        let mut nodes: smallvec::SmallVec<[NodeRef; 4]> = smallvec::SmallVec::new();
        for o in operands {
            if !o.engine().same(engine) {
                return Err(Error::argument(format!(
                    "{}: expected arrays of one engine, given arrays of two",
                    op.name()
                ))
                .at(crate::engine::origin::current()));
            }
            nodes.push(o.node()?);
        }
        let consumed = nodes.first().copied().filter(|_| consumed);
        crate::engine::origin::with_current(|origin| {
            engine.recorder().record(op, &nodes, consumed, origin, tag).map_err(|e| e.at(origin.cloned()))
        })
    }

    /// Records an operation of this array and a number. If `consumed`, this array's handle is released under the same lock.
    pub(super) fn record_with_number(
        &self,
        op: BinaryOp,
        number: Scalar,
        number_first: bool,
        consumed: bool,
    ) -> Result<Recorded> {
        let handle = self.handle()?;
        crate::engine::origin::with_current(|origin| {
            let number = (number, number_first);
            let consumed = consumed.then_some(handle.node);
            let recorder = handle.engine.recorder();
            recorder.record_with_number(op, handle.node, number, consumed, origin).map_err(|e| e.at(origin.cloned()))
        })
    }

    /// Records a view of this array.
    pub(super) fn record_view(&self, view: View, tag: Option<&'static str>) -> Result<Self> {
        let handle = self.handle()?;
        let recorded = crate::engine::origin::with_current(|origin| {
            let recorder = handle.engine.recorder();
            recorder.record_view(handle.node, view, origin, tag).map_err(|e| e.at(origin.cloned()))
        })?;
        Ok(Self::adopt(&handle.engine, recorded))
    }

    /// The dense view of this array's shape, to start a view from.
    pub(super) fn dense_view(&self) -> Result<View> {
        Ok(View::dense(&self.handle()?.shape))
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Node(h) => {
                write!(f, "Array({}{}{})", h.dtype, h.shape, if self.is_evaluated() { "" } else { ", pending" })
            }
            State::Poisoned(_, e) => write!(f, "Array(poisoned: {e})"),
        }
    }
}
