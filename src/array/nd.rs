//! Conversions to and from `ndarray`, behind the feature of that name.

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::Array;
use super::data::Value;
use crate::engine::Engine;
use crate::error::{Error, Result};

impl Engine {
    /// An array with a copy of an ndarray view of any layout.
    ///
    /// # Errors
    /// Out of memory.
    pub fn from_ndarray<T: Value>(&self, view: &ArrayViewD<'_, T>) -> Result<Array> {
        let values: Vec<T> = view.iter().copied().collect();
        self.from_slice(&values, view.shape())
    }
}

impl Array {
    /// The elements as an ndarray. Evaluates if needed.
    ///
    /// # Errors
    /// As [`to_vec`](Self::to_vec).
    #[cfg(feature = "blocking")]
    pub fn to_ndarray<T: Value>(&self) -> Result<ArrayD<T>> {
        ArrayD::from_shape_vec(IxDyn(&self.shape()?), self.to_vec()?).map_err(|e| Error::internal(e.to_string()))
    }
}
