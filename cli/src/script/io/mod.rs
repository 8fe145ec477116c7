//! Files of numbers.
//!
//! In: a path. Out: the elements with their order and dimensions, or a message that says what is wrong with the file. The
//! extension decides the format. It knows neither classes of the language nor the engine.

mod csv;
mod npy;

use std::path::Path;

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

/// Reads an `.npy` or `.csv` file.
///
/// # Errors
/// What is wrong with the path or the file, without a place in a script.
pub fn read(path: &Path) -> Result<Contents, String> {
    match extension(path).as_deref() {
        Some("npy") => npy::read(path),
        Some("csv") => csv::read(path),
        _ => Err(format!("{}: only .npy and .csv files can be read", path.display())),
    }
}

/// What a file with these bytes would hold: an `.npy` array, or a table of numbers where `csv` says so.
///
/// # Errors
/// As [`read`], with `name` for the file.
pub fn parse(name: &str, bytes: &[u8], csv: bool) -> Result<Contents, String> {
    if csv { csv::parse(name, bytes) } else { npy::parse(name, bytes.len() as u64, &mut &*bytes) }
}

/// Writes an `.npy` or `.csv` file; the elements are in column-major order. A CSV file takes at most two axes.
///
/// # Errors
/// What is wrong with the path or the contents.
pub fn write(path: &Path, contents: &Contents) -> Result<(), String> {
    match extension(path).as_deref() {
        Some("npy") => npy::write(path, contents),
        Some("csv") => csv::write(path, contents),
        _ => Err(format!("{}: only .npy and .csv files can be written", path.display())),
    }
}

fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase)
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

#[cfg(test)]
mod tests;
