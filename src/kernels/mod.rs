//! Kernels: WGSL text, bindings, parameters and dispatch for the groups of a schedule.
//!
//! Templates live in `shaders/`; the scalar programs of groups become WGSL here. Dimensions, strides and run-time scalars are
//! parameters, so a new shape reuses a pipeline. This room knows the schedule's products and no device.

use std::sync::Arc;

use crate::schedule::ValueId;

/// What a binding shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A value of the schedule.
    Value(ValueId),
    /// Scratch memory of the lowered group, by number.
    Scratch(u32),
}

/// A storage buffer of a kernel. The same source never appears twice in one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What is bound.
    pub source: Source,
    /// Whether the kernel writes it (`read_write`), else `read`.
    pub writable: bool,
}

/// A word or two of the parameter buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// A 32-bit word known at lowering (an extent, a stride, an offset as two's complement).
    Word(u32),
    /// The run's scalar `schedule.scalars[i]`: one word, or two (low first) for 64-bit dtypes; bool is 0 or 1.
    Scalar(u32),
}

/// A kernel ready to dispatch. Group 0, binding 0 is the parameter buffer (`var<storage, read> params: array<u32>`);
/// `bindings[i]` is binding `i + 1`. The entry point is `main`.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// For dumps and debuggers: the core and the group, `syrk g3`.
    pub label: String,
    /// The whole module. Equal text means equal pipeline.
    pub wgsl: Arc<str>,
    /// Storage buffers in order.
    pub bindings: Vec<Binding>,
    /// The parameter buffer.
    pub params: Vec<Param>,
    /// Workgroups along x, y, z.
    pub workgroups: [u32; 3],
}

/// A group as kernels to dispatch one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lowered {
    /// In order; each may read what an earlier one wrote.
    pub kernels: Vec<Kernel>,
    /// Bytes of each scratch buffer.
    pub scratch: Vec<u64>,
}
