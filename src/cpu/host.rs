//! Host steps: library routines, and single nodes that have no group form.

use super::{linalg, reference};
use crate::error::Result;
use crate::graph::{Node, Op};
use crate::types::{HostBuffer, Shape};

/// The results of `nodes`, which all have the same operation and operands; those of a library routine differ in their output number.
///
/// # Errors
/// Out of memory; numeric errors of the routine (a matrix that is not positive definite, no convergence, non-finite input
/// to `cholesky`, `eigh` or `svd`); unsupported without the feature `linalg`.
pub fn run_host(nodes: &[&Node], operands: &[(&HostBuffer, &Shape)]) -> Result<Vec<HostBuffer>> {
    match nodes.first().map(|n| &n.op) {
        Some(Op::Host { .. }) => linalg::run(nodes, operands),
        _ => nodes.iter().map(|n| reference::eval(n, operands)).collect(),
    }
}
