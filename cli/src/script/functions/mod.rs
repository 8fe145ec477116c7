//! The functions that scripts can call.
//!
//! In: a name and values. Out: values. Each file holds one subject and a table of its functions. Adding a function of one or two
//! numbers takes a line in a table; any other takes a small function too. The table says how many arguments and results a
//! function has, which is checked here.

mod construct;
mod elementwise;
pub mod files;
mod function;
mod linalg;
mod order;
mod output;
mod reductions;
mod shape;
mod types;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::diagnostic::{Diagnostic, Span};
use super::runtime::Runtime;
use super::value::Value;
pub use function::{Call, Function};
use function::{Implementation, MANY};

fn tables() -> impl Iterator<Item = &'static Function> {
    [
        construct::TABLE,
        elementwise::TABLE,
        linalg::TABLE,
        order::TABLE,
        output::TABLE,
        reductions::TABLE,
        shape::TABLE,
        files::TABLE,
        types::TABLE,
    ]
    .into_iter()
    .flatten()
}

/// The function called `name`.
pub fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    BY_NAME.get_or_init(|| tables().map(|function| (function.name, function)).collect()).get(name).copied()
}

/// The names of all functions, in order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = tables().map(|function| function.name).collect();
    names.sort_unstable();
    names
}

/// The error for a name that is neither a variable nor a function.
pub fn unknown(name: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::at(span, format!("'{name}' undefined"));
    let near = tables().map(|function| (distance(name, function.name), function.name)).min();
    match near {
        Some((changes, near)) if changes <= 1 + name.len() / 4 && name.len() > 1 => {
            error.help(format!("there is no such variable or function; did you mean '{near}'?"))
        }
        _ => error.help("there is no such variable or function in the script language"),
    }
}

/// Insertions, removals and replacements that lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// Calls a function.
///
/// # Errors
/// A wrong number of arguments or results, and whatever the function reports.
pub fn call(rt: &mut Runtime, function: &Function, call: Call) -> Result<Vec<Value>, Diagnostic> {
    let given = call.arguments.len();
    if !function.arguments.contains(&given) {
        let takes = match (*function.arguments.start(), *function.arguments.end()) {
            (0, 0) => "no arguments".to_owned(),
            (n, MANY) => format!("at least {n}"),
            (m, n) if m == n => format!("{n}"),
            (m, n) => format!("{m} to {n}"),
        };
        return Err(rt
            .error(format!("Invalid call to {}", function.name))
            .help(format!("it takes {takes}, not {given}")));
    }
    if call.wanted > function.results.max(1) {
        return Err(rt.error(format!("{}: function called with too many outputs", function.name)));
    }
    match &function.implementation {
        Implementation::Run(body) => body(rt, &call),
        Implementation::Unary(unary) => {
            elementwise::unary(rt, function.name, unary, &call.arguments[0]).map(|value| vec![value])
        }
        Implementation::Binary(binary) => {
            elementwise::binary(rt, function.name, binary, &call.arguments[0], &call.arguments[1])
                .map(|value| vec![value])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique() {
        let names = names();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for function in tables() {
            assert!(!function.arguments.is_empty(), "{}", function.name);
            assert!(find(function.name).is_some());
        }
    }

    #[test]
    fn near_names_are_offered() {
        assert_eq!(distance("zeroes", "zeros"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        let source = super::super::diagnostic::SourceText::new("a.m", "zeroes(3)").unwrap();
        let text = unknown("zeroes", Span::new(0, 6)).render(&source);
        assert!(text.contains("'zeroes' undefined") && text.contains("did you mean 'zeros'?"), "{text}");
        assert!(!unknown("qqqqqqqq", Span::new(0, 1)).render(&source).contains("did you mean"));
    }
}
