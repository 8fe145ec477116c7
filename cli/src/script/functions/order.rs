//! Order and search: `sort` and `find`.

use lazurite::{DType, Order};

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::host::HostData;
use super::super::operators::elementwise::finish;
use super::super::runtime::Runtime;
use super::super::value::{Value, dtype_of};
use super::function::{Call, Function, first_long_axis, run};

pub(super) const TABLE: &[Function] = &[run("sort", 1..=3, 2, sort), run("find", 1..=2, 3, find)];

/// `[s, i] = sort(x, dim, mode)`: stable, NaN counts as the largest.
fn sort(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let class = rt.class_of_one("sort", x)?;
    rt.budget.check_walk(&rt.location, x)?;
    let dims = x.dims();
    let mut axis = first_long_axis(&dims);
    let mut descending = false;
    for i in 1..call.arguments.len() {
        match call.text(i).map(|word| word.to_ascii_lowercase()).as_deref() {
            Some("ascend") => descending = false,
            Some("descend") => descending = true,
            Some(other) => {
                return Err(call.bad(i, format!("MODE must be either \"ascend\" or \"descend\", not '{other}'")));
            }
            None => axis = call.axis(rt, i)?,
        }
    }
    let real = rt.settings.real;
    if axis >= dims.len() || x.is_scalar() {
        // Each line along the axis has one element.
        let ones = super::construct::full(rt, dims, real, 1.0);
        return Ok(vec![x.clone(), ones]);
    }
    let dtype = match class {
        Class::Logical | Class::Char | Class::Uint8 => DType::I32,
        other => dtype_of(other),
    };
    let array = rt.operand(x, dtype, 0)?;
    let sorted = finish(rt, array.sort(axis, descending), class, dims.clone()).with_complex(x.complex());
    let mut results = vec![Value::Array(sorted)];
    if call.wanted > 1 {
        let places = array.argsort(axis, descending).cast(dtype_of(real)).add(1.0);
        results.push(Value::Array(rt.recorded(places, real, dims)));
    }
    Ok(results)
}

/// `i = find(x, n)`, `[r, c, v] = find(x)`. The number of results depends on the data, so this evaluates.
fn find(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let real = rt.settings.real;
    rt.budget.check_walk(&rt.location, x)?;
    let dims = x.dims();
    let most = if call.arguments.len() > 1 { call.count(rt, 1, "N")? } else { usize::MAX };
    if most == 0 {
        return Err(call.bad(1, "N must be an integer"));
    }
    let list = nonzero(rt, x, most)?;
    // A row gives a row; a zero scalar or `[]` gives a 0×0; everything else gives a column.
    let shape = |count: usize| match dims[..] {
        [1, 1] if count == 0 => vec![0, 0],
        [0, 0] => vec![0, 0],
        [1, n] if n != 1 => vec![1, count],
        _ => vec![count, 1],
    };
    let numbers = |values: Vec<usize>| {
        Value::numbers(real, shape(values.len()), values.into_iter().map(|at| at as f64 + 1.0).collect())
    };
    if call.wanted < 2 {
        return Ok(vec![numbers(list)]);
    }
    let rows = dims[0].max(1);
    let mut results =
        vec![numbers(list.iter().map(|at| at % rows).collect()), numbers(list.iter().map(|at| at / rows).collect())];
    if call.wanted > 2 {
        let host = rt.host(x)?;
        let values: Vec<f64> = list.iter().filter_map(|at| host.data.get_f64(*at)).collect();
        let class = if matches!(host.data, HostData::Bool(_)) { Class::Logical } else { x.class() };
        results.push(Value::numbers(class, shape(values.len()), values));
    }
    Ok(results)
}

/// The first `most` positions of elements that are not zero, column by column from 0.
fn nonzero(rt: &mut Runtime, x: &Value, most: usize) -> Result<Vec<usize>, Diagnostic> {
    if let Value::Array(tensor) = x {
        let found = tensor.array.nonzero(Order::F).and_then(|found| found.to_vec::<i32>());
        let found = found.map_err(|error| rt.engine_error(&error))?;
        return Ok(found.into_iter().take(most).map(|at| at as usize).collect());
    }
    let host = rt.host(x)?;
    let holds = |at: &usize| host.data.get_f64(*at).is_some_and(|value| value != 0.0);
    Ok((0..host.numel()).filter(holds).take(most).collect())
}
