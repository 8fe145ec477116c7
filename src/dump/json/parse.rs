//! Text to tree: RFC 8259, nothing looser. Depth is limited, so a hostile text cannot exhaust the stack.

use super::{Document, Json, Value};
use crate::error::Result;

/// How deep lists and objects may lie in one another. Dumps need a dozen.
const MAX_DEPTH: usize = 64;

/// The tree of a text.
///
/// # Errors
/// An argument error with line and column for the first thing that is no JSON.
pub(in crate::dump) fn parse(document: &Document<'_>) -> Result<Json> {
    let mut p = Parser { document, bytes: document.text.as_bytes(), at: 0, depth: 0 };
    let json = p.value()?;
    p.space();
    if p.at < p.bytes.len() {
        return p.fail(p.at, "expected the end of the text");
    }
    Ok(json)
}

struct Parser<'a> {
    document: &'a Document<'a>,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn fail<T>(&self, at: usize, what: &str) -> Result<T> {
        let found = match self.document.text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(c) => format!(", found {c:?}"),
            None => String::from(", found the end of the text"),
        };
        Err(self.document.error(at, &format!("{what}{found}")))
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(eaten);
        eaten
    }

    fn value(&mut self) -> Result<Json> {
        self.space();
        let at = self.at;
        let value = match self.bytes.get(at) {
            Some(b'{') => self.nested(Self::map)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Json { at, value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value>) -> Result<Value> {
        if self.depth == MAX_DEPTH {
            return self.fail(self.at, &format!("expected at most {MAX_DEPTH} levels of lists and objects"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Result<Value> {
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            if self.bytes[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.fail(self.at, "expected a value")
    }

    fn list(&mut self) -> Result<Value> {
        let mut items = Vec::new();
        self.space();
        if self.eat(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.eat(b']') {
                return Ok(Value::List(items));
            }
            if !self.eat(b',') {
                return self.fail(self.at, "expected ',' or ']' after an item");
            }
        }
    }

    fn map(&mut self) -> Result<Value> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        self.space();
        if self.eat(b'}') {
            return Ok(Value::Map(fields));
        }
        loop {
            self.space();
            let at = self.at;
            if self.bytes.get(at) != Some(&b'"') {
                return self.fail(at, "expected the name of a field in quotes");
            }
            let name = self.string()?;
            // Objects of dumps have few fields; a hostile one is stopped before looking through them takes long.
            if fields.len() >= 256 {
                return self.fail(at, "expected at most 256 fields");
            }
            if fields.iter().any(|(other, _)| *other == name) {
                return self.fail(at, &format!("the field \"{name}\" is given twice"));
            }
            self.space();
            if !self.eat(b':') {
                return self.fail(self.at, "expected ':' after the name of a field");
            }
            let value = self.value()?;
            fields.push((name, value));
            self.space();
            if self.eat(b'}') {
                return Ok(Value::Map(fields));
            }
            if !self.eat(b',') {
                return self.fail(self.at, "expected ',' or '}' after a field");
            }
        }
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - from
    }

    fn number(&mut self) -> Result<Value> {
        let from = self.at;
        let negative = self.eat(b'-');
        let first = self.at;
        let n_digits = self.digits();
        if n_digits == 0 || (n_digits > 1 && self.bytes[first] == b'0') {
            return self.fail(first, "expected a number without leading zeros");
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            if self.digits() == 0 {
                return self.fail(self.at, "expected digits after the point");
            }
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.fail(self.at, "expected digits in the exponent");
            }
        }
        let text = &self.document.text[from..self.at];
        if whole && !(negative && text == "-0") {
            return match text.parse() {
                Ok(value) => Ok(Value::Int(value)),
                Err(_) => Err(self.document.error(from, "the number is too large for any field")),
            };
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(self.document.error(from, "the number is beyond 64-bit floats")),
        }
    }

    fn string(&mut self) -> Result<String> {
        let open = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let from = self.at;
            while self.bytes.get(self.at).is_some_and(|&b| b != b'"' && b != b'\\' && b >= 0x20) {
                self.at += 1;
            }
            // Both ends lie beside ASCII bytes, so they are ends of characters.
            out.push_str(&self.document.text[from..self.at]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return self.fail(self.at, "expected no control character in a string"),
                None => return Err(self.document.error(open, "the string has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let at = self.at;
        let letter = self.bytes.get(at + 1).copied();
        self.at += 2;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex(at)?;
                let code = match high {
                    0xd800..=0xdbff => {
                        let low = if self.eat(b'\\') && self.eat(b'u') { self.hex(at)? } else { 0 };
                        match low {
                            0xdc00..=0xdfff => 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00),
                            _ => return Err(self.document.error(at, "expected both halves of a surrogate pair")),
                        }
                    }
                    code => code,
                };
                match char::from_u32(code) {
                    Some(c) => c,
                    None => return Err(self.document.error(at, "the escape is no character")),
                }
            }
            _ => return Err(self.document.error(at, "the escape is unknown")),
        })
    }

    fn hex(&mut self, at: usize) -> Result<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).and_then(|d| std::str::from_utf8(d).ok());
        let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|d| u32::from_str_radix(d, 16).ok()) else {
            return Err(self.document.error(at, "expected four hexadecimal digits after \\u"));
        };
        self.at += 4;
        Ok(code)
    }
}
