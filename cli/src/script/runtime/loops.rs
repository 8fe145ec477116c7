//! The enclosing loops, and the variables that an evaluation inside them includes.
//!
//! A value is evaluated together with the variables that the enclosing loops name. Otherwise the pending work of a variable that a loop
//! assigns would grow by one iteration each time, and a variable that a loop only reads would be computed again in every iteration.

use std::rc::Rc;

use super::super::lexer::Symbol;

/// A loop evaluates what it carries after this many recorded results without an evaluation.
const RECORDED_PER_EVALUATION: usize = 2048;

/// The loops that enclose the running statement.
#[derive(Default)]
pub struct Loops {
    /// The names in each loop and its inner loops, outermost loop first.
    names: Vec<Rc<[Symbol]>>,
    /// How many results were recorded since the last evaluation.
    recorded: usize,
}

impl Loops {
    /// Enters a loop that assigns or reads `symbols`.
    pub fn enter(&mut self, symbols: Rc<[Symbol]>) {
        self.names.push(symbols);
    }

    /// Leaves the innermost loop.
    pub fn leave(&mut self) {
        self.names.pop();
    }

    /// Whether the running statement is inside a loop.
    pub fn is_inside(&self) -> bool {
        !self.names.is_empty()
    }

    /// The variables that an evaluation includes.
    pub fn carried(&self) -> &[Symbol] {
        // An outer loop names whatever its inner loops name.
        self.names.first().map_or(&[], |names| names)
    }

    /// Counts a recorded result.
    pub fn count_recorded(&mut self) {
        self.recorded += 1;
    }

    /// Resets the count of recorded results.
    pub fn evaluated(&mut self) {
        self.recorded = 0;
    }

    /// Whether enough results have been recorded for an iteration to end with an evaluation.
    pub fn is_evaluation_due(&self) -> bool {
        self.recorded > RECORDED_PER_EVALUATION
    }
}
