//! What is decided about a run before it begins: by the command line, or by a host that runs scripts of others.

use std::path::PathBuf;

use super::classes::Class;

/// What the command line decides about a run.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The class of numbers, constants and constructors: double, or single under `--real single`.
    pub real: Class,
    /// Files that take the place of what a script loads into a variable.
    pub inputs: Vec<VariableFile>,
    /// Variables to save when the script has ended.
    pub outputs: Vec<VariableFile>,
    /// The folder that the script's own file names are relative to.
    pub folder: PathBuf,
    /// Whether displayed and printed results are dropped.
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

/// What a script may use: for hosts that run scripts they did not write, together with the limits of the engine.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Whether it may read and write files.
    pub files: bool,
    /// How many statements and rounds of loops it may execute.
    pub statements: u64,
    /// How many elements an array may have that is read back or walked over.
    pub elements: usize,
}

impl Default for Bounds {
    /// Files, no end of statements, and arrays up to 2^36 elements: more could neither be shown nor saved.
    fn default() -> Self {
        Self { files: true, statements: u64::MAX, elements: 1 << 36 }
    }
}
