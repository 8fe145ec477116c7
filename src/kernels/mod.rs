//! Kernels: WGSL text, bindings, parameters and dispatch for the groups of a schedule.
//!
//! Templates live in `shaders/`; the scalar programs of groups become WGSL here. Dimensions, strides and run-time scalars are
//! parameters, so a new shape reuses a pipeline. This room knows the schedule's products and no device.

mod choose;
mod contract;
mod domain;
mod emitter;
mod faulty;
mod fold;
mod kernel;
mod map;
mod module;
mod ops;
mod rounds;
mod rows;
mod scan;
mod template;
mod text;
mod thin;

pub use kernel::{Arithmetic, Binding, BindingSource, Choice, Kernel, Lowered, Param, Rejected};

use crate::error::{Error, Result};
use crate::schedule::{Core, Group, Value};
use crate::types::{DType, Limits, Numerics};

/// Elements that a kernel may index: 32 bits, with room for the threads beyond the end of an array.
const MAX_ELEMENTS: usize = 0xf000_0000;

/// Turns a group into kernels that keep what `numerics` promises. `values` are the schedule's, `scalars` the dtypes of its run-time
/// scalars.
///
/// # Errors
/// Unsupported where the device lacks a type, where a function has no form in kernels (f64 beyond arithmetic, square roots
/// and comparisons), where an array passes 32-bit indices or a binding's limit, and where a loop would pass the driver's; internal
/// for a group that is not one.
pub fn lower(
    group: &Group,
    values: &[Value],
    scalars: &[DType],
    limits: &Limits,
    numerics: Numerics,
) -> Result<Lowered> {
    if group.domain.is_empty() {
        return Err(Error::internal(format!("group g{} has an empty domain", group.id)));
    }
    if group.domain.len() > MAX_ELEMENTS {
        return Err(Error::unsupported(format!("the domain {} is beyond 32-bit indices", group.domain)));
    }
    let input = module::LoweringInput { group, values, scalars, limits, numerics };
    let mut lowered = match &group.core {
        Core::Map => map::lower(input),
        Core::Rows { .. } => rows::lower(input),
        Core::Contract { .. } => contract::lower(input),
        Core::Scan { .. } => scan::lower(input),
    }?;
    faulty::corrupt(&mut lowered);
    check_bindings(&lowered, values, limits)?;
    check_rounds(&lowered, limits)?;
    Ok(lowered)
}

/// Refuses kernels that the driver would leave before they are done.
fn check_rounds(lowered: &Lowered, limits: &Limits) -> Result<()> {
    match lowered.kernels.iter().find(|k| k.rounds > limits.max_rounds) {
        Some(k) => Err(Error::unsupported(format!(
            "{} may take {} rounds of loops, the driver ends them after {}",
            k.label, k.rounds, limits.max_rounds
        ))),
        None => Ok(()),
    }
}

/// Refuses kernels that bind more at once than the device allows.
fn check_bindings(lowered: &Lowered, values: &[Value], limits: &Limits) -> Result<()> {
    for kernel in &lowered.kernels {
        for binding in &kernel.bindings {
            let bytes = match binding.source {
                BindingSource::Value(id) if values[id.index()].shape.len() > MAX_ELEMENTS => u64::MAX,
                BindingSource::Value(id) => values[id.index()].device_bytes(),
                BindingSource::Scratch(i) => lowered.scratch[i as usize],
            };
            if bytes > limits.max_binding_bytes {
                return Err(Error::unsupported(format!(
                    "{} binds {bytes} bytes at once, the device allows {}",
                    kernel.label, limits.max_binding_bytes
                )));
            }
        }
    }
    Ok(())
}
