//! The pipeline on one screen: snapshot, plan, schedule, lower, run, publish; with the plan cache and the record of what ran.
//!
//! [`Engine`] is explicit, cheap to clone and free to share between threads; there is no global state. Every stage is a room's
//! entry function that returns a plain value, and an [`Evaluation`] only concatenates what the rooms print.

mod builder;
mod cache;
mod evaluation;
#[cfg(feature = "gpu")]
mod gpu;
mod inspect;
pub(crate) mod origin;
mod prepare;
mod render;
mod run;
mod scalars;
mod stats;
mod stored;
mod verify;
mod why;

use std::sync::{Arc, Mutex, PoisonError};

use cache::Asked;
use run::{Request, Results};

pub use crate::planner::Proof;
pub use builder::EngineBuilder;
pub use evaluation::Evaluation;
pub use inspect::{Given, KernelTime, PrepareTimes, Span, Times};
pub use prepare::Prepared;
pub(crate) use run::loads;
#[cfg(all(feature = "check", feature = "blocking"))]
pub use run::traced::{Trace, Traced};
pub use stats::Stats;
pub(crate) use stored::Stored;
pub use verify::Verify;

use crate::error::{Error, Result};
use crate::graph::infer::{OperandType, infer};
use crate::graph::{Graph, NodeId, NodeRef, Recorder};
use crate::planner::Rules;
use crate::types::{DType, HostBuffer, Numerics, Origin, Scalar, Shape};

/// A lazy array engine: what arrays record into and what evaluates them.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    recorder: Recorder<Stored>,
    settings: builder::Settings,
    #[cfg(feature = "gpu")]
    gpu: Option<crate::device::Gpu>,
    device_name: Option<Arc<str>>,
    plans: Mutex<cache::PlanCache>,
    counters: stats::Counters,
    last: Mutex<Option<Arc<Evaluation>>>,
}

/// How [`Engine::run_graph`] runs a graph: the same pipeline with stages left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunOptions {
    /// Whether the planner rewrites the graph.
    pub plan: bool,
    /// Whether groups may hold more than one node.
    pub fuse: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { plan: true, fuse: true }
    }
}

/// What [`Engine::run_graph_without`] leaves out of a run, so that a search can find what is at fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Without {
    /// Rules that the planner does not use, by name.
    pub rules: Vec<String>,
    /// Nodes of the planned graph that run by themselves, whatever else is fused.
    pub apart: Vec<NodeId>,
}

impl Engine {
    /// An engine with the defaults: the GPU when there is one and it pays, standard numerics.
    ///
    /// # Errors
    /// What [`EngineBuilder::build`] says.
    #[cfg(feature = "blocking")]
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// As [`new`](Self::new), without blocking.
    ///
    /// # Errors
    /// What [`EngineBuilder::build_async`] says.
    pub async fn new_async() -> Result<Self> {
        Self::builder().build_async().await
    }

    /// Choices first, then the engine.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    pub(crate) fn recorder(&self) -> &Recorder<Stored> {
        &self.0.recorder
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn store_host(&self, buffer: HostBuffer) -> Arc<Stored> {
        Arc::new(Stored::on_host(Arc::new(buffer)))
    }

    /// Evaluates nodes together, in one plan, and publishes their values.
    pub(crate) async fn evaluate_nodes(&self, roots: &[NodeRef]) -> Result<()> {
        let Some(demand) = self.0.recorder.demand(roots, &self.0.plans)? else { return Ok(()) };
        let mut guard = Abandon { recorder: &self.0.recorder, demand: Some(demand) };
        let Some(demand) = guard.demand.as_mut() else { return Ok(()) };
        let asked = Asked { graph: demand.graph.clone(), hash: demand.hash };
        let notes = std::mem::take(&mut demand.notes);
        let choice = RunOptions::default().into();
        let (leaves, slots) = (&demand.leaves[..], &demand.slots[..]);
        let results = self.evaluate(Request { asked, notes, leaves, slots, needed: &demand.needed, choice }).await?;
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
        self.run_graph_choosing(graph, leaves, slots, options.into()).await
    }

    /// As [`run_graph`](Self::run_graph), with rules left out and nodes kept apart.
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
        let choice = prepare::Choice { options, without: without.clone() };
        pollster::block_on(self.run_graph_choosing(graph, leaves, slots, choice))
    }

    async fn run_graph_choosing(
        &self,
        graph: Graph,
        leaves: Vec<HostBuffer>,
        slots: &[Scalar],
        choice: prepare::Choice,
    ) -> Result<Vec<Arc<HostBuffer>>> {
        graph.verify()?;
        if !graph.accepts(&leaves, slots) {
            return Err(Error::argument("run_graph: expected the graph's leaves and slots, given others"));
        }
        let leaves: Vec<Arc<Stored>> = leaves.into_iter().map(|b| self.store_host(b)).collect();
        let asked = Asked::new(graph);
        let graph = asked.graph.clone();
        let request = Request { asked, notes: Vec::new(), leaves: &leaves, slots, needed: &[], choice };
        let values = self.evaluate(request).await?.roots;
        let mut read = Vec::with_capacity(values.len());
        for (stored, root) in values.iter().zip(&graph.roots) {
            let node = graph.node(*root);
            read.push(self.host_copy(stored, node.dtype, node.shape.len()).await?);
        }
        Ok(read)
    }

    /// What was planned, scheduled and run the last time something was evaluated.
    #[must_use]
    pub fn last_evaluation(&self) -> Option<Arc<Evaluation>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counters since the engine was built.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.counters.read();
        let (recorded, pending) = self.0.recorder.counts();
        (stats.recorded_nodes, stats.pending_nodes) = (recorded, pending);
        stats.pending_input_bytes = self.0.recorder.input_bytes();
        (stats.kept_plans, stats.kept_plan_bytes) = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner).size();
        #[cfg(feature = "gpu")]
        if let Some(gpu) = &self.0.gpu {
            stats.device = gpu.stats();
        }
        stats
    }

    /// The numerics mode.
    #[must_use]
    pub fn numerics(&self) -> Numerics {
        self.0.settings.numerics
    }

    /// The rules that plans may use.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        self.0.settings.rules.get()
    }

    /// The GPU in use, in words; `None` when everything runs on the CPU.
    #[must_use]
    pub fn device_name(&self) -> Option<String> {
        self.0.device_name.as_deref().map(str::to_owned)
    }

    /// Everything recorded within `work` on this thread carries `origin`, in dumps and in errors.
    pub fn with_origin<T>(&self, origin: Origin, work: impl FnOnce() -> T) -> T {
        origin::with(origin, work)
    }

    /// Shape and dtype checks without recording: what an operation on operands of these kinds would give.
    ///
    /// # Errors
    /// What inference says of operands that do not fit.
    pub fn infer(&self, op: &crate::graph::Op, operands: &[(&Shape, DType)]) -> Result<(Shape, DType)> {
        let types: Vec<OperandType<'_>> = operands.iter().map(|&(shape, dtype)| OperandType { shape, dtype }).collect();
        infer(op, &types)
    }

    /// Evaluates `node` because more is pending than the engine was told to hold, counted in nodes or in bytes of inputs that only
    /// pending nodes keep alive: a program that never looks at a result must not record for ever. A failure is left
    /// for the evaluation that the user asks for.
    #[cfg_attr(not(feature = "blocking"), expect(unused_variables, reason = "evaluating ahead of demand blocks"))]
    pub(crate) fn relieve(&self, node: NodeRef) {
        #[cfg(feature = "blocking")]
        if !origin::relieving() {
            origin::while_relieving(|| {
                if let Err(error) = pollster::block_on(self.evaluate_nodes(&[node])) {
                    tracing::debug!(%error, "evaluation ahead of demand failed");
                }
            });
        }
    }
}

/// The result of a future. On the CPU nothing is waited for, so the first poll ends it, and what waiting needs is not made.
#[cfg(feature = "blocking")]
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        // Whoever is polled again forgets the waker of before.
        std::task::Poll::Pending => pollster::block_on(future),
    }
}

/// Gives a demand up unless it was published: also when the evaluation's future is dropped midway.
struct Abandon<'a> {
    recorder: &'a Recorder<Stored>,
    demand: Option<crate::graph::Demand<Stored>>,
}

impl Abandon<'_> {
    fn publish(mut self, results: Results) {
        if let Some(demand) = self.demand.take() {
            let roots = demand.graph.roots.iter().copied().zip(results.roots);
            self.recorder.publish(&demand, roots.chain(results.kept));
        }
    }
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if let Some(demand) = self.demand.take() {
            self.recorder.abandon(&demand);
        }
    }
}
