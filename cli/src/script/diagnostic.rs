//! Errors that point into a script.
//!
//! In: a source text and byte positions. Out: messages with file, line, column and a caret. It knows nothing about tokens,
//! values or the engine; each stage words its own errors.

use std::fmt;

/// The longest script that is accepted, in bytes, so that positions fit `u32` with room to spare.
pub const MAX_SOURCE_BYTES: usize = 64 << 20;

/// A script's text together with its name and the starts of its lines.
#[derive(Debug, Clone)]
pub struct SourceText {
    name: String,
    text: String,
    line_starts: Vec<u32>,
}

/// A half-open range of bytes in a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        // Sources are at most MAX_SOURCE_BYTES long, so neither conversion can lose bits.
        Self { start: start as u32, end: end as u32 }
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn to(self, other: Span) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl SourceText {
    /// Wraps a text; messages call it `name`, usually a path.
    ///
    /// # Errors
    /// A text longer than [`MAX_SOURCE_BYTES`] is refused.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Result<Self, Diagnostic> {
        let (name, text) = (name.into(), text.into());
        if text.len() > MAX_SOURCE_BYTES {
            return Err(Diagnostic::unplaced(format!(
                "{name}: the script has {} bytes; at most {MAX_SOURCE_BYTES} are accepted",
                text.len()
            )));
        }
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u32 + 1));
        Ok(Self { name, text, line_starts })
    }

    /// The name given at construction.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte position, both from 1; columns count characters, not bytes.
    pub fn line_and_column(&self, at: u32) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= at).max(1);
        let start = self.line_starts[line - 1] as usize;
        let mut end = (at as usize).clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        (line as u32, self.text[start..end].chars().count() as u32 + 1)
    }

    /// The one character at a line and column, both from 1, or the end of the text beyond it.
    pub fn span_at(&self, line: u32, column: u32) -> Span {
        let Some(start) = (line as usize).checked_sub(1).and_then(|line| self.line_starts.get(line)) else {
            return Span::new(self.text.len(), self.text.len());
        };
        let skipped = (column as usize).saturating_sub(1);
        let within: usize = self.line(line).chars().take(skipped).map(char::len_utf8).sum();
        let at = *start as usize + within;
        Span::new(at, at + self.text[at..].chars().next().map_or(0, char::len_utf8))
    }

    /// The text of a line (from 1) without its line ending.
    pub fn line(&self, line: u32) -> &str {
        let start = self.line_starts[line as usize - 1] as usize;
        let end = self.line_starts.get(line as usize).map_or(self.text.len(), |next| *next as usize);
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
}

/// The cause of an error, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The script, its data or the command line: exit code 2.
    Input,
    /// The engine or the device: exit code 1.
    Engine,
}

/// One error message, placed in a script where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    message: String,
    span: Option<Span>,
    help: Option<String>,
    cause: Cause,
}

impl Diagnostic {
    /// An error in the input at a place.
    pub fn at(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span: Some(span), help: None, cause: Cause::Input }
    }

    /// An error in the input whose place is not (yet) known.
    pub fn unplaced(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, help: None, cause: Cause::Input }
    }

    /// Marks the engine, not the input, as the cause.
    #[must_use]
    pub fn caused_by_engine(mut self) -> Self {
        self.cause = Cause::Engine;
        self
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the place, unless a more precise one is known already.
    #[must_use]
    pub fn or_at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// Removes the place, for errors that have none in the script.
    #[must_use]
    pub fn without_place(mut self) -> Self {
        self.span = None;
        self
    }

    /// The message without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Its place, if that is known.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// The cause.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The full text: message, place, the line of the script and a caret under it.
    pub fn render(&self, source: &SourceText) -> String {
        let mut text = format!("error: {}\n", self.message);
        if let Some(span) = self.span {
            text.push_str(&excerpt(source, span));
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("  = help: {help}\n"));
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// How many characters of a line are shown on either side of the caret; generated scripts can have very long lines.
const SHOWN: usize = 60;

fn excerpt(source: &SourceText, span: Span) -> String {
    let (line, column) = source.line_and_column(span.start);
    let characters: Vec<char> = source.line(line).chars().collect();
    let caret_at = (column as usize - 1).min(characters.len());
    let first = if caret_at > 2 * SHOWN { caret_at - SHOWN } else { 0 };
    let last = characters.len().min(caret_at + 2 * SHOWN);
    let lead: String = if first > 0 { "...".into() } else { String::new() };
    let tail = if last < characters.len() { "..." } else { "" };
    let shown: String = characters[first..last].iter().collect();
    // Tabs stay tabs in the padding, so that the caret lines up whatever width the terminal gives them.
    let pad: String = characters[first..caret_at].iter().map(|c| if *c == '\t' { '\t' } else { ' ' }).collect();
    let (end_line, end_column) = source.line_and_column(span.end);
    let width = if end_line == line { (end_column.max(column + 1) - column) as usize } else { 1 };
    let width = width.min((last - caret_at).max(1));
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    format!(
        "{gutter}--> {}:{line}:{column}\n{gutter} |\n{number} | {lead}{shown}{tail}\n{gutter} | {}{pad}{}\n",
        source.name(),
        " ".repeat(lead.len()),
        "^".repeat(width),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let source = SourceText::new("a.m", "x = 1\n\ty = é + zz\n").unwrap();
        let at = source.text().find("zz").unwrap();
        let text = Diagnostic::at(Span::new(at, at + 2), "'zz' is unknown").render(&source);
        assert_eq!(text, "error: 'zz' is unknown\n --> a.m:2:10\n  |\n2 | \ty = é + zz\n  | \t        ^^\n");
    }

    #[test]
    fn the_end_of_the_text_has_a_place() {
        let source = SourceText::new("a.m", "x = [1").unwrap();
        let text = Diagnostic::at(Span::new(6, 6), "unfinished").render(&source);
        assert!(text.contains("a.m:1:7\n"), "{text}");
        assert!(text.ends_with("  |       ^\n"), "{text}");
        let source = SourceText::new("a.m", "x = [1\n").unwrap();
        assert_eq!(source.line_and_column(7), (2, 1));
        assert!(Diagnostic::at(Span::new(7, 7), "unfinished").render(&source).contains("a.m:2:1"));
    }

    #[test]
    fn long_lines_are_cut_around_the_caret() {
        let text = format!("{}@{}", "1+".repeat(5000), "+1".repeat(5000));
        let source = SourceText::new("a.m", text).unwrap();
        let shown = Diagnostic::at(Span::new(10000, 10001), "no").render(&source);
        assert!(shown.len() < 600, "{}", shown.len());
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[3].find('@'), lines[4].find('^'));
    }

    #[test]
    fn places_are_found_again() {
        let source = SourceText::new("a.m", "x = 1\ny = é + zz\n").unwrap();
        let at = source.text().find("zz").unwrap() as u32;
        let (line, column) = source.line_and_column(at);
        assert_eq!(source.span_at(line, column).start, at);
        assert_eq!(source.span_at(99, 1).start as usize, source.text().len());
    }

    #[test]
    fn a_known_place_is_kept() {
        let inner = Span::new(3, 4);
        let error = Diagnostic::at(inner, "x").or_at(Span::new(0, 9));
        assert_eq!(error.span(), Some(inner));
        assert_eq!(Diagnostic::unplaced("x").or_at(inner).span(), Some(inner));
    }
}
