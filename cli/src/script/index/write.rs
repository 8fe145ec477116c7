//! `x(i, j) = v`: a value with a part replaced, grown or removed.

use lazurite::SliceSpec;
use lazurite::{Array, Order};

use super::super::classes::{self, Class};
use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::host::HostData;
use super::super::operators::convert;
use super::super::runtime::Runtime;
use super::super::value::{Tensor, Value, data_of, dtype_of, numel_of, trimmed};
use super::read::{self, positions};
use super::{Pick, Picked, Place, Subscript, coordinates, folded, pick, row_major, vector_axis};

/// Removal marks every position of its axis.
const MAX_REMOVED_FROM: usize = 1 << 31;

const BAD_RESIZE: &str = "Invalid resizing operation or ambiguous assignment to an out-of-bounds array element";

/// `target` with the part that `subscripts` name replaced by `value`. A target that does not exist yet is empty and takes
/// the value's class; positions beyond its end make it grow, with zeros between.
///
/// # Errors
/// Subscripts that are no positions, shapes that do not fit, classes that do not mix.
pub fn write(
    rt: &mut Runtime,
    name: &str,
    target: Option<Value>,
    subscripts: &[Subscript],
    value: &Value,
) -> Result<Value, Diagnostic> {
    let class = match &target {
        Some(old) => classes::assign(old.operand(), value.class()).map_err(|error| rt.error(error.to_string()))?,
        None => value.class(),
    };
    let target = target.unwrap_or_else(|| Value::numbers(class, vec![0, 0], vec![]));
    let total = subscripts.len();
    if total == 0 {
        return Err(rt.error("invalid empty index list"));
    }
    if let Some(result) = by_mask(rt, &target, subscripts, value, class)? {
        return Ok(result);
    }
    let dims = target.dims();
    let mut picks = Vec::with_capacity(total);
    for (position, subscript) in subscripts.iter().enumerate() {
        picks.push(pick(rt, &Place { name: Some(name), position, total }, subscript)?);
    }
    if class == Class::Char
        && let Some(text) = text_element(&target, &picks, value)
    {
        return Ok(text);
    }
    let target = convert(rt, &target, class)?;
    let value = convert(rt, value, class)?;
    let complex = value.complex();
    let result = match &picks[..] {
        [only] => linear(rt, &target, dims, only, &value, class)?,
        _ => by_axis(rt, &target, dims, &picks, &value, class)?,
    };
    Ok(Value::Array(result.with_complex(target.complex()).with_complex(complex)))
}

/// `x(mask) = scalar` with a mask of the same shape is a choice element by element, and evaluates nothing.
fn by_mask(
    rt: &mut Runtime,
    target: &Value,
    subscripts: &[Subscript],
    value: &Value,
    class: Class,
) -> Result<Option<Value>, Diagnostic> {
    let [Subscript::Value(Value::Array(mask))] = subscripts else { return Ok(None) };
    if mask.class != Class::Logical || !value.is_scalar() || mask.dims != target.dims() || class == Class::Char {
        return Ok(None);
    }
    let mask = mask.clone();
    let (target, value) = (convert(rt, target, class)?, convert(rt, value, class)?);
    let old = rt.tensor(&target)?;
    let new = rt.operand(&value, dtype_of(class), mask.dims.len())?;
    let result = rt.made(mask.array.select(&new, &old.array), class, mask.dims);
    Ok(Some(Value::Array(result.with_complex(old.complex).with_complex(value.complex()))))
}

/// Replacing one character within a string stays on the host, where strings live.
fn text_element(target: &Value, picks: &[Picked], value: &Value) -> Option<Value> {
    let Value::Host(host) = target else { return None };
    let ([Picked { pick: Pick::One(at), .. }], Some(new)) = (picks, value.known()) else { return None };
    let mut text = host.value.clone();
    let HostData::Char(bytes) = &mut text.data else { return None };
    let HostData::Char(new) = data_of(Class::Char, std::iter::once(new.value)) else { return None };
    *bytes.get_mut(*at)? = *new.first()?;
    Some(Value::host(text))
}

fn nonconformant(rt: &Runtime, op1: &[usize], op2: &[usize]) -> Diagnostic {
    let (x, y) = (dims_text(op1), dims_text(op2));
    rt.error(format!("=: nonconformant arguments (op1 is {x}, op2 is {y})"))
}

fn linear(
    rt: &mut Runtime,
    target: &Value,
    mut dims: Vec<usize>,
    picked: &Picked,
    value: &Value,
    class: Class,
) -> Result<Tensor, Diagnostic> {
    let len = picked.pick.len(numel_of(&dims));
    if value.numel() != len && !value.is_scalar() {
        return Err(nonconformant(rt, &[len, 1], &value.dims()));
    }
    let mut array = rt.tensor(target)?.array;
    let needs = picked.pick.needs();
    if needs > numel_of(&dims) {
        let grown = match dims[..] {
            [0, _] | [1, _] => vec![1, needs],
            [_, 1] => vec![needs, 1],
            _ => {
                return Err(rt.error(BAD_RESIZE));
            }
        };
        array = grow(rt, array, &dims, &grown, class)?;
        dims = grown;
    }
    let numel = numel_of(&dims);
    // All elements of the value in its own column-major order, or one that stretches.
    let mut new = rt.operand(value, dtype_of(class), 0)?;
    new = if value.is_scalar() { new.reshape(&[1], Order::C) } else { new.ravel(Order::F) };
    new = new.broadcast_to(&[len]);
    let result = match (&picked.pick, vector_axis(&dims)) {
        (Pick::All, _) => new.reshape(&dims, Order::F),
        (Pick::Slice { start, step, len }, Some(_)) => {
            array.reshape(&[numel], Order::C).slice_update(&[SliceSpec { start: *start, step: *step, len: *len }], &new)
        }
        (Pick::One(start), Some(_)) if !rt.in_loop() => {
            array.reshape(&[numel], Order::C).slice_update(&[SliceSpec { start: *start, step: 1, len: 1 }], &new)
        }
        (pick, _) => {
            let list: Vec<usize> = (0..len).map(|i| row_major(&coordinates(pick.get(i), &dims), &dims)).collect();
            array.reshape(&[numel], Order::C).scatter(0, &positions(rt, &list)?, &new)
        }
    };
    let result = result.reshape(&dims, Order::C);
    Ok(rt.made(result, class, dims))
}

fn by_axis(
    rt: &mut Runtime,
    target: &Value,
    mut dims: Vec<usize>,
    picks: &[Picked],
    value: &Value,
    class: Class,
) -> Result<Tensor, Diagnostic> {
    let total = picks.len();
    let seen = folded(&dims, total);
    let source = value.dims();
    let wanted = extents_of_colons(&dims, picks, &source);
    let needs: Vec<usize> = (0..total).map(|axis| seen[axis].max(picks[axis].pick.needs()).max(wanted[axis])).collect();
    let mut array = rt.tensor(target)?.array;
    let lens: Vec<usize> = picks.iter().zip(&needs).map(|(p, extent)| p.pick.len(*extent)).collect();
    if numel_of(&lens) == 0 && value.numel() == 0 {
        // Nothing goes nowhere, whatever the shapes.
        return Ok(rt.made(array, class, dims));
    }
    let long = |dims: &[usize]| dims.iter().copied().filter(|d| *d != 1).collect::<Vec<_>>();
    if !value.is_scalar() && long(&lens) != long(&source) {
        let shown = if total == 2 { lens.clone() } else { trimmed(lens.clone()) };
        return Err(nonconformant(rt, &shown, &source));
    }
    if needs != seen {
        if dims.len() > total && needs[total - 1] != seen[total - 1] {
            return Err(rt.error(BAD_RESIZE));
        }
        let mut grown = dims.clone();
        grown.resize(dims.len().max(total), 1);
        // A last subscript that runs over several axes leaves them as they are.
        let own = if dims.len() > total { total - 1 } else { total };
        grown[..own].copy_from_slice(&needs[..own]);
        let mut padded = dims.clone();
        padded.resize(grown.len(), 1);
        array = grow(rt, array.reshape(&padded, Order::C), &padded, &grown, class)?;
        dims = trimmed(grown);
        array = array.reshape(&dims, Order::C);
    }
    let view = folded(&dims, total);
    if view != dims {
        array = array.reshape(&view, Order::F);
    }
    let mut new = rt.operand(value, dtype_of(class), 0)?;
    new = if value.is_scalar() { new.reshape(&vec![1; total], Order::C) } else { new.reshape(&lens, Order::C) };
    let result = replace(rt, &array, &view, picks, &lens, &new)?;
    let result = if view == dims { result } else { result.reshape(&dims, Order::F) };
    Ok(rt.made(result, class, dims))
}

/// The extents that colons stand for when an empty target is made by the assignment.
fn extents_of_colons(dims: &[usize], picks: &[Picked], source: &[usize]) -> Vec<usize> {
    let mut wanted = vec![0; picks.len()];
    if dims.iter().any(|d| *d != 0) {
        return wanted;
    }
    let mut long = source.iter().copied().filter(|d| *d != 1);
    for (axis, picked) in picks.iter().enumerate() {
        if picked.pick == Pick::All {
            wanted[axis] = if source.len() == picks.len() { source[axis] } else { long.next().unwrap_or(1) };
        }
    }
    wanted
}

fn replace(
    rt: &Runtime,
    array: &Array,
    dims: &[usize],
    picks: &[Picked],
    lens: &[usize],
    new: &Array,
) -> Result<Array, Diagnostic> {
    let looping = rt.in_loop();
    let is_data = |pick: &Pick| matches!(pick, Pick::List(_)) || (looping && matches!(pick, Pick::One(_)));
    let by_data: Vec<usize> = (0..picks.len()).filter(|axis| is_data(&picks[*axis].pick)).collect();
    if by_data.is_empty() {
        let specs: Vec<SliceSpec> = picks
            .iter()
            .zip(dims)
            .map(|(picked, extent)| match picked.pick {
                Pick::One(start) => SliceSpec { start, step: 1, len: 1 },
                Pick::Slice { start, step, len } => SliceSpec { start, step, len },
                Pick::All | Pick::List(_) => SliceSpec::range(0, *extent),
            })
            .collect();
        return Ok(array.slice_update(&specs, new));
    }
    let new = new.broadcast_to(lens);
    let others_whole = picks.iter().enumerate().all(|(axis, p)| by_data.contains(&axis) || p.pick == Pick::All);
    if let ([axis], true) = (&by_data[..], others_whole) {
        let list: Vec<usize> = (0..lens[*axis]).map(|i| picks[*axis].pick.get(i)).collect();
        return Ok(array.scatter(*axis, &positions(rt, &list)?, &new));
    }
    // Row-major positions of every element of the box, in the order in which the new elements are stored.
    let count = numel_of(lens);
    let mut list = Vec::with_capacity(count);
    let mut here = vec![0usize; lens.len()];
    for _ in 0..count {
        let at: Vec<usize> = here.iter().zip(picks).map(|(i, p)| p.pick.get(*i)).collect();
        list.push(row_major(&at, dims));
        for axis in (0..lens.len()).rev() {
            here[axis] += 1;
            if here[axis] < lens[axis] {
                break;
            }
            here[axis] = 0;
        }
    }
    let flat = array.reshape(&[numel_of(dims)], Order::C);
    let flat = flat.scatter(0, &positions(rt, &list)?, &new.reshape(&[count], Order::C));
    Ok(flat.reshape(dims, Order::C))
}

/// The array with zeros behind its end on every axis.
fn grow(rt: &Runtime, array: Array, from: &[usize], to: &[usize], class: Class) -> Result<Array, Diagnostic> {
    let mut from = from.to_vec();
    from.resize(to.len(), 1);
    if to.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).is_none() {
        return Err(rt.error("out of memory or dimension too large for Octave's index type"));
    }
    if from.contains(&0) {
        // Nothing is kept, and an axis may even shrink: 0×3 grows into a row.
        return Ok(rt.engine.zeros(to, dtype_of(class)));
    }
    let after: Vec<usize> = to.iter().zip(&from).map(|(to, from)| to - from).collect();
    let before = vec![0; to.len()];
    Ok(if class == Class::Logical { array.pad(&before, &after, false) } else { array.pad(&before, &after, 0) })
}

/// `target` without the part that `subscripts` name: `x(i) = []`. All subscripts but one must be colons, unless one of them
/// picks nothing.
///
/// # Errors
/// Subscripts that are no positions or lie outside, and parts that are no slices.
pub fn remove(rt: &mut Runtime, name: &str, target: &Value, subscripts: &[Subscript]) -> Result<Value, Diagnostic> {
    let total = subscripts.len();
    let dims = target.dims();
    let seen = if total == 1 { vec![numel_of(&dims)] } else { folded(&dims, total) };
    let mut picks = Vec::with_capacity(total);
    for (position, subscript) in subscripts.iter().enumerate() {
        picks.push(pick(rt, &Place { name: Some(name), position, total }, subscript)?.pick);
    }
    let partial: Vec<usize> = (0..total).filter(|axis| picks[*axis] != Pick::All).collect();
    let [axis] = partial[..] else {
        if partial.is_empty() {
            let left =
                if total == 1 { vec![0, 0] } else { std::iter::once(0).chain(seen[1..].iter().copied()).collect() };
            return Ok(Value::numbers(target.class(), left, vec![]));
        }
        if partial.iter().any(|axis| picks[*axis].len(seen[*axis]) == 0) {
            return Ok(target.clone());
        }
        return Err(rt.error("a null assignment can only have one non-colon index"));
    };
    let (pick, extent) = (&picks[axis], seen[axis]);
    let len = pick.len(extent);
    if len == 0 {
        return Ok(target.clone());
    }
    if pick.needs() > extent {
        let place = if total == 1 { "I" } else { "..,I,.." };
        let needs = pick.needs();
        return Err(rt.error(format!("A({place}) = []: index out of bounds: value {needs} out of bound {extent}")));
    }
    if extent > MAX_REMOVED_FROM {
        return Err(rt.error("out of memory: too many elements to take some of them away"));
    }
    let mut gone = vec![false; extent];
    (0..len).for_each(|i| gone[pick.get(i)] = true);
    let left: Vec<f64> = (0..extent).filter(|i| !gone[*i]).map(|i| i as f64 + 1.0).collect();
    let count = left.len();
    let mut kept: Vec<Subscript> = (0..total).map(|_| Subscript::All).collect();
    kept[axis] = Subscript::Value(Value::numbers(Class::Double, vec![count, 1], left));
    let result = read::read(rt, Some(name), target, &kept)?;
    // What is left of a matrix is a row if one run was taken out, and a column otherwise.
    let takes_a_run = match &subscripts[axis] {
        Subscript::Value(value) if value.known().is_some() => true,
        Subscript::Value(Value::Range(range)) => range.step == 1.0,
        Subscript::Value(value) => value.class() == Class::Logical && len == 1,
        Subscript::All => false,
    };
    if total == 1 && takes_a_run && !(dims.len() == 2 && dims[1] == 1 && dims[0] != 1) {
        let tensor = rt.tensor(&result)?;
        let array = tensor.array.reshape(&[1, count], Order::F);
        let row = rt.made(array, tensor.class, vec![1, count]);
        return Ok(if tensor.class == Class::Char { result } else { Value::Array(row.with_complex(tensor.complex)) });
    }
    Ok(result)
}
