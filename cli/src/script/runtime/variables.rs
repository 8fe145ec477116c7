//! The values of a script's variables, by symbol. It knows nothing about the engine.

use super::super::lexer::Symbol;
use super::super::value::{Tensor, Value};

/// The variables of a running script.
pub struct Variables {
    /// Indexed by symbol.
    values: Vec<Option<Value>>,
}

impl Variables {
    /// A variable without a value for each name of a script.
    pub fn new(n_names: usize) -> Self {
        Self { values: vec![None; n_names] }
    }

    /// The value of a variable.
    pub fn get(&self, symbol: Symbol) -> Option<&Value> {
        self.values[symbol.0 as usize].as_ref()
    }

    /// Moves a variable's value out.
    pub fn take(&mut self, symbol: Symbol) -> Option<Value> {
        self.values[symbol.0 as usize].take()
    }

    /// Assigns a variable.
    pub fn set(&mut self, symbol: Symbol, value: Value) {
        self.values[symbol.0 as usize] = Some(value);
    }

    /// Drops the values of variables that nothing reads any more.
    pub fn drop_all(&mut self, symbols: &[Symbol]) {
        for symbol in symbols {
            self.values[symbol.0 as usize] = None;
        }
    }

    /// The arrays of the engine among the values of all variables.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.values.iter().flatten().filter_map(Value::as_tensor)
    }

    /// The arrays of the engine among the values of these variables.
    pub fn tensors_of(&self, symbols: &[Symbol]) -> impl Iterator<Item = &Tensor> {
        symbols.iter().filter_map(|symbol| self.get(*symbol)?.as_tensor())
    }
}
