//! `[a, b; c, d]` and `cat`.
//!
//! In: values. Out: one value. Parts that are all known on the host are joined there, others by the engine. As in Octave, `[]`
//! fits anywhere and contributes only its class.

use std::cell::OnceCell;
use std::rc::Rc;

use lazurite::{Array, Order};

use super::classes::{self, Class};
use super::diagnostic::Diagnostic;
use super::display::dims_text;
use super::host::HostValue;
use super::operators::convert::convert;
use super::runtime::Runtime;
use super::value::{HostArray, Value, class_of, data_of, dtype_of, numel_of, trimmed};

/// The matrix whose rows are given.
///
/// # Errors
/// Parts that do not fit beside or below each other.
pub fn matrix(rt: &mut Runtime, rows: &[Vec<Value>]) -> Result<Value, Diagnostic> {
    let Some(class) = rows.iter().flatten().map(Value::class).reduce(classes::concat) else {
        return Ok(Value::numbers(rt.settings.real, vec![0, 0], vec![]));
    };
    let mut joined = Vec::with_capacity(rows.len());
    for row in rows {
        joined.push(match &row[..] {
            [only] => only.clone(),
            _ => join(rt, class, row, 1, Words::Matrix)?,
        });
    }
    match &joined[..] {
        [only] => convert(rt, only, class),
        _ => join(rt, class, &joined, 0, Words::Matrix),
    }
}

/// `cat(axis, …)`, with the axis counted from 0.
///
/// # Errors
/// Parts whose other extents differ.
pub fn cat(rt: &mut Runtime, axis: usize, parts: &[Value]) -> Result<Value, Diagnostic> {
    match parts.iter().map(Value::class).reduce(classes::concat) {
        Some(class) => join(rt, class, parts, axis, Words::Cat),
        None => Ok(Value::numbers(rt.settings.real, vec![0, 0], vec![])),
    }
}

/// The construct whose wording an error uses.
#[derive(Clone, Copy, PartialEq)]
enum Words {
    Matrix,
    Cat,
}

/// Parts that fit together, and the dimensions of the whole.
struct Fitting<'a> {
    parts: Vec<&'a Value>,
    dims: Vec<usize>,
}

fn join(rt: &mut Runtime, class: Class, parts: &[Value], axis: usize, words: Words) -> Result<Value, Diagnostic> {
    // `[]` joins with anything.
    let kept: Vec<&Value> = parts.iter().filter(|part| part.dims() != [0, 0]).collect();
    if kept.is_empty() {
        return convert(rt, &parts[0], class);
    }
    let Fitting { parts, dims } = fit(rt, &kept, axis, words)?;
    if let [only] = parts[..] {
        return convert(rt, only, class);
    }
    let small = numel_of(&dims) <= MAX_ON_HOST || class == Class::Char;
    if small && parts.iter().all(|part| part.as_tensor().is_none()) {
        return Ok(on_host(&parts, class, axis, dims));
    }
    in_engine(rt, &parts, class, axis, dims)
}

/// Leaves out what is empty and fits nowhere, and adds up the extents along the axis.
fn fit<'a>(rt: &Runtime, parts: &[&'a Value], axis: usize, words: Words) -> Result<Fitting<'a>, Diagnostic> {
    let rank = parts.iter().map(|part| part.dims().len()).max().unwrap_or(2).max(axis + 1);
    let padded = |value: &Value| {
        let mut dims = value.dims();
        dims.resize(rank, 1);
        dims
    };
    // An empty row or column, 1×0 or 0×1, fits nowhere but harms nothing either.
    let is_void = |dims: &[usize]| words == Words::Matrix && dims.len() == 2 && dims[0] + dims[1] == 1;
    let mut fitting = Fitting { parts: vec![parts[0]], dims: padded(parts[0]) };
    for part in &parts[1..] {
        let other = padded(part);
        let fits = (0..rank).all(|i| i == axis || fitting.dims[i] == other[i]);
        if fits {
            fitting.dims[axis] = fitting.dims[axis].saturating_add(other[axis]);
            fitting.parts.push(part);
        } else if is_void(&fitting.dims) {
            fitting = Fitting { parts: vec![part], dims: other };
        } else if !is_void(&other) {
            let (a, b) = (dims_text(&trimmed(fitting.dims)), dims_text(&part.dims()));
            return Err(rt.error(match (words, axis) {
                (Words::Cat, _) => format!("cat: dimension mismatch: {a} does not fit beside {b}"),
                (_, 0) => format!("vertical dimensions mismatch ({a} vs {b})"),
                _ => format!("horizontal dimensions mismatch ({a} vs {b})"),
            }));
        }
    }
    Ok(fitting)
}

fn in_engine(
    rt: &mut Runtime,
    parts: &[&Value],
    class: Class,
    axis: usize,
    dims: Vec<usize>,
) -> Result<Value, Diagnostic> {
    let mut arrays = Vec::with_capacity(parts.len());
    for part in parts {
        let part = convert(rt, part, class)?;
        let tensor = rt.tensor(&part)?;
        let mut padded = tensor.dims;
        padded.resize(dims.len(), 1);
        arrays.push(tensor.array.cast(dtype_of(class)).reshape(&padded, Order::C));
    }
    let joined = Array::concat(&arrays.iter().collect::<Vec<_>>(), axis).map_err(|error| rt.engine_error(&error))?;
    let complex = parts.iter().find_map(|part| part.complex());
    Ok(Value::Array(rt.recorded(joined, class, dims).with_complex(complex)))
}

/// More elements than this are joined by the engine even if they are known on the host: a range need not be written out.
const MAX_ON_HOST: usize = 1 << 20;

/// Joins column-major elements: along an axis, each part gives one run of everything up to that axis at a time.
fn on_host(parts: &[&Value], class: Class, axis: usize, dims: Vec<usize>) -> Value {
    let hosts: Vec<HostValue> = parts.iter().filter_map(|part| part.host_value()).collect();
    let runs: Vec<usize> =
        hosts.iter().map(|host| (0..=axis).map(|i| host.dims.get(i).copied().unwrap_or(1)).product()).collect();
    let outer: usize = dims[axis + 1..].iter().product();
    let mut numbers = Vec::with_capacity(dims.iter().product());
    for at in 0..outer {
        for (host, run) in hosts.iter().zip(&runs) {
            // An int32 beside a double is rounded by the class of the whole, below.
            numbers.extend((at * run..(at + 1) * run).filter_map(|i| host.data.get_f64(i)));
        }
    }
    debug_assert!(
        hosts.iter().all(|host| classes::concat(class_of(&host.data), class) == class || class == Class::Char)
    );
    let data = data_of(class, numbers.into_iter());
    let value = HostValue { dims: trimmed(dims), data };
    // Escapes count as processed only if they were processed in every part.
    let escaped = |part: &&Value| matches!(part, Value::Host(host) if host.double_quoted);
    if class == Class::Char && parts.iter().all(escaped) {
        return Value::Host(Rc::new(HostArray { value, double_quoted: true, leaf: OnceCell::new() }));
    }
    Value::host(value)
}
