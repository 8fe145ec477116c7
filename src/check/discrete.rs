//! Integers and truth values: exact where the operands are certain, by enumeration where few values are possible.

use super::element::{Element, integer_limits, wrap_integer};
use crate::graph::{BinaryOp, UnaryOp};
use crate::types::DType;

/// How many combinations of possible operands are tried before an operation gives up and allows every value of the dtype.
const TRIES: i128 = 64;

/// The image of the possible values of `x` under `f`, in `to`.
#[must_use]
pub fn map(x: Element, from: DType, to: DType, f: impl Fn(i128) -> i128) -> Element {
    let (low, high) = x.integer_range(from);
    if high - low >= TRIES {
        let (least, most) = integer_limits(to);
        return Element::integers(least, most);
    }
    let image = (low..=high).map(&f);
    range(image)
}

fn range(values: impl Iterator<Item = i128> + Clone) -> Element {
    let low = values.clone().min().unwrap_or(0);
    Element::integers(low, values.max().unwrap_or(0))
}

/// A function of one integer or truth value.
#[must_use]
pub fn unary(op: UnaryOp, x: Element, dtype: DType) -> Element {
    map(x, dtype, dtype, |v| integer_unary(op, v, dtype))
}

/// A function of two integers or truth values of one dtype.
#[must_use]
pub fn binary(op: BinaryOp, a: Element, b: Element, dtype: DType) -> Element {
    let result = if op.is_compare() { DType::Bool } else { dtype };
    let ((p, q), (r, s)) = (a.integer_range(dtype), b.integer_range(dtype));
    let f = |x, y| integer_binary(op, x, y, dtype);
    if (q - p + 1).saturating_mul(s - r + 1) <= TRIES {
        return range((p..=q).flat_map(|x| (r..=s).map(move |y| (x, y))).map(|(x, y)| f(x, y)));
    }
    let (least, most) = integer_limits(result);
    let inside = |low: i128, high: i128| {
        if low >= least && high <= most { Element::integers(low, high) } else { Element::integers(least, most) }
    };
    match op {
        BinaryOp::Add => inside(p + r, q + s),
        BinaryOp::Sub => inside(p - s, q - r),
        BinaryOp::Mul => {
            let ends = [p.saturating_mul(r), p.saturating_mul(s), q.saturating_mul(r), q.saturating_mul(s)];
            let e = range(ends.into_iter());
            inside(e.low() as i128, e.high() as i128)
        }
        BinaryOp::Maximum | BinaryOp::Fmax => Element::integers(p.max(r), q.max(s)),
        BinaryOp::Minimum | BinaryOp::Fmin => Element::integers(p.min(r), q.min(s)),
        BinaryOp::Lt if q < r => Element::truth(Some(true)),
        BinaryOp::Lt if p >= s => Element::truth(Some(false)),
        BinaryOp::Le if q <= r => Element::truth(Some(true)),
        BinaryOp::Le if p > s => Element::truth(Some(false)),
        BinaryOp::Gt if p > s => Element::truth(Some(true)),
        BinaryOp::Gt if q <= r => Element::truth(Some(false)),
        BinaryOp::Ge if p >= s => Element::truth(Some(true)),
        BinaryOp::Ge if q < r => Element::truth(Some(false)),
        BinaryOp::Eq if q < r || p > s => Element::truth(Some(false)),
        BinaryOp::Ne if q < r || p > s => Element::truth(Some(true)),
        _ => Element::integers(least, most),
    }
}

/// What `op` gives for an integer or truth value that is certain.
#[must_use]
pub fn integer_unary(op: UnaryOp, x: i128, dtype: DType) -> i128 {
    let exact = match op {
        UnaryOp::Neg => -x,
        UnaryOp::Abs => x.abs(),
        UnaryOp::Sign => x.signum(),
        UnaryOp::Not if dtype == DType::Bool => 1 - x,
        UnaryOp::Not => !x,
        UnaryOp::Square => x.wrapping_mul(x),
        UnaryOp::Powi(n) if n >= 0 => power(x, n.unsigned_abs().into(), dtype),
        // A negative power is 0 unless |x| is 1, also where the positive one would wrap to 1.
        UnaryOp::Powi(n) => integer_binary(BinaryOp::Pow, x, n.into(), dtype),
        _ => x,
    };
    wrap_integer(dtype, exact)
}

/// What `op` gives for two integers or truth values that are certain.
#[must_use]
pub fn integer_binary(op: BinaryOp, x: i128, y: i128, dtype: DType) -> i128 {
    use BinaryOp as B;
    let exact = match op {
        B::Add => x + y,
        B::Sub => x - y,
        B::Mul => x.wrapping_mul(y),
        B::Div => divide(x, y),
        B::Rem if y == 0 => 0,
        B::Rem => x % y,
        B::Mod if y == 0 => x,
        B::Mod if x % y != 0 && (x < 0) != (y < 0) => x % y + y,
        B::Mod => x % y,
        B::Pow if y >= 0 => power(x, y as u64, dtype),
        B::Pow if x == 1 || (x == -1 && y % 2 == 0) => 1,
        B::Pow if x == -1 => -1,
        B::Pow => 0,
        B::Maximum | B::Fmax => x.max(y),
        B::Minimum | B::Fmin => x.min(y),
        B::Eq => return i128::from(x == y),
        B::Ne => return i128::from(x != y),
        B::Lt => return i128::from(x < y),
        B::Le => return i128::from(x <= y),
        B::Gt => return i128::from(x > y),
        B::Ge => return i128::from(x >= y),
        B::And => x & y,
        B::Or => x | y,
        B::Xor => x ^ y,
        B::Atan2 | B::Hypot => 0,
    };
    wrap_integer(dtype, exact)
}

fn divide(x: i128, y: i128) -> i128 {
    if y == 0 { 0 } else { x / y }
}

fn power(x: i128, mut n: u64, dtype: DType) -> i128 {
    let (mut result, mut square) = (1i128, x);
    while n > 0 {
        if n & 1 == 1 {
            result = wrap_integer(dtype, result.wrapping_mul(square));
        }
        square = wrap_integer(dtype, square.wrapping_mul(square));
        n >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_follow_the_table() {
        let f = |op, x, y| integer_binary(op, x, y, DType::I32);
        assert_eq!(f(BinaryOp::Div, 7, 0), 0);
        assert_eq!(f(BinaryOp::Div, i128::from(i32::MIN), -1), i128::from(i32::MIN));
        assert_eq!(f(BinaryOp::Rem, -7, 3), -1);
        for (x, y, z) in [(-7, 3, 2), (7, -3, -2), (-7, -3, -1), (7, 3, 1), (6, -3, 0), (5, 0, 5)] {
            assert_eq!(f(BinaryOp::Mod, x, y), z, "{x} mod {y}");
        }
        assert_eq!(f(BinaryOp::Pow, -1, -3), -1);
        assert_eq!(f(BinaryOp::Pow, 2, 32), 0);
        assert_eq!(integer_unary(UnaryOp::Not, 0, DType::U8), 255);
        assert_eq!(integer_unary(UnaryOp::Powi(-2), -1, DType::I32), 1);
    }

    #[test]
    fn uncertain_operands_give_ranges() {
        let x = Element::integers(2, 4);
        let e = binary(BinaryOp::Mul, x, Element::integer(-3), DType::I32);
        assert_eq!((e.low(), e.high()), (-12.0, -6.0));
        let wide = binary(BinaryOp::Add, Element::integers(0, 1000), Element::integers(0, 1000), DType::I32);
        assert_eq!((wide.low(), wide.high()), (0.0, 2000.0));
        let wraps =
            binary(BinaryOp::Add, Element::integers(0, 1000), Element::integer(i128::from(i32::MAX)), DType::I32);
        assert!(wraps.low() < 0.0);
    }
}
