//! `printf` templates: text with conversions, which take arguments and repeat as in Octave.
//!
//! In: a template and host values. Out: the bytes to print, or what is wrong with the template. It knows nothing about streams or
//! the engine. The rules were worked out from recorded output (`oracle/record_printf.m`).
//!
//! A template's escapes are processed here, whichever quotes it was written with. Octave does so only for single quotes and
//! processes those in double quotes while reading; only a doubled backslash in double quotes shows the difference.

use super::cnumber;
use super::host::{HostData, HostValue};

/// The result of `sprintf(template, args…)`.
///
/// # Errors
/// A conversion that does not exist, or a `*` width that is not a whole number from 0.
pub fn format(template: &[u8], args: &[HostValue]) -> Result<Vec<u8>, String> {
    let pieces = parse(&unescape(template))?;
    let mut out = Vec::new();
    let mut supply = Supply { args, arg_idx: 0, element_idx: 0 };
    let has_conversions = pieces.iter().any(|p| matches!(p, Piece::Conversion(_)));
    loop {
        for piece in &pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                // Once the arguments are used up, the output ends at the next conversion.
                Piece::Conversion(_) if supply.is_spent() => return Ok(out),
                Piece::Conversion(conversion) => conversion.write(&mut out, &mut supply)?,
            }
        }
        if supply.is_spent() || !has_conversions {
            return Ok(out);
        }
    }
}

/// Replaces the escapes `\a \b \f \n \r \t \v \\ \' \"`, octal `\101` and hexadecimal `\x41`; of any other the backslash is dropped.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while i < text.len() {
        if text[i] != b'\\' || i + 1 == text.len() {
            out.push(text[i]);
            i += 1;
            continue;
        }
        let c = text[i + 1];
        i += 2;
        match c {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'0'..=b'7' => i = push_code(&mut out, text, i - 1, 3, 8),
            b'x' if text.get(i).is_some_and(u8::is_ascii_hexdigit) => i = push_code(&mut out, text, i, 2, 16),
            other => out.push(other),
        }
    }
    out
}

/// Pushes the byte whose code is at `text[start..]` in at most `longest` digits; returns the index after it.
fn push_code(out: &mut Vec<u8>, text: &[u8], start: usize, longest: usize, radix: u32) -> usize {
    let mut code = 0u32;
    let mut i = start;
    while i < text.len() && i < start + longest {
        let Some(digit) = char::from(text[i]).to_digit(radix) else {
            break;
        };
        code = code * radix + digit;
        i += 1;
    }
    out.push((code & 0xff) as u8);
    i
}

enum Piece {
    Text(Vec<u8>),
    Conversion(Conversion),
}

#[derive(Clone, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    hash: bool,
}

/// A width or precision: absent, written out, or taken from an argument.
#[derive(Clone, Copy)]
enum Count {
    Absent,
    Given(usize),
    FromArgument,
}

struct Conversion {
    flags: Flags,
    width: Count,
    precision: Count,
    letter: u8,
}

fn parse(template: &[u8]) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut i = 0;
    while let Some(&byte) = template.get(i) {
        i += 1;
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        let conversion = parse_conversion(template, &mut i)?;
        if conversion.letter == b'%' {
            text.push(b'%');
            continue;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Conversion(conversion));
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// Parses a conversion after its `%`; the letter of `%%` is a `%`.
fn parse_conversion(template: &[u8], i: &mut usize) -> Result<Conversion, String> {
    let mut flags = Flags::default();
    while let Some(c) = template.get(*i) {
        match c {
            b'-' => flags.minus = true,
            b'+' => flags.plus = true,
            b' ' => flags.space = true,
            b'0' => flags.zero = true,
            b'#' => flags.hash = true,
            _ => break,
        }
        *i += 1;
    }
    let width = parse_count(template, i)?;
    let mut precision = Count::Absent;
    if template.get(*i) == Some(&b'.') {
        *i += 1;
        // A point with no digits is a precision of zero.
        precision = match parse_count(template, i)? {
            Count::Absent => Count::Given(0),
            given => given,
        };
    }
    while matches!(template.get(*i), Some(b'l' | b'h' | b'L')) {
        *i += 1;
    }
    let letter = template.get(*i).copied().filter(|letter| b"%diouxXfeEgGcs".contains(letter));
    *i += 1;
    let letter = letter.ok_or("invalid format specified")?;
    Ok(Conversion { flags, width, precision, letter })
}

/// The largest width or precision that a template may ask for; more would only exhaust the memory.
const LONGEST: usize = 1 << 20;

fn parse_count(template: &[u8], i: &mut usize) -> Result<Count, String> {
    if template.get(*i) == Some(&b'*') {
        *i += 1;
        return Ok(Count::FromArgument);
    }
    let start = *i;
    let mut n = 0usize;
    while let Some(digit) = template.get(*i).filter(|c| c.is_ascii_digit()) {
        n = n * 10 + usize::from(digit - b'0');
        if n > LONGEST {
            return Err(format!("a width or precision above {LONGEST}"));
        }
        *i += 1;
    }
    Ok(if *i == start { Count::Absent } else { Count::Given(n) })
}

/// The arguments, and how many of their elements are used.
struct Supply<'a> {
    args: &'a [HostValue],
    arg_idx: usize,
    element_idx: usize,
}

/// What one conversion takes from the arguments.
enum Datum {
    /// An empty argument: prints nothing, padded to the width under `%s` and `%c`.
    Nothing,
    Text(Vec<u8>),
    /// An `int64`, which a double may not hold.
    Exact(i64),
    Real(f64),
}

impl Supply<'_> {
    fn is_spent(&self) -> bool {
        self.arg_idx >= self.args.len()
    }

    /// The next datum. With `text`, the rest of this argument up to the first element that is not a character's code.
    fn next(&mut self, text: bool) -> Datum {
        let Some(arg) = self.args.get(self.arg_idx) else {
            return Datum::Nothing;
        };
        let i = self.element_idx;
        let run: Vec<u8> =
            if text { (i..arg.numel()).map_while(|k| code(arg.data.get_f64(k)?)).collect() } else { Vec::new() };
        self.element_idx += run.len().max(1);
        if self.element_idx >= arg.numel() {
            self.arg_idx += 1;
            self.element_idx = 0;
        }
        if !run.is_empty() {
            return Datum::Text(run);
        }
        match &arg.data {
            HostData::I64(v) => v.get(i).map_or(Datum::Nothing, |x| Datum::Exact(*x)),
            other => other.get_f64(i).map_or(Datum::Nothing, Datum::Real),
        }
    }

    fn count(&mut self, count: Count) -> Result<Option<usize>, String> {
        match count {
            Count::Absent => Ok(None),
            Count::Given(n) => Ok(Some(n)),
            Count::FromArgument => match self.next(false) {
                Datum::Real(n) if n.fract() == 0.0 && (0.0..=LONGEST as f64).contains(&n) => Ok(Some(n as usize)),
                _ => Err(format!("invalid field width, must be integer >= 0 and <= {LONGEST}")),
            },
        }
    }
}

/// The character code that `x` is, if any.
fn code(x: f64) -> Option<u8> {
    (x.fract() == 0.0 && (0.0..=255.0).contains(&x)).then_some(x as u8)
}

/// What `%c` prints for a whole number: a byte as it is, a larger code as UTF-8.
fn character(x: f64) -> Option<Vec<u8>> {
    if let Some(byte) = code(x) {
        return Some(vec![byte]);
    }
    let beyond = char::from_u32(x as u32).filter(|_| x > 0.0 && x <= f64::from(u32::MAX));
    beyond.map(|c| c.to_string().into_bytes())
}

/// 2^63 and 2^64, the first doubles beyond the signed and the unsigned integers of the machine.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 2.0 * TWO_63;

/// The text of a conversion before it is padded to its width.
struct Field {
    body: Vec<u8>,
    zeros_may_pad: bool,
}

impl Field {
    fn text(body: Vec<u8>) -> Self {
        Self { body, zeros_may_pad: false }
    }
}

impl Conversion {
    fn write(&self, out: &mut Vec<u8>, supply: &mut Supply<'_>) -> Result<(), String> {
        let width = supply.count(self.width)?.unwrap_or(0);
        let precision = supply.count(self.precision)?;
        let field = match supply.next(self.letter == b's') {
            Datum::Nothing if matches!(self.letter, b's' | b'c') => Field::text(Vec::new()),
            Datum::Nothing => return Ok(()),
            Datum::Text(mut text) => {
                text.truncate(precision.unwrap_or(usize::MAX));
                Field::text(text)
            }
            Datum::Exact(n) if matches!(self.letter, b'd' | b'i') => {
                self.digits(self.sign(n < 0), n.unsigned_abs().to_string(), precision)
            }
            Datum::Exact(n) => self.number(n as f64, precision),
            // A number that is not a character's code prints nothing, not even padding.
            Datum::Real(x) if self.letter == b's' && x.is_finite() => return Ok(()),
            Datum::Real(x) if self.letter == b'c' && x.fract() == 0.0 && x <= TWO_63 => match character(x) {
                Some(_) if precision == Some(0) => Field::text(Vec::new()),
                Some(text) => Field::text(text),
                None => return Ok(()),
            },
            Datum::Real(x) => self.number(x, precision),
        };
        self.pad(out, &field, width);
        Ok(())
    }

    /// A number under any conversion. An integer conversion takes whole numbers up to
    /// the first one that its integer type cannot hold, which saturates; other numbers are left to `real`.
    fn number(&self, x: f64, precision: Option<usize>) -> Field {
        let whole = x.fract() == 0.0;
        match self.letter {
            b'd' | b'i' if whole && x <= TWO_63 => {
                let n = x as i64;
                self.digits(self.sign(n < 0), n.unsigned_abs().to_string(), precision)
            }
            b'u' | b'o' | b'x' | b'X' if whole && (0.0..=TWO_64).contains(&x) => {
                let n = x as u64;
                let (prefix, text) = match self.letter {
                    b'u' => ("", n.to_string()),
                    b'o' if self.flags.hash && n != 0 => ("", format!("0{n:o}")),
                    b'o' => ("", format!("{n:o}")),
                    b'x' => ("0x", format!("{n:x}")),
                    _ => ("0X", format!("{n:X}")),
                };
                self.digits(if self.flags.hash && n != 0 { prefix } else { "" }, text, precision)
            }
            _ => self.real(x, precision),
        }
    }

    /// A sign or `0x`, and digits padded to the precision.
    fn digits(&self, prefix: &str, text: String, precision: Option<usize>) -> Field {
        // As in C, zero at a precision of zero has no digits, except the one that `#` requires of an octal.
        let octal = self.letter == b'o' && self.flags.hash;
        let text = if precision == Some(0) && text == "0" && !octal { String::new() } else { text };
        let text = format!("{text:0>width$}", width = precision.unwrap_or(0));
        // A precision switches off padding with zeros.
        Field { body: format!("{prefix}{text}").into_bytes(), zeros_may_pad: precision.is_none() }
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.flags.plus, self.flags.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    fn real(&self, x: f64, precision: Option<usize>) -> Field {
        if !x.is_finite() {
            let name = if x.is_nan() { "NaN" } else { "Inf" };
            let sign = match self.sign(x < 0.0) {
                " " => "",
                sign => sign,
            };
            return Field::text(format!("{sign}{name}").into_bytes());
        }
        let size = x.abs();
        let body = match self.letter {
            b'f' => self.with_point(cnumber::fixed(size, precision.unwrap_or(6))),
            b'e' | b'E' => self.with_point(cnumber::exponent(size, precision.unwrap_or(6))),
            // Integer conversions fall back to `g` for fractions and for numbers that exceed them.
            _ => self.with_point(cnumber::general(size, precision.unwrap_or(6), self.flags.hash)),
        };
        // `X` falls back to the lower-case `g`.
        let body = if matches!(self.letter, b'E' | b'G') { body.to_uppercase() } else { body };
        Field { body: format!("{}{body}", self.sign(x.is_sign_negative())).into_bytes(), zeros_may_pad: true }
    }

    /// The `#` flag keeps the point of a number without decimals.
    fn with_point(&self, text: String) -> String {
        if !self.flags.hash || text.contains('.') {
            return text;
        }
        match text.split_once('e') {
            Some((mantissa, power)) => format!("{mantissa}.e{power}"),
            None => format!("{text}."),
        }
    }

    fn pad(&self, out: &mut Vec<u8>, field: &Field, width: usize) {
        let body = &field.body[..];
        let missing = width.saturating_sub(body.len());
        if self.flags.minus {
            out.extend_from_slice(body);
            out.extend(std::iter::repeat_n(b' ', missing));
        } else if self.flags.zero && field.zeros_may_pad {
            // Zeros go between the sign or the 0x and the digits.
            let signs = body.iter().take_while(|c| b"+- ".contains(c)).count();
            let prefix = if matches!(body.get(signs + 1), Some(b'x' | b'X')) { signs + 2 } else { signs };
            out.extend_from_slice(&body[..prefix]);
            out.extend(std::iter::repeat_n(b'0', missing));
            out.extend_from_slice(&body[prefix..]);
        } else {
            out.extend(std::iter::repeat_n(b' ', missing));
            out.extend_from_slice(body);
        }
    }
}
