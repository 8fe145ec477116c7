//! What a case came to in one stage of the probe: a word for the table of a certificate, and an example where bits differ.

use std::fmt;

use crate::types::{HostBuffer, Numerics, Scalar};

/// How a case is compiled and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The driver left alone: arithmetic as in Fast, and no work-around.
    Plain,
    /// Arithmetic as in Strict, and no work-around.
    Bare,
    /// As engines in Fast run it here, work-arounds included.
    Fast,
    /// As engines in Standard run it here.
    Standard,
    /// As engines in Strict run it here.
    Strict,
}

impl Stage {
    /// All of them, in the order of a certificate's columns.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Bare, Self::Fast, Self::Standard, Self::Strict];

    /// The head of the column.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Bare => "bare",
            Self::Fast => "fast",
            Self::Standard => "standard",
            Self::Strict => "strict",
        }
    }

    /// The mode that kernels are compiled for.
    #[must_use]
    pub const fn numerics(self) -> Numerics {
        match self {
            Self::Plain | Self::Fast => Numerics::Fast,
            Self::Standard => Numerics::Standard,
            Self::Bare | Self::Strict => Numerics::Strict,
        }
    }
}

/// What a case came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It was not asked, or ran elsewhere.
    #[default]
    Unknown,
    /// The same bits as the CPU's, any NaN for any NaN.
    Same,
    /// Other bits only where a subnormal number was met.
    Subnormals,
    /// Finite results differ, and nothing else; the text is an example.
    Rounding(String),
    /// NaN, an infinity, the sign of a zero or a result that is no float differs; the text is an example.
    Wrong(String),
    /// The device could not run it; the text is the error.
    Failed(String),
}

impl Outcome {
    /// The word for it in a certificate.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "-",
            Self::Same => "ok",
            Self::Subnormals => "subnormals",
            Self::Rounding(_) => "rounding",
            Self::Wrong(_) => "wrong",
            Self::Failed(_) => "failed",
        }
    }

    /// The outcome of a word and its example.
    pub(super) fn from_word(word: &str, example: String) -> Option<Self> {
        Some(match word {
            "-" => Self::Unknown,
            "ok" => Self::Same,
            "subnormals" => Self::Subnormals,
            "rounding" => Self::Rounding(example),
            "wrong" => Self::Wrong(example),
            "failed" => Self::Failed(example),
            _ => return None,
        })
    }

    /// The example of bits that differ beyond subnormals, if any did, or the error instead.
    #[must_use]
    pub fn example(&self) -> Option<&str> {
        match self {
            Self::Rounding(example) | Self::Wrong(example) | Self::Failed(example) => Some(example),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Whether two different results differ as finite, non-zero floats do.
fn by_rounding(given: Scalar, expected: Scalar) -> bool {
    let (a, b) = (given.to_f64(), expected.to_f64());
    given.dtype().is_float() && a.is_finite() && b.is_finite() && (a != 0.0 || b != 0.0)
}

/// Holds results against what was expected. `subnormal` says whether element `i` met a subnormal number on its way, and `shown` writes
/// its inputs.
pub(super) fn judge(
    given: &HostBuffer,
    expected: &HostBuffer,
    subnormal: impl Fn(usize) -> bool,
    shown: impl Fn(usize) -> String,
) -> Outcome {
    if given.len() != expected.len() || given.dtype() != expected.dtype() {
        return Outcome::Unknown;
    }
    if given.bytes() == expected.bytes() {
        return Outcome::Same;
    }
    let (mut flushed, mut rounded, mut wrong) = (0, Vec::new(), Vec::new());
    for i in 0..given.len() {
        let (a, b) = (given.get(i), expected.get(i));
        if a.is_same(b) {
        } else if subnormal(i) {
            flushed += 1;
        } else if by_rounding(a, b) {
            rounded.push(i);
        } else {
            wrong.push(i);
        }
    }
    let example = |at: &[usize]| {
        let i = at[0];
        let (n, all) = (rounded.len() + wrong.len(), given.len());
        format!("{} gives {}, not {} ({n} of {all})", shown(i), given.get(i), expected.get(i))
    };
    match (&wrong[..], &rounded[..]) {
        ([], []) if flushed == 0 => Outcome::Same,
        ([], []) => Outcome::Subnormals,
        ([], at) => Outcome::Rounding(example(at)),
        (at, _) => Outcome::Wrong(example(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_apart() {
        let of = |given: &[f32], expected: &[f32], subnormal: bool| {
            let (given, expected) = (HostBuffer::from_slice(given).unwrap(), HostBuffer::from_slice(expected).unwrap());
            judge(&given, &expected, |_| subnormal, |i| format!("input {i}"))
        };
        assert_eq!(of(&[1.0, f32::NAN], &[1.0, -f32::NAN], false), Outcome::Same);
        assert_eq!(of(&[0.0], &[1e-40], true), Outcome::Subnormals);
        let rounding = of(&[1.0, 2.5], &[1.0, 2.0], false);
        assert_eq!(rounding, Outcome::Rounding("input 1 gives 2.5, not 2.0 (1 of 2)".into()));
        assert_eq!(of(&[0.0], &[f32::NAN], false).word(), "wrong");
        assert_eq!(of(&[0.0], &[-0.0], false).word(), "wrong");
        assert_eq!(of(&[0.0, 3.0], &[f32::NAN, 2.0], false).example().unwrap(), "input 0 gives 0.0, not NaN (2 of 2)");
        for outcome in [
            Outcome::Same,
            Outcome::Failed("e".into()),
            Outcome::Wrong("e".into()),
            Outcome::Rounding("e".into()),
            Outcome::Unknown,
        ] {
            assert_eq!(Outcome::from_word(outcome.word(), "e".into()), Some(outcome));
        }
    }
}
