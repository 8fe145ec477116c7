//! Functions of one floating element: roots, exponentials, logarithms, circular and hyperbolic functions, roundings and casts.
//!
//! Monotone functions are taken at both ends of the set, the others by their steepest slope. f64 functions of `std` give the
//! centre; their own error is part of the radius.

use super::allowance::Allowance;
use super::arith::{STD, by_category, numbers, product, quotient_of_one, representative};
use super::dd::Dd;
use super::discrete;
use super::element::{Categories, Element, Zeros, integer_limits, wrap_integer};
use crate::graph::{BinaryOp, CastMode, UnaryOp};
use crate::types::{DType, DTypeKind};

/// The result of `op` on an element of a floating dtype, with its rounding.
#[must_use]
pub fn unary(op: UnaryOp, x: Element, dtype: DType, allow: Allowance) -> Element {
    use UnaryOp as U;
    match op {
        U::IsNan => return by_category(x, |x| Element::truth(Some(x.categories == Categories::NAN))),
        U::IsInf => return by_category(x, |x| Element::truth(Some(x.may_be_infinite()))),
        U::IsFinite => return by_category(x, |x| Element::truth(Some(x.is_number()))),
        U::Powi(0) => return Element::integer(1),
        U::Powi(1) => return x,
        _ => {}
    }
    if x.is_any() || !x.is_number() && !allow.keeps_specials(op) {
        return Element::ANY;
    }
    by_category(x, |x| {
        if !x.is_number() {
            let known = Element::from_f64(special(op, representative(x)));
            return allow.round(known, dtype, allow.unary(op, dtype));
        }
        let accuracy = allow.unary(op, dtype);
        let exact = numbers_of(op, x, dtype, allow);
        // These have no poles: what is infinite overflowed, which a plan need not and without IEEE may be anything.
        let overflowed = matches!(op, U::Exp | U::Expm1 | U::Sinh | U::Cosh) && exact.may_be_infinite();
        if overflowed && (allow.planned || !allow.ieee) {
            return Element::ANY;
        }
        let exact = if exact.is_number() { exact.with_zeros(zeros(op, x, exact)) } else { exact };
        allow.round(exact, dtype, accuracy)
    })
}

/// The zeros that a function may give for a set of numbers, underflow included.
fn zeros(op: UnaryOp, x: Element, result: Element) -> Zeros {
    use UnaryOp as U;
    match op {
        U::Neg => x.zeros.negated(),
        U::Abs | U::Square | U::Exp | U::Acos | U::Rsqrt => Zeros::PLUS,
        U::Powi(n) if n % 2 == 0 => Zeros::PLUS,
        U::Log | U::Log2 | U::Log10 if result.is_exact() => Zeros::PLUS,
        // These have the sign of their operand.
        U::Sign | U::Sqrt | U::Recip | U::Powi(_) | U::Expm1 | U::Log1p | U::Asin | U::Atan | U::Sinh | U::Tanh => {
            x.signs()
        }
        U::Floor | U::Ceil | U::Round | U::RoundAway | U::Trunc => x.signs(),
        U::Sin | U::Tan if x.largest() < 1.5 => x.signs(),
        _ => Zeros::BOTH,
    }
}

/// IEEE results for NaN and infinities.
fn special(op: UnaryOp, x: f64) -> f64 {
    use UnaryOp as U;
    match op {
        U::Neg => -x,
        U::Abs => x.abs(),
        U::Sign if x.is_nan() => x,
        U::Sign => x.signum(),
        U::Sqrt => x.sqrt(),
        U::Rsqrt => 1.0 / x.sqrt(),
        U::Recip => 1.0 / x,
        U::Square => x * x,
        U::Powi(n) => x.powi(n),
        U::Exp => x.exp(),
        U::Expm1 => x.exp_m1(),
        U::Log | U::Log2 | U::Log10 | U::Log1p => x.ln(),
        U::Sin | U::Cos | U::Tan | U::Asin | U::Acos => f64::NAN,
        U::Atan => x.atan(),
        U::Sinh => x.sinh(),
        U::Cosh => x.cosh(),
        U::Tanh => x.tanh(),
        _ => x,
    }
}

fn numbers_of(op: UnaryOp, x: Element, dtype: DType, allow: Allowance) -> Element {
    use UnaryOp as U;
    let one = Element::integer(1);
    match op {
        U::Neg => x.negated(),
        U::Abs => {
            let up = Element { value: x.value.magnitude(), ..x };
            if x.smallest() > 0.0 || x.is_exact() { up } else { hull(up.value.hi, 0.0, x.largest(), x) }
        }
        U::Sign => steps(x, |v| if v == 0.0 { 0.0 } else { v.signum() }),
        U::Sqrt => root(x),
        U::Rsqrt => rsqrt(x, allow),
        U::Recip => numbers(BinaryOp::Div, one, x, dtype, allow),
        U::Square => product(x, x),
        U::Powi(n) => powi(x, n, dtype, allow),
        U::Exp => rising(x, f64::exp),
        U::Expm1 => rising(x, f64::exp_m1),
        U::Log => logarithm(x, 0.0, f64::ln),
        U::Log2 => logarithm(x, 0.0, f64::log2),
        U::Log10 => logarithm(x, 0.0, f64::log10),
        U::Log1p => logarithm(x, -1.0, f64::ln_1p),
        U::Sin => wave(x, f64::sin),
        U::Cos => wave(x, f64::cos),
        U::Tan => tangent(x),
        U::Asin => arc(x, f64::asin),
        U::Acos => arc(x, f64::acos),
        U::Atan => rising(x, f64::atan),
        U::Sinh => rising(x, f64::sinh),
        U::Cosh => {
            let up = if x.smallest() > 0.0 { x.smallest() } else { 0.0 };
            let v = x.value.hi.cosh();
            slack(v, up.cosh(), x.largest().cosh(), x)
        }
        U::Tanh => rising(x, f64::tanh),
        U::Floor => steps(x, f64::floor),
        U::Ceil => steps(x, f64::ceil),
        U::Round => steps(x, f64::round_ties_even),
        U::RoundAway => steps(x, f64::round),
        U::Trunc => steps(x, f64::trunc),
        U::Not | U::IsNan | U::IsInf | U::IsFinite => Element::ANY,
    }
}

fn hull(v: f64, low: f64, high: f64, of: Element) -> Element {
    let e = Element::around(Dd::new(v), low, high);
    if e.is_any() { e } else { Element { size: of.size.max(e.size), ..e } }
}

/// A hull widened by the error of the f64 functions that gave its ends.
fn slack(v: f64, low: f64, high: f64, x: Element) -> Element {
    if low == f64::INFINITY {
        return Element::from_f64(low);
    }
    let error = STD * low.abs().max(high.abs()) * if x.is_exact() { 1.0 } else { 2.0 };
    Element { integral: false, ..Element::around(Dd::new(v), low - error, high + error) }
}

/// A function that never falls.
fn rising(x: Element, f: fn(f64) -> f64) -> Element {
    slack(f(x.value.hi), f(x.low()), f(x.high()), x)
}

/// A function that never falls and gives integers; certain where both ends agree.
fn steps(x: Element, f: impl Fn(f64) -> f64) -> Element {
    let (low, high) = (f(x.low()), f(x.high()));
    if low == high {
        return Element::exact(Dd::new(low));
    }
    Element::around(Dd::new(f(x.value.hi).clamp(low, high)), low, high)
}

fn root(x: Element) -> Element {
    if x.high() < 0.0 {
        return Element::from_f64(f64::NAN);
    }
    let v = x.value.root();
    if x.is_exact() {
        return Element { integral: false, ..Element::exact(v) };
    }
    if x.low() > 0.0 {
        let radius = x.radius / (x.low().sqrt() + v.hi) * (1.0 + 1e-12);
        return Element { integral: false, ..Element::exact(v) }.with_radius(radius);
    }
    let hull = Element::around(v, 0.0, x.high().sqrt() * (1.0 + STD));
    if x.low() < 0.0 { hull.or(Element::from_f64(f64::NAN)) } else { hull }
}

fn rsqrt(x: Element, allow: Allowance) -> Element {
    if x.high() < 0.0 {
        return Element::from_f64(f64::NAN);
    }
    if x.low() > 0.0 {
        let v = Dd::new(1.0).over(x.value.root());
        // The slope is steepest at the low end.
        let radius = x.radius * 0.5 / (x.low() * x.low().sqrt()) * (1.0 + 1e-12);
        return Element { integral: false, ..Element::exact(v) }.with_radius(radius);
    }
    if x.is_zero() { quotient_of_one(x, allow) } else { Element::ANY }
}

fn powi(x: Element, n: i32, dtype: DType, allow: Allowance) -> Element {
    let p = n.unsigned_abs();
    let mut value = Dd::new(1.0);
    let mut square = x.value;
    let mut bits = p;
    while bits > 0 {
        if bits & 1 == 1 {
            value = value.times(square);
        }
        square = square.times(square);
        bits >>= 1;
    }
    let most = x.value.hi.abs() + x.radius;
    let radius = f64::from(p) * most.powi(p as i32 - 1) * x.radius * (1.0 + 1e-9);
    let size = x.size.powi(p as i32);
    if !(value.is_finite() && radius.is_finite() && size.is_finite()) {
        return Element::ANY;
    }
    let positive = Element { size, integral: x.integral, ..Element::exact(value) }.with_radius(radius);
    let positive = positive.with_zeros(if n % 2 == 0 { Zeros::PLUS } else { x.signs() });
    if n > 0 {
        return positive;
    }
    let positive = allow.round(positive, dtype, allow.unary(UnaryOp::Powi(p as i32), dtype));
    if !positive.is_number() {
        return Element::ANY;
    }
    numbers(BinaryOp::Div, Element::integer(1), positive, dtype, allow)
}

fn logarithm(x: Element, pole: f64, f: fn(f64) -> f64) -> Element {
    if x.low() > pole {
        return rising(x, f);
    }
    if x.high() < pole {
        return Element::from_f64(f64::NAN);
    }
    if x.is_exact() { Element::from_f64(f64::NEG_INFINITY) } else { Element::ANY }
}

/// Sine or cosine: the slope is at most 1.
fn wave(x: Element, f: fn(f64) -> f64) -> Element {
    let v = f(x.value.hi);
    let radius = (x.radius + x.value.lo.abs()).min(2.0) + STD;
    Element { integral: false, ..Element::exact(Dd::new(v)) }.with_radius(radius)
}

fn tangent(x: Element) -> Element {
    let branch = |x: f64| (x / std::f64::consts::PI + 0.5).floor();
    let margin = 1e-12 * (1.0 + x.largest());
    if x.largest() > 1e6 || branch(x.low() - margin) != branch(x.high() + margin) {
        return Element::ANY;
    }
    let t = rising(x, f64::tan);
    // Near a pole the reduction of the argument counts as much as its own error does: one part in 2⁻²⁴ of a period.
    let steep = 1.0 + t.largest() * t.largest();
    t.with_radius(t.radius + steep * 1.5e-11)
}

/// Inverse sine or cosine: NaN beyond ±1.
fn arc(x: Element, f: fn(f64) -> f64) -> Element {
    if x.smallest() > 1.0 {
        return Element::from_f64(f64::NAN);
    }
    let clamp = |v: f64| v.clamp(-1.0, 1.0);
    let (p, q) = (f(clamp(x.low())), f(clamp(x.high())));
    let e = slack(f(clamp(x.value.hi)), p.min(q), p.max(q), x);
    if x.largest() > 1.0 { e.or(Element::from_f64(f64::NAN)) } else { e }
}

/// The element of dtype `from` converted to `to`, with its rounding.
#[must_use]
pub fn cast(mode: CastMode, x: Element, from: DType, to: DType, allow: Allowance) -> Element {
    match (from.kind(), to.kind()) {
        _ if from == to => x,
        (DTypeKind::Float, DTypeKind::Float) => by_category(x, |x| {
            if !x.is_number() || x.is_any() {
                return x;
            }
            let accuracy = if allow.gpu { allow.binary(BinaryOp::Add, to) } else { super::allowance::ROUNDED };
            if to.size() > from.size() { allow.widen(x, to, 0.0, 0.0) } else { allow.round(x, to, accuracy) }
        }),
        (DTypeKind::Float, DTypeKind::Bool) => {
            if x.is_any() {
                return Element::truth(None);
            }
            by_category(x, |x| {
                let zero = x.is_number() && x.smallest() == 0.0;
                Element::truth(if zero && !x.is_exact() { None } else { Some(!zero) })
            })
        }
        (DTypeKind::Float, _) => float_to_integer(mode, x, to),
        (_, DTypeKind::Float) => {
            let accuracy = if allow.gpu { allow.binary(BinaryOp::Add, to) } else { super::allowance::ROUNDED };
            let (low, high) = x.integer_range(from);
            let x = if x.is_any() { Element::integers(low, high) } else { x };
            allow.round(x.with_zeros(Zeros::PLUS), to, accuracy)
        }
        (_, DTypeKind::Bool) => discrete::map(x, from, DType::Bool, |v| i128::from(v != 0)),
        _ => discrete::map(x, from, to, |v| match mode {
            CastMode::Wrap => wrap_integer(to, v),
            CastMode::RoundSaturate => {
                let (least, most) = integer_limits(to);
                v.clamp(least, most)
            }
        }),
    }
}

fn float_to_integer(mode: CastMode, x: Element, to: DType) -> Element {
    let (least, most) = integer_limits(to);
    if x.is_any() {
        return Element::integers(least, most);
    }
    by_category(x, |x| match x.categories {
        Categories::NAN => Element::integer(0),
        Categories::UP => Element::integer(most),
        Categories::DOWN => Element::integer(least),
        _ => {
            let whole = |v: f64| {
                let v = if mode == CastMode::Wrap { v.trunc() } else { v.round() };
                (v as i128).clamp(least, most)
            };
            Element::integers(whole(x.low()), whole(x.high()))
        }
    })
}
