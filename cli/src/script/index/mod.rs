//! Indices: from subscripts to positions, and from positions to engine operations.
//!
//! Comes in: a value and its subscripts. Goes out: the part they name (`read`) or the value with that part replaced
//! (`write`) or left out (`remove`). Positions are always known on the host, because they decide shapes and errors; the elements they pick move in
//! the engine. A subscript that is itself an array of the engine is evaluated here.

mod layout;
mod pick;
pub mod read;
pub mod remove;
pub mod write;

use super::value::Value;
pub use layout::{dims_seen_by, end_of};

/// What stands at one place of an index.
pub enum Subscript {
    /// `:`
    All,
    /// Numbers or truth values.
    Value(Value),
}
