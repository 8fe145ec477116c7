//! Files of numbers.
//!
//! In: a path, whose extension decides the format. Out: the elements with their order and dimensions, or a message that says what
//! is wrong with the file. It knows neither the classes of the language nor the engine.

mod contents;
mod csv;
mod npy;

use std::path::Path;

pub use contents::{Contents, Elements};

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

#[cfg(test)]
mod tests;
