//! Linear systems, inverses and determinants.
//!
//! A square matrix goes through an LU factorisation with partial pivoting; one whose factorisation meets a zero pivot, and any
//! matrix that is not square, is solved in the sense of least squares with the smallest solution, as Octave does. A matrix that
//! is merely close to singular keeps the solution of its factorisation: the reciprocal condition tells.

use faer::Mat;
use faer::linalg::solvers::DenseSolveCore;
use faer::prelude::Solve;

use super::condition::{norm1, rcond};
use super::matrix::is_finite;
use crate::error::{Error, Result};
use crate::types::{Fault, seeded};

/// What solves a system, and the reciprocal condition number of its matrix.
pub(super) struct Solution {
    pub(super) x: Mat<f64>,
    pub(super) rcond: f64,
}

/// X of A·X = B and the reciprocal condition of A. `eps` is the rounding unit of the dtype: singular values below that times
/// the larger extent, relative to the largest one, count as zero.
pub(super) fn solve(a: &Mat<f64>, b: &Mat<f64>, eps: f64) -> Result<Solution> {
    let (m, n, p) = (a.nrows(), a.ncols(), b.ncols());
    if m == 0 || n == 0 {
        return Ok(Solution { x: Mat::zeros(n, p), rcond: f64::INFINITY });
    }
    if !is_finite(a) {
        return Ok(Solution { x: Mat::from_fn(n, p, |_, _| f64::NAN), rcond: 0.0 });
    }
    if m != n {
        return least_squares(a, b, eps);
    }
    let lu = a.partial_piv_lu();
    let u = lu.U();
    if (0..n).any(|i| u[(i, i)] == 0.0 || u[(i, i)].is_nan()) {
        return Ok(Solution { rcond: 0.0, ..least_squares(a, b, eps)? });
    }
    let rcond = rcond(n, norm1(a), |x| lu.solve_in_place(x), |x| lu.solve_transpose_in_place(x));
    let mut x = b.clone();
    if seeded(Fault::SolveTransposed) {
        lu.solve_transpose_in_place(&mut x);
    } else {
        lu.solve_in_place(&mut x);
    }
    Ok(Solution { x, rcond })
}

/// The X that makes ‖A·X − B‖ least, and among those ‖X‖ least, with the quotient of the extreme singular values.
fn least_squares(a: &Mat<f64>, b: &Mat<f64>, eps: f64) -> Result<Solution> {
    let (m, n) = (a.nrows(), a.ncols());
    if m > n {
        // The factor R has the singular values of A and is small.
        let qr = a.qr();
        let right = qr.compute_thin_Q().transpose() * b;
        pseudo_solve(&qr.thin_R().to_owned(), &right, eps * m as f64)
    } else if m < n {
        // A = (Q·R)ᵀ = Rᵀ·Qᵀ, and the smallest solution lies in the range of Q.
        let qr = a.transpose().qr();
        let Solution { x, rcond } = pseudo_solve(&qr.thin_R().transpose().to_owned(), b, eps * n as f64)?;
        Ok(Solution { x: qr.compute_thin_Q() * x, rcond })
    } else {
        pseudo_solve(a, b, eps * n as f64)
    }
}

/// The smallest least-squares solution for a square matrix by its singular values, those up to `eps` of the largest being zero.
fn pseudo_solve(a: &Mat<f64>, b: &Mat<f64>, eps: f64) -> Result<Solution> {
    let svd = a.thin_svd().map_err(|_| Error::numeric("solve: the singular values did not converge"))?;
    let s = svd.S().column_vector();
    let n = a.ncols();
    let (largest, smallest) = (s[0], s[n - 1]);
    let threshold = largest * eps;
    let mut y = svd.U().transpose() * b;
    for j in 0..y.ncols() {
        for i in 0..n {
            y[(i, j)] = if s[i] > threshold { y[(i, j)] / s[i] } else { 0.0 };
        }
    }
    let rcond = if largest > 0.0 { smallest / largest } else { 0.0 };
    Ok(Solution { x: svd.V() * y, rcond })
}

/// The inverse and the reciprocal condition; infinities and 0 for a singular matrix.
pub(super) fn inv(a: &Mat<f64>) -> Solution {
    let n = a.nrows();
    if n == 0 {
        return Solution { x: Mat::zeros(0, 0), rcond: f64::INFINITY };
    }
    let singular = || Solution { x: Mat::from_fn(n, n, |_, _| f64::INFINITY), rcond: 0.0 };
    if !is_finite(a) {
        return singular();
    }
    let lu = a.partial_piv_lu();
    let u = lu.U();
    if (0..n).any(|i| u[(i, i)] == 0.0 || u[(i, i)].is_nan()) {
        return singular();
    }
    let rcond = rcond(n, norm1(a), |x| lu.solve_in_place(x), |x| lu.solve_transpose_in_place(x));
    if rcond == 0.0 { singular() } else { Solution { x: lu.inverse(), rcond } }
}

/// The determinant; 1 for a matrix without elements.
pub(super) fn det(a: &Mat<f64>) -> f64 {
    let n = a.nrows();
    if n == 0 {
        return 1.0;
    }
    if !is_finite(a) {
        return f64::NAN;
    }
    let lu = a.partial_piv_lu();
    let u = lu.U();
    let product = (0..n).fold(1.0, |p, i| p * u[(i, i)]);
    if is_odd(lu.P().arrays().0) { -product } else { product }
}

/// Whether a permutation is a product of an odd number of exchanges.
fn is_odd(permutation: &[usize]) -> bool {
    let mut seen = vec![false; permutation.len()];
    let mut odd = false;
    for start in 0..permutation.len() {
        let mut at = start;
        let mut length = 0;
        while !std::mem::replace(&mut seen[at], true) {
            at = permutation[at];
            length += 1;
        }
        odd ^= length > 0 && length % 2 == 0;
    }
    odd
}
