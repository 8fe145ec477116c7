//! Reciprocal condition numbers in the 1-norm, estimated from a factorisation.
//!
//! Higham's estimator (ACM TOMS 14, 1988, algorithm 2), which LAPACK uses too: a handful of solves with the matrix and its
//! transpose instead of an inverse. It is a lower bound of the condition number and nearly always within a factor of 3.

use faer::Mat;

/// The largest sum of magnitudes of a column.
pub(super) fn norm1(a: &Mat<f64>) -> f64 {
    (0..a.ncols()).map(|j| (0..a.nrows()).map(|i| a[(i, j)].abs()).sum::<f64>()).fold(0.0, f64::max)
}

/// 1 / (‖A‖·‖A⁻¹‖) for a matrix of norm `norm`, given how to solve with it and with its transpose; 0 where that is not a
/// number.
pub(super) fn rcond(
    n: usize,
    norm: f64,
    solve: impl Fn(&mut Mat<f64>),
    solve_transposed: impl Fn(&mut Mat<f64>),
) -> f64 {
    if n == 0 {
        return f64::INFINITY;
    }
    let r = 1.0 / inverse_norm(n, solve, solve_transposed) / norm;
    if r.is_nan() { 0.0 } else { r }
}

fn inverse_norm(n: usize, solve: impl Fn(&mut Mat<f64>), solve_transposed: impl Fn(&mut Mat<f64>)) -> f64 {
    let size = |x: &Mat<f64>| (0..n).map(|i| x[(i, 0)].abs()).sum::<f64>();
    let signs = |x: &Mat<f64>| Mat::from_fn(n, 1, |i, _| if x[(i, 0)] >= 0.0 { 1.0 } else { -1.0 });
    let largest = |x: &Mat<f64>| (0..n).fold(0, |best, i| if x[(i, 0)].abs() > x[(best, 0)].abs() { i } else { best });
    let solved = |mut x: Mat<f64>| {
        solve(&mut x);
        x
    };
    let turned = |mut x: Mat<f64>| {
        solve_transposed(&mut x);
        x
    };
    let first = solved(Mat::from_fn(n, 1, |_, _| 1.0 / n as f64));
    let mut estimate = size(&first);
    if n == 1 {
        return estimate;
    }
    let mut xi = signs(&first);
    let mut x = turned(xi.clone());
    let mut j = largest(&x);
    for _ in 0..5 {
        let v = solved(Mat::from_fn(n, 1, |i, _| f64::from(u8::from(i == j))));
        let previous = estimate;
        estimate = size(&v).max(previous);
        let next = signs(&v);
        if (0..n).all(|i| next[(i, 0)] == xi[(i, 0)]) || size(&v) <= previous {
            break;
        }
        xi = next;
        x = turned(xi.clone());
        let last = std::mem::replace(&mut j, largest(&x));
        if x[(last, 0)].abs() == x[(j, 0)].abs() {
            break;
        }
    }
    // A last vector against matrices made to fool the search.
    let alternating =
        solved(Mat::from_fn(n, 1, |i, _| (if i % 2 == 0 { 1.0 } else { -1.0 }) * (1.0 + i as f64 / (n - 1) as f64)));
    estimate.max(2.0 * size(&alternating) / (3 * n) as f64)
}
