//! The loops that are running, and what an evaluation inside them must take along.
//!
//! A value is evaluated together with the variables that the loops around it name. Those that are assigned there would otherwise grow by
//! one round's work each time, and those that are only read would be computed again in every round.

use std::rc::Rc;

use super::super::lexer::Symbol;

/// After this many recorded results without an evaluation, a loop evaluates what it carries.
const RECORDED_PER_EVALUATION: usize = 2048;

/// The loops around the statement that runs.
#[derive(Default)]
pub struct Loops {
    /// For each loop, the names in it, inner loops' included; the outermost first.
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

    /// Whether execution is inside a loop.
    pub fn is_inside(&self) -> bool {
        !self.names.is_empty()
    }

    /// The variables that an evaluation takes along.
    pub fn carried(&self) -> &[Symbol] {
        // An outer loop names whatever its inner loops name.
        self.names.first().map_or(&[], |names| names)
    }

    /// Counts a recorded result.
    pub fn count_recorded(&mut self) {
        self.recorded += 1;
    }

    /// Starts the count again.
    pub fn evaluated(&mut self) {
        self.recorded = 0;
    }

    /// Whether so much has been recorded that a round should end with an evaluation.
    pub fn is_evaluation_due(&self) -> bool {
        self.recorded > RECORDED_PER_EVALUATION
    }
}
