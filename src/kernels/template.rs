//! The shader preprocessor: a template of `shaders/` and definitions come in, WGSL text comes out.
//!
//! Directives stand on lines of their own: `#ifdef NAME`, `#ifndef NAME`, `#else`, `#endif`, `#for NAME COUNT` … `#endfor`
//! (unrolled; the counter is a name inside). `{{NAME}}` is replaced by its text, which takes the indentation of its line where it
//! stands alone; `{{NAME(a, b)}}` is replaced by a call's text with these arguments. This module knows no groups and no programs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use hashbrown::HashMap;

use crate::error::{Error, Result};

/// What a name in a template stands for.
#[derive(Clone, Debug)]
pub(super) enum Definition {
    /// This text. A name that is only tested by `#ifdef` has an empty one.
    Text(String),
    /// This text with `$0`, `$1`, … replaced by the arguments.
    Call(String),
}

/// The names that a template may use.
pub(super) type Definitions = BTreeMap<String, Definition>;

const TEMPLATES: [(&str, &str); 9] = [
    ("map", include_str!("../../shaders/map.wgsl")),
    ("rows", include_str!("../../shaders/rows.wgsl")),
    ("gemm", include_str!("../../shaders/gemm.wgsl")),
    ("gemm_wide", include_str!("../../shaders/gemm_wide.wgsl")),
    ("gemm_wide_fetch", include_str!("../../shaders/gemm_wide_fetch.wgsl")),
    ("gemm_wide_keep", include_str!("../../shaders/gemm_wide_keep.wgsl")),
    ("gemm_place", include_str!("../../shaders/gemm_place.wgsl")),
    ("combine", include_str!("../../shaders/combine.wgsl")),
    ("scan", include_str!("../../shaders/scan.wgsl")),
];

const LIBRARY: [&str; 5] = [
    include_str!("../../shaders/functions_f32.wgsl"),
    include_str!("../../shaders/functions_exact.wgsl"),
    include_str!("../../shaders/functions_f64.wgsl"),
    include_str!("../../shaders/functions_int.wgsl"),
    include_str!("../../shaders/philox.wgsl"),
];
const MULHI_NARROW: &str = include_str!("../../shaders/mulhi_narrow.wgsl");
const MULHI_WIDE: &str = include_str!("../../shaders/mulhi_wide.wgsl");

/// Expands the template called `template`.
///
/// # Errors
/// An internal error for an unknown template or name, or directives that do not pair.
pub(super) fn expand(template: &str, names: &Definitions) -> Result<String> {
    let text = TEMPLATES
        .iter()
        .find(|(n, _)| *n == template)
        .map(|(_, t)| *t)
        .ok_or_else(|| Error::internal(format!("no shader template is called {template}")))?;
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::with_capacity(text.len() * 2);
    expand_lines(&lines, names, &mut out)
        .map_err(|e| Error::internal(format!("template {template}: {}", e.message())))?;
    Ok(out)
}

fn expand_lines(lines: &[&str], names: &Definitions, out: &mut String) -> Result<()> {
    let mut i = 0;
    while i < lines.len() {
        let line = lines[i].trim_start();
        let mut words = line.split_whitespace();
        match words.next() {
            Some(kind @ ("#ifdef" | "#ifndef")) => {
                let (end, other) = closing(lines, i, "#ifdef", "#ifndef", "#endif")?;
                let holds = names.contains_key(words.next().unwrap_or_default()) == (kind == "#ifdef");
                let (yes, no) = match other {
                    Some(o) => (&lines[i + 1..o], &lines[o + 1..end]),
                    None => (&lines[i + 1..end], &lines[end..end]),
                };
                expand_lines(if holds { yes } else { no }, names, out)?;
                i = end + 1;
            }
            Some("#for") => {
                let (end, _) = closing(lines, i, "#for", "#for", "#endfor")?;
                let name = words.next().unwrap_or_default().to_owned();
                let count = substitute(words.next().unwrap_or_default(), names)?;
                let count: u32 = count.parse().map_err(|_| Error::internal(format!("`{line}` needs a number")))?;
                let mut inner = names.clone();
                for n in 0..count {
                    inner.insert(name.clone(), Definition::Text(n.to_string()));
                    expand_lines(&lines[i + 1..end], &inner, out)?;
                }
                i = end + 1;
            }
            Some(word) if word.starts_with('#') => {
                return Err(Error::internal(format!("`{line}` stands alone")));
            }
            _ => {
                // Comments explain the template to its reader; the compiler does without.
                if !line.starts_with("//") {
                    let indent = &lines[i][..lines[i].len() - line.len()];
                    let alone =
                        line.starts_with("{{") && line.find("}}").is_some_and(|at| at + 2 == line.trim_end().len());
                    let text = substitute(if alone { line } else { lines[i] }, names)?;
                    if alone {
                        text.lines().for_each(|l| push_line(out, indent, l));
                    } else {
                        push_line(out, "", &text);
                    }
                }
                i += 1;
            }
        }
    }
    Ok(())
}

/// The line that closes the directive at `start`, and the `#else` that belongs to it.
fn closing(lines: &[&str], start: usize, open: &str, open2: &str, close: &str) -> Result<(usize, Option<usize>)> {
    let mut depth = 0;
    let mut other = None;
    for (i, line) in lines.iter().enumerate().skip(start) {
        let word = line.split_whitespace().next().unwrap_or_default();
        if word == open || word == open2 {
            depth += 1;
        } else if word == "#else" && depth == 1 && close == "#endif" {
            other = Some(i);
        } else if word == close {
            depth -= 1;
            if depth == 0 {
                return Ok((i, other));
            }
        }
    }
    Err(Error::internal(format!("`{}` is not closed", lines[start].trim())))
}

fn push_line(out: &mut String, indent: &str, line: &str) {
    out.push_str(indent);
    out.push_str(line);
    out.push('\n');
}

fn substitute(line: &str, names: &Definitions) -> Result<String> {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("{{") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find("}}").ok_or_else(|| Error::internal(format!("`{line}` has an open name")))? + at;
        let hole = &rest[at + 2..end];
        rest = &rest[end + 2..];
        let (name, arguments) = match hole.split_once('(') {
            Some((name, arguments)) => (name, Some(arguments.trim_end().trim_end_matches(')'))),
            None => (hole, None),
        };
        match (names.get(name), arguments) {
            (Some(Definition::Text(text)), None) => out.push_str(text),
            (Some(Definition::Call(body)), Some(arguments)) => {
                let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
                let mut pieces = body.split('$');
                out.push_str(pieces.next().unwrap_or_default());
                for piece in pieces {
                    let (number, after) = piece.split_at(1);
                    let argument = number.parse().ok().and_then(|i: usize| arguments.get(i));
                    out.push_str(argument.ok_or_else(|| Error::internal(format!("`{hole}` lacks an argument")))?);
                    out.push_str(after);
                }
            }
            (Some(_), _) => return Err(Error::internal(format!("`{hole}` is no call, or lacks its arguments"))),
            (None, _) => return Err(Error::internal(format!("`{name}` has no text"))),
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// One function or constant of the library, and the other ones its text names.
struct Item {
    text: String,
    needs: Vec<String>,
}

struct Library {
    items: HashMap<String, Item>,
    order: Vec<String>,
}

/// The words of a text.
pub(super) fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty())
}

fn parse_library(wide: bool) -> Library {
    let mut items: HashMap<String, Item> = HashMap::new();
    let mut order = Vec::new();
    let mulhi = if wide { MULHI_WIDE } else { MULHI_NARROW };
    for source in std::iter::once(mulhi).chain(LIBRARY) {
        let mut name = String::new();
        for line in source.lines().filter(|l| !l.trim_start().starts_with("//") && !l.trim().is_empty()) {
            if line.starts_with("fn ") || line.starts_with("const ") {
                name = identifiers(line).nth(1).unwrap_or_default().to_owned();
                order.push(name.clone());
                items.insert(name.clone(), Item { text: String::new(), needs: Vec::new() });
            }
            if let Some(item) = items.get_mut(&name) {
                item.text.push_str(line);
                item.text.push('\n');
            }
        }
    }
    let names: BTreeSet<String> = order.iter().cloned().collect();
    for (name, item) in &mut items {
        item.needs = identifiers(&item.text).filter(|w| *w != name && names.contains(*w)).map(str::to_owned).collect();
    }
    Library { items, order }
}

/// The text of the library functions called `wanted` and of all they need, in the library's order. `wide` chooses the
/// forms that use 64-bit integers.
///
/// # Errors
/// An internal error for an unknown function.
pub(super) fn functions(wanted: &BTreeSet<String>, wide: bool) -> Result<String> {
    static FORMS: [OnceLock<Library>; 2] = [OnceLock::new(), OnceLock::new()];
    let library = FORMS[usize::from(wide)].get_or_init(|| parse_library(wide));
    let mut seen = BTreeSet::new();
    let mut todo: Vec<&str> = wanted.iter().map(String::as_str).collect();
    while let Some(name) = todo.pop() {
        let item =
            library.items.get(name).ok_or_else(|| Error::internal(format!("no shader function is called {name}")))?;
        if seen.insert(name) {
            todo.extend(item.needs.iter().map(String::as_str));
        }
    }
    Ok(library.order.iter().filter(|n| seen.contains(n.as_str())).map(|n| library.items[n].text.as_str()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_and_conditions_expand() {
        let texts = [("N", "2"), ("YES", ""), ("T", "f32"), ("BODY", "first;\n    second;\n")];
        let mut names: Definitions =
            texts.into_iter().map(|(name, text)| (name.to_owned(), Definition::Text(text.to_owned()))).collect();
        names.insert("FMA".to_owned(), Definition::Call("fma($0, $1, $2)".to_owned()));
        let lines = ["#for i {{N}}", "#ifdef YES", "let a{{i}}: {{T}};", "#else", "no", "#endif", "#endfor", "end"];
        let mut out = String::new();
        expand_lines(&lines, &names, &mut out).unwrap();
        assert_eq!(out, "let a0: f32;\nlet a1: f32;\nend\n");
        out.clear();
        expand_lines(&["    {{BODY}}", "c = {{FMA(a.x, b, c)}};"], &names, &mut out).unwrap();
        assert_eq!(out, "    first;\n        second;\nc = fma(a.x, b, c);\n");
        assert!(expand_lines(&["#ifdef A"], &names, &mut out).is_err());
        assert!(expand_lines(&["{{B}}"], &names, &mut out).is_err());
    }

    #[test]
    fn a_function_brings_what_it_calls() {
        let text = functions(&BTreeSet::from(["tanh_f32".to_owned()]), false).unwrap();
        for needed in ["fn tanh_f32", "fn exp_f32", "fn exp_tail_f32", "fn is_nan_f32"] {
            assert!(text.contains(needed), "{needed}");
        }
        assert!(!text.contains("fn log_f32"));
        assert!(functions(&BTreeSet::from(["nothing".to_owned()]), false).is_err());
    }
}
