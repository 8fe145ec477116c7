//! Host steps: library routines, and single nodes that have no group form.
//!
//! Nodes of one operation with the same operands come in together (they differ in which output they want), and one
//! factorisation serves them all. f32 matrices are widened, factored in f64 and rounded at the end; only the threshold of
//! what counts as zero is that of f32. Nothing is known of schedules.
//!
//! Matrices that hold NaN or an infinity never reach the library, which may loop on them: `qr`, `solve` and `det` give NaN,
//! `inv` gives infinities with a reciprocal condition of 0 as for a singular matrix, and `cholesky`, `eigh` and `svd` are
//! numeric errors.

#[cfg(feature = "linalg")]
mod condition;
#[cfg(feature = "linalg")]
mod decompose;
#[cfg(feature = "linalg")]
mod solve;

use super::reference;
use crate::error::{Error, Result};
use crate::graph::{Node, Op};
use crate::types::{HostBuffer, Shape};

/// The results of `nodes`, which all have the same operation and operands but for the output number.
///
/// # Errors
/// Out of memory; numeric errors of the routine (a matrix that is not positive definite, no convergence, non-finite input
/// to `cholesky`, `eigh` or `svd`); unsupported without the feature `linalg`.
pub fn run_host(nodes: &[&Node], operands: &[(&HostBuffer, &Shape)]) -> Result<Vec<HostBuffer>> {
    let Some(first) = nodes.first() else { return Ok(Vec::new()) };
    let Op::Host { op, .. } = first.op else {
        return nodes.iter().map(|n| reference::eval(n, operands)).collect();
    };
    let outputs: Vec<u8> = nodes
        .iter()
        .map(|n| match n.op {
            Op::Host { op: other, output } if other == op => Ok(output),
            _ => Err(Error::internal(format!("{}: expected only outputs of {} in this step", n.op, op.name()))),
        })
        .collect::<Result<_>>()?;
    routine(op, nodes, &outputs, operands)
}

#[cfg(not(feature = "linalg"))]
fn routine(
    op: crate::graph::HostOp,
    _nodes: &[&Node],
    _outputs: &[u8],
    _operands: &[(&HostBuffer, &Shape)],
) -> Result<Vec<HostBuffer>> {
    Err(Error::unsupported(format!("{}: this build was made without the feature `linalg`", op.name())))
}

#[cfg(feature = "linalg")]
use library::routine;

#[cfg(feature = "linalg")]
mod library {
    //! Between host buffers and the library's matrices.

    use faer::Mat;

    use super::{decompose, solve};
    use crate::error::{Error, Result};
    use crate::graph::{HostOp, Node};
    use crate::types::{DType, HostBuffer, Shape};

    /// All results of one routine, by output number.
    pub(super) fn routine(
        op: HostOp,
        nodes: &[&Node],
        outputs: &[u8],
        operands: &[(&HostBuffer, &Shape)],
    ) -> Result<Vec<HostBuffer>> {
        let (Some(a), Some(node)) = (operands.first(), nodes.first()) else {
            return Err(Error::internal(format!("{}: expected a matrix, given nothing", op.name())));
        };
        // The result's memory comes first: a complete Q of a long matrix must be refused before the library tries.
        let mut results: Vec<HostBuffer> =
            nodes.iter().map(|n| HostBuffer::zeros(n.dtype, n.shape.len())).collect::<Result<_>>()?;
        let eps = 2.0 * node.dtype.unit_roundoff();
        let a = matrix(*a)?;
        let b = operands.get(1).map(|&b| matrix(b)).transpose()?;
        // A defect of the library must not take the process down.
        let work = std::panic::AssertUnwindSafe(|| match op {
            HostOp::Qr { complete } => Ok(decompose::qr(&a, complete, outputs)),
            HostOp::Solve => {
                let b = b.ok_or_else(|| Error::internal("solve: expected a right side"))?;
                solve::solve(&a, &b, eps).map(|(x, rcond)| vec![x, scalar(rcond)])
            }
            HostOp::Inv => {
                let (x, rcond) = solve::inv(&a);
                Ok(vec![x, scalar(rcond)])
            }
            HostOp::Cholesky => decompose::cholesky(&a).map(|l| vec![l]),
            HostOp::Det => Ok(vec![scalar(solve::det(&a))]),
            HostOp::Eigh => decompose::eigh(&a),
            HostOp::Svd => decompose::svd(&a),
        });
        let found = std::panic::catch_unwind(work)
            .map_err(|_| Error::internal(format!("{}: the linear algebra library failed", op.name())))??;
        for (to, &output) in results.iter_mut().zip(outputs) {
            let from = found
                .get(output as usize)
                .ok_or_else(|| Error::internal(format!("{}: there is no output {output}", op.name())))?;
            write(to, from)?;
        }
        Ok(results)
    }

    fn scalar(x: f64) -> Mat<f64> {
        Mat::from_fn(1, 1, |_, _| x)
    }

    fn matrix((buffer, shape): (&HostBuffer, &Shape)) -> Result<Mat<f64>> {
        let [m, n] = shape[..] else {
            return Err(Error::shape(format!("expected a matrix, given {shape}")));
        };
        Ok(match buffer.dtype() {
            DType::F32 => {
                let s = buffer.as_slice::<f32>()?;
                Mat::from_fn(m, n, |i, j| f64::from(s[i * n + j]))
            }
            _ => {
                let s = buffer.as_slice::<f64>()?;
                Mat::from_fn(m, n, |i, j| s[i * n + j])
            }
        })
    }

    fn write(to: &mut HostBuffer, from: &Mat<f64>) -> Result<()> {
        let n = from.ncols().max(1);
        if to.len() != from.nrows() * from.ncols() {
            return Err(Error::internal(format!(
                "a library result of {}×{} does not fill {} elements",
                from.nrows(),
                from.ncols(),
                to.len()
            )));
        }
        match to.dtype() {
            DType::F32 => {
                for (i, t) in to.as_mut_slice::<f32>()?.iter_mut().enumerate() {
                    *t = from[(i / n, i % n)] as f32;
                }
            }
            _ => {
                for (i, t) in to.as_mut_slice::<f64>()?.iter_mut().enumerate() {
                    *t = from[(i / n, i % n)];
                }
            }
        }
        Ok(())
    }

    /// Whether every element is a finite number.
    pub(super) fn is_finite(a: &Mat<f64>) -> bool {
        (0..a.ncols()).all(|j| (0..a.nrows()).all(|i| a[(i, j)].is_finite()))
    }
}
