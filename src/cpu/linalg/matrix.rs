//! Between host buffers and the library's matrices.

use faer::Mat;

use crate::error::{Error, Result};
use crate::types::{DType, HostBuffer, Shape};

/// A number as a matrix of one element.
pub(super) fn scalar(x: f64) -> Mat<f64> {
    Mat::from_fn(1, 1, |_, _| x)
}

/// A buffer of f32 or f64 as a matrix.
///
/// # Errors
/// A shape error when the value is no matrix.
pub(super) fn read((buffer, shape): (&HostBuffer, &Shape)) -> Result<Mat<f64>> {
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

/// Writes a matrix to a buffer of f32 or f64.
///
/// # Errors
/// An internal error when the matrix does not fill the buffer.
pub(super) fn write(to: &mut HostBuffer, from: &Mat<f64>) -> Result<()> {
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
