//! NumPy's `.npy` files, versions 1 to 3.
//!
//! Reading trusts nothing: the header's length, its text and the shape it states are held against the size of the file
//! before anything is allocated. The header is read here because a library's reader multiplies the extents unchecked;
//! writing goes through `npyz`.

use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::path::Path;

use npyz::WriterBuilder as _;

use super::contents::{Contents, Elements};

/// Headers in the wild have about a hundred bytes.
const MAX_HEADER: usize = 64 << 10;

pub(super) fn read(path: &Path) -> Result<Contents, String> {
    let name = path.display();
    let fail = |error: std::io::Error| format!("{name}: {error}");
    let mut file = File::open(path).map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    if !meta.is_file() {
        return Err(format!("{name}: this is not a file"));
    }
    parse(&name.to_string(), meta.len(), &mut file)
}

/// The array in `size` bytes of a file.
pub(super) fn parse(name: &str, size: u64, file: &mut impl Read) -> Result<Contents, String> {
    let (text, before) = header_text(name, file)?;
    let header = parse_header(&text).map_err(|what| format!("{name}: {what} in the header"))?;
    let element = element_type(&header.descr).ok_or_else(|| {
        format!(
            "{name}: elements of type '{}' are not supported; expected bool, 8 to 64-bit integers or f4, f8",
            header.descr
        )
    })?;
    let bytes = header
        .shape
        .iter()
        .try_fold(1u64, |n, d| n.checked_mul(*d as u64))
        .and_then(|n| n.checked_mul(element.width as u64))
        .filter(|n| usize::try_from(*n).is_ok());
    let present = size.saturating_sub(before);
    let Some(bytes) = bytes.filter(|bytes| *bytes <= present) else {
        return Err(format!(
            "{name}: the header states {:?} elements of {} bytes, but only {present} bytes follow",
            header.shape, element.width
        ));
    };
    let data = read_exactly(name, file, bytes as usize)?;
    Ok(Contents { dims: header.shape, columns_first: header.fortran, elements: convert(element, data) })
}

/// The header's text, and how many bytes come before the elements.
fn header_text(name: &str, file: &mut impl Read) -> Result<(Vec<u8>, u64), String> {
    let truncated = || format!("{name}: the file ends inside its header");
    let mut start = [0u8; 10];
    file.read_exact(&mut start).map_err(|_| format!("{name}: this is not an .npy file"))?;
    if &start[..6] != b"\x93NUMPY" {
        return Err(format!("{name}: this is not an .npy file"));
    }
    let (length, before) = match start[6] {
        1 => (usize::from(u16::from_le_bytes([start[8], start[9]])), 10u64),
        2 | 3 => {
            let mut more = [0u8; 2];
            file.read_exact(&mut more).map_err(|_| truncated())?;
            (u32::from_le_bytes([start[8], start[9], more[0], more[1]]) as usize, 12)
        }
        version => return Err(format!("{name}: .npy files of version {version} are not known")),
    };
    if length > MAX_HEADER {
        return Err(format!("{name}: the header claims {length} bytes; at most {MAX_HEADER} are accepted"));
    }
    let mut text = vec![0; length];
    file.read_exact(&mut text).map_err(|_| truncated())?;
    Ok((text, before + length as u64))
}

/// The next bytes of a file, of which there are as many by its size.
fn read_exactly(name: &str, file: &mut impl Read, bytes: usize) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    data.try_reserve_exact(bytes).map_err(|_| format!("{name}: {bytes} bytes could not be allocated"))?;
    file.take(bytes as u64).read_to_end(&mut data).map_err(|error| format!("{name}: {error}"))?;
    if data.len() != bytes {
        return Err(format!("{name}: the file ended after {} of {bytes} bytes", data.len()));
    }
    Ok(data)
}

struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`: the three entries in any order and no others.
fn parse_header(text: &[u8]) -> Result<Header, String> {
    let text = std::str::from_utf8(text).map_err(|_| "text that is not UTF-8".to_owned())?;
    let mut rest = text.trim().strip_prefix('{').ok_or("no opening brace")?.trim_start();
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest).ok_or_else(|| format!("no key at '{}'", shortened(rest)))?;
        let value = after.trim_start().strip_prefix(':').ok_or("no colon after a key")?.trim_start();
        match key {
            "descr" => {
                let (text, after) = quoted(value).ok_or("a structured or unreadable 'descr'")?;
                descr = Some(text.to_owned());
                rest = after;
            }
            "fortran_order" => {
                let yes = value.strip_prefix("True").map(|after| (true, after));
                let (flag, after) = yes
                    .or_else(|| value.strip_prefix("False").map(|after| (false, after)))
                    .ok_or("a 'fortran_order' that is neither True nor False")?;
                fortran = Some(flag);
                rest = after;
            }
            "shape" => {
                let inner = value.strip_prefix('(').ok_or("a 'shape' that is no tuple")?;
                let (inner, after) = inner.split_once(')').ok_or("a 'shape' without its end")?;
                let extents = inner.split(',').map(str::trim).filter(|extent| !extent.is_empty());
                let extents = extents.map(|extent| {
                    extent.trim_end_matches('L').parse().map_err(|_| format!("the extent '{}'", shortened(extent)))
                });
                shape = Some(extents.collect::<Result<Vec<usize>, String>>()?);
                rest = after;
            }
            _ => return Err(format!("the unknown key '{}'", shortened(key))),
        }
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        if rest.is_empty() {
            return Err("no closing brace".into());
        }
    }
    let shape = shape.ok_or("no 'shape'")?;
    if shape.len() > 16 {
        return Err(format!("{} dimensions, where at most 16 are accepted,", shape.len()));
    }
    Ok(Header { descr: descr.ok_or("no 'descr'")?, fortran: fortran.ok_or("no 'fortran_order'")?, shape })
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

fn shortened(text: &str) -> String {
    text.chars().take(24).collect()
}

/// The stored type of the elements.
struct ElementType {
    kind: Kind,
    big_endian: bool,
    /// In bytes.
    width: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
}

/// The type that `descr` names, if it is one of those that can be read.
fn element_type(descr: &str) -> Option<ElementType> {
    let [order @ (b'<' | b'>' | b'|' | b'='), kind @ (b'b' | b'i' | b'u' | b'f'), width @ b'1'..=b'8'] =
        *descr.as_bytes()
    else {
        return None;
    };
    let width = usize::from(width - b'0');
    let (kind, widths): (Kind, &[usize]) = match kind {
        b'b' => (Kind::Bool, &[1]),
        b'f' => (Kind::Float, &[4, 8]),
        b'u' => (Kind::Unsigned, &[1, 2, 4]),
        _ => (Kind::Signed, &[1, 2, 4, 8]),
    };
    widths.contains(&width).then_some(ElementType { kind, big_endian: order == b'>', width })
}

fn convert(element: ElementType, data: Vec<u8>) -> Elements {
    // A macro, because the conversions are functions of the same name on unrelated types.
    macro_rules! words {
        ($t:ty) => {
            data.chunks_exact(size_of::<$t>())
                .map(|word| {
                    // `chunks_exact` gives exactly this many bytes.
                    let mut bytes = [0; size_of::<$t>()];
                    bytes.copy_from_slice(word);
                    if element.big_endian { <$t>::from_be_bytes(bytes) } else { <$t>::from_le_bytes(bytes) }
                })
                .collect()
        };
    }
    match (element.kind, element.width) {
        (Kind::Bool, _) => Elements::Bool(data.iter().map(|byte| *byte != 0).collect()),
        (Kind::Float, 4) => Elements::F32(words!(f32)),
        (Kind::Float, _) => Elements::F64(words!(f64)),
        (Kind::Unsigned, 1) => Elements::U8(data),
        (Kind::Unsigned, 2) => Elements::U16(words!(u16)),
        (Kind::Unsigned, _) => Elements::U32(words!(u32)),
        (Kind::Signed, 1) => Elements::I8(words!(i8)),
        (Kind::Signed, 2) => Elements::I16(words!(i16)),
        (Kind::Signed, 4) => Elements::I32(words!(i32)),
        (Kind::Signed, _) => Elements::I64(words!(i64)),
    }
}

pub(super) fn write(path: &Path, contents: &Contents) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = BufWriter::new(File::create(path).map_err(fail)?);
    match &contents.elements {
        Elements::Bool(v) => write_as(&mut file, contents, v),
        Elements::U8(v) => write_as(&mut file, contents, v),
        Elements::I8(v) => write_as(&mut file, contents, v),
        Elements::U16(v) => write_as(&mut file, contents, v),
        Elements::I16(v) => write_as(&mut file, contents, v),
        Elements::U32(v) => write_as(&mut file, contents, v),
        Elements::I32(v) => write_as(&mut file, contents, v),
        Elements::I64(v) => write_as(&mut file, contents, v),
        Elements::F32(v) => write_as(&mut file, contents, v),
        Elements::F64(v) => write_as(&mut file, contents, v),
    }
    .and_then(|()| file.flush())
    .map_err(fail)
}

fn write_as<T: npyz::AutoSerialize + Copy>(
    file: &mut BufWriter<File>,
    contents: &Contents,
    values: &[T],
) -> std::io::Result<()> {
    let shape: Vec<u64> = contents.dims.iter().map(|d| *d as u64).collect();
    let order = if contents.columns_first { npyz::Order::Fortran } else { npyz::Order::C };
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape).order(order).writer(file);
    let mut writer = options.begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()
}
