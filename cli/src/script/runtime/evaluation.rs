//! The evaluation of values, and their elements read back from the engine.
//!
//! In: values whose elements are needed now. Out: the elements on the host. This is the only file that evaluates. It evaluates a value
//! together with the variables that the enclosing loops name and the numbers that pending warnings wait for.

use lazurite::Array;

use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::host::{HostData, HostValue};
use super::super::value::{Tensor, Value, class_of};
use super::upload::LONG_RANGE;
use super::warnings::singular_message;
use super::{Runtime, readback};

impl Runtime<'_> {
    /// Evaluates arrays, together with what pending warnings wait for and what the enclosing loops carry.
    ///
    /// # Errors
    /// The evaluation fails.
    pub fn evaluate(&mut self, tensors: &[&Tensor]) -> Result<(), Diagnostic> {
        let carried = self.variables.tensors_of(self.loops.carried()).map(|tensor| &tensor.array);
        let roots = tensors.iter().map(|tensor| &tensor.array).chain(self.warnings.conditions()).chain(carried);
        let roots: Vec<&Array> = roots.filter(|array| !array.is_evaluated()).collect();
        self.loops.evaluated();
        if !roots.is_empty() {
            self.engine.eval(&roots).map_err(|error| self.engine_error(&error))?;
        }
        self.warn_of_singular()
    }

    /// Evaluates every variable, so that `toc` measures the time of their computation.
    ///
    /// # Errors
    /// The evaluation fails.
    pub fn evaluate_variables(&mut self) -> Result<(), Diagnostic> {
        let tensors: Vec<Tensor> = self.variables.tensors().cloned().collect();
        self.evaluate(&tensors.iter().collect::<Vec<_>>())
    }

    /// Ends an iteration of a loop: evaluates what the loop carries once many results have been recorded.
    ///
    /// # Errors
    /// The evaluation fails.
    pub fn end_of_round(&mut self) -> Result<(), Diagnostic> {
        self.budget.count_statement(&self.location)?;
        if self.loops.is_evaluation_due() { self.evaluate(&[]) } else { Ok(()) }
    }

    fn warn_of_singular(&mut self) -> Result<(), Diagnostic> {
        for pending in self.warnings.take_singular() {
            let rcond = readback::elements(&pending.condition, pending.class, &[]);
            let rcond = rcond.map_err(|error| self.engine_error(&error))?.get_f64(0).unwrap_or(f64::NAN);
            if let Some(message) = singular_message(rcond, pending.class) {
                self.warn(pending.span, &message);
            }
        }
        Ok(())
    }

    /// A value's elements on the host; evaluates an array.
    ///
    /// # Errors
    /// The evaluation fails.
    pub fn host(&mut self, value: &Value) -> Result<HostValue, Diagnostic> {
        let tensor = match value {
            Value::Array(tensor) => tensor.clone(),
            // The engine writes it out, because it knows the memory limit.
            Value::Range(range) if range.count > LONG_RANGE => self.tensor(value)?,
            _ => {
                let empty = HostValue { dims: vec![0, 0], data: HostData::F64(vec![]) };
                return Ok(value.host_value().unwrap_or(empty));
            }
        };
        if !self.budget.allows_readback(&tensor.dims) {
            let text = dims_text(&tensor.dims);
            return Err(self.error(format!("out of memory: a {text} array cannot be stored")));
        }
        self.evaluate(&[&tensor])?;
        let data = readback::elements(&tensor.array, tensor.class, &tensor.dims);
        let data = data.map_err(|error| self.engine_error(&error))?;
        if let Some(origin) = tensor.complex.filter(|_| self.warnings.shows_complex(&data)) {
            self.warn_of_complex(origin);
        }
        debug_assert_eq!(class_of(&data), tensor.class);
        Ok(HostValue { dims: tensor.dims, data })
    }

    /// Several values' elements, evaluated together.
    ///
    /// # Errors
    /// The evaluation fails.
    pub fn hosts(&mut self, values: &[Value]) -> Result<Vec<HostValue>, Diagnostic> {
        let tensors: Vec<&Tensor> = values.iter().filter_map(Value::as_tensor).collect();
        if tensors.len() > 1 && tensors.iter().all(|tensor| self.budget.allows_readback(&tensor.dims)) {
            self.evaluate(&tensors)?;
        }
        values.iter().map(|value| self.host(value)).collect()
    }

    /// The single number in a 1×1 value; evaluates an array.
    ///
    /// # Errors
    /// The evaluation fails; the value is not 1×1.
    pub fn number(&mut self, value: &Value) -> Result<f64, Diagnostic> {
        if let Some(scalar) = value.known() {
            return Ok(scalar.value);
        }
        let host = self.host(value)?;
        match host.data.get_f64(0) {
            Some(number) if host.numel() == 1 => Ok(number),
            _ => Err(self.error(format!("expected a scalar, but this value is {}", dims_text(&host.dims)))),
        }
    }
}
