//! Elements on their way into the engine.
//!
//! Comes in: column-major elements and ranges. Goes out: leaves, or counted arrays where writing the elements out would take
//! memory for nothing. It knows nothing of variables and evaluation.

use lazurite::{Array, DType};

use super::classes::Class;
use super::diagnostic::Diagnostic;
use super::host::{HostData, HostValue};
use super::runtime::Runtime;
use super::value::{Range, data_of, dtype_of, reordered};

/// Ranges longer than this are made by the engine rather than uploaded.
pub(super) const LONG_RANGE: usize = 4096;

impl Runtime<'_> {
    pub(super) fn upload(&self, value: &HostValue) -> Result<Array, Diagnostic> {
        let dims = &value.dims;
        let array = match &value.data {
            HostData::F64(v) => self.engine.from_slice(&reordered(v, dims, false), dims),
            HostData::F32(v) => self.engine.from_slice(&reordered(v, dims, false), dims),
            HostData::I32(v) => self.engine.from_slice(&reordered(v, dims, false), dims),
            HostData::I64(v) => self.engine.from_slice(&reordered(v, dims, false), dims),
            HostData::U32(v) => self.engine.from_slice(&reordered(v, dims, false), dims),
            HostData::U8(v) | HostData::Char(v) => self.engine.from_slice(&reordered(v, dims, false), dims),
            HostData::Bool(v) => self.engine.from_slice(&reordered(v, dims, false), dims),
        };
        array.map_err(|error| self.engine_error(&error))
    }

    pub(super) fn range(&self, range: &Range) -> Result<Array, Diagnostic> {
        let dims = [1, range.count];
        if range.count <= LONG_RANGE {
            let data = data_of(range.class, (0..range.count).map(|i| range.get(i)));
            return self.upload(&HostValue { dims: dims.to_vec(), data });
        }
        // In single precision, counting is exact up to 2^24 only; the elements are rounded once, at the end.
        let whole = range.start == range.start.trunc() && range.step == range.step.trunc();
        let last = range.get(range.count - 1);
        let small = whole && range.start.abs().max(last.abs()) < 16_777_216.0;
        let dtype = if range.class == Class::Single && small { DType::F32 } else { DType::F64 };
        let count = self.engine.iota(&dims, 1, dtype).map_err(|error| self.engine_error(&error))?;
        let scaled = if range.step == 1.0 { count } else { count.mul(range.step) };
        let moved = if range.start == 0.0 { scaled } else { scaled.add(range.start) };
        let bounded = match range.step > 0.0 {
            _ if whole => moved,
            true => moved.fmin(range.limit),
            false => moved.fmax(range.limit),
        };
        Ok(bounded.cast(dtype_of(range.class)))
    }
}
