//! Factorisations: QR, Cholesky, symmetric eigenvectors, singular values.
//!
//! QR is by Householder reflections with LAPACK's signs: the diagonal of R has the sign opposite to the column's leading
//! element, and a column that is already reduced is left alone.

use faer::{Mat, Side};

use super::library::is_finite;
use crate::error::{Error, Result};

/// Q and R; only Q or only R is formed when nothing else is in `wanted`.
pub(super) fn qr(a: &Mat<f64>, complete: bool, wanted: &[u8]) -> Vec<Mat<f64>> {
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
    let q = match (wanted.contains(&0), complete) {
        (false, _) => Mat::zeros(0, 0),
        (true, true) => factors.compute_Q(),
        (true, false) => factors.compute_thin_Q(),
    };
    let r = factors.R();
    vec![q, Mat::from_fn(k, n, |i, j| if i <= j && i < r.nrows() { r[(i, j)] } else { 0.0 })]
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
    let eigen =
        a.self_adjoint_eigen(Side::Lower).map_err(|_| Error::numeric("eigh: the eigenvalues did not converge"))?;
    let values = eigen.S().column_vector();
    Ok(vec![Mat::from_fn(n, 1, |i, _| values[i]), eigen.U().to_owned()])
}

/// Singular values, descending, and the economy U and V.
pub(super) fn svd(a: &Mat<f64>) -> Result<Vec<Mat<f64>>> {
    let (m, n) = (a.nrows(), a.ncols());
    let k = m.min(n);
    if k == 0 {
        return Ok(vec![Mat::zeros(0, 1), Mat::zeros(m, 0), Mat::zeros(n, 0)]);
    }
    finite("svd", a)?;
    let svd = a.thin_svd().map_err(|_| Error::numeric("svd: the singular values did not converge"))?;
    let s = svd.S().column_vector();
    Ok(vec![Mat::from_fn(k, 1, |i, _| s[i]), svd.U().to_owned(), svd.V().to_owned()])
}

fn finite(name: &str, a: &Mat<f64>) -> Result<()> {
    if is_finite(a) {
        return Ok(());
    }
    Err(Error::numeric(format!("{name}: expected finite elements, given NaN or infinity")))
}
