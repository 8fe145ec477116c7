//! What a running script has: the engine, its variables, its streams and its habits.
//!
//! Comes in: values. Goes out: handles of the engine (uploads) and elements on the host (evaluations). This is the only
//! file that evaluates, so the rule of when that happens is here: a value is evaluated together with the variables that the
//! loops around it name. Those that are assigned there would otherwise grow by one round's work each time, and those that are
//! only read would be computed again in every round.

use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use lazurite::{Array, DType, Engine, Order, Origin};

use super::classes::{self, Class};
use super::diagnostic::{Diagnostic, Source, Span};
use super::host::{HostData, HostValue};
use super::lexer::{Names, Symbol};
pub use super::settings::{Bounds, Settings};
use super::upload::LONG_RANGE;
use super::value::{Complex, Tensor, Value, class_of, dtype_of, numel_of, reordered};

/// After this many recorded results without an evaluation, a loop evaluates what it carries.
const RECORDED_PER_EVALUATION: usize = 2048;

/// A warning that depends on a number the engine has not computed yet.
struct PendingWarning {
    /// The reciprocal condition number, 0-d.
    condition: Array,
    class: Class,
    span: Span,
}

/// The state of a running script.
pub struct Runtime<'a> {
    /// The engine that computes.
    pub engine: Engine,
    /// The script.
    pub source: &'a Source,
    /// Its names.
    pub names: &'a Names,
    /// What the command line decided.
    pub settings: &'a Settings,
    /// The file that the next `load` reads instead of the one it names.
    pub load_instead: Option<PathBuf>,
    /// The class that the next `load` gives to integers and bytes, if not the default.
    pub load_class: Option<Class>,
    /// Seed and number of draws so far of the random numbers.
    pub random: (u32, u32),
    /// When `tic` was last called.
    pub timer: Option<Instant>,
    /// Where execution is: the innermost operation that was begun.
    pub place: Span,
    slots: Vec<Option<Value>>,
    out: &'a mut dyn Write,
    warnings: &'a mut dyn Write,
    file: Arc<str>,
    /// For each loop that is running, the names in it.
    carried: Vec<Rc<[Symbol]>>,
    recorded: usize,
    executed: u64,
    pending: Vec<PendingWarning>,
    warned_of_complex: bool,
}

impl<'a> Runtime<'a> {
    /// A fresh state for a script.
    pub fn new(
        engine: Engine,
        source: &'a Source,
        names: &'a Names,
        settings: &'a Settings,
        out: &'a mut dyn Write,
        warnings: &'a mut dyn Write,
    ) -> Self {
        let file: Arc<str> = source.name().into();
        Self {
            engine,
            source,
            names,
            settings,
            load_instead: None,
            load_class: None,
            random: (0, 0),
            timer: None,
            place: Span::default(),
            slots: vec![None; names.len()],
            out,
            warnings,
            file,
            carried: Vec::new(),
            recorded: 0,
            executed: 0,
            pending: Vec::new(),
            warned_of_complex: false,
        }
    }

    // Variables.

    /// The value of a variable.
    pub fn variable(&self, symbol: Symbol) -> Option<&Value> {
        self.slots[symbol.0 as usize].as_ref()
    }

    /// Moves a variable's value out.
    pub fn take(&mut self, symbol: Symbol) -> Option<Value> {
        self.slots[symbol.0 as usize].take()
    }

    /// Gives a variable a value.
    pub fn set(&mut self, symbol: Symbol, value: Value) {
        self.slots[symbol.0 as usize] = Some(value);
    }

    /// Tells the engine what the script calls a value: explanations show it.
    pub fn name(&mut self, symbol: Symbol, span: Span, value: &Value) {
        if let Value::Array(tensor) = value {
            let name = self.names.name(symbol);
            self.at(span, |_| tensor.array.name(name));
        }
    }

    /// Drops variables that nothing reads any more.
    pub fn drop_all(&mut self, symbols: &[Symbol]) {
        for symbol in symbols {
            self.slots[symbol.0 as usize] = None;
        }
    }

    // Places.

    /// Runs `work` with every node it records marked with `span`.
    pub fn at<T>(&mut self, span: Span, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.place, span);
        let (line, col) = self.source.line_and_column(span.start);
        let origin = Origin { file: self.file.clone(), line, col, label: None };
        let engine = self.engine.clone();
        let result = engine.with_origin(origin, || work(self));
        self.place = outer;
        result
    }

    /// An error in the script at the place where execution is.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.place, message)
    }

    /// The engine's error as one of the script, at the operation that recorded the failing node.
    pub fn engine_error(&self, error: &lazurite::Error) -> Diagnostic {
        let mut message = error.to_string();
        let mut span = self.place;
        if let Some(origin) = error.origin().filter(|origin| origin.file == self.file) {
            message = message.strip_prefix(&format!("{origin}: ")).unwrap_or(&message).to_owned();
            span = self.source.span_at(origin.line, origin.col);
        }
        let diagnostic = Diagnostic::at(span, message);
        let of_input = error.is_shape()
            || error.is_dtype()
            || error.is_argument()
            || error.is_out_of_memory()
            || error.is_numeric();
        if of_input { diagnostic } else { diagnostic.blame_engine() }
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

    // Streams.

    /// Writes results.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn print(&mut self, bytes: &[u8]) -> Result<(), Diagnostic> {
        if self.settings.quiet {
            return Ok(());
        }
        let written = self.out.write_all(bytes);
        written.map_err(|error| self.error(format!("results cannot be written: {error}")).blame_engine())
    }

    /// Writes to the error stream, results or not.
    pub fn print_error(&mut self, bytes: &[u8]) {
        // Nobody is left to be told when this fails.
        let _ = self.warnings.write_all(bytes);
    }

    /// Writes a warning with its place.
    pub fn warn(&mut self, span: Span, message: &str) {
        let (line, column) = self.source.line_and_column(span.start);
        let text = format!("warning: {message}\n --> {}:{line}:{column}\n", self.source.name());
        self.print_error(text.as_bytes());
    }

    /// Warns, once a run, that a result is NaN where Octave's would be complex.
    pub fn warn_of_complex(&mut self, complex: Complex) {
        if !self.warned_of_complex {
            self.warned_of_complex = true;
            let message = format!(
                "a result of '{}' is NaN; Octave would give a complex number where the argument leaves its real domain",
                complex.operation
            );
            self.warn(complex.span, &message);
        }
    }

    /// Warns when the 0-d `condition` turns out to be too small.
    pub fn warn_if_singular(&mut self, condition: Array, class: Class) {
        self.pending.push(PendingWarning { condition, class, span: self.place });
    }

    // Loops.

    /// Enters a loop that assigns or reads `symbols`.
    pub fn enter_loop(&mut self, symbols: Rc<[Symbol]>) {
        self.carried.push(symbols);
    }

    /// Leaves the innermost loop.
    pub fn leave_loop(&mut self) {
        self.carried.pop();
    }

    /// Whether execution is inside a loop.
    pub fn in_loop(&self) -> bool {
        !self.carried.is_empty()
    }

    /// Called at the end of each round: evaluates what the loop carries once much has been recorded.
    ///
    /// # Errors
    /// Whatever the evaluation reports.
    pub fn end_of_round(&mut self) -> Result<(), Diagnostic> {
        self.count_statement()?;
        if self.recorded > RECORDED_PER_EVALUATION { self.force(&[]) } else { Ok(()) }
    }

    /// Counts a statement or a round of a loop.
    ///
    /// # Errors
    /// More than the script may execute.
    pub fn count_statement(&mut self) -> Result<(), Diagnostic> {
        self.executed += 1;
        if self.executed > self.settings.bounds.statements {
            let limit = self.settings.bounds.statements;
            return Err(self.error(format!("the script has executed {limit} statements, which is its limit")));
        }
        Ok(())
    }

    /// Refuses files to a script that may not use any.
    ///
    /// # Errors
    /// The script may not use files.
    pub fn check_files(&self) -> Result<(), Diagnostic> {
        if self.settings.bounds.files { Ok(()) } else { Err(self.error("files may not be used here".to_owned())) }
    }

    // Into the engine.

    /// A handle as a value.
    pub fn made(&mut self, array: Array, class: Class, dims: Vec<usize>) -> Tensor {
        self.recorded += 1;
        Tensor::new(array, class, dims)
    }

    /// The value as an array of the engine, with its own class.
    ///
    /// # Errors
    /// Memory for an upload could not be had.
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
                    let leaf = self.upload(&host.value)?;
                    host.leaf.get_or_init(|| leaf).clone()
                }
            },
            Value::Range(range) => self.range(range)?,
        };
        Ok(self.made(array, value.class(), value.dims()))
    }

    /// The value as an array of `dtype` and at least `rank` axes; a scalar that is known here is 0-d.
    ///
    /// # Errors
    /// Memory for an upload could not be had.
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

    // Out of the engine.

    /// Evaluates arrays, everything that pending warnings wait for, and what the loops around carry.
    ///
    /// # Errors
    /// Whatever the evaluation reports.
    pub fn force(&mut self, tensors: &[&Tensor]) -> Result<(), Diagnostic> {
        let mut roots: Vec<Array> = tensors.iter().map(|t| t.array.clone()).collect();
        roots.extend(self.pending.iter().map(|p| p.condition.clone()));
        // An outer loop names whatever its inner loops name.
        if let Some(symbols) = self.carried.first() {
            for symbol in symbols.iter() {
                if let Some(Value::Array(tensor)) = &self.slots[symbol.0 as usize] {
                    roots.push(tensor.array.clone());
                }
            }
        }
        roots.retain(|array| !array.is_evaluated());
        self.recorded = 0;
        if !roots.is_empty() {
            let roots: Vec<&Array> = roots.iter().collect();
            self.engine.eval(&roots).map_err(|error| self.engine_error(&error))?;
        }
        self.report_singular()
    }

    /// Evaluates every variable: what `toc` measures must have happened.
    ///
    /// # Errors
    /// Whatever the evaluation reports.
    pub fn force_all(&mut self) -> Result<(), Diagnostic> {
        let tensors: Vec<Tensor> = self
            .slots
            .iter()
            .flatten()
            .filter_map(|value| if let Value::Array(tensor) = value { Some(tensor.clone()) } else { None })
            .collect();
        self.force(&tensors.iter().collect::<Vec<_>>())
    }

    fn report_singular(&mut self) -> Result<(), Diagnostic> {
        for warning in std::mem::take(&mut self.pending) {
            let value = self.elements(&warning.condition, warning.class, &[])?;
            let rcond = value.get_f64(0).unwrap_or(f64::NAN);
            let epsilon = if warning.class == Class::Single { f64::from(f32::EPSILON) } else { f64::EPSILON };
            if rcond == 0.0 || rcond.is_nan() {
                self.warn(warning.span, "matrix singular to machine precision");
            } else if rcond < epsilon {
                let rcond = super::cnumber::general(rcond, 6, false);
                self.warn(warning.span, &format!("matrix singular to machine precision, rcond = {rcond}"));
            }
        }
        Ok(())
    }

    /// The elements of an evaluated array, column by column.
    fn elements(&self, array: &Array, class: Class, dims: &[usize]) -> Result<HostData, Diagnostic> {
        let fail = |error: lazurite::Error| self.engine_error(&error);
        Ok(match class {
            Class::Double => HostData::F64(reordered(&array.to_vec::<f64>().map_err(fail)?, dims, true)),
            Class::Single => HostData::F32(reordered(&array.to_vec::<f32>().map_err(fail)?, dims, true)),
            Class::Int32 => HostData::I32(reordered(&array.to_vec::<i32>().map_err(fail)?, dims, true)),
            Class::Int64 => HostData::I64(reordered(&array.to_vec::<i64>().map_err(fail)?, dims, true)),
            Class::Uint8 => HostData::U8(reordered(&array.to_vec::<u8>().map_err(fail)?, dims, true)),
            Class::Char => HostData::Char(reordered(&array.to_vec::<u8>().map_err(fail)?, dims, true)),
            Class::Logical => HostData::Bool(reordered(&array.to_vec::<bool>().map_err(fail)?, dims, true)),
        })
    }

    /// A value's elements on the host; evaluates an array.
    ///
    /// # Errors
    /// Whatever the evaluation reports.
    pub fn host(&mut self, value: &Value) -> Result<HostValue, Diagnostic> {
        let tensor = match value {
            Value::Array(tensor) => tensor.clone(),
            // Written out by the engine, which knows how much memory there is.
            Value::Range(range) if range.count > LONG_RANGE => self.tensor(value)?,
            _ => {
                let empty = HostValue { dims: vec![0, 0], data: HostData::F64(vec![]) };
                return Ok(value.host_value().unwrap_or(empty));
            }
        };
        if numel_of(&tensor.dims) > self.settings.bounds.elements {
            let text = super::display::dims_text(&tensor.dims);
            return Err(self.error(format!("out of memory: a {text} array cannot be stored")));
        }
        self.force(&[&tensor])?;
        let data = self.elements(&tensor.array, tensor.class, &tensor.dims)?;
        if let Some(complex) = tensor.complex.filter(|_| !self.warned_of_complex) {
            let has_nan = match &data {
                HostData::F64(v) => v.iter().any(|x| x.is_nan()),
                HostData::F32(v) => v.iter().any(|x| x.is_nan()),
                _ => false,
            };
            if has_nan {
                self.warn_of_complex(complex);
            }
        }
        debug_assert_eq!(class_of(&data), tensor.class);
        Ok(HostValue { dims: tensor.dims.clone(), data })
    }

    /// Several values' elements, evaluated together.
    ///
    /// # Errors
    /// Whatever the evaluation reports.
    pub fn hosts(&mut self, values: &[Value]) -> Result<Vec<HostValue>, Diagnostic> {
        let tensors: Vec<Tensor> = values
            .iter()
            .filter_map(|value| if let Value::Array(tensor) = value { Some(tensor.clone()) } else { None })
            .collect();
        if tensors.iter().all(|t| t.numel() <= self.settings.bounds.elements) && tensors.len() > 1 {
            self.force(&tensors.iter().collect::<Vec<_>>())?;
        }
        values.iter().map(|value| self.host(value)).collect()
    }

    /// Refuses to walk over more elements than any memory holds: an array may be that large as long as only parts of it are
    /// asked for, and a fold over it would be no memory's problem but would not end either.
    ///
    /// # Errors
    /// Too many elements.
    pub fn check_walk(&self, value: &Value) -> Result<(), Diagnostic> {
        if value.numel() <= self.settings.bounds.elements {
            return Ok(());
        }
        let text = super::display::dims_text(&value.dims());
        Err(self.error(format!("out of memory: a {text} array has too many elements to walk over")))
    }

    /// The single number in a 1×1 value; evaluates an array.
    ///
    /// # Errors
    /// Whatever the evaluation reports; a value that is not 1×1.
    pub fn number(&mut self, value: &Value) -> Result<f64, Diagnostic> {
        if let Some(scalar) = value.known() {
            return Ok(scalar.value);
        }
        let host = self.host(value)?;
        match host.data.get_f64(0) {
            Some(number) if host.numel() == 1 => Ok(number),
            _ => {
                Err(self
                    .error(format!("expected a scalar, but this value is {}", super::display::dims_text(&host.dims))))
            }
        }
    }
}
