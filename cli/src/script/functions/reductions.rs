//! Functions that reduce axes: sums, means, extremes, tests and running sums.
//!
//! The axes are the first one longer than 1, one that is named, a list of them, or 'all'. As in Octave, `[]` counts as one
//! empty column.

use lazurite::{Array, DType, Order};

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::operators::convert::convert;
use super::super::operators::elementwise::{computed_in, elementwise, finish};
use super::super::runtime::Runtime;
use super::super::value::{Value, dtype_of, numel_of};
use super::construct;
use super::function::{Call, Function, first_long_axis, run};

pub(super) const TABLE: &[Function] = &[
    run("sum", 1..=2, 1, |rt, call| reduce(rt, call, 1, |x, axes| x.sum(axes, true))),
    run("prod", 1..=2, 1, |rt, call| reduce(rt, call, 1, |x, axes| x.prod(axes, true))),
    run("mean", 1..=2, 1, |rt, call| reduce(rt, call, 1, |x, axes| x.mean(axes, true))),
    run("var", 1..=3, 1, |rt, call| spread(rt, call, |x, axes, ddof| x.var(axes, ddof, true))),
    run("std", 1..=3, 1, |rt, call| spread(rt, call, |x, axes, ddof| x.std(axes, ddof, true))),
    run("any", 1..=2, 1, |rt, call| tested(rt, call, |x| x.abs().gt(0.0), |x, axes| x.any(axes, true))),
    run("all", 1..=2, 1, |rt, call| tested(rt, call, |x| x.ne(0.0), |x, axes| x.all(axes, true))),
    run("max", 1..=3, 2, |rt, call| extreme(rt, call, &MAX)),
    run("min", 1..=3, 2, |rt, call| extreme(rt, call, &MIN)),
    run("cumsum", 1..=2, 1, cumsum),
];

/// The axes that argument `at` names, within the value's rank.
fn axes(rt: &mut Runtime, call: &Call, at: usize, dims: &[usize]) -> Result<Vec<usize>, Diagnostic> {
    let all = (0..dims.len()).collect();
    let Some(given) = call.arguments.get(at) else { return Ok(vec![first_long_axis(dims)]) };
    if let Some(word) = call.text(at) {
        return if word == "all" { Ok(all) } else { Err(call.bad(at, format!("'{word}' is not an option here"))) };
    }
    if given.is_scalar() {
        let axis = call.axis(rt, at)?;
        return Ok(if axis < dims.len() { vec![axis] } else { vec![] });
    }
    let mut axes = Vec::new();
    for dim in call.counts(rt, at, "DIM")? {
        if dim == 0 || axes.contains(&(dim - 1)) {
            return Err(call.bad(at, "the dimensions must be distinct and positive"));
        }
        axes.push(dim - 1);
    }
    if axes.is_empty() {
        return Err(call.bad(at, "DIM must be a valid dimension"));
    }
    axes.sort_unstable();
    axes.retain(|axis| *axis < dims.len());
    Ok(axes)
}

/// The value to reduce: `[]` counts as an empty column, so that its sum is one number.
fn reduction_input(rt: &mut Runtime, x: &Value) -> Result<Value, Diagnostic> {
    rt.budget.check_walk(&rt.location, x)?;
    Ok(if x.dims() == [0, 0] { construct::full(rt, vec![0, 1], x.class(), 0.0) } else { x.clone() })
}

fn reduced(dims: &[usize], axes: &[usize]) -> Vec<usize> {
    dims.iter().enumerate().map(|(axis, d)| if axes.contains(&axis) { 1 } else { *d }).collect()
}

/// The class of the result.
fn class_of(rt: &Runtime, call: &Call) -> Result<Class, Diagnostic> {
    rt.class_of_one(call.name, &call.arguments[0])
}

/// A reduction whose result for one element is that element.
fn reduce(
    rt: &mut Runtime,
    call: &Call,
    at: usize,
    apply: fn(&Array, &[usize]) -> Array,
) -> Result<Vec<Value>, Diagnostic> {
    let x = &reduction_input(rt, &call.arguments[0])?;
    let class = class_of(rt, call)?;
    let dims = x.dims();
    let axes = axes(rt, call, at, &dims)?;
    if let Some(scalar) = x.known() {
        return Ok(vec![Value::scalar(class, scalar.value)]);
    }
    let array = rt.operand(x, computed_in(class), 0)?;
    let result = if axes.is_empty() { array } else { apply(&array, &axes) };
    let tensor = finish(rt, result, class, reduced(&dims, &axes));
    Ok(vec![Value::Array(tensor.with_complex(x.complex()))])
}

/// `var` and `std`: the second argument is 0 for the division by n−1 and 1 for the division by n.
fn spread(
    rt: &mut Runtime,
    call: &Call,
    apply: fn(&Array, &[usize], usize) -> Array,
) -> Result<Vec<Value>, Diagnostic> {
    let x = &reduction_input(rt, &call.arguments[0])?;
    let class = class_of(rt, call)?;
    let dims = x.dims();
    let axes = axes(rt, call, 2, &dims)?;
    let option = match call.arguments.get(1) {
        Some(option) if option.numel() > 0 => call.number(rt, 1, "OPT")?,
        _ => 0.0,
    };
    if option != 0.0 && option != 1.0 {
        return Err(call.bad(1, "the normalization must be 0 (by n-1) or 1 (by n); weights are not supported"));
    }
    if let Some(scalar) = x.known() {
        let spread = if scalar.value.is_finite() { 0.0 } else { f64::NAN };
        return Ok(vec![Value::scalar(class, spread)]);
    }
    let count: usize = axes.iter().map(|axis| dims[*axis]).product();
    // A single sample has no spread with either divisor.
    let ddof = usize::from(option == 0.0 && count > 1);
    let array = rt.operand(x, computed_in(class), 0)?;
    let result = if axes.is_empty() { array.sub(&array) } else { apply(&array, &axes, ddof) };
    let tensor = finish(rt, result, class, reduced(&dims, &axes));
    Ok(vec![Value::Array(tensor.with_complex(x.complex()))])
}

/// `any` and `all`, for which NaN is not an error: `any` counts it as false and `all` as true.
fn tested(
    rt: &mut Runtime,
    call: &Call,
    truth: fn(&Array) -> Array,
    apply: fn(&Array, &[usize]) -> Array,
) -> Result<Vec<Value>, Diagnostic> {
    let x = &reduction_input(rt, &call.arguments[0])?;
    let dims = x.dims();
    let axes = axes(rt, call, 1, &dims)?;
    if let Some(scalar) = x.known() {
        let nan = call.name == "all";
        return Ok(vec![Value::truth(if scalar.value.is_nan() { nan } else { scalar.value != 0.0 })]);
    }
    let dtype = match x.class() {
        Class::Logical => DType::Bool,
        Class::Single => DType::F32,
        Class::Double | Class::Int64 => DType::F64,
        _ => DType::I32,
    };
    let array = rt.operand(x, dtype, 0)?;
    let array = if dtype == DType::Bool { array } else { truth(&array) };
    let result = if axes.is_empty() { array } else { apply(&array, &axes) };
    Ok(vec![Value::Array(rt.recorded(result, Class::Logical, reduced(&dims, &axes)))])
}

/// `max` or `min`, which ignore NaN as in Octave.
struct Extreme {
    two: fn(&Array, &Array) -> Array,
    numbers: fn(f64, f64) -> f64,
    reduce: fn(&Array, &[usize]) -> Array,
    at: fn(&Array, usize) -> Array,
}

const MAX: Extreme = Extreme {
    two: |x, y| x.fmax(y),
    numbers: f64::max,
    reduce: |x, axes| x.nanmax(axes, true),
    at: |x, axis| x.nanargmax(axis, true),
};

const MIN: Extreme = Extreme {
    two: |x, y| x.fmin(y),
    numbers: f64::min,
    reduce: |x, axes| x.nanmin(axes, true),
    at: |x, axis| x.nanargmin(axis, true),
};

fn extreme(rt: &mut Runtime, call: &Call, which: &Extreme) -> Result<Vec<Value>, Diagnostic> {
    match call.arguments.get(1) {
        Some(y) if call.arguments.len() == 2 => extreme_of_two(rt, call, which, y),
        Some(y) if y.numel() > 0 => Err(call.bad(1, "with a dimension, the second argument must be []")),
        _ => extreme_along(rt, call, which),
    }
}

/// `max(x, y)`.
fn extreme_of_two(rt: &mut Runtime, call: &Call, which: &Extreme, y: &Value) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let class = rt.class_of_two(call.name, x, y)?;
    if call.wanted > 1 {
        return Err(rt.error(format!("{}: the extreme of two values has no position", call.name)));
    }
    Ok(vec![elementwise(rt, call.name, class, x, y, which.numbers, which.two)?])
}

/// `[m, i] = max(x, [], dim)`.
fn extreme_along(rt: &mut Runtime, call: &Call, which: &Extreme) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    rt.budget.check_walk(&rt.location, x)?;
    let class = class_of(rt, call)?;
    let dims = x.dims();
    if call.wanted < 2 && x.known().is_some() {
        axes(rt, call, 2, &dims)?;
        return convert(rt, x, class).map(|value| vec![value]);
    }
    let axes = if dims == [0, 0] && call.arguments.len() < 3 { vec![0] } else { axes(rt, call, 2, &dims)? };
    if numel_of(&dims) == 0 {
        // An empty axis has no extreme and stays empty.
        let dims: Vec<usize> =
            dims.iter().enumerate().map(|(i, d)| if axes.contains(&i) { (*d).min(1) } else { *d }).collect();
        let real = rt.settings.real;
        return Ok([class, real].map(|class| construct::full(rt, dims.clone(), class, 0.0)).into());
    }
    let dtype = match x.class() {
        Class::Logical | Class::Char | Class::Uint8 => DType::I32,
        other => dtype_of(other),
    };
    let array = rt.operand(x, dtype, dims.len())?;
    let array = if x.known().is_some() { array.reshape(&dims, Order::C) } else { array };
    let result = if axes.is_empty() { array.clone() } else { (which.reduce)(&array, &axes) };
    let tensor = finish(rt, result, class, reduced(&dims, &axes)).with_complex(x.complex());
    let mut results = vec![Value::Array(tensor)];
    if call.wanted > 1 {
        results.push(position(rt, call, which, &array, &dims, &axes)?);
    }
    Ok(results)
}

/// The position of the extreme: along one axis, or as a linear index over all of them.
fn position(
    rt: &mut Runtime,
    call: &Call,
    which: &Extreme,
    array: &Array,
    dims: &[usize],
    axes: &[usize],
) -> Result<Value, Diagnostic> {
    let real = rt.settings.real;
    let found = match axes {
        [] => return Ok(construct::full(rt, dims.to_vec(), real, 1.0)),
        [axis] => (which.at)(array, *axis),
        _ if axes.len() == dims.len() => (which.at)(&array.ravel(Order::F), 0).reshape(&vec![1; dims.len()], Order::C),
        _ => return Err(rt.error(format!("{}: the position over several dimensions is not supported", call.name))),
    };
    let found = found.cast(dtype_of(real)).add(1.0);
    Ok(Value::Array(rt.recorded(found, real, reduced(dims, axes))))
}

fn cumsum(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let class = class_of(rt, call)?;
    rt.budget.check_walk(&rt.location, x)?;
    let dims = x.dims();
    let axis = if call.arguments.len() > 1 { call.axis(rt, 1)? } else { first_long_axis(&dims) };
    if let Some(scalar) = x.known() {
        return Ok(vec![Value::scalar(class, scalar.value)]);
    }
    let array = rt.operand(x, computed_in(class), 0)?;
    let result = if axis < dims.len() { array.cumsum(axis) } else { array };
    let tensor = finish(rt, result, class, dims);
    Ok(vec![Value::Array(tensor.with_complex(x.complex()))])
}
