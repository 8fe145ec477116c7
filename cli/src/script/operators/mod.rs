//! The operators on values.
//!
//! In: an operator and its operands. Out: a value, computed at once if the operands are numbers known on the host, and recorded
//! in the engine otherwise. Classes come from `classes`, shapes follow MATLAB's broadcasting. It knows nothing about the
//! syntax tree except the operators' names.

pub mod compare;
pub mod convert;
pub mod elementwise;
pub mod matrix;
pub mod range;

use super::ast::{BinaryOp, PrefixOp};
use super::diagnostic::Diagnostic;
use super::host::{HostData, HostValue};
use super::runtime::Runtime;
use super::value::{Value, reordered};
use convert::convert;
use elementwise::{computed_in, elementwise, finish, power};

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
    let tensor = rt.recorded(tensor.array.t(), tensor.class, vec![columns, rows]).with_complex(tensor.complex);
    Ok(Value::Array(tensor))
}
