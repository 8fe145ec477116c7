//! Weak scalars: plain numbers beside an array take its dtype.

use super::Array;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::graph::Op;
use crate::types::{DType, Scalar};

/// The right side of an operation: an array, or a number that takes the array's dtype.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operand<'a> {
    /// An array of the same engine.
    Array(&'a Array),
    /// An array of the same engine that the operation consumes.
    Owned(Array),
    /// A real number; for integer arrays it must be whole and in range.
    Float(f64),
    /// A whole number.
    Int(i64),
    /// A truth value.
    Bool(bool),
}

impl<'a> From<&'a Array> for Operand<'a> {
    fn from(a: &'a Array) -> Self {
        Self::Array(a)
    }
}

impl From<Array> for Operand<'_> {
    fn from(a: Array) -> Self {
        Self::Owned(a)
    }
}

macro_rules! weak {
    ($($t:ty => $v:ident as $as:ty),* $(,)?) => { $(
        impl From<$t> for Operand<'_> {
            fn from(x: $t) -> Self { Self::$v(<$as>::from(x)) }
        }
    )* };
}
weak!(f32 => Float as f64, f64 => Float as f64, i32 => Int as i64, i64 => Int as i64, u32 => Int as i64, bool => Bool as bool);

impl Operand<'_> {
    /// The scalar this number is in `dtype`; `None` for arrays.
    pub(super) fn to_scalar(&self, dtype: DType) -> Result<Option<Scalar>> {
        let value = match *self {
            Self::Array(_) | Self::Owned(_) => return Ok(None),
            Self::Float(v) => v,
            Self::Int(v) if dtype.is_int() => {
                let s = Scalar::from_i64(dtype, v);
                return if s.to_i64() == v { Ok(Some(s)) } else { Err(out_of_range(&v.to_string(), dtype)) };
            }
            Self::Int(v) => v as f64,
            Self::Bool(v) => f64::from(u8::from(v)),
        };
        if dtype == DType::Bool && !matches!(self, Self::Bool(_)) {
            return Err(Error::dtype(format!(
                "expected a truth value beside a bool array, given {value}; cast the array"
            )));
        }
        let s = Scalar::from_f64(dtype, value);
        if dtype.is_int() && s.to_f64() != value {
            return Err(out_of_range(&value.to_string(), dtype));
        }
        Ok(Some(s))
    }

    /// The array, if it is one.
    pub(super) fn array(&self) -> Option<&Array> {
        match self {
            Self::Array(a) => Some(a),
            Self::Owned(a) => Some(a),
            _ => None,
        }
    }

    /// This operand as an array: numbers become a literal (values that plans may test) or a scalar slot.
    pub(super) fn into_array(self, engine: &Engine, dtype: DType) -> Result<Array> {
        match self {
            Self::Array(a) => Ok(a.clone()),
            Self::Owned(a) => Ok(a),
            _ => match self.to_scalar(dtype)? {
                Some(s) => Array::from_scalar(engine, s),
                None => Err(Error::internal("an operand that is neither array nor number")),
            },
        }
    }
}

fn out_of_range(value: &str, dtype: DType) -> Error {
    Error::dtype(format!("expected a number that {dtype} holds exactly, given {value}; cast the array or the number"))
}

impl Array {
    /// A 0-d array of one value.
    pub(super) fn from_scalar(engine: &Engine, value: Scalar) -> Result<Self> {
        if value.is_structural() {
            return Self::record(engine, Op::Literal(value), &[], None);
        }
        let slot = crate::engine::origin::with_current(|origin| engine.recorder().record_slot(value, origin));
        Ok(Self::adopt(engine, slot))
    }

    /// A 0-d constant that is part of plans whatever its value: for numbers that follow from shapes.
    pub(super) fn literal(engine: &Engine, value: Scalar) -> Result<Self> {
        Self::record(engine, Op::Literal(value), &[], None)
    }
}
