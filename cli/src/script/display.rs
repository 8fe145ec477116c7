//! The text of an unsuppressed result: Octave's `format short`, byte for byte.
//!
//! In: a name and a host value. Out: the bytes that `name = value` or `disp(value)` prints. It knows nothing about the language
//! or the engine. The rules were worked out from recorded output (`oracle/record_display.m`), not from Octave's source; two
//! of them are surprising and marked below.
//!
//! A range is shown as the matrix of its elements. Octave sizes the columns of a range by its limit, which can be wider than
//! any element (`0:5:12` takes the width of 12); here `r = 0:5:12` and `r = [0:5:12]` look the same.

use super::cnumber;
use super::host::{HostData, HostValue};

/// The line width that Octave assumes without a terminal.
const LINE: usize = 80;
/// Significant digits of `format short`.
const DIGITS: i32 = 5;

/// What an unsuppressed statement prints for `value` under `name`, ending in a line break.
pub fn display(name: &str, value: &HostValue) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(name.as_bytes());
    if let HostData::Char(bytes) = &value.data {
        display_chars(&mut out, &value.dims, bytes);
        return out;
    }
    if value.numel() == 0 || value.numel() == 1 {
        out.extend_from_slice(b" = ");
        out.extend_from_slice(&disp(value));
        return out;
    }
    out.extend_from_slice(b" =\n\n");
    out.extend_from_slice(&disp(value));
    out.push(b'\n');
    out
}

/// What `disp(value)` prints, ending in a line break.
pub fn disp(value: &HostValue) -> Vec<u8> {
    if let HostData::Char(bytes) = &value.data {
        return disp_chars(&value.dims, bytes);
    }
    let mut out = String::new();
    let cells = Cells::of(&value.data);
    if value.numel() == 0 {
        out.push_str(&format!("[]({})\n", dims_text(&value.dims)));
    } else if value.dims.len() > 2 {
        pages(&mut out, value, &cells);
    } else {
        let columned = value.numel() != 1;
        let layout = Layout { n_rows: value.dims[0], n_cols: value.dims[1], columned, loose: false };
        page(&mut out, &cells, 0, &layout);
    }
    out.into_bytes()
}

/// Dimensions as `2x3`.
pub fn dims_text(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

fn display_chars(out: &mut Vec<u8>, dims: &[usize], bytes: &[u8]) {
    if dims.len() == 2 && (dims[0] == 1 || (dims[0] == 0)) {
        out.extend_from_slice(b" = ");
        out.extend_from_slice(bytes);
        out.push(b'\n');
        return;
    }
    out.extend_from_slice(b" =\n\n");
    out.extend_from_slice(&disp_chars(dims, bytes));
    out.push(b'\n');
}

fn disp_chars(dims: &[usize], bytes: &[u8]) -> Vec<u8> {
    let (n_rows, n_cols) = (dims[0], dims[1]);
    if n_rows == 0 {
        return b"\n".to_vec();
    }
    let n_pages: usize = dims[2..].iter().product();
    let mut out = Vec::new();
    for page_idx in 0..n_pages {
        if dims.len() > 2 {
            out.extend_from_slice(page_title(dims, page_idx).as_bytes());
            out.extend_from_slice(b" =\n\n");
        }
        for r in 0..n_rows {
            let row = (0..n_cols).filter_map(|c| bytes.get(page_idx * n_rows * n_cols + c * n_rows + r));
            out.extend(row);
            out.push(b'\n');
        }
        if dims.len() > 2 && page_idx + 1 < n_pages {
            out.push(b'\n');
        }
    }
    out
}

/// `ans(:,:,2,1)` for a page of an N-D value; Octave says `ans` whatever the name.
fn page_title(dims: &[usize], page_idx: usize) -> String {
    let mut rest = page_idx;
    let mut title = String::from("ans(:,:");
    for d in &dims[2..] {
        title.push_str(&format!(",{}", rest % d + 1));
        rest /= d;
    }
    title.push(')');
    title
}

fn pages(out: &mut String, value: &HostValue, cells: &Cells) {
    let (n_rows, n_cols) = (value.dims[0], value.dims[1]);
    let n_pages: usize = value.dims[2..].iter().product();
    let integer = matches!(value.data, HostData::I32(_) | HostData::I64(_) | HostData::U32(_) | HostData::U8(_));
    // A page of one integer is still laid out as a matrix; of other classes it stays on the title's line.
    let columned = n_rows * n_cols != 1 || integer;
    for page_idx in 0..n_pages {
        out.push_str(&page_title(&value.dims, page_idx));
        out.push_str(if columned { " =\n\n" } else { " = " });
        let is_last = page_idx + 1 == n_pages;
        // Octave puts two blank lines between blocks of columns of integers, but not on the last page.
        let layout = Layout { n_rows, n_cols, columned, loose: integer && !is_last };
        page(out, cells, page_idx * n_rows * n_cols, &layout);
        if columned && !is_last {
            out.push('\n');
        }
    }
}

/// The elements of a value, as far as they can be formatted before pages are laid out.
enum Cells {
    /// Already written, with the width of the widest of all pages.
    Whole { texts: Vec<String>, width: usize },
    /// Numbers for which each page chooses its own format.
    Real { numbers: Vec<f64>, single: bool },
}

impl Cells {
    fn of(data: &HostData) -> Self {
        match data {
            HostData::F64(v) => Self::Real { numbers: v.clone(), single: false },
            HostData::F32(v) => Self::Real { numbers: v.iter().map(|x| f64::from(*x)).collect(), single: true },
            HostData::I32(v) => whole(v, Some(i32::MIN)),
            HostData::I64(v) => whole(v, Some(i64::MIN)),
            HostData::U32(v) => whole(v, None),
            HostData::U8(v) | HostData::Char(v) => whole(v, None),
            HostData::Bool(v) => whole(&v.iter().map(|x| u8::from(*x)).collect::<Vec<_>>(), None),
        }
    }
}

/// How one matrix is laid out.
struct Layout {
    n_rows: usize,
    n_cols: usize,
    /// Whether elements are in columns; a lone element may be printed as it is.
    columned: bool,
    /// Another blank line between blocks of columns.
    loose: bool,
}

/// One matrix, whose elements start at `from`.
fn page(out: &mut String, cells: &Cells, from: usize, layout: &Layout) {
    let numel = layout.n_rows * layout.n_cols;
    let range = from..from + numel;
    let (texts, width) = match cells {
        Cells::Whole { texts, width } => (texts[range].to_vec(), *width),
        Cells::Real { numbers, single } => {
            let v = &numbers[range];
            let scalar_is_whole = if *single { single_is_whole } else { |x: f64| (x + 0.5).floor() == x };
            let format = NumberFormat::choose(v, numel != 1, scalar_is_whole);
            (v.iter().map(|x| format.cell(*x)).collect(), format.width)
        }
    };
    if layout.columned {
        columns(out, &texts, width, layout);
    } else {
        out.push_str(&texts.concat());
        out.push('\n');
    }
}

/// The cells of integers and their width: the longest run of digits, and a place for a sign if any has one. Octave leaves the
/// smallest number of a signed class, `smallest`, out of both counts, since its absolute value is not in the class. A zero
/// counts as no digits, which matters only for a matrix of zeros that fills the line.
fn whole<T: ToString + PartialEq>(all: &[T], smallest: Option<T>) -> Cells {
    let texts: Vec<String> = all.iter().map(T::to_string).collect();
    let counted = || all.iter().zip(&texts).filter(|(x, _)| Some(*x) != smallest.as_ref()).map(|(_, text)| text);
    let digits = counted().filter(|t| *t != "0").map(|t| t.trim_start_matches('-').len()).max().unwrap_or(0);
    let signed = counted().any(|t| t.starts_with('-'));
    Cells::Whole { texts, width: digits + usize::from(signed) }
}

/// Whether `x` counts as whole to Octave when its class is single: above 2^23 adding a half rounds odd numbers away, and so
/// `single(9999999)` is shown as a fraction would be.
fn single_is_whole(x: f64) -> bool {
    let x = x as f32;
    (x + 0.5).floor() == x
}

/// Writes cells right-aligned in columns of `width` and two spaces, in blocks of as many columns as fit a line.
fn columns(out: &mut String, cells: &[String], width: usize, layout: &Layout) {
    let Layout { n_rows, n_cols, loose, .. } = *layout;
    let per_block = (LINE / (width + 2)).max(1);
    let split = n_cols > per_block;
    for start in (0..n_cols).step_by(per_block) {
        let end = (start + per_block).min(n_cols);
        if split {
            if start > 0 {
                out.push_str(if loose { "\n\n" } else { "\n" });
            }
            out.push_str(&match end - start {
                1 => format!(" Column {end}:\n\n"),
                2 if end == n_cols => format!(" Columns {} and {end}:\n\n", start + 1),
                _ => format!(" Columns {} through {end}:\n\n", start + 1),
            });
        }
        for r in 0..n_rows {
            for c in start..end {
                let cell = &cells[c * n_rows + r];
                out.push_str(&format!("  {cell:>width$}"));
            }
            out.push('\n');
        }
    }
}

/// How the elements of one matrix of floating numbers are written.
struct NumberFormat {
    notation: Notation,
    /// The width of a cell, including the sign.
    width: usize,
}

enum Notation {
    /// Integers, with this number of significant digits.
    Whole(usize),
    /// A fixed number of decimals.
    Fixed(usize),
    /// Scientific.
    Exponent,
}

/// The digits before the point, or the zeros after it, negated.
fn digits_of(x: f64) -> i32 {
    if x == 0.0 { 0 } else { x.log10().floor() as i32 + 1 }
}

impl NumberFormat {
    /// Chooses for the elements `v` of a matrix (`many`) or a scalar; `scalar_is_whole` is asked of a scalar.
    fn choose(v: &[f64], many: bool, scalar_is_whole: impl Fn(f64) -> bool) -> Self {
        let finite = || v.iter().filter(|x| x.is_finite()).map(|x| x.abs());
        let largest = digits_of(finite().fold(0.0, f64::max));
        let smallest = digits_of(finite().reduce(f64::min).unwrap_or(0.0));
        // A surprise of Octave's: a matrix counts as whole when it is whole after rounding to single, a scalar only when
        // it is exactly so; and a matrix is shown as whole up to six digits, a scalar up to seven.
        let all_whole = if many { finite().all(single_is_whole) } else { finite().all(scalar_is_whole) };
        if !all_whole {
            return Self::fraction(largest, smallest);
        }
        let digits = largest.max(smallest).max(1) as usize;
        if digits > if many { 6 } else { 7 } {
            return Self::exponent(digits > 100);
        }
        // The width serves as the precision too, which only shows where 4.9e-324 counts as whole.
        let special = v.iter().any(|x| !x.is_finite());
        let width = (digits + 1).max(if special { 4 } else { 0 });
        Self { notation: Notation::Whole(width), width }
    }

    /// Chooses for numbers of which one is not whole, by the digits of the largest and the smallest.
    fn fraction(largest: i32, smallest: i32) -> Self {
        let before = |digits: i32| digits.max(1);
        let after = |digits: i32| match digits {
            1..DIGITS => DIGITS - digits,
            DIGITS.. => DIGITS,
            0 => DIGITS - 1,
            _ => DIGITS - digits,
        };
        let decimals = after(largest).max(after(smallest));
        // Sign, digits, point, decimals.
        let width = 1 + before(largest).max(before(smallest)) + 1 + decimals;
        if width < 10 {
            return Self { notation: Notation::Fixed(decimals as usize), width: width as usize };
        }
        // A second surprise: room for a third digit of the exponent is made by the count of digits, so 1e99 (a hundred
        // digits) gets it and 1e-100 does not.
        Self::exponent(largest.abs() >= 100 || smallest.abs() >= 100)
    }

    /// The scientific form, with or without room for a third digit of the exponent.
    fn exponent(wide: bool) -> Self {
        Self { notation: Notation::Exponent, width: if wide { 12 } else { 11 } }
    }

    fn cell(&self, x: f64) -> String {
        if x.is_nan() {
            return "NaN".to_owned();
        }
        if x.is_infinite() {
            return if x > 0.0 { "Inf" } else { "-Inf" }.to_owned();
        }
        if x == 0.0 {
            return "0".to_owned();
        }
        match self.notation {
            Notation::Whole(digits) => cnumber::general(x, digits, false),
            Notation::Fixed(decimals) => cnumber::fixed(x, decimals),
            Notation::Exponent => cnumber::exponent(x, DIGITS as usize - 1),
        }
    }
}
