//! A place in a tree: what a reader asks for its fields, and what its errors are about.

use std::fmt;

use super::{Json, Value};
use crate::error::{Error, Result};
use crate::types::Origin;

/// A text and its name for messages.
pub(in crate::dump) struct Document<'a> {
    pub(in crate::dump) name: &'a str,
    pub(in crate::dump) text: &'a str,
}

impl Document<'_> {
    /// An error at a byte of the text, with line and column.
    pub(in crate::dump) fn error(&self, at: usize, message: &str) -> Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let origin = Origin {
            file: self.name.into(),
            line: before.matches('\n').count() as u32 + 1,
            col: before[line_start..].chars().count() as u32 + 1,
            label: None,
        };
        Error::argument(message).at(Some(origin))
    }
}

/// How a value is reached from the one that holds it.
#[derive(Clone, Copy)]
enum Link<'a> {
    Field(&'a str),
    Item(usize),
}

/// A value of the tree and the way to it.
#[derive(Clone, Copy)]
pub(in crate::dump) struct At<'a> {
    document: &'a Document<'a>,
    json: &'a Json,
    up: Option<(&'a At<'a>, Link<'a>)>,
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((up, link)) = &self.up else { return Ok(()) };
        fmt::Display::fmt(up, f)?;
        match link {
            Link::Field(name) if up.up.is_none() => f.write_str(name),
            Link::Field(name) => write!(f, ".{name}"),
            Link::Item(i) => write!(f, "[{i}]"),
        }
    }
}

impl<'a> At<'a> {
    pub(in crate::dump) fn root(document: &'a Document<'a>, json: &'a Json) -> Self {
        Self { document, json, up: None }
    }

    /// An error about this value.
    pub(in crate::dump) fn error(&self, message: impl fmt::Display) -> Error {
        let text = if self.up.is_some() { format!("{self}: {message}") } else { message.to_string() };
        self.document.error(self.json.at, &text)
    }

    fn expected(&self, what: &str) -> Error {
        self.error(format!("expected {what}, given {}", self.json.value.kind()))
    }

    /// A field that may be absent; `null` counts as absent.
    pub(in crate::dump) fn maybe<'b>(&'b self, name: &'b str) -> Result<Option<At<'b>>> {
        let Value::Map(fields) = &self.json.value else { return Err(self.expected("an object")) };
        let found = fields.iter().find(|(n, _)| n == name).filter(|(_, json)| json.value != Value::Null);
        Ok(found.map(|(_, json)| At { document: self.document, json, up: Some((self, Link::Field(name))) }))
    }

    /// A field that must be there.
    pub(in crate::dump) fn field<'b>(&'b self, name: &'b str) -> Result<At<'b>> {
        self.maybe(name)?.ok_or_else(|| self.error(format!("the field \"{name}\" is missing")))
    }

    /// How many items a list has.
    pub(in crate::dump) fn len(&self) -> Result<usize> {
        match &self.json.value {
            Value::List(items) => Ok(items.len()),
            _ => Err(self.expected("a list")),
        }
    }

    /// Every item of a list, read.
    pub(in crate::dump) fn items<T>(&self, mut read: impl FnMut(usize, &At<'_>) -> Result<T>) -> Result<Vec<T>> {
        let Value::List(items) = &self.json.value else { return Err(self.expected("a list")) };
        let at = |i: usize| At { document: self.document, json: &items[i], up: Some((self, Link::Item(i))) };
        (0..items.len()).map(|i| read(i, &at(i))).collect()
    }

    pub(in crate::dump) fn text(&self) -> Result<&'a str> {
        match &self.json.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("a string")),
        }
    }

    pub(in crate::dump) fn bool(&self) -> Result<bool> {
        match self.json.value {
            Value::Bool(b) => Ok(b),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A whole number of the type asked for.
    pub(in crate::dump) fn int<T: TryFrom<i128>>(&self) -> Result<T> {
        let wrong = || self.error(format!("{} is out of the field's range", Shown(&self.json.value)));
        match self.json.value {
            Value::Int(i) => T::try_from(i).map_err(|_| wrong()),
            _ => Err(self.expected("an integer")),
        }
    }

    /// Any number.
    pub(in crate::dump) fn number(&self) -> Result<f64> {
        match self.json.value {
            Value::Int(i) => Ok(i as f64),
            Value::Float(x) => Ok(x),
            _ => Err(self.expected("a number")),
        }
    }

    /// Whether this is `null`.
    pub(in crate::dump) fn is_null(&self) -> bool {
        self.json.value == Value::Null
    }

    /// The value itself.
    pub(in crate::dump) fn value(&self) -> &'a Value {
        &self.json.value
    }

    /// One of a few words.
    pub(in crate::dump) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.error(format!("expected {}, given {:?}", known.join(", "), shortened(text)))
        })
    }
}

/// A number in an error.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Int(i) => write!(f, "{i}"),
            other => f.write_str(other.kind()),
        }
    }
}

/// A text of a message, not longer than a line.
pub(in crate::dump) fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
