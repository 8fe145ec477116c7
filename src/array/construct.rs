//! Arrays that come from an engine rather than from other arrays.

use super::data::Value;
use super::{Array, Operand};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::graph::{Op, RngDist};
use crate::types::{DType, HostBuffer, Scalar, Shape};

impl Engine {
    /// An array with a copy of `values`, last axis fastest.
    ///
    /// # Errors
    /// A shape error when `shape` does not hold as many elements, out of memory.
    pub fn from_slice<T: Value>(&self, values: &[T], shape: &[usize]) -> Result<Array> {
        self.from_buffer(T::write(values)?, shape)
    }

    /// An array that owns a host buffer, last axis fastest. Nothing is copied.
    ///
    /// # Errors
    /// A shape error when `shape` does not hold as many elements, or has extents beside one of 0 that cannot be addressed.
    pub fn from_buffer(&self, buffer: HostBuffer, shape: &[usize]) -> Result<Array> {
        let shape = Shape::new(shape);
        if shape.len() != buffer.len() {
            return Err(Error::shape(format!("expected {} elements for {shape}, given {}", shape.len(), buffer.len())));
        }
        let dtype = buffer.dtype();
        shape.check_size(dtype, "from_buffer")?;
        let origin = crate::engine::origin::current();
        let leaf = self.recorder().record_leaf(shape, dtype, self.store_host(buffer), origin.as_ref());
        Ok(Array::adopt(self, leaf))
    }

    /// A 0-d array of `value` in `dtype`. Apart from a few values that plans may test (0, ±1, 2 and the like), another value in the
    /// same place reuses the plan.
    #[must_use]
    pub fn scalar<'a>(&self, value: impl Into<Operand<'a>>, dtype: DType) -> Array {
        Array::lift(self, value.into().into_array(self, dtype))
    }

    /// An array of `shape` filled with `value`: a view of a 0-d value, which takes no memory.
    #[must_use]
    pub fn full<'a>(&self, shape: &[usize], value: impl Into<Operand<'a>>, dtype: DType) -> Array {
        self.scalar(value, dtype).broadcast_to(shape)
    }

    /// An array of `shape` filled with zeros (false for bool), which takes no memory.
    #[must_use]
    pub fn zeros(&self, shape: &[usize], dtype: DType) -> Array {
        self.constant(shape, dtype, 0.0)
    }

    /// An array of `shape` filled with ones (true for bool), which takes no memory.
    #[must_use]
    pub fn ones(&self, shape: &[usize], dtype: DType) -> Array {
        self.constant(shape, dtype, 1.0)
    }

    fn constant(&self, shape: &[usize], dtype: DType, value: f64) -> Array {
        Array::lift(self, Array::from_scalar(self, Scalar::from_f64(dtype, value))).broadcast_to(shape)
    }

    /// The n×m matrix with ones on its diagonal.
    #[must_use]
    pub fn eye(&self, n: usize, m: usize, dtype: DType) -> Array {
        let same = Array::iota_of(self, &[n, m], 0).and_then(|r| r.try_eq(&Array::iota_of(self, &[n, m], 1)?));
        Array::lift(self, same).cast(dtype)
    }

    /// The coordinate along `axis` of an array of `shape`. Floats hold the nearest value: f16 every whole number up to 2048, f32 up
    /// to 2²⁴, f64 up to 2⁵³.
    ///
    /// # Errors
    /// An argument error for an axis that is not there; a dtype error for bool, and for coordinates past the dtype (255 for u8,
    /// 2³¹ − 1 for i32, 65,519 for f16).
    pub fn iota(&self, shape: &[usize], axis: usize, dtype: DType) -> Result<Array> {
        Array::record(self, Op::Iota { shape: Shape::new(shape), axis, dtype }, &[], None)
    }

    /// `n` evenly spaced values from `first` to `last`, both included; just `last` when `n` is 1. Floats only.
    ///
    /// # Errors
    /// A dtype error for other dtypes.
    pub fn linspace(&self, first: f64, last: f64, n: usize, dtype: DType) -> Result<Array> {
        if !dtype.is_float() {
            return Err(Error::dtype(format!("linspace: expected a floating dtype, given {dtype}")));
        }
        if n == 1 {
            return Ok(self.full(&[1], last, dtype));
        }
        let steps = n.saturating_sub(1).max(1) as f64;
        let wide = if dtype == DType::F16 { DType::F32 } else { dtype };
        let i = self.iota(&[n], 0, wide)?;
        // The last element is given, not computed: first + (last − first) may round to its neighbour.
        let inner = &(&i * ((last - first) / steps)) + first;
        Ok(i.try_eq(&Array::literal(self, Scalar::from_f64(wide, steps))?)?.try_select(last, &inner)?.cast(dtype))
    }

    /// Uniform random elements on [0, 1) by Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
    /// 2011). Element i is a function of key, stream and i: the same on every device.
    ///
    /// # Errors
    /// A dtype error for other dtypes than f32 and f64.
    pub fn rng_uniform(&self, key: u32, stream: u32, shape: &[usize], dtype: DType) -> Result<Array> {
        self.random(RngDist::Uniform, key, stream, shape, dtype)
    }

    /// Standard normal random elements: Box–Muller on the words of [`rng_uniform`](Self::rng_uniform)'s generator.
    ///
    /// # Errors
    /// A dtype error for other dtypes than f32 and f64.
    pub fn rng_normal(&self, key: u32, stream: u32, shape: &[usize], dtype: DType) -> Result<Array> {
        self.random(RngDist::Normal, key, stream, shape, dtype)
    }

    /// Raw 32-bit words of the generator (u32).
    ///
    /// # Errors
    /// Never for valid engines; kept fallible like its siblings.
    pub fn rng_bits(&self, key: u32, stream: u32, shape: &[usize]) -> Result<Array> {
        self.random(RngDist::Bits, key, stream, shape, DType::U32)
    }

    fn random(&self, dist: RngDist, key: u32, stream: u32, shape: &[usize], dtype: DType) -> Result<Array> {
        let slot = |v: u32| {
            let origin = crate::engine::origin::current();
            let value = Scalar::from_i64(DType::U32, i64::from(v));
            Array::adopt(self, self.recorder().record_slot(value, origin.as_ref()))
        };
        Array::record(self, Op::Rng { dist, shape: Shape::new(shape), dtype }, &[&slot(key), &slot(stream)], None)
    }
}

impl Array {
    /// The i32 coordinate along an axis.
    pub(super) fn iota_of(engine: &Engine, shape: &[usize], axis: usize) -> Result<Self> {
        engine.iota(shape, axis, DType::I32)
    }
}
