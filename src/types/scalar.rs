//! One value of any dtype, compared and hashed by its bits: +0 and −0 differ, and so do NaNs with different payloads.

use std::fmt;

use half::f16;

use super::DType;

/// A scalar: its dtype and its bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scalar {
    dtype: DType,
    bits: u64,
}

impl Scalar {
    /// A scalar from its raw bits, the low bytes of `bits`.
    #[must_use]
    pub const fn from_bits(dtype: DType, bits: u64) -> Self {
        Self { dtype, bits }
    }

    /// The value nearest to `value` in `dtype`. Integers truncate towards zero and saturate, NaN becomes 0; anything but
    /// zero is `true` (NaN too).
    #[must_use]
    pub fn from_f64(dtype: DType, value: f64) -> Self {
        let bits = match dtype {
            DType::Bool => u64::from(value != 0.0),
            DType::U8 => u64::from(value as u8),
            DType::I32 => u64::from((value as i32) as u32),
            DType::U32 => u64::from(value as u32),
            DType::I64 => (value as i64) as u64,
            DType::F16 => u64::from(f16::from_f64(value).to_bits()),
            DType::F32 => u64::from((value as f32).to_bits()),
            DType::F64 => value.to_bits(),
        };
        Self { dtype, bits }
    }

    /// The integer `value` in `dtype`: integers keep the low bits, floats round.
    #[must_use]
    pub fn from_i64(dtype: DType, value: i64) -> Self {
        match dtype {
            DType::U8 => Self { dtype, bits: u64::from(value as u8) },
            DType::I32 | DType::U32 => Self { dtype, bits: u64::from(value as u32) },
            DType::I64 => Self { dtype, bits: value as u64 },
            _ => Self::from_f64(dtype, value as f64),
        }
    }

    /// The dtype.
    #[must_use]
    pub const fn dtype(self) -> DType {
        self.dtype
    }

    /// The bits, in the low bytes.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.bits
    }

    /// The value as f64. Exact for every dtype but 64-bit integers beyond 2^53.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self.dtype {
            DType::Bool | DType::U8 | DType::U32 => self.bits as f64,
            DType::I32 => f64::from(self.bits as u32 as i32),
            DType::I64 => (self.bits as i64) as f64,
            DType::F16 => f16::from_bits(self.bits as u16).to_f64(),
            DType::F32 => f64::from(f32::from_bits(self.bits as u32)),
            DType::F64 => f64::from_bits(self.bits),
        }
    }

    /// The value as i64: floats truncate and saturate.
    #[must_use]
    pub fn to_i64(self) -> i64 {
        match self.dtype {
            DType::Bool | DType::U8 | DType::U32 => self.bits as i64,
            DType::I32 => i64::from(self.bits as u32 as i32),
            DType::I64 => self.bits as i64,
            _ => self.to_f64() as i64,
        }
    }

    /// Whether a scalar of this value is part of a plan rather than of a run: zeros of both signs, ±½, ±1, ±2, 3 and 4 of any
    /// dtype, every truth value, and every value that is not finite. Rules and lowerings may test no other scalar by value.
    #[must_use]
    pub fn is_structural(self) -> bool {
        let v = self.to_f64();
        self.dtype == DType::Bool || !v.is_finite() || [0.0, 0.5, 1.0, 2.0].contains(&v.abs()) || v == 3.0 || v == 4.0
    }

    /// Whether both have the same dtype and bits, any NaN for any NaN.
    #[must_use]
    pub fn is_same(self, other: Self) -> bool {
        let nan = |s: Self| s.dtype.is_float() && s.to_f64().is_nan();
        self == other || (self.dtype == other.dtype && nan(self) && nan(other))
    }

    /// Whether this is [the same](Self::is_same) as `expected`, or a number at most `allowed` away from it. Integers are compared
    /// exactly.
    #[must_use]
    pub fn is_within(self, expected: Self, allowed: f64) -> bool {
        if self.is_same(expected) {
            return true;
        }
        if self.dtype.is_float() || expected.dtype.is_float() {
            return (self.to_f64() - expected.to_f64()).abs() <= allowed;
        }
        let distance = (i128::from(self.to_i64()) - i128::from(expected.to_i64())).abs();
        // Whole numbers are at most `allowed` if they are at most its whole part.
        allowed >= 0.0 && distance <= allowed as i128
    }

    /// Whether the value equals `value` and is no negative zero.
    #[must_use]
    pub fn is(self, value: f64) -> bool {
        self == Self::from_f64(self.dtype, value) && self.to_f64() == value
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dtype {
            DType::Bool => write!(f, "{}", self.bits != 0),
            d if d.is_int() => write!(f, "{}", self.to_i64()),
            DType::F32 => write!(f, "{:?}", f32::from_bits(self.bits as u32)),
            _ => write!(f, "{:?}", self.to_f64()),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}{}", self.dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_differ_by_sign() {
        assert_ne!(Scalar::from_f64(DType::F32, 0.0), Scalar::from_f64(DType::F32, -0.0));
        assert!(Scalar::from_f64(DType::F32, 0.0).is(0.0));
        assert!(!Scalar::from_f64(DType::F32, -0.0).is(0.0));
    }

    #[test]
    fn large_integers_are_compared_exactly() {
        let number = |n| Scalar::from_i64(DType::I64, n);
        let large = 1 << 60;
        assert!(!number(large).is_within(number(large + 1), 0.0));
        assert!(!number(large).is_within(number(large + 2), 1.5));
        assert!(number(large).is_within(number(large + 1), 1.5));
        assert!(number(i64::MIN).is_within(number(i64::MAX), f64::INFINITY));
        assert!(!number(0).is_within(number(1), f64::NAN));
    }

    #[test]
    fn integers_keep_sign() {
        assert_eq!(Scalar::from_i64(DType::I32, -3).to_f64(), -3.0);
        assert_eq!(Scalar::from_f64(DType::I32, -3.9).to_i64(), -3);
        assert_eq!(Scalar::from_f64(DType::U8, 300.0).to_i64(), 255);
    }
}
