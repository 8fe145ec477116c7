//! The numbers that cases run on: every pair of special values, and random ones.

use crate::algorithms::{Random, SplitMix};
use crate::error::Result;
use crate::types::{DType, HostBuffer, Scalar};

/// Elements of each input.
pub(super) const COUNT: usize = 3072;

/// The layout of a float dtype: bits of the significand that are stored, and of the exponent.
#[derive(Clone, Copy)]
struct Layout {
    significand: u64,
    exponent: u64,
}

impl Layout {
    fn of(dtype: DType) -> Self {
        let (significand, exponent) = match dtype {
            DType::F16 => (10, 5),
            DType::F32 => (23, 8),
            _ => (52, 11),
        };
        Self { significand, exponent }
    }

    /// The bits of 1.
    fn one(self) -> u64 {
        ((1 << (self.exponent - 1)) - 1) << self.significand
    }

    /// Bits of a number within ½ and 2 of either sign.
    fn near_one(self, random: &mut SplitMix) -> u64 {
        let low = random.word() & ((1 << self.significand) - 1);
        let exponent = (self.one() >> self.significand) - random.word() % 2;
        low | exponent << self.significand | (random.word() & 1) << (self.significand + self.exponent)
    }
}

/// Whether a float is subnormal, or the smallest number that is not and may be a rounded one.
pub(super) fn is_subnormal(s: Scalar) -> bool {
    if !s.dtype().is_float() {
        return false;
    }
    let Layout { significand, exponent } = Layout::of(s.dtype());
    let magnitude = s.bits() & ((1 << (significand + exponent)) - 1);
    magnitude != 0 && magnitude <= 1 << significand
}

/// The special values of a dtype.
fn specials(dtype: DType) -> Vec<u64> {
    let bits = u64::BITS - 8 * dtype.size() as u32;
    let mask = u64::MAX >> bits;
    if !dtype.is_float() {
        let top = 1u64 << (63 - bits);
        let plain = [0, 1, 2, 3, 7, 31, 32, 100, 65535, 65536, top >> 1, top - 1, top, top + 1, (1 << 24) + 1];
        return plain.iter().flat_map(|&b| [b & mask, b.wrapping_neg() & mask]).collect();
    }
    let layout = Layout::of(dtype);
    let Layout { significand: m, exponent: e } = layout;
    let (one, infinity) = (layout.one(), ((1 << e) - 1) << m);
    let of = |v: f64| Scalar::from_f64(dtype, v).bits();
    let plain = [
        0,
        1,
        (1 << m) - 1,
        1 << m,
        (2 << m) + 5,
        infinity - 1,
        infinity,
        infinity | 1 << (m - 1),
        one,
        one + 1,
        one - 1,
        one + (1 << m),
        one - (1 << m),
        one + (m << m),
        one + ((m + 1) << m),
        one - ((m + 1) << m),
        of(3.0),
        of(0.1),
        of(1.5),
        of(2.5),
        of(1234.5),
        of(3.0e9),
        of(-2.0e38),
    ];
    plain.iter().flat_map(|&b| [b, b ^ 1 << (m + e)]).collect()
}

/// The three inputs of a dtype.
///
/// # Errors
/// Out of memory.
pub(super) fn inputs(dtype: DType) -> Result<[HostBuffer; 3]> {
    let new = || HostBuffer::zeros(dtype, COUNT);
    let mut inputs = [new()?, new()?, new()?];
    let specials = specials(dtype);
    let n = specials.len();
    let mask = u64::MAX >> (u64::BITS - 8 * dtype.size() as u32);
    let mut random = SplitMix(0x5eed);
    for i in 0..COUNT {
        let chosen = |random: &mut SplitMix| match (dtype.is_float(), i % 3) {
            (true, 0) | (false, 0) => random.word() & mask,
            (true, 1) => Layout::of(dtype).near_one(random),
            (true, _) => random.pick(&specials),
            (false, 1) => random.word() % 200,
            (false, _) => (random.word() % 100_000).wrapping_neg() & mask,
        };
        let third = random.pick(&specials);
        let mut triple = [chosen(&mut random), chosen(&mut random), chosen(&mut random)];
        if i < n * n {
            triple = [specials[i / n], specials[i % n], third];
        } else if i % 3 == 2 {
            // A number of ordinary size beside special ones.
            triple[i % 2] = if dtype.is_float() { Layout::of(dtype).near_one(&mut random) } else { triple[i % 2] };
        }
        for (input, bits) in inputs.iter_mut().zip(triple) {
            input.set(i, Scalar::from_bits(dtype, bits));
        }
    }
    Ok(inputs)
}
