//! `start : step : stop`.

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::runtime::Runtime;
use super::super::value::{HostScalar, Range, Value};

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
