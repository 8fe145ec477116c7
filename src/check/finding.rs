//! Mismatches of a session as files that can be run again.

use std::fmt;

use super::compare::Mismatch;
use super::report::Divergence;
use crate::dump::{Dump, Settings};
use crate::error::Result;
use crate::types::HostBuffer;

/// A mismatch.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The case.
    pub index: u64,
    /// The configuration it was found in.
    pub configuration: String,
    /// What the engine of that configuration was told.
    pub settings: Settings,
    /// What diverges in the case made small.
    pub divergence: Divergence,
}

impl Finding {
    /// The mismatch as a dump that can be replayed: graph, data and settings, with a description of the mismatch.
    ///
    /// # Errors
    /// What [`Dump::of`] says of a graph that contradicts itself.
    pub fn dump(&self) -> Result<Dump> {
        let mut dump = Dump::of(self.divergence.case.clone(), self.settings.clone())?;
        dump.about = self.to_string();
        Ok(dump)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.configuration, self.divergence)
    }
}

/// Two results that should have the same bits.
pub(super) fn bits_differ(plain: &HostBuffer, given: &HostBuffer) -> Mismatch {
    let index = given.first_difference(plain).unwrap_or(0);
    let at = |b: &HostBuffer| (index < b.len()).then(|| b.get(index));
    let note = format!(", without planner and fusion {:?}: strict results must have the same bits", at(plain));
    Mismatch { index, given: at(given), expected: None, note }
}
