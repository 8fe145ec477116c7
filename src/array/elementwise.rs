//! Elementwise methods, each as a pair: the plain form poisons, the `try_` form returns the error.

use super::{Array, Operand};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, CastMode, Op, Recorded, UnaryOp};
use crate::types::DType;

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident $try_name:ident $op:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> Self {
                Self::lift(self.engine(), self.$try_name())
            }

            #[doc = concat!("As [`", stringify!($name), "`](Self::", stringify!($name), "), but returns the error instead of a poisoned array.")]
            ///
            /// # Errors
            /// A dtype error where the operation is not defined.
            pub fn $try_name(&self) -> Result<Self> {
                self.unary(UnaryOp::$op)
            }
        )* }
    };
}

unary! {
    /// −x.
    neg try_neg Neg;
    /// |x|.
    abs try_abs Abs;
    /// −1, 0 or 1 by sign.
    sign try_sign Sign;
    /// Logical not (bool) or bitwise not (integers).
    not try_not Not;
    /// √x.
    sqrt try_sqrt Sqrt;
    /// 1/√x.
    rsqrt try_rsqrt Rsqrt;
    /// 1/x.
    recip try_recip Recip;
    /// x·x.
    square try_square Square;
    /// eˣ.
    exp try_exp Exp;
    /// eˣ − 1, accurate near 0.
    expm1 try_expm1 Expm1;
    /// Natural logarithm.
    log try_log Log;
    /// Logarithm to base 2.
    log2 try_log2 Log2;
    /// Logarithm to base 10.
    log10 try_log10 Log10;
    /// log(1 + x), accurate near 0.
    log1p try_log1p Log1p;
    /// Sine of radians.
    sin try_sin Sin;
    /// Cosine of radians.
    cos try_cos Cos;
    /// Tangent of radians.
    tan try_tan Tan;
    /// Inverse sine.
    asin try_asin Asin;
    /// Inverse cosine.
    acos try_acos Acos;
    /// Inverse tangent.
    atan try_atan Atan;
    /// Hyperbolic sine.
    sinh try_sinh Sinh;
    /// Hyperbolic cosine.
    cosh try_cosh Cosh;
    /// Hyperbolic tangent.
    tanh try_tanh Tanh;
    /// Largest integer not above x.
    floor try_floor Floor;
    /// Smallest integer not below x.
    ceil try_ceil Ceil;
    /// Nearest integer, halves to even.
    round try_round Round;
    /// Nearest integer, halves away from zero.
    round_away try_round_away RoundAway;
    /// Integer part.
    trunc try_trunc Trunc;
    /// Whether x is NaN (bool).
    isnan try_isnan IsNan;
    /// Whether x is infinite (bool).
    isinf try_isinf IsInf;
    /// Whether x is finite (bool).
    isfinite try_isfinite IsFinite;
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident $try_name:ident $op:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name<'a>(&self, other: impl Into<Operand<'a>>) -> Self {
                Self::lift(self.engine(), self.$try_name(other))
            }

            #[doc = concat!("As [`", stringify!($name), "`](Self::", stringify!($name), "), but returns the error instead of a poisoned array.")]
            ///
            /// # Errors
            /// A shape error when the shapes do not broadcast, a dtype error when the dtypes differ or lack the operation.
            pub fn $try_name<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Self> {
                self.binary(BinaryOp::$op, other.into())
            }
        )* }
    };
}
pub(super) use binary;

binary! {
    /// x + y; integers wrap.
    add try_add Add;
    /// x − y; integers wrap.
    sub try_sub Sub;
    /// x · y elementwise; integers wrap.
    mul try_mul Mul;
    /// x / y; integers truncate, and x/0 is 0.
    div try_div Div;
    /// Remainder with the sign of x.
    rem try_rem Rem;
    /// Remainder with the sign of y.
    modulo try_modulo Mod;
    /// Angle of the point (x = other, y = self).
    atan2 try_atan2 Atan2;
    /// √(x² + y²) without overflow midway.
    hypot try_hypot Hypot;
    /// The larger; NaN when either is NaN.
    maximum try_maximum Maximum;
    /// The smaller; NaN when either is NaN.
    minimum try_minimum Minimum;
    /// The larger, ignoring a NaN beside a number.
    fmax try_fmax Fmax;
    /// The smaller, ignoring a NaN beside a number.
    fmin try_fmin Fmin;
}

/// Integer exponents up to this magnitude are products; larger ones are left to `pow`.
const MAX_POWI: i64 = 64;

impl Array {
    pub(super) fn unary(&self, op: UnaryOp) -> Result<Self> {
        Self::record(self.engine(), Op::Unary(op), &[self], None)
    }

    pub(super) fn binary(&self, op: BinaryOp, other: Operand<'_>) -> Result<Self> {
        Ok(Self::adopt(self.engine(), self.binary_node(op, &other, false)?))
    }

    /// The operation on an array that it consumes. A temporary's handle becomes the result's.
    pub(super) fn binary_consuming(mut self, op: BinaryOp, other: &Operand<'_>) -> Self {
        let consumed = self.is_unshared();
        match self.binary_node(op, other, consumed) {
            Ok(node) => self.turn_into(node, consumed),
            Err(error) => Self::poisoned(self.engine(), error),
        }
    }

    fn binary_node(&self, op: BinaryOp, other: &Operand<'_>, consumed: bool) -> Result<Recorded> {
        match other.array() {
            Some(other) => Self::record_node(self.engine(), Op::Binary(op), &[self, other], consumed, None),
            None => self.with_number(op, other, false, consumed),
        }
    }

    /// As a number on the left: `number ∘ self`.
    pub(super) fn binary_from(&self, op: BinaryOp, number: Operand<'_>) -> Result<Self> {
        match number.array() {
            Some(number) => number.binary(op, Operand::Array(self)),
            None => Ok(Self::adopt(self.engine(), self.with_number(op, &number, true, false)?)),
        }
    }

    /// An operation of this array, which it may consume, and a number, which takes the array's dtype.
    fn with_number(&self, op: BinaryOp, number: &Operand<'_>, number_first: bool, consumed: bool) -> Result<Recorded> {
        let Some(number) = number.to_scalar(self.dtype()?)? else {
            return Err(Error::internal("an operand that is neither array nor number"));
        };
        self.record_with_number(op, number, number_first, consumed)
    }

    /// xʸ. A whole number up to 64 in magnitude beside a float array means products, any other exponent IEEE `pow`.
    #[must_use]
    pub fn pow<'a>(&self, exponent: impl Into<Operand<'a>>) -> Self {
        Self::lift(self.engine(), self.try_pow(exponent))
    }

    /// As [`pow`](Self::pow), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A shape error when the shapes do not broadcast, a dtype error when the dtypes differ or lack the operation.
    pub fn try_pow<'a>(&self, exponent: impl Into<Operand<'a>>) -> Result<Self> {
        let exponent = exponent.into();
        let whole = match &exponent {
            Operand::Int(n) => Some(*n),
            Operand::Float(v) if *v == v.trunc() && v.abs() <= MAX_POWI as f64 => Some(*v as i64),
            _ => None,
        };
        match whole {
            Some(n) if n.abs() <= MAX_POWI && self.dtype()?.is_float() => self.unary(UnaryOp::Powi(n as i32)),
            _ => self.binary(BinaryOp::Pow, exponent),
        }
    }

    /// Conversion to `dtype`: floats to integers truncate and clamp (NaN gives 0), integers keep their low bits.
    #[must_use]
    pub fn cast(&self, dtype: DType) -> Self {
        Self::lift(self.engine(), self.try_cast(dtype, CastMode::Wrap))
    }

    /// Conversion to `dtype`: floats to integers round halves away from zero and saturate, integers saturate.
    #[must_use]
    pub fn cast_round_saturate(&self, dtype: DType) -> Self {
        Self::lift(self.engine(), self.try_cast(dtype, CastMode::RoundSaturate))
    }

    fn try_cast(&self, dtype: DType, mode: CastMode) -> Result<Self> {
        if self.dtype()? == dtype {
            return Ok(self.clone());
        }
        Self::record(self.engine(), Op::Cast { to: dtype, mode }, &[self], None)
    }

    /// `then` where this bool array is true, `otherwise` elsewhere; all three broadcast. At least one of the two must be an array,
    /// whose dtype a number beside it takes.
    #[must_use]
    pub fn select<'a, 'b>(&self, then: impl Into<Operand<'a>>, otherwise: impl Into<Operand<'b>>) -> Self {
        Self::lift(self.engine(), self.try_select(then, otherwise))
    }

    /// As [`select`](Self::select), but returns the error instead of a poisoned array.
    ///
    /// # Errors
    /// A dtype error when the condition is not bool or the choices differ in dtype, a shape error when they do not broadcast.
    pub fn try_select<'a, 'b>(&self, then: impl Into<Operand<'a>>, otherwise: impl Into<Operand<'b>>) -> Result<Self> {
        let (then, otherwise) = (then.into(), otherwise.into());
        let Some(array) = then.array().or(otherwise.array()) else {
            return Err(Error::dtype("select: expected at least one array to take the dtype from, given two numbers"));
        };
        let dtype = array.dtype()?;
        let then = then.into_array(self.engine(), dtype)?;
        let otherwise = otherwise.into_array(self.engine(), dtype)?;
        Self::record(self.engine(), Op::Select, &[self, &then, &otherwise], None)
    }
}
