//! Comparisons and logic, whose results are logical.
//!
//! A NaN has no truth value, so logic on floating-point arrays first evaluates whether there is one, which is an error.

use lazurite::{Array, DType};

use super::super::ast::BinaryOp;
use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::runtime::Runtime;
use super::super::value::{HostScalar, Value};
use super::elementwise::broadcast;

const NAN_AS_LOGICAL: &str = "invalid conversion from NaN to logical";

/// `a < b` and its siblings.
///
/// # Errors
/// Shapes that do not fit, and what the engine reports.
pub fn compare(rt: &mut Runtime, op: BinaryOp, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    if let (Some(x), Some(y)) = (a.known(), b.known()) {
        return Ok(Value::truth(compare_numbers(op, x.value, y.value)));
    }
    let dims = broadcast(rt, "", a, b)?;
    let comparison = Comparison::of(op, a, b);
    let side = |rt: &mut Runtime, value: &Value, exact: Option<f64>| match exact {
        Some(number) => Ok(rt.scalar(number, comparison.dtype)),
        None => rt.operand(value, comparison.dtype, dims.len()),
    };
    let x = side(rt, a, comparison.left)?;
    let y = side(rt, b, comparison.right)?;
    let result = apply(op, &x, &y);
    let tensor = rt.recorded(result, Class::Logical, dims);
    Ok(Value::Array(tensor))
}

fn compare_numbers(op: BinaryOp, x: f64, y: f64) -> bool {
    match op {
        BinaryOp::Eq => x == y,
        BinaryOp::Ne => x != y,
        BinaryOp::Lt => x < y,
        BinaryOp::Le => x <= y,
        BinaryOp::Gt => x > y,
        _ => x >= y,
    }
}

fn apply(op: BinaryOp, x: &Array, y: &Array) -> Array {
    match op {
        BinaryOp::Eq => x.eq(y),
        BinaryOp::Ne => x.ne(y),
        BinaryOp::Lt => x.lt(y),
        BinaryOp::Le => x.le(y),
        BinaryOp::Gt => x.gt(y),
        _ => x.ge(y),
    }
}

/// The dtype of a comparison, and the numbers that replace known operands in it.
struct Comparison {
    dtype: DType,
    left: Option<f64>,
    right: Option<f64>,
}

impl Comparison {
    /// Octave compares a single with a double in double precision. If the double is one number, there is a single that divides
    /// the singles in the same way, so that no array needs to be widened.
    fn of(op: BinaryOp, a: &Value, b: &Value) -> Self {
        let dtype = common(a.class(), b.class());
        let plain = Self { dtype, left: None, right: None };
        match (a.known(), b.known()) {
            (None, Some(number)) => match narrowed(op, a.class(), number) {
                Some((dtype, number)) => Self { dtype, left: None, right: Some(number) },
                None => plain,
            },
            (Some(number), None) => match narrowed(mirrored(op), b.class(), number) {
                Some((dtype, number)) => Self { dtype, left: Some(number), right: None },
                None => plain,
            },
            _ => plain,
        }
    }
}

fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}

/// For `array op number`: a narrower dtype and the number to use there, if that gives the same truth for every element.
fn narrowed(op: BinaryOp, class: Class, number: HostScalar) -> Option<(DType, f64)> {
    let value = number.value;
    match class {
        Class::Single => {
            let near = f64::from(value as f32);
            if near == value || value.is_nan() {
                return Some((DType::F32, value));
            }
            Some((
                DType::F32,
                match op {
                    // Equal to no single: a NaN is equal to none either.
                    BinaryOp::Eq | BinaryOp::Ne => f64::NAN,
                    BinaryOp::Gt | BinaryOp::Le => {
                        if near < value {
                            near
                        } else {
                            f64::from((value as f32).next_down())
                        }
                    }
                    _ => {
                        if near > value {
                            near
                        } else {
                            f64::from((value as f32).next_up())
                        }
                    }
                },
            ))
        }
        Class::Logical | Class::Char | Class::Uint8 | Class::Int32 => {
            let whole = value == value.trunc() && value.abs() <= f64::from(i32::MAX);
            whole.then_some((DType::I32, value))
        }
        Class::Double | Class::Int64 => None,
    }
}

/// A dtype that holds all values of both classes.
fn common(a: Class, b: Class) -> DType {
    let small = |class| matches!(class, Class::Logical | Class::Char | Class::Uint8);
    match (a, b) {
        (Class::Single, x) | (x, Class::Single) if small(x) || x == Class::Single => DType::F32,
        (x, y) if (small(x) || x == Class::Int32) && (small(y) || y == Class::Int32) => DType::I32,
        _ => DType::F64,
    }
}

/// `a & b` and `a | b`.
///
/// # Errors
/// NaN in either, shapes that do not fit, and what the engine reports.
pub fn logic(rt: &mut Runtime, op: BinaryOp, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let (a, b) = (truth(rt, a)?, truth(rt, b)?);
    let and = op == BinaryOp::And;
    if let (Some(x), Some(y)) = (a.known(), b.known()) {
        let (x, y) = (x.value != 0.0, y.value != 0.0);
        return Ok(Value::truth(if and { x && y } else { x || y }));
    }
    let name = if and { "operator &" } else { "operator |" };
    two_truths(rt, name, &a, &b, |x, y| if and { x.and(y) } else { x.or(y) })
}

/// `xor(a, b)`.
///
/// # Errors
/// As [`logic`].
pub fn exclusive_or(rt: &mut Runtime, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let (a, b) = (truth(rt, a)?, truth(rt, b)?);
    if let (Some(x), Some(y)) = (a.known(), b.known()) {
        return Ok(Value::truth(x.value != y.value));
    }
    two_truths(rt, "xor", &a, &b, |x, y| x.xor(y))
}

fn two_truths(
    rt: &mut Runtime,
    name: &str,
    a: &Value,
    b: &Value,
    apply: impl Fn(&Array, &Array) -> Array,
) -> Result<Value, Diagnostic> {
    let dims = broadcast(rt, name, a, b)?;
    let x = rt.operand(a, DType::Bool, dims.len())?;
    let y = rt.operand(b, DType::Bool, dims.len())?;
    let tensor = rt.recorded(apply(&x, &y), Class::Logical, dims);
    Ok(Value::Array(tensor))
}

/// `!a`.
///
/// # Errors
/// NaN, and what the engine reports.
pub fn not(rt: &mut Runtime, a: &Value) -> Result<Value, Diagnostic> {
    let a = truth(rt, a)?;
    if let Some(x) = a.known() {
        return Ok(Value::truth(x.value == 0.0));
    }
    let x = rt.operand(&a, DType::Bool, 0)?;
    let tensor = rt.recorded(x.not(), Class::Logical, a.dims());
    Ok(Value::Array(tensor))
}

/// The value as `logical`: whether each element differs from zero.
///
/// # Errors
/// NaN, and what the engine reports.
pub fn truth(rt: &mut Runtime, a: &Value) -> Result<Value, Diagnostic> {
    if a.class() == Class::Logical {
        return Ok(a.clone());
    }
    if let Some(x) = a.known() {
        if x.value.is_nan() {
            return Err(rt.error(NAN_AS_LOGICAL));
        }
        return Ok(Value::truth(x.value != 0.0));
    }
    rt.budget.check_walk(&rt.location, a)?;
    let tensor = rt.tensor(a)?;
    if tensor.class.is_floating() && tensor.numel() > 0 {
        let any = tensor.array.isnan().any(.., false);
        let any = Value::Array(rt.recorded(any, Class::Logical, vec![]));
        if rt.number(&any)? != 0.0 {
            return Err(rt.error(NAN_AS_LOGICAL));
        }
    }
    let tensor = rt.recorded(tensor.array.ne(0.0), Class::Logical, tensor.dims);
    Ok(Value::Array(tensor))
}

/// Whether a condition holds: the value is not empty and all its elements differ from zero.
///
/// # Errors
/// NaN, and what the evaluation reports.
pub fn condition(rt: &mut Runtime, a: &Value) -> Result<bool, Diagnostic> {
    if a.numel() == 0 {
        return Ok(false);
    }
    if a.numel() == 1 {
        let x = rt.number(a)?;
        if x.is_nan() {
            return Err(rt.error(NAN_AS_LOGICAL));
        }
        return Ok(x != 0.0);
    }
    rt.budget.check_walk(&rt.location, a)?;
    let truth = truth(rt, a)?;
    let x = rt.operand(&truth, DType::Bool, 0)?;
    let all = Value::Array(rt.recorded(x.all(.., false), Class::Logical, vec![]));
    Ok(rt.number(&all)? != 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_bound_divides_singles_as_the_double_does() {
        // Singles around 0.1, which is no single itself.
        let near = 0.1f64 as f32;
        let singles = [near.next_down(), near, near.next_up(), 0.0, f32::NAN, f32::INFINITY, -0.1];
        for bound in [0.1, 0.3, 1e-50, -0.1, 1e300, -1e300, 0.5, f64::NAN, f64::INFINITY] {
            let number = HostScalar { class: Class::Double, value: bound };
            for op in [BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge, BinaryOp::Eq, BinaryOp::Ne] {
                let (dtype, narrow) = narrowed(op, Class::Single, number).unwrap();
                assert_eq!(dtype, DType::F32);
                assert!(narrow.is_nan() || f64::from(narrow as f32) == narrow);
                for x in singles {
                    let expected = compare_numbers(op, f64::from(x), bound);
                    assert_eq!(compare_numbers(op, f64::from(x), narrow), expected, "{x} {op:?} {bound}");
                }
            }
        }
    }
}
