//! Reductions over any set of axes, arg-reductions, scans and sorting.

use super::Array;
use crate::error::{Error, Result};
use crate::graph::{ArgOp, Op, ReduceOp, ScanOp};
use crate::types::{DType, Dims, Order, Shape};

/// Which axes a reduction folds: one, several, or all (`..`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Every axis.
    All,
    /// These, in any order, each once.
    These(Dims),
}

impl From<usize> for Axes {
    fn from(axis: usize) -> Self {
        Self::These(Dims::from_slice(&[axis]))
    }
}

impl From<&[usize]> for Axes {
    fn from(axes: &[usize]) -> Self {
        Self::These(Dims::from_slice(axes))
    }
}

impl From<&Vec<usize>> for Axes {
    fn from(axes: &Vec<usize>) -> Self {
        Self::These(Dims::from_slice(axes))
    }
}

impl<const N: usize> From<[usize; N]> for Axes {
    fn from(axes: [usize; N]) -> Self {
        Self::These(Dims::from_slice(&axes))
    }
}

impl<const N: usize> From<&[usize; N]> for Axes {
    fn from(axes: &[usize; N]) -> Self {
        Self::These(Dims::from_slice(axes))
    }
}

impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Self {
        Self::All
    }
}

impl Axes {
    /// The axes of a shape in ascending order.
    pub(super) fn resolve(&self, shape: &Shape) -> Result<Dims> {
        let mut axes: Dims = match self {
            Self::All => (0..shape.rank()).collect(),
            Self::These(axes) => axes.clone(),
        };
        axes.sort_unstable();
        if axes.windows(2).any(|w| w[0] == w[1]) || axes.last().is_some_and(|&a| a >= shape.rank()) {
            return Err(Error::argument(format!(
                "expected distinct axes below {}, given {:?}",
                shape.rank(),
                axes.as_slice()
            )));
        }
        Ok(axes)
    }
}

macro_rules! reduction {
    ($($(#[$doc:meta])* $name:ident $try_name:ident $op:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self, axes: impl Into<Axes>, keepdims: bool) -> Self {
                Self::lift(self.engine(), self.$try_name(axes, keepdims))
            }

            #[doc = concat!("As [`", stringify!($name), "`](Self::", stringify!($name), "), but returns the error instead of a poisoned array.")]
            ///
            /// # Errors
            /// An argument error for axes that are not there or given twice, a dtype error where the fold is not defined.
            pub fn $try_name(&self, axes: impl Into<Axes>, keepdims: bool) -> Result<Self> {
                self.reduce(ReduceOp::$op, &axes.into(), keepdims, None)
            }
        )* }
    };
}

reduction! {
    /// Sum over `axes`; 0 for none. Not defined for bool: cast first.
    sum try_sum Sum;
    /// Product over `axes`; 1 for none.
    prod try_prod Prod;
    /// Largest element over `axes`; NaN when any is NaN.
    amax try_amax Max;
    /// Smallest element over `axes`; NaN when any is NaN.
    amin try_amin Min;
    /// Largest element over `axes`, ignoring NaN unless all are.
    nanmax try_nanmax Fmax;
    /// Smallest element over `axes`, ignoring NaN unless all are.
    nanmin try_nanmin Fmin;
    /// Whether any element is true (bool).
    any try_any Any;
    /// Whether all elements are true (bool).
    all try_all All;
}

macro_rules! arg_reduction {
    ($($(#[$doc:meta])* $name:ident $try_name:ident $op:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self, axis: usize, keepdims: bool) -> Self {
                Self::lift(self.engine(), self.$try_name(axis, keepdims))
            }

            #[doc = concat!("As [`", stringify!($name), "`](Self::", stringify!($name), "), but returns the error instead of a poisoned array.")]
            ///
            /// # Errors
            /// An argument error for an axis that is not there or empty.
            pub fn $try_name(&self, axis: usize, keepdims: bool) -> Result<Self> {
                let kept = Self::record(self.engine(), Op::ArgReduce { op: ArgOp::$op, axis }, &[self], None)?;
                if keepdims { Ok(kept) } else { kept.drop_axes(&[axis], None) }
            }
        )* }
    };
}

arg_reduction! {
    /// Position (i32) of the largest element along `axis`, of the first NaN if there is one.
    argmax try_argmax Max;
    /// Position (i32) of the smallest element along `axis`, of the first NaN if there is one.
    argmin try_argmin Min;
    /// Position (i32) of the largest number along `axis`, ignoring NaN.
    nanargmax try_nanargmax Fmax;
    /// Position (i32) of the smallest number along `axis`, ignoring NaN.
    nanargmin try_nanargmin Fmin;
}

impl Array {
    pub(super) fn reduce(&self, op: ReduceOp, axes: &Axes, keepdims: bool, tag: Option<&'static str>) -> Result<Self> {
        let axes = axes.resolve(&self.shape()?)?;
        if axes.is_empty() {
            return Ok(self.clone());
        }
        let kept = Self::record(self.engine(), Op::Reduce { op, axes: axes.clone() }, &[self], tag)?;
        if keepdims { Ok(kept) } else { kept.drop_axes(&axes, tag) }
    }

    /// The array without these axes of extent 1.
    pub(super) fn drop_axes(&self, axes: &[usize], tag: Option<&'static str>) -> Result<Self> {
        let shape = self.shape()?;
        let left = shape.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, &d)| d).collect();
        match self.dense_view()?.reshape(&left, Order::C)? {
            Some(view) => self.record_view(view, tag),
            None => Err(Error::internal("dropping axes of extent 1 always has strides")),
        }
    }

    fn scan(&self, op: ScanOp, axis: usize) -> Self {
        Self::lift(self.engine(), Self::record(self.engine(), Op::Scan { op, axis }, &[self], None))
    }

    /// Running sum along `axis`.
    #[must_use]
    pub fn cumsum(&self, axis: usize) -> Self {
        self.scan(ScanOp::Sum, axis)
    }

    /// Running product along `axis`.
    #[must_use]
    pub fn cumprod(&self, axis: usize) -> Self {
        self.scan(ScanOp::Prod, axis)
    }

    /// Running maximum along `axis`; NaN from the first NaN on.
    #[must_use]
    pub fn cummax(&self, axis: usize) -> Self {
        self.scan(ScanOp::Max, axis)
    }

    /// Running minimum along `axis`; NaN from the first NaN on.
    #[must_use]
    pub fn cummin(&self, axis: usize) -> Self {
        self.scan(ScanOp::Min, axis)
    }

    /// Elements sorted along `axis`, NaN as the largest; stable. O(n log n) on the host.
    #[must_use]
    pub fn sort(&self, axis: usize, descending: bool) -> Self {
        let op = Op::Sort { axis, descending, indices: false };
        Self::lift(self.engine(), Self::record(self.engine(), op, &[self], None))
    }

    /// Positions (i32) that sort the elements along `axis`, NaN as the largest; stable.
    #[must_use]
    pub fn argsort(&self, axis: usize, descending: bool) -> Self {
        let op = Op::Sort { axis, descending, indices: true };
        Self::lift(self.engine(), Self::record(self.engine(), op, &[self], None))
    }

    /// The number of elements that `axes` span, less `less`, as a constant that plans contain.
    pub(super) fn count(&self, axes: &Axes, dtype: DType, less: usize) -> Result<Self> {
        let shape = self.shape()?;
        let n: usize = axes.resolve(&shape)?.iter().map(|&a| shape[a]).product();
        Self::literal(self.engine(), crate::types::Scalar::from_f64(dtype, n.saturating_sub(less) as f64))
    }
}
