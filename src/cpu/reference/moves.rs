//! Operations that only move elements: views, gather, scatter, slice update, concatenation, padding.

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::types::{HostBuffer, Shape, View};

/// The places of a view's elements in the value that it reads and must fit, last axis fastest.
pub fn positions(view: &View) -> impl Iterator<Item = usize> + '_ {
    let shape = view.shape();
    let mut coords: SmallVec<[usize; 6]> = SmallVec::from_elem(0, shape.rank());
    let mut at = view.offset();
    let mut left = shape.len();
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let here = at as usize;
        for axis in (0..shape.rank()).rev() {
            coords[axis] += 1;
            at += view.strides()[axis];
            if coords[axis] < shape[axis] {
                break;
            }
            at -= view.strides()[axis] * shape[axis] as i64;
            coords[axis] = 0;
        }
        Some(here)
    })
}

/// The elements a view reads, dense.
///
/// # Errors
/// A shape error when the view reaches outside, or out of memory.
pub fn view(x: &HostBuffer, v: &View) -> Result<HostBuffer> {
    if !v.fits(x.len()) {
        return Err(Error::shape(format!("view {v} reaches outside a value of {} elements", x.len())));
    }
    let mut out = HostBuffer::zeros(x.dtype(), v.shape().len())?;
    for (to, from) in positions(v).enumerate() {
        out.set(to, x.get(from));
    }
    Ok(out)
}

/// Writes the elements of `x`, in order, at the places of a view of `out`.
fn place(out: &mut HostBuffer, v: &View, x: &HostBuffer) {
    for (from, to) in positions(v).enumerate() {
        out.set(to, x.get(from));
    }
}

/// Elements along `axis` picked by `index` (clamped into the axis).
///
/// # Errors
/// Out of memory, or a dtype error when the positions are not i32.
pub fn gather(x: &HostBuffer, shape: &Shape, index: &HostBuffer, axis: usize) -> Result<HostBuffer> {
    let index = index.as_slice::<i32>()?;
    let mut out = HostBuffer::zeros(x.dtype(), shape.with_axis(axis, index.len()).len())?;
    let inner: usize = shape[axis + 1..].iter().product();
    let extent = shape[axis];
    for at in 0..out.len() {
        let (outer, rest) = (at / (inner * index.len()), at % (inner * index.len()));
        let picked = usize::try_from(index[rest / inner]).unwrap_or(0).min(extent.saturating_sub(1));
        out.set(at, x.get((outer * extent + picked) * inner + rest % inner));
    }
    Ok(out)
}

/// `x` with the elements at positions `index` along `axis` replaced; the last of equal positions wins, others are dropped.
///
/// # Errors
/// Out of memory, or a dtype error when the positions are not i32.
pub fn scatter(
    x: &HostBuffer,
    shape: &Shape,
    index: &HostBuffer,
    update: &HostBuffer,
    axis: usize,
) -> Result<HostBuffer> {
    let index = index.as_slice::<i32>()?;
    let mut out = x.clone();
    if update.is_empty() {
        return Ok(out);
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    for o in 0..outer {
        for (i, &to) in index.iter().enumerate() {
            let Some(to) = usize::try_from(to).ok().filter(|&to| to < shape[axis]) else { continue };
            for p in 0..inner {
                out.set((o * shape[axis] + to) * inner + p, update.get((o * index.len() + i) * inner + p));
            }
        }
    }
    Ok(out)
}

/// `x` with the window `start + step·i` replaced by `update`.
///
/// # Errors
/// A shape error when the window reaches outside.
pub fn slice_update(
    x: &HostBuffer,
    shape: &Shape,
    update: (&HostBuffer, &Shape),
    start: &[usize],
    step: &[usize],
) -> Result<HostBuffer> {
    let mut out = x.clone();
    if update.1.is_empty() {
        return Ok(out);
    }
    let mut window = View::dense(shape);
    for axis in 0..shape.rank() {
        window = window.slice(axis, start[axis], step[axis] as i64, update.1[axis])?;
    }
    place(&mut out, &window, update.0);
    Ok(out)
}

/// All operands one after the other along `axis`; `shape` is that of the result.
///
/// # Errors
/// Out of memory, or a shape error when the operands do not fill `shape`.
pub fn concat(operands: &[(&HostBuffer, &Shape)], axis: usize, shape: &Shape) -> Result<HostBuffer> {
    let dtype = operands[0].0.dtype();
    let mut out = HostBuffer::zeros(dtype, shape.len())?;
    let mut start = 0;
    for (x, s) in operands {
        if !s.is_empty() {
            place(&mut out, &View::dense(shape).slice(axis, start, 1, s[axis])?, x);
        }
        start += s[axis];
    }
    Ok(out)
}

/// `x` with elements of `fill` around it; `shape` is that of the result.
///
/// # Errors
/// Out of memory, or a shape error when `x` does not fit.
pub fn pad(x: (&HostBuffer, &Shape), fill: &HostBuffer, before: &[usize], shape: &Shape) -> Result<HostBuffer> {
    let mut out = HostBuffer::zeros(x.0.dtype(), shape.len())?;
    for i in 0..out.len() {
        out.set(i, fill.get(0));
    }
    if x.1.is_empty() {
        return Ok(out);
    }
    let mut window = View::dense(shape);
    for (axis, (&start, &len)) in before.iter().zip(x.1.iter()).enumerate() {
        window = window.slice(axis, start, 1, len)?;
    }
    place(&mut out, &window, x.0);
    Ok(out)
}
