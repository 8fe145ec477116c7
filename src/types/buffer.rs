//! Dense typed memory on the host.
//!
//! A buffer knows its dtype and length but no shape: a view says how its elements are read.

use half::f16;

use super::{DType, Scalar};
use crate::error::{Error, Result};

/// A Rust type that is the host form of a dtype. Inside buffers, truth values are bytes (0 or 1); the array room converts
/// `bool`.
pub trait Element: bytemuck::Pod + Send + Sync + PartialOrd {
    /// The dtype whose elements this type holds.
    const DTYPE: DType;
}

macro_rules! element {
    ($($t:ty => $d:ident),* $(,)?) => { $(impl Element for $t { const DTYPE: DType = DType::$d; })* };
}
element!(u8 => U8, i32 => I32, u32 => U32, i64 => I64, f16 => F16, f32 => F32, f64 => F64);

/// A dense run of elements of one dtype, aligned to 8 bytes.
#[derive(Clone, PartialEq)]
pub struct HostBuffer {
    dtype: DType,
    len: usize,
    words: Vec<u64>,
}

/// Words of a page of memory.
const PAGE_WORDS: usize = 512;

impl HostBuffer {
    /// A buffer of `len` zeros.
    ///
    /// # Errors
    /// Out of memory when the allocator refuses or the byte count does not fit.
    pub fn zeros(dtype: DType, len: usize) -> Result<Self> {
        let refused = || {
            Error::out_of_memory(format!(
                "{len} elements of {dtype} ({:.3e} bytes) could not be allocated on the host",
                len as f64 * dtype.size() as f64
            ))
        };
        let bytes = len.checked_mul(dtype.size()).filter(|&b| b <= isize::MAX as usize - 8).ok_or_else(refused)?;
        let n_words = bytes.div_ceil(8);
        // Probing first turns an allocation failure into an error; the system then provides zeroed pages lazily. Below a page, a
        // failure could not be reported either.
        if n_words > PAGE_WORDS {
            Vec::<u64>::new().try_reserve_exact(n_words).map_err(|_| refused())?;
        }
        Ok(Self { dtype, len, words: vec![0; n_words] })
    }

    /// A buffer with a copy of `values`.
    ///
    /// # Errors
    /// Out of memory.
    pub fn from_slice<T: Element>(values: &[T]) -> Result<Self> {
        let mut buffer = Self::zeros(T::DTYPE, values.len())?;
        buffer.bytes_mut().copy_from_slice(bytemuck::cast_slice(values));
        Ok(buffer)
    }

    /// A buffer of truth values.
    ///
    /// # Errors
    /// Out of memory.
    pub fn from_bools(values: &[bool]) -> Result<Self> {
        let mut buffer = Self::zeros(DType::Bool, values.len())?;
        for (to, &from) in buffer.bytes_mut().iter_mut().zip(values) {
            *to = u8::from(from);
        }
        Ok(buffer)
    }

    /// A buffer of one element.
    ///
    /// # Errors
    /// Out of memory.
    pub fn from_scalar(value: Scalar) -> Result<Self> {
        let mut buffer = Self::zeros(value.dtype(), 1)?;
        buffer.set(0, value);
        Ok(buffer)
    }

    /// The dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of all elements.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len * self.dtype.size()]
    }

    /// The bytes of all elements, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let n = self.len * self.dtype.size();
        &mut bytemuck::cast_slice_mut(&mut self.words)[..n]
    }

    /// The first element that is not [the same](Scalar::is_same) in another buffer; 0 when dtype or length differ.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<usize> {
        if self.dtype != other.dtype || self.len != other.len {
            return Some(0);
        }
        (0..self.len).find(|&i| !self.get(i).is_same(other.get(i)))
    }

    /// The first element that is not [within](Scalar::is_within) `allowed` of the one in `expected`; 0 when dtype or length differ.
    #[must_use]
    pub fn first_beyond(&self, expected: &Self, allowed: f64) -> Option<usize> {
        if self.dtype != expected.dtype || self.len != expected.len {
            return Some(0);
        }
        (0..self.len).find(|&i| !self.get(i).is_within(expected.get(i), allowed))
    }

    /// The largest magnitude of a finite element; 0 when there is none.
    #[must_use]
    pub fn largest_magnitude(&self) -> f64 {
        (0..self.len).map(|i| self.get(i).to_f64().abs()).filter(|v| v.is_finite()).fold(0.0, f64::max)
    }

    /// The elements as `T`; truth values read as `u8`.
    ///
    /// # Errors
    /// A dtype error when `T` is not the host form of the dtype.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.check::<T>()?;
        Ok(bytemuck::cast_slice(self.bytes()))
    }

    /// The elements as `T`, to write; truth values are `u8` and must stay 0 or 1.
    ///
    /// # Errors
    /// A dtype error when `T` is not the host form of the dtype.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        self.check::<T>()?;
        Ok(bytemuck::cast_slice_mut(self.bytes_mut()))
    }

    fn check<T: Element>(&self) -> Result<()> {
        if T::DTYPE == self.dtype || (self.dtype == DType::Bool && T::DTYPE == DType::U8) {
            return Ok(());
        }
        Err(Error::dtype(format!("expected a buffer of {}, given one of {}", T::DTYPE, self.dtype)))
    }

    /// The element at `index`, which must be in range.
    #[must_use]
    pub fn get(&self, index: usize) -> Scalar {
        let size = self.dtype.size();
        let mut word = [0u8; 8];
        word[..size].copy_from_slice(&self.bytes()[index * size..(index + 1) * size]);
        Scalar::from_bits(self.dtype, u64::from_le_bytes(word))
    }

    /// Writes the element at `index`, which must be in range; `value` must have the buffer's dtype.
    pub fn set(&mut self, index: usize, value: Scalar) {
        debug_assert_eq!(value.dtype(), self.dtype, "a scalar of another dtype written into a buffer");
        let size = self.dtype.size();
        self.bytes_mut()[index * size..(index + 1) * size].copy_from_slice(&value.bits().to_le_bytes()[..size]);
    }
}

impl std::fmt::Debug for HostBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{} [", self.len, self.dtype)?;
        for i in 0..self.len.min(16) {
            write!(f, "{}{}", if i > 0 { ", " } else { "" }, self.get(i))?;
        }
        f.write_str(if self.len > 16 { ", …]" } else { "]" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back() {
        let b = HostBuffer::from_slice(&[1.5f32, -2.0, f32::NAN]).unwrap();
        assert_eq!(b.as_slice::<f32>().unwrap()[1], -2.0);
        assert_eq!(b.get(0), Scalar::from_f64(DType::F32, 1.5));
        assert!(b.as_slice::<f64>().unwrap_err().is_dtype());
    }

    #[test]
    fn absurd_sizes_are_errors() {
        assert!(HostBuffer::zeros(DType::F64, usize::MAX / 4).unwrap_err().is_out_of_memory());
    }
}
