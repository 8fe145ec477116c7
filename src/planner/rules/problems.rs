//! Errors of a rule file: all of them at once, each with its line, a caret and help.

use crate::error::Error;

/// One error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) message: String,
    /// Bytes from the start of the file.
    pub(super) at: usize,
    pub(super) len: usize,
    /// The rule it is in.
    pub(super) rule: Option<String>,
    pub(super) help: Option<String>,
}

/// At most this many are shown: a text that is no rule file has one in every line.
const MAX_SHOWN: usize = 100;

/// The problems of one file as one error.
pub(super) fn report(file: &str, text: &str, problems: &[Problem]) -> Error {
    let mut shown: Vec<String> = problems.iter().take(MAX_SHOWN).map(|p| one(file, text, p)).collect();
    if problems.len() > MAX_SHOWN {
        shown.push(format!("error: {} more in {file}", problems.len() - MAX_SHOWN));
    }
    Error::rules(shown.join("\n\n"))
}

/// Of a line with more characters, only the part around the problem is shown.
const MAX_WIDTH: usize = 160;

fn one(file: &str, text: &str, p: &Problem) -> String {
    let at = p.at.min(text.len());
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line_no = text[..at].matches('\n').count() + 1;
    let line = text[start..].lines().next().unwrap_or("");
    let col = text[start..at].chars().count();
    let long = line.chars().nth(MAX_WIDTH).is_some();
    let skip = if long { col.saturating_sub(MAX_WIDTH / 2) } else { 0 };
    let shown: String = line.chars().skip(skip).take(MAX_WIDTH).collect();
    let rule = p.rule.as_ref().map_or(String::new(), |r| format!("   (rule {r})"));
    let gutter = " ".repeat(line_no.to_string().len());
    let within = shown.chars().count().saturating_sub(col - skip).max(1);
    let marked = text.get(at..at + p.len).map_or(1, |word| word.chars().count());
    let carets = "^".repeat(marked.clamp(1, within));
    let mut out = format!(
        "error: {}\n  --> {file}:{line_no}:{}{rule}\n{gutter} |\n{line_no}| {shown}\n{gutter} | {}{carets}",
        p.message,
        col + 1,
        " ".repeat(col - skip)
    );
    if let Some(help) = &p.help {
        out.push_str(&format!("\n{gutter} = help: {help}"));
    }
    out
}
