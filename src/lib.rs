//! lazurite: a lazy array engine.

pub mod error;
pub mod types;
