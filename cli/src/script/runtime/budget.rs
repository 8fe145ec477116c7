//! What a script may still use.
//!
//! In: what it is about to do. Out: an error if its [`Bounds`] do not allow that.

use super::super::diagnostic::Diagnostic;
use super::super::display::dims_text;
use super::super::settings::Bounds;
use super::super::value::{Value, numel_of};
use super::location::Location;

/// The bounds of a run, and the statements it has executed.
pub struct Budget {
    bounds: Bounds,
    executed: u64,
}

impl Budget {
    /// The whole of the bounds, unused.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, executed: 0 }
    }

    /// Counts a statement or an iteration of a loop.
    ///
    /// # Errors
    /// More than the script may execute.
    pub fn count_statement(&mut self, location: &Location) -> Result<(), Diagnostic> {
        self.executed += 1;
        let limit = self.bounds.statements;
        if self.executed > limit {
            return Err(location.error(format!("the script has executed {limit} statements, which is its limit")));
        }
        Ok(())
    }

    /// Refuses files to a script that may not use any.
    ///
    /// # Errors
    /// The script may not use files.
    pub fn check_files(&self, location: &Location) -> Result<(), Diagnostic> {
        if self.bounds.files { Ok(()) } else { Err(location.error("files may not be used here")) }
    }

    /// Whether an array of these dimensions may be read back.
    pub fn allows_readback(&self, dims: &[usize]) -> bool {
        numel_of(dims) <= self.bounds.elements
    }

    /// Refuses to iterate over an array that is too large. Such an array may exist as long as only parts of it are needed; a
    /// reduction over all of it would not need the memory but would not end either.
    ///
    /// # Errors
    /// Too many elements.
    pub fn check_walk(&self, location: &Location, value: &Value) -> Result<(), Diagnostic> {
        if value.numel() <= self.bounds.elements {
            return Ok(());
        }
        let text = dims_text(&value.dims());
        Err(location.error(format!("out of memory: a {text} array has too many elements to walk over")))
    }
}
