//! Linear systems, inverses and determinants.
//!
//! A square matrix goes through an LU factorisation with partial pivoting; one whose factorisation meets a zero pivot, and any
//! matrix that is not square, is solved in the sense of least squares with the smallest solution, as Octave does. A matrix that
//! is merely close to singular keeps the solution of its factorisation: the reciprocal condition tells.

use faer::Mat;
use faer::linalg::solvers::{DenseSolveCore, PartialPivLu};
use faer::prelude::Solve;
use libm::ldexp;

use super::condition::{norm1, rcond};
use super::matrix::is_finite;
use super::scale::{self, Equilibrated};
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
    let Factors { lu, scaled, rcond } = Factors::new(a);
    if rcond.is_none() {
        return Ok(Solution { rcond: 0.0, ..least_squares(a, b, eps)? });
    }
    let (mut x, extra) = scaled.right(b);
    if seeded(Fault::SolveTransposed) {
        lu.solve_transpose_in_place(&mut x);
    } else {
        lu.solve_in_place(&mut x);
    }
    Ok(Solution { x: scaled.solution(&x, &extra), rcond: rcond.unwrap_or(0.0) })
}

/// A square matrix of finite elements after elimination.
struct Factors {
    lu: PartialPivLu<f64>,
    scaled: Equilibrated,
    /// The reciprocal condition; `None` when a pivot is zero.
    rcond: Option<f64>,
}

impl Factors {
    fn new(a: &Mat<f64>) -> Self {
        let n = a.nrows();
        let scaled = Equilibrated::new(a);
        let lu = scaled.a.partial_piv_lu();
        let u = lu.U();
        if (0..n).any(|i| u[(i, i)] == 0.0 || u[(i, i)].is_nan()) {
            return Self { lu, scaled, rcond: None };
        }
        // The condition is that of the matrix as it was, divided as a whole by a power of two.
        let (whole, e) = scale::whole(a);
        let (rows, columns) = (&scaled.rows, &scaled.columns);
        let solve = |x: &mut Mat<f64>| {
            *x = scale::by(x, |i, _| e - rows[i]);
            lu.solve_in_place(&mut *x);
            *x = scale::by(x, |i, _| -columns[i]);
        };
        let solve_transposed = |x: &mut Mat<f64>| {
            *x = scale::by(x, |i, _| -columns[i]);
            lu.solve_transpose_in_place(&mut *x);
            *x = scale::by(x, |i, _| e - rows[i]);
        };
        let rcond = Some(rcond(n, norm1(&whole), solve, solve_transposed));
        Self { lu, scaled, rcond }
    }
}

/// The X that makes ‖A·X − B‖ least, and among those ‖X‖ least, with the quotient of the extreme singular values.
fn least_squares(a: &Mat<f64>, b: &Mat<f64>, eps: f64) -> Result<Solution> {
    let ((a, e), (b, extra)) = (scale::whole(a), scale::columns(b));
    let Solution { x, rcond } = least_squares_scaled(&a, &b, eps)?;
    Ok(Solution { x: scale::by(&x, |_, j| extra[j] - e), rcond })
}

fn least_squares_scaled(a: &Mat<f64>, b: &Mat<f64>, eps: f64) -> Result<Solution> {
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

/// The inverse and the reciprocal condition; infinities and 0 for a singular matrix, NaN and 0 for one that is not finite. The
/// inverse of a single element is its reciprocal.
pub(super) fn inv(a: &Mat<f64>) -> Solution {
    let n = a.nrows();
    if n == 0 {
        return Solution { x: Mat::zeros(0, 0), rcond: f64::INFINITY };
    }
    if n == 1 {
        let x = a[(0, 0)];
        let rcond = if x.is_finite() && x != 0.0 { 1.0 } else { 0.0 };
        return Solution { x: Mat::from_fn(1, 1, |_, _| x.recip()), rcond };
    }
    let filled = |with: f64| Solution { x: Mat::from_fn(n, n, |_, _| with), rcond: 0.0 };
    if !is_finite(a) {
        return filled(f64::NAN);
    }
    let Factors { lu, scaled, rcond } = Factors::new(a);
    match rcond {
        Some(rcond) if rcond > 0.0 => {
            let inverse = lu.inverse();
            let x = scale::by(&inverse, |i, j| -scaled.columns[i] - scaled.rows[j]);
            Solution { x, rcond }
        }
        _ => filled(f64::INFINITY),
    }
}

/// The determinant; 1 for a matrix without elements. The pivots' product is taken apart from its exponent, so only the result may
/// leave the range.
pub(super) fn det(a: &Mat<f64>) -> f64 {
    let n = a.nrows();
    if n == 0 {
        return 1.0;
    }
    if n == 1 {
        return a[(0, 0)];
    }
    if !is_finite(a) {
        return f64::NAN;
    }
    let scaled = Equilibrated::new(a);
    let lu = scaled.a.partial_piv_lu();
    let u = lu.U();
    if let Some(end) = (0..n).map(|i| u[(i, i)]).find(|pivot| *pivot == 0.0 || pivot.is_nan()) {
        // What comes after a pivot of zero was divided by it.
        return end;
    }
    let (product, exponent) = scale::product((0..n).map(|i| u[(i, i)]));
    let scales = scaled.rows.iter().chain(&scaled.columns).map(|&e| i64::from(e)).sum::<i64>();
    let det = ldexp(product, (exponent + scales).clamp(-10_000, 10_000) as i32);
    if is_odd(lu.P().arrays().0) { -det } else { det }
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
