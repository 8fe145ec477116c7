//! Explanations on a terminal: colours, and lines folded at its width. Anywhere else text is plain and unchanged.
//!
//! `NO_COLOR` (any value but the empty one), `TERM=dumb` and a stream that is not a terminal each switch colours off. Lines are
//! folded, never cut.

use std::io::IsTerminal;

/// What the output can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Whether it shows colours.
    pub color: bool,
    /// The width of a line in characters, if it is limited.
    pub width: Option<usize>,
}

/// The indent of the rest of a folded line.
const INDENT: usize = 8;

impl Terminal {
    /// What a stream can show, going by the stream and the environment.
    pub fn of(stream: &impl IsTerminal) -> Self {
        let size = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
        Self::choose(stream.is_terminal(), set("NO_COLOR"), dumb, || size().or_else(columns))
    }

    fn choose(terminal: bool, no_color: bool, dumb: bool, width: impl FnOnce() -> Option<usize>) -> Self {
        if !terminal {
            return Self::default();
        }
        // Below 40 characters, folding makes text harder to read.
        Self { color: !no_color && !dumb, width: width().filter(|&w| w >= 40) }
    }

    /// The text as this terminal shows it.
    pub fn show(self, text: &str) -> String {
        if self == Self::default() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len() * 2);
        for line in text.lines() {
            let code = if self.color { color(line) } else { None };
            for part in fold(line, self.width.unwrap_or(usize::MAX)) {
                match code {
                    Some(code) => out.push_str(&format!("\x1b[{code}m{part}\x1b[0m\n")),
                    None => out.push_str(&format!("{part}\n")),
                }
            }
        }
        out
    }
}

/// The colour of a line by what it is: headings bold, rules green, refusals and reasons yellow, stores and groups cyan.
fn color(line: &str) -> Option<&'static str> {
    let word = line.split(' ').next().unwrap_or_default();
    match word {
        "===" => Some("1;7"),
        "==" => Some("1"),
        "rule" => Some("32"),
        "refused" => Some("33"),
        _ if line.contains(": g") && line.contains(" over ") => Some("36"),
        _ if line.trim_start().starts_with("store") => Some("36"),
        _ => None,
    }
}

/// A line as pieces of at most `width` characters, broken at spaces where there are any.
fn fold(line: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = line.chars().collect();
    while rest.len() > width {
        let indent = if pieces.is_empty() { 0 } else { INDENT };
        let space = (indent + 1..=width).rev().find(|&i| rest[i] == ' ');
        let (end, next) = space.map_or((width, width), |i| (i, i + 1));
        pieces.push(rest[..end].iter().collect());
        rest = std::iter::repeat_n(' ', INDENT).chain(rest[next..].iter().copied()).collect();
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_and_wishes_are_respected() {
        let of = |terminal, no_color, dumb| Terminal::choose(terminal, no_color, dumb, || Some(100));
        assert_eq!(of(false, false, false), Terminal::default());
        assert_eq!(of(true, false, false), Terminal { color: true, width: Some(100) });
        assert_eq!(of(true, true, false), Terminal { color: false, width: Some(100) });
        assert_eq!(of(true, false, true), Terminal { color: false, width: Some(100) });
        assert_eq!(Terminal::choose(true, true, true, || Some(3)), Terminal::default());
        let text = "== graph\n%0 = leaf #0\n";
        assert_eq!(of(false, false, false).show(text), text);
        assert!(of(true, false, false).show(text).starts_with("\x1b[1m== graph\x1b[0m\n"));
    }

    #[test]
    fn folding_loses_nothing() {
        let line = "refused %1 in %2: a reason that is longer than the line is wide, é and so on";
        let pieces = fold(line, 40);
        assert!(pieces.len() > 1 && pieces.iter().all(|p| p.chars().count() <= 40), "{pieces:?}");
        let whole: Vec<&str> = pieces.iter().map(|p| p.trim_start()).collect();
        assert_eq!(whole.join(" "), line);
        assert_eq!(fold(&"x".repeat(90), 40).len(), 3);
    }
}
