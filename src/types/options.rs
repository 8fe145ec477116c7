//! The choices a user makes about an engine or an operation, and where an operation was written.

use std::fmt;
use std::sync::Arc;

/// Which rewrites an engine may use; see docs/numerics.md for the classes behind each mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Numerics {
    /// Exact rewrites only: on the CPU, fused and unfused results are bitwise equal.
    Strict,
    /// Adds rewrites that keep the usual error bounds.
    #[default]
    Standard,
    /// Adds rewrites that may change domain, range or accuracy.
    Fast,
}

impl fmt::Display for Numerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Standard => "standard",
            Self::Fast => "fast",
        })
    }
}

/// Where an engine evaluates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// The GPU when there is one and the graph is worth the transfer, else the CPU.
    #[default]
    Auto,
    /// Everything that the adapter can run, whatever its size. Without an adapter the engine fails to build.
    Gpu,
    /// Never touch a GPU.
    Cpu,
}

/// The order in which `reshape` and `ravel` walk the elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Last axis fastest (NumPy).
    #[default]
    C,
    /// First axis fastest (MATLAB, Fortran).
    F,
}

/// Where the user wrote an operation: shown in dumps and in errors, never part of a node's identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The file, or any name for the source.
    pub file: Arc<str>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1.
    pub col: u32,
    /// A name for the value (a script's variable), if it has one.
    pub label: Option<Arc<str>>,
}

impl Origin {
    /// Whether both are the same place; labels are ignored.
    #[must_use]
    pub fn is_at(&self, other: &Self) -> bool {
        self.line == other.line && self.col == other.col && self.file == other.file
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.col)
    }
}
