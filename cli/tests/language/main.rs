//! The meaning of scripts: what they print, how their classes mix, and which errors they end with. Records of GNU Octave decide.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod bounds;
mod classes;
mod display;
mod octave;
mod printf;
mod records;
