//! How the next `load` deviates from its argument.

use std::path::PathBuf;

use super::super::classes::Class;

/// Set while an expression that may contain a `load` is evaluated.
#[derive(Default)]
pub struct LoadOverride {
    /// The file that is read instead of the one it names.
    pub file: Option<PathBuf>,
    /// The class that integers and bytes get instead of the default real class.
    pub class: Option<Class>,
}
