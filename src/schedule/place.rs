//! Where nodes may run: what a GPU of given limits can compute, said as text where it cannot.
//!
//! Reads a plain [`Limits`] and nothing of kernels; a test asserts that everything admitted here lowers.

use super::analyse::{Analysis, Role};
use crate::graph::{Graph, NodeId, Op, RngDist};
use crate::types::{DType, Limits, Numerics, OperationKind};

/// A GPU as placement sees it.
#[derive(Clone, Copy)]
pub(super) struct Gpu<'a> {
    /// What it can do.
    pub limits: &'a Limits,
    /// What results must keep.
    pub numerics: Numerics,
}

/// Whether kernels can compute `op` from operands of these dtypes to `result` on a device of these limits.
///
/// # Errors
/// The reason, as dumps show it.
fn gpu_supports(op: &Op, operands: &[DType], result: DType, gpu: Gpu<'_>) -> Result<(), String> {
    let Gpu { limits, numerics } = gpu;
    if let Op::Sort { .. } | Op::Scatter { .. } | Op::Host { .. } = op {
        return Err(format!("{} is a host routine", op.name()));
    }
    let is_cast = matches!(op, Op::Cast { .. });
    for &d in operands {
        if !(is_cast && d == DType::U8) {
            dtype(d, limits)?;
        }
    }
    dtype(result, limits)?;
    let halves_and_longs = operands.iter().chain([&result]).any(|d| *d == DType::F16)
        && operands.iter().chain([&result]).any(|d| matches!(d, DType::F64 | DType::I64));
    if is_cast && halves_and_longs {
        return Err("conversions between f16 and 64-bit dtypes are not in kernels".to_owned());
    }
    if operands.first().copied().unwrap_or(result) == DType::F64 {
        let heavy = match op {
            Op::Unary(u) => u.is_transcendental(),
            Op::Binary(b) => b.is_transcendental(),
            _ => false,
        };
        if heavy {
            return Err(format!("{} of f64 does not exist on GPUs", op.name()));
        }
    }
    if let Some(&from) = operands.first() {
        let kind = OperationKind { name: op.name(), from, to: result };
        if let Some(why) = limits.conformance.refusal(kind, numerics) {
            return Err(format!("the device does not keep what {numerics} promises of {} of {from}: {why}", op.name()));
        }
    }
    match (op, result) {
        (Op::Rng { dist: RngDist::Normal, .. }, d) if d != DType::F32 => {
            Err(format!("normal random elements of {d} do not exist on GPUs"))
        }
        (Op::Rng { dist: RngDist::Uniform, .. }, d) if !matches!(d, DType::F32 | DType::F64) => {
            Err(format!("uniform random elements of {d} do not exist on GPUs"))
        }
        _ => Ok(()),
    }
}

fn dtype(d: DType, limits: &Limits) -> Result<(), String> {
    match d {
        DType::Bool | DType::I32 | DType::U32 | DType::F32 => Ok(()),
        DType::F64 if limits.f64 => Ok(()),
        DType::I64 if limits.i64 => Ok(()),
        DType::F16 if limits.f16 => Ok(()),
        DType::U8 => Err("u8 is read and cast on GPUs, not computed with".to_owned()),
        _ => Err(format!("the adapter has no {d} in kernels")),
    }
}

/// Why a node cannot run on the GPU by itself; `Ok` when it can.
pub(super) fn node_support(graph: &Graph, analysis: &Analysis, id: NodeId, gpu: Gpu<'_>) -> Result<(), String> {
    let node = graph.node(id);
    let operands: Vec<DType> = node.operands.iter().map(|&o| graph.node(o).dtype).collect();
    gpu_supports(&node.op, &operands, node.dtype, gpu)?;
    if matches!(analysis.role(id), Role::Empty) {
        return Err("there is nothing to compute".to_owned());
    }
    if analysis.role(id) == Role::Windows {
        let mut distinct: Vec<NodeId> = node.operands.iter().copied().filter(|&o| !analysis.uniform(o)).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let room = gpu.limits.max_storage_buffers as usize;
        if distinct.len() + 2 > room {
            return Err(format!(
                "{} binds {} buffers, the adapter allows {room} with the parameters",
                node.op.name(),
                distinct.len() + 2
            ));
        }
    }
    Ok(())
}

/// Why values of these sizes cannot be bound, or a domain of this many elements cannot be indexed.
pub(super) fn size_support(elements: usize, bytes: u64, limits: &Limits) -> Result<(), String> {
    if elements > i32::MAX as usize {
        return Err(format!("{elements} elements are past 32-bit indices"));
    }
    let most = limits.max_binding_bytes.min(limits.max_buffer_bytes);
    if bytes > most {
        return Err(format!("{bytes} bytes are past the adapter's largest binding of {most}"));
    }
    Ok(())
}
