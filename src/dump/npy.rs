//! A flat array as the `.npy` file beside a dump.

use crate::npy::{ElementKind, ElementType, Header, HeaderError};
use crate::types::{DType, HostBuffer};

fn element_type(dtype: DType) -> ElementType {
    let kind = match dtype {
        DType::Bool => ElementKind::Bool,
        DType::U8 | DType::U32 => ElementKind::UInt,
        DType::I32 | DType::I64 => ElementKind::Int,
        DType::F16 | DType::F32 | DType::F64 => ElementKind::Float,
    };
    ElementType::new(kind, dtype.size())
}

/// A file of one axis.
pub(super) fn write(buffer: &HostBuffer) -> Vec<u8> {
    let descr = element_type(buffer.dtype()).descr();
    let mut out = Header { descr, fortran_order: false, shape: vec![buffer.len()] }.write();
    out.extend(buffer.bytes());
    out
}

/// The elements of a file that must hold `len` of `dtype`, in C order and any shape.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn read(bytes: &[u8], dtype: DType, len: usize) -> Result<HostBuffer, String> {
    let mut data = bytes;
    let Header { descr, fortran_order, .. } = Header::read(&mut data)
        .map_err(|e| match e {
            HeaderError::NotNpy => String::from("expected an .npy file"),
            HeaderError::CutOff => String::from("the header is cut off"),
            other => other.to_string(),
        })?
        .header;
    let expected = element_type(dtype).descr();
    if descr != expected {
        return Err(format!("expected 'descr':'{expected}' for {dtype}"));
    }
    if fortran_order {
        return Err(String::from("expected C order"));
    }
    if data.len() as u64 != (len as u64).saturating_mul(dtype.size() as u64) {
        return Err(format!("expected {len} elements of {dtype}, given {} bytes", data.len()));
    }
    if dtype == DType::Bool && data.iter().any(|&b| b > 1) {
        return Err(String::from("expected truth values to be bytes 0 and 1"));
    }
    let mut buffer = HostBuffer::zeros(dtype, len).map_err(|e| e.message().to_owned())?;
    buffer.bytes_mut().copy_from_slice(data);
    Ok(buffer)
}
