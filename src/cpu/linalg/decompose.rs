//! Factorisations: QR, Cholesky, symmetric eigenvectors, singular values.
//!
//! QR is by Householder reflections with LAPACK's signs: the diagonal of R has the sign opposite to the column's leading
//! element, and a column that is already reduced is left alone.

use faer::{Mat, Side};
use libm::ldexp;

use super::matrix::is_finite;
use super::scale;
use crate::error::{Error, Result};

/// Q and R; only Q or only R is formed when nothing else is in `wanted`.
pub(super) fn qr(a: &Mat<f64>, complete: bool, wanted: &[u8]) -> Vec<Mat<f64>> {
    let (a, exponents) = scale::columns(a);
    let mut factors = qr_scaled(&a, complete, wanted);
    factors[1] = scale::by(&factors[1], |_, j| exponents[j]);
    factors
}

fn qr_scaled(a: &Mat<f64>, complete: bool, wanted: &[u8]) -> Vec<Mat<f64>> {
    let (m, n) = (a.nrows(), a.ncols());
    let k = if complete { m } else { m.min(n) };
    if m == 0 || n == 0 {
        return vec![Mat::identity(m, k), Mat::zeros(k, n)];
    }
    if !is_finite(a) {
        let r = Mat::from_fn(k, n, |i, j| if i <= j { f64::NAN } else { 0.0 });
        return vec![Mat::from_fn(m, k, |_, _| f64::NAN), r];
    }
    let factors = a.qr();
    let r = factors.R();
    if (0..m.min(n)).any(|i| r[(i, i)] == 0.0) {
        // For a column that is already reduced to zero the library uses no row; LAPACK does.
        return householder(a, k);
    }
    let q = match (wanted.contains(&0), complete) {
        (false, _) => Mat::zeros(0, 0),
        (true, true) => factors.compute_Q(),
        (true, false) => factors.compute_thin_Q(),
    };
    vec![q, Mat::from_fn(k, n, |i, j| if i <= j && i < r.nrows() { r[(i, j)] } else { 0.0 })]
}

/// QR with one reflection a column, as LAPACK's unblocked `dgeqr2` orders them, for matrices with exactly dependent columns.
fn householder(a: &Mat<f64>, k: usize) -> Vec<Mat<f64>> {
    let (m, n) = (a.nrows(), a.ncols());
    let mut r = a.clone();
    // Reflection j is I − τ·v·vᵀ with v = (0, …, 1, below the diagonal of column j).
    let mut taus = vec![0.0; m.min(n)];
    for j in 0..m.min(n) {
        let alpha = r[(j, j)];
        let below = (j + 1..m).map(|i| r[(i, j)]).fold(0.0, f64::hypot);
        if below == 0.0 {
            continue;
        }
        let beta = -alpha.hypot(below).copysign(alpha);
        taus[j] = (beta - alpha) / beta;
        for i in j + 1..m {
            r[(i, j)] /= alpha - beta;
        }
        r[(j, j)] = beta;
        for column in j + 1..n {
            let along = taus[j] * (r[(j, column)] + (j + 1..m).map(|i| r[(i, j)] * r[(i, column)]).sum::<f64>());
            r[(j, column)] -= along;
            for i in j + 1..m {
                r[(i, column)] -= along * r[(i, j)];
            }
        }
    }
    let mut q = Mat::identity(m, k);
    for (j, &tau) in taus.iter().enumerate().rev().filter(|t| *t.1 != 0.0) {
        for column in j..k {
            let along = tau * (q[(j, column)] + (j + 1..m).map(|i| r[(i, j)] * q[(i, column)]).sum::<f64>());
            q[(j, column)] -= along;
            for i in j + 1..m {
                q[(i, column)] -= along * r[(i, j)];
            }
        }
    }
    vec![q, Mat::from_fn(k, n, |i, j| if i <= j { r[(i, j)] } else { 0.0 })]
}

/// The lower Cholesky factor, from the lower triangle.
pub(super) fn cholesky(a: &Mat<f64>) -> Result<Mat<f64>> {
    let refused = || Error::numeric("cholesky: expected a positive definite matrix");
    if a.nrows() == 0 {
        return Ok(Mat::zeros(0, 0));
    }
    if !is_finite(a) {
        return Err(refused());
    }
    let factor = a.llt(Side::Lower).map_err(|_| refused())?;
    let l = factor.L();
    Ok(Mat::from_fn(a.nrows(), a.ncols(), |i, j| if i >= j { l[(i, j)] } else { 0.0 }))
}

/// Eigenvalues, ascending, and eigenvectors of a symmetric matrix, from its lower triangle.
pub(super) fn eigh(a: &Mat<f64>) -> Result<Vec<Mat<f64>>> {
    let n = a.nrows();
    if n == 0 {
        return Ok(vec![Mat::zeros(0, 1), Mat::zeros(0, 0)]);
    }
    finite("eigh", a)?;
    let (a, e) = scale::whole(a);
    let eigen =
        a.self_adjoint_eigen(Side::Lower).map_err(|_| Error::numeric("eigh: the eigenvalues did not converge"))?;
    let values = eigen.S().column_vector();
    Ok(vec![Mat::from_fn(n, 1, |i, _| ldexp(values[i], e)), eigen.U().to_owned()])
}

/// Singular values, descending, and the economy U and V.
pub(super) fn svd(a: &Mat<f64>) -> Result<Vec<Mat<f64>>> {
    let (m, n) = (a.nrows(), a.ncols());
    let k = m.min(n);
    if k == 0 {
        return Ok(vec![Mat::zeros(0, 1), Mat::zeros(m, 0), Mat::zeros(n, 0)]);
    }
    finite("svd", a)?;
    let (a, e) = scale::whole(a);
    let svd = a.thin_svd().map_err(|_| Error::numeric("svd: the singular values did not converge"))?;
    let s = svd.S().column_vector();
    Ok(vec![Mat::from_fn(k, 1, |i, _| ldexp(s[i], e)), svd.U().to_owned(), svd.V().to_owned()])
}

fn finite(name: &str, a: &Mat<f64>) -> Result<()> {
    if is_finite(a) {
        return Ok(());
    }
    Err(Error::numeric(format!("{name}: expected finite elements, given NaN or infinity")))
}
