//! The `.npy` form of a flat array, versions 1 to 3, little-endian: enough for the files beside a dump.

use crate::types::{DType, HostBuffer};

const MAGIC: &[u8] = b"\x93NUMPY";

fn descr(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::I32 => "<i4",
        DType::U32 => "<u4",
        DType::I64 => "<i8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
    }
}

/// A file of one axis.
pub(super) fn write(buffer: &HostBuffer) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({},), }}", descr(buffer.dtype()), buffer.len());
    // The data begins at a multiple of 64.
    while !(MAGIC.len() + 4 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(buffer.bytes());
    out
}

/// The elements of a file that must hold `len` of `dtype`, in C order and any shape.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn read(bytes: &[u8], dtype: DType, len: usize) -> Result<HostBuffer, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("expected an .npy file")?;
    let (header, data) = match rest {
        [1, _, a, b, rest @ ..] => rest.split_at_checked(usize::from(u16::from_le_bytes([*a, *b]))),
        [2 | 3, _, a, b, c, d, rest @ ..] => rest.split_at_checked(u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => None,
    }
    .ok_or("the header is cut off")?;
    let header: String = String::from_utf8_lossy(header).chars().filter(|c| !c.is_whitespace()).collect();
    let expected = format!("'descr':'{}'", descr(dtype));
    if !header.contains(&expected) {
        return Err(format!("expected {expected} for {dtype}"));
    }
    if !header.contains("'fortran_order':False") {
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
