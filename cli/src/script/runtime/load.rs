//! What the next `load` does otherwise than its argument says.

use std::path::PathBuf;

use super::super::classes::Class;

/// Set around the evaluation of an expression that may hold a `load`.
#[derive(Default)]
pub struct LoadOverride {
    /// The file that is read instead of the one it names.
    pub file: Option<PathBuf>,
    /// The class that integers and bytes get, if not the default real class.
    pub class: Option<Class>,
}
