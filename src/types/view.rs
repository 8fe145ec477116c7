//! Strided views: how a dense run of elements is read as an array without moving data.
//!
//! A view is relative to a value stored with the last axis fastest. Strides may be zero (broadcast) or negative (flip);
//! the offset is that of the first element. View of view composes into one view where strides can express it.

use std::fmt;

use smallvec::SmallVec;

use super::{Order, Shape};
use crate::error::{Error, Result};

/// Extents, signed strides and an offset, all in elements.
#[derive(PartialEq, Eq, Hash)]
pub struct View {
    shape: Shape,
    strides: SmallVec<[i64; 6]>,
    offset: i64,
}

impl Clone for View {
    fn clone(&self) -> Self {
        Self { shape: self.shape.clone(), strides: SmallVec::from_slice(&self.strides), offset: self.offset }
    }
}

impl View {
    /// The dense view of a value of this shape.
    #[must_use]
    pub fn dense(shape: &Shape) -> Self {
        Self { shape: shape.clone(), strides: shape.strides(), offset: 0 }
    }

    /// A view from its parts. The caller makes sure that it stays inside the value it reads; [`View::fits`] checks that.
    ///
    /// # Errors
    /// A shape error when there are not as many strides as extents.
    pub fn from_parts(shape: Shape, strides: &[i64], offset: i64) -> Result<Self> {
        if shape.rank() != strides.len() {
            return Err(Error::shape(format!(
                "expected {} strides for {shape}, given {}",
                shape.rank(),
                strides.len()
            )));
        }
        Ok(Self { shape, strides: SmallVec::from_slice(strides), offset })
    }

    /// The extents.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The strides in elements, one for each axis.
    #[must_use]
    pub fn strides(&self) -> &[i64] {
        &self.strides
    }

    /// The position of the first element.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The position of the element at these coordinates.
    #[must_use]
    pub fn index(&self, coords: &[usize]) -> i64 {
        self.offset + coords.iter().zip(&self.strides).map(|(&c, &s)| c as i64 * s).sum::<i64>()
    }

    /// Whether this reads a whole value of `shape` in its own order and shape.
    #[must_use]
    pub fn is_identity(&self, shape: &Shape) -> bool {
        self.shape == *shape && self.is_dense()
    }

    /// Whether the elements are contiguous, last axis fastest, from offset 0 (axes of extent 1 do not matter).
    #[must_use]
    pub fn is_dense(&self) -> bool {
        if self.shape.is_empty() {
            return true;
        }
        let dense = self.shape.strides();
        self.offset == 0 && (0..self.shape.rank()).all(|i| self.shape[i] == 1 || self.strides[i] == dense[i])
    }

    /// Whether every element lies within a value of `len` elements.
    #[must_use]
    pub fn fits(&self, len: usize) -> bool {
        if self.shape.is_empty() {
            return true;
        }
        let (mut low, mut high) = (i128::from(self.offset), i128::from(self.offset));
        for (&d, &s) in self.shape.iter().zip(&self.strides) {
            let reach = i128::from(s) * (d as i128 - 1);
            if reach < 0 { low += reach } else { high += reach }
        }
        low >= 0 && high < len as i128
    }

    /// Axes reordered: axis `i` of the result is axis `axes[i]` of this view. `axes` must be a permutation.
    ///
    /// # Errors
    /// A shape error when it is not one.
    pub fn permute(&self, axes: &[usize]) -> Result<Self> {
        let mut seen: SmallVec<[bool; 6]> = SmallVec::from_elem(false, self.shape.rank());
        for &a in axes {
            if a >= seen.len() || std::mem::replace(&mut seen[a], true) {
                return Err(Error::shape(format!("expected a permutation of the {} axes, given {axes:?}", seen.len())));
            }
        }
        if axes.len() != seen.len() {
            return Err(Error::shape(format!("expected a permutation of the {} axes, given {axes:?}", seen.len())));
        }
        Ok(Self {
            shape: axes.iter().map(|&a| self.shape[a]).collect(),
            strides: axes.iter().map(|&a| self.strides[a]).collect(),
            offset: self.offset,
        })
    }

    /// The view stretched to `shape` under NumPy broadcasting.
    ///
    /// # Errors
    /// A shape error when an axis is neither equal nor 1, or `shape` has fewer axes.
    pub fn broadcast_to(&self, shape: &Shape) -> Result<Self> {
        let wrong = || Error::shape(format!("expected a shape that broadcasts to {shape}, given {}", self.shape));
        let lead = shape.rank().checked_sub(self.shape.rank()).ok_or_else(wrong)?;
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_elem(0, shape.rank());
        for i in lead..shape.rank() {
            strides[i] = match (self.shape[i - lead], shape[i]) {
                (a, b) if a == b => self.strides[i - lead],
                (1, _) => 0,
                _ => return Err(wrong()),
            };
        }
        Ok(Self { shape: shape.clone(), strides, offset: self.offset })
    }

    /// `len` elements of one axis from `start` on, `step` apart (negative steps walk backwards).
    ///
    /// # Errors
    /// An argument error when an element would lie outside the axis or the step is 0.
    pub fn slice(&self, axis: usize, start: usize, step: i64, len: usize) -> Result<Self> {
        let extent = *self
            .shape
            .get(axis)
            .ok_or_else(|| Error::argument(format!("expected an axis below {}, given {axis}", self.shape.rank())))?;
        if len > 0 {
            let last = start as i128 + i128::from(step) * (len as i128 - 1);
            if step == 0 || start >= extent || last < 0 || last >= extent as i128 {
                return Err(Error::argument(format!(
                    "slice {start}, step {step}, {len} elements is outside axis {axis} of extent {extent}"
                )));
            }
        }
        let mut view = self.clone();
        if len > 0 {
            view.offset += start as i64 * self.strides[axis];
        }
        view.strides[axis] = if len > 1 { self.strides[axis] * step } else { self.strides[axis] };
        view.shape = self.shape.with_axis(axis, len);
        Ok(view)
    }

    /// One axis backwards.
    ///
    /// # Errors
    /// An argument error when there is no such axis.
    pub fn flip(&self, axis: usize) -> Result<Self> {
        let extent = self.shape.get(axis).copied().unwrap_or(0);
        self.slice(axis, extent.saturating_sub(1), -1, extent)
    }

    /// The diagonal of the last two axes: they become one axis of the smaller extent.
    ///
    /// # Errors
    /// A shape error below rank 2.
    pub fn diagonal(&self) -> Result<Self> {
        let rank = self.shape.rank();
        if rank < 2 {
            return Err(Error::shape(format!("expected at least 2 axes for a diagonal, given {}", self.shape)));
        }
        let mut shape: Shape = self.shape[..rank - 2].iter().copied().collect();
        let n = self.shape[rank - 2].min(self.shape[rank - 1]);
        shape = shape.iter().copied().chain([n]).collect();
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_slice(&self.strides[..rank - 2]);
        strides.push(self.strides[rank - 2] + self.strides[rank - 1]);
        Ok(Self { shape, strides, offset: self.offset })
    }

    /// The same elements under another shape, walked in `order`; `None` when strides cannot express it.
    ///
    /// # Errors
    /// A shape error when the element counts differ.
    pub fn reshape(&self, shape: &Shape, order: Order) -> Result<Option<Self>> {
        if self.shape.len() != shape.len() {
            return Err(Error::shape(format!(
                "expected a shape of {} elements like {}, given {shape} of {}",
                self.shape.len(),
                self.shape,
                shape.len()
            )));
        }
        if order == Order::F {
            let turned = self.reversed().reshape(&shape.iter().rev().copied().collect(), Order::C)?;
            return Ok(turned.map(|v| v.reversed()));
        }
        if shape.is_empty() {
            return Ok(Some(Self::dense(shape)));
        }
        // Runs of axes that are contiguous in memory; each new axis must be cut from one run.
        let mut runs: SmallVec<[(usize, i64); 6]> = SmallVec::new();
        for (&d, &s) in self.shape.iter().zip(&self.strides) {
            if d == 1 {
                continue;
            }
            match runs.last_mut() {
                Some((len, stride)) if *stride == s * d as i64 => {
                    *len *= d;
                    *stride = s;
                }
                _ => runs.push((d, s)),
            }
        }
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_elem(1, shape.rank());
        let mut run = runs.len();
        let mut left = 1usize;
        let mut stride = 1i64;
        for axis in (0..shape.rank()).rev() {
            let d = shape[axis];
            if d == 1 {
                continue;
            }
            if left == 1 {
                let Some(next) = run.checked_sub(1) else { return Ok(None) };
                run = next;
                (left, stride) = runs[run];
            }
            if !left.is_multiple_of(d) {
                return Ok(None);
            }
            strides[axis] = stride;
            stride *= d as i64;
            left /= d;
        }
        Ok(Some(Self { shape: shape.clone(), strides, offset: self.offset }))
    }

    fn reversed(&self) -> Self {
        Self {
            shape: self.shape.iter().rev().copied().collect(),
            strides: self.strides.iter().rev().copied().collect(),
            offset: self.offset,
        }
    }

    /// `self` read through `inner`: `self` is relative to a dense value of `inner`'s shape, and `inner` says where the elements of
    /// that value are stored. `None` when strides cannot express the composition.
    #[must_use]
    pub fn through(&self, inner: &Self) -> Option<Self> {
        if self.shape.is_empty() {
            return Some(Self::dense(&self.shape));
        }
        // Merge axes of `inner` that are contiguous: only the remaining breaks limit what strides can express.
        let mut runs: SmallVec<[(i64, i64); 6]> = SmallVec::new();
        for (&d, &s) in inner.shape.iter().zip(&inner.strides) {
            if d == 1 {
                continue;
            }
            match runs.last_mut() {
                Some((len, stride)) if *stride == s * d as i64 => {
                    *len *= d as i64;
                    *stride = s;
                }
                _ => runs.push((d as i64, s)),
            }
        }
        let mut dense: SmallVec<[i64; 6]> = SmallVec::from_elem(1, runs.len());
        for i in (0..runs.len().saturating_sub(1)).rev() {
            dense[i] = dense[i + 1] * runs[i + 1].0;
        }
        let mut offset = inner.offset;
        let mut low: SmallVec<[i64; 6]> = SmallVec::from_elem(0, runs.len());
        let mut rest = self.offset;
        for (i, &(_, stride)) in runs.iter().enumerate() {
            let c = rest.div_euclid(dense[i]);
            rest -= c * dense[i];
            low[i] = c;
            offset += c * stride;
        }
        if rest != 0 {
            return None;
        }
        let mut high = low.clone();
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_elem(0, self.strides.len());
        for (axis, (&extent, &step)) in self.shape.iter().zip(&self.strides).enumerate() {
            if extent == 1 || step == 0 {
                continue;
            }
            let moves = Self::split_step(step, &dense, &runs, extent as i64 - 1)?;
            for (i, &m) in moves.iter().enumerate() {
                strides[axis] += m * runs[i].1;
                let reach = m * (extent as i64 - 1);
                if reach < 0 { low[i] += reach } else { high[i] += reach }
            }
        }
        let inside = runs.iter().enumerate().all(|(i, &(len, _))| low[i] >= 0 && high[i] < len);
        inside.then(|| Self { shape: self.shape.clone(), strides, offset })
    }

    /// A step over the dense index as a step for each run, such that `reach` of them stay within every run's extent.
    fn split_step(step: i64, dense: &[i64], runs: &[(i64, i64)], reach: i64) -> Option<SmallVec<[i64; 6]>> {
        let mut moves: SmallVec<[i64; 6]> = SmallVec::from_elem(0, dense.len());
        let mut rest = step;
        for i in 0..dense.len() {
            let mut m = rest / dense[i];
            // An anti-diagonal goes one row down and a little back: prefer the nearest multiple when the remainder would
            // walk off the runs below.
            let remainder = rest - m * dense[i];
            let below = dense.get(i + 1).map_or(0, |_| dense[i] - 1);
            if remainder != 0 && remainder.abs().saturating_mul(reach) > below {
                let nearer = m + remainder.signum();
                if (rest - nearer * dense[i]).abs().saturating_mul(reach) <= below {
                    m = nearer;
                }
            }
            if m.abs().saturating_mul(reach) >= runs[i].0 {
                return None;
            }
            moves[i] = m;
            rest -= m * dense[i];
        }
        (rest == 0).then_some(moves)
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shape)?;
        if !self.is_dense() {
            write!(f, " strides {:?}", self.strides.as_slice())?;
            if self.offset != 0 {
                write!(f, " from {}", self.offset)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
