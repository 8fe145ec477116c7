//! The CPU executor, and the living definition of every operation.
//!
//! `reference` says what each operation means, element by element; everything else in the project is tested against it. The tiled
//! executor runs whole groups in one pass, `run_host` library routines and single nodes. This room knows graphs and schedules,
//! and no device.

mod exec;
mod host;
pub mod reference;

pub use exec::{Compiled, run_group};
pub use host::run_host;
