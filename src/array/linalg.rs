//! Products and the host routines of linear algebra.

use super::Array;
use crate::error::{Error, Result};
use crate::graph::{HostOp, Op};

impl Array {
    /// Matrix product of the last two axes, broadcasting over the others.
    #[must_use]
    pub fn matmul(&self, other: &Self) -> Self {
        Self::lift(self.engine(), self.try_matmul(other))
    }

    /// As [`matmul`](Self::matmul), with the error at once.
    ///
    /// # Errors
    /// A shape error when the inner extents or the batches do not fit or an operand has fewer than 2 axes; a dtype error when
    /// the dtypes differ or are bool.
    pub fn try_matmul(&self, other: &Self) -> Result<Self> {
        Self::record(self.engine(), Op::Contract { symmetric: false }, &[self, other], None)
    }

    /// Sum over the last axis of the elementwise product with `other`, which broadcasts.
    #[must_use]
    pub fn dot(&self, other: &Self) -> Self {
        let product = self.mul(other);
        match product.rank() {
            Ok(rank) if rank > 0 => product.sum(rank - 1, false),
            Ok(_) => Self::poisoned(self.engine(), Error::shape("dot: expected at least 1 axis, given 0-d arrays")),
            Err(e) => Self::poisoned(self.engine(), e),
        }
    }

    fn host(&self, op: HostOp, output: u8, operands: &[&Self]) -> Self {
        Self::lift(self.engine(), Self::record(self.engine(), Op::Host { op, output }, operands, None))
    }

    /// QR of an m×n matrix by Householder reflections: Q (m×k) and R (k×n) with k = min(m, n), or m×m and m×n when
    /// `complete`. f32 and f64, on the host; 2mn² flops.
    #[must_use]
    pub fn qr(&self, complete: bool) -> (Self, Self) {
        let op = HostOp::Qr { complete };
        (self.host(op, 0, &[self]), self.host(op, 1, &[self]))
    }

    /// X with self·X = b: by LU for square matrices, least squares of minimum norm otherwise or when singular. On the host.
    #[must_use]
    pub fn solve(&self, b: &Self) -> Self {
        self.host(HostOp::Solve, 0, &[self, b])
    }

    /// As [`solve`](Self::solve), with the reciprocal condition estimate (0-d; 0 when singular).
    #[must_use]
    pub fn solve_with_rcond(&self, b: &Self) -> (Self, Self) {
        (self.solve(b), self.host(HostOp::Solve, 1, &[self, b]))
    }

    /// The inverse of a square matrix; all infinities when it is singular. On the host.
    #[must_use]
    pub fn inv(&self) -> Self {
        self.host(HostOp::Inv, 0, &[self])
    }

    /// As [`inv`](Self::inv), with the reciprocal condition estimate (0-d; 0 when singular).
    #[must_use]
    pub fn inv_with_rcond(&self) -> (Self, Self) {
        (self.inv(), self.host(HostOp::Inv, 1, &[self]))
    }

    /// Lower Cholesky factor of a symmetric positive definite matrix; evaluation fails with a numeric error when it is not.
    #[must_use]
    pub fn cholesky(&self) -> Self {
        self.host(HostOp::Cholesky, 0, &[self])
    }

    /// Determinant (0-d) of a square matrix. On the host.
    #[must_use]
    pub fn det(&self) -> Self {
        self.host(HostOp::Det, 0, &[self])
    }

    /// Eigenvalues (ascending) and eigenvectors (columns) of a symmetric matrix. On the host.
    #[must_use]
    pub fn eigh(&self) -> (Self, Self) {
        (self.host(HostOp::Eigh, 0, &[self]), self.host(HostOp::Eigh, 1, &[self]))
    }

    /// Economy singular value decomposition: U (m×k), the values descending (k), V (n×k). On the host.
    #[must_use]
    pub fn svd(&self) -> (Self, Self, Self) {
        (self.host(HostOp::Svd, 1, &[self]), self.host(HostOp::Svd, 0, &[self]), self.host(HostOp::Svd, 2, &[self]))
    }
}
