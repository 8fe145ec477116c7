//! The one error type of the library.
//!
//! Every room makes its errors through the named constructors here and says what was expected and what was given; callers
//! branch on [`Error::kind`] or on the predicates.

use std::fmt;
use std::sync::Arc;

use crate::types::Origin;

/// What every fallible operation of lazurite returns.
pub type Result<T> = std::result::Result<T, Error>;

/// An error: what was expected, what was given, and where the user wrote the operation (when an origin was recorded).
///
/// Cheap to clone, because a poisoned node hands the same error to everything built upon it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    origin: Option<Origin>,
}

/// What kind of error it is. More kinds may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Operands whose shapes, ranks or axes do not fit.
    Shape,
    /// An operation that the dtype does not have, or operands of different dtypes.
    DType,
    /// An argument out of its domain (an index, an axis, a count, arrays of two engines).
    Argument,
    /// Host or device memory could not be allocated, or a configured limit would be exceeded.
    OutOfMemory,
    /// The device was lost, and with it the values that were stored only there.
    DeviceLost,
    /// No adapter was found although one was asked for.
    NoDevice,
    /// Something this build, device or operation does not support.
    Unsupported,
    /// A rule file that does not parse or a rule that fails its checks.
    Rules,
    /// A numerical routine that cannot give a result (no convergence, not positive definite).
    Numeric,
    /// A defect of lazurite itself; the message asks for a report.
    Internal,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), origin: None }))
    }

    /// Operands whose shapes do not fit; say what was expected and what was given.
    pub fn shape(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Shape, message)
    }

    /// An operation on a dtype that does not have it.
    pub fn dtype(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::DType, message)
    }

    /// An argument outside its domain.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Argument, message)
    }

    /// Memory that could not be allocated.
    pub fn out_of_memory(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OutOfMemory, message)
    }

    /// The device was lost.
    pub fn device_lost(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::DeviceLost, message)
    }

    /// No adapter was found.
    pub fn no_device(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NoDevice, message)
    }

    /// Something that is not supported here.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// A rule file or a rule that was refused.
    pub fn rules(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Rules, message)
    }

    /// A numerical routine without a result.
    pub fn numeric(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Numeric, message)
    }

    /// A defect of lazurite.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The same error with the place where the user wrote the operation. An error that has an origin keeps it.
    #[must_use]
    pub fn at(self, origin: Option<Origin>) -> Self {
        if self.0.origin.is_some() || origin.is_none() {
            return self;
        }
        let mut inner = (*self.0).clone();
        inner.origin = origin;
        Self(Arc::new(inner))
    }

    /// Where the user wrote the operation that failed, if that was recorded.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// The message without its place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Shapes, ranks or axes did not fit.
    #[must_use]
    pub fn is_shape(&self) -> bool {
        self.0.kind == ErrorKind::Shape
    }

    /// A dtype did not fit the operation.
    #[must_use]
    pub fn is_dtype(&self) -> bool {
        self.0.kind == ErrorKind::DType
    }

    /// An argument was outside its domain.
    #[must_use]
    pub fn is_argument(&self) -> bool {
        self.0.kind == ErrorKind::Argument
    }

    /// Memory could not be allocated; the engine stays usable.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        self.0.kind == ErrorKind::OutOfMemory
    }

    /// The device was lost.
    #[must_use]
    pub fn is_device_lost(&self) -> bool {
        self.0.kind == ErrorKind::DeviceLost
    }

    /// No adapter was found although one was asked for.
    #[must_use]
    pub fn is_no_device(&self) -> bool {
        self.0.kind == ErrorKind::NoDevice
    }

    /// Something that is not supported here.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == ErrorKind::Unsupported
    }

    /// A rule file or rule was refused.
    #[must_use]
    pub fn is_rules(&self) -> bool {
        self.0.kind == ErrorKind::Rules
    }

    /// A numerical routine had no result.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.0.kind == ErrorKind::Numeric
    }

    /// A defect of lazurite itself.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.0.kind == ErrorKind::Internal
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.origin {
            Some(origin) => write!(f, "{origin}: {}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({self})", self.0.kind)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_origin_wins() {
        let at = |line| Some(Origin { file: "a.m".into(), line, col: 2, label: None });
        let e = Error::shape("expected [2], given [3]").at(at(1)).at(at(9));
        assert_eq!(e.to_string(), "a.m:1:2: expected [2], given [3]");
        assert!(e.is_shape() && !e.is_dtype());
    }
}
