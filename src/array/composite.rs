//! Operations built from others and tagged with their names, which dumps show. The planner sees only the expressions they stand
//! for, so writing one out by hand fuses the same way.

use super::{Array, Axes, Operand};
use crate::error::{Error, Result};
use crate::graph::{Op, ReduceOp};
use crate::types::{Dims, Order};

impl Array {
    /// Mean over `axes`, floats only; NaN where there are no elements. The axes are dropped, or kept with extent 1 if `keepdims`.
    #[must_use]
    pub fn mean(&self, axes: impl Into<Axes>, keepdims: bool) -> Self {
        Self::lift(self.engine(), self.try_mean(axes, keepdims))
    }

    /// As [`mean`](Self::mean), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A dtype error for integers and bool, an argument error for axes that are not there.
    pub fn try_mean(&self, axes: impl Into<Axes>, keepdims: bool) -> Result<Self> {
        self.float("mean")?;
        let axes = axes.into();
        let kept = self.mean_kept(&axes)?;
        kept.finish(&axes, self, keepdims, "mean")
    }

    fn mean_kept(&self, axes: &Axes) -> Result<Self> {
        let n = self.count(axes, self.dtype()?, 0)?;
        self.reduce(ReduceOp::Sum, axes, true, None)?.tagged_binary(crate::graph::BinaryOp::Div, &n, "mean")
    }

    /// Variance over `axes` around the mean, divided by the count less `ddof`: two passes, no cancellation.
    #[must_use]
    pub fn var(&self, axes: impl Into<Axes>, ddof: usize, keepdims: bool) -> Self {
        let axes = axes.into();
        Self::lift(self.engine(), self.var_kept(&axes, ddof).and_then(|v| v.finish(&axes, self, keepdims, "var")))
    }

    fn var_kept(&self, axes: &Axes, ddof: usize) -> Result<Self> {
        self.float("var")?;
        let centred = self.try_sub(&self.mean_kept(axes)?)?;
        let n = self.count(axes, self.dtype()?, ddof)?;
        centred.try_square()?.reduce(ReduceOp::Sum, axes, true, None)?.tagged_binary(
            crate::graph::BinaryOp::Div,
            &n,
            "var",
        )
    }

    /// Standard deviation over `axes`: the square root of [`var`](Self::var).
    #[must_use]
    pub fn std(&self, axes: impl Into<Axes>, ddof: usize, keepdims: bool) -> Self {
        let axes = axes.into();
        let std = self.var_kept(&axes, ddof).and_then(|v| v.try_sqrt());
        Self::lift(self.engine(), std.and_then(|v| v.finish(&axes, self, keepdims, "std")))
    }

    /// Euclidean norm over `axes`: √Σx².
    #[must_use]
    pub fn norm(&self, axes: impl Into<Axes>, keepdims: bool) -> Self {
        Self::lift(self.engine(), self.try_square().and_then(|s| s.try_sum(axes, keepdims)).and_then(|s| s.try_sqrt()))
    }

    /// exp(x − max) / Σ exp(x − max) along `axis`: stable for any finite input.
    #[must_use]
    pub fn softmax(&self, axis: usize) -> Self {
        let e = self.sub(self.amax(axis, true)).exp();
        e.div(e.sum(axis, true))
    }

    /// log Σ exp(x) over `axes`, shifted by the maximum: stable for any finite input.
    #[must_use]
    pub fn logsumexp(&self, axes: impl Into<Axes>, keepdims: bool) -> Self {
        let axes = axes.into();
        let m = self.amax(axes.clone(), true);
        let kept = self.sub(&m).exp().sum(axes.clone(), true).log().add(&m);
        Self::lift(self.engine(), kept.finish(&axes, self, keepdims, "logsumexp"))
    }

    /// Elements below `low` become `low`, those above `high` become `high`; NaN stays.
    #[must_use]
    pub fn clamp<'a, 'b>(&self, low: impl Into<Operand<'a>>, high: impl Into<Operand<'b>>) -> Self {
        self.maximum(low).minimum(high)
    }

    /// max(x, 0); NaN stays.
    #[must_use]
    pub fn relu(&self) -> Self {
        self.maximum(0)
    }

    /// 1 / (1 + e⁻ˣ).
    #[must_use]
    pub fn sigmoid(&self) -> Self {
        self.neg().exp().add(1).recip()
    }

    /// The n×n matrix with this 1-d array of n elements on its diagonal and zeros elsewhere.
    #[must_use]
    pub fn diag(&self) -> Self {
        Self::lift(self.engine(), self.try_diag())
    }

    /// As [`diag`](Self::diag), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A shape error when the array is not 1-d.
    pub fn try_diag(&self) -> Result<Self> {
        let shape = self.shape()?;
        if shape.rank() != 1 {
            return Err(Error::shape(format!("diag: expected a 1-d array, given {shape}")));
        }
        let n = shape[0];
        let row = Self::iota_of(self.engine(), &[n, n], 0)?;
        let col = Self::iota_of(self.engine(), &[n, n], 1)?;
        let values = self.try_reshape(&[1, n], Order::C)?;
        let zero = Operand::Int(0);
        match self.dtype()? {
            crate::types::DType::Bool => row.try_eq(&col)?.try_and(&values),
            _ => row.try_eq(&col)?.try_select(&values, zero),
        }
    }

    fn float(&self, name: &str) -> Result<()> {
        let dtype = self.dtype()?;
        if dtype.is_float() {
            Ok(())
        } else {
            Err(Error::dtype(format!("{name}: expected floats, given {dtype}; cast first")))
        }
    }

    fn tagged_binary(&self, op: crate::graph::BinaryOp, other: &Self, tag: &'static str) -> Result<Self> {
        Self::record(self.engine(), Op::Binary(op), &[self, other], Some(tag))
    }

    /// Drops the reduced axes unless they are kept.
    fn finish(&self, axes: &Axes, of: &Self, keepdims: bool, tag: &'static str) -> Result<Self> {
        if keepdims {
            return Ok(self.clone());
        }
        let axes: Dims = axes.resolve(&of.shape()?)?;
        if axes.is_empty() { Ok(self.clone()) } else { self.drop_axes(&axes, Some(tag)) }
    }
}
