//! Kernels: WGSL text, bindings, parameters and dispatch for the groups of a schedule.
//!
//! Templates live in `shaders/`; the scalar programs of groups become WGSL here. Dimensions, strides and run-time scalars are
//! parameters, so a new shape reuses a pipeline. This room knows the schedule's products and no device.

mod body;
mod contract;
mod domain;
mod faulty;
mod fold;
mod map;
mod module;
mod ops;
mod rows;
mod rows_text;
mod scan;
mod template;
mod thin;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::schedule::{Core, Group, Value, ValueId};
use crate::types::{DType, Limits};

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

impl Lowered {
    /// Bytes of memory the kernels hold on to, their text included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let kernel = |k: &Kernel| {
            size_of::<Kernel>()
                + k.label.capacity()
                + k.wgsl.len()
                + k.bindings.capacity() * size_of::<Binding>()
                + k.params.capacity() * size_of::<Param>()
        };
        self.kernels.iter().map(kernel).sum::<usize>() + self.scratch.capacity() * size_of::<u64>()
    }
}

/// Elements that a kernel may index: 32 bits, with room for the threads beyond the end of an array.
const MOST_ELEMENTS: usize = 0xf000_0000;

/// Turns a group into kernels. `values` are the schedule's, `scalars` the dtypes of its run-time scalars.
///
/// # Errors
/// Unsupported where the device lacks a type, where a function has no form in kernels (f64 beyond arithmetic, square roots
/// and comparisons), and where an array passes 32-bit indices or a binding's limit; internal for a group that is not one.
pub fn lower(group: &Group, values: &[Value], scalars: &[DType], limits: &Limits) -> Result<Lowered> {
    if group.domain.is_empty() {
        return Err(Error::internal(format!("group g{} has an empty domain", group.id)));
    }
    if group.domain.len() > MOST_ELEMENTS {
        return Err(Error::unsupported(format!("the domain {} is beyond 32-bit indices", group.domain)));
    }
    let ctx = module::Context { group, values, scalars, limits };
    let mut lowered = match &group.core {
        Core::Map => map::lower(ctx),
        Core::Rows { .. } => rows::lower(ctx),
        Core::Contract { .. } => contract::lower(ctx),
        Core::Scan { .. } => scan::lower(ctx),
    }?;
    faulty::corrupt(&mut lowered);
    for kernel in &lowered.kernels {
        for binding in &kernel.bindings {
            let bytes = match binding.source {
                Source::Value(id) if values[id.index()].shape.len() > MOST_ELEMENTS => u64::MAX,
                Source::Value(id) => values[id.index()].device_bytes(),
                Source::Scratch(i) => lowered.scratch[i as usize],
            };
            if bytes > limits.max_binding_bytes {
                return Err(Error::unsupported(format!(
                    "{} binds {bytes} bytes at once, the device allows {}",
                    kernel.label, limits.max_binding_bytes
                )));
            }
        }
    }
    Ok(lowered)
}
