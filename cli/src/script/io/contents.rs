//! What files of numbers hold: elements in the type that is stored, with their extents and order.

/// Elements of a file, in the type it stores.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is named after its element type")]
pub enum Elements {
    Bool(Vec<bool>),
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// The contents of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// The extents, as the file states them.
    pub dims: Vec<usize>,
    /// Whether the first axis is the fastest.
    pub columns_first: bool,
    /// The elements in the file's order.
    pub elements: Elements,
}

impl Elements {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Elements::Bool(v) => v.len(),
            Elements::U8(v) => v.len(),
            Elements::I8(v) => v.len(),
            Elements::U16(v) => v.len(),
            Elements::I16(v) => v.len(),
            Elements::U32(v) => v.len(),
            Elements::I32(v) => v.len(),
            Elements::I64(v) => v.len(),
            Elements::F32(v) => v.len(),
            Elements::F64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them as doubles; 64-bit integers beyond 2^53 lose their low bits.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Elements::Bool(v) => v.iter().map(|x| f64::from(u8::from(*x))).collect(),
            Elements::U8(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::I8(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::U16(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::I16(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::U32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::I32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::I64(v) => v.iter().map(|x| *x as f64).collect(),
            Elements::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::F64(v) => v.clone(),
        }
    }
}
