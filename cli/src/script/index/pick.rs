//! From a subscript to the positions it names along one axis, and the errors about it.

use std::rc::Rc;

use super::super::classes::Class;
use super::super::cnumber;
use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::host::{HostData, HostValue};
use super::super::runtime::Runtime;
use super::super::value::Value;
use super::Subscript;

/// The positions along one axis, from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pick {
    /// Every one, in order.
    All,
    /// One.
    One(usize),
    /// Equally spaced ones.
    Slice { start: usize, step: i64, len: usize },
    /// Any list.
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

/// What messages say about a subscript: whose index it is in, and which of how many subscripts it is.
pub(super) struct SubscriptContext<'a> {
    pub name: Option<&'a str>,
    pub position: usize,
    pub total: usize,
}

impl SubscriptContext<'_> {
    fn text(&self, index: &str) -> String {
        let mut parts = vec!["_"; self.total];
        parts[self.position] = index;
        format!("{}({})", self.name.unwrap_or("index "), parts.join(","))
    }

    fn not_an_index(&self, rt: &Runtime, value: f64) -> Diagnostic {
        let number = if value.is_nan() { "nan".to_owned() } else { cnumber::general(value, 5, false) };
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

/// The positions that a subscript names. Bounds are not checked.
pub(super) fn pick(rt: &mut Runtime, context: &SubscriptContext, subscript: &Subscript) -> Result<Picked, Diagnostic> {
    let value = match subscript {
        Subscript::All => return Ok(Picked { pick: Pick::All, shape: vec![] }),
        Subscript::Value(value) => value,
    };
    if let Some(scalar) = value.known() {
        if scalar.class == Class::Logical {
            let len = usize::from(scalar.value != 0.0);
            return Ok(Picked { pick: Pick::Slice { start: 0, step: 1, len }, shape: vec![len, len] });
        }
        return Ok(Picked { pick: Pick::One(context.position(rt, scalar.value)?), shape: vec![1, 1] });
    }
    if let Value::Range(range) = value {
        let shape = vec![1, range.count];
        if range.count == 0 {
            return Ok(Picked { pick: Pick::Slice { start: 0, step: 1, len: 0 }, shape });
        }
        let start = context.position(rt, range.get(0))?;
        context.position(rt, range.get(range.count - 1))?;
        if range.step != range.step.trunc() {
            return Err(context.not_an_index(rt, range.get(1)));
        }
        return Ok(Picked { pick: Pick::Slice { start, step: range.step as i64, len: range.count }, shape });
    }
    let is_literal = matches!(value, Value::Host(_));
    let host = rt.host(value)?;
    let list = positions(rt, context, &host)?;
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
    // Positions that are written in the script may become part of a plan; those that come from data must not.
    if is_literal && let Some(slice) = progression(&list) {
        return Ok(Picked { pick: slice, shape });
    }
    Ok(Picked { pick: Pick::List(list.into()), shape })
}

/// The positions that each subscript of `name` names. Bounds are not checked.
pub(super) fn picks(rt: &mut Runtime, name: &str, subscripts: &[Subscript]) -> Result<Vec<Picked>, Diagnostic> {
    let total = subscripts.len();
    let context = |position| SubscriptContext { name: Some(name), position, total };
    subscripts.iter().enumerate().map(|(position, subscript)| pick(rt, &context(position), subscript)).collect()
}

fn positions(rt: &Runtime, context: &SubscriptContext, host: &HostValue) -> Result<Vec<usize>, Diagnostic> {
    if let HostData::Bool(mask) = &host.data {
        return Ok(mask.iter().enumerate().filter(|(_, yes)| **yes).map(|(at, _)| at).collect());
    }
    let numbers = (0..host.numel()).filter_map(|i| host.data.get_f64(i));
    numbers.map(|value| context.position(rt, value)).collect()
}

fn progression(list: &[usize]) -> Option<Pick> {
    let [first, second, ..] = *list else { return None };
    let step = second as i64 - first as i64;
    let even = step != 0 && list.windows(2).all(|pair| pair[1] as i64 - pair[0] as i64 == step);
    even.then_some(Pick::Slice { start: first, step, len: list.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progressions_are_found() {
        assert_eq!(progression(&[1, 3, 5]), Some(Pick::Slice { start: 1, step: 2, len: 3 }));
        assert_eq!(progression(&[5, 3, 1]), Some(Pick::Slice { start: 5, step: -2, len: 3 }));
        assert_eq!(progression(&[1, 1]), None);
        assert_eq!(progression(&[1, 2, 4]), None);
        assert_eq!(Pick::Slice { start: 5, step: -2, len: 3 }.needs(), 6);
    }
}
