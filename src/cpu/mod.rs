//! The CPU executor, and the living definition of every operation.
//!
//! `reference` says what each operation means, element by element; everything else in the project is tested against it. The tiled
//! executor runs whole groups in one pass. This room knows graphs and schedules, and no device.

mod host;
pub mod reference;

pub use host::run_host;
