//! `x(i) = []`: removes a part of a value.

use lazurite::Order;

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::runtime::Runtime;
use super::super::value::Value;
use super::Subscript;
use super::layout::dims_seen_by;
use super::pick::{Pick, Picked, picks};
use super::read::read;

/// The longest axis that positions are removed from: each of its positions is marked.
const MAX_REMOVED_FROM: usize = 1 << 31;

/// `target` without the part that `subscripts` name. All subscripts but one must be colons, unless one of them picks nothing.
///
/// # Errors
/// Subscripts that are no positions or lie outside, and parts that are no slices.
pub fn remove(rt: &mut Runtime, name: &str, target: &Value, subscripts: &[Subscript]) -> Result<Value, Diagnostic> {
    let total = subscripts.len();
    let dims = target.dims();
    let seen = dims_seen_by(&dims, total);
    let picks = picks(rt, name, subscripts)?;
    let partial: Vec<usize> = (0..total).filter(|axis| picks[*axis].pick != Pick::All).collect();
    if partial.is_empty() {
        let left = if total == 1 { vec![0, 0] } else { std::iter::once(0).chain(seen[1..].iter().copied()).collect() };
        return Ok(Value::numbers(target.class(), left, vec![]));
    }
    if partial.iter().any(|axis| picks[*axis].pick.len(seen[*axis]) == 0) {
        return Ok(target.clone());
    }
    let [axis] = partial[..] else {
        return Err(rt.error("a null assignment can only have one non-colon index"));
    };
    let left = positions_left(rt, &picks[axis], seen[axis], total)?;
    let count = left.len();
    let mut kept: Vec<Subscript> = (0..total).map(|_| Subscript::All).collect();
    kept[axis] = Subscript::Value(Value::numbers(Class::Double, vec![count, 1], left));
    let result = read(rt, Some(name), target, &kept)?;
    let is_column = dims.len() == 2 && dims[1] == 1 && dims[0] != 1;
    if total > 1 || is_column || !takes_a_run(&subscripts[axis], picks[axis].pick.len(seen[axis])) {
        return Ok(result);
    }
    let tensor = rt.tensor(&result)?;
    let array = tensor.array.reshape(&[1, count], Order::F);
    let row = rt.recorded(array, tensor.class, vec![1, count]);
    Ok(if tensor.class == Class::Char { result } else { Value::Array(row.with_complex(tensor.complex)) })
}

/// The remaining positions along an axis, from 1.
fn positions_left(rt: &Runtime, removed: &Picked, extent: usize, total: usize) -> Result<Vec<f64>, Diagnostic> {
    let needs = removed.pick.needs();
    if needs > extent {
        let place = if total == 1 { "I" } else { "..,I,.." };
        return Err(rt.error(format!("A({place}) = []: index out of bounds: value {needs} out of bound {extent}")));
    }
    if extent > MAX_REMOVED_FROM {
        return Err(rt.error("out of memory: too many elements to take some of them away"));
    }
    let mut gone = vec![false; extent];
    (0..removed.pick.len(extent)).for_each(|i| gone[removed.pick.get(i)] = true);
    Ok((0..extent).filter(|i| !gone[*i]).map(|i| i as f64 + 1.0).collect())
}

/// Whether a subscript of `len` positions removes one run: the rest of a matrix is then a row, and otherwise a column.
fn takes_a_run(subscript: &Subscript, len: usize) -> bool {
    match subscript {
        Subscript::Value(value) if value.known().is_some() => true,
        Subscript::Value(Value::Range(range)) => range.step == 1.0,
        Subscript::Value(value) => value.class() == Class::Logical && len == 1,
        Subscript::All => false,
    }
}
