//! Double-double numbers: an unevaluated sum of two f64 with about 106 significant bits.
//!
//! In go f64 values, out come sums, products, quotients and roots that are exact to about 2⁻¹⁰⁴ relative. This file knows
//! nothing of error bounds or dtypes. The algorithms are the classical error-free transformations (Dekker 1971, Knuth's
//! two-sum, and the fused multiply-add form of two-product).

use std::cmp::Ordering;

/// The number `hi + lo`, with `|lo|` at most half an ulp of `hi`.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Dd {
    /// The number rounded to f64.
    pub hi: f64,
    /// What `hi` leaves out.
    pub lo: f64,
}

/// The rounded sum and its exact error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// As [`two_sum`] where |a| ≥ |b| is known.
fn quick_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

impl Dd {
    /// Zero.
    pub const ZERO: Self = Self { hi: 0.0, lo: 0.0 };

    /// The f64 `x`, exactly.
    #[must_use]
    pub const fn new(x: f64) -> Self {
        Self { hi: x, lo: 0.0 }
    }

    /// The integer `x`, exactly.
    #[must_use]
    pub fn from_i128(x: i128) -> Self {
        let hi = x as f64;
        Self::new(hi).plus(Self::new((x - hi as i128) as f64))
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (s, e) = two_sum(self.hi, other.hi);
        let (t, f) = two_sum(self.lo, other.lo);
        let (s, e) = quick_two_sum(s, e + t);
        let (hi, lo) = quick_two_sum(s, e + f);
        Self { hi, lo }
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let p = self.hi * other.hi;
        let e = self.hi.mul_add(other.hi, -p) + (self.hi * other.lo + self.lo * other.hi);
        let (hi, lo) = quick_two_sum(p, e);
        Self { hi, lo }
    }

    /// The quotient; not finite when `other` is zero.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        let q1 = self.hi / other.hi;
        if !q1.is_finite() {
            return Self::new(q1);
        }
        let rest = self.minus(other.times(Self::new(q1)));
        let q2 = rest.hi / other.hi;
        let rest = rest.minus(other.times(Self::new(q2)));
        let q3 = rest.hi / other.hi;
        let (hi, lo) = quick_two_sum(q1, q2);
        Self { hi, lo }.plus(Self::new(q3))
    }

    /// The square root of a number that is not negative.
    #[must_use]
    pub fn root(self) -> Self {
        if self.hi <= 0.0 {
            return Self::ZERO;
        }
        let s = self.hi.sqrt();
        let rest = self.minus(Self::new(s).times(Self::new(s)));
        Self::new(s).plus(Self::new(rest.hi / (2.0 * s)))
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }

    /// The magnitude.
    #[must_use]
    pub fn magnitude(self) -> Self {
        if self.hi < 0.0 { self.negated() } else { self }
    }

    /// The largest integer not above.
    #[must_use]
    pub fn floor(self) -> Self {
        let f = self.hi.floor();
        if f == self.hi { Self::new(f).plus(Self::new(self.lo.floor())) } else { Self::new(f) }
    }

    /// Whether both parts are finite.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.hi.is_finite() && self.lo.is_finite()
    }

    /// How the numbers compare; both must be finite.
    #[must_use]
    pub fn order(self, other: Self) -> Ordering {
        self.hi.total_cmp(&other.hi).then(self.lo.total_cmp(&other.lo)).then(Ordering::Equal)
    }

    /// The largest f64 not above.
    #[must_use]
    pub fn round_down(self) -> f64 {
        if self.lo < 0.0 { self.hi.next_down() } else { self.hi }
    }

    /// The smallest f64 not below.
    #[must_use]
    pub fn round_up(self) -> f64 {
        if self.lo > 0.0 { self.hi.next_up() } else { self.hi }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dd(hi: f64, lo: f64) -> Dd {
        Dd::new(hi).plus(Dd::new(lo))
    }

    #[test]
    fn sums_and_products_keep_what_f64_loses() {
        let big = dd(1e16, 1.0);
        assert_eq!(big.plus(dd(0.5, 0.0)).minus(Dd::new(1e16)), dd(1.5, 0.0));
        let x = dd(1.0, 2f64.powi(-60));
        let square = x.times(x);
        assert_eq!(square, dd(1.0, 2f64.powi(-59)), "the square of 1 + e is 1 + 2e up to e²");
    }

    #[test]
    fn quotients_and_roots_invert() {
        for (a, b) in [(1.0, 3.0), (-2.0, 7.0), (1e20, 3e-5), (5.0, 1e10)] {
            let q = Dd::new(a).over(Dd::new(b));
            let back = q.times(Dd::new(b)).minus(Dd::new(a));
            assert!(back.hi.abs() <= a.abs() * 1e-30, "{a}/{b} leaves {back:?}");
            let r = Dd::new(b).root();
            let back = r.times(r).minus(Dd::new(b));
            assert!(back.hi.abs() <= b * 1e-30, "√{b} leaves {back:?}");
        }
    }

    #[test]
    fn integers_and_floors_are_exact() {
        let x = Dd::from_i128(i128::from(i64::MAX));
        assert_eq!(x.minus(Dd::new(2f64.powi(63))).hi, -1.0);
        assert_eq!(dd(3.0, -1e-20).floor().hi, 2.0);
        assert_eq!(dd(-3.0, 1e-20).floor().hi, -3.0);
        assert!(dd(3.0, -1e-20).round_down() < 3.0);
    }
}
