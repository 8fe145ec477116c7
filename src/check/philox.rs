//! Random elements, from the published definition of Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) and the layout that
//! `docs/numerics.md` fixes: counter [block low, block high, stream, 0], key [key, 0x1BD11BDA], four words a block.

use super::allowance::{Accuracy, Allowance};
use super::dd::Dd;
use super::element::Element;
use crate::graph::RngDist;
use crate::types::DType;

fn words(key: u32, stream: u32, block: u64) -> [u32; 4] {
    let mut c = [block as u32, (block >> 32) as u32, stream, 0];
    let mut k = (key, 0x1BD1_1BDAu32);
    for _ in 0..10 {
        let left = u64::from(c[0]) * 0xD251_1F53;
        let right = u64::from(c[2]) * 0xCD9E_8D57;
        c = [(right >> 32) as u32 ^ c[1] ^ k.0, right as u32, (left >> 32) as u32 ^ c[3] ^ k.1, left as u32];
        k = (k.0.wrapping_add(0x9E37_79B9), k.1.wrapping_add(0xBB67_AE85));
    }
    c
}

fn word(key: u32, stream: u32, i: u64) -> u32 {
    words(key, stream, i / 4)[(i % 4) as usize]
}

/// Uniform on [0, 1) in steps of 2⁻²⁴ or 2⁻⁵³, as an integer count of steps.
fn steps(key: u32, stream: u32, i: u64, wide: bool) -> (u64, f64) {
    if !wide {
        return (u64::from(word(key, stream, i) >> 8), 2f64.powi(-24));
    }
    let w = words(key, stream, i / 2);
    let at = (i % 2) as usize * 2;
    ((u64::from(w[at] >> 5) << 26) | u64::from(w[at + 1] >> 6), 2f64.powi(-53))
}

/// The first `n` elements of a distribution; anything when key or stream are not certain.
#[must_use]
pub fn elements(
    dist: RngDist,
    n: usize,
    key: Element,
    stream: Element,
    dtype: DType,
    allow: Allowance,
) -> Vec<Element> {
    if !(key.is_exact() && stream.is_exact()) {
        return vec![Element::ANY; n];
    }
    let (key, stream) = (key.value.hi as u32, stream.value.hi as u32);
    let wide = dtype == DType::F64;
    let one = |i: u64| match dist {
        RngDist::Bits => Element::integer(i128::from(word(key, stream, i))),
        RngDist::Uniform => {
            let (count, step) = steps(key, stream, i, wide);
            Element { integral: false, ..Element::from_f64(count as f64 * step) }
        }
        RngDist::Normal => {
            let (u, step) = steps(key, stream, i & !1, wide);
            let (v, _) = steps(key, stream, i | 1, wide);
            let radius = (-2.0 * ((u + 1) as f64 * step).ln()).sqrt();
            let turn = std::f64::consts::TAU * (v as f64 * step);
            let x = radius * if i & 1 == 1 { turn.sin() } else { turn.cos() };
            let near = Element { integral: false, ..Element::exact(Dd::new(x)) }.with_radius(2e-15 * radius);
            // The angle is rounded before the sine is taken, at most 2π units in the last place of 1.
            allow.round(near, dtype, Accuracy { relative: 8.0, absolute: 8.0 * radius })
        }
    };
    (0..n as u64).map(one).collect()
}
