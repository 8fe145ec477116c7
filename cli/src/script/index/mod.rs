//! Indices: from subscripts to positions, and from positions to engine operations.
//!
//! In: a value and its subscripts. Out: the part they name (`read`), or the value with that part replaced (`write`) or left out
//! (`remove`). Positions are always known on the host, because they decide shapes and errors; the elements stay in the
//! engine. A subscript that is itself an array of the engine is evaluated here.

mod layout;
mod pick;
pub mod read;
pub mod remove;
pub mod write;

use super::value::Value;
pub use layout::{dims_seen_by, end_of};

/// One of the subscripts of an index.
pub enum Subscript {
    /// `:`
    All,
    /// Numbers or truth values.
    Value(Value),
}
