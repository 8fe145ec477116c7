//! The matrix language: a subset of what MATLAB and GNU Octave share.
//!
//! In: the text of a script. Out: its effects, through the engine's public interface alone.

pub mod cnumber;
pub mod display;
pub mod host;
pub mod printf;
