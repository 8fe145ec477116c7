//! The settings of a run, made by the command line or by a host that runs other people's scripts.

use std::path::PathBuf;

use super::classes::Class;

/// How to run a script.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The class of numbers, constants and constructors: double, or single under `--real single`.
    pub real: Class,
    /// Files that replace what the script loads into a variable.
    pub inputs: Vec<VariableFile>,
    /// Variables to save when the script has ended.
    pub outputs: Vec<VariableFile>,
    /// The folder that the script's own file names are relative to.
    pub folder: PathBuf,
    /// Whether displayed and printed results are discarded.
    pub quiet: bool,
    /// What the script may use.
    pub bounds: Bounds,
}

/// A variable and the file that it comes from or goes to.
#[derive(Clone, Debug)]
pub struct VariableFile {
    /// The variable.
    pub name: String,
    /// The file, relative to the current folder.
    pub path: PathBuf,
}

/// Limits for scripts that the host did not write; the engine has limits of its own.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Whether it may read and write files.
    pub files: bool,
    /// How many statements and loop iterations it may execute.
    pub statements: u64,
    /// The most elements of an array that is read back or iterated over.
    pub elements: usize,
}

impl Default for Bounds {
    /// Files, any number of statements, and arrays of up to 2^36 elements, beyond which one can be neither shown nor saved.
    fn default() -> Self {
        Self { files: true, statements: u64::MAX, elements: 1 << 36 }
    }
}
