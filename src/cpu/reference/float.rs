//! Functions of floating-point elements, on f64.
//!
//! For f32 and f16 the operand is widened, the function computed here and the result rounded once: that is the definition,
//! so a narrow result is as good as correctly rounded. f64 goes through the standard library. Powers by an integer are the
//! exception: they are defined as products, each rounded to the element's own dtype, because every device can reproduce
//! that.

use crate::graph::{BinaryOp, UnaryOp};

/// A function of one number whose result is a number. The tests (`isnan`, …) are in `scalar`; operations that floats do not
/// have give NaN.
#[must_use]
pub fn unary(op: UnaryOp, x: f64) -> f64 {
    match op {
        UnaryOp::Neg => -x,
        UnaryOp::Abs => x.abs(),
        UnaryOp::Sign => sign(x),
        UnaryOp::Sqrt => x.sqrt(),
        UnaryOp::Rsqrt => 1.0 / x.sqrt(),
        UnaryOp::Recip => 1.0 / x,
        UnaryOp::Square => x * x,
        UnaryOp::Powi(n) => powi(x, n, |v| v),
        UnaryOp::Exp => x.exp(),
        UnaryOp::Expm1 => x.exp_m1(),
        UnaryOp::Log => x.ln(),
        UnaryOp::Log2 => x.log2(),
        UnaryOp::Log10 => x.log10(),
        UnaryOp::Log1p => x.ln_1p(),
        UnaryOp::Sin => x.sin(),
        UnaryOp::Cos => x.cos(),
        UnaryOp::Tan => x.tan(),
        UnaryOp::Asin => x.asin(),
        UnaryOp::Acos => x.acos(),
        UnaryOp::Atan => x.atan(),
        UnaryOp::Sinh => x.sinh(),
        UnaryOp::Cosh => x.cosh(),
        UnaryOp::Tanh => x.tanh(),
        UnaryOp::Floor => x.floor(),
        UnaryOp::Ceil => x.ceil(),
        UnaryOp::Round => x.round_ties_even(),
        UnaryOp::RoundAway => x.round(),
        UnaryOp::Trunc => x.trunc(),
        UnaryOp::Not | UnaryOp::IsNan | UnaryOp::IsInf | UnaryOp::IsFinite => f64::NAN,
    }
}

/// −1, 1, or x itself where x is a zero or NaN.
#[must_use]
pub fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// xⁿ as products by binary powering from the low bit up, each product passed through `round`; x⁰ is 1 for every x.
#[must_use]
pub fn powi(x: f64, n: i32, round: impl Fn(f64) -> f64) -> f64 {
    let mut left = n.unsigned_abs();
    let (mut result, mut base) = (1.0, x);
    while left > 0 {
        if left & 1 == 1 {
            result = round(result * base);
        }
        left >>= 1;
        if left > 0 {
            base = round(base * base);
        }
    }
    if n < 0 { round(1.0 / result) } else { result }
}

/// A function of two numbers whose result is a number; comparisons and logical operations give NaN (see [`compare`]).
#[must_use]
pub fn binary(op: BinaryOp, x: f64, y: f64) -> f64 {
    match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div => x / y,
        BinaryOp::Rem => x % y,
        BinaryOp::Mod => modulo(x, y),
        BinaryOp::Pow => x.powf(y),
        BinaryOp::Atan2 => x.atan2(y),
        BinaryOp::Hypot => x.hypot(y),
        BinaryOp::Maximum => maximum(x, y),
        BinaryOp::Minimum => minimum(x, y),
        BinaryOp::Fmax => fmax(x, y),
        BinaryOp::Fmin => fmin(x, y),
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor => f64::NAN,
    }
}

/// Remainder with the sign of y, from the exact remainder with the sign of x. A zero has the sign of y; y = 0 gives NaN.
#[must_use]
pub fn modulo(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r == 0.0 {
        0.0f64.copysign(y)
    } else if (r < 0.0) != (y < 0.0) && !r.is_nan() {
        r + y
    } else {
        r
    }
}

/// The larger, NaN when either is NaN, +0 above −0.
#[must_use]
pub fn maximum(x: f64, y: f64) -> f64 {
    let equal_but_lower = x == y && x.is_sign_negative();
    if !x.is_nan() && (y.is_nan() || y > x || equal_but_lower) { y } else { x }
}

/// The smaller, NaN when either is NaN, −0 below +0.
#[must_use]
pub fn minimum(x: f64, y: f64) -> f64 {
    let equal_but_higher = x == y && x.is_sign_positive();
    if !x.is_nan() && (y.is_nan() || y < x || equal_but_higher) { y } else { x }
}

/// The larger, ignoring a NaN beside a number.
#[must_use]
pub fn fmax(x: f64, y: f64) -> f64 {
    if x.is_nan() {
        y
    } else if y.is_nan() {
        x
    } else {
        maximum(x, y)
    }
}

/// The smaller, ignoring a NaN beside a number.
#[must_use]
pub fn fmin(x: f64, y: f64) -> f64 {
    if x.is_nan() {
        y
    } else if y.is_nan() {
        x
    } else {
        minimum(x, y)
    }
}

/// A comparison of two numbers, `None` for operations that compare nothing.
#[must_use]
pub fn compare<T: PartialOrd>(op: BinaryOp, x: T, y: T) -> Option<bool> {
    Some(match op {
        BinaryOp::Eq => x == y,
        BinaryOp::Ne => x != y,
        BinaryOp::Lt => x < y,
        BinaryOp::Le => x <= y,
        BinaryOp::Gt => x > y,
        BinaryOp::Ge => x >= y,
        _ => return None,
    })
}

/// A sum that carries its rounding error along (Neumaier 1974), so that f64 sums are good to the last bits however long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compensated {
    sum: f64,
    error: f64,
}

impl Compensated {
    /// Adds a term.
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.error += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    /// The sum so far. The carried error means nothing once the sum is infinite or NaN. A lone −0 keeps its sign.
    #[must_use]
    pub fn value(&self) -> f64 {
        if self.sum.is_finite() && self.error != 0.0 { self.sum + self.error } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_order_by_sign_and_nan_by_family() {
        assert!(maximum(-0.0, 0.0).is_sign_positive() && maximum(0.0, -0.0).is_sign_positive());
        assert!(minimum(-0.0, 0.0).is_sign_negative() && minimum(0.0, -0.0).is_sign_negative());
        assert!(maximum(f64::NAN, 1.0).is_nan() && maximum(1.0, f64::NAN).is_nan());
        assert_eq!((fmax(f64::NAN, 1.0), fmin(1.0, f64::NAN)), (1.0, 1.0));
        assert!(fmax(f64::NAN, f64::NAN).is_nan());
    }

    #[test]
    fn modulo_takes_the_divisors_sign() {
        assert_eq!((modulo(-1.0, 3.0), modulo(1.0, -3.0), modulo(-4.0, 2.0)), (2.0, -2.0, 0.0));
        assert!(modulo(1.0, 0.0).is_nan() && modulo(f64::INFINITY, 2.0).is_nan());
        assert_eq!((modulo(2.0, f64::INFINITY), modulo(-2.0, f64::INFINITY)), (2.0, f64::INFINITY));
    }

    #[test]
    fn powers_are_products() {
        assert_eq!(powi(3.0, 5, |v| v), 243.0);
        assert_eq!(powi(2.0, -2, |v| v), 0.25);
        assert_eq!(powi(f64::NAN, 0, |v| v), 1.0);
        assert_eq!(powi(-0.0, 3, |v| v).to_bits(), (-0.0f64).to_bits());
    }

    #[test]
    fn compensation_survives_cancellation_and_infinities() {
        let mut s = Compensated::default();
        for x in [1e16, 1.0, -1e16] {
            s.add(x);
        }
        assert_eq!(s.value(), 1.0);
        s.add(f64::INFINITY);
        s.add(1.0);
        assert_eq!(s.value(), f64::INFINITY);
    }
}
