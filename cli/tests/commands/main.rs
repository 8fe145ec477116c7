//! The program's commands: arguments, files, streams and exit codes, mostly as a process.

#[path = "../support/mod.rs"]
mod support;

mod certify;
mod check;
mod page;
mod program;
mod replay;
mod why;
