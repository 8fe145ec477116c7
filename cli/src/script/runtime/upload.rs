//! Uploads of elements to the engine.
//!
//! In: column-major elements and ranges. Out: leaves, or arrays computed from a counter where a range is too long to be written out.

use lazurite::{Array, DType, Engine};

use super::super::classes::Class;
use super::super::host::{HostData, HostValue};
use super::super::value::{Range, data_of, dtype_of, reordered};

/// Ranges longer than this are made by the engine rather than uploaded.
pub const LONG_RANGE: usize = 4096;

/// A leaf with these elements.
///
/// # Errors
/// There is no memory for them.
pub fn elements(engine: &Engine, value: &HostValue) -> lazurite::Result<Array> {
    let dims = &value.dims;
    match &value.data {
        HostData::F64(v) => engine.from_slice(&reordered(v, dims, false), dims),
        HostData::F32(v) => engine.from_slice(&reordered(v, dims, false), dims),
        HostData::I32(v) => engine.from_slice(&reordered(v, dims, false), dims),
        HostData::I64(v) => engine.from_slice(&reordered(v, dims, false), dims),
        HostData::U32(v) => engine.from_slice(&reordered(v, dims, false), dims),
        HostData::U8(v) | HostData::Char(v) => engine.from_slice(&reordered(v, dims, false), dims),
        HostData::Bool(v) => engine.from_slice(&reordered(v, dims, false), dims),
    }
}

/// The elements of a range, in the dtype of its class.
///
/// # Errors
/// There is no memory for them.
pub fn range(engine: &Engine, range: &Range) -> lazurite::Result<Array> {
    let dims = [1, range.count];
    if range.count <= LONG_RANGE {
        let data = data_of(range.class, (0..range.count).map(|i| range.get(i)));
        return elements(engine, &HostValue { dims: dims.to_vec(), data });
    }
    // In single precision, counting is exact up to 2^24 only; the elements are rounded once, at the end.
    let whole = range.start == range.start.trunc() && range.step == range.step.trunc();
    let last = range.get(range.count - 1);
    let small = whole && range.start.abs().max(last.abs()) < 16_777_216.0;
    let dtype = if range.class == Class::Single && small { DType::F32 } else { DType::F64 };
    let count = engine.iota(&dims, 1, dtype)?;
    let scaled = if range.step == 1.0 { count } else { count.mul(range.step) };
    let moved = if range.start == 0.0 { scaled } else { scaled.add(range.start) };
    let bounded = match range.step > 0.0 {
        _ if whole => moved,
        true => moved.fmin(range.limit),
        false => moved.fmax(range.limit),
    };
    Ok(bounded.cast(dtype_of(range.class)))
}
