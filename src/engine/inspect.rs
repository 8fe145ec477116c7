//! What an engine that inspects records of an evaluation: its inputs, and how long each part took.
//!
//! Off by default: inputs take memory, and timing kernels one by one loses what running them together saves.

use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use super::stored::Inputs;
use crate::error::Result;
use crate::graph::Graph;
use crate::types::{HostBuffer, Scalar};

/// The data that an evaluation started from.
#[derive(Clone, Debug)]
pub struct Given {
    /// The data of the graph's leaves.
    pub leaves: Vec<Arc<HostBuffer>>,
    /// The values of the graph's slots.
    pub slots: Vec<Scalar>,
}

/// How long the stages of a plan took when it was made, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrepareTimes {
    /// The planner.
    pub plan: u64,
    /// The scheduler.
    pub schedule: u64,
    /// Writing kernels.
    pub lower: u64,
}

/// A span of the host's clock, in nanoseconds since the engine was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub start: u64,
    /// How long it lasted.
    pub ns: u64,
}

/// How long a kernel took on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelTime {
    /// The step of the schedule it belongs to.
    pub step: u32,
    /// Which of that step's kernels.
    pub kernel: u32,
    /// Nanoseconds by the device's timestamps.
    pub ns: u64,
}

/// When each part of an evaluation ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The whole evaluation.
    pub whole: Span,
    /// Each step on the host's clock; for a kernel that is the time of handing it to the device.
    pub steps: Vec<Span>,
    /// Each kernel on the device's, where it has timestamps.
    pub kernels: Vec<KernelTime>,
}

/// The clock of an engine that inspects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the engine was built.
    pub(super) fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Engine {
    /// Now, if the engine inspects.
    pub(super) fn now(&self) -> Option<u64> {
        self.0.settings.inspect.map(Clock::now)
    }

    /// The inputs of an evaluation on the host, if the engine inspects.
    pub(super) async fn given(&self, graph: &Graph, inputs: Inputs<'_>) -> Result<Option<Given>> {
        if self.0.settings.inspect.is_none() {
            return Ok(None);
        }
        let mut copies = Vec::with_capacity(inputs.leaves.len());
        for (stored, leaf) in inputs.leaves.iter().zip(&graph.leaves) {
            copies.push(self.host_copy(stored, leaf.dtype, leaf.shape.len()).await?);
        }
        Ok(Some(Given { leaves: copies, slots: inputs.slots.to_vec() }))
    }
}
