//! One call of a routine: from the operands' buffers to those of the outputs.

use super::{decompose, matrix, solve};
use crate::error::{Error, Result};
use crate::graph::{HostOp, Node};
use crate::types::{HostBuffer, Shape};

/// The results of a routine, one for each of `nodes`, which want the outputs of these numbers.
pub(super) fn run_routine(
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
    let a = matrix::read(*a)?;
    let b = operands.get(1).map(|&b| matrix::read(b)).transpose()?;
    // A defect of the library must not take the process down.
    let work = std::panic::AssertUnwindSafe(|| match op {
        HostOp::Qr { complete } => Ok(decompose::qr(&a, complete, outputs)),
        HostOp::Solve => {
            let b = b.ok_or_else(|| Error::internal("solve: expected a right side"))?;
            solve::solve(&a, &b, eps).map(with_rcond)
        }
        HostOp::Inv => Ok(with_rcond(solve::inv(&a))),
        HostOp::Cholesky => decompose::cholesky(&a).map(|l| vec![l]),
        HostOp::Det => Ok(vec![matrix::scalar(solve::det(&a))]),
        HostOp::Eigh => decompose::eigh(&a),
        HostOp::Svd => decompose::svd(&a),
    });
    let found = std::panic::catch_unwind(work)
        .map_err(|_| Error::internal(format!("{}: the linear algebra library failed", op.name())))??;
    for (to, &output) in results.iter_mut().zip(outputs) {
        let from = found
            .get(output as usize)
            .ok_or_else(|| Error::internal(format!("{}: there is no output {output}", op.name())))?;
        matrix::write(to, from)?;
    }
    Ok(results)
}

/// The outputs of a routine that solves a system.
fn with_rcond(solution: solve::Solution) -> Vec<faer::Mat<f64>> {
    vec![solution.x, matrix::scalar(solution.rcond)]
}
