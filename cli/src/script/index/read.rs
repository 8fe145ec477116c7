//! `x(i, j)`: the part of a value that subscripts name.

use lazurite::{Array, Order, SliceSpec};

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::host::HostData;
use super::super::runtime::Runtime;
use super::super::value::{Tensor, Value, numel_of, trimmed};
use super::Subscript;
use super::layout::{coordinates, dims_seen_by, row_major, vector_axis};
use super::pick::{Pick, Picked, SubscriptContext, pick};

/// Linear positions of a matrix are written out one by one up to this number.
const LONG: usize = 1024;

/// A part of `value`, which messages call `name`.
///
/// # Errors
/// Subscripts that are no positions or lie outside.
pub fn read(
    rt: &mut Runtime,
    name: Option<&str>,
    value: &Value,
    subscripts: &[Subscript],
) -> Result<Value, Diagnostic> {
    let total = subscripts.len();
    if total == 0 {
        return Ok(value.clone());
    }
    let dims = value.dims();
    let seen = dims_seen_by(&dims, total);
    let mut picks = Vec::with_capacity(total);
    for (position, subscript) in subscripts.iter().enumerate() {
        let context = SubscriptContext { name, position, total };
        let picked = pick(rt, &context, subscript)?;
        let needs = picked.pick.needs();
        if needs > seen[position] {
            return Err(context.beyond(rt, needs, seen[position], &dims));
        }
        picks.push(picked);
    }
    if let Some(known) = on_host(value, &picks, &seen, &dims) {
        return Ok(known);
    }
    let tensor = rt.tensor(value)?;
    let complex = tensor.complex;
    let result = match &picks[..] {
        [only] => linear(rt, tensor, only)?,
        _ => by_axis(rt, tensor, &picks, seen)?,
    };
    Ok(Value::Array(result.with_complex(complex)))
}

/// A single element of a value that is known on the host, or any part of a string, is read on the host.
fn on_host(value: &Value, picks: &[Picked], seen: &[usize], dims: &[usize]) -> Option<Value> {
    let is_one = picks.iter().all(|p| matches!(p.pick, Pick::One(_)));
    let is_text = value.class() == Class::Char;
    if matches!(value, Value::Array(_)) || !(is_one || is_text) {
        return None;
    }
    let lens: Vec<usize> = picks.iter().zip(seen).map(|(p, extent)| p.pick.len(*extent)).collect();
    let mut elements = Vec::with_capacity(numel_of(&lens));
    for i in 0..numel_of(&lens) {
        // Column-major throughout: the host's elements are stored that way.
        let here = coordinates(i, &lens);
        let mut at = 0;
        for axis in (0..picks.len()).rev() {
            at = at * seen[axis] + picks[axis].pick.get(here[axis]);
        }
        elements.push(match value {
            Value::Scalar(scalar) => scalar.value,
            Value::Range(range) => range.get(at),
            Value::Host(host) => host.value.data.get_f64(at)?,
            Value::Array(_) => return None,
        });
    }
    let shape = match picks {
        [only] => linear_shape(only, dims, lens[0]),
        _ => lens,
    };
    let value = Value::numbers(value.class(), shape, elements);
    // An empty string keeps its class through `numbers`, so that is all.
    debug_assert!(!is_text || matches!(&value, Value::Host(h) if matches!(h.value.data, HostData::Char(_))));
    Some(value)
}

/// Octave's rule for the shape of `x(i)`: a vector indexed by a vector keeps its direction, anything else takes the
/// subscript's shape.
fn linear_shape(picked: &Picked, dims: &[usize], len: usize) -> Vec<usize> {
    if picked.pick == Pick::All {
        return vec![len, 1];
    }
    let is_vector = |dims: &[usize]| dims.iter().filter(|d| **d != 1).count() == 1;
    if is_vector(dims) && is_vector(&picked.shape) {
        return dims.iter().map(|d| if *d == 1 { 1 } else { len }).collect();
    }
    picked.shape.clone()
}

fn linear(rt: &mut Runtime, tensor: Tensor, picked: &Picked) -> Result<Tensor, Diagnostic> {
    let Tensor { array, class, dims, .. } = tensor;
    let numel = numel_of(&dims);
    let len = picked.pick.len(numel);
    let shape = trimmed(linear_shape(picked, &dims, len));
    let array = match (&picked.pick, vector_axis(&dims)) {
        (Pick::All, _) => array.reshape(&[numel, 1], Order::F),
        (Pick::One(at), None) if !rt.loops.is_inside() => {
            let specs: Vec<SliceSpec> =
                coordinates(*at, &dims).into_iter().map(|start| SliceSpec { start, step: 1, len: 1 }).collect();
            array.slice(&specs).reshape(&shape, Order::C)
        }
        (pick, Some(axis)) if vector_axis(&shape).is_some() => {
            let part = along(rt, &array, axis, pick)?;
            part.reshape(&shape, Order::C)
        }
        (Pick::Slice { start, step, len }, _) if *len > LONG => array
            .ravel(Order::F)
            .slice(&[SliceSpec { start: *start, step: *step, len: *len }])
            .reshape(&shape, Order::F),
        (pick, _) => {
            // Row-major positions in the order in which the result is stored, since both flat forms are then views.
            let at = |i: usize| {
                let here = coordinates_of_row_major(i, &shape);
                let column_major = here.iter().zip(&shape).rev().fold(0, |at, (here, extent)| at * extent + here);
                row_major(&coordinates(pick.get(column_major), &dims), &dims)
            };
            let list: Vec<usize> = (0..len).map(at).collect();
            let positions = positions(rt, &list)?;
            array.reshape(&[numel], Order::C).take(&positions, 0).reshape(&shape, Order::C)
        }
    };
    Ok(rt.recorded(array, class, shape))
}

/// The coordinates of a linear position with the last axis fastest.
fn coordinates_of_row_major(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut here = vec![0; dims.len()];
    for axis in (0..dims.len()).rev() {
        here[axis] = at % dims[axis];
        at /= dims[axis];
    }
    here
}

fn by_axis(rt: &mut Runtime, tensor: Tensor, picks: &[Picked], seen: Vec<usize>) -> Result<Tensor, Diagnostic> {
    let Tensor { mut array, class, dims, .. } = tensor;
    if dims != seen {
        array = array.reshape(&seen, Order::F);
    }
    let shape: Vec<usize> = picks.iter().zip(&seen).map(|(p, extent)| p.pick.len(*extent)).collect();
    let looping = rt.loops.is_inside();
    // Views come first, so that the copies after them are small.
    let mut specs = Vec::with_capacity(picks.len());
    let mut copied = Vec::new();
    for (axis, picked) in picks.iter().enumerate() {
        specs.push(match picked.pick {
            Pick::Slice { start, step, len } => SliceSpec { start, step, len },
            Pick::One(start) if !looping => SliceSpec { start, step: 1, len: 1 },
            Pick::All => SliceSpec::range(0, seen[axis]),
            Pick::One(_) | Pick::List(_) => {
                copied.push(axis);
                SliceSpec::range(0, seen[axis])
            }
        });
    }
    array = array.slice(&specs);
    for axis in copied {
        array = along(rt, &array, axis, &picks[axis].pick)?;
    }
    Ok(rt.recorded(array, class, shape))
}

/// The picked positions along one axis. In a loop a single position is data and not part of the plan, so that all iterations
/// share one plan.
fn along(rt: &Runtime, array: &Array, axis: usize, pick: &Pick) -> Result<Array, Diagnostic> {
    let slice = |spec: SliceSpec| -> Result<Array, Diagnostic> {
        let shape = array.shape().map_err(|error| rt.engine_error(&error))?;
        let mut specs: Vec<SliceSpec> = shape.iter().map(|extent| SliceSpec::range(0, *extent)).collect();
        specs[axis] = spec;
        Ok(array.slice(&specs))
    };
    match pick {
        Pick::All => Ok(array.clone()),
        Pick::Slice { start, step, len } => slice(SliceSpec { start: *start, step: *step, len: *len }),
        Pick::One(start) if !rt.loops.is_inside() => slice(SliceSpec { start: *start, step: 1, len: 1 }),
        Pick::One(at) => Ok(array.take(&positions(rt, &[*at])?, axis)),
        Pick::List(list) => Ok(array.take(&positions(rt, list)?, axis)),
    }
}

/// Positions as an index array of the engine.
pub(super) fn positions(rt: &Runtime, list: &[usize]) -> Result<Array, Diagnostic> {
    let list: Option<Vec<i32>> = list.iter().map(|at| i32::try_from(*at).ok()).collect();
    let list = list.ok_or_else(|| rt.error("positions beyond 2^31 cannot be picked one by one"))?;
    rt.engine.from_slice(&list, &[list.len()]).map_err(|error| rt.engine_error(&error))
}
