//! The CPU executor, and the living definition of every operation.
//!
//! `reference` says what each operation means, element by element; everything else in the project is tested against it. The tiled
//! executor (`exec`) runs whole groups, and `run_host` runs library routines (`linalg`) and single nodes. This room knows graphs
//! and schedules, and no device.

mod exec;
mod host;
mod linalg;
pub mod reference;

pub use exec::{Compiled, run_group};
pub use host::run_host;
