//! Warnings that depend on numbers the engine has not computed yet.
//!
//! In: operations that may deserve a warning, as they are recorded. Out: messages, once the numbers are known. It writes nothing itself.

use lazurite::Array;

use super::super::classes::Class;
use super::super::cnumber;
use super::super::diagnostic::Span;
use super::super::host::HostData;
use super::super::value::ComplexOrigin;

/// A matrix that may turn out to be singular.
pub struct PendingSingular {
    /// The reciprocal condition number, 0-d.
    pub condition: Array,
    /// Its class, which decides which numbers are too small.
    pub class: Class,
    /// The operation that needs the matrix to be regular.
    pub span: Span,
}

/// The warnings that may still have to be given.
#[derive(Default)]
pub struct Warnings {
    singular: Vec<PendingSingular>,
    warned_of_complex: bool,
}

impl Warnings {
    /// Notes a matrix that may be singular.
    pub fn watch(&mut self, pending: PendingSingular) {
        self.singular.push(pending);
    }

    /// The condition numbers of all noted matrices.
    pub fn conditions(&self) -> impl Iterator<Item = &Array> {
        self.singular.iter().map(|pending| &pending.condition)
    }

    /// Takes all noted matrices, whose condition numbers have been evaluated.
    pub fn take_singular(&mut self) -> Vec<PendingSingular> {
        std::mem::take(&mut self.singular)
    }

    /// The warning, once in a run, that a result is NaN where Octave's would be complex.
    pub fn complex_once(&mut self, origin: ComplexOrigin) -> Option<String> {
        let first = !std::mem::replace(&mut self.warned_of_complex, true);
        first.then(|| {
            format!(
                "a result of '{}' is NaN; Octave would give a complex number where the argument leaves its real domain",
                origin.operation
            )
        })
    }

    /// Whether [`complex_once`](Self::complex_once) has not warned yet and these elements, which may show a complex result, have a NaN.
    pub fn shows_complex(&self, data: &HostData) -> bool {
        !self.warned_of_complex
            && match data {
                HostData::F64(v) => v.iter().any(|x| x.is_nan()),
                HostData::F32(v) => v.iter().any(|x| x.is_nan()),
                _ => false,
            }
    }
}

/// The warning about a matrix with this reciprocal condition number, if that is too small.
pub fn singular_message(rcond: f64, class: Class) -> Option<String> {
    let epsilon = if class == Class::Single { f64::from(f32::EPSILON) } else { f64::EPSILON };
    if rcond == 0.0 || rcond.is_nan() {
        return Some("matrix singular to machine precision".to_owned());
    }
    let shown = || cnumber::general(rcond, 6, false);
    (rcond < epsilon).then(|| format!("matrix singular to machine precision, rcond = {}", shown()))
}
