//! Values read back to the host: what `display`, `disp`, `printf` and the file writers take.
//!
//! In and out: the elements of one value with its class and dimensions. It knows nothing about the engine.

/// The elements of a value, in column-major order, one variant for each class.
#[derive(Clone, Debug, PartialEq)]
pub enum HostData {
    /// `double`.
    F64(Vec<f64>),
    /// `single`.
    F32(Vec<f32>),
    /// `int32`.
    I32(Vec<i32>),
    /// `int64`.
    I64(Vec<i64>),
    /// `uint32`.
    U32(Vec<u32>),
    /// `uint8`.
    U8(Vec<u8>),
    /// `logical`.
    Bool(Vec<bool>),
    /// `char`, as bytes.
    Char(Vec<u8>),
}

impl HostData {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::U8(v) | Self::Char(v) => v.len(),
            Self::Bool(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `i` as a double (an `int64` beyond 2^53 loses its low bits); `None` past the end.
    pub fn get_f64(&self, i: usize) -> Option<f64> {
        match self {
            Self::F64(v) => v.get(i).copied(),
            Self::F32(v) => v.get(i).map(|x| f64::from(*x)),
            Self::I32(v) => v.get(i).map(|x| f64::from(*x)),
            Self::I64(v) => v.get(i).map(|x| *x as f64),
            Self::U32(v) => v.get(i).map(|x| f64::from(*x)),
            Self::U8(v) | Self::Char(v) => v.get(i).map(|x| f64::from(*x)),
            Self::Bool(v) => v.get(i).map(|x| f64::from(u8::from(*x))),
        }
    }

    /// The name that `class(x)` gives.
    pub fn class_name(&self) -> &'static str {
        match self {
            Self::F64(_) => "double",
            Self::F32(_) => "single",
            Self::I32(_) => "int32",
            Self::I64(_) => "int64",
            Self::U32(_) => "uint32",
            Self::U8(_) => "uint8",
            Self::Bool(_) => "logical",
            Self::Char(_) => "char",
        }
    }
}

/// A value on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostValue {
    /// The dimensions in script order, at least two.
    pub dims: Vec<usize>,
    /// The elements; their number is the product of `dims`.
    pub data: HostData,
}

impl HostValue {
    /// A value of `dims` (padded with ones to two) over column-major `data`; `None` if their numbers of elements differ.
    pub fn new(mut dims: Vec<usize>, data: HostData) -> Option<Self> {
        while dims.len() < 2 {
            dims.push(1);
        }
        let numel = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
        (numel == data.len()).then_some(Self { dims, data })
    }

    /// A 1×1 double.
    pub fn scalar(x: f64) -> Self {
        Self { dims: vec![1, 1], data: HostData::F64(vec![x]) }
    }

    /// A row of characters.
    pub fn string(text: impl Into<Vec<u8>>) -> Self {
        let bytes = text.into();
        // Octave's '' is 0x0, and its size shows in `size('')`.
        let dims = if bytes.is_empty() { vec![0, 0] } else { vec![1, bytes.len()] };
        Self { dims, data: HostData::Char(bytes) }
    }

    /// How many elements there are.
    pub fn numel(&self) -> usize {
        self.data.len()
    }
}
