//! Small dense matrices of double-double numbers: products, elimination, orthogonalisation, Jacobi rotations.
//!
//! Textbook algorithms on matrices of at most a few dozen rows; the oracle for library routines.

use super::dd::Dd;
use super::tensor::Tensor;

/// A dense, row-major matrix.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// The elements.
    pub values: Vec<Dd>,
}

impl Matrix {
    fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![Dd::ZERO; rows * columns] }
    }

    fn identity(n: usize) -> Self {
        let mut m = Self::zeros(n, n);
        for i in 0..n {
            m.values[i * n + i] = Dd::new(1.0);
        }
        m
    }

    /// The centres of a tensor of rank 2.
    #[must_use]
    pub fn from_tensor(t: &Tensor) -> Self {
        Self { rows: t.shape[0], columns: t.shape[1], values: t.elements.iter().map(|e| e.value).collect() }
    }

    /// The element in a row and column.
    #[must_use]
    pub fn at(&self, i: usize, j: usize) -> Dd {
        self.values[i * self.columns + j]
    }

    fn set(&mut self, i: usize, j: usize, v: Dd) {
        self.values[i * self.columns + j] = v;
    }

    /// The Frobenius norm.
    #[must_use]
    pub fn norm(&self) -> f64 {
        self.values.iter().map(|v| v.hi * v.hi).sum::<f64>().sqrt()
    }

    /// The first rows and columns.
    #[must_use]
    pub fn block(&self, rows: usize, columns: usize) -> Self {
        let mut m = Self::zeros(rows, columns);
        for i in 0..rows {
            for j in 0..columns {
                m.set(i, j, self.at(i, j));
            }
        }
        m
    }

    /// Rows as columns.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut m = Self::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                m.set(j, i, self.at(i, j));
            }
        }
        m
    }

    /// The columns in opposite order.
    pub fn reverse_columns(&mut self) {
        if self.columns > 0 {
            self.values.chunks_mut(self.columns).for_each(<[Dd]>::reverse);
        }
    }

    /// The product; the inner extents must agree.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let mut m = Self::zeros(self.rows, other.columns);
        for i in 0..self.rows {
            for j in 0..other.columns {
                let dot = (0..self.columns).fold(Dd::ZERO, |s, k| s.plus(self.at(i, k).times(other.at(k, j))));
                m.set(i, j, dot);
            }
        }
        m
    }

    /// The difference of two matrices of one shape.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a.minus(*b)).collect();
        Self { values, ..*self }
    }

    /// Gauss–Jordan elimination with partial pivoting: the determinant, and the inverse unless singular.
    fn eliminate(&self) -> (Dd, Option<Self>) {
        let n = self.rows;
        let (mut a, mut x) = (self.clone(), Self::identity(n));
        let mut determinant = Dd::new(1.0);
        for p in 0..n {
            let best = (p..n).max_by(|&i, &j| a.at(i, p).hi.abs().total_cmp(&a.at(j, p).hi.abs())).unwrap_or(p);
            if a.at(best, p).hi == 0.0 {
                return (Dd::ZERO, None);
            }
            if best != p {
                determinant = determinant.negated();
                for j in 0..n {
                    a.values.swap(p * n + j, best * n + j);
                    x.values.swap(p * n + j, best * n + j);
                }
            }
            let pivot = a.at(p, p);
            determinant = determinant.times(pivot);
            for j in 0..n {
                a.set(p, j, a.at(p, j).over(pivot));
                x.set(p, j, x.at(p, j).over(pivot));
            }
            for i in (0..n).filter(|&i| i != p) {
                let f = a.at(i, p);
                for j in 0..n {
                    a.set(i, j, a.at(i, j).minus(f.times(a.at(p, j))));
                    x.set(i, j, x.at(i, j).minus(f.times(x.at(p, j))));
                }
            }
        }
        (determinant, x.values.iter().all(|v| v.is_finite()).then_some(x))
    }

    /// The inverse of a square matrix, `None` when it is singular.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        self.eliminate().1
    }

    /// The determinant of a square matrix.
    #[must_use]
    pub fn determinant(&self) -> Dd {
        self.eliminate().0
    }

    /// The lower Cholesky factor from the lower triangle, `None` when the matrix is not positive definite.
    #[must_use]
    pub fn cholesky(&self) -> Option<Self> {
        let n = self.rows;
        let mut l = Self::zeros(n, n);
        for j in 0..n {
            for i in j..n {
                let dot = (0..j).fold(Dd::ZERO, |s, k| s.plus(l.at(i, k).times(l.at(j, k))));
                let rest = self.at(i, j).minus(dot);
                if i == j {
                    if rest.hi <= 0.0 {
                        return None;
                    }
                    l.set(j, j, rest.root());
                } else {
                    l.set(i, j, rest.over(l.at(j, j)));
                }
            }
        }
        Some(l)
    }

    /// Q with orthonormal columns and upper triangular R by Gram–Schmidt done twice; `None` when a column vanishes.
    #[must_use]
    pub fn orthogonal(&self) -> Option<(Self, Self)> {
        let (m, n) = (self.rows, self.columns);
        let (mut q, mut r) = (self.clone(), Self::zeros(n, n));
        for j in 0..n {
            for _ in 0..2 {
                for k in 0..j {
                    let dot = (0..m).fold(Dd::ZERO, |s, i| s.plus(q.at(i, k).times(q.at(i, j))));
                    r.set(k, j, r.at(k, j).plus(dot));
                    for i in 0..m {
                        q.set(i, j, q.at(i, j).minus(dot.times(q.at(i, k))));
                    }
                }
            }
            let length = (0..m).fold(Dd::ZERO, |s, i| s.plus(q.at(i, j).times(q.at(i, j)))).root();
            if length.hi == 0.0 {
                return None;
            }
            r.set(j, j, length);
            for i in 0..m {
                q.set(i, j, q.at(i, j).over(length));
            }
        }
        Some((q, r))
    }

    /// Eigenvalues, ascending, and orthonormal vectors as columns, from the lower triangle of a symmetric matrix, by cyclic
    /// Jacobi rotations.
    #[must_use]
    pub fn symmetric_eigen(&self) -> (Vec<Dd>, Self) {
        let n = self.rows;
        let mut a = self.clone();
        for i in 0..n {
            for j in i + 1..n {
                a.set(i, j, a.at(j, i));
            }
        }
        let mut v = Self::identity(n);
        let small = self.norm() * 1e-31;
        for _ in 0..40 {
            let off = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a.at(i, j).hi.abs());
            if off.fold(0.0, f64::max) <= small {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    rotate(&mut a, &mut v, p, q);
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| a.at(i, i).order(a.at(j, j)));
        let mut vectors = Self::zeros(n, n);
        for (to, &from) in order.iter().enumerate() {
            for i in 0..n {
                vectors.set(i, to, v.at(i, from));
            }
        }
        (order.iter().map(|&i| a.at(i, i)).collect(), vectors)
    }
}

/// One rotation that makes the element (p, q) zero.
fn rotate(a: &mut Matrix, v: &mut Matrix, p: usize, q: usize) {
    let apq = a.at(p, q);
    if apq.hi == 0.0 {
        return;
    }
    let one = Dd::new(1.0);
    let theta = a.at(q, q).minus(a.at(p, p)).over(apq.plus(apq));
    if !theta.is_finite() {
        return;
    }
    let root = theta.times(theta).plus(one).root();
    let t = one.over(theta.magnitude().plus(root));
    let t = if theta.hi < 0.0 { t.negated() } else { t };
    let c = one.over(t.times(t).plus(one).root());
    let s = t.times(c);
    for k in 0..a.rows {
        let (x, y) = (a.at(k, p), a.at(k, q));
        a.set(k, p, c.times(x).minus(s.times(y)));
        a.set(k, q, s.times(x).plus(c.times(y)));
    }
    for k in 0..a.rows {
        let (x, y) = (a.at(p, k), a.at(q, k));
        a.set(p, k, c.times(x).minus(s.times(y)));
        a.set(q, k, s.times(x).plus(c.times(y)));
        let (x, y) = (v.at(k, p), v.at(k, q));
        v.set(k, p, c.times(x).minus(s.times(y)));
        v.set(k, q, s.times(x).plus(c.times(y)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: usize) -> Matrix {
        let at = |i: usize| Dd::new(((i * 7919 + 13) % 101) as f64 / 37.0 - 1.0);
        let mut m = Matrix { rows: n, columns: n, values: (0..n * n).map(at).collect() };
        for i in 0..n {
            m.set(i, i, m.at(i, i).plus(Dd::new(4.0)));
        }
        m
    }

    #[test]
    fn inverses_and_factors_multiply_back() {
        let a = sample(6);
        let unit = a.times(&a.inverse().unwrap());
        assert!(unit.minus(&Matrix::identity(6)).norm() < 1e-28);
        let gram = a.transposed().times(&a);
        let l = gram.cholesky().unwrap();
        assert!(l.times(&l.transposed()).minus(&gram).norm() < 1e-27);
        let (q, r) = a.orthogonal().unwrap();
        assert!(q.times(&r).minus(&a).norm() < 1e-28);
        assert!(q.transposed().times(&q).minus(&Matrix::identity(6)).norm() < 1e-28);
    }

    #[test]
    fn eigenvectors_diagonalise() {
        let a = sample(5);
        let gram = a.transposed().times(&a);
        let (values, vectors) = gram.symmetric_eigen();
        assert!(values.windows(2).all(|w| w[0].hi <= w[1].hi));
        let left = gram.times(&vectors);
        for (j, &value) in values.iter().enumerate() {
            for i in 0..5 {
                let error = left.at(i, j).minus(vectors.at(i, j).times(value)).hi.abs();
                assert!(error < 1e-26, "column {j} is off by {error}");
            }
        }
    }
}
