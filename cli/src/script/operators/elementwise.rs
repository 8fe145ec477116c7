//! Elementwise operations, and the conversion of any result to its class.

use lazurite::{Array, DType};

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::runtime::Runtime;
use super::super::value::{ComplexOrigin, Tensor, Value, dtype_of};

/// The dtype in which a result of `class` is computed. Integers are computed in double, which holds every sum and product that
/// does not saturate.
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

/// A function of two values element by element: `host` computes it for numbers known on the host, `array` records it for arrays,
/// which have the dtype of [`computed_in`].
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

/// A computed array, rounded and saturated as `class` requires.
pub fn finish(rt: &mut Runtime, array: Array, class: Class, dims: Vec<usize>) -> Tensor {
    let array =
        if class.is_integer() { array.cast_round_saturate(dtype_of(class)) } else { array.cast(dtype_of(class)) };
    rt.recorded(array, class, dims)
}

/// `a .^ b`.
///
/// # Errors
/// As [`elementwise`].
pub fn power(rt: &mut Runtime, class: Class, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let complex = ComplexOrigin { operation: ".^", span: rt.location.span };
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
        // The engine makes products of whole exponents, which it sees only in a number.
        Some(exponent) => x.pow(exponent),
        None => x.pow(y),
    })?;
    Ok(match value {
        Value::Array(tensor) => Value::Array(tensor.with_complex(possible)),
        other => other,
    })
}
