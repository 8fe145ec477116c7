//! lazurite: a lazy array engine.

// wgpu's types nest deeper than the default allows when they are shown to cross threads.
#![recursion_limit = "256"]

pub mod algorithms;

pub mod error;
pub mod types;

pub mod graph;

pub mod planner;
pub mod schedule;

pub mod kernels;

pub mod cpu;

pub mod soundness;

pub mod buffers;
#[cfg(feature = "gpu")]
pub mod device;

pub mod engine;

pub mod array;

pub mod dump;

#[cfg(feature = "check")]
pub mod check;

#[cfg(feature = "blocking")]
pub use array::calibrate;
pub use array::{Array, Axes, Operand, SliceSpec, Value};
pub use engine::{Engine, EngineBuilder, Evaluation, RunOptions, Stats, Verify, Without};
pub use error::{Error, Result};
pub use types::{DType, DeviceChoice, Element, Numerics, Order, Origin, Scalar, Shape};
