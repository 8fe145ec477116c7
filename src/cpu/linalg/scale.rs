//! Scaling by powers of two, so that squares and sums inside the library neither overflow nor vanish.
//!
//! Which scale depends on what the routine keeps. Singular values, symmetric eigenvalues and least squares of minimum norm keep
//! one factor for the whole matrix; QR keeps one for each column; elimination keeps one for each row and each column. Matrices
//! whose scales are all near 1 are left alone and keep their bits.

use faer::Mat;
use libm::{frexp, ldexp};

/// Exponents up to this magnitude are left alone: squares of such elements, and sums of them, are far inside the range of f64.
const NEAR: i32 = 400;

/// The exponent of the largest finite magnitude; `None` when all are zero.
fn largest_exponent(elements: impl Iterator<Item = f64>) -> Option<i32> {
    let largest = elements.map(f64::abs).filter(|x| x.is_finite()).fold(0.0, f64::max);
    (largest > 0.0).then(|| frexp(largest).1)
}

/// `exponents`, or zeros where all of them are near 1 (`None` counts as that).
fn unless_near(exponents: Vec<Option<i32>>) -> Vec<i32> {
    let far = exponents.iter().flatten().any(|e| e.abs() > NEAR);
    exponents.into_iter().map(|e| e.filter(|_| far).unwrap_or(0)).collect()
}

/// The matrix divided by 2ᵉ, and e.
pub(super) fn whole(a: &Mat<f64>) -> (Mat<f64>, i32) {
    let all = (0..a.ncols()).flat_map(|j| (0..a.nrows()).map(move |i| a[(i, j)]));
    let e = unless_near(vec![largest_exponent(all)])[0];
    (by(a, |_, _| -e), e)
}

/// The matrix with column j divided by 2 to the j-th exponent, and the exponents.
pub(super) fn columns(a: &Mat<f64>) -> (Mat<f64>, Vec<i32>) {
    let exponents = (0..a.ncols()).map(|j| largest_exponent((0..a.nrows()).map(|i| a[(i, j)]))).collect();
    let exponents = unless_near(exponents);
    (by(a, |_, j| -exponents[j]), exponents)
}

/// A matrix as R·A·C with diagonal powers of two.
pub(super) struct Equilibrated {
    pub(super) a: Mat<f64>,
    pub(super) rows: Vec<i32>,
    pub(super) columns: Vec<i32>,
}

impl Equilibrated {
    /// The largest element of every row and column is brought near 1 if one of them is far from it: by one power of two for the whole
    /// matrix where that is enough, because that keeps the order of elimination.
    pub(super) fn new(a: &Mat<f64>) -> Self {
        let row = |i: usize| largest_exponent((0..a.ncols()).map(|j| a[(i, j)]));
        let column = |j: usize| largest_exponent((0..a.nrows()).map(|i| a[(i, j)]));
        let all: Vec<Option<i32>> = (0..a.nrows()).map(row).chain((0..a.ncols()).map(column)).collect();
        let near = |to: i32| all.iter().flatten().all(|e| (e - to).abs() <= NEAR);
        let largest = all.iter().flatten().copied().max().unwrap_or(0);
        if let Some(e) = [0, largest].into_iter().find(|e| near(*e)) {
            return Self { a: by(a, |_, _| -e), rows: vec![e; a.nrows()], columns: vec![0; a.ncols()] };
        }
        let rows: Vec<i32> = all[..a.nrows()].iter().map(|e| e.unwrap_or(0)).collect();
        // The exponents of both sides are applied at once: an element may leave the range between them.
        let exponent = |i: usize, j: usize| frexp(a[(i, j)]).1 - rows[i];
        let largest = |j: usize| (0..a.nrows()).filter(|&i| a[(i, j)] != 0.0).map(|i| exponent(i, j)).max();
        let columns: Vec<i32> = (0..a.ncols()).map(|j| largest(j).unwrap_or(0)).collect();
        Self { a: by(a, |i, j| -rows[i] - columns[j]), rows, columns }
    }

    /// The right side for the scaled matrix, and the exponents by which its columns were divided besides.
    pub(super) fn right(&self, b: &Mat<f64>) -> (Mat<f64>, Vec<i32>) {
        let exponent = |i: usize, j: usize| frexp(b[(i, j)]).1 - self.rows[i];
        let finite = |x: f64| x != 0.0 && x.is_finite();
        let largest = |j: usize| (0..b.nrows()).filter(|&i| finite(b[(i, j)])).map(|i| exponent(i, j)).max();
        let extra = unless_near((0..b.ncols()).map(largest).collect());
        (by(b, |i, j| -self.rows[i] - extra[j]), extra)
    }

    /// The solution for the matrix as it was, from that for the scaled matrix and the columns' exponents of the right side.
    pub(super) fn solution(&self, y: &Mat<f64>, extra: &[i32]) -> Mat<f64> {
        by(y, |i, j| extra[j] - self.columns[i])
    }
}

/// The matrix with every element multiplied by 2 to its exponent.
pub(super) fn by(a: &Mat<f64>, exponent: impl Fn(usize, usize) -> i32) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| match exponent(i, j) {
        0 => a[(i, j)],
        e => ldexp(a[(i, j)], e),
    })
}

/// A product as a mantissa and an exponent that cannot overflow.
pub(super) fn product(factors: impl Iterator<Item = f64>) -> (f64, i64) {
    factors.fold((1.0, 0), |(p, e), x| {
        let (mantissa, exponent) = frexp(x);
        let (p, carried) = frexp(p * mantissa);
        (p, e + i64::from(exponent) + i64::from(carried))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_round_once() {
        assert_eq!(ldexp(1.0, -1074), 5e-324);
        assert_eq!(ldexp(1.5, -1074), 1e-323);
        assert_eq!(ldexp(f64::MAX, -2098), 5e-324);
        assert_eq!(ldexp(5e-324, 1074), 1.0);
        assert_eq!(ldexp(5e-324, 2097), 2f64.powi(1023));
        assert_eq!(ldexp(-3.0, 5000), f64::NEG_INFINITY);
        assert_eq!(ldexp(-3.0, -5000), 0.0);
        assert!(ldexp(f64::NAN, 2000).is_nan());
        // Halfway between two subnormal numbers but for the last bit.
        assert_eq!(ldexp(1.0 + 2.0 * f64::EPSILON + 2f64.powi(-2), -1073).to_bits(), 3);
    }

    #[test]
    fn numbers_split_and_join() {
        for x in [1.0, -0.75, 5e-324, f64::MAX, -1e-310, 3e200] {
            let (m, e) = frexp(x);
            assert!((0.5..1.0).contains(&m.abs()), "{x}: {m}");
            assert_eq!(ldexp(m, e), x);
        }
        let (m, e) = product([1e200, 1e200, 1e-200, -1e-199].into_iter());
        assert!((ldexp(m, e as i32) + 10.0).abs() < 1e-13);
    }
}
