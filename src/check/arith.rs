//! Arithmetic of two floating elements: sums, products, quotients, remainders, powers, angles, extrema and comparisons.
//!
//! Every function takes sets and gives a set that holds each result a correct run may have. Categories are handled apart: NaN and
//! infinities by IEEE rules on representatives, numbers by centre and radius.

use super::allowance::Allowance;
use super::dd::Dd;
use super::element::{Categories, Element, Zeros};
use crate::graph::BinaryOp;
use crate::types::DType;

/// Slack for functions of `std`, which are good to about one ulp of f64.
pub(super) const STD: f64 = 4.44e-16;

/// The elements of one category each that `x` is made of.
fn parts(x: Element) -> impl Iterator<Item = Element> {
    [Categories::NUMBER, Categories::NAN, Categories::UP, Categories::DOWN]
        .into_iter()
        .filter(move |&category| x.categories.any_of(category))
        .map(move |category| {
            if category == Categories::NUMBER {
                Element { categories: category, ..x }
            } else {
                Element { categories: category, ..Element::exact(Dd::ZERO) }
            }
        })
}

/// The union of `f` over the categories of one element.
pub(super) fn by_category(x: Element, f: impl Fn(Element) -> Element) -> Element {
    parts(x).map(f).reduce(Element::or).unwrap_or(Element::ANY)
}

/// The union of `f` over the categories of two elements.
fn by_two_categories(a: Element, b: Element, f: impl Fn(Element, Element) -> Element) -> Element {
    if a.is_number() && b.is_number() {
        return f(a, b);
    }
    by_category(a, |x| by_category(b, |y| f(x, y)))
}

/// A number that stands for an element of one category: of a number its centre, certain or not.
pub(super) fn representative(x: Element) -> f64 {
    match x.categories {
        Categories::NAN => f64::NAN,
        Categories::UP => f64::INFINITY,
        Categories::DOWN => f64::NEG_INFINITY,
        _ => x.value.hi,
    }
}

/// The result of `op` on two elements of a floating dtype, with its rounding.
#[must_use]
pub fn binary(op: BinaryOp, a: Element, b: Element, dtype: DType, allow: Allowance) -> Element {
    use BinaryOp as B;
    match op {
        B::Maximum | B::Minimum | B::Fmax | B::Fmin => {
            // A GPU that takes subnormals for zeros finds them equal and may give either.
            let tiny = |e: Element| e.is_number() && e.largest() < 4.0 * dtype.smallest_normal();
            let either = allow.gpu && tiny(a) && tiny(b) && !(a.is_zero() && b.is_zero());
            return by_two_categories(a, b, |a, b| if either { a.or(b) } else { extremum(op, a, b) });
        }
        _ if op.is_compare() => {
            if a.is_any() || b.is_any() {
                return Element::truth(None);
            }
            return by_two_categories(a, b, |a, b| compare(op, a, b));
        }
        _ => {}
    }
    if a.is_any() || b.is_any() {
        return Element::ANY;
    }
    let special = !(a.is_number() && b.is_number());
    if special && !allow.keeps_specials_of_two(op) {
        return Element::ANY;
    }
    by_two_categories(a, b, |a, b| {
        if !(a.is_number() && b.is_number()) {
            return specials(op, a, b);
        }
        let exact = numbers(op, a, b, dtype, allow);
        let exact = if exact.is_number() { exact.with_zeros(zeros(op, a, b)) } else { exact };
        allow.round(exact, dtype, allow.binary(op, dtype))
    })
}

/// The zeros that `op` may give for two sets of numbers, underflow included.
fn zeros(op: BinaryOp, a: Element, b: Element) -> Zeros {
    use BinaryOp as B;
    match op {
        B::Add => zeros_of_sum(a, b),
        B::Sub => zeros_of_sum(a, b.negated()),
        B::Mul | B::Div => zeros_of_product(a, b),
        B::Rem | B::Atan2 => a.signs(),
        B::Mod => b.signs(),
        B::Pow if a.may_be_minus() => Zeros::BOTH,
        B::Pow | B::Hypot => Zeros::PLUS,
        _ => Zeros::BOTH,
    }
}

/// A sum is −0 only where both terms are.
pub(super) fn zeros_of_sum(a: Element, b: Element) -> Zeros {
    let minus = |e: Element| e.may_be_zero() && e.zeros.minus();
    let surely = |e: Element| e.is_zero() && e.zeros == Zeros::MINUS;
    Zeros::of(!(surely(a) && surely(b)), minus(a) && minus(b))
}

/// The sign of a product or quotient is that of its operands.
pub(super) fn zeros_of_product(a: Element, b: Element) -> Zeros {
    let (a, b) = (a.signs(), b.signs());
    Zeros::of(a.plus() && b.plus() || a.minus() && b.minus(), a.plus() && b.minus() || a.minus() && b.plus())
}

/// Numbers of every sign that an element of one category may have, each kind of zero by itself.
fn samples(e: Element) -> Vec<f64> {
    if !e.is_number() {
        return vec![representative(e)];
    }
    let zero = e.may_be_zero();
    let all = [
        (e.low() < 0.0, if e.low() < 0.0 { e.low() } else { -1.0 }),
        (e.high() > 0.0, if e.high() > 0.0 { e.high() } else { 1.0 }),
        (zero && e.zeros.plus(), 0.0),
        (zero && e.zeros.minus(), -0.0),
    ];
    all.into_iter().filter(|(possible, _)| *possible).map(|(_, v)| v).collect()
}

/// The union of `f` over samples of two elements of one category each.
fn by_samples(a: Element, b: Element, f: impl Fn(f64, f64) -> f64) -> Element {
    let (left, right) = (samples(a), samples(b));
    let all = left.iter().flat_map(|&x| right.iter().map(move |&y| (x, y)));
    all.map(|(x, y)| Element::from_f64(f(x, y))).reduce(Element::or).unwrap_or(Element::ANY)
}

/// Operands of one category each, at least one of them NaN or infinite.
fn specials(op: BinaryOp, a: Element, b: Element) -> Element {
    use BinaryOp as B;
    let (x, y) = (representative(a), representative(b));
    let certain = |e: Element| !e.is_number() || e.radius == 0.0;
    match op {
        B::Add => Element::from_f64(x + y),
        B::Sub => Element::from_f64(x - y),
        // The sign of a number, zeros included, decides the sign of an infinity or zero.
        B::Mul => by_samples(a, b, |x, y| x * y),
        B::Div => by_samples(a, b, |x, y| x / y),
        B::Rem if x.is_nan() || y.is_nan() || x.is_infinite() => Element::from_f64(f64::NAN),
        B::Rem => a,
        B::Mod if x.is_nan() || y.is_nan() || x.is_infinite() => Element::from_f64(f64::NAN),
        B::Pow if certain(a) && certain(b) && !(a.is_number() && x == 0.0) => Element::from_f64(x.powf(y)),
        B::Hypot => Element::from_f64(x.hypot(y)),
        B::Atan2 if x.is_nan() || y.is_nan() => Element::from_f64(f64::NAN),
        B::Atan2 if certain(a) && certain(b) && !(a.is_number() && x == 0.0) => {
            let v = x.atan2(y);
            Element::between(v - 1e-2 * v.abs(), v + 1e-2 * v.abs())
        }
        B::Atan2 => Element::between(-3.2, 3.2),
        _ => Element::ANY,
    }
}

/// The set of results over two sets of numbers, without rounding.
pub(super) fn numbers(op: BinaryOp, a: Element, b: Element, dtype: DType, allow: Allowance) -> Element {
    use BinaryOp as B;
    match op {
        B::Add => sum(a, b),
        B::Sub => sum(a, b.negated()),
        B::Mul => product(a, b),
        B::Div => quotient(a, b, dtype, allow),
        B::Rem | B::Mod => remainder(op, a, b, dtype, allow),
        B::Pow => power(a, b, allow),
        B::Atan2 => angle(a, b),
        B::Hypot => {
            let scale = a.value.hi.abs().max(b.value.hi.abs());
            if scale == 0.0 {
                return Element::exact(Dd::ZERO).with_radius(a.radius + b.radius);
            }
            let s = Dd::new(scale);
            let (x, y) = (a.value.over(s), b.value.over(s));
            let v = x.times(x).plus(y.times(y)).root().times(s);
            Element { radius: a.radius + b.radius, integral: false, ..Element::exact(v) }
        }
        _ => Element::ANY,
    }
}

fn finish(value: Dd, radius: f64, size: f64, integral: bool) -> Element {
    if !(value.is_finite() && radius.is_finite()) {
        return Element::ANY;
    }
    Element { radius, size: size.max(value.hi.abs()), integral, ..Element::exact(value) }
}

/// The sum over two sets of numbers.
#[must_use]
pub fn sum(a: Element, b: Element) -> Element {
    let zeros = zeros_of_sum(a, b);
    finish(a.value.plus(b.value), a.radius + b.radius, a.size + b.size, a.integral && b.integral).with_zeros(zeros)
}

/// The product over two sets of numbers.
#[must_use]
pub fn product(a: Element, b: Element) -> Element {
    let radius = a.value.hi.abs() * b.radius + b.value.hi.abs() * a.radius + a.radius * b.radius;
    let whole = a.integral && b.integral;
    finish(a.value.times(b.value), radius * (1.0 + 1e-12), a.size * b.size, whole).with_zeros(zeros_of_product(a, b))
}

fn quotient(a: Element, b: Element, dtype: DType, allow: Allowance) -> Element {
    let least = b.smallest();
    if least == 0.0 {
        return if b.is_zero() && allow.ieee { by_samples(a, b, |x, y| x / y) } else { Element::ANY };
    }
    let q = a.value.over(b.value);
    let mut radius = (a.radius + q.hi.abs() * b.radius) / least * (1.0 + 1e-12);
    let far = if dtype == DType::F16 { 2f64.powi(14) } else { 2f64.powi(126) };
    if allow.gpu && dtype != DType::F64 && b.largest() > far {
        // WGSL divides accurately only by |y| in 2^±126.
        radius = 2.0 * radius + q.hi.abs();
    }
    finish(q, radius, a.size / least, false)
}

/// Remainders jump where the quotient passes an integer; near such a place both sides are accepted.
fn remainder(op: BinaryOp, a: Element, b: Element, dtype: DType, allow: Allowance) -> Element {
    let (least, most) = (b.smallest(), b.largest());
    if least == 0.0 {
        return match (b.is_exact() && allow.ieee, op) {
            (true, _) => Element::from_f64(f64::NAN),
            _ => Element::ANY,
        };
    }
    let q = quotient(a, b, dtype, allow);
    if q.is_any() || q.largest() > 2f64.powi(50) {
        return Element::between(-most, most);
    }
    let floor = |x: f64| if op == BinaryOp::Mod { x.floor() } else { x.trunc() };
    let (low, high) = if a.is_exact() && b.is_exact() {
        // fmod of f64 is exact and gives the quotient's integer part without the quotient's rounding.
        let r = a.value.hi % b.value.hi;
        let r = if op == BinaryOp::Mod && r != 0.0 && (r < 0.0) != (b.value.hi < 0.0) { r + b.value.hi } else { r };
        return Element { integral: false, ..Element::exact(Dd::new(r)) };
    } else {
        (floor(q.low()), floor(q.high()))
    };
    if low != high {
        return match op {
            BinaryOp::Mod => hull_of_signs(b, most + a.radius),
            _ => hull_of_signs(a, most + a.radius),
        };
    }
    let v = a.value.minus(b.value.times(Dd::new(low)));
    let radius = a.radius + low.abs() * b.radius;
    Element { size: a.size, ..Element::exact(v) }.with_radius(radius)
}

/// Up to `most` on the side of zero where `x` lies, or on both.
fn hull_of_signs(x: Element, most: f64) -> Element {
    Element::between(if x.low() < 0.0 { -most } else { 0.0 }, if x.high() > 0.0 { most } else { 0.0 })
}

/// 1/x for a zero.
pub(super) fn quotient_of_one(x: Element, allow: Allowance) -> Element {
    quotient(Element::integer(1), x, DType::F64, allow)
}

fn power(a: Element, b: Element, allow: Allowance) -> Element {
    if b.is_exact() && b.value == Dd::ZERO {
        return Element::integer(1);
    }
    if a.low() > 0.0 {
        let v = a.value.hi.powf(b.value.hi);
        if !v.is_finite() || v == 0.0 {
            return if allow.gpu || allow.planned || !a.is_exact() || !b.is_exact() {
                Element::ANY
            } else {
                Element::from_f64(v).with_radius(if v == 0.0 { f64::MIN_POSITIVE } else { 0.0 })
            };
        }
        // d log(xʸ) = y dx/x + log x dy, exponentiated; the low parts of the centres count as uncertainty.
        let (ra, rb) = (a.radius + a.value.lo.abs(), b.radius + b.value.lo.abs());
        let log = a.low().ln().abs().max(a.high().ln().abs());
        let change = b.largest() * ra / a.low() + log * rb;
        return finish(Dd::new(v), v * (change.exp_m1() + STD * 2.0), 0.0, false);
    }
    let (x, y) = (a.value.hi, b.value.hi);
    if !(a.is_exact() && b.is_exact()) {
        let whole = b.is_exact() && y == y.trunc() && y > 0.0 && y < 64.0;
        if whole {
            let most = a.largest().powf(y);
            return Element::between(-most, most);
        }
        return Element::ANY;
    }
    if x == 0.0 {
        return match y {
            _ if y > 0.0 => Element::integer(0),
            _ if !allow.ieee => Element::ANY,
            // Only an odd whole power keeps the sign of its base.
            _ if y == y.trunc() && y % 2.0 != 0.0 => quotient_of_one(a, allow),
            _ => Element::from_f64(f64::INFINITY),
        };
    }
    if y != y.trunc() {
        return Element::from_f64(f64::NAN);
    }
    let positive = power(Element { value: a.value.negated(), ..a }, b, allow);
    if y % 2.0 == 0.0 || !positive.is_number() {
        return if positive.is_number() { positive } else { Element::ANY };
    }
    Element { value: positive.value.negated(), ..positive }
}

fn angle(y: Element, x: Element) -> Element {
    let pi = std::f64::consts::PI;
    let near = y.smallest().hypot(x.smallest());
    if near == 0.0 || (y.smallest() == 0.0 && x.low() <= 0.0) {
        // The sign of a zero or of a tiny number decides between π and −π.
        return Element::between(-pi - 1e-6, pi + 1e-6);
    }
    let v = y.value.hi.atan2(x.value.hi);
    let (ry, rx) = (y.radius + y.value.lo.abs(), x.radius + x.value.lo.abs());
    let radius = (x.largest() / near * ry + y.largest() / near * rx) / near;
    finish(Dd::new(v), radius.min(2.0 * pi) + STD * v.abs(), 0.0, false)
}

/// The larger or smaller of two elements of one category each. No rounding.
#[must_use]
pub fn extremum(op: BinaryOp, a: Element, b: Element) -> Element {
    use BinaryOp as B;
    let up = matches!(op, B::Maximum | B::Fmax);
    match (a.may_be_nan(), b.may_be_nan()) {
        (true, true) => return a,
        (true, false) => return if matches!(op, B::Fmax | B::Fmin) { b } else { a },
        (false, true) => return if matches!(op, B::Fmax | B::Fmin) { a } else { b },
        _ => {}
    }
    if !(a.is_number() && b.is_number()) {
        let (x, y) = (representative(a), representative(b));
        let a_is_infinite = !a.is_number();
        let infinite_wins = if a_is_infinite { (x > 0.0) == up } else { (y > 0.0) == up };
        return if infinite_wins == a_is_infinite { a } else { b };
    }
    if a.is_any() || b.is_any() {
        return Element { categories: Categories::NUMBER, ..Element::ANY };
    }
    // The sure winner keeps its centre and its exactness. +0 is larger than −0.
    let zeros = match (a.may_be_zero(), b.may_be_zero()) {
        (true, true) if a.is_zero() && b.is_zero() => {
            let any = Zeros::of(up && (a.zeros == Zeros::PLUS || b.zeros == Zeros::PLUS), false);
            let any = any.with(Zeros::of(false, !up && (a.zeros == Zeros::MINUS || b.zeros == Zeros::MINUS)));
            if any == Zeros::of(false, false) { a.zeros.with(b.zeros) } else { any }
        }
        (true, true) => a.zeros.with(b.zeros),
        (true, false) => a.zeros,
        (false, _) => b.zeros,
    };
    let sure = |e: Element| Element { size: a.size.max(b.size), integral: a.integral && b.integral, zeros, ..e };
    if up && a.low() >= b.high() || !up && a.high() <= b.low() {
        return sure(a);
    }
    if up && b.low() >= a.high() || !up && b.high() <= a.low() {
        return sure(b);
    }
    let first = a.value.order(b.value).is_ge() == up;
    let value = if first { a.value } else { b.value };
    let hull = if up {
        Element::around(value, a.low().max(b.low()), a.high().max(b.high()))
    } else {
        Element::around(value, a.low().min(b.low()), a.high().min(b.high()))
    };
    Element { size: a.size.max(b.size), zeros, ..hull }
}

/// The truth of a comparison of two elements of one category each.
#[must_use]
pub fn compare(op: BinaryOp, a: Element, b: Element) -> Element {
    use BinaryOp as B;
    if a.may_be_nan() || b.may_be_nan() {
        return Element::truth(Some(op == B::Ne));
    }
    let (low_a, high_a, low_b, high_b) = if a.is_number() && b.is_number() {
        (a.low(), a.high(), b.low(), b.high())
    } else {
        let ends = |e: Element| {
            if e.is_number() { (f64::MIN, f64::MAX) } else { (representative(e), representative(e)) }
        };
        let ((p, q), (r, s)) = (ends(a), ends(b));
        (p, q, r, s)
    };
    let same = a.radius == 0.0 && b.radius == 0.0 && a.value == b.value && a.categories == b.categories;
    if same {
        return Element::truth(Some(matches!(op, B::Eq | B::Le | B::Ge)));
    }
    // Exact centres that differ below f64 still differ.
    if a.is_exact() && b.is_exact() {
        let order = a.value.order(b.value);
        return Element::truth(Some(match op {
            B::Eq => false,
            B::Ne => true,
            B::Lt | B::Le => order.is_lt(),
            _ => order.is_gt(),
        }));
    }
    let not = |t: Option<bool>| t.map(|b| !b);
    let less = || ordered(high_a < low_b, low_a >= high_b);
    let greater = || ordered(low_a > high_b, high_a <= low_b);
    let equal = || ordered(false, high_a < low_b || low_a > high_b);
    Element::truth(match op {
        B::Eq => equal(),
        B::Ne => not(equal()),
        B::Lt => less(),
        B::Ge => not(less()),
        B::Gt => greater(),
        _ => not(greater()),
    })
}

fn ordered(surely: bool, surely_not: bool) -> Option<bool> {
    match (surely, surely_not) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}
