//! The engine: nodes are recorded into it, and evaluating them plans, runs and publishes their values.
//!
//! [`Engine`] is explicit, cheap to clone and shared freely between threads; there is no global state. In the order of an evaluation,
//! each file knowing only those before it: `prepared` plans, schedules and lowers a graph; `cache` keeps the result; `lookup` finds or
//! makes the one for a graph; `run` carries out its steps; `verify` compares a new plan's first results with the recorded graph's;
//! `evaluate` takes a graph from demand to publication. An [`Evaluation`] is the record of one, made of the very objects that ran.

mod builder;
mod cache;
#[cfg(feature = "gpu")]
mod certify;
mod evaluate;
mod evaluation;
#[cfg(feature = "gpu")]
mod gpu;
mod inspect;
mod lookup;
mod noise;
mod options;
pub(crate) mod origin;
mod prepared;
mod render;
mod run;
mod scalars;
mod settings;
mod stats;
mod stored;
#[cfg(all(feature = "check", feature = "blocking"))]
mod trace;
mod verify;
mod why;

use std::sync::{Arc, Mutex, PoisonError};

pub use crate::planner::Proof;
pub use builder::EngineBuilder;
#[cfg(feature = "blocking")]
pub(crate) use evaluate::wait;
pub use evaluation::Evaluation;
pub use inspect::{Given, KernelTime, PrepareTimes, Span, Times};
pub use options::{RunOptions, Verify, Without};
pub use prepared::Prepared;
pub(crate) use run::loads;
pub use stats::Stats;
pub(crate) use stored::Stored;
#[cfg(all(feature = "check", feature = "blocking"))]
pub use trace::{Trace, Traced};

use crate::error::Result;
use crate::graph::Recorder;
use crate::graph::infer::{OperandType, infer};
use crate::planner::Rules;
use crate::types::{DType, HostBuffer, Numerics, Origin, Shape};

/// A lazy array engine: what arrays record into and what evaluates them.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    recorder: Recorder<Stored>,
    settings: settings::Settings,
    #[cfg(feature = "gpu")]
    gpu: Option<crate::device::Gpu>,
    /// The limits of the GPU with what is known of its arithmetic, once that is settled.
    #[cfg(feature = "gpu")]
    certified: std::sync::OnceLock<crate::types::Limits>,
    device_name: Option<Arc<str>>,
    plans: Mutex<cache::PlanCache>,
    counters: stats::Counters,
    observer: Option<evaluation::Observer>,
    last: Mutex<Option<Arc<Evaluation>>>,
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
}
