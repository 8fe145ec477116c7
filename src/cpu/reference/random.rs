//! Random elements: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) as a function of key, stream and element number.
//!
//! An element depends on nothing else, so any executor may compute any part of an array in any order and get the same bits.
//! The counter words are [block low, block high, stream, 0] and the key words [key, 0x1BD11BDA]; a block gives four 32-bit
//! words, and word `i` of the stream is lane `i % 4` of block `i / 4`.

use crate::graph::RngDist;
use crate::types::{DType, Scalar};

const KEY_HIGH: u32 = 0x1BD1_1BDA;
const ROUNDS: usize = 10;

/// The four words of one block.
#[must_use]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        let a = u64::from(counter[0]) * 0xD251_1F53;
        let b = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
    }
    counter
}

/// Block `block` of the stream.
#[must_use]
pub fn block(key: u32, stream: u32, block: u64) -> [u32; 4] {
    philox([block as u32, (block >> 32) as u32, stream, 0], [key, KEY_HIGH])
}

/// Word `index` of the stream.
#[must_use]
pub fn word(key: u32, stream: u32, index: u64) -> u32 {
    block(key, stream, index / 4)[(index % 4) as usize]
}

/// The 53-bit integer `index` of the stream: lanes 2j and 2j+1 of block index/2, with j = index % 2.
#[must_use]
pub fn word53(key: u32, stream: u32, index: u64) -> u64 {
    let words = block(key, stream, index / 2);
    let j = (index % 2) as usize;
    (u64::from(words[2 * j] >> 5) << 26) + u64::from(words[2 * j + 1] >> 6)
}

/// Uniform on [0, 1) with 24 bits, exact in f32.
#[must_use]
pub fn uniform24(word: u32) -> f64 {
    f64::from(word >> 8) * 2f64.powi(-24)
}

/// Element `index` of a distribution in `dtype`.
#[must_use]
pub fn element(dist: RngDist, dtype: DType, key: u32, stream: u32, index: u64) -> Scalar {
    match (dist, dtype) {
        (RngDist::Bits, _) => Scalar::from_bits(DType::U32, u64::from(word(key, stream, index))),
        (RngDist::Uniform, DType::F64) => {
            Scalar::from_f64(DType::F64, word53(key, stream, index) as f64 * 2f64.powi(-53))
        }
        (RngDist::Uniform, _) => Scalar::from_f64(dtype, uniform24(word(key, stream, index))),
        (RngDist::Normal, DType::F64) => {
            let pair = index / 2 * 2;
            let scale = 2f64.powi(-53);
            let u1 = (word53(key, stream, pair) + 1) as f64 * scale;
            let u2 = word53(key, stream, pair + 1) as f64 * scale;
            Scalar::from_f64(DType::F64, box_muller(u1, u2, index % 2 == 1))
        }
        (RngDist::Normal, _) => {
            let pair = index / 2 * 2;
            let u1 = f64::from((word(key, stream, pair) >> 8) + 1) * 2f64.powi(-24);
            let u2 = uniform24(word(key, stream, pair + 1));
            Scalar::from_f64(dtype, box_muller(u1, u2, index % 2 == 1))
        }
    }
}

/// One of the two normal numbers of a pair of uniform ones, u1 in (0, 1].
#[must_use]
pub fn box_muller(u1: f64, u2: f64, odd: bool) -> f64 {
    let r = (-2.0 * u1.ln()).sqrt();
    let angle = std::f64::consts::TAU * u2;
    r * if odd { angle.sin() } else { angle.cos() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors of Philox publish with Random123 (`kat_vectors`).
    #[test]
    fn known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn elements_have_their_moments() {
        let n = 20_000u64;
        for dtype in [DType::F32, DType::F64] {
            let draw = |dist| (0..n).map(move |i| element(dist, dtype, 7, 3, i).to_f64());
            let mean = |it: &mut dyn Iterator<Item = f64>| it.sum::<f64>() / n as f64;
            assert!((mean(&mut draw(RngDist::Uniform)) - 0.5).abs() < 0.01);
            assert!(draw(RngDist::Uniform).all(|u| (0.0..1.0).contains(&u)));
            assert!(mean(&mut draw(RngDist::Normal)).abs() < 0.03);
            assert!((mean(&mut draw(RngDist::Normal).map(|x| x * x)) - 1.0).abs() < 0.05);
            assert!(draw(RngDist::Normal).all(f64::is_finite));
        }
    }
}
