//! Views: the same elements under another shape or order. Nothing here moves data until a kernel needs it dense.

use super::Array;
use crate::error::{Error, Result};
use crate::graph::Op;
use crate::types::{Dims, Order, Shape};

impl Array {
    /// The last two axes exchanged.
    #[must_use]
    pub fn t(&self) -> Self {
        Self::lift(self.engine(), self.try_t())
    }

    /// As [`t`](Self::t), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A shape error below rank 2.
    pub fn try_t(&self) -> Result<Self> {
        let rank = self.rank()?;
        if rank < 2 {
            return Err(Error::shape(format!("t: expected at least 2 axes, given {}", self.shape()?)));
        }
        let mut axes: Dims = (0..rank).collect();
        axes.swap(rank - 2, rank - 1);
        self.try_permute(&axes)
    }

    /// Axes reordered: axis `i` of the result is axis `axes[i]` of this array.
    #[must_use]
    pub fn permute(&self, axes: &[usize]) -> Self {
        Self::lift(self.engine(), self.try_permute(axes))
    }

    /// As [`permute`](Self::permute), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A shape error when `axes` is no permutation of the axes.
    pub fn try_permute(&self, axes: &[usize]) -> Result<Self> {
        self.record_view(self.dense_view()?.permute(axes)?, None)
    }

    /// The same elements under another shape with as many elements, both walked in `order`. A view where strides allow it.
    #[must_use]
    pub fn reshape(&self, shape: &[usize], order: Order) -> Self {
        Self::lift(self.engine(), self.try_reshape(shape, order))
    }

    /// As [`reshape`](Self::reshape), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A shape error when the element counts differ.
    pub fn try_reshape(&self, shape: &[usize], order: Order) -> Result<Self> {
        let shape = Shape::new(shape);
        if let Some(view) = self.dense_view()?.reshape(&shape, order)? {
            return self.record_view(view, None);
        }
        // A dense value always reshapes in C order. In F order the axes are reversed first: then the reversed value is
        // walked in C order and reversed back, which starts a second view when the first cannot be expressed.
        let rank = self.rank()?;
        let reversed_axes = self.try_permute(&(0..rank).rev().collect::<Dims>())?;
        let reversed: Dims = shape.iter().rev().copied().collect();
        let view = reversed_axes.dense_view()?.reshape(&Shape::new(&reversed), Order::C)?;
        let view = view.ok_or_else(|| Error::internal("a dense value reshapes in C order"))?;
        reversed_axes.record_view(view, None)?.try_permute(&(0..reversed.len()).rev().collect::<Dims>())
    }

    /// All elements in one axis, walked in `order`.
    #[must_use]
    pub fn ravel(&self, order: Order) -> Self {
        Self::lift(self.engine(), self.shape().and_then(|s| self.try_reshape(&[s.len()], order)))
    }

    /// Stretched to `shape` under NumPy broadcasting.
    #[must_use]
    pub fn broadcast_to(&self, shape: &[usize]) -> Self {
        Self::lift(self.engine(), self.try_broadcast_to(shape))
    }

    /// As [`broadcast_to`](Self::broadcast_to), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A shape error when an axis is neither equal nor 1.
    pub fn try_broadcast_to(&self, shape: &[usize]) -> Result<Self> {
        self.record_view(self.dense_view()?.broadcast_to(&Shape::new(shape))?, None)
    }

    /// The elements along `axis` in reverse order.
    #[must_use]
    pub fn flip(&self, axis: usize) -> Self {
        Self::lift(self.engine(), self.dense_view().and_then(|v| self.record_view(v.flip(axis)?, None)))
    }

    /// This array with an axis of extent 1 inserted at `axis`.
    #[must_use]
    pub fn expand_dims(&self, axis: usize) -> Self {
        Self::lift(
            self.engine(),
            self.shape().and_then(|s| {
                if axis > s.rank() {
                    return Err(Error::argument(format!(
                        "expand_dims: expected an axis up to {}, given {axis}",
                        s.rank()
                    )));
                }
                let mut dims = Dims::from_slice(&s);
                dims.insert(axis, 1);
                self.try_reshape(&dims, Order::C)
            }),
        )
    }

    /// This array without its axes of extent 1.
    #[must_use]
    pub fn squeeze(&self) -> Self {
        Self::lift(
            self.engine(),
            self.shape().and_then(|s| {
                let dims: Dims = s.iter().copied().filter(|&d| d != 1).collect();
                self.try_reshape(&dims, Order::C)
            }),
        )
    }

    /// The diagonal of the last two axes: …×m×n gives …×min(m, n).
    #[must_use]
    pub fn diagonal(&self) -> Self {
        Self::lift(self.engine(), self.dense_view().and_then(|v| self.record_view(v.diagonal()?, Some("diagonal"))))
    }

    /// Sum of the diagonal of the last two axes.
    #[must_use]
    pub fn trace(&self) -> Self {
        let d = self.diagonal();
        match d.rank() {
            Ok(rank) => Self::lift(
                self.engine(),
                d.reduce(crate::graph::ReduceOp::Sum, &(rank - 1).into(), false, Some("trace")),
            ),
            Err(e) => Self::poisoned(self.engine(), e),
        }
    }

    /// Joins arrays along `axis`. There must be at least one, and all must agree in engine, dtype and shape but for that axis.
    ///
    /// # Errors
    /// An argument error for no arrays, a shape or dtype error when they do not fit.
    pub fn concat(arrays: &[&Self], axis: usize) -> Result<Self> {
        let first = arrays.first().ok_or_else(|| Error::argument("concat: expected at least one array, given none"))?;
        if arrays.len() == 1 && axis < first.rank()? {
            return Ok((*first).clone());
        }
        Self::record(first.engine(), Op::Concat { axis }, arrays, None)
    }
}
