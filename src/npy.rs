//! NumPy's `.npy` format, versions 1 to 3: the header, both ways. What follows it is the caller's to read and write.
//!
//! Reading trusts nothing: the length of the header and its text are checked before anything is allocated on their word. The extents
//! that a header states are not: a caller that allocates for them must compare them with the data that is there.

use std::fmt;
use std::io::Read;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Headers in the wild have about a hundred bytes.
const MAX_HEADER: usize = 64 << 10;
/// As many axes as a graph may have.
const MAX_RANK: usize = 32;

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementType {
    /// What it is.
    pub kind: ElementKind,
    /// Its bytes.
    pub width: usize,
    /// Whether its first byte is the highest.
    pub big_endian: bool,
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementKind {
    /// A truth value.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    UInt,
    /// A floating-point number.
    Float,
}

impl ElementType {
    /// A little-endian type.
    #[must_use]
    pub const fn new(kind: ElementKind, width: usize) -> Self {
        Self { kind, width, big_endian: false }
    }

    /// The type that a header's `descr` names, if it is a plain one.
    #[must_use]
    pub fn from_descr(descr: &str) -> Option<Self> {
        let [order @ (b'<' | b'>' | b'|' | b'='), kind, width @ b'1'..=b'8'] = *descr.as_bytes() else { return None };
        let width = usize::from(width - b'0');
        let (kind, widths): (_, &[usize]) = match kind {
            b'b' => (ElementKind::Bool, &[1]),
            b'i' => (ElementKind::Int, &[1, 2, 4, 8]),
            b'u' => (ElementKind::UInt, &[1, 2, 4, 8]),
            b'f' => (ElementKind::Float, &[2, 4, 8]),
            _ => return None,
        };
        widths.contains(&width).then_some(Self { kind, width, big_endian: order == b'>' })
    }

    /// Its name in a header.
    #[must_use]
    pub fn descr(self) -> String {
        let order = match (self.width, self.big_endian) {
            (1, _) => '|',
            (_, true) => '>',
            (_, false) => '<',
        };
        let kind = match self.kind {
            ElementKind::Bool => 'b',
            ElementKind::Int => 'i',
            ElementKind::UInt => 'u',
            ElementKind::Float => 'f',
        };
        format!("{order}{kind}{}", self.width)
    }
}

/// What a header states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of the elements, as the file names it; see [`ElementType::from_descr`].
    pub descr: String,
    /// Whether the first axis is the fastest.
    pub fortran_order: bool,
    /// The extents.
    pub shape: Vec<usize>,
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The file does not begin as one of this format.
    NotNpy,
    /// The file ends within the header.
    CutOff,
    /// The version of the format is not known.
    Version(u8),
    /// The header is said to have so many bytes.
    TooLong(usize),
    /// The text of the header is not what it should be.
    Malformed(String),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNpy => f.write_str("this is not an .npy file"),
            Self::CutOff => f.write_str("the file ends inside its header"),
            Self::Version(version) => write!(f, ".npy files of version {version} are not known"),
            Self::TooLong(length) => {
                write!(f, "the header claims {length} bytes; at most {MAX_HEADER} are accepted")
            }
            Self::Malformed(what) => write!(f, "{what} in the header"),
        }
    }
}

/// A header that was read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it states.
    pub header: Header,
    /// The bytes up to the first element.
    pub data_at: u64,
}

impl Header {
    /// Reads the header at the beginning of a file and leaves the file at the first element.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub fn read(file: &mut impl Read) -> Result<Opened, HeaderError> {
        let mut start = [0u8; 10];
        file.read_exact(&mut start).map_err(|_| HeaderError::NotNpy)?;
        if &start[..6] != MAGIC {
            return Err(HeaderError::NotNpy);
        }
        let (length, before) = match start[6] {
            1 => (usize::from(u16::from_le_bytes([start[8], start[9]])), 10),
            2 | 3 => {
                let mut more = [0u8; 2];
                file.read_exact(&mut more).map_err(|_| HeaderError::CutOff)?;
                (u32::from_le_bytes([start[8], start[9], more[0], more[1]]) as usize, 12)
            }
            version => return Err(HeaderError::Version(version)),
        };
        if length > MAX_HEADER {
            return Err(HeaderError::TooLong(length));
        }
        let mut text = vec![0; length];
        file.read_exact(&mut text).map_err(|_| HeaderError::CutOff)?;
        let header = parse(&text).map_err(HeaderError::Malformed)?;
        Ok(Opened { header, data_at: before + length as u64 })
    }

    /// The header of a file, up to the first element, which begins at a multiple of 64 bytes: of version 1, or of version 2 where the
    /// text is longer than version 1 can say.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let order = if self.fortran_order { "True" } else { "False" };
        let extents: String = self.shape.iter().map(|d| format!("{d}, ")).collect();
        let shape = match self.shape.len() {
            1 => extents.trim_end(),
            _ => extents.trim_end_matches(", "),
        };
        let text = format!("{{'descr': '{}', 'fortran_order': {order}, 'shape': ({shape}), }}", self.descr);
        // Blanks and a line end bring the text to the next multiple of 64 bytes.
        let length = |before: usize| (before + text.len() + 1).next_multiple_of(64) - before;
        let mut out = MAGIC.to_vec();
        match u16::try_from(length(10)) {
            Ok(length) => {
                out.extend([1, 0]);
                out.extend(length.to_le_bytes());
            }
            Err(_) => {
                out.extend([2, 0]);
                out.extend((length(12) as u32).to_le_bytes());
            }
        }
        out.extend(text.as_bytes());
        while !(out.len() + 1).is_multiple_of(64) {
            out.push(b' ');
        }
        out.push(b'\n');
        out
    }
}

/// Reads `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`: the three entries in any order and no others.
fn parse(text: &[u8]) -> Result<Header, String> {
    let text = std::str::from_utf8(text).map_err(|_| "text that is not UTF-8".to_owned())?;
    let mut rest = text.trim().strip_prefix('{').ok_or("no opening brace")?.trim_start();
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest).ok_or_else(|| format!("no key at '{}'", shortened(rest)))?;
        let value = after.trim_start().strip_prefix(':').ok_or("no colon after a key")?.trim_start();
        rest = match key {
            "descr" => {
                let (text, after) = quoted(value).ok_or("a structured or unreadable 'descr'")?;
                descr = Some(text.to_owned());
                after
            }
            "fortran_order" => {
                let (flag, after) = truth(value).ok_or("a 'fortran_order' that is neither True nor False")?;
                fortran_order = Some(flag);
                after
            }
            "shape" => {
                let (extents, after) = extents(value)?;
                shape = Some(extents);
                after
            }
            _ => return Err(format!("the unknown key '{}'", shortened(key))),
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        if rest.is_empty() {
            return Err("no closing brace".into());
        }
    }
    let shape = shape.ok_or("no 'shape'")?;
    if shape.len() > MAX_RANK {
        return Err(format!("{} dimensions, where at most {MAX_RANK} are accepted,", shape.len()));
    }
    Ok(Header { descr: descr.ok_or("no 'descr'")?, fortran_order: fortran_order.ok_or("no 'fortran_order'")?, shape })
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

fn truth(text: &str) -> Option<(bool, &str)> {
    let yes = text.strip_prefix("True").map(|after| (true, after));
    yes.or_else(|| text.strip_prefix("False").map(|after| (false, after)))
}

fn extents(text: &str) -> Result<(Vec<usize>, &str), String> {
    let inner = text.strip_prefix('(').ok_or("a 'shape' that is no tuple")?;
    let (inner, after) = inner.split_once(')').ok_or("a 'shape' without its end")?;
    let extents = inner.split(',').map(str::trim).filter(|extent| !extent.is_empty());
    let extents = extents
        .map(|extent| extent.trim_end_matches('L').parse().map_err(|_| format!("the extent '{}'", shortened(extent))));
    Ok((extents.collect::<Result<_, String>>()?, after))
}

fn shortened(text: &str) -> String {
    text.chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_written() {
        for (descr, fortran_order, shape) in
            [("<f8", false, vec![]), ("|b1", false, vec![7]), (">i2", true, vec![3, 4]), ("|u1", true, vec![0, 1, 2])]
        {
            let header = Header { descr: descr.into(), fortran_order, shape };
            let bytes = header.write();
            let opened = Header::read(&mut &bytes[..]).unwrap();
            assert_eq!(opened.header, header);
            assert_eq!((opened.data_at, bytes.len() % 64), (bytes.len() as u64, 0));
            assert_eq!(ElementType::from_descr(descr).unwrap().descr(), descr);
        }
    }

    #[test]
    fn as_many_axes_as_a_graph_has_are_read() {
        let of = |axes: usize| Header { descr: "<f8".into(), fortran_order: false, shape: vec![1; axes] };
        assert_eq!(Header::read(&mut &of(32).write()[..]).unwrap().header, of(32));
        let refused = Header::read(&mut &of(33).write()[..]).unwrap_err().to_string();
        assert!(refused.contains("33 dimensions, where at most 32 are accepted"), "{refused}");
    }

    #[test]
    fn a_text_too_long_for_version_1_is_written_as_version_2() {
        let of = |axes: usize| Header { descr: "<f8".into(), fortran_order: false, shape: vec![7; axes] }.write();
        let stated = |bytes: &[u8]| match bytes[6] {
            1 => 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]])),
            _ => 12 + u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize,
        };
        // Each axis takes three bytes: somewhere here is the longest text of version 1.
        for axes in 21_810..21_840 {
            let bytes = of(axes);
            assert_eq!((stated(&bytes), bytes.len() % 64), (bytes.len(), 0), "{axes} axes");
            assert_eq!(
                (bytes[6], bytes.last()),
                (if bytes.len() - 10 > 65_535 { 2 } else { 1 }, Some(&b'\n')),
                "{axes} axes"
            );
        }
        assert_eq!((of(21_800)[6], of(30_000)[6]), (1, 2));
        let length = of(30_000).len() - 12;
        assert_eq!(Header::read(&mut &of(30_000)[..]).unwrap_err(), HeaderError::TooLong(length));
    }

    #[test]
    fn headers_are_spelled_as_numpy_does() {
        let of = |shape: &[usize]| Header { descr: "<f4".into(), fortran_order: false, shape: shape.to_vec() }.write();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes[10..]).trim_end().to_owned();
        assert_eq!(text(of(&[5])), "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }");
        assert_eq!(text(of(&[5, 6])), "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 6), }");
        assert_eq!(text(of(&[])), "{'descr': '<f4', 'fortran_order': False, 'shape': (), }");
    }
}
