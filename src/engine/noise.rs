//! Rounding noise: values moved by at most one unit in the last place.

use crate::algorithms::{Lcg, Random};
use crate::types::{HostBuffer, Scalar};

/// Results moved by up to one unit in the last place, so that a run shows how sensitive it is to rounding.
pub(super) struct Noise(Lcg);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(Lcg(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The buffer with each finite float other than zero moved by −1, 0 or 1 units in the last place.
    pub(super) fn over(&mut self, buffer: &HostBuffer) -> HostBuffer {
        let mut out = buffer.clone();
        if !buffer.dtype().is_float() {
            return out;
        }
        for i in 0..buffer.len() {
            let x = buffer.get(i);
            if x.to_f64() == 0.0 || !x.to_f64().is_finite() {
                continue;
            }
            let bits = match (self.0.word() >> 27) % 3 {
                0 => x.bits(),
                1 => x.bits() + 1,
                _ => x.bits() - 1,
            };
            let moved = Scalar::from_bits(x.dtype(), bits);
            if moved.to_f64().is_finite() {
                out.set(i, moved);
            }
        }
        out
    }
}
