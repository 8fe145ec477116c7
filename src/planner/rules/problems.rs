//! Errors of a rule file: all of them at once, each with its line, a caret and a help.

use crate::error::Error;

/// One error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) message: String,
    /// Bytes from the start of the file.
    pub(super) at: usize,
    pub(super) len: usize,
    /// The rule it stands in.
    pub(super) rule: Option<String>,
    pub(super) help: Option<String>,
}

/// The problems of one file as one error.
pub(super) fn report(file: &str, text: &str, problems: &[Problem]) -> Error {
    let shown: Vec<String> = problems.iter().map(|p| one(file, text, p)).collect();
    Error::rules(shown.join("\n\n"))
}

fn one(file: &str, text: &str, p: &Problem) -> String {
    let at = p.at.min(text.len());
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line_no = text[..at].matches('\n').count() + 1;
    let line = text[start..].lines().next().unwrap_or("");
    let col = text[start..at].chars().count();
    let rule = p.rule.as_ref().map_or(String::new(), |r| format!("   (rule {r})"));
    let gutter = " ".repeat(line_no.to_string().len());
    let within = line.chars().count().saturating_sub(col).max(1);
    let carets = "^".repeat(p.len.clamp(1, within));
    let mut out = format!(
        "error: {}\n  --> {file}:{line_no}:{}{rule}\n{gutter} |\n{line_no}| {line}\n{gutter} | {}{carets}",
        p.message,
        col + 1,
        " ".repeat(col)
    );
    if let Some(help) = &p.help {
        out.push_str(&format!("\n{gutter} = help: {help}"));
    }
    out
}
