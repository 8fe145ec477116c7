//! Reads the records that the scripts in `oracle/` made from Octave.
#![allow(dead_code, reason = "each test file uses its part of these readers")]

use lazurite_cli::script::host::{HostData, HostValue};
use std::path::PathBuf;

/// One case of a record: the line after `=== ` and everything up to the next such line.
pub struct Section<'a> {
    pub name: &'a str,
    pub body: &'a str,
}

/// The folder of the records.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// The bytes of the record `name`.
pub fn record_bytes(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The text of the record `name`.
pub fn record(name: &str) -> String {
    String::from_utf8(record_bytes(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The cases of a record whose cases open with `=== name`.
pub fn sections(text: &str) -> Vec<Section<'_>> {
    let mut starts: Vec<usize> = text.match_indices("\n=== ").map(|(i, _)| i + 1).collect();
    starts.push(text.len());
    starts
        .windows(2)
        .map(|w| {
            let part = &text[w[0] + 4..w[1]];
            let (name, body) = part.split_once('\n').unwrap_or((part, ""));
            Section { name, body }
        })
        .collect()
}

/// A value from its two lines, `class dims` and the elements; also what follows them.
pub fn parse_value(text: &str) -> Result<(HostValue, &str), String> {
    let (head, rest) = text.split_once('\n').ok_or("no class line")?;
    let (elements, rest) = rest.split_once('\n').ok_or("no line of elements")?;
    let (class, dims) = head.split_once(' ').ok_or_else(|| format!("no dimensions in '{head}'"))?;
    let dims = dims.split('x').map(|d| d.parse::<usize>()).collect::<Result<Vec<_>, _>>();
    let dims = dims.map_err(|e| format!("{head}: {e}"))?;
    let words = || elements.split_whitespace();
    let wrong = |e: &dyn std::fmt::Display| format!("{head}: {e}");
    let data = match class {
        "double" => HostData::F64(words().map(str::parse).collect::<Result<_, _>>().map_err(|e| wrong(&e))?),
        "single" => HostData::F32(words().map(str::parse).collect::<Result<_, _>>().map_err(|e| wrong(&e))?),
        "int32" => HostData::I32(words().map(str::parse).collect::<Result<_, _>>().map_err(|e| wrong(&e))?),
        "int64" => HostData::I64(words().map(str::parse).collect::<Result<_, _>>().map_err(|e| wrong(&e))?),
        "uint8" => HostData::U8(words().map(str::parse).collect::<Result<_, _>>().map_err(|e| wrong(&e))?),
        "char" => HostData::Char(words().map(str::parse).collect::<Result<_, _>>().map_err(|e| wrong(&e))?),
        "logical" => HostData::Bool(words().map(|w| w == "1").collect()),
        other => return Err(format!("unknown class {other}")),
    };
    let value = HostValue::new(dims, data).ok_or_else(|| format!("{head}: a wrong number of elements"))?;
    Ok((value, rest))
}
