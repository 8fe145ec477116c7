//! Functions of one or two numbers, applied element by element.
//!
//! A line in the table gives a function's name, its operation on arrays, its computation for a number that is known on the host,
//! and the arguments for which Octave's result is complex.

use lazurite::{Array, DType};

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::operators::compare;
use super::super::operators::elementwise::{computed_in, elementwise, finish, power};
use super::super::runtime::Runtime;
use super::super::value::{ComplexOrigin, Value};
use super::function::{Binary, Call, Function, Implementation, Unary, run};

const fn real(name: &'static str, array: fn(&Array) -> Array, host: fn(f64) -> f64) -> Function {
    Function {
        name,
        arguments: 1..=1,
        results: 1,
        implementation: Implementation::Unary(Unary { array, host, complex: None }),
    }
}

const fn partial(
    name: &'static str,
    array: fn(&Array) -> Array,
    host: fn(f64) -> f64,
    complex: fn(f64) -> bool,
) -> Function {
    Function {
        name,
        arguments: 1..=1,
        results: 1,
        implementation: Implementation::Unary(Unary { array, host, complex: Some(complex) }),
    }
}

const fn two(name: &'static str, array: fn(&Array, &Array) -> Array, host: fn(f64, f64) -> f64) -> Function {
    Function { name, arguments: 2..=2, results: 1, implementation: Implementation::Binary(Binary { array, host }) }
}

pub(super) const TABLE: &[Function] = &[
    real("abs", Array::abs, f64::abs),
    real("sign", Array::sign, sign),
    real("exp", Array::exp, f64::exp),
    real("expm1", Array::expm1, f64::exp_m1),
    real("sin", Array::sin, f64::sin),
    real("cos", Array::cos, f64::cos),
    real("tan", Array::tan, f64::tan),
    real("atan", Array::atan, f64::atan),
    real("sinh", Array::sinh, f64::sinh),
    real("cosh", Array::cosh, f64::cosh),
    real("tanh", Array::tanh, f64::tanh),
    real("floor", Array::floor, f64::floor),
    real("ceil", Array::ceil, f64::ceil),
    real("round", Array::round_away, f64::round),
    real("fix", Array::trunc, f64::trunc),
    partial("sqrt", Array::sqrt, f64::sqrt, |x| x < 0.0),
    partial("log", Array::log, f64::ln, |x| x < 0.0),
    partial("log2", Array::log2, f64::log2, |x| x < 0.0),
    partial("log10", Array::log10, f64::log10, |x| x < 0.0),
    partial("log1p", Array::log1p, f64::ln_1p, |x| x < -1.0),
    partial("asin", Array::asin, f64::asin, |x| x.abs() > 1.0),
    partial("acos", Array::acos, f64::acos, |x| x.abs() > 1.0),
    two("hypot", |x, y| x.hypot(y), f64::hypot),
    two("atan2", |x, y| x.atan2(y), f64::atan2),
    two("rem", |x, y| x.rem(y), remainder),
    run("mod", 2..=2, 1, |rt, call| {
        let (a, b) = (&call.arguments[0], &call.arguments[1]);
        // A divisor that is known to differ from zero needs no test.
        let array =
            if b.known().is_some_and(|y| y.value != 0.0) { |x: &Array, y: &Array| x.modulo(y) } else { modulo_arrays };
        binary(rt, "mod", &Binary { array, host: modulo }, a, b).map(|value| vec![value])
    }),
    run("isnan", 1..=1, 1, |rt, call| test(rt, call, Array::isnan, f64::is_nan)),
    run("isinf", 1..=1, 1, |rt, call| test(rt, call, Array::isinf, f64::is_infinite)),
    run("isfinite", 1..=1, 1, |rt, call| test(rt, call, Array::isfinite, f64::is_finite)),
    run("not", 1..=1, 1, |rt, call| Ok(vec![compare::not(rt, &call.arguments[0])?])),
    run("xor", 2..=2, 1, |rt, call| {
        let (a, b) = (&call.arguments[0], &call.arguments[1]);
        rt.class_of_two("xor", a, b)?;
        Ok(vec![compare::exclusive_or(rt, a, b)?])
    }),
    run("power", 2..=2, 1, |rt, call| {
        let (a, b) = (&call.arguments[0], &call.arguments[1]);
        let class = rt.class_of_two("power", a, b)?;
        Ok(vec![power(rt, class, a, b)?])
    }),
];

/// Applies a function of one number.
pub(super) fn unary(rt: &mut Runtime, name: &'static str, f: &Unary, a: &Value) -> Result<Value, Diagnostic> {
    let class = rt.class_of_one(name, a)?;
    let complex = ComplexOrigin { operation: name, span: rt.location.span };
    if let Some(x) = a.known() {
        if f.complex.is_some_and(|leaves| leaves(x.value)) {
            rt.warn_of_complex(complex);
        }
        return Ok(Value::scalar(class, (f.host)(x.value)));
    }
    let x = rt.operand(a, computed_in(class), 0)?;
    let tensor = finish(rt, (f.array)(&x), class, a.dims());
    Ok(Value::Array(tensor.with_complex(a.complex()).with_complex(f.complex.map(|_| complex))))
}

/// Applies a function of two numbers.
pub(super) fn binary(
    rt: &mut Runtime,
    name: &'static str,
    f: &Binary,
    a: &Value,
    b: &Value,
) -> Result<Value, Diagnostic> {
    let class = rt.class_of_two(name, a, b)?;
    elementwise(rt, name, class, a, b, f.host, f.array)
}

fn test(
    rt: &mut Runtime,
    call: &Call,
    array: fn(&Array) -> Array,
    host: fn(f64) -> bool,
) -> Result<Vec<Value>, Diagnostic> {
    let a = &call.arguments[0];
    if let Some(x) = a.known() {
        return Ok(vec![Value::truth(host(x.value))]);
    }
    let dtype = if a.class() == Class::Double { DType::F64 } else { DType::F32 };
    let x = rt.operand(a, dtype, 0)?;
    Ok(vec![Value::Array(rt.recorded(array(&x), Class::Logical, a.dims()))])
}

fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

/// Octave's `rem`: the sign of `x`, NaN for a zero divisor and for an infinite one.
fn remainder(x: f64, y: f64) -> f64 {
    let quotient = x / y;
    if y != y.trunc() && is_near_whole(quotient) {
        return 0.0;
    }
    let rest = x - y * quotient.trunc();
    if rest == 0.0 || x == y { 0.0 } else { rest.abs().copysign(x) }
}

/// Octave's `mod`: the sign of `y`, `x` itself for a zero divisor, and 0 where a fractional divisor nearly goes into `x`.
fn modulo(x: f64, y: f64) -> f64 {
    if y == 0.0 {
        return x;
    }
    let quotient = x / y;
    if y != y.trunc() && is_near_whole(quotient) {
        return 0.0;
    }
    let rest = x - y * quotient.floor();
    if rest == 0.0 || x == y { 0.0 } else { rest.abs().copysign(y) }
}

fn is_near_whole(quotient: f64) -> bool {
    let whole = quotient.round();
    whole != 0.0 && ((quotient - whole) / whole).abs() < f64::EPSILON
}

/// The engine's remainder, which is exact, with Octave's answer for a zero divisor.
fn modulo_arrays(x: &Array, y: &Array) -> Array {
    y.eq(0.0).select(x, x.modulo(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_follow_octave() {
        for (x, y, expected) in
            [(5.0, 3.0, 2.0), (-5.0, 3.0, 1.0), (5.0, -3.0, -1.0), (-5.0, -3.0, -2.0), (5.5, 2.0, 1.5)]
        {
            assert_eq!(modulo(x, y), expected, "mod({x}, {y})");
        }
        assert_eq!(modulo(5.0, 0.0), 5.0);
        assert_eq!(modulo(0.3, 0.1), 0.0);
        assert!(modulo(5.0, f64::INFINITY).is_nan());
        for (x, y, expected) in [(5.0, 3.0, 2.0), (-5.0, 3.0, -2.0), (5.0, -3.0, 2.0), (-5.0, -3.0, -2.0)] {
            assert_eq!(remainder(x, y), expected, "rem({x}, {y})");
        }
        assert!(remainder(5.0, 0.0).is_nan());
        assert!(remainder(5.0, f64::INFINITY).is_nan());
    }
}
