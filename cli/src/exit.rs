//! How the program ends: exit codes, and errors on their way to one.
//!
//! In: errors of scripts, files and the engine. Out: a text on the error stream and the code that goes with it. It knows nothing about commands.

use std::fmt::Display;
use std::io::Write;

use crate::script::diagnostic::{Cause, Diagnostic, SourceText};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// The engine or the device failed, or gave a wrong result.
    EngineFailed = 1,
    /// The script, its data or the command line is wrong.
    BadInput = 2,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that ends a command.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    /// What the user reads, with its line break.
    text: String,
}

impl Failure {
    /// The user's mistake.
    pub fn bad_input(message: impl Display) -> Self {
        Self { exit: Exit::BadInput, text: format!("error: {message}\n") }
    }

    /// Not the user's mistake.
    pub fn engine(message: impl Display) -> Self {
        Self { exit: Exit::EngineFailed, text: format!("error: {message}\n") }
    }

    /// An error in a script, with an excerpt of the script where its place is known.
    pub fn in_script(error: &Diagnostic, source: &SourceText) -> Self {
        Self { text: error.render(source), ..Self::from(error) }
    }

    /// Tells the user.
    pub fn report(self, errors: &mut dyn Write) -> Exit {
        // Nobody is left to be told when this fails; the exit code still says it.
        let _ = errors.write_all(self.text.as_bytes());
        self.exit
    }
}

impl From<&Diagnostic> for Failure {
    fn from(error: &Diagnostic) -> Self {
        match error.cause() {
            Cause::Input => Self::bad_input(error),
            Cause::Engine => Self::engine(error),
        }
    }
}
