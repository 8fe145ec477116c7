//! The command line program's own library, so that its tests need not start a process for each case.

pub mod arguments;
pub mod commands;
pub mod exit;
pub mod explanations;
pub mod script;
pub mod terminal;
