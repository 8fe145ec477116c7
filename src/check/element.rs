//! What is known of one element: which categories of value it may be, and for numbers a centre with a bound.
//!
//! An [`Element`] stands for a *set* of acceptable results. Every function of the oracle maps sets to sets so that whatever a
//! correct run may compute from any member of the operands' sets lies in the result's set. Nothing here knows graphs.

use super::dd::Dd;
use crate::types::{DType, Scalar};

/// Which categories of value an element may have, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Categories(pub u8);

impl Categories {
    /// A number, near the centre.
    pub const NUMBER: Self = Self(1);
    /// Not a number.
    pub const NAN: Self = Self(2);
    /// +∞.
    pub const UP: Self = Self(4);
    /// −∞.
    pub const DOWN: Self = Self(8);
    /// Everything.
    pub const ALL: Self = Self(15);

    /// Whether any of `other`'s categories is possible.
    #[must_use]
    pub const fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The union.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Which zeros an element may be where it may be zero, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zeros(u8);

impl Zeros {
    /// +0.
    pub const PLUS: Self = Self(1);
    /// −0.
    pub const MINUS: Self = Self(2);
    /// Either.
    pub const BOTH: Self = Self(3);

    /// +0 and −0, as far as they are possible.
    #[must_use]
    pub const fn of(plus: bool, minus: bool) -> Self {
        Self(plus as u8 | ((minus as u8) << 1))
    }

    /// Whether +0 is possible.
    #[must_use]
    pub const fn plus(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether −0 is possible.
    #[must_use]
    pub const fn minus(self) -> bool {
        self.0 & 2 != 0
    }

    /// The union.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The zeros of the opposite values.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self::of(self.minus(), self.plus())
    }
}

/// A set of acceptable values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Element {
    /// The centre: the value over the reals, where all choices were certain.
    pub value: Dd,
    /// How far a computed number may lie from the centre.
    pub radius: f64,
    /// The sum of the magnitudes of the terms of the sum behind the value: what roundings are relative to when the order of
    /// sums and products is free. At least |value|.
    pub size: f64,
    /// What it may be. The three fields above and the zeros count only if a number is possible.
    pub categories: Categories,
    /// The zeros that are meant if the numbers hold zero.
    pub zeros: Zeros,
    /// Whether the value was built from integers by sums and products only, so that no order of them rounds while `size` is
    /// exactly representable.
    pub integral: bool,
    /// Whether the opposite value is as good (columns of orthogonal factors). Only roots are compared so; every function takes
    /// the hull of both.
    pub either_sign: bool,
}

impl Element {
    /// Anything at all.
    pub const ANY: Self = Self {
        value: Dd::ZERO,
        radius: f64::INFINITY,
        size: f64::INFINITY,
        categories: Categories::ALL,
        zeros: Zeros::BOTH,
        integral: false,
        either_sign: false,
    };

    /// An infinity of either sign, or NaN.
    pub const NOT_FINITE: Self = Self {
        value: Dd::ZERO,
        radius: 0.0,
        size: 0.0,
        categories: Categories(Categories::NAN.0 | Categories::UP.0 | Categories::DOWN.0),
        zeros: Zeros::PLUS,
        integral: true,
        either_sign: false,
    };

    /// Exactly `value`, which must be finite.
    #[must_use]
    pub fn exact(value: Dd) -> Self {
        let integral = value.floor() == value;
        let negative = value.hi.is_sign_negative();
        Self {
            value,
            radius: 0.0,
            size: value.hi.abs(),
            categories: Categories::NUMBER,
            zeros: Zeros::of(!negative, negative),
            integral,
            either_sign: false,
        }
    }

    /// Exactly the f64 `x`, which may be NaN or infinite.
    #[must_use]
    pub fn from_f64(x: f64) -> Self {
        let special = |categories| Self { categories, ..Self::exact(Dd::ZERO) };
        match x {
            _ if x.is_nan() => special(Categories::NAN),
            f64::INFINITY => special(Categories::UP),
            f64::NEG_INFINITY => special(Categories::DOWN),
            _ => Self::exact(Dd::new(x)),
        }
    }

    /// Exactly this scalar.
    #[must_use]
    pub fn from_scalar(s: Scalar) -> Self {
        if s.dtype().is_float() { Self::from_f64(s.to_f64()) } else { Self::integer(i128::from(s.to_i64())) }
    }

    /// Exactly this integer.
    #[must_use]
    pub fn integer(x: i128) -> Self {
        Self::exact(Dd::from_i128(x))
    }

    /// Any integer of a closed range.
    #[must_use]
    pub fn integers(low: i128, high: i128) -> Self {
        if low == high {
            return Self::integer(low);
        }
        // Beyond 2^53 the conversion itself may round inwards.
        let outward = |x: i128, away: fn(f64) -> f64| if x.abs() > 1 << 53 { away(x as f64) } else { x as f64 };
        Self::between(outward(low, f64::next_down), outward(high, f64::next_up))
    }

    /// This truth value, or both when it is not certain.
    #[must_use]
    pub fn truth(value: Option<bool>) -> Self {
        value.map_or_else(|| Self::integers(0, 1), |b| Self::integer(i128::from(b)))
    }

    /// Any number of a closed range, centred in its middle.
    #[must_use]
    pub fn between(low: f64, high: f64) -> Self {
        if !(low.is_finite() && high.is_finite()) {
            return Self::ANY;
        }
        Self::around(Dd::new(low).plus(Dd::new(high)).times(Dd::new(0.5)), low, high)
    }

    /// Any number of a closed range that is expected near `value`.
    #[must_use]
    pub fn around(value: Dd, low: f64, high: f64) -> Self {
        if !(low.is_finite() && high.is_finite() && value.is_finite()) {
            return Self::ANY;
        }
        let above = Dd::new(high).minus(value).round_up();
        let below = value.minus(Dd::new(low)).round_up();
        let radius = above.max(below).max(0.0);
        Self { radius, size: value.hi.abs(), integral: false, zeros: Zeros::BOTH, ..Self::exact(value) }
    }

    /// The same value with another radius; zeros of both signs are as good where it is uncertain.
    #[must_use]
    pub fn with_radius(self, radius: f64) -> Self {
        let zeros = if radius > 0.0 { Zeros::BOTH } else { self.zeros };
        if radius.is_finite() { Self { radius, zeros, ..self } } else { Self::ANY }
    }

    /// The same values where zeros are these.
    #[must_use]
    pub fn with_zeros(self, zeros: Zeros) -> Self {
        Self { zeros, ..self }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.radius == f64::INFINITY
    }

    /// Whether a number is possible.
    #[must_use]
    pub fn may_be_number(&self) -> bool {
        self.categories.any_of(Categories::NUMBER)
    }

    /// Whether only a number is possible.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.categories == Categories::NUMBER
    }

    /// Whether NaN is possible.
    #[must_use]
    pub fn may_be_nan(&self) -> bool {
        self.categories.any_of(Categories::NAN)
    }

    /// Whether an infinity is possible.
    #[must_use]
    pub fn may_be_infinite(&self) -> bool {
        self.categories.any_of(Categories(Categories::UP.0 | Categories::DOWN.0))
    }

    /// Whether zero is possible.
    #[must_use]
    pub fn may_be_zero(&self) -> bool {
        self.may_be_number() && self.low() <= 0.0 && self.high() >= 0.0
    }

    /// Whether it can only be a zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.is_exact() && self.value == Dd::ZERO
    }

    /// Whether a value whose sign bit is clear is possible, NaN left out.
    #[must_use]
    pub fn may_be_plus(&self) -> bool {
        self.categories.any_of(Categories::UP)
            || self.may_be_number() && (self.high() > 0.0 || self.may_be_zero() && self.zeros.plus())
    }

    /// Whether a value whose sign bit is set is possible, NaN left out.
    #[must_use]
    pub fn may_be_minus(&self) -> bool {
        self.categories.any_of(Categories::DOWN)
            || self.may_be_number() && (self.low() < 0.0 || self.may_be_zero() && self.zeros.minus())
    }

    /// The zeros with the signs that are possible.
    #[must_use]
    pub fn signs(&self) -> Zeros {
        Zeros::of(self.may_be_plus(), self.may_be_minus())
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        let (up, down) = (self.categories.any_of(Categories::UP), self.categories.any_of(Categories::DOWN));
        let infinities = (u8::from(up) * Categories::DOWN.0) | (u8::from(down) * Categories::UP.0);
        let others = self.categories.0 & (Categories::NUMBER.0 | Categories::NAN.0);
        let categories = Categories(others | infinities);
        Self { value: self.value.negated(), zeros: self.zeros.negated(), categories, ..self }
    }

    /// Whether it can only be this one number.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.is_number() && self.radius == 0.0 && !self.either_sign
    }

    /// Whether it was built from integers so small that no order of their sums and products rounds; `u` is the unit roundoff.
    #[must_use]
    pub fn is_whole(&self, u: f64) -> bool {
        self.integral && self.radius == 0.0 && self.value.lo == 0.0 && self.size * u <= 1.0
    }

    /// The lowest possible number.
    #[must_use]
    pub fn low(&self) -> f64 {
        if self.either_sign {
            return -self.value.magnitude().plus(Dd::new(self.radius)).round_up();
        }
        if self.is_any() { f64::NEG_INFINITY } else { self.value.minus(Dd::new(self.radius)).round_down() }
    }

    /// The highest possible number.
    #[must_use]
    pub fn high(&self) -> f64 {
        if self.either_sign {
            return self.value.magnitude().plus(Dd::new(self.radius)).round_up();
        }
        if self.is_any() { f64::INFINITY } else { self.value.plus(Dd::new(self.radius)).round_up() }
    }

    /// An upper bound of the possible magnitudes.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.low().abs().max(self.high().abs())
    }

    /// A lower bound of the possible magnitudes.
    #[must_use]
    pub fn smallest(&self) -> f64 {
        let (low, high) = (self.low(), self.high());
        if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) }
    }

    /// Without the freedom of sign: the hull of both signs.
    #[must_use]
    pub fn one_sign(self) -> Self {
        if self.either_sign { Self::between(self.low(), self.high()) } else { self }
    }

    /// Whether `self` or `other`. The centre is `self`'s.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (a, b) = (self.one_sign(), other.one_sign());
        if a == b {
            return a;
        }
        if a.is_any() || b.is_any() {
            return Self::ANY;
        }
        let categories = a.categories.with(b.categories);
        if !b.may_be_number() {
            return Self { categories, ..a };
        }
        if !a.may_be_number() {
            return Self { categories, ..b };
        }
        if a.radius == 0.0 && b.radius == 0.0 && a.value == b.value {
            let zeros = a.zeros.with(b.zeros);
            return Self { categories, zeros, size: a.size.max(b.size), integral: a.integral && b.integral, ..a };
        }
        let hull = Self::around(a.value, a.low().min(b.low()), a.high().max(b.high()));
        Self { categories, size: a.size.max(b.size), ..hull }
    }

    /// The integers of `dtype` that are possible, as a closed range. Numbers outside the dtype do not count.
    #[must_use]
    pub fn integer_range(&self, dtype: DType) -> (i128, i128) {
        let (least, most) = integer_limits(dtype);
        if self.is_any() {
            return (least, most);
        }
        if self.radius == 0.0 {
            let x = self.value.hi as i128 + self.value.lo as i128;
            return (x, x);
        }
        let low = (self.low().ceil() as i128).clamp(least, most);
        (low, (self.high().floor() as i128).clamp(low, most))
    }
}

/// The least and greatest value of an integer dtype; 0 and 1 for bool.
#[must_use]
pub fn integer_limits(dtype: DType) -> (i128, i128) {
    match dtype {
        DType::Bool => (0, 1),
        DType::U8 => (0, 255),
        DType::I32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        DType::U32 => (0, i128::from(u32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    }
}

/// The low bits of `x` as a value of an integer dtype.
#[must_use]
pub fn wrap_integer(dtype: DType, x: i128) -> i128 {
    match dtype {
        DType::Bool => i128::from(x != 0),
        DType::U8 => i128::from(x as u8),
        DType::I32 => i128::from(x as i32),
        DType::U32 => i128::from(x as u32),
        _ => i128::from(x as i64),
    }
}

/// Whether a floating dtype holds `x` exactly.
#[must_use]
pub fn representable(dtype: DType, x: Dd) -> bool {
    x.lo == 0.0
        && match dtype {
            DType::F16 => half::f16::from_f64(x.hi).to_f64() == x.hi,
            DType::F32 => f64::from(x.hi as f32) == x.hi,
            _ => true,
        }
}
