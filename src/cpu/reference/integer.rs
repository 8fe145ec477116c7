//! Functions of integer elements, on i64.
//!
//! Every narrower integer fits i64, and wrapping arithmetic there has the right low bits, so the caller keeps the low bits of
//! the result and no width needs code of its own.

use crate::graph::{BinaryOp, UnaryOp};
use crate::types::{Fault, seeded};

/// A function of one integer; the caller keeps the low bits. Operations that integers do not have give 0.
#[must_use]
pub fn unary(op: UnaryOp, x: i64) -> i64 {
    match op {
        UnaryOp::Neg => x.wrapping_neg(),
        UnaryOp::Abs => x.wrapping_abs(),
        UnaryOp::Sign => x.signum(),
        UnaryOp::Not => !x,
        UnaryOp::Square => x.wrapping_mul(x),
        UnaryOp::Powi(n) => pow(x, i64::from(n)),
        _ => 0,
    }
}

/// A function of two integers of one dtype; the caller keeps the low bits.
#[must_use]
pub fn binary(op: BinaryOp, x: i64, y: i64) -> i64 {
    match op {
        BinaryOp::Add => x.wrapping_add(y),
        BinaryOp::Sub => x.wrapping_sub(y),
        BinaryOp::Mul => x.wrapping_mul(y),
        BinaryOp::Div => {
            if y == 0 {
                i64::from(seeded(Fault::QuotientByZero))
            } else {
                x.wrapping_div(y)
            }
        }
        BinaryOp::Rem => {
            if y == 0 {
                0
            } else {
                x.wrapping_rem(y)
            }
        }
        BinaryOp::Mod => modulo(x, y),
        BinaryOp::Pow => pow(x, y),
        BinaryOp::Maximum | BinaryOp::Fmax => x.max(y),
        BinaryOp::Minimum | BinaryOp::Fmin => x.min(y),
        BinaryOp::And => x & y,
        BinaryOp::Or => x | y,
        BinaryOp::Xor => x ^ y,
        _ => 0,
    }
}

/// Remainder with the sign of y; x where y is 0.
#[must_use]
pub fn modulo(x: i64, y: i64) -> i64 {
    if y == 0 {
        return x;
    }
    let r = x.wrapping_rem(y);
    if r != 0 && (r < 0) != (y < 0) { r + y } else { r }
}

/// xⁿ by wrapping products; a negative power is 0 unless |x| is 1, when it is the power by |n|.
#[must_use]
pub fn pow(x: i64, n: i64) -> i64 {
    if n < 0 && x.unsigned_abs() != 1 {
        return 0;
    }
    let (mut left, mut result, mut base) = (n.unsigned_abs(), 1i64, x);
    while left > 0 {
        if left & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        left >>= 1;
        base = base.wrapping_mul(base);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_defined() {
        assert_eq!((binary(BinaryOp::Div, 7, 0), binary(BinaryOp::Rem, 7, 0), modulo(7, 0)), (0, 0, 7));
        assert_eq!(binary(BinaryOp::Div, i64::MIN, -1), i64::MIN);
        assert_eq!((modulo(-7, 3), modulo(7, -3), binary(BinaryOp::Rem, -7, 3)), (2, -2, -1));
        assert_eq!((pow(-1, -3), pow(2, -1), pow(0, 0), pow(3, 4)), (-1, 0, 1, 81));
    }
}
