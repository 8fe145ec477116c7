//! Mismatches of a session as files that can be run again, and cases read back from such files.

use std::fmt;

use super::compare::Mismatch;
use super::report::Divergence;
use crate::dump::{Dump, Settings};
use crate::error::Result;
use crate::graph::{Case, Node, Op};
use crate::types::{HostBuffer, Scalar};

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
    /// The mismatch as a file that can be run again: graph, data and settings, with what is known as its first words.
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

impl Case {
    /// The graph with its last floating constant changed: doubled, or one in place of zero. `None` where there is none.
    #[must_use]
    pub fn with_other_literal(&self) -> Option<Self> {
        let float = |n: &Node| matches!(n.op, Op::Literal(s) if s.dtype().is_float() && s.to_f64().is_finite());
        let at = self.graph.nodes.iter().rposition(float)?;
        let mut other = self.clone();
        if let Op::Literal(s) = &mut other.graph.nodes[at].op {
            *s = Scalar::from_f64(s.dtype(), if s.to_f64() == 0.0 { 1.0 } else { 2.0 * s.to_f64() });
        }
        // A constant is recorded once: two of the same value would be a graph that no program gives.
        let changed = &other.graph.nodes[at];
        let unique = other.graph.nodes.iter().filter(|n| *n == changed).count() == 1;
        unique.then_some(other)
    }

    /// The same graph over other data: the elements of every leaf in reverse, the scalars of the run a quarter larger.
    #[must_use]
    pub fn with_other_data(&self) -> Self {
        let reversed = |b: &HostBuffer| {
            let mut out = b.clone();
            (0..b.len()).for_each(|i| out.set(i, b.get(b.len() - 1 - i)));
            out
        };
        let changed = |s: &Scalar| {
            let v = s.to_f64();
            // Integer scalars are keys, extents and the like: one more is another.
            Scalar::from_f64(s.dtype(), if s.dtype().is_float() { v * 1.25 } else { v + 1.0 })
        };
        Self {
            graph: self.graph.clone(),
            leaves: self.leaves.iter().map(reversed).collect(),
            slots: self.slots.iter().map(changed).collect(),
        }
    }
}

/// Two results that should have the same bits.
pub(super) fn bits_differ(plain: &HostBuffer, given: &HostBuffer) -> Mismatch {
    let index = given.first_difference(plain).unwrap_or(0);
    let at = |b: &HostBuffer| (index < b.len()).then(|| b.get(index));
    let note = format!(", without planner and fusion {:?}: strict results must have the same bits", at(plain));
    Mismatch { index, given: at(given), expected: None, note }
}
