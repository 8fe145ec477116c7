//! The handle itself: identity, shape, dtype, poisoning, and the one door through which nodes are recorded.

use std::fmt;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::graph::{NodeRef, Op};
use crate::types::{DType, Shape, View};

/// A lazy n-dimensional array: a handle on a node of an engine's graph, or the error that came instead of one.
///
/// Cloning costs one reference count. Dropping the last handle on a node that nothing else needs frees its memory.
#[derive(Clone)]
pub struct Array {
    pub(super) engine: Engine,
    state: Result<Arc<Handle>>,
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
    /// Takes over the handle that recording gave on `node`.
    pub(crate) fn adopt(engine: &Engine, node: NodeRef) -> Result<Self> {
        let (shape, dtype) = engine.recorder().describe(node)?;
        let handle = Handle { engine: engine.clone(), node, shape, dtype };
        let array = Self { engine: engine.clone(), state: Ok(Arc::new(handle)) };
        engine.relieve(node);
        Ok(array)
    }

    /// An array that carries an error instead of a node.
    pub(crate) fn poisoned(engine: &Engine, error: Error) -> Self {
        Self { engine: engine.clone(), state: Err(error.at(crate::engine::origin::current())) }
    }

    /// The array, or a poisoned one.
    pub(crate) fn lift(engine: &Engine, result: Result<Self>) -> Self {
        result.unwrap_or_else(|e| Self::poisoned(engine, e))
    }

    fn handle(&self) -> Result<&Handle> {
        self.state.as_deref().map_err(Clone::clone)
    }

    /// The node, or the error this array carries.
    pub(crate) fn node(&self) -> Result<NodeRef> {
        Ok(self.handle()?.node)
    }

    /// The engine that this array belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
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
        self.state.as_ref().err()
    }

    /// Gives the array a name that dumps and explanations show beside the place where the program is; it changes nothing else.
    /// Does nothing outside [`Engine::with_origin`] and for a poisoned array.
    pub fn name(&self, name: &str) {
        if let (Ok(node), Some(mut origin)) = (self.node(), crate::engine::origin::current()) {
            origin.label = Some(name.into());
            self.engine.recorder().label(node, &origin);
        }
    }

    /// Whether the elements are stored already, so that reading them evaluates nothing.
    #[must_use]
    pub fn is_evaluated(&self) -> bool {
        self.node().is_ok_and(|n| self.engine.recorder().value(n).is_some())
    }

    /// Records `op` on `operands`, all of this array's engine.
    pub(super) fn record(
        engine: &Engine,
        op: Op,
        operands: &[&Self],
        cast_to: Option<DType>,
        tag: Option<&'static str>,
    ) -> Result<Self> {
        let mut nodes: smallvec::SmallVec<[NodeRef; 4]> = smallvec::SmallVec::new();
        for o in operands {
            if !o.engine.same(engine) {
                return Err(Error::argument(format!(
                    "{}: expected arrays of one engine, given arrays of two",
                    op.name()
                ))
                .at(crate::engine::origin::current()));
            }
            nodes.push(o.node()?);
        }
        let origin = crate::engine::origin::current();
        let node =
            engine.recorder().record(op, &nodes, cast_to, origin.as_ref(), tag).map_err(|e| e.at(origin.clone()))?;
        Self::adopt(engine, node)
    }

    /// Records a view of this array.
    pub(super) fn record_view(&self, view: View, tag: Option<&'static str>) -> Result<Self> {
        let origin = crate::engine::origin::current();
        let node = self
            .engine
            .recorder()
            .record_view(self.node()?, view, origin.as_ref(), tag)
            .map_err(|e| e.at(origin.clone()))?;
        Self::adopt(&self.engine, node)
    }

    /// The dense view of this array's shape, to start a view from.
    pub(super) fn dense_view(&self) -> Result<View> {
        Ok(View::dense(&self.handle()?.shape))
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Ok(h) => write!(f, "Array({}{}{})", h.dtype, h.shape, if self.is_evaluated() { "" } else { ", pending" }),
            Err(e) => write!(f, "Array(poisoned: {e})"),
        }
    }
}
