//! Elementwise operations and casts of one element of any dtype.
//!
//! These four functions define `Unary`, `Binary`, `Select` and `Cast`. Inference admits an operation only for the dtypes it
//! has; for others the result has the right dtype and no meaning, and nothing panics.

use half::f16;

use super::{float, integer};
use crate::graph::{BinaryOp, CastMode, UnaryOp};
use crate::types::{DType, DTypeKind, Scalar};

/// A number rounded once to a floating dtype.
#[must_use]
pub fn from_f64(dtype: DType, x: f64) -> Scalar {
    match dtype {
        DType::F16 => Scalar::from_bits(dtype, u64::from(round_f16(x).to_bits())),
        _ => Scalar::from_f64(dtype, x),
    }
}

/// An f64 rounded once to f16. Conversion by way of f32 rounds twice, unless the first rounding is to odd.
#[must_use]
pub fn round_f16(x: f64) -> f16 {
    let near = x as f32;
    if x.is_nan() || f64::from(near) == x {
        return f16::from_f32(near);
    }
    let towards_zero = if f64::from(near).abs() > x.abs() { near.to_bits() - 1 } else { near.to_bits() };
    f16::from_f32(f32::from_bits(towards_zero | 1))
}

/// A function of one element.
#[must_use]
pub fn unary(op: UnaryOp, x: Scalar) -> Scalar {
    let dtype = x.dtype();
    match dtype.kind() {
        DTypeKind::Bool => truth(x.bits() == 0),
        DTypeKind::Int => Scalar::from_i64(dtype, integer::unary(op, x.to_i64())),
        DTypeKind::Float => {
            let v = x.to_f64();
            match op {
                UnaryOp::IsNan => truth(v.is_nan()),
                UnaryOp::IsInf => truth(v.is_infinite()),
                UnaryOp::IsFinite => truth(v.is_finite()),
                UnaryOp::Powi(n) => from_f64(dtype, float::powi(v, n, |p| from_f64(dtype, p).to_f64())),
                _ => from_f64(dtype, float::unary(op, v)),
            }
        }
    }
}

/// A function of two elements of one dtype.
#[must_use]
pub fn binary(op: BinaryOp, x: Scalar, y: Scalar) -> Scalar {
    let dtype = x.dtype();
    match dtype.kind() {
        DTypeKind::Float => {
            let (a, b) = (x.to_f64(), y.to_f64());
            float::compare(op, a, b).map_or_else(|| from_f64(dtype, float::binary(op, a, b)), truth)
        }
        DTypeKind::Bool | DTypeKind::Int => {
            let (a, b) = (x.to_i64(), y.to_i64());
            float::compare(op, a, b).map_or_else(|| Scalar::from_i64(dtype, integer::binary(op, a, b)), truth)
        }
    }
}

/// The second where the first is true, else the third.
#[must_use]
pub fn select(condition: Scalar, yes: Scalar, no: Scalar) -> Scalar {
    if condition.bits() != 0 { yes } else { no }
}

/// An element as another dtype.
#[must_use]
pub fn cast(mode: CastMode, x: Scalar, to: DType) -> Scalar {
    if x.dtype() == to {
        return x;
    }
    match (x.dtype().kind(), to.kind()) {
        (DTypeKind::Float, DTypeKind::Bool) => truth(x.to_f64() != 0.0),
        (_, DTypeKind::Bool) => truth(x.bits() != 0),
        (DTypeKind::Float, DTypeKind::Float) => from_f64(to, x.to_f64()),
        (DTypeKind::Float, DTypeKind::Int) => {
            let v = x.to_f64();
            Scalar::from_f64(to, if mode == CastMode::Wrap { v } else { v.round() })
        }
        (_, DTypeKind::Int) => {
            let v = x.to_i64();
            let (low, high) = int_range(to);
            Scalar::from_i64(to, if mode == CastMode::Wrap { v } else { v.clamp(low, high) })
        }
        // From i64 straight to f32: through f64 it would round twice.
        (_, DTypeKind::Float) if to == DType::F32 => Scalar::from_bits(to, u64::from((x.to_i64() as f32).to_bits())),
        (_, DTypeKind::Float) => from_f64(to, x.to_i64() as f64),
    }
}

/// The least and the greatest value of an integer dtype.
fn int_range(dtype: DType) -> (i64, i64) {
    match dtype {
        DType::U8 => (0, i64::from(u8::MAX)),
        DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        DType::U32 => (0, i64::from(u32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

/// The lowest value of a dtype: what the largest of nothing is.
#[must_use]
pub fn lowest(dtype: DType) -> Scalar {
    match dtype.kind() {
        DTypeKind::Bool => truth(false),
        DTypeKind::Int => Scalar::from_i64(dtype, int_range(dtype).0),
        DTypeKind::Float => Scalar::from_f64(dtype, f64::NEG_INFINITY),
    }
}

/// The highest value of a dtype: what the smallest of nothing is.
#[must_use]
pub fn highest(dtype: DType) -> Scalar {
    match dtype.kind() {
        DTypeKind::Bool => truth(true),
        DTypeKind::Int => Scalar::from_i64(dtype, int_range(dtype).1),
        DTypeKind::Float => Scalar::from_f64(dtype, f64::INFINITY),
    }
}

fn truth(v: bool) -> Scalar {
    Scalar::from_bits(DType::Bool, u64::from(v))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(dtype: DType, v: f64) -> Scalar {
        Scalar::from_f64(dtype, v)
    }

    #[test]
    fn casts_wrap_or_saturate() {
        let wrap = |x, to| cast(CastMode::Wrap, x, to).to_f64();
        let round = |x, to| cast(CastMode::RoundSaturate, x, to).to_f64();
        assert_eq!(wrap(s(DType::F64, -2.7), DType::I32), -2.0);
        assert_eq!(round(s(DType::F64, -2.5), DType::I32), -3.0);
        assert_eq!(round(s(DType::F32, 1e20), DType::U8), 255.0);
        assert_eq!(wrap(s(DType::F32, f64::NAN), DType::I64), 0.0);
        assert_eq!(wrap(s(DType::I32, -1.0), DType::U8), 255.0);
        assert_eq!(round(s(DType::I32, -1.0), DType::U8), 0.0);
        assert_eq!(wrap(s(DType::F64, f64::NAN), DType::Bool), 1.0);
        let big = Scalar::from_i64(DType::I64, (1 << 54) + (1 << 30) + 1);
        assert_eq!(cast(CastMode::Wrap, big, DType::F32).to_f64(), 2f64.powi(54) + 2f64.powi(31));
    }

    #[test]
    fn f16_rounds_once() {
        // Just above the midpoint of 1 and its successor, by less than f32 can see.
        let x = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!(round_f16(x).to_f64(), 1.0 + 2f64.powi(-10));
        assert_eq!(round_f16(-x).to_f64(), -1.0 - 2f64.powi(-10));
        assert_eq!(round_f16(1e300).to_f64(), f64::INFINITY);
        assert_eq!(round_f16(1e-300).to_bits(), 0);
    }

    #[test]
    fn integers_wrap() {
        let min = Scalar::from_i64(DType::I32, i64::from(i32::MIN));
        assert_eq!(unary(UnaryOp::Neg, min), min);
        assert_eq!(binary(BinaryOp::Div, min, Scalar::from_i64(DType::I32, -1)), min);
        let big = Scalar::from_i64(DType::U32, 0xffff_ffff);
        assert_eq!(binary(BinaryOp::Add, big, Scalar::from_i64(DType::U32, 2)).to_i64(), 1);
        assert_eq!(unary(UnaryOp::Not, big).to_i64(), 0);
    }
}
