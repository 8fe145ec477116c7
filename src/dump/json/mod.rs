//! JSON as far as dumps need it: a tree whose every value knows its place in the text, and the pieces that writing is made of.
//!
//! In: an untrusted text. Out: a tree, or an error with line and column. Numbers keep all their digits: integers are
//! never floats on the way. This folder knows nothing of graphs. It is written here rather than taken from a crate because
//! errors need places and the library's dependencies stay few.

mod at;
mod parse;

use std::fmt::Write;

pub(super) use at::{At, Document, shortened};
pub(super) use parse::parse;

/// A value and the byte of the text it begins at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Json {
    pub(super) at: usize,
    pub(super) value: Value,
}

/// What a text can hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// A number without point and exponent.
    Int(i128),
    /// Any other number.
    Float(f64),
    Text(String),
    List(Vec<Json>),
    /// In the order of the text; no name twice.
    Map(Vec<(String, Json)>),
}

impl Value {
    /// What this is, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}

/// An object being written, field by field.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self(String::from("{"))
    }

    /// A field whose value is JSON already: a number, a truth value, a list, an object.
    pub(super) fn field(mut self, name: &str, json: impl std::fmt::Display) -> Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        let _ = write!(self.0, "{comma}\"{name}\":{json}");
        self
    }

    /// A field of text.
    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.field(name, quoted(text))
    }

    /// A field of text, or none where there is no text.
    pub(super) fn maybe(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A number; `null` for one that is not finite, which JSON cannot write.
pub(super) fn number(x: f64) -> String {
    if x.is_finite() { format!("{x:?}") } else { String::from("null") }
}

/// A list on one line.
pub(super) fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::from("[");
    for (i, item) in items.into_iter().enumerate() {
        let _ = write!(out, "{}{item}", if i > 0 { "," } else { "" });
    }
    out.push(']');
    out
}

/// A list with one line for each item, so that differences between dumps are readable.
pub(super) fn lines<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::from("[");
    for (i, item) in items.into_iter().enumerate() {
        let _ = write!(out, "{}\n{item}", if i > 0 { "," } else { "" });
    }
    out.push(']');
    out
}

/// A string with quotes. It is a DOT string too, and stays inside a script element of HTML: `<` is escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '<' => out.push_str("\\u003c"),
            // Line ends to JavaScript, and so escaped wherever a dump is part of a page.
            '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "a\"b\\c\nd\u{1} é𝄞 </script> \u{2028}";
        let json = Object::new().text("t", text).field("n", list([1, -2])).maybe("no", None).finish();
        assert!(!json.contains("</"), "{json}");
        let read = parse(&Document { name: "t", text: &json }).unwrap();
        let Value::Map(fields) = read.value else { panic!("{json}") };
        assert_eq!(fields[0].1.value, Value::Text(text.into()));
        assert_eq!(fields.len(), 2);
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (text, value) in [
            ("9223372036854775807", Value::Int(i64::MAX.into())),
            ("-18446744073709551615", Value::Int(-i128::from(u64::MAX))),
            ("0.1", Value::Float(0.1)),
            ("-0", Value::Float(-0.0)),
            ("5e-324", Value::Float(5e-324)),
        ] {
            assert_eq!(parse(&Document { name: "t", text }).unwrap().value, value, "{text}");
        }
    }
}
