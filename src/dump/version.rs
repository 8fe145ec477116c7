//! The versions of the schema: the one that is written, and those that are read.

use super::json::At;
use crate::error::Result;

/// The version that is written. It changes when a field changes its meaning or is removed.
pub const VERSION: u32 = 3;

/// A version that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// A cast does not name its target, which is the node's dtype.
    Two,
    /// A cast names its target.
    Three,
}

impl Version {
    /// # Errors
    /// An argument error for a version that is not read.
    pub(super) fn read(at: &At<'_>) -> Result<Self> {
        match at.int::<u32>()? {
            2 => Ok(Self::Two),
            VERSION => Ok(Self::Three),
            other => Err(at.error(format!("expected version {VERSION} or 2 of the schema, given {other}"))),
        }
    }
}
