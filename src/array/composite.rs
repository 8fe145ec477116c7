//! Operations built from others and tagged with their names, which dumps show. The planner sees only the expressions they stand
//! for, so writing one out by hand fuses the same way.

use super::{Array, Axes, Operand};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, Op, ReduceOp};
use crate::types::{DType, Dims, Fault, Order, Scalar, seeded};

/// Where the plain sum of squares is trusted, and by what elements are scaled elsewhere; exponents of two. The bounds hold for up to
/// 2⁴⁰ elements: below 2^`low`, squares that were lost could be a part of the sum that its dtype shows; times 2^`up`, no square is lost
/// and the sum does not overflow. Above 2^`high` the sum may have overflowed; over 2^`down` it does not, and what is lost is too small to show.
struct Scales {
    low: i32,
    up: i32,
    high: i32,
    down: i32,
}

impl Scales {
    const fn of(dtype: DType) -> Self {
        match dtype {
            DType::F64 => Self { low: -929, up: 600, high: 1000, down: 540 },
            _ => Self { low: -60, up: 90, high: 120, down: 85 },
        }
    }
}

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
        self.try_composite(&axes.into(), keepdims, "mean", Self::mean_kept)
    }

    fn mean_kept(&self, axes: &Axes) -> Result<Self> {
        let n = self.count(axes, self.dtype()?, 0)?;
        self.reduce(ReduceOp::Sum, axes, true, None)?.tagged_binary(BinaryOp::Div, &n, "mean")
    }

    /// Variance over `axes` around the mean, divided by the count less `ddof`: two passes, no cancellation.
    #[must_use]
    pub fn var(&self, axes: impl Into<Axes>, ddof: usize, keepdims: bool) -> Self {
        self.composite(&axes.into(), keepdims, "var", |x, axes| x.var_kept(axes, ddof))
    }

    fn var_kept(&self, axes: &Axes, ddof: usize) -> Result<Self> {
        self.float("var")?;
        let centred = self.try_sub(&self.mean_kept(axes)?)?;
        let n = self.count(axes, self.dtype()?, ddof)?;
        centred.try_square()?.reduce(ReduceOp::Sum, axes, true, None)?.tagged_binary(BinaryOp::Div, &n, "var")
    }

    /// Standard deviation over `axes`: the square root of [`var`](Self::var).
    #[must_use]
    pub fn std(&self, axes: impl Into<Axes>, ddof: usize, keepdims: bool) -> Self {
        self.composite(&axes.into(), keepdims, "std", |x, axes| x.var_kept(axes, ddof)?.try_sqrt())
    }

    /// Euclidean norm over `axes`, floats only: √Σx² without overflow or underflow midway.
    ///
    /// f32 and f64 are summed three times in one pass, as they are and with x scaled up and down by a power of two (Blue, "A portable
    /// Fortran program to find the Euclidean norm of a vector", 1978). The scaled sums count where the plain one left the range in
    /// which it is accurate. Memory is read once. Squares of f16 stay in the range of f32, in which they are summed.
    #[must_use]
    pub fn norm(&self, axes: impl Into<Axes>, keepdims: bool) -> Self {
        self.composite(&axes.into(), keepdims, "norm", |x, axes| {
            x.float("norm")?;
            x.norm_kept(axes, self.dtype()? == DType::F16)
        })
    }

    fn norm_kept(&self, axes: &Axes, narrow: bool) -> Result<Self> {
        let dtype = self.dtype()?;
        let sum = |x: &Self| x.try_square()?.reduce(ReduceOp::Sum, axes, true, None);
        let plain = sum(self)?;
        if narrow {
            return plain.try_sqrt();
        }
        let Scales { low, up, high, down } = Scales::of(dtype);
        let power = |e: i32| Self::literal(self.engine(), Scalar::from_f64(dtype, 2f64.powi(e)));
        let scaled = |e: i32| sum(&self.try_mul(&power(e)?)?)?.try_sqrt()?.try_mul(&power(-e)?);
        let small = plain.try_lt(&power(low)?)?.try_select(&scaled(up)?, &plain.try_sqrt()?)?;
        plain.try_gt(&power(high)?)?.try_select(&scaled(-down)?, &small)
    }

    /// exp(x − max) / Σ exp(x − max) along `axis`, for any finite input. NaN along the whole axis when the largest element is
    /// infinite, as elsewhere.
    #[must_use]
    pub fn softmax(&self, axis: usize) -> Self {
        self.widened(|x| {
            let e = x.sub(x.amax(axis, true)).exp();
            Ok(e.div(e.sum(axis, true)))
        })
    }

    /// log Σ exp(x) over `axes`, shifted by the maximum unless that is infinite: then it is the result.
    #[must_use]
    pub fn logsumexp(&self, axes: impl Into<Axes>, keepdims: bool) -> Self {
        self.composite(&axes.into(), keepdims, "logsumexp", |x, axes| {
            let m = x.reduce(ReduceOp::Max, axes, true, None)?;
            let shift = m.try_isfinite()?.try_select(&m, 0)?;
            x.try_sub(&shift)?.try_exp()?.reduce(ReduceOp::Sum, axes, true, None)?.try_log()?.try_add(&shift)
        })
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
        self.widened(|x| Ok(x.neg().exp().add(1).recip()))
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
            DType::Bool => row.try_eq(&col)?.try_and(&values),
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

    /// What `make` records of this array in the dtype it has to be computed in: f32 for f16, whose sums, squares and exponentials leave
    /// its range midway. The result is narrowed once.
    pub(super) fn try_widened(&self, make: impl FnOnce(&Self) -> Result<Self>) -> Result<Self> {
        match self.dtype()? {
            DType::F16 if !seeded(Fault::HalvesKept) => Ok(make(&self.cast(DType::F32))?.cast(DType::F16)),
            _ => make(self),
        }
    }

    /// As [`try_widened`](Self::try_widened), but returns a poisoned array on error.
    pub(super) fn widened(&self, make: impl FnOnce(&Self) -> Result<Self>) -> Self {
        Self::lift(self.engine(), self.try_widened(make))
    }

    /// A composite that folds `axes`, which `make` keeps with extent 1.
    fn try_composite(
        &self,
        axes: &Axes,
        keepdims: bool,
        tag: &'static str,
        make: impl FnOnce(&Self, &Axes) -> Result<Self>,
    ) -> Result<Self> {
        self.try_widened(|x| make(x, axes))?.finish(axes, self, keepdims, tag)
    }

    fn composite(
        &self,
        axes: &Axes,
        keepdims: bool,
        tag: &'static str,
        make: impl FnOnce(&Self, &Axes) -> Result<Self>,
    ) -> Self {
        Self::lift(self.engine(), self.try_composite(axes, keepdims, tag, make))
    }

    fn tagged_binary(&self, op: BinaryOp, other: &Self, tag: &'static str) -> Result<Self> {
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
