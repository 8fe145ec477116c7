//! Cases whose results are known without the oracle: folds over more elements than the oracle could carry, in closed form.

use super::element::Element;
use super::equivalence::case_of;
use super::strategies::Words;
use super::tensor::Tensor;
use crate::algorithms::Random;
use crate::array::{Array, SliceSpec};
use crate::engine::Engine;
use crate::error::Result;
use crate::graph::Case;
use crate::types::{DType, Order};

/// A case and what its roots are.
pub(super) struct Known {
    pub(super) case: Case,
    pub(super) expected: Vec<Tensor>,
}

/// The case of this number, recorded by `engine`, where the number is one of a case whose results are known.
pub(super) fn known_case(engine: &Engine, seed: u64, index: u64) -> Option<Known> {
    let gpu = engine.device_name().is_some();
    let mut dice = Words::new(seed ^ 0x6b6e_6f77, index).dice();
    let made = match index {
        _ if gpu && index % 128 == 12 => long(engine, [9_000_000, 20_000_000][dice.below(2)], &mut dice),
        _ if index % 64 == 12 => long(engine, [500_000, 120_000, 1_000_003][dice.below(3)], &mut dice),
        _ => return None,
    };
    made.ok().flatten()
}

fn log_sum_exp(row: &[f64]) -> f64 {
    if row.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top.is_infinite() { top } else { top + row.iter().map(|x| (x - top).exp()).sum::<f64>().ln() }
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let top =
        if row.iter().any(|x| x.is_nan()) { f64::NAN } else { row.iter().copied().fold(f64::NEG_INFINITY, f64::max) };
    let total: f64 = row.iter().map(|x| (x - top).exp()).sum();
    row.iter().map(|x| (x - top).exp() / total).collect()
}

/// A fold over `n` elements that are made on the device, with its result.
type Long = fn(&Array, f64) -> (Array, f64);

/// `i` counts from 0 to n − 1, n a multiple of `LINES`.
const LONG: [Long; 18] = [
    (|i, n| (last(&fourths_of(i).cumsum(0)), 1.5 * n)),
    (|i, n| (last(&i.cummax(0)), n - 1.0)),
    (|i, n| (last(&at_the_end(i, n, 1).select(2.0, fourths(i)).cummax(0)), 3.0)),
    (|i, n| (i.amax(0, true), n - 1.0)),
    (|i, n| (fourths(i).sum(0, true), 1.5 * n)),
    (|i, n| (last(&fourths(i).cumsum(0)), 1.5 * n)),
    (|i, n| (at_the_end(i, n, 1).select(5.0, fourths(i)).argmax(0, true), n - 1.0)),
    (|i, n| (at_the_end(i, n, 1).select(5.0, fourths(i)).amax(0, true), 5.0)),
    (|i, n| (at_the_end(i, n, 2).any(0, true), 1.0)),
    (|i, n| (fourths(i).logsumexp(0, true), (n / 4.0).ln() + log_sum_exp(&[0.0, 1.0, 2.0, 3.0]))),
    (|i, _| ((fourths(i) + 1e4).var(0, 0, true), 1.25)),
    (|i, _| ((fourths(i) + 1e4).mean(0, true), 10_001.5)),
    (|i, n| (fourths(i).norm(0, true), (3.5 * n).sqrt())),
    (|i, n| (last(&fourths(i).softmax(0)) * n, 4.0 * softmax(&[0.0, 1.0, 2.0, 3.0])[3])),
    (|i, n| (at_the_end(i, n, 3).cast(DType::I32).sum(0, true), 3.0)),
    (|i, n| (squared(&fourths(i), n as usize), 3.5 * n)),
    // Lines side by side, each of which a thread may walk by itself.
    (|i, n| (last(&side_by_side(i).cumsum(0).reshape(&[n as usize], Order::C)), 3.0 * n / LINES as f64)),
    (|i, n| (last(&side_by_side(i).sum(0, false)), 3.0 * n / LINES as f64)),
];

/// How many lines lie side by side.
const LINES: usize = 256;

fn side_by_side(i: &Array) -> Array {
    let n = i.shape().map_or(LINES, |s| s[0]);
    fourths_of(i).reshape(&[n / LINES, LINES], Order::C)
}

fn fourths_of(i: &Array) -> Array {
    i.rem(4)
}

fn fourths(i: &Array) -> Array {
    fourths_of(i).cast(DType::F32)
}

/// Whether an element is one of the last few.
fn at_the_end(i: &Array, n: f64, few: i64) -> Array {
    i.try_ge(n as i64 - few).unwrap_or_else(|e| Array::poisoned(i.engine(), e))
}

/// The product of a row and the same column.
fn squared(x: &Array, n: usize) -> Array {
    x.reshape(&[1, n], Order::C).matmul(&x.reshape(&[n, 1], Order::C)).reshape(&[1], Order::C)
}

fn last(x: &Array) -> Array {
    let n = x.shape().map_or(1, |s| s[0]);
    x.slice(&[SliceSpec::range(n - 1, n)])
}

fn long(engine: &Engine, n: usize, dice: &mut impl Random) -> Result<Option<Known>> {
    let n = n / LINES * LINES;
    let i = engine.iota(&[n], 0, DType::I32)?;
    let picked: [Long; 3] = std::array::from_fn(|_| LONG[dice.below(LONG.len())]);
    let (roots, values): (Vec<Array>, Vec<f64>) = picked.iter().map(|f| f(&i, n as f64)).unzip();
    let Some(case) = case_of(engine, &roots.iter().collect::<Vec<_>>())? else { return Ok(None) };
    let one = |(root, v): (&Array, f64)| -> Result<Tensor> {
        let dtype = root.dtype()?;
        let radius = if dtype.is_float() { 2e-4 * v.abs() } else { 0.0 };
        Ok(Tensor { shape: root.shape()?, dtype, elements: vec![Element::from_f64(v).with_radius(radius)] })
    };
    let expected = roots.iter().zip(values).map(one).collect::<Result<Vec<_>>>()?;
    Ok(Some(Known { case, expected }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{DeviceChoice, Numerics};

    #[test]
    fn what_is_known_is_what_strict_results_are() {
        let builder = Engine::builder().device(DeviceChoice::Cpu).numerics(Numerics::Strict);
        let engine = builder.build().unwrap();
        let n = 1024;
        let i = engine.iota(&[n], 0, DType::I32).unwrap();
        for fold in LONG {
            let (root, meant) = fold(&i, n as f64);
            let given = root.to_host().unwrap().get(0).to_f64();
            assert!((given - meant).abs() <= 1e-5 * meant.abs(), "{given} for {meant}");
        }
    }
}
