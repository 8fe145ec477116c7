//! The functions that scripts can call.
//!
//! In: a name and values. Out: values. Each file holds one subject and a table of its functions; adding a function is a line
//! in a table where a function of one or two numbers suffices, and a small function otherwise. How many arguments and results
//! a function takes stands in its table and is checked here.

mod construct;
mod elementwise;
pub mod files;
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

/// One function.
pub struct Function {
    /// Its name in scripts.
    pub name: &'static str,
    /// The fewest and most arguments.
    pub arguments: (usize, usize),
    /// The most results.
    pub results: usize,
    body: Body,
}

/// What a function does.
enum Body {
    /// Anything.
    Run(fn(&mut Runtime, &Call) -> Result<Vec<Value>, Diagnostic>),
    /// One number from one number, element by element.
    Unary(elementwise::Unary),
    /// One number from two numbers, element by element.
    Binary(elementwise::Binary),
}

/// A call.
pub struct Call {
    /// The function's name.
    pub name: &'static str,
    /// The values given.
    pub arguments: Vec<Value>,
    /// Where they stand.
    pub spans: Vec<Span>,
    /// How many results are asked for; 0 when the call is a statement.
    pub wanted: usize,
}

/// No bound on the number of arguments.
const MANY: usize = usize::MAX;

const fn run(
    name: &'static str,
    arguments: (usize, usize),
    results: usize,
    body: fn(&mut Runtime, &Call) -> Result<Vec<Value>, Diagnostic>,
) -> Function {
    Function { name, arguments, results, body: Body::Run(body) }
}

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

/// The error for a name that is neither variable nor function.
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
    let (least, most) = function.arguments;
    if given < least || given > most {
        let takes = match (least, most) {
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
    match &function.body {
        Body::Run(body) => body(rt, &call),
        Body::Unary(unary) => elementwise::unary(rt, function.name, unary, &call.arguments[0]).map(|value| vec![value]),
        Body::Binary(binary) => elementwise::binary(rt, function.name, binary, &call.arguments[0], &call.arguments[1])
            .map(|value| vec![value]),
    }
}

impl Call {
    /// Argument `i` as text.
    fn text(&self, i: usize) -> Option<String> {
        match self.arguments.get(i)? {
            Value::Scalar(_) | Value::Range(_) | Value::Array(_) => None,
            value => value.as_text().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// An error about argument `i`, at its place.
    fn bad(&self, i: usize, what: impl std::fmt::Display) -> Diagnostic {
        let message = format!("{}: {what}", self.name);
        match self.spans.get(i) {
            Some(span) => Diagnostic::at(*span, message),
            None => Diagnostic::unplaced(message),
        }
    }

    /// Argument `i` as a whole number that is not negative; evaluates an array.
    fn count(&self, rt: &mut Runtime, i: usize, what: &str) -> Result<usize, Diagnostic> {
        let value = self.number(rt, i, what)?;
        self.whole(i, value, what)
    }

    /// Argument `i` as a number.
    fn number(&self, rt: &mut Runtime, i: usize, what: &str) -> Result<f64, Diagnostic> {
        let value = &self.arguments[i];
        if !value.is_scalar() {
            let dims = super::display::dims_text(&value.dims());
            return Err(self.bad(i, format!("{what} must be a scalar, but is {dims}")));
        }
        rt.number(value)
    }

    fn whole(&self, i: usize, value: f64, what: &str) -> Result<usize, Diagnostic> {
        if value.is_nan() {
            return Err(self.bad(i, format!("{what} is NaN")));
        }
        if value != value.trunc() {
            return Err(self.bad(i, format!("{what} must be a whole number, but is {value}")));
        }
        if value < 0.0 {
            return Err(self.bad(i, format!("{what} must not be negative, but is {value}")));
        }
        if value > 9_007_199_254_740_992.0 {
            return Err(self.bad(i, format!("out of memory or dimension too large for Octave's index type ({value})")));
        }
        Ok(value as usize)
    }

    /// Argument `i` as an axis, from 0; scripts count from 1.
    fn axis(&self, rt: &mut Runtime, i: usize) -> Result<usize, Diagnostic> {
        match self.count(rt, i, "DIM")? {
            0 => Err(self.bad(i, "DIM must be a valid dimension")),
            dim => Ok(dim - 1),
        }
    }

    /// Argument `i` as a list of whole numbers that are not negative.
    fn counts(&self, rt: &mut Runtime, i: usize, what: &str) -> Result<Vec<usize>, Diagnostic> {
        let host = rt.host(&self.arguments[i])?;
        let numbers = (0..host.numel()).filter_map(|at| host.data.get_f64(at));
        numbers.map(|value| self.whole(i, value, what)).collect()
    }
}

/// The first axis whose extent is not 1.
fn first_long_axis(dims: &[usize]) -> usize {
    dims.iter().position(|d| *d != 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique() {
        let names = names();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for function in tables() {
            assert!(function.arguments.0 <= function.arguments.1, "{}", function.name);
            assert!(find(function.name).is_some());
        }
    }

    #[test]
    fn near_names_are_offered() {
        assert_eq!(distance("zeroes", "zeros"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        let source = super::super::diagnostic::Source::new("a.m", "zeroes(3)").unwrap();
        let text = unknown("zeroes", Span::new(0, 6)).render(&source);
        assert!(text.contains("'zeroes' undefined") && text.contains("did you mean 'zeros'?"), "{text}");
        assert!(!unknown("qqqqqqqq", Span::new(0, 1)).render(&source).contains("did you mean"));
    }
}
