//! `load` and `save`.
//!
//! Integers and bytes become the default real class (or `single` in `single(load(…))`), truth values stay logical. A file whose
//! first axis is the fastest becomes a transposing view of its elements, which are not moved.

use std::path::PathBuf;

use lazurite::Array;

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::host::{HostData, HostValue};
use super::super::io::{self, Contents, Elements};
use super::super::runtime::Runtime;
use super::super::value::{Value, dtype_of};
use super::function::{Call, Function, run};

pub(super) const TABLE: &[Function] = &[run("load", 1..=1, 1, load), run("save", 2..=2, 0, save)];

fn load(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let Some(name) = call.text(0) else {
        return Err(call.bad(0, "the file's name must be a string"));
    };
    rt.budget.check_files(&rt.location)?;
    let path = rt.load.file.clone().unwrap_or_else(|| rt.settings.folder.join(name));
    read(rt, &path).map(|value| vec![value])
}

/// The contents of a file as a value.
///
/// # Errors
/// What is wrong with the file.
pub fn read(rt: &mut Runtime, path: &std::path::Path) -> Result<Value, Diagnostic> {
    let contents = io::read(path).map_err(|what| rt.error(format!("load: {what}")))?;
    let Contents { mut dims, columns_first, elements } = contents;
    // A one-dimensional file is a column, a zero-dimensional one a scalar.
    while dims.len() < 2 {
        dims.push(1);
    }
    let stored: Vec<usize> = if columns_first { dims.iter().rev().copied().collect() } else { dims.clone() };
    let real = rt.load.class.unwrap_or(rt.settings.real);
    let (array, class) = upload(rt, elements, &stored, real)?;
    let array = if columns_first { array.permute(&(0..dims.len()).rev().collect::<Vec<_>>()) } else { array };
    let array = array.cast(dtype_of(class));
    Ok(Value::Array(rt.recorded(array, class, dims)))
}

/// A leaf in the narrowest dtype that holds the file's elements, and the class of the value.
fn upload(rt: &Runtime, elements: Elements, dims: &[usize], real: Class) -> Result<(Array, Class), Diagnostic> {
    let engine = &rt.engine;
    let (array, class) = match elements {
        Elements::Bool(v) => (engine.from_slice(&v, dims), Class::Logical),
        Elements::U8(v) => (engine.from_slice(&v, dims), real),
        Elements::I8(v) => (engine.from_slice(&widened(v), dims), real),
        Elements::U16(v) => (engine.from_slice(&widened(v), dims), real),
        Elements::I16(v) => (engine.from_slice(&widened(v), dims), real),
        Elements::U32(v) => (engine.from_slice(&v, dims), real),
        Elements::I32(v) => (engine.from_slice(&v, dims), Class::Int32),
        Elements::I64(v) => (engine.from_slice(&v, dims), Class::Int64),
        Elements::F32(v) => (engine.from_slice(&v, dims), Class::Single),
        Elements::F64(v) => (engine.from_slice(&v, dims), real),
    };
    array.map(|array| (array, class)).map_err(|error| rt.engine_error(&error))
}

fn widened<T: Into<i32>>(values: Vec<T>) -> Vec<i32> {
    values.into_iter().map(Into::into).collect()
}

/// `save('file.npy', 'x')`: the variable is given by its name, as in Octave.
fn save(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let (Some(file), Some(name)) = (call.text(0), call.text(1)) else {
        return Err(rt.error("save: the file and the variable are given by name, as in save('x.npy', 'x')"));
    };
    let value = rt.names.find(&name).and_then(|symbol| rt.variables.get(symbol).cloned());
    let Some(value) = value else {
        return Err(call.bad(1, format!("no such variable: '{name}'")));
    };
    rt.budget.check_files(&rt.location)?;
    let path: PathBuf = rt.settings.folder.join(file);
    write(rt, &path, &value)?;
    Ok(vec![])
}

/// Writes a value to a file; evaluates it.
///
/// # Errors
/// What the evaluation reports, and what is wrong with the path.
pub fn write(rt: &mut Runtime, path: &std::path::Path, value: &Value) -> Result<(), Diagnostic> {
    let HostValue { dims, data } = rt.host(value)?;
    let elements = match data {
        HostData::F64(v) => Elements::F64(v),
        HostData::F32(v) => Elements::F32(v),
        HostData::I32(v) => Elements::I32(v),
        HostData::I64(v) => Elements::I64(v),
        HostData::U32(v) => Elements::U32(v),
        HostData::U8(v) | HostData::Char(v) => Elements::U8(v),
        HostData::Bool(v) => Elements::Bool(v),
    };
    let contents = Contents { dims, columns_first: true, elements };
    io::write(path, &contents).map_err(|what| rt.error(format!("save: {what}")))
}
