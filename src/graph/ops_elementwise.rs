//! The elementwise operations: names, dtypes and result dtypes, as one table each.
//!
//! What an operation computes is defined in one place, `cpu/reference`; this table says where it may be applied.

use crate::types::{DType, DTypeKind};

/// A function of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UnaryOp {
    /// −x.
    Neg,
    /// |x|.
    Abs,
    /// −1, 0 or 1 by sign; NaN for NaN, and a zero keeps its sign.
    Sign,
    /// Logical not (bool), bitwise not (integers).
    Not,
    /// √x.
    Sqrt,
    /// 1/√x.
    Rsqrt,
    /// 1/x.
    Recip,
    /// x·x.
    Square,
    /// x to an integer power, defined as products by binary powering from the low bit up. A negative power is the reciprocal of
    /// the positive one, which for integers is 0 unless |x| is 1.
    Powi(i32),
    /// eˣ.
    Exp,
    /// eˣ − 1.
    Expm1,
    /// Natural logarithm.
    Log,
    /// Logarithm to base 2.
    Log2,
    /// Logarithm to base 10.
    Log10,
    /// log(1 + x).
    Log1p,
    /// Sine of radians.
    Sin,
    /// Cosine of radians.
    Cos,
    /// Tangent of radians.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// Largest integer not above x.
    Floor,
    /// Smallest integer not below x.
    Ceil,
    /// Nearest integer, halves to even.
    Round,
    /// Nearest integer, halves away from zero.
    RoundAway,
    /// Integer part.
    Trunc,
    /// Whether x is NaN.
    IsNan,
    /// Whether x is ±∞.
    IsInf,
    /// Whether x is neither NaN nor ±∞.
    IsFinite,
}

/// A function of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BinaryOp {
    /// x + y; integers wrap.
    Add,
    /// x − y; integers wrap.
    Sub,
    /// x · y; integers wrap.
    Mul,
    /// x / y; integers truncate, x/0 is 0 and MIN/−1 is MIN.
    Div,
    /// Remainder with the sign of x (C `fmod`); integers: x rem 0 is 0.
    Rem,
    /// Remainder with the sign of y: x − floor(x/y)·y computed without that product's error; integers: x mod 0 is x.
    Mod,
    /// xʸ as IEEE `pow`. Integers: by wrapping products, negative exponents give 0 unless |x| is 1.
    Pow,
    /// Angle of the point (y = left, x = right).
    Atan2,
    /// √(x² + y²) without overflow midway.
    Hypot,
    /// The larger; NaN when either is NaN. +0 is larger than −0.
    Maximum,
    /// The smaller; NaN when either is NaN. −0 is smaller than +0.
    Minimum,
    /// The larger, ignoring a NaN beside a number. +0 is larger than −0.
    Fmax,
    /// The smaller, ignoring a NaN beside a number. −0 is smaller than +0.
    Fmin,
    /// x = y.
    Eq,
    /// x ≠ y; true for NaN.
    Ne,
    /// x < y.
    Lt,
    /// x ≤ y.
    Le,
    /// x > y.
    Gt,
    /// x ≥ y.
    Ge,
    /// Logical (bool) or bitwise (integers) and.
    And,
    /// Logical or bitwise or.
    Or,
    /// Logical or bitwise exclusive or.
    Xor,
}

impl UnaryOp {
    /// Every operation without an attribute; [`UnaryOp::Powi`] stands beside them.
    pub const ALL: &'static [Self] = &[
        Self::Neg,
        Self::Abs,
        Self::Sign,
        Self::Not,
        Self::Sqrt,
        Self::Rsqrt,
        Self::Recip,
        Self::Square,
        Self::Exp,
        Self::Expm1,
        Self::Log,
        Self::Log2,
        Self::Log10,
        Self::Log1p,
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
        Self::Sinh,
        Self::Cosh,
        Self::Tanh,
        Self::Floor,
        Self::Ceil,
        Self::Round,
        Self::RoundAway,
        Self::Trunc,
        Self::IsNan,
        Self::IsInf,
        Self::IsFinite,
    ];

    /// The name in dumps, rules and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Sign => "sign",
            Self::Not => "not",
            Self::Sqrt => "sqrt",
            Self::Rsqrt => "rsqrt",
            Self::Recip => "recip",
            Self::Square => "square",
            Self::Powi(_) => "powi",
            Self::Exp => "exp",
            Self::Expm1 => "expm1",
            Self::Log => "log",
            Self::Log2 => "log2",
            Self::Log10 => "log10",
            Self::Log1p => "log1p",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Asin => "asin",
            Self::Acos => "acos",
            Self::Atan => "atan",
            Self::Sinh => "sinh",
            Self::Cosh => "cosh",
            Self::Tanh => "tanh",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::RoundAway => "round_away",
            Self::Trunc => "trunc",
            Self::IsNan => "isnan",
            Self::IsInf => "isinf",
            Self::IsFinite => "isfinite",
        }
    }

    /// The dtype of the result for an operand of `dtype`, or `None` where the operation is not defined.
    #[must_use]
    pub const fn result(self, dtype: DType) -> Option<DType> {
        let kind = dtype.kind();
        match self {
            Self::Neg | Self::Abs | Self::Sign | Self::Square | Self::Powi(_) => match kind {
                DTypeKind::Bool => None,
                _ => Some(dtype),
            },
            Self::Not => match kind {
                DTypeKind::Float => None,
                _ => Some(dtype),
            },
            Self::IsNan | Self::IsInf | Self::IsFinite => match kind {
                DTypeKind::Float => Some(DType::Bool),
                _ => None,
            },
            _ => match kind {
                DTypeKind::Float => Some(dtype),
                _ => None,
            },
        }
    }

    /// Whether evaluation costs tens of cycles rather than one or two.
    #[must_use]
    pub const fn is_transcendental(self) -> bool {
        matches!(
            self,
            Self::Exp
                | Self::Expm1
                | Self::Log
                | Self::Log2
                | Self::Log10
                | Self::Log1p
                | Self::Sin
                | Self::Cos
                | Self::Tan
                | Self::Asin
                | Self::Acos
                | Self::Atan
                | Self::Sinh
                | Self::Cosh
                | Self::Tanh
        )
    }
}

impl BinaryOp {
    /// Every operation.
    pub const ALL: &'static [Self] = &[
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Rem,
        Self::Mod,
        Self::Pow,
        Self::Atan2,
        Self::Hypot,
        Self::Maximum,
        Self::Minimum,
        Self::Fmax,
        Self::Fmin,
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
        Self::And,
        Self::Or,
        Self::Xor,
    ];

    /// The name in dumps, rules and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Rem => "rem",
            Self::Mod => "mod",
            Self::Pow => "pow",
            Self::Atan2 => "atan2",
            Self::Hypot => "hypot",
            Self::Maximum => "maximum",
            Self::Minimum => "minimum",
            Self::Fmax => "fmax",
            Self::Fmin => "fmin",
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
        }
    }

    /// Whether the result is a truth value whatever the operands are.
    #[must_use]
    pub const fn is_compare(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// Whether x∘y and y∘x have the same bits for all operands (of two NaNs either may come out).
    #[must_use]
    pub const fn is_commutative(self) -> bool {
        matches!(
            self,
            Self::Add
                | Self::Mul
                | Self::Hypot
                | Self::Maximum
                | Self::Minimum
                | Self::Fmax
                | Self::Fmin
                | Self::Eq
                | Self::Ne
                | Self::And
                | Self::Or
                | Self::Xor
        )
    }

    /// The dtype of the result for two operands of `dtype`, or `None` where the operation is not defined.
    #[must_use]
    pub const fn result(self, dtype: DType) -> Option<DType> {
        let kind = dtype.kind();
        match self {
            Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => Some(DType::Bool),
            Self::And | Self::Or | Self::Xor => match kind {
                DTypeKind::Float => None,
                _ => Some(dtype),
            },
            Self::Atan2 | Self::Hypot => match kind {
                DTypeKind::Float => Some(dtype),
                _ => None,
            },
            Self::Maximum | Self::Minimum | Self::Fmax | Self::Fmin => Some(dtype),
            _ => match kind {
                DTypeKind::Bool => None,
                _ => Some(dtype),
            },
        }
    }

    /// Whether evaluation costs tens of cycles rather than one or two.
    #[must_use]
    pub const fn is_transcendental(self) -> bool {
        matches!(self, Self::Pow | Self::Atan2 | Self::Hypot | Self::Rem | Self::Mod)
    }
}
