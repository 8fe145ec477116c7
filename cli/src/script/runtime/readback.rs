//! Elements read back from the engine.

use lazurite::Array;

use super::super::classes::Class;
use super::super::host::HostData;
use super::super::value::reordered;

/// The elements of an evaluated array, column by column.
///
/// # Errors
/// What the engine reports.
pub fn elements(array: &Array, class: Class, dims: &[usize]) -> lazurite::Result<HostData> {
    Ok(match class {
        Class::Double => HostData::F64(reordered(&array.to_vec::<f64>()?, dims, true)),
        Class::Single => HostData::F32(reordered(&array.to_vec::<f32>()?, dims, true)),
        Class::Int32 => HostData::I32(reordered(&array.to_vec::<i32>()?, dims, true)),
        Class::Int64 => HostData::I64(reordered(&array.to_vec::<i64>()?, dims, true)),
        Class::Uint8 => HostData::U8(reordered(&array.to_vec::<u8>()?, dims, true)),
        Class::Char => HostData::Char(reordered(&array.to_vec::<u8>()?, dims, true)),
        Class::Logical => HostData::Bool(reordered(&array.to_vec::<bool>()?, dims, true)),
    })
}
