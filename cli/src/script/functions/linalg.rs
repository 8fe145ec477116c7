//! Linear algebra: diagonals, products, norms, factorisations and systems.

use lazurite::{Array, Order};

use super::super::ast::BinaryOp;
use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::index::{Subscript, read};
use super::super::operators::elementwise::{computed_in, finish};
use super::super::operators::{self, matrix};
use super::super::runtime::Runtime;
use super::super::value::{Value, dtype_of, numel_of};
use super::function::{Call, Function, first_long_axis, run};

pub(super) const TABLE: &[Function] = &[
    run("diag", 1..=1, 1, diag),
    run("trace", 1..=1, 1, trace),
    run("dot", 2..=3, 1, dot),
    run("norm", 1..=2, 1, norm),
    run("qr", 1..=2, 2, qr),
    run("inv", 1..=1, 1, |rt, call| {
        let x = &call.arguments[0];
        let class = class_of(rt, call)?;
        Ok(vec![matrix::inverse(rt, class, x)?])
    }),
    run("mldivide", 2..=2, 1, |rt, call| {
        Ok(vec![operators::binary(rt, BinaryOp::MatLeftDiv, &call.arguments[0], &call.arguments[1])?])
    }),
];

fn class_of(rt: &Runtime, call: &Call) -> Result<Class, Diagnostic> {
    rt.class_of_one(call.name, &call.arguments[0])
}

/// The diagonal of a matrix as a column, or the matrix with a vector on its diagonal.
fn diag(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let dims = x.dims();
    let [rows, columns] = dims[..] else {
        return Err(rt.error("diag: requires vector or matrix of proper dimension"));
    };
    if x.is_scalar() || dims == [0, 0] {
        return Ok(vec![x.clone()]);
    }
    let tensor = rt.tensor(x)?;
    let (array, dims) = if rows == 1 || columns == 1 {
        let n = rows * columns;
        (tensor.array.reshape(&[n], Order::C).diag(), vec![n, n])
    } else {
        let n = rows.min(columns);
        (tensor.array.diagonal().reshape(&[n, 1], Order::C), vec![n, 1])
    };
    Ok(vec![Value::Array(rt.recorded(array, tensor.class, dims).with_complex(tensor.complex))])
}

fn trace(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let class = class_of(rt, call)?;
    let dims = x.dims();
    if dims.len() != 2 {
        return Err(rt.error("trace: only valid on 2-D objects"));
    }
    if let Some(scalar) = x.known() {
        return Ok(vec![Value::scalar(class, scalar.value)]);
    }
    if x.numel() == 0 {
        return Ok(vec![Value::scalar(class, 0.0)]);
    }
    if dims.contains(&1) {
        // A vector's diagonal is its first element.
        let first = read::read(rt, None, x, &[Subscript::Value(Value::number(1.0))])?;
        return Ok(vec![first]);
    }
    let array = rt.operand(x, computed_in(class), 2)?.trace().reshape(&[1, 1], Order::C);
    let tensor = finish(rt, array, class, vec![1, 1]);
    Ok(vec![Value::Array(tensor.with_complex(x.complex()))])
}

/// The inner product of two vectors of any orientation, or along an axis of two arrays of the same shape.
fn dot(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let (x, y) = (&call.arguments[0], &call.arguments[1]);
    if x.class() == Class::Char || y.class() == Class::Char {
        return Err(rt.error("dot: X and Y must be numeric"));
    }
    let class = rt.class_of_two(".*", x, y)?;
    rt.budget.check_walk(&rt.location, x)?;
    let (dims, others) = (x.dims(), y.dims());
    if let (Some(x), Some(y)) = (x.known(), y.known()) {
        return Ok(vec![Value::scalar(class, x.value * y.value)]);
    }
    let is_vector = |dims: &[usize]| dims.len() == 2 && dims.contains(&1);
    if call.arguments.len() == 2 && is_vector(&dims) && is_vector(&others) && numel_of(&dims) == numel_of(&others) {
        let n = numel_of(&dims);
        let flat = |rt: &mut Runtime, value: &Value| -> Result<Array, Diagnostic> {
            Ok(rt.operand(value, computed_in(class), 0)?.reshape(&[n], Order::C))
        };
        let (a, b) = (flat(rt, x)?, flat(rt, y)?);
        let tensor = finish(rt, a.dot(&b).reshape(&[1, 1], Order::C), class, vec![1, 1]);
        return Ok(vec![Value::Array(tensor.with_complex(x.complex()).with_complex(y.complex()))]);
    }
    if dims != others {
        return Err(rt.error("dot: sizes of X and Y must match"));
    }
    let axis = if call.arguments.len() > 2 { call.axis(rt, 2)? } else { first_long_axis(&dims) };
    let product = rt.operand(x, computed_in(class), 0)?.mul(&rt.operand(y, computed_in(class), 0)?);
    let mut shape = dims;
    let result = if axis < shape.len() {
        shape[axis] = 1;
        product.sum(axis, true)
    } else {
        product
    };
    let tensor = finish(rt, result, class, shape);
    Ok(vec![Value::Array(tensor.with_complex(x.complex()).with_complex(y.complex()))])
}

/// Which norm.
enum Norm {
    Power(f64),
    Frobenius,
}

fn norm(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let class = class_of(rt, call).map_err(|_| rt.error("norm: X must be a numeric matrix"))?;
    let dims = x.dims();
    if dims.len() > 2 {
        return Err(rt.error("norm: only valid for 2-D objects"));
    }
    let kind = match call.text(1).as_deref() {
        Some("fro") => Norm::Frobenius,
        Some("inf" | "Inf") => Norm::Power(f64::INFINITY),
        Some(other) => return Err(call.bad(1, format!("unrecognized option: {other}"))),
        None if call.arguments.len() > 1 => Norm::Power(call.number(rt, 1, "P")?),
        None => Norm::Power(2.0),
    };
    if let Some(scalar) = x.known() {
        return Ok(vec![Value::scalar(class, scalar.value.abs())]);
    }
    if x.numel() == 0 {
        return Ok(vec![Value::scalar(class, 0.0)]);
    }
    rt.budget.check_walk(&rt.location, x)?;
    let array = rt.operand(x, dtype_of(class), 0)?;
    let is_vector = dims.contains(&1);
    let result = match kind {
        Norm::Frobenius => array.norm(.., false),
        Norm::Power(p) if is_vector => vector_norm(rt, call, &array, p)?,
        Norm::Power(1.0) => array.abs().sum(0, false).nanmax(.., false),
        Norm::Power(f64::INFINITY) => array.abs().sum(1, false).nanmax(.., false),
        Norm::Power(2.0) => largest_singular_value(&array),
        Norm::Power(p) => {
            return Err(call.bad(1, format!("the {p}-norm of a matrix is not supported; 1, 2, Inf and 'fro' are")));
        }
    };
    let tensor = finish(rt, result.reshape(&[1, 1], Order::C), class, vec![1, 1]);
    Ok(vec![Value::Array(tensor.with_complex(x.complex()))])
}

/// The factorisation takes only finite matrices. Other elements are replaced by 0 for it and added to the result, which is then
/// Inf or NaN.
fn largest_singular_value(array: &Array) -> Array {
    let finite = array.isfinite();
    let largest = finite.select(array, 0.0).svd().1.nanmax(.., false);
    largest.add(finite.select(0.0, array).sum(.., false).abs())
}

fn vector_norm(rt: &Runtime, call: &Call, array: &Array, p: f64) -> Result<Array, Diagnostic> {
    Ok(match p {
        2.0 => array.norm(.., false),
        1.0 => array.abs().sum(.., false),
        f64::INFINITY => array.abs().nanmax(.., false),
        f64::NEG_INFINITY => array.abs().nanmin(.., false),
        // The number of elements that are not zero.
        0.0 => {
            let dtype = array.dtype().map_err(|error| rt.engine_error(&error))?;
            array.ne(0.0).cast(dtype).sum(.., false)
        }
        _ if p.is_nan() => return Err(call.bad(1, "P is NaN")),
        _ => power_norm(&array.abs(), p),
    })
}

/// (Σ xᵖ)^(1/p) of magnitudes. The largest one, or for a negative power the smallest, is divided out first, so that no power leaves
/// the range; one that is zero or not finite stays.
fn power_norm(x: &Array, p: f64) -> Array {
    let extreme = if p > 0.0 { x.amax(.., true) } else { x.amin(.., true) };
    let scale = extreme.isfinite().and(extreme.gt(0.0)).select(&extreme, 1.0);
    x.div(&scale).pow(p).sum(.., true).pow(1.0 / p).mul(&scale)
}

/// `[Q, R] = qr(A)`, `qr(A, 0)` for the economy size, and `R = qr(A)`.
fn qr(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let class = rt.class_of_one("inv", x).map_err(|_| rt.error("qr: A must be a numeric matrix"))?;
    let dims = x.dims();
    let [rows, columns] = dims[..] else {
        return Err(rt.error("qr: A must be a 2-D matrix"));
    };
    let economy = match (call.arguments.len(), call.text(1).as_deref()) {
        (1, _) => false,
        (_, Some("econ" | "0")) => true,
        (_, Some(other)) => return Err(call.bad(1, format!("unrecognized option: {other}"))),
        _ if call.number(rt, 1, "the second argument")? == 0.0 => true,
        _ => return Err(call.bad(1, "B must be 0, for the economy size; other forms are not supported")),
    };
    let k = if economy { rows.min(columns) } else { rows };
    let array = rt.tensor(x)?.array.cast(computed_in(class));
    let (q, r) = array.qr(!economy);
    let r = finish(rt, r, class, vec![k, columns]).with_complex(x.complex());
    if call.wanted < 2 {
        return Ok(vec![Value::Array(r)]);
    }
    let q = finish(rt, q, class, vec![rows, k]).with_complex(x.complex());
    Ok(vec![Value::Array(q), Value::Array(r)])
}
