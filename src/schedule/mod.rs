//! The schedule: which nodes run together, where, in what order and in which memory.
//!
//! [`schedule`](schedule::schedule) turns a graph (planned or not) into a [`Schedule`]: values, groups, host steps, transfers, frees and
//! the memory plan, with every refusal kept as text. It reads plain [`Limits`](crate::types::Limits) and cost tables and knows
//! no kernel text, no device and no buffer.

mod program;
mod steps;

pub use program::{Coord, Inst, Level, Load, Program, Reg, Window};
pub use steps::{
    Block, BlockId, Core, Group, Lifetime, Place, Refusal, Schedule, Step, Store, StoreShape, Value, ValueId, ValueKind,
};
