//! The state of a running script, and the recording of its operations.
//!
//! In: values. Out: arrays of the engine, marked with their place in the script. Each part of the state has a file of its own; this one
//! brings them together. Only `evaluation` decides when something is evaluated.

mod budget;
mod evaluation;
mod load;
mod location;
mod loops;
mod random;
mod readback;
mod streams;
mod upload;
mod variables;
mod warnings;

use std::io::Write;
use std::time::Instant;

use lazurite::{Array, DType, Engine, Order};

use super::classes::{self, Class};
use super::diagnostic::{Diagnostic, SourceText, Span};
use super::lexer::{Names, Symbol};
use super::settings::RunSettings;
use super::value::{ComplexOrigin, Tensor, Value, dtype_of};
use budget::Budget;
use load::LoadOverride;
use location::Location;
use loops::Loops;
pub use random::{RandomState, RandomStream};
use streams::Streams;
use variables::Variables;
use warnings::{PendingSingular, Warnings};

/// The state of a running script.
pub struct Runtime<'a> {
    /// The engine that computes.
    pub engine: Engine,
    /// The names in the script.
    pub names: &'a Names,
    /// How the script is run.
    pub settings: &'a RunSettings,
    /// The place of the operation that is running.
    pub location: Location<'a>,
    /// The values of the variables.
    pub variables: Variables,
    /// The enclosing loops.
    pub loops: Loops,
    /// What the script may still use.
    pub budget: Budget,
    /// How the next `load` deviates from its argument.
    pub load: LoadOverride,
    /// The state of the random numbers.
    pub random: RandomState,
    /// When `tic` was last called.
    pub timer: Option<Instant>,
    streams: Streams<'a>,
    warnings: Warnings,
}

impl<'a> Runtime<'a> {
    /// The state at the start of a script.
    pub fn new(
        engine: Engine,
        source: &'a SourceText,
        names: &'a Names,
        settings: &'a RunSettings,
        out: &'a mut dyn Write,
        errors: &'a mut dyn Write,
    ) -> Self {
        Self {
            engine,
            names,
            settings,
            location: Location::new(source),
            variables: Variables::new(names.len()),
            loops: Loops::default(),
            budget: Budget::new(settings.bounds.clone()),
            load: LoadOverride::default(),
            random: RandomState::default(),
            timer: None,
            streams: Streams::new(out, errors, settings.quiet),
            warnings: Warnings::default(),
        }
    }

    // Places.

    /// Runs `work` with every node it records marked with `span`.
    pub fn at<T>(&mut self, span: Span, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.location.span, span);
        let origin = self.location.origin();
        let engine = self.engine.clone();
        let result = engine.with_origin(origin, || work(self));
        self.location.span = outer;
        result
    }

    /// An error in the script, at the current place.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        self.location.error(message)
    }

    /// The engine's error as one of the script.
    pub fn engine_error(&self, error: &lazurite::Error) -> Diagnostic {
        self.location.engine_error(error)
    }

    // Streams.

    /// Writes results.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn print(&mut self, bytes: &[u8]) -> Result<(), Diagnostic> {
        let printed = self.streams.print(bytes);
        printed.map_err(|error| self.error(format!("results cannot be written: {error}")).caused_by_engine())
    }

    /// Writes to the error stream, even where results are discarded.
    pub fn print_message(&mut self, bytes: &[u8]) {
        self.streams.print_message(bytes);
    }

    fn warn(&mut self, span: Span, message: &str) {
        let text = self.location.warning(span, message);
        self.streams.print_message(text.as_bytes());
    }

    /// Warns, once in a run, that a result is NaN where Octave's would be complex.
    pub fn warn_of_complex(&mut self, origin: ComplexOrigin) {
        if let Some(message) = self.warnings.complex_once(origin) {
            self.warn(origin.span, &message);
        }
    }

    /// Warns when the 0-d `condition` turns out to be too small.
    pub fn warn_if_singular(&mut self, condition: Array, class: Class) {
        let span = self.location.span;
        self.warnings.watch(PendingSingular { condition, class, span });
    }

    // Classes.

    /// The class of a function of one value. Where that is double only because the value is logical, a character or an
    /// integer, the default real class takes its place.
    ///
    /// # Errors
    /// A class that the function does not take.
    pub fn class_of_one(&self, name: &str, a: &Value) -> Result<Class, Diagnostic> {
        let class = classes::unary(name, a.operand()).map_err(|error| self.error(error.to_string()))?;
        Ok(if a.class() == Class::Double { class } else { self.default_for(class) })
    }

    /// The class of an operator or function of two values, with the default real class as in [`Self::class_of_one`].
    ///
    /// # Errors
    /// Classes that do not mix.
    pub fn class_of_two(&self, name: &str, a: &Value, b: &Value) -> Result<Class, Diagnostic> {
        let class = classes::binary(name, a.operand(), b.operand()).map_err(|error| self.error(error.to_string()))?;
        let given = a.class() == Class::Double || b.class() == Class::Double;
        Ok(if given { class } else { self.default_for(class) })
    }

    fn default_for(&self, class: Class) -> Class {
        if class == Class::Double { self.settings.real } else { class }
    }

    // Values as arrays of the engine.

    /// Tells the engine what the script calls a value: explanations show it.
    pub fn name(&mut self, symbol: Symbol, span: Span, value: &Value) {
        if let Value::Array(tensor) = value {
            let name = self.names.name(symbol);
            self.at(span, |_| tensor.array.name(name));
        }
    }

    /// Wraps the result of an operation as a value, and counts it as recorded.
    pub fn recorded(&mut self, array: Array, class: Class, dims: Vec<usize>) -> Tensor {
        self.loops.count_recorded();
        Tensor::new(array, class, dims)
    }

    /// The value as an array of the engine, with its own class.
    ///
    /// # Errors
    /// There is no memory for an upload.
    pub fn tensor(&mut self, value: &Value) -> Result<Tensor, Diagnostic> {
        let array = match value {
            Value::Array(tensor) => return Ok(tensor.clone()),
            Value::Scalar(scalar) => {
                let zero_d = self.scalar(scalar.value, dtype_of(scalar.class));
                zero_d.reshape(&[1, 1], Order::C)
            }
            Value::Host(host) => match host.leaf.get() {
                Some(leaf) => leaf.clone(),
                None => {
                    let leaf = upload::elements(&self.engine, &host.value);
                    let leaf = leaf.map_err(|error| self.engine_error(&error))?;
                    host.leaf.get_or_init(|| leaf).clone()
                }
            },
            Value::Range(range) => upload::range(&self.engine, range).map_err(|error| self.engine_error(&error))?,
        };
        Ok(self.recorded(array, value.class(), value.dims()))
    }

    /// The value as an array of `dtype` and at least `rank` axes; a scalar that is known here is 0-d.
    ///
    /// # Errors
    /// There is no memory for an upload.
    pub fn operand(&mut self, value: &Value, dtype: DType, rank: usize) -> Result<Array, Diagnostic> {
        if let Some(scalar) = value.known() {
            return Ok(self.scalar(scalar.value, dtype));
        }
        let tensor = self.tensor(value)?;
        let mut array = tensor.array.cast(dtype);
        if tensor.dims.len() < rank {
            // MATLAB pads with trailing ones, the engine with leading ones.
            let mut dims = tensor.dims;
            dims.resize(rank, 1);
            array = array.reshape(&dims, Order::C);
        }
        Ok(array)
    }

    /// A 0-d array of one number that `dtype` holds.
    pub fn scalar(&self, value: f64, dtype: DType) -> Array {
        if dtype == DType::Bool {
            return self.engine.scalar(value != 0.0, dtype);
        }
        self.engine.scalar(value, dtype)
    }
}
