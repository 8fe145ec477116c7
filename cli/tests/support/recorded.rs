//! Reads the records that the scripts in `oracle/` made from Octave.

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

/// One program of `language.txt`.
pub struct RecordedScript<'a> {
    pub name: &'a str,
    pub text: &'a str,
    /// What it prints, up to where it fails.
    pub output: &'a str,
    /// Octave's message, where it fails.
    pub error: Option<&'a str>,
}

/// The programs of `language.txt`.
pub fn programs(text: &str) -> Vec<RecordedScript<'_>> {
    sections(text).into_iter().map(program).collect()
}

fn program(section: Section<'_>) -> RecordedScript<'_> {
    let Section { name, body } = section;
    let (text, rest) = body.split_once("--- output\n").unwrap_or_else(|| panic!("{name}: no output part"));
    let (output, error) = match rest.split_once("--- error\n") {
        Some((output, error)) => (output, Some(error.trim_end())),
        None => (rest, None),
    };
    RecordedScript { name, text, output, error }
}

/// The results of the example `name`: variables and their values, from the section `written`, `double` (what a single
/// precision result is to be near; the same as `written` where the script has no single) or `outside`.
pub fn example_results(name: &str, section: &str) -> Vec<(String, HostValue)> {
    let text = record(&format!("examples/{name}.txt"));
    let all = sections(&text);
    let find = |wanted: &str| all.iter().find(|s| s.name == wanted);
    let found = find(section).or_else(|| if section == "double" { find("written") } else { None });
    let mut rest = found.unwrap_or_else(|| panic!("{name}: no section {section}")).body;
    let mut results = Vec::new();
    while !rest.is_empty() {
        let (variable, value) = rest.split_once(' ').expect("a variable");
        let (value, after) = parse_value(value).unwrap_or_else(|e| panic!("{name}: {variable}: {e}"));
        results.push((variable.to_owned(), value));
        rest = after;
    }
    results
}

/// What `out` is after one script of `tests/spellings/GROUP/`.
pub struct Spelling {
    /// The script's name without `.m`: `base`, `same_…` or `different_…`.
    pub name: String,
    pub dims: Vec<usize>,
    /// Every `stride`-th element is recorded, in column-major order from the first.
    pub stride: usize,
    /// The largest magnitude of all elements.
    pub largest: f64,
    pub elements: Vec<f64>,
}

/// The spellings of a group: `pca`, `explained`, `epilogue` or `normalise`.
pub fn spellings(group: &str) -> Vec<Spelling> {
    let text = record(&format!("spellings/{group}.txt"));
    let read = |section: &Section<'_>| -> Option<Spelling> {
        let (head, elements) = section.body.split_once('\n')?;
        let [dims, stride, largest] = head.split(' ').collect::<Vec<_>>()[..] else { return None };
        Some(Spelling {
            name: section.name.to_owned(),
            dims: dims.split('x').map(|d| d.parse().ok()).collect::<Option<_>>()?,
            stride: stride.parse().ok()?,
            largest: largest.parse().ok()?,
            elements: elements.split_whitespace().map(|x| x.parse().ok()).collect::<Option<_>>()?,
        })
    };
    let all = sections(&text);
    all.iter().map(|s| read(s).unwrap_or_else(|| panic!("{group}/{}: unreadable", s.name))).collect()
}
