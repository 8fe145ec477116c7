//! The operators on values.
//!
//! Comes in: an operator and its operands. Goes out: a value, computed at once where the operands are numbers known here, and
//! recorded in the engine otherwise. Classes come from `classes`, shapes follow MATLAB's broadcasting. Comparisons and logic
//! are in `compare`, matrix operations in `matrix`. It knows nothing of the syntax tree except the operators' names.

pub mod compare;
pub mod matrix;

use lazurite::{Array, DType};

use super::ast::{BinaryOp, PrefixOp};
use super::classes::Class;
use super::diagnostic::Diagnostic;
use super::display::dims_text;
use super::host::{HostData, HostValue};
use super::runtime::Runtime;
use super::value::{Complex, HostScalar, Range, Tensor, Value, data_of, dtype_of, reordered};

/// `a op b`.
///
/// # Errors
/// Classes that do not mix, shapes that do not fit, and what the engine reports.
pub fn binary(rt: &mut Runtime, op: BinaryOp, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    use BinaryOp::{
        Add, And, Div, Eq, Ge, Gt, Le, LeftDiv, Lt, MatDiv, MatLeftDiv, MatMul, MatPow, Mul, Ne, Or, Pow, Sub,
    };
    let class = rt.class_of_two(op.text(), a, b)?;
    match op {
        MatMul if !a.is_scalar() && !b.is_scalar() => matrix::multiply(rt, class, a, b),
        MatDiv if !b.is_scalar() => matrix::divide_right(rt, class, a, b),
        MatLeftDiv if !a.is_scalar() => matrix::divide_left(rt, class, a, b),
        MatPow if !a.is_scalar() || !b.is_scalar() => matrix::power(rt, class, a, b),
        And | Or => compare::logic(rt, op, a, b),
        Eq | Ne | Lt | Le | Gt | Ge => compare::compare(rt, op, a, b),
        Add => elementwise(rt, "operator +", class, a, b, |x, y| x + y, |x, y| x.add(y)),
        Sub => elementwise(rt, "operator -", class, a, b, |x, y| x - y, |x, y| x.sub(y)),
        Mul | MatMul => elementwise(rt, "product", class, a, b, |x, y| x * y, |x, y| x.mul(y)),
        Div | MatDiv => elementwise(rt, "quotient", class, a, b, |x, y| x / y, |x, y| x.div(y)),
        LeftDiv | MatLeftDiv => elementwise(rt, "quotient", class, b, a, |x, y| x / y, |x, y| x.div(y)),
        Pow | MatPow => power(rt, class, a, b),
    }
}

/// The dtype in which a result of `class` is computed: integers go through double, which holds every sum and product that
/// does not saturate anyway.
pub fn computed_in(class: Class) -> DType {
    if class == Class::Single { DType::F32 } else { DType::F64 }
}

/// The dimensions of an elementwise result.
///
/// # Errors
/// Extents that differ where neither is 1.
pub fn broadcast(rt: &Runtime, name: &str, a: &Value, b: &Value) -> Result<Vec<usize>, Diagnostic> {
    let (x, y) = (a.dims(), b.dims());
    let rank = x.len().max(y.len());
    let extent = |dims: &[usize], axis: usize| dims.get(axis).copied().unwrap_or(1);
    let mut dims = Vec::with_capacity(rank);
    for axis in 0..rank {
        dims.push(match (extent(&x, axis), extent(&y, axis)) {
            (m, n) if m == n => m,
            (1, n) => n,
            (m, 1) => m,
            _ => {
                let lead = if name.is_empty() { String::new() } else { format!("{name}: ") };
                let (x, y) = (dims_text(&x), dims_text(&y));
                return Err(rt.error(format!("{lead}nonconformant arguments (op1 is {x}, op2 is {y})")));
            }
        });
    }
    Ok(dims)
}

/// A function of two values element by element: `host` for numbers that are known here, `array` for the rest, which gets its
/// operands in the dtype of [`computed_in`].
///
/// # Errors
/// Shapes that do not fit, and what the engine reports.
pub fn elementwise(
    rt: &mut Runtime,
    name: &str,
    class: Class,
    a: &Value,
    b: &Value,
    host: fn(f64, f64) -> f64,
    array: impl Fn(&Array, &Array) -> Array,
) -> Result<Value, Diagnostic> {
    if let (Some(x), Some(y)) = (a.known(), b.known()) {
        // Operands take the result's precision first, as in Octave; rounding the result once more is then harmless.
        let round = |v: f64| if class == Class::Single { f64::from(v as f32) } else { v };
        return Ok(Value::scalar(class, host(round(x.value), round(y.value))));
    }
    let dims = broadcast(rt, name, a, b)?;
    let dtype = computed_in(class);
    let (x, y) = (rt.operand(a, dtype, dims.len())?, rt.operand(b, dtype, dims.len())?);
    let result = array(&x, &y);
    let tensor = finish(rt, result, class, dims).with_complex(a.complex()).with_complex(b.complex());
    Ok(Value::Array(tensor))
}

/// A computed array as a tensor of `class`.
pub fn finish(rt: &mut Runtime, array: Array, class: Class, dims: Vec<usize>) -> Tensor {
    let array =
        if class.is_integer() { array.cast_round_saturate(dtype_of(class)) } else { array.cast(dtype_of(class)) };
    rt.made(array, class, dims)
}

/// `a .^ b`.
///
/// # Errors
/// As [`elementwise`].
pub fn power(rt: &mut Runtime, class: Class, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let complex = Complex { operation: ".^", span: rt.place };
    let exponent = b.known().map(|e| e.value);
    let leaves_reals = |base: Option<f64>| base.is_none_or(|x| x < 0.0) && exponent.is_none_or(|e| e != e.trunc());
    if let (Some(x), Some(y)) = (a.known(), b.known()) {
        if x.value < 0.0 && y.value != y.value.trunc() && y.value.is_finite() {
            rt.warn_of_complex(complex);
        }
        return elementwise(rt, "operator .^", class, a, b, f64::powf, |x, _| x.clone());
    }
    let possible = leaves_reals(a.known().map(|x| x.value)).then_some(complex);
    let value = elementwise(rt, "operator .^", class, a, b, f64::powf, |x, y| match exponent {
        // A number, not an array, lets the engine see whole exponents, which are products.
        Some(exponent) => x.pow(exponent),
        None => x.pow(y),
    })?;
    Ok(match value {
        Value::Array(tensor) => Value::Array(tensor.with_complex(possible)),
        other => other,
    })
}

/// `-a`, `+a`, `!a`.
///
/// # Errors
/// NaN as a logical, and what the engine reports.
pub fn prefix(rt: &mut Runtime, op: PrefixOp, a: &Value) -> Result<Value, Diagnostic> {
    let name = match op {
        PrefixOp::Minus => "-",
        PrefixOp::Plus => "+",
        PrefixOp::Not => "!",
    };
    let class = rt.class_of_one(name, a)?;
    match op {
        PrefixOp::Plus => convert(rt, a, class),
        PrefixOp::Not => compare::not(rt, a),
        PrefixOp::Minus => {
            if let Some(scalar) = a.known() {
                return Ok(Value::scalar(class, -scalar.value));
            }
            let x = rt.operand(a, computed_in(class), 0)?;
            let tensor = finish(rt, x.neg(), class, a.dims()).with_complex(a.complex());
            Ok(Value::Array(tensor))
        }
    }
}

/// `a'`, which is `a.'` for real values.
///
/// # Errors
/// More than two dimensions.
pub fn transpose(rt: &mut Runtime, a: &Value) -> Result<Value, Diagnostic> {
    let dims = a.dims();
    let [rows, columns] = dims[..] else {
        return Err(rt.error("transpose not defined for N-D objects"));
    };
    match a {
        Value::Scalar(_) => return Ok(a.clone()),
        Value::Host(host) => {
            if let HostData::Char(bytes) = &host.value.data {
                let data = HostData::Char(reordered(bytes, &[rows, columns], false));
                return Ok(Value::host(HostValue { dims: vec![columns, rows], data }));
            }
        }
        _ => {}
    }
    let tensor = rt.tensor(a)?;
    let tensor = rt.made(tensor.array.t(), tensor.class, vec![columns, rows]).with_complex(tensor.complex);
    Ok(Value::Array(tensor))
}

/// The value in another class: rounded and saturated for integers, as `logical` whether it differs from zero.
///
/// # Errors
/// NaN as a logical, and what the engine reports.
pub fn convert(rt: &mut Runtime, a: &Value, class: Class) -> Result<Value, Diagnostic> {
    if a.class() == class {
        return Ok(a.clone());
    }
    if class == Class::Logical {
        return compare::truth(rt, a);
    }
    Ok(match a {
        Value::Scalar(scalar) => Value::scalar(class, scalar.value),
        Value::Host(host) => {
            let data = &host.value.data;
            let numbers = (0..data.len()).filter_map(|i| data.get_f64(i));
            Value::host(HostValue { dims: host.value.dims.clone(), data: data_of(class, numbers) })
        }
        Value::Range(range) if class.is_floating() && range.class.is_floating() && is_whole(range) => {
            Value::Range(Range { class, ..*range })
        }
        Value::Range(_) | Value::Array(_) => {
            let tensor = rt.tensor(a)?;
            let tensor = finish(rt, tensor.array.clone(), class, tensor.dims).with_complex(tensor.complex);
            Value::Array(tensor)
        }
    })
}

/// Whether all elements are whole numbers that single precision holds, so that they are the same in both classes.
fn is_whole(range: &Range) -> bool {
    let end = range.get(range.count.saturating_sub(1));
    range.start == range.start.trunc()
        && range.step == range.step.trunc()
        && range.start.abs().max(end.abs()) < 16_777_216.0
}

/// `start : step : stop`.
///
/// # Errors
/// Bounds that are not scalars.
pub fn range(rt: &mut Runtime, start: &Value, step: Option<&Value>, stop: &Value) -> Result<Value, Diagnostic> {
    let mut numbers = [HostScalar { class: rt.settings.real, value: 1.0 }; 3];
    for (number, value) in numbers.iter_mut().zip([Some(start), step, Some(stop)]) {
        let Some(value) = value else { continue };
        if value.numel() == 0 {
            return Ok(Value::Range(Range { class: rt.settings.real, start: 0.0, step: 1.0, count: 0, limit: 0.0 }));
        }
        if !value.is_scalar() {
            return Err(
                rt.error(format!("the parts of a range must be scalars, but one is {}", dims_text(&value.dims())))
            );
        }
        *number = HostScalar { class: value.class(), value: rt.number(value)? };
    }
    let [start, step, stop] = numbers;
    let integer = numbers.iter().find(|n| n.class.is_integer()).map(|n| n.class);
    let single = numbers.iter().any(|n| n.class == Class::Single);
    let class = integer.unwrap_or(if single { Class::Single } else { Class::Double });
    if start.value.is_nan() || step.value.is_nan() || stop.value.is_nan() {
        return Ok(Value::scalar(class, f64::NAN));
    }
    let (start, step, stop) = (start.value, step.value, stop.value);
    let backwards = step == 0.0 || (step > 0.0 && start > stop) || (step < 0.0 && start < stop);
    if backwards {
        return Ok(Value::Range(Range { class, start, step, count: 0, limit: stop }));
    }
    // Octave's count: the quotient may miss a whole number by three roundings.
    let epsilon = if class == Class::Single { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let quotient = (stop - start) / step;
    let tolerant = quotient + 3.0 * epsilon * quotient.abs().max(1.0);
    let count = tolerant.floor() + 1.0;
    if !count.is_finite() || count >= 9.007_199_254_740_992e15 {
        return Err(
            rt.error("out of memory or dimension too large for Octave's index type: the range has too many elements")
        );
    }
    let mut range = Range { class, start, step, count: count as usize, limit: stop };
    if class.is_integer() {
        range.limit = start + (range.count - 1) as f64 * step;
    }
    Ok(Value::Range(range))
}
