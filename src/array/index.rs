//! Picking and replacing elements: slices (views), gather, scatter, slice-update, pad and nonzero.

use super::{Array, Operand};
use crate::error::{Error, Result};
use crate::graph::Op;
use crate::types::{DType, Dims, Order};

/// A run of an axis: `len` coordinates from `start` on, `step` apart. Negative steps walk backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceSpec {
    /// First coordinate.
    pub start: usize,
    /// Distance between coordinates; not 0 when `len` > 1.
    pub step: i64,
    /// How many coordinates.
    pub len: usize,
}

impl SliceSpec {
    /// The coordinates from `start` up to, not including, `end`.
    #[must_use]
    pub const fn range(start: usize, end: usize) -> Self {
        Self { start, step: 1, len: end.saturating_sub(start) }
    }
}

impl Array {
    /// A box of this array: one [`SliceSpec`] for each leading axis, the other axes whole. The result is a view and takes no memory.
    ///
    /// # Errors
    /// An argument error when a coordinate lies outside its axis.
    pub fn try_slice(&self, specs: &[SliceSpec]) -> Result<Self> {
        let mut view = self.dense_view()?;
        for (axis, s) in specs.iter().enumerate() {
            view = view.slice(axis, s.start, s.step, s.len)?;
        }
        self.record_view(view, None)
    }

    /// As [`try_slice`](Self::try_slice), but returns a poisoned array on error.
    #[must_use]
    pub fn slice(&self, specs: &[SliceSpec]) -> Self {
        Self::lift(self.engine(), self.try_slice(specs))
    }

    /// The elements at `positions` (1-d i32) along `axis`. Positions are clamped to the axis; check them first where that
    /// matters.
    ///
    /// # Errors
    /// A shape error when `positions` is not a 1-d i32 array.
    pub fn try_take(&self, positions: &Self, axis: usize) -> Result<Self> {
        Self::record(self.engine(), Op::Gather { axis }, &[self, positions], None)
    }

    /// As [`try_take`](Self::try_take), but returns a poisoned array on error.
    #[must_use]
    pub fn take(&self, positions: &Self, axis: usize) -> Self {
        Self::lift(self.engine(), self.try_take(positions, axis))
    }

    /// This array with the elements at `positions` (1-d i32) along `axis` replaced by `updates`. Among equal positions the last
    /// wins; positions outside are dropped.
    ///
    /// # Errors
    /// A shape error when `updates` is not this array's shape with `axis` as long as `positions`.
    pub fn try_scatter(&self, axis: usize, positions: &Self, updates: &Self) -> Result<Self> {
        Self::record(self.engine(), Op::Scatter { axis }, &[self, positions, updates], None)
    }

    /// As [`try_scatter`](Self::try_scatter), but returns a poisoned array on error.
    #[must_use]
    pub fn scatter(&self, axis: usize, positions: &Self, updates: &Self) -> Self {
        Self::lift(self.engine(), self.try_scatter(axis, positions, updates))
    }

    /// This array with a box replaced by `update`, which must have the box's shape (numbers and extents of 1 broadcast). Steps
    /// may be negative.
    ///
    /// # Errors
    /// An argument error when the box leaves the array, a shape or dtype error when `update` does not fit.
    pub fn try_slice_update<'a>(&self, specs: &[SliceSpec], update: impl Into<Operand<'a>>) -> Result<Self> {
        let shape = self.shape()?;
        let all: Vec<SliceSpec> =
            (0..shape.rank()).map(|i| specs.get(i).copied().unwrap_or(SliceSpec::range(0, shape[i]))).collect();
        // Checking through a view gives the same messages as reading the box would.
        let mut view = self.dense_view()?;
        for (axis, s) in all.iter().enumerate() {
            view = view.slice(axis, s.start, s.step, s.len)?;
        }
        if specs.len() > shape.rank() {
            return Err(Error::argument(format!(
                "slice_update: expected at most {} slices, given {}",
                shape.rank(),
                specs.len()
            )));
        }
        let mut update = update.into().into_array(self.engine(), self.dtype()?)?.try_broadcast_to(view.shape())?;
        let (mut start, mut step) = (Dims::new(), Dims::new());
        for (axis, s) in all.iter().enumerate() {
            if s.step < 0 && s.len > 1 {
                update = update.flip(axis);
                start.push(s.start - (s.len - 1) * s.step.unsigned_abs() as usize);
            } else {
                start.push(if s.len == 0 { 0 } else { s.start });
            }
            step.push(s.step.unsigned_abs().max(1) as usize);
        }
        Self::record(self.engine(), Op::SliceUpdate { start, step }, &[self, &update], None)
    }

    /// As [`try_slice_update`](Self::try_slice_update), but returns a poisoned array on error.
    #[must_use]
    pub fn slice_update<'a>(&self, specs: &[SliceSpec], update: impl Into<Operand<'a>>) -> Self {
        Self::lift(self.engine(), self.try_slice_update(specs, update))
    }

    /// This array with `before[i]` elements of `fill` ahead of axis `i` and `after[i]` behind it.
    ///
    /// # Errors
    /// A shape error when there are not as many pairs as axes.
    pub fn try_pad<'a>(&self, before: &[usize], after: &[usize], fill: impl Into<Operand<'a>>) -> Result<Self> {
        let fill = fill.into().into_array(self.engine(), self.dtype()?)?;
        let op = Op::Pad { before: Dims::from_slice(before), after: Dims::from_slice(after) };
        Self::record(self.engine(), op, &[self, &fill], None)
    }

    /// As [`try_pad`](Self::try_pad), but returns a poisoned array on error.
    #[must_use]
    pub fn pad<'a>(&self, before: &[usize], after: &[usize], fill: impl Into<Operand<'a>>) -> Self {
        Self::lift(self.engine(), self.try_pad(before, after, fill))
    }

    /// Positions (1-d i32, ascending) of the elements that are not zero, counted in `order`. Evaluates, because the shape of the
    /// result is data. NaN counts as not zero.
    ///
    /// # Errors
    /// What the evaluation says; an argument error for 2³¹ elements or more.
    #[cfg(feature = "blocking")]
    pub fn nonzero(&self, order: Order) -> Result<Self> {
        pollster::block_on(self.nonzero_async(order))
    }

    /// As [`nonzero`](Self::nonzero), without blocking.
    ///
    /// # Errors
    /// As [`nonzero`](Self::nonzero).
    pub async fn nonzero_async(&self, order: Order) -> Result<Self> {
        let flags = if self.dtype()? == DType::Bool { self.clone() } else { self.try_ne(0)? };
        let flags = flags.ravel(order);
        if i32::try_from(flags.shape()?.len()).is_err() {
            return Err(Error::argument(format!(
                "nonzero: expected fewer than 2^31 elements, given {}",
                self.shape()?
            )));
        }
        let flags = flags.read().await?;
        let found: Vec<i32> =
            flags.bytes().iter().enumerate().filter(|(_, f)| **f != 0).map(|(i, _)| i as i32).collect();
        self.engine().from_slice(&found, &[found.len()])
    }
}
