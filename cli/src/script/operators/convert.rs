//! Conversion of values to another class.

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::host::HostValue;
use super::super::runtime::Runtime;
use super::super::value::{Range, Value, data_of};
use super::compare;
use super::elementwise::finish;

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
