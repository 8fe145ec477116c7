//! The product of two strided matrices: by the library with the feature `threads`, by a plain loop without.
//!
//! The bits of a product depend on its extents only. For vectors, and for small results with certain strides, the library chooses
//! other loops; the caller keeps those away from it.

use crate::error::{Error, Result};
use crate::types::{Fault, seeded};

/// A matrix whose elements lie in a slice at fixed distances.
#[derive(Clone, Copy)]
pub(crate) struct StridedMatrix<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) offset: i64,
    pub(crate) row: i64,
    pub(crate) column: i64,
}

impl<'a, T> StridedMatrix<'a, T> {
    /// The transposed matrix.
    pub(crate) fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    /// The matrix from a row and a column on.
    pub(crate) fn from(self, row: usize, column: usize) -> Self {
        Self { offset: self.offset + row as i64 * self.row + column as i64 * self.column, ..self }
    }

    /// A copy in `memory`, one row after the other. The matrix was checked.
    fn packed<'b>(&self, rows: usize, columns: usize, memory: &'b mut Vec<T>) -> StridedMatrix<'b, T>
    where
        T: Copy,
    {
        let at = |i: usize, j: usize| (self.offset + i as i64 * self.row + j as i64 * self.column) as usize;
        memory.extend((0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| self.data[at(i, j)]));
        StridedMatrix { data: memory, offset: 0, row: columns as i64, column: 1 }
    }

    fn check(&self, rows: usize, columns: usize) -> Result<()> {
        let reach = |n: usize, step: i64| i128::from(step) * (n as i128 - 1);
        let (a, b) = (reach(rows, self.row), reach(columns, self.column));
        let low = i128::from(self.offset) + a.min(0) + b.min(0);
        let high = i128::from(self.offset) + a.max(0) + b.max(0);
        if low < 0 || high >= self.data.len() as i128 {
            let Self { offset, row, column, data } = self;
            let len = data.len();
            return Err(Error::internal(format!(
                "a matrix [{rows}, {columns}] of a product, from {offset} by {row} and {column}, reaches outside its {len} elements"
            )));
        }
        Ok(())
    }
}

/// The element types that have a product.
pub(crate) trait MatrixElement:
    Copy + Send + Sync + 'static + std::ops::Mul<Output = Self> + std::ops::Add<Output = Self>
{
    /// 1, which the library scales by.
    #[cfg(feature = "threads")]
    const ONE: Self;
    /// +0, with which sums begin.
    #[cfg(not(feature = "threads"))]
    const ZERO: Self;
}
impl MatrixElement for f32 {
    #[cfg(feature = "threads")]
    const ONE: Self = 1.0;
    #[cfg(not(feature = "threads"))]
    const ZERO: Self = 0.0;
}
impl MatrixElement for f64 {
    #[cfg(feature = "threads")]
    const ONE: Self = 1.0;
    #[cfg(not(feature = "threads"))]
    const ZERO: Self = 0.0;
}

/// The extents of a product of an m×k and a k×n matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProductExtents {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

/// `c[i, j] = Σ a[i, p] · b[p, j]` (+ `c[i, j]` when `add`) for an m×n block of `c`, whose rows are `stride` apart. All extents
/// are at least 1.
///
/// # Errors
/// An internal error when a matrix reaches outside its data.
pub(crate) fn product<T: MatrixElement>(
    of: ProductExtents,
    a: StridedMatrix<'_, T>,
    b: StridedMatrix<'_, T>,
    c: &mut [T],
    stride: usize,
    add: bool,
) -> Result<()> {
    let ProductExtents { m, n, k } = of;
    a.check(m, k)?;
    b.check(k, n)?;
    if n > stride || (m - 1) * stride + n > c.len() {
        return Err(Error::internal("the result of a product reaches outside its memory"));
    }
    // The library walks along a falling contracted axis backwards, which sums in another order than over stored elements.
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let a = if a.column < 0 { a.packed(m, k, &mut left) } else { a };
    let b = if b.row < 0 { b.packed(k, n, &mut right) } else { b };
    let k = if seeded(Fault::ProductShort) && k % 2 == 1 { k - 1 } else { k };
    multiply(ProductExtents { m, n, k }, a, b, c, stride, add);
    Ok(())
}

#[cfg(feature = "threads")]
fn multiply<T: MatrixElement>(
    ProductExtents { m, n, k }: ProductExtents,
    a: StridedMatrix<'_, T>,
    b: StridedMatrix<'_, T>,
    c: &mut [T],
    stride: usize,
    add: bool,
) {
    let many = m.saturating_mul(n).saturating_mul(k) > 1 << 20;
    let parallelism = if many { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    // SAFETY: `product` checked that every element the strides reach lies inside the three slices; `c` is borrowed
    // exclusively, so it overlaps neither operand; T is f32 or f64, which the library has kernels for.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            stride as isize,
            add,
            a.data.as_ptr().offset(a.offset as isize),
            a.column as isize,
            a.row as isize,
            b.data.as_ptr().offset(b.offset as isize),
            b.column as isize,
            b.row as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(not(feature = "threads"))]
fn multiply<T: MatrixElement>(
    ProductExtents { m, n, k }: ProductExtents,
    a: StridedMatrix<'_, T>,
    b: StridedMatrix<'_, T>,
    c: &mut [T],
    stride: usize,
    add: bool,
) {
    let at = |x: &StridedMatrix<'_, T>, i: usize, j: usize| {
        x.data[(x.offset + i as i64 * x.row + j as i64 * x.column) as usize]
    };
    for i in 0..m {
        let row = &mut c[i * stride..i * stride + n];
        if !add {
            row.fill(T::ZERO);
        }
        for p in 0..k {
            let x = at(&a, i, p);
            for (j, to) in row.iter_mut().enumerate() {
                *to = *to + x * at(&b, p, j);
            }
        }
    }
}
