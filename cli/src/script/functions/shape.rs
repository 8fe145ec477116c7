//! Sizes and rearrangements, which compute no elements.

use lazurite::Order;

use super::super::concat;
use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::index::dims_seen_by;
use super::super::operators;
use super::super::runtime::Runtime;
use super::super::value::{Value, numel_of, trimmed};
use super::function::{Call, Function, MANY, run};

pub(super) const TABLE: &[Function] = &[
    run("size", 1..=2, MANY, size),
    run("numel", 1..=1, 1, |rt, call| Ok(number(rt, call.arguments[0].numel()))),
    run("length", 1..=1, 1, |rt, call| {
        let dims = call.arguments[0].dims();
        Ok(number(rt, if dims.contains(&0) { 0 } else { dims.into_iter().max().unwrap_or(0) }))
    }),
    run("rows", 1..=1, 1, |rt, call| Ok(number(rt, call.arguments[0].dims()[0]))),
    run("columns", 1..=1, 1, |rt, call| Ok(number(rt, call.arguments[0].dims()[1]))),
    run("ndims", 1..=1, 1, |rt, call| Ok(number(rt, call.arguments[0].dims().len()))),
    run("isempty", 1..=1, 1, |_, call| Ok(vec![Value::truth(call.arguments[0].numel() == 0)])),
    run("reshape", 2..=MANY, 1, reshape),
    run("permute", 2..=2, 1, permute),
    run("squeeze", 1..=1, 1, squeeze),
    run("transpose", 1..=1, 1, |rt, call| Ok(vec![operators::transpose(rt, &call.arguments[0])?])),
    run("cat", 1..=MANY, 1, |rt, call| {
        let axis = call.axis(rt, 0)?;
        Ok(vec![concat::cat(rt, axis, &call.arguments[1..])?])
    }),
    run("repmat", 2..=MANY, 1, repmat),
    run("fliplr", 1..=1, 1, |rt, call| flip(rt, call, 1)),
    run("flipud", 1..=1, 1, |rt, call| flip(rt, call, 0)),
];

fn number(rt: &Runtime, value: usize) -> Vec<Value> {
    vec![Value::scalar(rt.settings.real, value as f64)]
}

/// `size(x)`, `size(x, d)` and `[r, c] = size(x)`, whose last result is the product of all remaining extents.
fn size(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let real = rt.settings.real;
    let dims = call.arguments[0].dims();
    if call.arguments.len() == 2 {
        if call.wanted > 1 {
            return Err(rt.error("size: with a dimension there is one result"));
        }
        let mut extents = Vec::new();
        for dim in call.counts(rt, 1, "DIM")? {
            if dim == 0 {
                return Err(call.bad(1, "requested dimension DIM (= 0) out of range"));
            }
            extents.push(dims.get(dim - 1).copied().unwrap_or(1) as f64);
        }
        return Ok(vec![Value::numbers(real, vec![1, extents.len()], extents)]);
    }
    if call.wanted > 1 {
        let seen = dims_seen_by(&dims, call.wanted);
        return Ok(seen.into_iter().map(|extent| Value::scalar(real, extent as f64)).collect());
    }
    let extents: Vec<f64> = dims.iter().map(|d| *d as f64).collect();
    Ok(vec![Value::numbers(real, vec![1, extents.len()], extents)])
}

/// `reshape(x, [r c])` and `reshape(x, r, c)`, where one of several sizes may be `[]`.
fn reshape(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let dims = if call.arguments.len() == 2 {
        let dims = call.counts(rt, 1, "SIZE")?;
        if dims.len() < 2 {
            return Err(call.bad(1, "SIZE must have 2 or more dimensions"));
        }
        dims
    } else {
        separate_sizes(rt, call)?
    };
    if numel_of(&dims) != x.numel() {
        let (from, to) = (dims_text(&x.dims()), dims_text(&dims));
        return Err(rt.error(format!("reshape: can't reshape {from} array to {to} array")));
    }
    let dims = trimmed(dims);
    if x.dims() == dims {
        return Ok(vec![x.clone()]);
    }
    let tensor = rt.tensor(x)?;
    let array = tensor.array.reshape(&dims, Order::F);
    Ok(vec![Value::Array(rt.recorded(array, tensor.class, dims).with_complex(tensor.complex))])
}

/// The sizes in the arguments after the first, where one that is `[]` follows from the others.
fn separate_sizes(rt: &mut Runtime, call: &Call) -> Result<Vec<usize>, Diagnostic> {
    let mut dims = Vec::with_capacity(call.arguments.len() - 1);
    let mut unknown = None;
    for (i, size) in call.arguments.iter().enumerate().skip(1) {
        if size.numel() > 0 {
            dims.push(call.count(rt, i, "SIZE")?);
            continue;
        }
        if unknown.replace(i - 1).is_some() {
            return Err(call.bad(i, "only a single dimension can be unknown"));
        }
        dims.push(1);
    }
    if let Some(unknown) = unknown {
        let numel = call.arguments[0].numel();
        let known = numel_of(&dims);
        if known == 0 || !numel.is_multiple_of(known) {
            return Err(
                rt.error(format!("reshape: SIZE is not divisible by the product of known dimensions (= {known})"))
            );
        }
        dims[unknown] = numel / known;
    }
    Ok(dims)
}

fn permute(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let mut dims = x.dims();
    let order = call.counts(rt, 1, "PERM")?;
    if order.len() < dims.len() {
        return Err(call.bad(1, "permutation vector is too short"));
    }
    dims.resize(order.len(), 1);
    let mut axes = Vec::with_capacity(order.len());
    for axis in order {
        if axis == 0 || axis > dims.len() {
            return Err(call.bad(1, format!("permutation vector contains an invalid element ({axis})")));
        }
        if axes.contains(&(axis - 1)) {
            return Err(call.bad(1, "permutation vector cannot contain identical elements"));
        }
        axes.push(axis - 1);
    }
    let tensor = rt.tensor(x)?;
    let shape = axes.iter().map(|axis| dims[*axis]).collect();
    let array = tensor.array.reshape(&dims, Order::C).permute(&axes);
    Ok(vec![Value::Array(rt.recorded(array, tensor.class, shape).with_complex(tensor.complex))])
}

/// Drops axes of extent 1; matrices stay as they are.
fn squeeze(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let dims = x.dims();
    if dims.len() <= 2 {
        return Ok(vec![x.clone()]);
    }
    let left = trimmed(dims.iter().copied().filter(|d| *d != 1).collect());
    let tensor = rt.tensor(x)?;
    let array = tensor.array.reshape(&left, Order::C);
    Ok(vec![Value::Array(rt.recorded(array, tensor.class, left).with_complex(tensor.complex))])
}

/// Tiles an array: each axis is split into (copy, position), the copies are broadcast, and both are joined again.
fn repmat(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    let given = call.arguments.len();
    let mut copies = match given {
        2 => {
            let copies = call.counts(rt, 1, "a count")?;
            if copies.len() == 1 { vec![copies[0]; 2] } else { copies }
        }
        _ => (1..given).map(|i| call.count(rt, i, "a count")).collect::<Result<_, _>>()?,
    };
    if copies.is_empty() {
        return Err(call.bad(1, "invalid dimensions"));
    }
    let mut dims = x.dims();
    let rank = dims.len().max(copies.len());
    dims.resize(rank, 1);
    copies.resize(rank, 1);
    let (mut split, mut stretched, mut joined) = (Vec::new(), Vec::new(), Vec::new());
    for (extent, n) in dims.iter().zip(&copies) {
        split.extend([1, *extent]);
        stretched.extend([*n, *extent]);
        joined.push(
            n.checked_mul(*extent)
                .ok_or_else(|| call.bad(1, "out of memory or dimension too large for Octave's index type"))?,
        );
    }
    let tensor = rt.tensor(x)?;
    let array = tensor.array.reshape(&split, Order::C).broadcast_to(&stretched).reshape(&joined, Order::C);
    Ok(vec![Value::Array(rt.recorded(array, tensor.class, joined).with_complex(tensor.complex))])
}

fn flip(rt: &mut Runtime, call: &Call, axis: usize) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    if x.is_scalar() {
        return Ok(vec![x.clone()]);
    }
    let tensor = rt.tensor(x)?;
    let array = tensor.array.flip(axis);
    Ok(vec![Value::Array(rt.recorded(array, tensor.class, tensor.dims).with_complex(tensor.complex))])
}
