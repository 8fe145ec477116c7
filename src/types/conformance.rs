//! What an adapter with its driver was found to compute, as plain data: the work-arounds that its kernels need, and the operations
//! that it does not compute as the CPU does.
//!
//! The findings come from outside; kernels and schedules only ask.

use std::fmt;
use std::sync::Arc;

use super::{DType, Numerics};

/// A form that kernels take where a driver computes the plain form wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Workaround {
    /// Every rounded result passes through an integer operation with a zero from the parameters, so that no driver rewrites sums and
    /// products.
    Barriers,
    /// Zeros are read from the parameters, so that no driver drops an operation with one.
    HiddenZeros,
    /// Quotients of floats are corrected by an integer remainder.
    ExactQuotients,
    /// Square roots are corrected by an integer remainder.
    ExactRoots,
    /// Floats are compared for equality by their bits where they may be NaN.
    NanByBits,
    /// Maxima and minima of signed integers see their operands through an exclusive or with a zero from the parameters.
    HiddenExtrema,
    /// Truncation and rounding of f64 are computed from `floor`.
    RoundingFromFloor,
    /// No thread of a kernel takes more rounds than the driver counts.
    ShortLoops,
}

impl Workaround {
    /// All of them, in the order in which certificates list them.
    pub const ALL: [Self; 8] = [
        Self::Barriers,
        Self::HiddenZeros,
        Self::ExactQuotients,
        Self::ExactRoots,
        Self::NanByBits,
        Self::HiddenExtrema,
        Self::RoundingFromFloor,
        Self::ShortLoops,
    ];

    /// The name that certificates use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Barriers => "barriers",
            Self::HiddenZeros => "hidden zeros",
            Self::ExactQuotients => "exact quotients",
            Self::ExactRoots => "exact roots",
            Self::NanByBits => "NaN by bits",
            Self::HiddenExtrema => "hidden extrema",
            Self::RoundingFromFloor => "rounding from floor",
            Self::ShortLoops => "short loops",
        }
    }

    /// Whether only modes that promise bits need it: those that promise less are faster without.
    #[must_use]
    pub const fn is_strict_only(self) -> bool {
        matches!(self, Self::Barriers | Self::HiddenZeros | Self::ExactQuotients | Self::ExactRoots)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Workaround {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An operation as placement sees it: its name, the dtype of its first operand and that of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationKind {
    /// The name of the operation.
    pub name: &'static str,
    /// The dtype of the first operand.
    pub from: DType,
    /// The dtype of the result.
    pub to: DType,
}

/// An operation that a device computes otherwise than the CPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// Which operation.
    pub operation: OperationKind,
    /// The mode whose promise it breaks, and with it that of every stricter one.
    pub mode: Numerics,
    /// The case that shows it, in words.
    pub why: Arc<str>,
}

/// What is known of a device's arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub struct Conformance {
    /// The work-arounds that are on, a bit each.
    workarounds: u32,
    exceptions: Vec<Exception>,
}

impl Conformance {
    /// Of a device of which nothing is known: every work-around is on.
    #[must_use]
    pub fn careful() -> Self {
        Self::new(Workaround::ALL, Vec::new())
    }

    /// Of a device that computes everything as it is written.
    #[must_use]
    pub fn faultless() -> Self {
        Self::new([], Vec::new())
    }

    /// A device that needs these work-arounds and computes these operations otherwise even so.
    #[must_use]
    pub fn new(workarounds: impl IntoIterator<Item = Workaround>, exceptions: Vec<Exception>) -> Self {
        Self { workarounds: workarounds.into_iter().fold(0, |mask, w| mask | w.bit()), exceptions }
    }

    /// Whether kernels have to take this form.
    #[must_use]
    pub fn needs(&self, workaround: Workaround) -> bool {
        self.workarounds & workaround.bit() != 0
    }

    /// The work-arounds that are on.
    pub fn workarounds(&self) -> impl Iterator<Item = Workaround> {
        Workaround::ALL.into_iter().filter(|w| self.needs(*w))
    }

    /// The operations that are computed otherwise.
    #[must_use]
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// Why an operation cannot keep what `mode` promises here, if it cannot.
    #[must_use]
    pub fn refusal(&self, operation: OperationKind, mode: Numerics) -> Option<&str> {
        // The modes are in the order of their promises, the strictest first.
        let broken = |e: &&Exception| e.operation == operation && mode <= e.mode;
        self.exceptions.iter().find(broken).map(|e| &*e.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_breaks_the_stricter_ones() {
        let square_root = OperationKind { name: "sqrt", from: DType::F32, to: DType::F32 };
        let why = Arc::from("sqrt(2) is off by one");
        let found = Exception { operation: square_root, mode: Numerics::Standard, why };
        let known = Conformance::new([Workaround::ExactRoots], vec![found]);
        assert!(known.refusal(square_root, Numerics::Strict).is_some());
        assert!(known.refusal(square_root, Numerics::Standard).is_some());
        assert_eq!(known.refusal(square_root, Numerics::Fast), None);
        assert_eq!(known.refusal(OperationKind { to: DType::F64, ..square_root }, Numerics::Strict), None);
        assert!(known.needs(Workaround::ExactRoots) && !known.needs(Workaround::Barriers));
        assert_eq!(Conformance::careful().workarounds().count(), Workaround::ALL.len());
    }
}
