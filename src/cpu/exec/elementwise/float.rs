//! Floating-point loops.
//!
//! Arithmetic on f32 is native: rounding the f64 result once gives the same bits, because 53 bits are more than twice 24 plus
//! two. Everything else widens to f64, computes and rounds, as the definition says. The common transcendental functions have
//! vectorised forms (`approx`); the rest call the standard library.

use half::f16;

use super::approx;
use super::isa::vectorised;
use super::loops::{map, zip};
use crate::cpu::exec::tile::TileElement;
use crate::cpu::reference::float;
use crate::cpu::reference::scalar::round_f16;
use crate::graph::{BinaryOp, UnaryOp};

/// Tests that give truth values.
pub(super) fn test<T: TileElement>(op: UnaryOp, x: &[T], out: &mut [u8]) {
    match op {
        UnaryOp::IsNan => map(x, out, |v| u8::from(v.to_f64().is_nan())),
        UnaryOp::IsInf => map(x, out, |v| u8::from(v.to_f64().is_infinite())),
        _ => map(x, out, |v| u8::from(v.to_f64().is_finite())),
    }
}

macro_rules! native {
    ($unary:ident, $binary:ident, $t:ty, $bits:ty, [$($fast:ident $f:ident),*], [$($fast2:ident $f2:ident),*]) => {
        vectorised! {
            /// A function of one register.
            pub(super) fn $unary(op: UnaryOp, x: &[$t], out: &mut [$t]) {
                match op {
                    UnaryOp::Neg => map(x, out, |v| -v),
                    UnaryOp::Abs => map(x, out, |v| v.abs()),
                    UnaryOp::Sign => map(x, out, |v| if v > 0.0 { 1.0 } else if v < 0.0 { -1.0 } else { v }),
                    UnaryOp::Sqrt => map(x, out, |v| v.sqrt()),
                    UnaryOp::Recip => map(x, out, |v| 1.0 / v),
                    UnaryOp::Square => map(x, out, |v| v * v),
                    UnaryOp::Powi(n) => powers(x, n, out, |a, b| a * b, 1.0, |a| 1.0 / a),
                    UnaryOp::Floor => map(x, out, |v| v.floor()),
                    UnaryOp::Ceil => map(x, out, |v| v.ceil()),
                    UnaryOp::Round => map(x, out, |v| v.round_ties_even()),
                    UnaryOp::Trunc => map(x, out, |v| v.trunc()),
                    UnaryOp::Rsqrt => map(x, out, |v| (1.0 / f64::from(v).sqrt()) as $t),
                    // Plain loops: a closure around a large function is not inlined, and its loop stays scalar.
                    $(UnaryOp::$fast => for (to, &v) in out.iter_mut().zip(x) {
                        *to = approx::$f(f64::from(v)) as $t;
                    },)*
                    _ => map(x, out, |v| float::unary(op, f64::from(v)) as $t),
                }
                if matches!(op, UnaryOp::Sin | UnaryOp::Cos | UnaryOp::Tan) {
                    // `approx` covers neither NaN nor what lies beyond the limit of its argument reduction.
                    far(op, x, out, |v| f64::from(v), |v| v as $t);
                }
            }
        }
        vectorised! {
            /// A function of two registers.
            pub(super) fn $binary(op: BinaryOp, x: &[$t], y: &[$t], out: &mut [$t]) {
                // The bits of equal numbers differ only for zeros, where "and" gives +0 and "or" −0; a NaN stays one in a sum.
                let max = |a: $t, b: $t| {
                    let equal = <$t>::from_bits(a.to_bits() & b.to_bits());
                    if a > b { a } else if a < b { b } else if a == b { equal } else { a + b }
                };
                let min = |a: $t, b: $t| {
                    let equal = <$t>::from_bits(a.to_bits() | b.to_bits());
                    if a < b { a } else if a > b { b } else if a == b { equal } else { a + b }
                };
                match op {
                    BinaryOp::Add => zip(x, y, out, |a, b| a + b),
                    BinaryOp::Sub => zip(x, y, out, |a, b| a - b),
                    BinaryOp::Mul => zip(x, y, out, |a, b| a * b),
                    BinaryOp::Div => zip(x, y, out, |a, b| a / b),
                    BinaryOp::Maximum => zip(x, y, out, max),
                    BinaryOp::Minimum => zip(x, y, out, min),
                    BinaryOp::Fmax => {
                        zip(x, y, out, |a, b| if a.is_nan() { b } else if b.is_nan() { a } else { max(a, b) });
                    }
                    BinaryOp::Fmin => {
                        zip(x, y, out, |a, b| if a.is_nan() { b } else if b.is_nan() { a } else { min(a, b) });
                    }
                    $(BinaryOp::$fast2 => for ((to, &a), &b) in out.iter_mut().zip(x).zip(y) {
                        *to = approx::$f2(f64::from(a), f64::from(b)) as $t;
                    },)*
                    _ => zip(x, y, out, |a, b| float::binary(op, f64::from(a), f64::from(b)) as $t),
                }
            }
        }
    };
}
native!(
    unary_f32,
    binary_f32,
    f32,
    u32,
    [Exp exp, Expm1 expm1, Log log, Log2 log2, Log10 log10, Log1p log1p, Sin sin, Cos cos, Tan tan, Tanh tanh],
    [Pow pow]
);
native!(
    unary_f64,
    binary_f64,
    f64,
    u64,
    [Exp exp, Expm1 expm1, Log log, Log1p log1p, Sin sin, Cos cos, Tanh tanh],
    []
);

/// Replaces results outside the range of `approx`'s trigonometric functions by those of the standard library.
#[inline(always)]
fn far<T: Copy>(op: UnaryOp, x: &[T], out: &mut [T], wide: impl Fn(T) -> f64, narrow: impl Fn(f64) -> T) {
    let beyond = |v: T| wide(v).is_nan() | (wide(v).abs() > approx::TRIG_LIMIT);
    if x.iter().any(|&v| beyond(v)) {
        for (to, &v) in out.iter_mut().zip(x).filter(|(_, v)| beyond(**v)) {
            *to = narrow(float::unary(op, wide(v)));
        }
    }
}

/// A function of one register of f16, through f64.
pub(super) fn unary_f16(op: UnaryOp, x: &[f16], out: &mut [f16]) {
    match op {
        UnaryOp::Powi(n) => {
            let round = |v: f64| round_f16(v).to_f64();
            map(x, out, |v| round_f16(float::powi(v.to_f64(), n, round)));
        }
        _ => map(x, out, |v| round_f16(float::unary(op, v.to_f64()))),
    }
}

/// A function of two registers of f16, through f64.
pub(super) fn binary_f16(op: BinaryOp, x: &[f16], y: &[f16], out: &mut [f16]) {
    zip(x, y, out, |a, b| round_f16(float::binary(op, a.to_f64(), b.to_f64())));
}

/// Integer powers as products from the low bit up, a whole tile a product at a time.
#[inline(always)]
fn powers<T: Copy>(x: &[T], n: i32, out: &mut [T], times: impl Fn(T, T) -> T, one: T, recip: impl Fn(T) -> T) {
    map(x, out, |v| {
        let (mut left, mut result, mut base) = (n.unsigned_abs(), one, v);
        while left > 0 {
            if left & 1 == 1 {
                result = times(result, base);
            }
            left >>= 1;
            if left > 0 {
                base = times(base, base);
            }
        }
        if n < 0 { recip(result) } else { result }
    });
}
