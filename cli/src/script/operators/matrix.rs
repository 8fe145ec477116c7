//! Products, quotients and powers of matrices.

use lazurite::Array;

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::runtime::Runtime;
use super::super::value::{Tensor, Value};
use super::elementwise::{computed_in, finish};

/// Rows and columns, or the error that `operator` has for anything else.
fn matrix(rt: &Runtime, operator: &str, a: &Value) -> Result<(usize, usize), Diagnostic> {
    match a.dims()[..] {
        [rows, columns] => Ok((rows, columns)),
        _ => Err(rt.error(format!("operator {operator}: not defined for N-D objects"))),
    }
}

fn mismatch(rt: &Runtime, operator: &str, a: &Value, b: &Value) -> Diagnostic {
    let (x, y) = (dims_text(&a.dims()), dims_text(&b.dims()));
    rt.error(format!("operator {operator}: nonconformant arguments (op1 is {x}, op2 is {y})"))
}

/// The operand as a matrix in the dtype of the result.
fn array(rt: &mut Runtime, class: Class, a: &Value) -> Result<Array, Diagnostic> {
    rt.budget.check_walk(&rt.location, a)?;
    Ok(rt.tensor(a)?.array.cast(computed_in(class)))
}

/// `a * b` of two matrices.
pub(super) fn multiply(rt: &mut Runtime, class: Class, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let ((rows, inner), (other, columns)) = (matrix(rt, "*", a)?, matrix(rt, "*", b)?);
    if inner != other {
        return Err(mismatch(rt, "*", a, b));
    }
    let (x, y) = (array(rt, class, a)?, array(rt, class, b)?);
    let tensor = finish(rt, x.matmul(&y), class, vec![rows, columns]);
    Ok(Value::Array(tensor.with_complex(a.complex()).with_complex(b.complex())))
}

/// `a \ b`: the solution of a·x = b, in the sense of least squares if `a` is not square.
pub(super) fn divide_left(rt: &mut Runtime, class: Class, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let ((rows, unknowns), (other, columns)) = (matrix(rt, "\\", a)?, matrix(rt, "\\", b)?);
    if rows != other {
        return Err(mismatch(rt, "\\", a, b));
    }
    let (x, y) = (array(rt, class, a)?, array(rt, class, b)?);
    let solution = solve(rt, class, &x, &y, rows == unknowns);
    let tensor = finish(rt, solution, class, vec![unknowns, columns]);
    Ok(Value::Array(tensor.with_complex(a.complex()).with_complex(b.complex())))
}

/// `a / b`, which is `(b' \ a')'`.
pub(super) fn divide_right(rt: &mut Runtime, class: Class, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let ((rows, columns), (unknowns, other)) = (matrix(rt, "/", a)?, matrix(rt, "/", b)?);
    if columns != other {
        return Err(mismatch(rt, "/", a, b));
    }
    let (x, y) = (array(rt, class, a)?, array(rt, class, b)?);
    let solution = solve(rt, class, &y.t(), &x.t(), unknowns == other).t();
    let tensor = finish(rt, solution, class, vec![rows, unknowns]);
    Ok(Value::Array(tensor.with_complex(a.complex()).with_complex(b.complex())))
}

/// Solves, and warns once it is evaluated if a square system was singular.
fn solve(rt: &mut Runtime, class: Class, a: &Array, b: &Array, square: bool) -> Array {
    let (solution, condition) = a.solve_with_rcond(b);
    if square {
        rt.warn_if_singular(condition, class);
    }
    solution
}

/// The inverse of a square matrix, with Octave's warning if it is singular.
///
/// # Errors
/// A matrix that is not square.
pub fn inverse(rt: &mut Runtime, class: Class, a: &Value) -> Result<Value, Diagnostic> {
    let dims = a.dims();
    if dims.len() != 2 || dims[0] != dims[1] {
        return Err(rt.error("inverse: argument must be a square matrix"));
    }
    let x = array(rt, class, a)?;
    let (inverse, condition) = x.inv_with_rcond();
    if dims[0] > 0 {
        rt.warn_if_singular(condition, class);
    }
    let tensor = finish(rt, inverse, class, dims);
    Ok(Value::Array(tensor.with_complex(a.complex())))
}

/// `a ^ n` of a square matrix and a whole number.
pub(super) fn power(rt: &mut Runtime, class: Class, a: &Value, b: &Value) -> Result<Value, Diagnostic> {
    let dims = a.dims();
    if dims.len() != 2 || dims[0] != dims[1] || !b.is_scalar() {
        return Err(rt.error(
            "for x^y, only square matrix arguments are permitted and one argument must be scalar.  Use .^ for elementwise power.",
        ));
    }
    let exponent = rt.number(b)?;
    if exponent != exponent.trunc() || exponent.abs() > 1e6 {
        return Err(
            rt.error(format!("the exponent of a matrix must be a whole number, and {exponent} is not supported"))
        );
    }
    let base = if exponent < 0.0 { inverse(rt, class, a)? } else { a.clone() };
    let mut square: Tensor = rt.tensor(&base)?;
    square.array = square.array.cast(computed_in(class));
    let mut left = exponent.abs() as u64;
    let mut result: Option<Array> = None;
    while left > 0 {
        if left & 1 == 1 {
            result = Some(match result {
                Some(product) => product.matmul(&square.array),
                None => square.array.clone(),
            });
        }
        left >>= 1;
        if left > 0 {
            square.array = square.array.matmul(&square.array);
        }
    }
    let result = match result {
        Some(product) => product,
        None => rt.engine.eye(dims[0], dims[0], computed_in(class)),
    };
    let tensor = finish(rt, result, class, dims);
    Ok(Value::Array(tensor.with_complex(a.complex())))
}
