//! Asking for results: arrays in, one evaluation of all their nodes, nothing out but errors.

use super::Array;
use crate::engine::{Engine, Proof};
use crate::error::{Error, Result};
use crate::graph::NodeRef;

impl Engine {
    /// Evaluates arrays together, in one plan.
    ///
    /// # Errors
    /// The error of a poisoned array before any work is done; otherwise what went wrong, with all arrays still pending.
    #[cfg(feature = "blocking")]
    pub fn eval(&self, arrays: &[&Array]) -> Result<()> {
        crate::engine::wait(self.eval_async(arrays))
    }

    /// As [`eval`](Self::eval), without blocking.
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub async fn eval_async(&self, arrays: &[&Array]) -> Result<()> {
        let mut roots: smallvec::SmallVec<[NodeRef; 4]> = smallvec::SmallVec::new();
        for a in arrays {
            if !a.engine().same(self) {
                return Err(Error::argument("eval: expected arrays of this engine, given one of another"));
            }
            roots.push(a.node()?);
        }
        if roots.is_empty() { Ok(()) } else { self.evaluate_nodes(&roots).await }
    }

    /// Does what an evaluation of these arrays does before its first step: takes the snapshot and finds or makes its plan. Runs
    /// nothing and leaves everything pending. Returns whether the plan was cached.
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    #[cfg(all(feature = "check", feature = "blocking"))]
    pub fn look_up(&self, arrays: &[&Array]) -> Result<bool> {
        let roots = arrays.iter().map(|a| a.node()).collect::<Result<Vec<_>>>()?;
        self.look_up_nodes(&roots)
    }
}

impl Array {
    /// How the engine would compute this array from what is recorded: the chain of rules from what was written to what would run,
    /// each with its class. Plans what is pending below it, by itself, and evaluates nothing.
    ///
    /// # Errors
    /// The error of a poisoned array; an argument error for an array that has its value already (see
    /// [`Evaluation::why`](crate::engine::Evaluation::why)).
    pub fn why(&self) -> Result<Proof> {
        self.engine().why_pending(self.node()?)
    }
}
