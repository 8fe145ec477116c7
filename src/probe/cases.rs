//! The cases: what is computed, written in postfix notation, from which mode on its bits are promised, and what helps where a driver
//! fails it.
//!
//! Words of a program: `x`, `y` and `z` are the inputs; a number is a literal; `as_T` and `round_T` convert; all else is the name of an
//! operation. Folds and scans run along the last axis.

use crate::types::{Numerics, Workaround};

/// A case for every dtype that has its operations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// How certificates call it.
    pub name: &'static str,
    pub program: &'static str,
    /// The weakest mode that promises these bits.
    pub promised: Numerics,
    /// What is switched on where the plain form is wrong.
    pub cures: &'static [Workaround],
}

const fn bits(name: &'static str, program: &'static str, cures: &'static [Workaround]) -> Case {
    Case { name, program, promised: Numerics::Strict, cures }
}

const fn always(name: &'static str, program: &'static str, cures: &'static [Workaround]) -> Case {
    Case { name, program, promised: Numerics::Fast, cures }
}

const SUMS: &[Workaround] = &[Workaround::Barriers];
const ZEROS: &[Workaround] = &[Workaround::HiddenZeros];
const QUOTIENTS: &[Workaround] = &[Workaround::ExactQuotients];
const ROOTS: &[Workaround] = &[Workaround::ExactRoots];
const EQUALITY: &[Workaround] = &[Workaround::NanByBits];
const ROUNDING: &[Workaround] = &[Workaround::RoundingFromFloor];
const EXTREMA: &[Workaround] = &[Workaround::HiddenExtrema];

/// Of f32, f64 and f16.
pub(super) const FLOATS: &[Case] = &[
    bits("x + y", "x y add", SUMS),
    bits("x - y", "x y sub", SUMS),
    bits("x * y", "x y mul", SUMS),
    bits("x / y", "x y div", QUOTIENTS),
    bits("1 / x", "x recip", QUOTIENTS),
    bits("x / 3", "x 3 div", QUOTIENTS),
    bits("sqrt(x)", "x sqrt", ROOTS),
    bits("x * x", "x square", SUMS),
    bits("x^3", "x powi3", SUMS),
    bits("x - x", "x x sub", SUMS),
    bits("x / x", "x x div", QUOTIENTS),
    bits("x * 0", "x 0 mul", ZEROS),
    bits("x + 0", "x 0 add", ZEROS),
    bits("x - 0", "x 0 sub", ZEROS),
    bits("0 - x", "0 x sub", ZEROS),
    bits("0 / x", "0 x div", ZEROS),
    bits("x / 0", "x 0 div", ZEROS),
    bits("x * 1", "x 1 mul", SUMS),
    bits("(x + y) - x", "x y add x sub", SUMS),
    bits("(x * y) / y", "x y mul y div", QUOTIENTS),
    bits("-(x - y)", "x y sub neg", SUMS),
    bits("2x - x", "x 2 mul x sub", SUMS),
    bits("(x + 1) + 1", "x 1 add 1 add", SUMS),
    bits("(x * 3) * 3", "x 3 mul 3 mul", SUMS),
    bits("0.5x + 0.5x", "x 0.5 mul x 0.5 mul add", SUMS),
    bits("x * y + z", "x y mul z add", SUMS),
    bits("z - x * y", "z x y mul sub", SUMS),
    bits("x * y + x * z", "x y mul x z mul add", SUMS),
    bits("x * y - y * z", "x y mul y z mul sub", SUMS),
    bits("error of x + y", "x x y add x y add x sub sub sub y x y add x sub sub add", SUMS),
    bits("chain of 8", "x y mul z add 0.5 mul y sub x mul z x sub 3 mul add", SUMS),
    bits("((x*y+z)*y+z)*y+z", "x y mul z add y mul z add y mul z add", SUMS),
    bits("sqrt(x) * sqrt(x)", "x sqrt x sqrt mul", ROOTS),
    bits("(x * y + z) / (x * x + 1)", "x y mul z add x x mul 1 add div", QUOTIENTS),
    bits("-x", "x neg", &[]),
    bits("abs(x)", "x abs", &[]),
    bits("sign(x)", "x sign", &[]),
    bits("floor(x)", "x floor", &[]),
    bits("ceil(x)", "x ceil", &[]),
    bits("trunc(x)", "x trunc", ROUNDING),
    bits("round(x)", "x round", ROUNDING),
    bits("x < y", "x y lt", &[]),
    bits("x <= y", "x y le", EQUALITY),
    bits("x > y", "x y gt", &[]),
    bits("x >= y", "x y ge", EQUALITY),
    bits("x == y", "x y eq", EQUALITY),
    bits("x != y", "x y ne", EQUALITY),
    bits("x != x", "x x ne", EQUALITY),
    bits("x * y == x * y", "x y mul x y mul eq", EQUALITY),
    bits("x + y > z", "x y add z gt", &[]),
    bits("isnan(x * y)", "x y mul isnan", &[]),
    bits("isinf(x)", "x isinf", &[]),
    bits("isfinite(x)", "x isfinite", &[]),
    bits("x if x < y else y", "x y lt x y select", &[]),
    bits("maximum(x, y)", "x y maximum", &[]),
    bits("minimum(x, y)", "x y minimum", &[]),
    bits("fmax(x, y)", "x y fmax", &[]),
    bits("fmin(x * y, z)", "x y mul z fmin", &[]),
    bits("i32(x)", "x as_i32", &[]),
    bits("i32(round(x))", "x round_i32", &[]),
    bits("u32(x)", "x as_u32", &[]),
    bits("i64(x)", "x as_i64", &[]),
    bits("f32(x)", "x as_f32", &[]),
    bits("f64(x)", "x as_f64", &[]),
    bits("f16(x)", "x as_f16", &[]),
    bits("bool(x)", "x as_bool", &[]),
];

/// Of i32, u32 and i64.
pub(super) const INTEGERS: &[Case] = &[
    always("x + y", "x y add", &[]),
    always("x - y", "x y sub", &[]),
    always("x * y", "x y mul", &[]),
    always("x / y", "x y div", &[]),
    always("x rem y", "x y rem", &[]),
    always("x mod y", "x y mod", &[]),
    always("x / 0", "x 0 div", &[]),
    always("-x", "x neg", &[]),
    always("abs(x)", "x abs", &[]),
    always("sign(x)", "x sign", &[]),
    always("x^3", "x powi3", &[]),
    always("x & y | z", "x y and z or", &[]),
    always("x xor not y", "x y not xor", &[]),
    always("x < y", "x y lt", &[]),
    always("x >= y", "x y ge", &[]),
    always("x == y", "x y eq", &[]),
    always("maximum(x, y)", "x y maximum", EXTREMA),
    always("minimum(x, y)", "x y minimum", EXTREMA),
    always("-maximum(x, y)", "x y maximum neg", EXTREMA),
    always("-minimum(x, y)", "x y minimum neg", EXTREMA),
    always("maximum(-minimum(x, y), z)", "x y minimum neg z maximum", EXTREMA),
    always("abs(maximum(x, y))", "x y maximum abs", EXTREMA),
    always("x if x < y else y", "x y lt x y select", &[]),
    always("i32(x)", "x as_i32", &[]),
    always("saturated i32(x)", "x round_i32", &[]),
    always("u32(x)", "x as_u32", &[]),
    always("saturated u32(x)", "x round_u32", &[]),
    always("i64(x)", "x as_i64", &[]),
    always("bool(x)", "x as_bool", &[]),
    bits("f32(x)", "x as_f32", &[]),
    bits("f64(x)", "x as_f64", &[]),
    bits("f16(x)", "x as_f16", &[]),
];

/// Folds of floats that do not round.
pub(super) const FLOAT_FOLDS: &[Case] = &[
    bits("amax of rows", "x amax", &[]),
    bits("amin of rows", "x amin", &[]),
    bits("nanmax of rows", "x nanmax", &[]),
    bits("argmax of rows", "x argmax", &[]),
    bits("any of rows", "x x eq any", &[]),
    bits("all of rows", "x x eq all", &[]),
];

/// Folds of integers.
pub(super) const INTEGER_FOLDS: &[Case] = &[
    always("sum of rows", "x sum", &[]),
    always("amax of rows", "x amax", &[]),
    always("argmin of rows", "x argmin", &[]),
    always("running sum of rows", "x cumsum", &[]),
];
