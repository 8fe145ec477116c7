//! Transcendental functions on f64 without branches and calls, so that the compiler vectorises loops over them.
//!
//! Each stays within 2.5 units in the last place of the reference on f64 (a test), and rounded to f32 within one. Arguments are reduced
//! with constants split so that products with small integers are exact, and series are so long that their remainders are below the last
//! bit; no fused multiply-add is used, so the bits do not depend on the processor.

use std::f64::consts::{LN_2, LOG2_E, LOG10_E};

/// Adding and taking off 1.5·2^52 rounds to an integer, which then stands in the low bits.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// ln 2 in a part of 32 bits and the rest.
const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// π/2 in two parts of 33 bits and the rest.
const HALF_PI: [f64; 3] = [
    f64::from_bits(0x3FF9_21FB_5440_0000),
    f64::from_bits(0x3DD0_B461_1A60_0000),
    f64::from_bits(0x3BA3_198A_2E03_7073),
];
/// Largest argument of the trigonometric functions that the three parts reduce.
pub(super) const TRIG_LIMIT: f64 = 1e5;

#[inline(always)]
fn horner<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = 0.0;
    for i in (0..N).rev() {
        sum = sum * x + coefficients[i];
    }
    sum
}

/// 1/2!, 1/3!, … : (eʳ − 1 − r) / r².
const EXP: [f64; 12] = {
    let mut c = [0.5; 12];
    let mut i = 1;
    while i < 12 {
        c[i] = c[i - 1] / (i + 2) as f64;
        i += 1;
    }
    c
};

/// x = k·ln 2 + r with |r| ≤ ln 2 / 2: k as a float and as an integer, eʳ − 1.
#[inline(always)]
fn exp_parts(x: f64) -> (i64, f64) {
    let shifted = x * LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let number = (shifted.to_bits() as i64).wrapping_sub(SHIFT.to_bits() as i64);
    (number, r + r * r * horner(r, EXP))
}

/// 2ᵏ for −1022 ≤ k ≤ 1023.
#[inline(always)]
fn power_of_two(k: i64) -> f64 {
    f64::from_bits((k.wrapping_add(1023) as u64) << 52)
}

/// eˣ.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let (k, p) = exp_parts(x.clamp(-746.0, 710.0));
    // Two factors, because the result may be beyond the largest power or below the smallest normal number.
    let half = k >> 1;
    (1.0 + p) * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// eˣ − 1 for x ≤ 60.
#[inline(always)]
fn expm1_near(x: f64) -> f64 {
    let (k, p) = exp_parts(x.clamp(-60.0, 60.0));
    let scale = power_of_two(k);
    if k == 0 { p } else { scale * p + (scale - 1.0) }
}

/// eˣ − 1.
#[inline(always)]
pub(super) fn expm1(x: f64) -> f64 {
    // Both forms are computed and one chosen; zeros keep their sign.
    let (large, near) = (exp(x), expm1_near(x));
    let value = if x > 60.0 { large } else { near };
    if x == 0.0 { x } else { value }
}

/// 2/3, 2/5, … : (log((1+s)/(1−s)) − 2s) / s³ in powers of s².
const LOG: [f64; 11] = {
    let mut c = [0.0; 11];
    let mut i = 0;
    while i < 11 {
        c[i] = 2.0 / (2 * i + 3) as f64;
        i += 1;
    }
    c
};

/// x = 2ᵏ·(1 + f) with √½ ≤ 1 + f < √2, for positive finite x: k, f, and log(1 + f) − f.
#[inline(always)]
fn log_parts(x: f64) -> (f64, f64, f64) {
    let small = x < f64::MIN_POSITIVE;
    let scaled = if small { x * 18_014_398_509_481_984.0 } else { x };
    let bits = scaled.to_bits() as i64;
    let k = bits.wrapping_sub(0x3FE6_A09E_667F_3BCD) >> 52;
    let m = f64::from_bits(bits.wrapping_sub(k << 52) as u64);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let half = 0.5 * f * f;
    // log(1+f) = f − f²/2 + s·(f²/2 + z·series).
    let rest = s * (half + z * horner(z, LOG)) - half;
    (f64::from(k as i32) - if small { 54.0 } else { 0.0 }, f, rest)
}

/// What a logarithm is where it is not a number to be computed.
#[inline(always)]
fn log_edges(x: f64, log: f64) -> f64 {
    if x == 0.0 {
        f64::NEG_INFINITY
    } else if x < 0.0 {
        f64::NAN
    } else if x < f64::INFINITY {
        log
    } else {
        // Infinity stays, and so does NaN.
        x
    }
}

/// Natural logarithm.
#[inline(always)]
pub(super) fn log(x: f64) -> f64 {
    let (k, f, rest) = log_parts(x);
    log_edges(x, k * LN2_HIGH + (f + (rest + k * LN2_LOW)))
}

/// Logarithm to base 2, for rounding to f32.
#[inline(always)]
pub(super) fn log2(x: f64) -> f64 {
    let (k, f, rest) = log_parts(x);
    log_edges(x, k + (f + rest) * LOG2_E)
}

/// Logarithm to base 10, for rounding to f32.
#[inline(always)]
pub(super) fn log10(x: f64) -> f64 {
    let (k, f, rest) = log_parts(x);
    log_edges(x, (k * LN_2 + (f + rest)) * LOG10_E)
}

/// log(1 + x).
#[inline(always)]
pub(super) fn log1p(x: f64) -> f64 {
    let u = 1.0 + x;
    let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let (k, f, rest) = log_parts(u);
    let near = k * LN2_HIGH + (f + (rest + (k * LN2_LOW + lost / u)));
    if x == 0.0 { x } else { log_edges(u, near) }
}

/// Hyperbolic tangent.
#[inline(always)]
pub(super) fn tanh(x: f64) -> f64 {
    let size = x.abs();
    let t = expm1_near(2.0 * if size > 22.0 { 22.0 } else { size });
    (t / (t + 2.0)).copysign(x)
}

const SIN: [f64; 8] = series(3);
const COS: [f64; 8] = series(4);

/// ∓1/n!, ±1/(n+2)!, …: the series of sine (n = 3) and cosine (n = 4) behind their first terms.
const fn series(first: usize) -> [f64; 8] {
    let mut c = [0.0; 8];
    let mut term = if first == 3 { -1.0 / 6.0 } else { 1.0 / 24.0 };
    let mut i = 0;
    while i < 8 {
        c[i] = term;
        let n = (first + 2 * i) as f64;
        term = -term / ((n + 1.0) * (n + 2.0));
        i += 1;
    }
    c
}

/// Sine and cosine of the remainder of x by π/2, and the number of quarter turns; |x| ≤ [`TRIG_LIMIT`].
#[inline(always)]
fn quarter(x: f64) -> (f64, f64, i64) {
    let shifted = x * std::f64::consts::FRAC_2_PI + SHIFT;
    let k = shifted - SHIFT;
    let turns = (shifted.to_bits() as i64).wrapping_sub(SHIFT.to_bits() as i64);
    let w = (x - k * HALF_PI[0]) - k * HALF_PI[1];
    let low = k * HALF_PI[2];
    let r = w - low;
    // What rounding took from r.
    let rest = (w - r) - low;
    let z = r * r;
    let sin = r + (r * z * horner(z, SIN) + rest);
    let half = 0.5 * z;
    let whole = 1.0 - half;
    let cos = whole + (((1.0 - whole) - half) + (z * z * horner(z, COS) - r * rest));
    (sin, cos, turns)
}

/// Sine, |x| ≤ [`TRIG_LIMIT`].
#[inline(always)]
pub(super) fn sin(x: f64) -> f64 {
    let (sin, cos, turns) = quarter(x);
    let value = if turns & 1 == 0 { sin } else { cos };
    let signed = if turns & 2 == 0 { value } else { -value };
    if x == 0.0 { x } else { signed }
}

/// Cosine, |x| ≤ [`TRIG_LIMIT`].
#[inline(always)]
pub(super) fn cos(x: f64) -> f64 {
    let (sin, cos, turns) = quarter(x);
    let value = if turns & 1 == 0 { cos } else { sin };
    if (turns + 1) & 2 == 0 { value } else { -value }
}

/// Tangent for rounding to f32, |x| ≤ [`TRIG_LIMIT`].
#[inline(always)]
pub(super) fn tan(x: f64) -> f64 {
    let (sin, cos, turns) = quarter(x);
    let value = if turns & 1 == 0 { sin / cos } else { -cos / sin };
    if x == 0.0 { x } else { value }
}

/// xʸ for rounding to f32, for operands that are f32 numbers.
#[inline(always)]
pub(super) fn pow(x: f64, y: f64) -> f64 {
    // Conditions are joined without short cuts: a branch would keep the loop from becoming vector code.
    let size = x.abs();
    let power = exp(y * log(size));
    let one = (y == 0.0) | (size == 1.0);
    let power = if one { 1.0 } else { power };
    let half = 0.5 * y;
    let whole = y == y.floor();
    let odd = whole & (half != half.floor());
    let negative = x.is_sign_negative() & !x.is_nan();
    let undefined = negative & !whole & (size > 0.0) & (size < f64::INFINITY);
    let signed = if negative & odd { -power } else { power };
    if undefined { f64::NAN } else { signed }
}
