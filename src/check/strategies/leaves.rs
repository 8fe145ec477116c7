//! Data for leaves: what kind of numbers an array holds.

use super::dice::Dice;
use crate::algorithms::{Lcg, Random};
use crate::types::{DType, DTypeKind, HostBuffer, Scalar, Shape};

/// What numbers a leaf holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Between −2 and 2; small integers; either truth value.
    Ordinary,
    /// Between ½ and 3; small positive integers.
    Positive,
    /// Whole numbers between −4 and 4.
    Whole,
    /// Near 50: sums of squares cancel.
    Offset,
    /// Ordinary, and one in eight (`u` is uniform on [0, 2)) NaN, infinite, zero of either sign, subnormal, or near either end of
    /// the range; extreme integers.
    Special,
    /// Between −8 and 2, and half of the rows with −∞ everywhere or +∞ somewhere.
    Infinite,
    /// Large, at most 0.98 times the largest number.
    Huge,
    /// At most 16 times the smallest normal number, subnormals included.
    Tiny,
    /// A little less than the root of the smallest normal number, so that products are subnormal.
    Small,
    /// A square matrix with a heavy diagonal.
    Dominant,
    /// A symmetric positive definite matrix.
    Definite,
}

/// Random elements of a shape and dtype.
pub fn data(shape: &Shape, dtype: DType, profile: Profile, dice: &mut Dice) -> Option<HostBuffer> {
    let mut buffer = HostBuffer::zeros(dtype, shape.len()).ok()?;
    let mut random = Lcg((dice.below(1 << 16) as u64) << 20 | dice.below(1 << 16) as u64 | 1 << 40);
    let mut unit = || (random.word() >> 8) as f64 / f64::from(1u32 << 23);
    let (n, columns) = (buffer.len(), shape.last().copied().unwrap_or(1));
    for i in 0..n {
        let u = unit();
        let element = match (dtype.kind(), profile) {
            (DTypeKind::Bool, _) => Scalar::from_f64(dtype, if u < 0.5 { 0.0 } else { 1.0 }),
            (DTypeKind::Int, Profile::Special) if u < 0.25 => extreme(dtype, (u * 48.0) as usize),
            (DTypeKind::Int, Profile::Positive) => Scalar::from_i64(dtype, 1 + (u * 5.0) as i64),
            (DTypeKind::Int, _) => {
                let low = if dtype.is_signed() { -6 } else { 0 };
                Scalar::from_i64(dtype, low + (u * 13.0) as i64)
            }
            (DTypeKind::Float, Profile::Special) if u < 0.25 => {
                Scalar::from_f64(dtype, odd(dtype, (u * 64.0) as usize))
            }
            (DTypeKind::Float, Profile::Infinite) => {
                let row = i / columns.max(1);
                let special = match row % 4 {
                    1 => Some(f64::NEG_INFINITY),
                    3 if u < 0.5 => Some(if u < 0.25 { f64::INFINITY } else { f64::NEG_INFINITY }),
                    _ => None,
                };
                Scalar::from_f64(dtype, special.unwrap_or(5.0 * u - 8.0))
            }
            (DTypeKind::Float, Profile::Huge | Profile::Tiny | Profile::Small) => {
                let (most, least) = (dtype.largest_finite(), dtype.smallest_normal());
                let scale = match profile {
                    Profile::Huge => 0.98 * most,
                    Profile::Tiny => 16.0 * least,
                    _ => 0.25 * least.sqrt(),
                };
                // Seven in eight positive, so that sums grow.
                let v = if u < 0.25 { -4.0 * u } else { 0.25 + 0.375 * u };
                Scalar::from_f64(dtype, v * scale)
            }
            (DTypeKind::Float, _) => Scalar::from_f64(dtype, number(profile, u, i, columns)),
        };
        buffer.set(i, element);
    }
    if profile == Profile::Definite {
        for i in 0..columns {
            for j in 0..i {
                buffer.set(j * columns + i, buffer.get(i * columns + j));
            }
        }
    }
    Some(buffer)
}

/// A value that arithmetic may trip over.
fn odd(dtype: DType, which: usize) -> f64 {
    let (most, least) = (dtype.largest_finite(), dtype.smallest_normal());
    let all = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 0.3 * least, 6e4, -3e-6];
    match which {
        8 => 0.9 * most,
        9 => -0.75 * least,
        _ => all[which % 8],
    }
}

/// A number of the profile; `u` is uniform on [0, 2).
fn number(profile: Profile, u: f64, index: usize, columns: usize) -> f64 {
    let diagonal = columns > 0 && index / columns == index % columns;
    match profile {
        Profile::Positive => 0.5 + 1.25 * u,
        Profile::Whole => (u * 4.5).floor() - 4.0,
        Profile::Offset => 50.0 + u,
        Profile::Dominant | Profile::Definite if diagonal => columns as f64 + u,
        Profile::Dominant | Profile::Definite => 0.7 * (u - 1.0),
        _ => 2.0 * (u - 1.0),
    }
}

fn extreme(dtype: DType, which: usize) -> Scalar {
    let bits = match (dtype, which % 3) {
        (_, 0) => u64::MAX,
        (DType::I32, 1) => 1 << 31,
        (DType::I32, _) => (1 << 31) - 1,
        (DType::I64, 1) => 1 << 63,
        (DType::I64, _) => (1 << 63) - 1,
        _ => 0,
    };
    let mask = if dtype.size() == 8 { u64::MAX } else { (1 << (8 * dtype.size())) - 1 };
    Scalar::from_bits(dtype, bits & mask)
}
