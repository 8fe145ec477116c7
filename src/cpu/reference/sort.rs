//! Stable sorting along an axis, NaN as the largest.

use std::cmp::Ordering;

use crate::error::Result;
use crate::types::{DType, HostBuffer, Scalar, Shape};

/// Order of two elements of one dtype: by value, NaN last, zeros of both signs equal.
#[must_use]
pub fn order(a: Scalar, b: Scalar) -> Ordering {
    if a.dtype().is_float() {
        let (x, y) = (a.to_f64(), b.to_f64());
        x.partial_cmp(&y).unwrap_or_else(|| x.is_nan().cmp(&y.is_nan()))
    } else {
        a.to_i64().cmp(&b.to_i64())
    }
}

/// The array sorted along `axis`, or with `indices` the positions (i32) that sort it.
///
/// # Errors
/// Out of memory.
pub fn sort(x: &HostBuffer, shape: &Shape, axis: usize, descending: bool, indices: bool) -> Result<HostBuffer> {
    let dtype = if indices { DType::I32 } else { x.dtype() };
    let mut out = HostBuffer::zeros(dtype, shape.len())?;
    if out.is_empty() {
        return Ok(out);
    }
    let extent = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    for o in 0..outer {
        for p in 0..inner {
            let place = |i: usize| (o * extent + i) * inner + p;
            let mut row: Vec<(usize, Scalar)> = (0..extent).map(|i| (i, x.get(place(i)))).collect();
            // `sort_by` is stable, also under the reversed order: equal elements keep their places.
            row.sort_by(|a, b| if descending { order(b.1, a.1) } else { order(a.1, b.1) });
            for (to, (from, value)) in row.into_iter().enumerate() {
                let element = if indices { Scalar::from_i64(DType::I32, from as i64) } else { value };
                out.set(place(to), element);
            }
        }
    }
    Ok(out)
}
