//! Library routines: solve, inverse, determinant, factorisations, eigenvalues.
//!
//! Results are computed in double-double at the centres and bounded norm-wise: a backward-stable routine gives the exact
//! result of A + E with ‖E‖ ≤ c·(m + n)·u·‖A‖ plus the operand's own uncertainty. Where the perturbation theory does not hold
//! (nearly singular, clustered), anything is accepted. Factors that are unique up to sign accept either.

use super::allowance::Allowance;
use super::dd::Dd;
use super::element::Element;
use super::matrix::Matrix;
use super::tensor::Tensor;
use crate::graph::HostOp;
use crate::types::Shape;

/// The elements of one output of a library routine.
#[must_use]
pub fn elements(op: HostOp, output: u8, operands: &[&Tensor], shape: &Shape, allow: Allowance) -> Vec<Element> {
    let any = || vec![Element::ANY; shape.len()];
    if operands.iter().any(|t| t.elements.iter().any(|e| !e.is_number() || e.is_any())) {
        return any();
    }
    let a = Matrix::from_tensor(operands[0]);
    let u = if allow.reals { 1e-30 } else { operands[0].dtype.unit_roundoff() };
    let wobble = uncertainty(operands[0], &a, u);
    let found = match op {
        HostOp::Inv => inverse(&a, wobble, output),
        HostOp::Solve => solve(&a, wobble, operands[1], u, output),
        HostOp::Det => determinant(&a, wobble),
        HostOp::Cholesky => cholesky(&a, wobble),
        HostOp::Qr { .. } => qr(&a, wobble, output, shape),
        HostOp::Eigh => eigh(&a, wobble, output),
        HostOp::Svd => svd(&a, wobble, output),
    };
    found.filter(|e| e.len() == shape.len()).unwrap_or_else(any)
}

/// A bound of ‖E‖.
fn uncertainty(t: &Tensor, a: &Matrix, u: f64) -> f64 {
    let radii = t.elements.iter().map(|e| e.radius * e.radius).sum::<f64>().sqrt();
    radii + 20.0 * (a.rows + a.columns + 1) as f64 * u * (a.norm() + f64::MIN_POSITIVE)
}

fn near(m: &Matrix, radius: f64, either_sign: bool) -> Vec<Element> {
    let one = |&v: &Dd| Element { integral: false, either_sign, ..Element::exact(v) }.with_radius(radius);
    m.values.iter().map(one).collect()
}

fn inverse(a: &Matrix, wobble: f64, output: u8) -> Option<Vec<Element>> {
    if output == 1 {
        return Some(vec![Element::between(0.0, 1.0 + 1e-6)]);
    }
    let x = a.inverse()?;
    let delta = x.norm() * wobble;
    (delta < 0.25).then(|| near(&x, x.norm() * delta / (1.0 - delta), false))
}

fn solve(a: &Matrix, wobble: f64, b: &Tensor, u: f64, output: u8) -> Option<Vec<Element>> {
    if output == 1 {
        return Some(vec![Element::between(0.0, 1.0 + 1e-6)]);
    }
    let right = Matrix::from_tensor(b);
    let right_wobble = uncertainty(b, &right, u);
    let t = a.transposed();
    let pseudo = match a.rows.cmp(&a.columns) {
        std::cmp::Ordering::Equal => a.inverse()?,
        std::cmp::Ordering::Greater => t.times(a).inverse()?.times(&t),
        std::cmp::Ordering::Less => t.times(&a.times(&t).inverse()?),
    };
    let x = pseudo.times(&right);
    let rest = right.minus(&a.times(&x));
    let p = pseudo.norm();
    let delta = p * wobble;
    let radius = 2.0 * p * (wobble * (x.norm() + p * rest.norm()) + right_wobble) / (1.0 - delta);
    (delta < 0.1).then(|| near(&x, radius, false))
}

fn determinant(a: &Matrix, wobble: f64) -> Option<Vec<Element>> {
    let d = a.determinant();
    let inverse = a.inverse()?;
    let delta = inverse.norm() * wobble * a.rows as f64;
    (delta < 0.1).then(|| vec![Element { integral: false, ..Element::exact(d) }.with_radius(2.0 * delta * d.hi.abs())])
}

fn cholesky(a: &Matrix, wobble: f64) -> Option<Vec<Element>> {
    let l = a.cholesky()?;
    let delta = a.inverse()?.norm() * wobble;
    (delta < 0.1).then(|| {
        let mut all = near(&l, 2.0 * l.norm() * delta, false);
        for i in 0..a.rows {
            for j in i + 1..a.columns {
                all[i * a.columns + j] = Element::integer(0);
            }
        }
        all
    })
}

fn qr(a: &Matrix, wobble: f64, output: u8, shape: &Shape) -> Option<Vec<Element>> {
    let k = a.rows.min(a.columns);
    let lead = a.block(a.rows, k);
    let (q, r) = lead.orthogonal()?;
    // The condition of the leading columns decides.
    let delta = r.inverse()?.norm() * wobble;
    if delta > 0.1 {
        return None;
    }
    let columns = shape[1];
    let mut all = vec![Element::ANY; shape.len()];
    let mut put = |i: usize, j: usize, v: Dd, radius: f64| {
        all[i * columns + j] = Element { integral: false, either_sign: true, ..Element::exact(v) }.with_radius(radius);
    };
    if output == 0 {
        // Further columns of a complete factor are any basis of the rest.
        for i in 0..a.rows {
            for j in 0..k.min(columns) {
                put(i, j, q.at(i, j), 4.0 * delta);
            }
        }
    } else {
        let full = q.transposed().times(a);
        for i in 0..shape[0] {
            for j in 0..columns {
                let below = i > j || i >= k;
                let v = if below { Dd::ZERO } else { full.at(i, j) };
                put(i, j, v, if below { 4.0 * wobble } else { 4.0 * delta * a.norm() + wobble });
            }
        }
    }
    Some(all)
}

fn eigh(a: &Matrix, wobble: f64, output: u8) -> Option<Vec<Element>> {
    let (values, vectors) = a.symmetric_eigen();
    if output == 0 {
        let one = |v: &Dd| Element { integral: false, ..Element::exact(*v) }.with_radius(2.0 * wobble);
        return Some(values.iter().map(one).collect());
    }
    Some(with_gaps(&vectors, &values, wobble, 1.0))
}

/// Columns that are unique up to sign, as far as their values keep apart.
fn with_gaps(vectors: &Matrix, values: &[Dd], wobble: f64, scale: f64) -> Vec<Element> {
    let gap = |j: usize| {
        let apart = |i: usize| values[j].minus(values[i]).hi.abs();
        (0..values.len()).filter(|&i| i != j).map(apart).fold(f64::INFINITY, f64::min)
    };
    let radii: Vec<f64> = (0..values.len()).map(|j| 4.0 * wobble * scale / gap(j)).collect();
    let mut all = Vec::with_capacity(vectors.values.len());
    for i in 0..vectors.rows {
        for (j, &radius) in radii.iter().enumerate().take(vectors.columns) {
            let e = Element { integral: false, either_sign: true, ..Element::exact(vectors.at(i, j)) };
            all.push(if radius < 0.3 { e.with_radius(radius + 1e-30) } else { Element::ANY });
        }
    }
    all
}

fn svd(a: &Matrix, wobble: f64, output: u8) -> Option<Vec<Element>> {
    let k = a.rows.min(a.columns);
    let t = a.transposed();
    let gram = if a.rows >= a.columns { t.times(a) } else { a.times(&t) };
    let (values, mut vectors) = gram.symmetric_eigen();
    let sigma: Vec<Dd> = values.iter().rev().map(|v| if v.hi > 0.0 { v.root() } else { Dd::ZERO }).collect();
    vectors.reverse_columns();
    if output == 0 {
        // The root of a rounded square is off by its own error where it is tiny.
        let slop = gram.norm().sqrt() * 1e-14;
        let one = |v: &Dd| Element { integral: false, ..Element::exact(*v) }.with_radius(2.0 * wobble + slop);
        return Some(sigma.iter().map(one).collect());
    }
    let least = sigma.last().map_or(0.0, |s| s.hi);
    if least <= 10.0 * wobble {
        return None;
    }
    let wants_gram_side = (output == 2) == (a.rows >= a.columns);
    let mut side = vectors;
    if !wants_gram_side {
        side = if a.rows >= a.columns { a.times(&side) } else { t.times(&side) };
        for i in 0..side.rows {
            for (j, s) in sigma.iter().enumerate().take(k) {
                side.values[i * k + j] = side.at(i, j).over(*s);
            }
        }
    }
    Some(with_gaps(&side, &sigma, wobble, 1.0 + a.norm() / least))
}
