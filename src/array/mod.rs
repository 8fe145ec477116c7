//! The user's handle: arrays that record what is to be computed.
//!
//! An [`Array`] is a cheap handle on a node of its engine's graph. Operations infer shape and dtype at once and compute nothing;
//! [`Engine::eval`](crate::Engine::eval), [`Array::to_vec`] and whatever needs elements evaluate. Operators and methods never
//! panic: an operation that does not fit gives a *poisoned* array that carries the first error, which `shape()`, `eval` and
//! every `try_` form report. This room knows the engine and the graph's operations, no planner and no device.

#[cfg(feature = "blocking")]
mod calibrate;
mod compare;
mod composite;
mod construct;
mod data;
mod elementwise;
mod evaluate;
mod handle;
mod index;
mod linalg;
#[cfg(feature = "ndarray")]
mod nd;
mod operand;
mod operators;
mod reduce;
mod shaping;

#[cfg(feature = "blocking")]
pub use calibrate::calibrate;
pub use data::Value;
pub use handle::Array;
pub use index::SliceSpec;
pub use operand::Operand;
pub use reduce::Axes;
