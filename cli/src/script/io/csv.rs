//! Comma-separated numbers: one row a line, blanks around numbers allowed, empty lines skipped.
//!
//! A first line without any number is a header. Any other field that is not a number is an error that names its line.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::contents::{Contents, Elements};

pub(super) fn read(path: &Path) -> Result<Contents, String> {
    let name = path.display();
    let bytes = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    parse(&name.to_string(), &bytes)
}

/// The table in the bytes of a file.
pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Contents, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{name}: the file is not UTF-8 text"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut values = Vec::new();
    let mut columns = None;
    let mut rows = 0;
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if rows == 0 && columns.is_none() && fields.iter().all(|f| number(f).is_none()) {
            columns = Some((fields.len(), at + 1));
            continue;
        }
        let (expected, since) = *columns.get_or_insert((fields.len(), at + 1));
        if fields.len() != expected {
            return Err(format!(
                "{name}: line {} has {} fields where line {since} has {expected}",
                at + 1,
                fields.len()
            ));
        }
        for (column, field) in fields.iter().enumerate() {
            let value = number(field)
                .ok_or_else(|| format!("{name}: line {}, field {}: '{field}' is not a number", at + 1, column + 1))?;
            values.push(value);
        }
        rows += 1;
    }
    let dims = vec![rows, if rows == 0 { 0 } else { columns.map_or(0, |(n, _)| n) }];
    Ok(Contents { dims, columns_first: false, elements: Elements::F64(values) })
}

/// A number, or a word that stands for a missing one.
fn number(field: &str) -> Option<f64> {
    match field.to_ascii_lowercase().as_str() {
        "nan" | "na" => Some(f64::NAN),
        "inf" | "+inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        // This also accepts `infinity`, which does no harm.
        text => text.parse().ok(),
    }
}

pub(super) fn write(path: &Path, contents: &Contents) -> Result<(), String> {
    let name = path.display();
    if contents.dims.len() > 2 {
        return Err(format!("{name}: a .csv file has two dimensions, and this array has {}", contents.dims.len()));
    }
    let rows = contents.dims.first().copied().unwrap_or(1);
    let values = contents.elements.to_f64();
    let single = matches!(contents.elements, Elements::F32(_));
    let mut text = String::new();
    for row in 0..rows {
        for (column, value) in values.iter().skip(row).step_by(rows.max(1)).enumerate() {
            if column > 0 {
                text.push(',');
            }
            // The shortest text that reads back as the same number of its type.
            if single {
                text.push_str(&format!("{}", *value as f32));
            } else {
                text.push_str(&format!("{value}"));
            }
        }
        text.push('\n');
    }
    let mut file = fs::File::create(path).map_err(|error| format!("{name}: {error}"))?;
    file.write_all(text.as_bytes()).map_err(|error| format!("{name}: {error}"))
}
