//! Batched products of matrices of f32 and f64, panel by panel along k.

use super::data::FindInput;
use super::matrix::{MatrixElement, ProductExtents, StridedMatrix, product};
use super::operand::{Operand, PANEL};
use super::tile::or_in_miri;
use crate::error::Result;
use crate::types::{DType, Element, HostBuffer, Scalar};

/// Rows of a block of a symmetric result.
const BLOCK: usize = or_in_miri(256, 4);

/// The product of two operands, for all batches.
#[derive(Debug)]
pub(crate) struct BatchedProduct {
    pub(crate) extents: ProductExtents,
    pub(crate) left: Operand,
    /// `None` where it is the left one transposed.
    pub(crate) right: Option<Operand>,
    /// Whether every result equals its transpose: only the lower blocks are computed, and the rest is mirrored.
    pub(crate) symmetric: bool,
}

impl BatchedProduct {
    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.left.bytes() + self.right.as_ref().map_or(0, Operand::bytes)
    }

    /// Writes the products into `acc`, dense [batch…, m, n].
    ///
    /// # Errors
    /// What binding the data reports, out of memory, and internal errors.
    pub(crate) fn run(&self, input: FindInput<'_, '_>, scalars: &[Scalar], acc: &mut HostBuffer) -> Result<()> {
        match acc.dtype() {
            DType::F32 => self.run_on::<f32>(input, scalars, acc),
            _ => self.run_on::<f64>(input, scalars, acc),
        }
    }

    fn run_on<T: MatrixElement + Element>(
        &self,
        input: FindInput<'_, '_>,
        scalars: &[Scalar],
        acc: &mut HostBuffer,
    ) -> Result<()> {
        let ProductExtents { m, n, k } = self.extents;
        let acc = acc.as_mut_slice::<T>()?;
        let mut left = self.left.bind(input, scalars)?;
        let mut right = self.right.as_ref().map(|r| r.bind(input, scalars)).transpose()?;
        for number in 0..k.div_ceil(PANEL) {
            let a = left.panel(number)?;
            let b = right.as_mut().map(|r| r.panel(number)).transpose()?;
            for (batch, c) in acc.chunks_exact_mut(m * n).enumerate() {
                let a = a.matrix::<T>(batch)?;
                let b = match &b {
                    Some(b) => b.matrix::<T>(batch)?,
                    None => a.transposed(),
                };
                self.panel_product(number, a, b, c)?;
            }
        }
        if self.symmetric {
            acc.chunks_exact_mut(m * n).for_each(|c| mirror(c, n));
        }
        Ok(())
    }

    /// Adds the product of one batch's panels to its result.
    fn panel_product<T: MatrixElement>(
        &self,
        number: usize,
        a: StridedMatrix<'_, T>,
        b: StridedMatrix<'_, T>,
        c: &mut [T],
    ) -> Result<()> {
        let ProductExtents { m, n, k } = self.extents;
        let k = PANEL.min(k - number * PANEL);
        let add = number > 0;
        if !self.symmetric || m <= BLOCK {
            return product(ProductExtents { m, n, k }, a, b, c, n, add);
        }
        for row in (0..m).step_by(BLOCK) {
            let rows = BLOCK.min(m - row);
            let block = ProductExtents { m: rows, n: row + rows, k };
            product(block, a.from(row, 0), b, &mut c[row * n..], n, add)?;
        }
        Ok(())
    }
}

/// Copies what is below the diagonal of an n×n matrix above it.
fn mirror<T: Copy>(c: &mut [T], n: usize) {
    for i in 0..n {
        for j in i + 1..n {
            c[i * n + j] = c[j * n + i];
        }
    }
}
