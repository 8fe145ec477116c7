//! Products and the host routines of linear algebra.

use super::Array;
use crate::error::{Error, Result};
use crate::graph::{HostOp, Op};
use crate::types::DType;

impl Array {
    /// Matrix product of the last two axes: …×m×k by …×k×n gives …×m×n, the other axes broadcasting. 2mkn operations per product.
    #[must_use]
    pub fn matmul(&self, other: &Self) -> Self {
        Self::lift(self.engine(), self.try_matmul(other))
    }

    /// As [`matmul`](Self::matmul), but returns the error instead of a poisoned array.
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
        Self::lift(self.engine(), self.try_dot(other))
    }

    fn try_dot(&self, other: &Self) -> Result<Self> {
        if self.dtype()? == DType::F16 && other.dtype()? == DType::F16 {
            // Products of f16 are exact in f32.
            return Ok(self.cast(DType::F32).try_dot(&other.cast(DType::F32))?.cast(DType::F16));
        }
        let product = self.try_mul(other)?;
        match product.rank()? {
            0 => Err(Error::shape("dot: expected at least 1 axis, given 0-d arrays")),
            rank => product.try_sum(rank - 1, false),
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

    /// X (n×k) with self·X = b, for self m×n and b m×k of f32 or f64: by LU for square matrices, as the least-squares solution of
    /// minimum norm otherwise or when singular. On the host; O(mn·min(m, n)).
    #[must_use]
    pub fn solve(&self, b: &Self) -> Self {
        self.host(HostOp::Solve, 0, &[self, b])
    }

    /// As [`solve`](Self::solve), with the reciprocal condition estimate (0-d; 0 when singular).
    #[must_use]
    pub fn solve_with_rcond(&self, b: &Self) -> (Self, Self) {
        (self.solve(b), self.host(HostOp::Solve, 1, &[self, b]))
    }

    /// The inverse of an n×n matrix of f32 or f64: all infinities when it is singular, all NaN when an element is not finite, and for a
    /// single element its reciprocal. On the host; O(n³).
    #[must_use]
    pub fn inv(&self) -> Self {
        self.host(HostOp::Inv, 0, &[self])
    }

    /// As [`inv`](Self::inv), with the reciprocal condition estimate (0-d; 0 when singular).
    #[must_use]
    pub fn inv_with_rcond(&self) -> (Self, Self) {
        (self.inv(), self.host(HostOp::Inv, 1, &[self]))
    }

    /// Lower Cholesky factor of a symmetric positive definite n×n matrix of f32 or f64. Evaluation fails with a numeric error when
    /// it is not positive definite. On the host; n³/3 operations.
    #[must_use]
    pub fn cholesky(&self) -> Self {
        self.host(HostOp::Cholesky, 0, &[self])
    }

    /// Determinant (0-d) of an n×n matrix of f32 or f64, by LU; only the result may leave the range. On the host; O(n³).
    #[must_use]
    pub fn det(&self) -> Self {
        self.host(HostOp::Det, 0, &[self])
    }

    /// Eigenvalues (n, ascending) and eigenvectors (the columns of an n×n matrix) of a symmetric matrix of f32 or f64. On the host;
    /// O(n³).
    #[must_use]
    pub fn eigh(&self) -> (Self, Self) {
        (self.host(HostOp::Eigh, 0, &[self]), self.host(HostOp::Eigh, 1, &[self]))
    }

    /// Economy singular value decomposition of an m×n matrix of f32 or f64, with k = min(m, n): U (m×k), the singular values in
    /// descending order (k), and V (n×k). On the host; O(mnk).
    #[must_use]
    pub fn svd(&self) -> (Self, Self, Self) {
        (self.host(HostOp::Svd, 1, &[self]), self.host(HostOp::Svd, 0, &[self]), self.host(HostOp::Svd, 2, &[self]))
    }
}
