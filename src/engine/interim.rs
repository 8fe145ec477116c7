//! Evaluation by the reference, node by node: what the pipeline is held against, and what stands in for it until it is whole.

use std::sync::{Arc, PoisonError};

use super::{Engine, Evaluation, RunOptions};
use crate::cpu::reference;
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeRef};
use crate::types::{DType, HostBuffer, Origin, Scalar};

/// Where a node was written, and the composite it belongs to.
pub(super) type Origins = (Vec<Origin>, Option<&'static str>);

/// A stored value.
pub(crate) struct Stored(Arc<HostBuffer>);

impl Stored {
    pub(crate) fn on_host(buffer: Arc<HostBuffer>) -> Self {
        Self(buffer)
    }
}

impl Engine {
    pub(super) async fn evaluate(
        &self,
        graph: Arc<Graph>,
        origins: Vec<Origins>,
        leaves: &[Arc<Stored>],
        slots: &[Scalar],
        _: RunOptions,
    ) -> Result<Vec<Arc<Stored>>> {
        self.0.counters.evaluations.add(1);
        let leaves: Vec<&HostBuffer> = leaves.iter().map(|l| &*l.0).collect();
        let values = reference::eval_graph(&graph, &leaves, slots)?;
        let mut values: Vec<Arc<HostBuffer>> = values.into_iter().map(Arc::new).collect();
        let roots = graph.roots.iter().map(|r| Arc::new(Stored(values[r.index()].clone()))).collect();
        values.clear();
        let evaluation = Arc::new(Evaluation { graph, origins });
        if let Some(o) = &self.0.settings.observer {
            (o.0)(&evaluation);
        }
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(evaluation);
        Ok(roots)
    }

    pub(super) async fn host_copy(&self, stored: &Stored, _: DType, _: usize) -> Result<Arc<HostBuffer>> {
        Ok(stored.0.clone())
    }

    /// The elements of an evaluated node on the host, read back if need be.
    pub(crate) async fn read_node(&self, node: NodeRef) -> Result<Arc<HostBuffer>> {
        if let Some(stored) = self.0.recorder.value(node) {
            let (shape, dtype) = self.0.recorder.describe(node)?;
            return self.host_copy(&stored, dtype, shape.len()).await;
        }
        match self.0.recorder.known_scalar(node) {
            Some(s) => Ok(Arc::new(HostBuffer::from_scalar(s)?)),
            None => Err(Error::internal("a node without a value after its evaluation")),
        }
    }
}
