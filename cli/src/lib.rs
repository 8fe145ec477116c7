//! The command line program's own library, so that its tests need not start a process for each case.

pub mod arguments;
pub mod check;
pub mod commands;
pub mod explain;
pub mod replay;
pub mod rules;
pub mod script;
pub mod terminal;
