//! NumPy's `.npy` files as the contents of variables.
//!
//! Reading trusts nothing: the shape that a header states is held against the size of the file before anything is allocated.

use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::path::Path;

use lazurite::unstable::npy::{ElementKind, ElementType, Header, Opened};

use super::contents::{Contents, Elements};

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
    let fail = |error: std::io::Error| format!("{name}: {error}");
    let Opened { header, data_at } = Header::read(file).map_err(|error| format!("{name}: {error}"))?;
    let of = ElementType::from_descr(&header.descr).filter(|of| supported(*of)).ok_or_else(|| {
        format!(
            "{name}: elements of type '{}' are not supported; expected bool, 8 to 64-bit integers or f4, f8",
            header.descr
        )
    })?;
    let width = of.width;
    let bytes = header
        .shape
        .iter()
        .try_fold(1u64, |n, d| n.checked_mul(*d as u64))
        .and_then(|n| n.checked_mul(width as u64))
        .filter(|n| usize::try_from(*n).is_ok());
    let present = size.saturating_sub(data_at);
    let bytes = match bytes {
        Some(bytes) if bytes <= present => bytes as usize,
        _ => {
            return Err(format!(
                "{name}: the header states {:?} elements of {width} bytes, but only {present} bytes follow",
                header.shape
            ));
        }
    };
    let mut data = Vec::new();
    data.try_reserve_exact(bytes).map_err(|_| format!("{name}: {bytes} bytes could not be allocated"))?;
    file.take(bytes as u64).read_to_end(&mut data).map_err(fail)?;
    if data.len() != bytes {
        return Err(format!("{name}: the file ended after {} of {bytes} bytes", data.len()));
    }
    Ok(Contents { dims: header.shape, columns_first: header.fortran_order, elements: convert(of, data) })
}

/// Whether [`Elements`] can hold elements of this type.
fn supported(of: ElementType) -> bool {
    !matches!((of.kind, of.width), (ElementKind::UInt, 8) | (ElementKind::Float, 2))
}

fn convert(of: ElementType, data: Vec<u8>) -> Elements {
    // A macro, because the conversions are functions of the same name on unrelated types.
    macro_rules! words {
        ($t:ty) => {
            data.chunks_exact(size_of::<$t>())
                .map(|word| {
                    // `chunks_exact` gives exactly this many bytes.
                    let mut bytes = [0; size_of::<$t>()];
                    bytes.copy_from_slice(word);
                    if of.big_endian { <$t>::from_be_bytes(bytes) } else { <$t>::from_le_bytes(bytes) }
                })
                .collect()
        };
    }
    match (of.kind, of.width) {
        (ElementKind::Bool, _) => Elements::Bool(data.iter().map(|byte| *byte != 0).collect()),
        (ElementKind::Float, 4) => Elements::F32(words!(f32)),
        (ElementKind::Float, _) => Elements::F64(words!(f64)),
        (ElementKind::UInt, 1) => Elements::U8(data),
        (ElementKind::UInt, 2) => Elements::U16(words!(u16)),
        (ElementKind::UInt, _) => Elements::U32(words!(u32)),
        (ElementKind::Int, 1) => Elements::I8(words!(i8)),
        (ElementKind::Int, 2) => Elements::I16(words!(i16)),
        (ElementKind::Int, 4) => Elements::I32(words!(i32)),
        (ElementKind::Int, _) => Elements::I64(words!(i64)),
    }
}

pub(super) fn write(path: &Path, contents: &Contents) -> Result<(), String> {
    use ElementKind::{Bool, Float, Int, UInt};
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = &mut BufWriter::new(File::create(path).map_err(fail)?);
    match &contents.elements {
        Elements::Bool(v) => write_as(file, contents, Bool, v, |x| [u8::from(x)]),
        Elements::U8(v) => write_as(file, contents, UInt, v, u8::to_le_bytes),
        Elements::I8(v) => write_as(file, contents, Int, v, i8::to_le_bytes),
        Elements::U16(v) => write_as(file, contents, UInt, v, u16::to_le_bytes),
        Elements::I16(v) => write_as(file, contents, Int, v, i16::to_le_bytes),
        Elements::U32(v) => write_as(file, contents, UInt, v, u32::to_le_bytes),
        Elements::I32(v) => write_as(file, contents, Int, v, i32::to_le_bytes),
        Elements::I64(v) => write_as(file, contents, Int, v, i64::to_le_bytes),
        Elements::F32(v) => write_as(file, contents, Float, v, f32::to_le_bytes),
        Elements::F64(v) => write_as(file, contents, Float, v, f64::to_le_bytes),
    }
    .map_err(fail)
}

/// Writes elements of `N` bytes each.
fn write_as<T: Copy, const N: usize>(
    file: &mut BufWriter<File>,
    contents: &Contents,
    kind: ElementKind,
    elements: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> std::io::Result<()> {
    let descr = ElementType::new(kind, N).descr();
    let header = Header { descr, fortran_order: contents.columns_first, shape: contents.dims.clone() };
    file.write_all(&header.write())?;
    elements.iter().try_for_each(|x| file.write_all(&bytes(*x)))?;
    file.flush()
}
