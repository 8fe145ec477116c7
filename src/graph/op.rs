//! The closed set of operations a node may be.
//!
//! Composites (mean, softmax, …) do not appear: they are built from these by the array room and tagged by name. The planner
//! adds no operation of its own; what it decides beyond a rewritten graph is carried by [`PlannedKernel`](super::PlannedKernel)
//! and by the `symmetric` promise of a contraction.

use std::fmt;

use super::{BinaryOp, UnaryOp};
use crate::types::{DType, Dims, Scalar, Shape, View};

/// How a cast treats values that the target cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CastMode {
    /// Float to integer truncates and clamps, NaN becomes 0; integer to integer keeps the low bits; anything non-zero is
    /// `true`; to a float rounds to nearest even.
    Wrap,
    /// Float to integer rounds halves away from zero and saturates, NaN becomes 0; integer to integer saturates; otherwise as
    /// `Wrap`.
    RoundSaturate,
}

/// What a reduction folds with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ReduceOp {
    /// Sum; 0 when empty; integers wrap.
    Sum,
    /// Product; 1 when empty; integers wrap.
    Prod,
    /// Largest, NaN when any is NaN; the dtype's lowest value (−∞) when empty.
    Max,
    /// Smallest, NaN when any is NaN; the dtype's highest value (+∞) when empty.
    Min,
    /// Largest, ignoring NaN unless all are; −∞ when empty.
    Fmax,
    /// Smallest, ignoring NaN unless all are; +∞ when empty.
    Fmin,
    /// Whether any is true (bool only).
    Any,
    /// Whether all are true (bool only).
    All,
}

/// Which position an arg-reduction returns: the first of equal ones. Recording one along an empty axis is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ArgOp {
    /// Of the largest; of the first NaN if there is one.
    Max,
    /// Of the smallest; of the first NaN if there is one.
    Min,
    /// Of the largest number, ignoring NaN unless all are (then 0).
    Fmax,
    /// Of the smallest number, ignoring NaN unless all are (then 0).
    Fmin,
}

/// What a scan folds with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ScanOp {
    /// Running sum.
    Sum,
    /// Running product.
    Prod,
    /// Running maximum (NaN stays).
    Max,
    /// Running minimum (NaN stays).
    Min,
}

/// The distribution of random elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RngDist {
    /// Raw 32-bit words (u32 only).
    Bits,
    /// Uniform on [0, 1): 24 (f32) or 53 (f64) high bits of Philox words.
    Uniform,
    /// Standard normal by Box–Muller from two uniforms.
    Normal,
}

/// Operations that run on the host by library code. `output` of [`Op::Host`] selects among several results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HostOp {
    /// QR of an m×n matrix: output 0 is Q, output 1 is R; economy size unless `complete`.
    Qr {
        /// Whether Q is m×m.
        complete: bool,
    },
    /// Solves A·X = B: output 0 is X (least squares of minimum norm when A is not square or is singular), output 1 the
    /// reciprocal condition estimate (0-d; 0 when singular).
    Solve,
    /// The inverse: output 0, and output 1 the reciprocal condition estimate. All infinities when singular, all NaN when not finite; of
    /// one element its reciprocal.
    Inv,
    /// Lower Cholesky factor of a symmetric positive definite matrix; a numeric error otherwise.
    Cholesky,
    /// Determinant (0-d).
    Det,
    /// Eigen-decomposition of a symmetric matrix: output 0 eigenvalues ascending, output 1 vectors as columns.
    Eigh,
    /// Singular values descending: output 0 (n), outputs 1 and 2 are U and V of the economy form.
    Svd,
}

/// What a node computes. Operand order is the order listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// Data from outside; the number indexes the graph's leaves.
    Leaf(u32),
    /// A 0-d constant that is part of the plan.
    Literal(Scalar),
    /// A 0-d value that is not part of the plan; the number indexes the run's scalars.
    Slot(u32),
    /// The coordinate along `axis`.
    Iota {
        /// The array's shape.
        shape: Shape,
        /// The axis counted.
        axis: usize,
        /// The array's dtype; numeric.
        dtype: DType,
    },
    /// Random elements of Philox4x32-10 by (key: u32 0-d, stream: u32 0-d); element i depends only on i, key and stream.
    Rng {
        /// The distribution.
        dist: RngDist,
        /// The array's shape.
        shape: Shape,
        /// The array's dtype.
        dtype: DType,
    },
    /// Elementwise function of one operand.
    Unary(UnaryOp),
    /// Elementwise function of two operands under broadcasting.
    Binary(BinaryOp),
    /// The second operand where the first (bool) is true, else the third; broadcasting.
    Select,
    /// Conversion to another dtype.
    Cast {
        /// The dtype of the result.
        to: DType,
        /// What becomes of values that it cannot hold.
        mode: CastMode,
    },
    /// The operand read through a view that is relative to its dense, row-major form.
    View(View),
    /// Fold over `axes` (ascending, not empty), which keep extent 1.
    Reduce {
        /// With what.
        op: ReduceOp,
        /// Which axes.
        axes: Dims,
    },
    /// Position along `axis` (i32), which keeps extent 1.
    ArgReduce {
        /// Which position.
        op: ArgOp,
        /// Along which axis.
        axis: usize,
    },
    /// Running fold along `axis`, inclusive.
    Scan {
        /// With what.
        op: ScanOp,
        /// Along which axis.
        axis: usize,
    },
    /// Matrix product of the last two axes, broadcasting over the others.
    Contract {
        /// The planner's promise that the result equals its transpose, so that only half of it need be computed.
        symmetric: bool,
    },
    /// Elements of the first operand at the positions of the second (1-d i32) along `axis`; positions are clamped to the axis.
    Gather {
        /// The axis picked along.
        axis: usize,
    },
    /// The first operand with the elements at the positions of the second (1-d i32) along `axis` replaced by the third's; the
    /// last of equal positions wins, positions outside are dropped.
    Scatter {
        /// The axis written along.
        axis: usize,
    },
    /// The first operand with the window `start + step·i` on every axis replaced by the second.
    SliceUpdate {
        /// First coordinate on each axis.
        start: Dims,
        /// Distance between coordinates on each axis, at least 1.
        step: Dims,
    },
    /// All operands one after the other along `axis`.
    Concat {
        /// The axis that grows.
        axis: usize,
    },
    /// The first operand with `before` and `after` elements of the second (0-d) around it on every axis.
    Pad {
        /// Elements in front.
        before: Dims,
        /// Elements behind.
        after: Dims,
    },
    /// Values sorted along `axis`, NaN as the largest; stable.
    Sort {
        /// The axis sorted along.
        axis: usize,
        /// Largest first.
        descending: bool,
        /// Give the positions (i32) rather than the values.
        indices: bool,
    },
    /// A library routine on the host.
    Host {
        /// Which.
        op: HostOp,
        /// Which of its results.
        output: u8,
    },
}

impl Op {
    /// The name in dumps and errors.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Leaf(_) => "leaf",
            Self::Literal(_) => "literal",
            Self::Slot(_) => "slot",
            Self::Iota { .. } => "iota",
            Self::Rng { dist: RngDist::Bits, .. } => "rng_bits",
            Self::Rng { dist: RngDist::Uniform, .. } => "rng_uniform",
            Self::Rng { dist: RngDist::Normal, .. } => "rng_normal",
            Self::Unary(op) => op.name(),
            Self::Binary(op) => op.name(),
            Self::Select => "select",
            Self::Cast { mode: CastMode::Wrap, .. } => "cast",
            Self::Cast { mode: CastMode::RoundSaturate, .. } => "cast_round_saturate",
            Self::View(_) => "view",
            Self::Reduce { op, .. } => op.name(),
            Self::ArgReduce { op, .. } => op.name(),
            Self::Scan { op, .. } => op.name(),
            Self::Contract { symmetric: false } => "contract",
            Self::Contract { symmetric: true } => "contract_symmetric",
            Self::Gather { .. } => "gather",
            Self::Scatter { .. } => "scatter",
            Self::SliceUpdate { .. } => "slice_update",
            Self::Concat { .. } => "concat",
            Self::Pad { .. } => "pad",
            Self::Sort { indices: false, .. } => "sort",
            Self::Sort { indices: true, .. } => "argsort",
            Self::Host { op, .. } => op.name(),
        }
    }

    /// Whether each element of the result depends only on the elements of the operands at the same (broadcast) place.
    #[must_use]
    pub fn is_elementwise(&self) -> bool {
        matches!(self, Self::Unary(_) | Self::Binary(_) | Self::Select | Self::Cast { .. })
    }
}

impl fmt::Display for Op {
    /// The name with its attributes, as dumps show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Leaf(i) => write!(f, " #{i}"),
            Self::Literal(s) => write!(f, " {s}"),
            Self::Slot(i) => write!(f, " ${i}"),
            Self::Iota { axis, .. } | Self::ArgReduce { axis, .. } | Self::Scan { axis, .. } => {
                write!(f, " axis {axis}")
            }
            Self::Gather { axis } | Self::Scatter { axis } | Self::Concat { axis } => write!(f, " axis {axis}"),
            Self::Unary(UnaryOp::Powi(n)) => write!(f, " {n}"),
            Self::View(v) => write!(f, " {v}"),
            Self::Reduce { axes, .. } => write!(f, " axes {:?}", axes.as_slice()),
            Self::SliceUpdate { start, step } => write!(f, " at {:?} step {:?}", start.as_slice(), step.as_slice()),
            Self::Pad { before, after } => write!(f, " {:?} {:?}", before.as_slice(), after.as_slice()),
            Self::Sort { axis, descending, .. } => {
                write!(f, " axis {axis}{}", if *descending { " descending" } else { "" })
            }
            Self::Host { output, .. } => write!(f, " output {output}"),
            _ => Ok(()),
        }
    }
}

impl ReduceOp {
    /// Every reduction.
    pub const ALL: &'static [Self] =
        &[Self::Sum, Self::Prod, Self::Max, Self::Min, Self::Fmax, Self::Fmin, Self::Any, Self::All];

    /// The name in dumps, rules and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Prod => "prod",
            Self::Max => "amax",
            Self::Min => "amin",
            Self::Fmax => "nanmax",
            Self::Fmin => "nanmin",
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

impl ArgOp {
    /// Every arg-reduction.
    pub const ALL: &'static [Self] = &[Self::Max, Self::Min, Self::Fmax, Self::Fmin];

    /// The name in dumps, rules and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "argmax",
            Self::Min => "argmin",
            Self::Fmax => "nanargmax",
            Self::Fmin => "nanargmin",
        }
    }
}

impl ScanOp {
    /// Every scan.
    pub const ALL: &'static [Self] = &[Self::Sum, Self::Prod, Self::Max, Self::Min];

    /// The name in dumps, rules and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "cumsum",
            Self::Prod => "cumprod",
            Self::Max => "cummax",
            Self::Min => "cummin",
        }
    }
}

impl HostOp {
    /// The name in dumps and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qr { complete: false } => "qr",
            Self::Qr { complete: true } => "qr_complete",
            Self::Solve => "solve",
            Self::Inv => "inv",
            Self::Cholesky => "cholesky",
            Self::Det => "det",
            Self::Eigh => "eigh",
            Self::Svd => "svd",
        }
    }
}
