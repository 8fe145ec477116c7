//! `x(i, j) = v`: replaces a part of a value, which grows if the part is beyond its end.

use lazurite::{Array, Order, SliceSpec};

use super::super::classes::{self, Class};
use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::host::HostData;
use super::super::operators::convert::convert;
use super::super::runtime::Runtime;
use super::super::value::{Tensor, Value, data_of, dtype_of, numel_of, trimmed};
use super::Subscript;
use super::layout::{coordinates, dims_seen_by, row_major, vector_axis};
use super::pick::{Pick, Picked, picks};
use super::read::positions;

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
    if subscripts.is_empty() {
        return Err(rt.error("invalid empty index list"));
    }
    if let Some(result) = by_mask(rt, &target, subscripts, value, class)? {
        return Ok(result);
    }
    let picks = picks(rt, name, subscripts)?;
    if class == Class::Char
        && let Some(text) = text_element(&target, &picks, value)
    {
        return Ok(text);
    }
    let target = convert(rt, &target, class)?;
    let value = convert(rt, value, class)?;
    let result = match &picks[..] {
        [only] => linear(rt, &target, only, &value)?,
        _ => by_axis(rt, &target, &picks, &value)?,
    };
    Ok(Value::Array(result.with_complex(target.complex()).with_complex(value.complex())))
}

/// `x(mask) = scalar` with a mask of the same shape selects element by element, and evaluates nothing.
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
    let result = rt.recorded(mask.array.select(&new, &old.array), class, mask.dims);
    Ok(Some(Value::Array(result.with_complex(old.complex).with_complex(value.complex()))))
}

/// Replaces one character of a string, on the host.
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

/// The array that is written into.
struct Target {
    array: Array,
    dims: Vec<usize>,
    class: Class,
}

impl Target {
    fn new(rt: &mut Runtime, value: &Value) -> Result<Self, Diagnostic> {
        let Tensor { array, dims, class, .. } = rt.tensor(value)?;
        Ok(Self { array, dims, class })
    }

    /// Appends zeros along every axis.
    fn grow(&mut self, rt: &Runtime, to: Vec<usize>) -> Result<(), Diagnostic> {
        if to.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).is_none() {
            return Err(rt.error("out of memory or dimension too large for Octave's index type"));
        }
        self.dims.resize(to.len(), 1);
        self.array = if self.dims.contains(&0) {
            // Nothing is kept, and an axis may even shrink: 0×3 grows into a row.
            rt.engine.zeros(&to, dtype_of(self.class))
        } else {
            let array = self.array.reshape(&self.dims, Order::C);
            let after: Vec<usize> = to.iter().zip(&self.dims).map(|(to, from)| to - from).collect();
            let before = vec![0; to.len()];
            if self.class == Class::Logical { array.pad(&before, &after, false) } else { array.pad(&before, &after, 0) }
        };
        self.dims = to;
        Ok(())
    }

    /// A new array in place of the target's.
    fn with(self, rt: &mut Runtime, array: Array) -> Tensor {
        rt.recorded(array, self.class, self.dims)
    }
}

/// `x(i) = v`: positions in column-major order.
fn linear(rt: &mut Runtime, target: &Value, picked: &Picked, value: &Value) -> Result<Tensor, Diagnostic> {
    let len = picked.pick.len(target.numel());
    if value.numel() != len && !value.is_scalar() {
        return Err(nonconformant(rt, &[len, 1], &value.dims()));
    }
    let mut target = Target::new(rt, target)?;
    let needs = picked.pick.needs();
    if needs > numel_of(&target.dims) {
        let grown = match target.dims[..] {
            [0, _] | [1, _] => vec![1, needs],
            [_, 1] => vec![needs, 1],
            _ => return Err(rt.error(BAD_RESIZE)),
        };
        target.grow(rt, grown)?;
    }
    let dims = &target.dims;
    // All elements of the value in its own column-major order, or one that stretches.
    let mut new = rt.operand(value, dtype_of(target.class), 0)?;
    new = if value.is_scalar() { new.reshape(&[1], Order::C) } else { new.ravel(Order::F) };
    new = new.broadcast_to(&[len]);
    let flat = || target.array.reshape(&[numel_of(dims)], Order::C);
    let result = match (&picked.pick, vector_axis(dims)) {
        (Pick::All, _) => new.reshape(dims, Order::F),
        (Pick::Slice { start, step, len }, Some(_)) => {
            flat().slice_update(&[SliceSpec { start: *start, step: *step, len: *len }], &new)
        }
        (Pick::One(start), Some(_)) if !rt.loops.is_inside() => {
            flat().slice_update(&[SliceSpec { start: *start, step: 1, len: 1 }], &new)
        }
        (pick, _) => {
            let list: Vec<usize> = (0..len).map(|i| row_major(&coordinates(pick.get(i), dims), dims)).collect();
            flat().scatter(0, &positions(rt, &list)?, &new)
        }
    };
    let result = result.reshape(dims, Order::C);
    Ok(target.with(rt, result))
}

/// `x(i, j) = v`: positions along every axis.
fn by_axis(rt: &mut Runtime, target: &Value, picks: &[Picked], value: &Value) -> Result<Tensor, Diagnostic> {
    let total = picks.len();
    let mut target = Target::new(rt, target)?;
    let seen = dims_seen_by(&target.dims, total);
    let source = value.dims();
    let wanted = extents_of_colons(&target.dims, picks, &source);
    let needs: Vec<usize> = (0..total).map(|axis| seen[axis].max(picks[axis].pick.needs()).max(wanted[axis])).collect();
    let lens: Vec<usize> = picks.iter().zip(&needs).map(|(p, extent)| p.pick.len(*extent)).collect();
    if numel_of(&lens) == 0 && value.numel() == 0 {
        // Assigning nothing to nothing is allowed for any shapes.
        let array = target.array.clone();
        return Ok(target.with(rt, array));
    }
    let long = |dims: &[usize]| dims.iter().copied().filter(|d| *d != 1).collect::<Vec<_>>();
    if !value.is_scalar() && long(&lens) != long(&source) {
        let shown = if total == 2 { lens.clone() } else { trimmed(lens.clone()) };
        return Err(nonconformant(rt, &shown, &source));
    }
    if needs != seen {
        let grown = grown_dims(&target.dims, &seen, &needs).ok_or_else(|| rt.error(BAD_RESIZE))?;
        target.grow(rt, grown)?;
        target.dims = trimmed(target.dims);
        target.array = target.array.reshape(&target.dims, Order::C);
    }
    let view = dims_seen_by(&target.dims, total);
    if view != target.dims {
        target.array = target.array.reshape(&view, Order::F);
    }
    let mut new = rt.operand(value, dtype_of(target.class), 0)?;
    new = if value.is_scalar() { new.reshape(&vec![1; total], Order::C) } else { new.reshape(&lens, Order::C) };
    let result = replace(rt, &target.array, &view, picks, &lens, &new)?;
    let result = if view == target.dims { result } else { result.reshape(&target.dims, Order::F) };
    Ok(target.with(rt, result))
}

/// The dimensions of a target that grows until its subscripts see `needs` where they saw `seen`. `None` if the last subscript runs
/// over several axes, which cannot grow.
fn grown_dims(dims: &[usize], seen: &[usize], needs: &[usize]) -> Option<Vec<usize>> {
    let total = needs.len();
    let several = dims.len() > total;
    if several && needs[total - 1] != seen[total - 1] {
        return None;
    }
    let mut grown = dims.to_vec();
    grown.resize(dims.len().max(total), 1);
    // A last subscript that runs over several axes leaves them as they are.
    let own = if several { total - 1 } else { total };
    grown[..own].copy_from_slice(&needs[..own]);
    Some(grown)
}

/// The extents of colons when the assignment creates its target.
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

/// The array, viewed in `dims`, with the box of `lens` that `picks` name replaced. Positions that come from data or, in a loop, single
/// positions are data; the others are part of the plan.
fn replace(
    rt: &Runtime,
    array: &Array,
    dims: &[usize],
    picks: &[Picked],
    lens: &[usize],
    new: &Array,
) -> Result<Array, Diagnostic> {
    let looping = rt.loops.is_inside();
    let is_data = |pick: &Pick| matches!(pick, Pick::List(_)) || (looping && matches!(pick, Pick::One(_)));
    let by_data: Vec<usize> = (0..picks.len()).filter(|axis| is_data(&picks[*axis].pick)).collect();
    if by_data.is_empty() {
        let specs = picks.iter().zip(dims).map(|(picked, extent)| match picked.pick {
            Pick::One(start) => SliceSpec { start, step: 1, len: 1 },
            Pick::Slice { start, step, len } => SliceSpec { start, step, len },
            Pick::All | Pick::List(_) => SliceSpec::range(0, *extent),
        });
        return Ok(array.slice_update(&specs.collect::<Vec<_>>(), new));
    }
    let new = new.broadcast_to(lens);
    let others_whole = picks.iter().enumerate().all(|(axis, p)| by_data.contains(&axis) || p.pick == Pick::All);
    if let ([axis], true) = (&by_data[..], others_whole) {
        let list: Vec<usize> = (0..lens[*axis]).map(|i| picks[*axis].pick.get(i)).collect();
        return Ok(array.scatter(*axis, &positions(rt, &list)?, &new));
    }
    let list = positions(rt, &box_positions(dims, picks, lens))?;
    let flat = array.reshape(&[numel_of(dims)], Order::C);
    let flat = flat.scatter(0, &list, &new.reshape(&[numel_of(lens)], Order::C));
    Ok(flat.reshape(dims, Order::C))
}

/// The row-major positions of every element of a box, in the order in which the new elements are stored.
fn box_positions(dims: &[usize], picks: &[Picked], lens: &[usize]) -> Vec<usize> {
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
    list
}
