//! Cases whose results are known without the oracle: composites of the array API against what they mean, and folds over more
//! elements than the oracle could carry, in closed form.
//!
//! The oracle judges a graph by its operations. That a composite records the wrong ones, or that a loop ends early, only shows
//! against the meaning of the whole.

use super::dd::Dd;
use super::element::Element;
use super::equivalence::case_of;
use super::strategies::Words;
use super::tensor::Tensor;
use crate::algorithms::Random;
use crate::array::{Array, SliceSpec};
use crate::engine::Engine;
use crate::error::Result;
use crate::graph::Case;
use crate::types::{DType, HostBuffer, Order, Scalar};

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
        _ if index % 16 == 6 => composite(engine, &mut dice),
        _ => return None,
    };
    made.ok().flatten()
}

/// A composite, what it means for one row of numbers, and how large its errors are, in units of the roundoff.
struct Composite {
    record: fn(&Array) -> Array,
    meaning: fn(&[f64]) -> Vec<f64>,
    /// Of a result, given the largest finite magnitude and the standard deviation of its row.
    error: fn(v: f64, most: f64, spread: f64) -> f64,
}

const COMPOSITES: [Composite; 8] = [
    Composite { record: |x| x.mean(1, true), meaning: |row| vec![mean(row)], error: |_, most, _| most },
    Composite {
        record: |x| x.var(1, 0, true),
        meaning: |row| vec![deviation(row).powi(2)],
        error: |v, most, _| v + 1e-6 * most * most,
    },
    Composite { record: |x| x.std(1, 0, true), meaning: |row| vec![deviation(row)], error: |v, most, _| v.max(most) },
    Composite { record: |x| x.norm(1, true), meaning: |row| vec![norm(row)], error: |v, _, _| v },
    Composite {
        record: |x| x.logsumexp(1, true),
        meaning: |row| vec![log_sum_exp(row)],
        error: |v, most, _| v.abs().max(most).max(1.0),
    },
    Composite { record: |x| x.softmax(1), meaning: softmax, error: |v, most, _| v * (1.0 + most) },
    Composite {
        record: Array::sigmoid,
        meaning: |row| row.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
        error: |v, _, _| v,
    },
    Composite {
        record: |x| (x - x.mean(1, true)) / x.std(1, 0, true),
        meaning: normalised,
        error: |v, most, spread| v.abs() + (1.0 + v.abs()) * most / spread,
    },
];

fn scale(row: &[f64]) -> f64 {
    row.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

fn middle(row: &[f64]) -> Dd {
    let sum = row.iter().fold(Dd::ZERO, |s, x| s.plus(Dd::new(*x)));
    sum.over(Dd::new(row.len() as f64))
}

fn mean(row: &[f64]) -> f64 {
    // Infinities are not for double-double numbers.
    if scale(row).is_finite() { middle(row).hi } else { row.iter().sum::<f64>() }
}

fn centred(row: &[f64]) -> Vec<f64> {
    let middle = middle(row);
    row.iter().map(|x| if middle.is_finite() { Dd::new(*x).minus(middle).hi } else { f64::NAN }).collect()
}

fn deviation(row: &[f64]) -> f64 {
    norm(&centred(row)) / (row.len() as f64).sqrt()
}

fn norm(row: &[f64]) -> f64 {
    let most = scale(row);
    if row.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    if most == 0.0 || most.is_infinite() {
        most
    } else {
        most * row.iter().map(|x| (x / most).powi(2)).sum::<f64>().sqrt()
    }
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

fn normalised(row: &[f64]) -> Vec<f64> {
    let spread = deviation(row);
    centred(row).iter().map(|x| x / spread).collect()
}

/// What the rows of a composite hold.
fn number(kind: usize, dtype: DType, i: usize, u: f64) -> f64 {
    let large = if dtype == DType::F16 { 300.0 } else { 1e4 };
    match kind {
        0 => large * (0.5 + 0.5 * u),
        1 => {
            if i.is_multiple_of(2) {
                large / 3.0
            } else {
                -large / 3.0
            }
        }
        2 => 12.0 * (2.0 * u - 1.0),
        3 => 1e4 * f64::from(dtype != DType::F16) + f64::from(u < 0.5),
        4 if u < 0.2 => f64::INFINITY,
        4 if u < 0.6 => f64::NEG_INFINITY,
        5 => f64::NEG_INFINITY,
        6 if u < 0.1 => f64::NAN,
        _ => 2.0 * u - 1.0,
    }
}

fn composite(engine: &Engine, dice: &mut impl Random) -> Result<Option<Known>> {
    let dtype = [DType::F16, DType::F32, DType::F64, DType::F16][dice.below(4)];
    let columns = [2, 7, 33, 1000][dice.below(4)];
    let rows = 1 + dice.below(3);
    let mut data = HostBuffer::zeros(dtype, rows * columns)?;
    for row in 0..rows {
        let kind = dice.below(8);
        for i in 0..columns {
            let u = dice.below(1 << 16) as f64 / f64::from(1u32 << 16);
            data.set(row * columns + i, Scalar::from_f64(dtype, number(kind, dtype, i, u)));
        }
    }
    let values: Vec<f64> = (0..data.len()).map(|i| data.get(i).to_f64()).collect();
    let x = engine.from_buffer(data, &[rows, columns])?;
    let composite = &COMPOSITES[dice.below(COMPOSITES.len())];
    let y = (composite.record)(&x);
    let Some(case) = case_of(engine, &[&y])? else { return Ok(None) };
    let of_row = |row: &[f64]| -> Vec<Element> {
        let most = row.iter().filter(|x| x.is_finite()).fold(0.0, |m: f64, x| m.max(x.abs()));
        let spread = deviation(row);
        let near = |v: f64| near(v, (composite.error)(v, most, spread), dtype);
        (composite.meaning)(row).into_iter().map(near).collect()
    };
    let elements: Vec<Element> = values.chunks(columns).flat_map(of_row).collect();
    Ok(Some(Known { expected: vec![Tensor { shape: y.shape()?, dtype, elements }], case }))
}

/// What a composite may give where it means `v`, with an error of this size in units of the roundoff.
fn near(v: f64, error: f64, dtype: DType) -> Element {
    let most = dtype.largest_finite();
    if !v.is_finite() {
        return Element::from_f64(v);
    }
    if v.abs() > most {
        return Element::from_f64(if v > 0.0 { f64::INFINITY } else { f64::NEG_INFINITY });
    }
    let factor = if dtype == DType::F16 { 6.0 } else { 64.0 };
    // A subnormal may be flushed.
    let radius = factor * dtype.unit_roundoff() * error + dtype.smallest_normal();
    if radius.is_finite() { Element::from_f64(v).with_radius(radius) } else { Element::ANY }
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
        let x = engine.from_slice(&[0.5f64, -1.25, 3.0, 2.0, 0.0, 1.0, -7.5, 4.0], &[2, 4]).unwrap();
        let values = [[0.5, -1.25, 3.0, 2.0], [0.0, 1.0, -7.5, 4.0]];
        for composite in &COMPOSITES {
            let given = (composite.record)(&x).to_vec::<f64>().unwrap();
            let meant: Vec<f64> = values.iter().flat_map(|row| (composite.meaning)(row)).collect();
            assert_eq!(given.len(), meant.len());
            assert!(given.iter().zip(&meant).all(|(a, b)| (a - b).abs() < 1e-12), "{given:?} {meant:?}");
        }
        let n = 1024;
        let i = engine.iota(&[n], 0, DType::I32).unwrap();
        for fold in LONG {
            let (root, meant) = fold(&i, n as f64);
            let given = root.to_host().unwrap().get(0).to_f64();
            assert!((given - meant).abs() <= 1e-5 * meant.abs(), "{given} for {meant}");
        }
    }

    #[test]
    fn infinities_and_ends_of_the_range_have_their_meaning() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        assert_eq!((log_sum_exp(&[inf, 2.0, 3.0]), log_sum_exp(&[-inf, -inf])), (inf, -inf));
        assert!(log_sum_exp(&[nan, inf]).is_nan() && norm(&[nan, inf]).is_nan());
        assert!((norm(&[3e200, 4e200]) / 5e200 - 1.0).abs() < 1e-15 && norm(&[inf, 1.0]) == inf);
        assert_eq!(near(1e5, 1.0, DType::F16), Element::from_f64(inf));
    }
}
