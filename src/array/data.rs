//! Elements in and out.

use std::sync::Arc;

use half::f16;

use super::Array;
use crate::error::{Error, Result};
#[cfg(feature = "blocking")]
use crate::types::Scalar;
use crate::types::{DType, Element, HostBuffer};

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals `Value`")]
    pub trait Sealed {}
}

/// A Rust type that elements can be written from and read as.
pub trait Value: sealed::Sealed + Copy + 'static {
    /// The dtype that this type represents.
    const DTYPE: DType;
    /// A buffer with a copy of `values`.
    ///
    /// # Errors
    /// Out of memory.
    fn write(values: &[Self]) -> Result<HostBuffer>;
    /// The elements of a buffer of this dtype.
    ///
    /// # Errors
    /// A dtype error for another dtype.
    fn read(buffer: &HostBuffer) -> Result<Vec<Self>>;
}

macro_rules! value {
    ($($t:ty),*) => { $(
        impl sealed::Sealed for $t {}
        impl Value for $t {
            const DTYPE: DType = <$t as Element>::DTYPE;
            fn write(values: &[Self]) -> Result<HostBuffer> {
                HostBuffer::from_slice(values)
            }
            fn read(buffer: &HostBuffer) -> Result<Vec<Self>> {
                Ok(buffer.as_slice::<$t>()?.to_vec())
            }
        }
    )* };
}
value!(u8, i32, u32, i64, f16, f32, f64);

impl sealed::Sealed for bool {}
impl Value for bool {
    const DTYPE: DType = DType::Bool;
    fn write(values: &[Self]) -> Result<HostBuffer> {
        HostBuffer::from_bools(values)
    }
    fn read(buffer: &HostBuffer) -> Result<Vec<Self>> {
        if buffer.dtype() != DType::Bool {
            return Err(Error::dtype(format!("expected a buffer of bool, given one of {}", buffer.dtype())));
        }
        Ok(buffer.bytes().iter().map(|&b| b != 0).collect())
    }
}

impl Array {
    /// All elements, last axis fastest. Evaluates if needed.
    ///
    /// # Errors
    /// A dtype error when `T` is not the form of this array's dtype, and what the evaluation says.
    #[cfg(feature = "blocking")]
    pub fn to_vec<T: Value>(&self) -> Result<Vec<T>> {
        let dtype = self.dtype()?;
        if T::DTYPE != dtype {
            return Err(Error::dtype(format!(
                "to_vec: expected elements of {dtype}, asked for {}; cast first",
                T::DTYPE
            )));
        }
        T::read(&*self.to_host()?)
    }

    /// The elements as a shared host buffer, last axis fastest. Evaluates and reads back if needed.
    ///
    /// # Errors
    /// What the evaluation says.
    #[cfg(feature = "blocking")]
    pub fn to_host(&self) -> Result<Arc<HostBuffer>> {
        match self.engine().host_value(self.node()?) {
            Some(there) => Ok(there),
            None => pollster::block_on(self.read()),
        }
    }

    /// The one element of an array of one element, as a scalar.
    ///
    /// # Errors
    /// A shape error when there is not exactly one, and what the evaluation says.
    #[cfg(feature = "blocking")]
    pub fn item(&self) -> Result<Scalar> {
        let shape = self.shape()?;
        if shape.len() != 1 {
            return Err(Error::shape(format!("item: expected one element, given {shape}")));
        }
        if let Some(s) = self.engine().recorder().known_scalar(self.node()?) {
            return Ok(s);
        }
        Ok(self.to_host()?.get(0))
    }

    /// The elements as a shared host buffer, last axis fastest, without blocking. Evaluates and reads back if needed.
    ///
    /// # Errors
    /// What the evaluation says.
    pub async fn read(&self) -> Result<Arc<HostBuffer>> {
        self.engine().eval_async(&[self]).await?;
        self.engine().read_node(self.node()?).await
    }
}
