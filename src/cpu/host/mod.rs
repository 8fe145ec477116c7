//! Host steps: library routines, and single nodes that have no group form.
//!
//! Nodes of one operation with the same operands come in together (they differ in which output they want), and one
//! factorisation serves them all. Nothing is known of schedules.

use super::reference;
use crate::error::{Error, Result};
use crate::graph::{HostOp, Node, Op};
use crate::types::{HostBuffer, Shape};

/// The results of `nodes`, which all have the same operation and operands but for the output number.
///
/// # Errors
/// Out of memory; numeric errors of the routine (a matrix that is not positive definite); unsupported without the feature
/// `linalg`.
pub fn run_host(nodes: &[&Node], operands: &[(&HostBuffer, &Shape)]) -> Result<Vec<HostBuffer>> {
    let Some(first) = nodes.first() else { return Ok(Vec::new()) };
    if !matches!(first.op, Op::Host { .. }) {
        return nodes.iter().map(|n| reference::eval(n, operands)).collect();
    }
    let wanted: Vec<(HostOp, u8)> = nodes
        .iter()
        .map(|n| match n.op {
            Op::Host { op, output } => Ok((op, output)),
            _ => Err(Error::internal(format!("{}: not a host routine like its neighbours", n.op))),
        })
        .collect::<Result<_>>()?;
    Err(Error::unsupported(format!("{}: this build was made without the feature `linalg`", wanted[0].0.name())))
}
