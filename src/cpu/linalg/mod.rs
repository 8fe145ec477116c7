//! Linear algebra by library routines.
//!
//! Nodes of one routine with the same operands come in together (they differ in which output they want), and one
//! factorisation serves them all. f32 matrices are widened, factored in f64 and rounded at the end; only the threshold of
//! what counts as zero is that of f32. Schedules are unknown here.
//!
//! Matrices that hold NaN or an infinity never reach the library, which may loop on them: `qr`, `solve`, `det` and `inv` give
//! NaN (with a reciprocal condition of 0), and `cholesky`, `eigh` and `svd` are numeric errors. The inverse and the
//! determinant of a single element follow IEEE instead: the inverse of an infinity is 0.
//!
//! The library squares what it is given. A matrix whose elements are far from 1 is scaled by powers of two first, which rounds
//! nothing, and the results are scaled back.

#[cfg(feature = "linalg")]
mod condition;
#[cfg(feature = "linalg")]
mod decompose;
#[cfg(feature = "linalg")]
mod matrix;
#[cfg(feature = "linalg")]
mod routine;
#[cfg(feature = "linalg")]
mod scale;
#[cfg(feature = "linalg")]
mod solve;

use crate::error::{Error, Result};
use crate::graph::{Node, Op};
use crate::types::{HostBuffer, Shape};

/// The results of `nodes`, which are outputs of one routine with the same operands.
///
/// # Errors
/// Out of memory; numeric errors of the routine; unsupported without the feature `linalg`.
pub(super) fn run(nodes: &[&Node], operands: &[(&HostBuffer, &Shape)]) -> Result<Vec<HostBuffer>> {
    let Some(Op::Host { op, .. }) = nodes.first().map(|n| &n.op) else { return Ok(Vec::new()) };
    let output = |n: &&Node| match n.op {
        Op::Host { op: other, output } if other == *op => Ok(output),
        _ => Err(Error::internal(format!("{}: expected only outputs of {} in this step", n.op, op.name()))),
    };
    let outputs: Vec<u8> = nodes.iter().map(output).collect::<Result<_>>()?;
    run_routine(*op, nodes, &outputs, operands)
}

#[cfg(feature = "linalg")]
use routine::run_routine;

#[cfg(not(feature = "linalg"))]
fn run_routine(
    op: crate::graph::HostOp,
    _nodes: &[&Node],
    _outputs: &[u8],
    _operands: &[(&HostBuffer, &Shape)],
) -> Result<Vec<HostBuffer>> {
    Err(Error::unsupported(format!("{}: this build was made without the feature `linalg`", op.name())))
}
