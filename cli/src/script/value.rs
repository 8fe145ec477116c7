//! The values of the script language.
//!
//! In: numbers, host arrays and engine handles. Out: one type with MATLAB's classes and dimensions. Scalars, ranges, strings
//! and literal matrices stay on the host until an operation needs them as arrays; every other value is a handle whose
//! dimensions are known and whose elements may not exist yet. It knows the engine's array type and none of its operations.

use std::cell::OnceCell;
use std::rc::Rc;

use lazurite::{Array, DType, Order};

use super::classes::{Class, Operand};
use super::diagnostic::Span;
use super::host::{HostData, HostValue};

/// A value of the script language.
#[derive(Clone)]
pub enum Value {
    /// A 1×1 value that is known on the host.
    Scalar(HostScalar),
    /// An array whose elements are known on the host.
    Host(Rc<HostArray>),
    /// `start : step : stop`, not written out.
    Range(Range),
    /// An array of the engine.
    Array(Tensor),
}

/// A 1×1 value that is known on the host. `value` is what the class can hold: rounded for `single`, whole for integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostScalar {
    /// The class.
    pub class: Class,
    /// The number.
    pub value: f64,
}

/// An array whose elements are known on the host, and its leaf in the engine once one was made.
pub struct HostArray {
    /// Dimensions and elements.
    pub value: HostValue,
    /// Whether it was written with `"`, so that its escapes have been processed.
    pub double_quoted: bool,
    /// The uploaded form, made at most once.
    pub leaf: OnceCell<Array>,
}

/// Equally spaced numbers: element i is `start + i·step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The class of the elements.
    pub class: Class,
    /// The first element.
    pub start: f64,
    /// The distance.
    pub step: f64,
    /// How many elements there are.
    pub count: usize,
    /// No element passes this, even by rounding.
    pub limit: f64,
}

/// An array of the engine with what the engine does not know about it.
#[derive(Clone)]
pub struct Tensor {
    /// The handle; its shape is `dims`.
    pub array: Array,
    /// The class; `dtype_of(class)` is the handle's dtype.
    pub class: Class,
    /// At least two extents, without trailing ones beyond the second.
    pub dims: Vec<usize>,
    /// The operation that contributed to this and whose result may be complex in Octave.
    pub complex: Option<ComplexOrigin>,
}

/// Where a value may have left the real numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComplexOrigin {
    /// The operation.
    pub operation: &'static str,
    /// Its place.
    pub span: Span,
}

/// The engine's dtype for a class.
pub fn dtype_of(class: Class) -> DType {
    match class {
        Class::Double => DType::F64,
        Class::Single => DType::F32,
        Class::Int32 => DType::I32,
        Class::Int64 => DType::I64,
        Class::Uint8 | Class::Char => DType::U8,
        Class::Logical => DType::Bool,
    }
}

/// Dimensions without trailing ones, but at least two.
pub fn trimmed(mut dims: Vec<usize>) -> Vec<usize> {
    while dims.len() > 2 && dims.last() == Some(&1) {
        dims.pop();
    }
    while dims.len() < 2 {
        dims.push(1);
    }
    dims
}

/// The number of elements, saturated: an array of that size can be described but not stored.
pub fn numel_of(dims: &[usize]) -> usize {
    if dims.contains(&0) {
        return 0;
    }
    dims.iter().fold(1, |n, d| n.saturating_mul(*d))
}

impl HostScalar {
    /// A number as `class` holds it.
    pub fn new(class: Class, value: f64) -> Self {
        let value = match class {
            Class::Single => f64::from(value as f32),
            Class::Int32 => f64::from(super::classes::to_int32(value)),
            Class::Int64 => super::classes::to_int64(value) as f64,
            Class::Uint8 => f64::from(super::classes::to_uint8(value)),
            // A fraction of a character is cut off.
            Class::Char => f64::from(value as u8),
            Class::Logical => f64::from(u8::from(value != 0.0)),
            Class::Double => value,
        };
        Self { class, value }
    }
}

impl Range {
    /// Element `i`.
    pub fn get(&self, i: usize) -> f64 {
        let value = self.start + i as f64 * self.step;
        // The last element may pass the limit by rounding, and must not.
        if self.step >= 0.0 { value.min(self.limit) } else { value.max(self.limit) }
    }
}

impl Tensor {
    /// A handle with its class and dimensions, which may have trailing ones.
    pub fn new(array: Array, class: Class, dims: Vec<usize>) -> Self {
        let rank = dims.len();
        let dims = trimmed(dims);
        let array = if dims.len() == rank { array } else { array.reshape(&dims, Order::C) };
        Self { array, class, dims, complex: None }
    }

    /// Notes where it may have left the real numbers, unless that is noted already.
    #[must_use]
    pub fn with_complex(mut self, complex: Option<ComplexOrigin>) -> Self {
        self.complex = self.complex.or(complex);
        self
    }

    /// How many elements there are.
    pub fn numel(&self) -> usize {
        numel_of(&self.dims)
    }
}

impl Value {
    /// A `double` scalar.
    pub fn number(value: f64) -> Self {
        Value::Scalar(HostScalar { class: Class::Double, value })
    }

    /// A `logical` scalar.
    pub fn truth(value: bool) -> Self {
        Value::Scalar(HostScalar { class: Class::Logical, value: f64::from(u8::from(value)) })
    }

    /// A scalar of a class.
    pub fn scalar(class: Class, value: f64) -> Self {
        Value::Scalar(HostScalar::new(class, value))
    }

    /// A row of characters.
    pub fn text(text: impl Into<Vec<u8>>, double_quoted: bool) -> Self {
        let value = HostValue::string(text);
        Value::Host(Rc::new(HostArray { value, double_quoted, leaf: OnceCell::new() }))
    }

    /// A value on the host; 1×1 numbers become scalars.
    pub fn host(value: HostValue) -> Self {
        let class = class_of(&value.data);
        if value.dims == [1, 1]
            && class != Class::Char
            && let Some(number) = value.data.get_f64(0)
        {
            return Value::Scalar(HostScalar { class, value: number });
        }
        Value::Host(Rc::new(HostArray { value, double_quoted: false, leaf: OnceCell::new() }))
    }

    /// A row of doubles or, with a column's dimensions, a column.
    pub fn numbers(class: Class, dims: Vec<usize>, values: Vec<f64>) -> Self {
        let data = data_of(class, values.into_iter());
        // Every caller derives both from one source, so the number of elements is the product of the dimensions.
        match HostValue::new(trimmed(dims), data) {
            Some(value) => Value::host(value),
            None => Value::host(HostValue { dims: vec![0, 0], data: HostData::F64(Vec::new()) }),
        }
    }

    /// The class.
    pub fn class(&self) -> Class {
        match self {
            Value::Scalar(scalar) => scalar.class,
            Value::Host(host) => class_of(&host.value.data),
            Value::Range(range) => range.class,
            Value::Array(tensor) => tensor.class,
        }
    }

    /// The dimensions: at least two, and no trailing ones beyond.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            Value::Scalar(_) => vec![1, 1],
            Value::Host(host) => host.value.dims.clone(),
            Value::Range(range) => vec![1, range.count],
            Value::Array(tensor) => tensor.dims.clone(),
        }
    }

    /// How many elements there are.
    pub fn numel(&self) -> usize {
        match self {
            Value::Scalar(_) => 1,
            Value::Host(host) => host.value.numel(),
            Value::Range(range) => range.count,
            Value::Array(tensor) => tensor.numel(),
        }
    }

    /// Whether it is 1×1.
    pub fn is_scalar(&self) -> bool {
        self.dims() == [1, 1]
    }

    /// What the class rules need to know.
    pub fn operand(&self) -> Operand {
        Operand { class: self.class(), is_scalar: self.is_scalar() }
    }

    /// The number, if this is a 1×1 value on the host.
    pub fn known(&self) -> Option<HostScalar> {
        match self {
            Value::Scalar(scalar) => Some(*scalar),
            Value::Host(host) if host.value.dims == [1, 1] => {
                let value = host.value.data.get_f64(0)?;
                Some(HostScalar { class: self.class(), value })
            }
            Value::Range(range) if range.count == 1 => Some(HostScalar { class: range.class, value: range.get(0) }),
            _ => None,
        }
    }

    /// The characters, if this is a string.
    pub fn as_text(&self) -> Option<&[u8]> {
        match self {
            Value::Host(host) => match &host.value.data {
                HostData::Char(bytes) => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }

    /// The array of the engine, if this is one.
    pub fn as_tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Array(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// The elements on the host, column by column, if that needs no evaluation.
    pub fn host_value(&self) -> Option<HostValue> {
        match self {
            Value::Scalar(scalar) => {
                Some(HostValue { dims: vec![1, 1], data: data_of(scalar.class, std::iter::once(scalar.value)) })
            }
            Value::Host(host) => Some(host.value.clone()),
            Value::Range(range) => Some(HostValue {
                dims: vec![1, range.count],
                data: data_of(range.class, (0..range.count).map(|i| range.get(i))),
            }),
            Value::Array(_) => None,
        }
    }

    /// Where this may have left the real numbers.
    pub fn complex(&self) -> Option<ComplexOrigin> {
        match self {
            Value::Array(tensor) => tensor.complex,
            _ => None,
        }
    }
}

/// The class of elements on the host.
pub fn class_of(data: &HostData) -> Class {
    match data {
        HostData::F64(_) => Class::Double,
        HostData::F32(_) => Class::Single,
        HostData::I32(_) => Class::Int32,
        HostData::I64(_) => Class::Int64,
        HostData::U8(_) => Class::Uint8,
        HostData::Char(_) => Class::Char,
        HostData::Bool(_) => Class::Logical,
        // No class of the language has unsigned words; files with them are converted when read.
        HostData::U32(_) => Class::Double,
    }
}

/// Numbers as elements of a class, by the conversions of [`HostScalar::new`].
pub fn data_of(class: Class, values: impl Iterator<Item = f64>) -> HostData {
    use super::classes::{to_int32, to_int64, to_uint8};
    match class {
        Class::Double => HostData::F64(values.collect()),
        Class::Single => HostData::F32(values.map(|x| x as f32).collect()),
        Class::Int32 => HostData::I32(values.map(to_int32).collect()),
        Class::Int64 => HostData::I64(values.map(to_int64).collect()),
        Class::Uint8 => HostData::U8(values.map(to_uint8).collect()),
        Class::Char => HostData::Char(values.map(|x| x as u8).collect()),
        Class::Logical => HostData::Bool(values.map(|x| x != 0.0).collect()),
    }
}

/// Elements rearranged between row-major and column-major order of `dims`; `to_columns` says which way.
pub fn reordered<T: Copy>(values: &[T], dims: &[usize], to_columns: bool) -> Vec<T> {
    if dims.iter().filter(|d| **d != 1).count() < 2 || values.is_empty() {
        return values.to_vec();
    }
    // Strides of the source for each axis, in the order in which the result is written (its fastest axis first).
    let mut strides = vec![0usize; dims.len()];
    let mut step = 1;
    let fastest_first: Vec<usize> =
        if to_columns { (0..dims.len()).collect() } else { (0..dims.len()).rev().collect() };
    for axis in fastest_first.iter().rev() {
        strides[*axis] = step;
        step *= dims[*axis];
    }
    let mut out = Vec::with_capacity(values.len());
    let mut index = vec![0usize; dims.len()];
    let mut at = 0;
    let inner = fastest_first[0];
    while out.len() < values.len() {
        out.extend((0..dims[inner]).map(|i| values[at + i * strides[inner]]));
        // Advance the other axes like an odometer.
        for axis in &fastest_first[1..] {
            index[*axis] += 1;
            at += strides[*axis];
            if index[*axis] < dims[*axis] {
                break;
            }
            at -= strides[*axis] * dims[*axis];
            index[*axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_inverse_to_each_other() {
        // Row-major 2×3: rows are 1 2 3 and 4 5 6.
        assert_eq!(reordered(&[1, 2, 3, 4, 5, 6], &[2, 3], true), [1, 4, 2, 5, 3, 6]);
        assert_eq!(reordered(&[1, 4, 2, 5, 3, 6], &[2, 3], false), [1, 2, 3, 4, 5, 6]);
        let dims = [2, 3, 1, 4];
        let values: Vec<usize> = (0..24).collect();
        let columns = reordered(&values, &dims, true);
        assert_eq!(columns[1], 12);
        assert_eq!(reordered(&columns, &dims, false), values);
        assert_eq!(reordered::<u8>(&[], &[0, 3], true), Vec::<u8>::new());
    }

    #[test]
    fn ranges_do_not_pass_their_limit() {
        let range = Range { class: Class::Double, start: 0.0, step: 0.1, count: 11, limit: 1.0 };
        assert!(range.get(10) <= 1.0);
        let down = Range { class: Class::Double, start: 5.0, step: -2.0, count: 3, limit: 1.0 };
        assert_eq!(down.get(2), 1.0);
    }

    #[test]
    fn scalars_hold_what_their_class_can() {
        assert_eq!(HostScalar::new(Class::Int32, 2.5).value, 3.0);
        assert_eq!(HostScalar::new(Class::Int32, -2.5).value, -3.0);
        assert_eq!(HostScalar::new(Class::Single, 0.1).value, f64::from(0.1f32));
        assert_eq!(HostScalar::new(Class::Logical, -3.0).value, 1.0);
    }
}
