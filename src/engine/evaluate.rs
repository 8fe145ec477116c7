//! Evaluating: a demanded graph in, its values published; with the fallback to the CPU and the record of what ran.

use std::sync::{Arc, PoisonError};

use super::cache::HashedGraph;
use super::evaluation::Evaluation;
use super::inspect::{Span, Times};
use super::lookup::PlanLookup;
#[cfg(feature = "blocking")]
use super::options::Without;
use super::options::{RunOptions, RunRequest};
use super::run::{Results, Run};
use super::stored::{Inputs, Stored};
use super::verify::{FirstRun, Verified};
use super::{Engine, origin};
use crate::error::{Error, Result};
use crate::graph::{Demand, Graph, NodeId, NodeRef, Notes, Recorder};
use crate::types::{HostBuffer, Scalar};

/// A graph to evaluate, with its data.
struct Request<'a> {
    graph: HashedGraph,
    /// Where nodes were written, where that is known.
    notes: Vec<(NodeId, Arc<Notes>)>,
    inputs: Inputs<'a>,
    /// Nodes worth keeping if they are stored anyway.
    needed: &'a [NodeId],
    run: RunRequest,
}

/// What one run of a request came to.
struct Outcome {
    plan: PlanLookup,
    result: Result<Results>,
    times: Times,
    /// Why the GPU gave way to the CPU, if it did.
    fallback: Option<String>,
}

impl Engine {
    /// Evaluates nodes together, in one plan, and publishes their values.
    pub(crate) async fn evaluate_nodes(&self, roots: &[NodeRef]) -> Result<()> {
        let Some(demand) = self.0.recorder.demand(roots, &self.0.plans)? else { return Ok(()) };
        let mut guard = DemandGuard { recorder: &self.0.recorder, demand: Some(demand) };
        let Some(demand) = guard.demand.as_mut() else { return Ok(()) };
        let results = self
            .evaluate(Request {
                graph: HashedGraph { graph: demand.graph.clone(), hash: demand.hash },
                notes: std::mem::take(&mut demand.notes),
                inputs: Inputs { leaves: &demand.leaves, slots: &demand.slots },
                needed: &demand.needed,
                run: RunRequest::default(),
            })
            .await?;
        guard.publish(results);
        Ok(())
    }

    /// Runs a graph that was built by hand: for checking one against another. Gives the roots in order.
    ///
    /// # Errors
    /// A shape or dtype error when leaves or slots do not match the graph, and what the evaluation says.
    #[cfg(feature = "blocking")]
    pub fn run_graph(
        &self,
        graph: Graph,
        leaves: Vec<HostBuffer>,
        slots: &[Scalar],
        options: RunOptions,
    ) -> Result<Vec<Arc<HostBuffer>>> {
        pollster::block_on(self.run_graph_async(graph, leaves, slots, options))
    }

    /// As [`run_graph`](Self::run_graph), without blocking.
    ///
    /// # Errors
    /// As [`run_graph`](Self::run_graph).
    pub async fn run_graph_async(
        &self,
        graph: Graph,
        leaves: Vec<HostBuffer>,
        slots: &[Scalar],
        options: RunOptions,
    ) -> Result<Vec<Arc<HostBuffer>>> {
        self.run_requested(graph, leaves, slots, options.into()).await
    }

    /// As [`run_graph`](Self::run_graph), without some rules and with some nodes unfused.
    ///
    /// # Errors
    /// As [`run_graph`](Self::run_graph).
    #[cfg(feature = "blocking")]
    pub fn run_graph_without(
        &self,
        graph: Graph,
        leaves: Vec<HostBuffer>,
        slots: &[Scalar],
        options: RunOptions,
        without: &Without,
    ) -> Result<Vec<Arc<HostBuffer>>> {
        let request = RunRequest { options, without: without.clone() };
        pollster::block_on(self.run_requested(graph, leaves, slots, request))
    }

    async fn run_requested(
        &self,
        graph: Graph,
        leaves: Vec<HostBuffer>,
        slots: &[Scalar],
        run: RunRequest,
    ) -> Result<Vec<Arc<HostBuffer>>> {
        graph.verify()?;
        if !graph.accepts(&leaves, slots) {
            return Err(Error::argument("run_graph: expected the graph's leaves and slots, given others"));
        }
        let leaves: Vec<Arc<Stored>> = leaves.into_iter().map(|b| self.store_host(b)).collect();
        let hashed = HashedGraph::new(graph);
        let graph = hashed.graph.clone();
        let inputs = Inputs { leaves: &leaves, slots };
        let values = self.evaluate(Request { graph: hashed, notes: Vec::new(), inputs, needed: &[], run }).await?.roots;
        let mut read = Vec::with_capacity(values.len());
        for (stored, root) in values.iter().zip(&graph.roots) {
            let node = graph.node(*root);
            read.push(self.host_copy(stored, node.dtype, node.shape.len()).await?);
        }
        Ok(read)
    }

    /// Evaluates a graph and records what ran.
    async fn evaluate(&self, request: Request<'_>) -> Result<Results> {
        self.0.counters.evaluations.add(1);
        let asked_at = origin::current();
        let given = self.given(&request.graph.graph, request.inputs).await?;
        let began = self.now();
        let mut outcome = self.run_with_fallback(&request).await?;
        if let Some(key) = outcome.plan.unverified.take()
            && let Ok(results) = outcome.result
        {
            let first = FirstRun { key, prepared: outcome.plan.prepared, results };
            let kept = self.keep_if_sound(first, &request.graph.graph, request.inputs, request.needed).await?;
            let Verified { prepared, results } = kept;
            (outcome.plan.prepared, outcome.result) = (prepared, Ok(results));
        }
        let Outcome { plan, result, mut times, fallback } = outcome;
        let times = began.zip(self.now()).map(|(start, end)| {
            times.whole = Span { start, ns: end.saturating_sub(start) };
            times
        });
        let evaluation = Evaluation {
            graph: request.graph.graph,
            notes: request.notes,
            prepared: plan.prepared,
            cached: plan.cached,
            device: self.0.device_name.clone(),
            asked_at,
            given,
            times,
            fallback,
        };
        self.report(evaluation, result.is_ok());
        result
    }

    /// Runs a request. A failure of the device is repeated on the CPU and recorded with its reason; nothing is lost unless a value
    /// lived on a lost device alone.
    async fn run_with_fallback(&self, request: &Request<'_>) -> Result<Outcome> {
        let Request { graph, inputs, needed, run, .. } = request;
        let mut plan = self.plan_for(graph, *inputs, needed, run, true)?;
        #[cfg(feature = "gpu")]
        if plan.prepared.lowered.iter().any(Option::is_some) && !self.is_certified() {
            self.learn().await;
            plan = self.plan_for(graph, *inputs, needed, run, true)?;
        }
        self.0.counters.evaluated_ops.add(plan.prepared.n_ops);
        let mut fallback = None;
        let mut times = Times::default();
        let mut result = Run::new(self, &plan.prepared, *inputs)?.finish(&mut times).await;
        if let Err(error) = &result
            && plan.prepared.lowered.iter().any(Option::is_some)
            && (error.is_internal() || error.is_unsupported() || error.is_out_of_memory() || error.is_device_lost())
        {
            tracing::warn!(%error, "evaluation failed on the GPU and is repeated on the CPU");
            self.0.counters.fallbacks.add(1);
            fallback = Some(error.to_string());
            plan = self.plan_for(graph, *inputs, needed, run, false)?;
            result = Run::new(self, &plan.prepared, *inputs)?.finish(&mut times).await;
        }
        Ok(Outcome { plan, result, times, fallback })
    }

    /// Shows an evaluation to the observer, if it succeeded, and remembers it as the last one.
    fn report(&self, evaluation: Evaluation, succeeded: bool) {
        let evaluation = Arc::new(evaluation);
        if succeeded && let Some(observer) = &self.0.observer {
            (observer.0)(&evaluation);
        }
        let old = self.0.last.lock().unwrap_or_else(PoisonError::into_inner).replace(evaluation);
        drop(old);
    }

    /// The elements of a node, if they are on the host already.
    #[cfg(feature = "blocking")]
    pub(crate) fn host_value(&self, node: NodeRef) -> Option<Arc<HostBuffer>> {
        self.0.recorder.peek(node, Stored::host).flatten()
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

    /// Evaluates `node` because more is pending than the engine may hold, counted in nodes or in bytes of inputs that only pending
    /// nodes keep alive: a program that never looks at a result must not record for ever. An error is left to the evaluation that
    /// the user asks for.
    #[cfg_attr(not(feature = "blocking"), expect(unused_variables, reason = "evaluating ahead of demand blocks"))]
    pub(crate) fn flush_pending(&self, node: NodeRef) {
        #[cfg(feature = "blocking")]
        if !origin::is_flushing() {
            origin::while_flushing(|| {
                if let Err(error) = pollster::block_on(self.evaluate_nodes(&[node])) {
                    tracing::debug!(%error, "evaluation ahead of demand failed");
                }
            });
        }
    }
}

/// The result of a future. On the CPU nothing waits, so the first poll completes it and no waker is made.
#[cfg(feature = "blocking")]
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        // A future that is polled again forgets the waker it had.
        std::task::Poll::Pending => pollster::block_on(future),
    }
}

/// Abandons a demand unless it is published: also when the evaluation's future is dropped midway.
pub(super) struct DemandGuard<'a> {
    pub(super) recorder: &'a Recorder<Stored>,
    pub(super) demand: Option<Demand<Stored>>,
}

impl DemandGuard<'_> {
    fn publish(mut self, results: Results) {
        if let Some(demand) = self.demand.take() {
            let roots = demand.graph.roots.iter().copied().zip(results.roots);
            self.recorder.publish(&demand, roots.chain(results.kept));
        }
    }
}

impl Drop for DemandGuard<'_> {
    fn drop(&mut self) {
        if let Some(demand) = self.demand.take() {
            self.recorder.abandon(&demand);
        }
    }
}
