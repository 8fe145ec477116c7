//! Indices: from subscripts to positions, and from positions to engine operations.
//!
//! Comes in: a value and its subscripts. Goes out: the part they name (`read`) or the value with that part replaced
//! (`write`). Positions are always known on the host, because they decide shapes and errors; the elements they pick move in
//! the engine. A subscript that is itself an array of the engine is evaluated here.

pub mod read;
pub mod write;

use std::rc::Rc;

use super::diagnostic::Diagnostic;
use super::display::dims_text;
use super::host::{HostData, HostValue};
use super::runtime::Runtime;
use super::value::Value;

/// What stands at one place of an index.
pub enum Subscript {
    /// `:`
    All,
    /// Numbers or truth values.
    Value(Value),
}

/// The positions along one axis, from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pick {
    /// Every one, in order.
    All,
    /// A single one.
    One(usize),
    /// Equally spaced ones.
    Slice { start: usize, step: i64, len: usize },
    /// Any, in any order.
    List(Rc<[usize]>),
}

/// Positions, and the dimensions that the subscript itself has, which a result can inherit.
#[derive(Clone, Debug)]
pub(super) struct Picked {
    pub pick: Pick,
    pub shape: Vec<usize>,
}

impl Pick {
    /// How many positions there are on an axis of `extent`.
    pub fn len(&self, extent: usize) -> usize {
        match self {
            Pick::All => extent,
            Pick::One(_) => 1,
            Pick::Slice { len, .. } => *len,
            Pick::List(list) => list.len(),
        }
    }

    /// The extent that an axis needs for all positions to lie on it; 0 where the axis decides.
    pub fn needs(&self) -> usize {
        match self {
            Pick::All => 0,
            Pick::One(at) => at + 1,
            Pick::Slice { len: 0, .. } => 0,
            Pick::Slice { start, step, len } => {
                let last = *start as i64 + step * (*len as i64 - 1);
                (*start).max(last as usize) + 1
            }
            Pick::List(list) => list.iter().max().map_or(0, |at| at + 1),
        }
    }

    /// Position `i`.
    pub fn get(&self, i: usize) -> usize {
        match self {
            Pick::All => i,
            Pick::One(at) => *at,
            Pick::Slice { start, step, .. } => (*start as i64 + step * i as i64) as usize,
            Pick::List(list) => list[i],
        }
    }
}

/// For messages: whose index it is, which of how many subscripts is meant, and the indexed dimensions.
pub(super) struct Place<'a> {
    pub name: Option<&'a str>,
    pub position: usize,
    pub total: usize,
}

impl Place<'_> {
    fn text(&self, index: &str) -> String {
        let mut parts = vec!["_"; self.total];
        parts[self.position] = index;
        format!("{}({})", self.name.unwrap_or("index "), parts.join(","))
    }

    fn not_an_index(&self, rt: &Runtime, value: f64) -> Diagnostic {
        let number = if value.is_nan() { "nan".to_owned() } else { super::cnumber::general(value, 5, false) };
        rt.error(format!("{}: subscripts must be either integers 1 to (2^63)-1 or logicals", self.text(&number)))
    }

    /// The error for a position beyond `extent`.
    pub fn beyond(&self, rt: &Runtime, index: usize, extent: usize, dims: &[usize]) -> Diagnostic {
        let text = self.text(&index.to_string());
        rt.error(format!("{text}: out of bound {extent} (dimensions are {})", dims_text(dims)))
    }

    fn position(&self, rt: &Runtime, value: f64) -> Result<usize, Diagnostic> {
        if value != value.trunc() || !(1.0..=9.007_199_254_740_992e15).contains(&value) {
            return Err(self.not_an_index(rt, value));
        }
        Ok(value as usize - 1)
    }
}

/// The positions that a subscript names; bounds are not looked at.
pub(super) fn pick(rt: &mut Runtime, place: &Place, subscript: &Subscript) -> Result<Picked, Diagnostic> {
    let value = match subscript {
        Subscript::All => return Ok(Picked { pick: Pick::All, shape: vec![] }),
        Subscript::Value(value) => value,
    };
    if let Some(scalar) = value.known() {
        if scalar.class == super::classes::Class::Logical {
            let len = usize::from(scalar.value != 0.0);
            return Ok(Picked { pick: Pick::Slice { start: 0, step: 1, len }, shape: vec![len, len] });
        }
        return Ok(Picked { pick: Pick::One(place.position(rt, scalar.value)?), shape: vec![1, 1] });
    }
    if let Value::Range(range) = value {
        let shape = vec![1, range.count];
        if range.count == 0 {
            return Ok(Picked { pick: Pick::Slice { start: 0, step: 1, len: 0 }, shape });
        }
        let start = place.position(rt, range.get(0))?;
        place.position(rt, range.get(range.count - 1))?;
        if range.step != range.step.trunc() {
            return Err(place.not_an_index(rt, range.get(1)));
        }
        return Ok(Picked { pick: Pick::Slice { start, step: range.step as i64, len: range.count }, shape });
    }
    let is_literal = matches!(value, Value::Host(_));
    let host = rt.host(value)?;
    let list = positions(rt, place, &host)?;
    let shape = match &host.data {
        HostData::Bool(_) => {
            let vector = host.dims.iter().filter(|d| **d != 1).count() == 1;
            let row = vector && host.dims[0] == 1;
            if row { vec![1, list.len()] } else { vec![list.len(), 1] }
        }
        _ => host.dims,
    };
    if let [at] = list[..] {
        return Ok(Picked { pick: Pick::One(at), shape });
    }
    // Positions that are written in the script may be part of a plan; those that come from data may not.
    if is_literal && let Some(slice) = progression(&list) {
        return Ok(Picked { pick: slice, shape });
    }
    Ok(Picked { pick: Pick::List(list.into()), shape })
}

fn positions(rt: &Runtime, place: &Place, host: &HostValue) -> Result<Vec<usize>, Diagnostic> {
    if let HostData::Bool(mask) = &host.data {
        return Ok(mask.iter().enumerate().filter(|(_, yes)| **yes).map(|(at, _)| at).collect());
    }
    let numbers = (0..host.numel()).filter_map(|i| host.data.get_f64(i));
    numbers.map(|value| place.position(rt, value)).collect()
}

fn progression(list: &[usize]) -> Option<Pick> {
    let [first, second, ..] = *list else { return None };
    let step = second as i64 - first as i64;
    let even = step != 0 && list.windows(2).all(|pair| pair[1] as i64 - pair[0] as i64 == step);
    even.then_some(Pick::Slice { start: first, step, len: list.len() })
}

/// The positions in row-major order of a matrix of `dims` that the linear, column-major position `at` stands for.
pub(super) fn coordinates(mut at: usize, dims: &[usize]) -> Vec<usize> {
    dims.iter()
        .map(|extent| {
            let here = at % extent;
            at /= extent;
            here
        })
        .collect()
}

/// The linear position of coordinates with the last axis fastest.
pub(super) fn row_major(coordinates: &[usize], dims: &[usize]) -> usize {
    coordinates.iter().zip(dims).fold(0, |at, (here, extent)| at * extent + here)
}

/// The dimensions seen by `total` subscripts: the last one runs over all axes that are left.
pub(super) fn folded(dims: &[usize], total: usize) -> Vec<usize> {
    let mut seen: Vec<usize> = dims.iter().copied().take(total).collect();
    seen.resize(total, 1);
    if dims.len() > total
        && let Some(last) = seen.last_mut()
    {
        *last = dims[total - 1..].iter().fold(1, |n, d| n.saturating_mul(*d));
    }
    seen
}

/// What `end` means as subscript `position` of `total` on a value of `dims`.
pub fn end_of(dims: &[usize], position: usize, total: usize) -> usize {
    if total == 1 {
        return super::value::numel_of(dims);
    }
    folded(dims, total)[position]
}

/// The axis along which a value with at most one extent other than 1 lies.
pub(super) fn vector_axis(dims: &[usize]) -> Option<usize> {
    let mut long = dims.iter().enumerate().filter(|(_, d)| **d != 1);
    match (long.next(), long.next()) {
        (Some((axis, _)), None) => Some(axis),
        (None, None) => Some(dims.len() - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_positions_are_column_major() {
        assert_eq!(coordinates(3, &[2, 3]), [1, 1]);
        assert_eq!(row_major(&[1, 1], &[2, 3]), 4);
        assert_eq!(coordinates(5, &[2, 1, 3]), [1, 0, 2]);
    }

    #[test]
    fn the_last_subscript_runs_over_the_rest() {
        assert_eq!(folded(&[2, 3, 4], 2), [2, 12]);
        assert_eq!(folded(&[2, 3], 3), [2, 3, 1]);
        assert_eq!(end_of(&[2, 3, 4], 0, 1), 24);
        assert_eq!(end_of(&[2, 3, 4], 1, 2), 12);
        assert_eq!(end_of(&[2, 3], 2, 3), 1);
    }

    #[test]
    fn progressions_are_found() {
        assert_eq!(progression(&[1, 3, 5]), Some(Pick::Slice { start: 1, step: 2, len: 3 }));
        assert_eq!(progression(&[5, 3, 1]), Some(Pick::Slice { start: 5, step: -2, len: 3 }));
        assert_eq!(progression(&[1, 1]), None);
        assert_eq!(progression(&[1, 2, 4]), None);
        assert_eq!(Pick::Slice { start: 5, step: -2, len: 3 }.needs(), 6);
    }
}
