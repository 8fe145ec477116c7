//! Functions and calls.
//!
//! In: the arguments of a call and their places. Out: each argument in the form that a function needs, or an error at its place.

use std::ops::RangeInclusive;

use lazurite::Array;

use super::super::diagnostic::{Diagnostic, Span};
use super::super::display::dims_text;
use super::super::runtime::Runtime;
use super::super::value::Value;

/// One function.
pub struct Function {
    /// Its name in scripts.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arguments: RangeInclusive<usize>,
    /// How many results it has at most.
    pub results: usize,
    /// How it is computed.
    pub implementation: Implementation,
}

/// How a function is computed.
pub enum Implementation {
    /// By a function of its own.
    Run(fn(&mut Runtime, &Call) -> Result<Vec<Value>, Diagnostic>),
    /// One number from one number, element by element.
    Unary(Unary),
    /// One number from two numbers, element by element.
    Binary(Binary),
}

/// A function of one number.
pub struct Unary {
    /// Records the operation on arrays.
    pub array: fn(&Array) -> Array,
    /// Computes it for a number that is known on the host.
    pub host: fn(f64) -> f64,
    /// The arguments for which Octave's result is complex.
    pub complex: Option<fn(f64) -> bool>,
}

/// A function of two numbers.
pub struct Binary {
    /// Records the operation on arrays.
    pub array: fn(&Array, &Array) -> Array,
    /// Computes it for numbers that are known on the host.
    pub host: fn(f64, f64) -> f64,
}

/// A call.
pub struct Call {
    /// The function's name.
    pub name: &'static str,
    /// The arguments.
    pub arguments: Vec<Value>,
    /// Their places.
    pub spans: Vec<Span>,
    /// How many results are wanted; 0 when the call is a statement.
    pub wanted: usize,
}

/// No bound on the number of arguments.
pub const MANY: usize = usize::MAX;

/// A function that is computed by `body`.
pub const fn run(
    name: &'static str,
    arguments: RangeInclusive<usize>,
    results: usize,
    body: fn(&mut Runtime, &Call) -> Result<Vec<Value>, Diagnostic>,
) -> Function {
    Function { name, arguments, results, implementation: Implementation::Run(body) }
}

impl Call {
    /// Argument `i` as text.
    pub fn text(&self, i: usize) -> Option<String> {
        match self.arguments.get(i)? {
            Value::Scalar(_) | Value::Range(_) | Value::Array(_) => None,
            value => value.as_text().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// An error about argument `i`, at its place.
    pub fn bad(&self, i: usize, what: impl std::fmt::Display) -> Diagnostic {
        let message = format!("{}: {what}", self.name);
        match self.spans.get(i) {
            Some(span) => Diagnostic::at(*span, message),
            None => Diagnostic::unplaced(message),
        }
    }

    /// Argument `i` as a whole number that is not negative; evaluates an array.
    pub fn count(&self, rt: &mut Runtime, i: usize, what: &str) -> Result<usize, Diagnostic> {
        let value = self.number(rt, i, what)?;
        self.whole(i, value, what)
    }

    /// Argument `i` as a number.
    pub fn number(&self, rt: &mut Runtime, i: usize, what: &str) -> Result<f64, Diagnostic> {
        let value = &self.arguments[i];
        if !value.is_scalar() {
            let dims = dims_text(&value.dims());
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
    pub fn axis(&self, rt: &mut Runtime, i: usize) -> Result<usize, Diagnostic> {
        match self.count(rt, i, "DIM")? {
            0 => Err(self.bad(i, "DIM must be a valid dimension")),
            dim => Ok(dim - 1),
        }
    }

    /// Argument `i` as a list of whole numbers that are not negative.
    pub fn counts(&self, rt: &mut Runtime, i: usize, what: &str) -> Result<Vec<usize>, Diagnostic> {
        let host = rt.host(&self.arguments[i])?;
        let numbers = (0..host.numel()).filter_map(|at| host.data.get_f64(at));
        numbers.map(|value| self.whole(i, value, what)).collect()
    }
}

/// The first axis whose extent is not 1.
pub fn first_long_axis(dims: &[usize]) -> usize {
    dims.iter().position(|d| *d != 1).unwrap_or(0)
}
