//! Contractions: what multiplies the operands, and the epilogue over the result.
//!
//! Matrices of f32 and f64 are multiplied by `gemm`. Products with a vector, of integers and f16, and diagonals run as rows passes
//! (`product_rows`), whose folds have their fixed tree. Which of the two is taken depends on extents, dtype and stores alone, so
//! that a prologue never changes a bit of the accumulator.

use super::checked::CheckedProgram;
use super::contraction::Contraction;
use super::data::{BufferType, FindInput};
use super::gemm::BatchedProduct;
use super::map::{Accumulated, MapPasses};
use super::matrix::ProductExtents;
use super::operand::{Operand, OperandProgram};
use super::output::SharedOutput;
use super::product_rows::rows_of_product;
use super::remap;
use super::rows::RowsPasses;
use crate::error::{Error, Result};
use crate::schedule::{Group, Inst, Program, Store, StoreShape, Value};
use crate::types::{DType, HostBuffer, Scalar, Shape, View};

/// Up to this many elements of a result, the library's choice of loops depends on strides.
const SMALL: usize = 256;

/// The passes of a contraction.
#[derive(Debug)]
pub(crate) struct ContractPasses {
    product: Product,
    accumulator: BufferType,
    /// `None` where the accumulator is the one result.
    epilogue: Option<MapPasses>,
}

/// What fills the accumulator.
#[derive(Debug)]
enum Product {
    /// Nothing: a product over nothing is zero.
    Zero,
    Rows(Box<RowsPasses>),
    Gemm(Box<BatchedProduct>),
}

impl ContractPasses {
    /// The passes of a contraction over `group.domain` [batch…, m, n], with the group's body as its epilogue.
    ///
    /// # Errors
    /// Internal errors for programs that do not fit their domains or values.
    pub(crate) fn new(contraction: &Contraction<'_>, group: &Group, values: &[Value]) -> Result<Self> {
        let (domain, stores) = (&group.domain, &group.stores);
        if domain.rank() < 2 {
            return Err(Error::internal(format!("a contraction over {domain}")));
        }
        let mut programs = [contraction.left, contraction.right, &group.body].into_iter();
        let diagonal = stores.iter().all(|s| s.shape == StoreShape::Diagonal) && !programs.any(remap::has_window);
        let len = if diagonal { View::dense(domain).diagonal()?.shape().len() } else { domain.len() };
        let accumulated = Accumulated { dtype: contraction.dtype, diagonal };
        let epilogue = if is_accumulator(&group.body, stores) {
            None
        } else {
            Some(MapPasses::new(&group.body, domain, stores, values, Some(accumulated))?)
        };
        let product = product(contraction, domain, diagonal, values)?;
        Ok(Self { product, accumulator: BufferType { dtype: contraction.dtype, len }, epilogue })
    }

    /// Bytes of memory they hold on to.
    pub(crate) fn bytes(&self) -> usize {
        let product = match &self.product {
            Product::Zero => 0,
            Product::Rows(rows) => size_of::<RowsPasses>() + rows.bytes(),
            Product::Gemm(gemm) => size_of::<BatchedProduct>() + gemm.bytes(),
        };
        product + self.epilogue.as_ref().map_or(0, MapPasses::bytes)
    }

    /// The accumulator.
    ///
    /// # Errors
    /// Out of memory, and what binding the data reports.
    pub(crate) fn accumulate(&self, input: FindInput<'_, '_>, scalars: &[Scalar]) -> Result<HostBuffer> {
        let mut acc = self.accumulator.zeros()?;
        match &self.product {
            Product::Zero => {}
            Product::Rows(rows) => rows.run(input, scalars, &[SharedOutput::new(&mut acc)])?,
            Product::Gemm(gemm) => gemm.run(input, scalars, &mut acc)?,
        }
        Ok(acc)
    }

    /// What makes the group's results of the accumulator, unless it is the one result.
    pub(crate) fn epilogue(&self) -> Option<&MapPasses> {
        self.epilogue.as_ref()
    }
}

/// Whether the accumulator itself is all that is stored.
fn is_accumulator(body: &Program, stores: &[Store]) -> bool {
    matches!(stores, [Store { reg, shape: StoreShape::Full, .. }]
        if matches!(body.insts.get(reg.index()), Some(Inst::Acc)))
}

/// What accumulates over `domain`, or over its diagonal alone.
fn product(of: &Contraction<'_>, domain: &Shape, diagonal: bool, values: &[Value]) -> Result<Product> {
    if of.k == 0 {
        return Ok(Product::Zero);
    }
    let (m, n) = (domain[domain.rank() - 2], domain[domain.rank() - 1]);
    let real = matches!(of.dtype, DType::F32 | DType::F64);
    if diagonal || !real || m == 1 || n == 1 || of.k <= 2 {
        return Ok(Product::Rows(Box::new(rows_of_product(of, domain, diagonal, values)?)));
    }
    Ok(Product::Gemm(Box::new(gemm(of, domain, values)?)))
}

fn gemm(of: &Contraction<'_>, domain: &Shape, values: &[Value]) -> Result<BatchedProduct> {
    let rank = domain.rank();
    let (m, n, k) = (domain[rank - 2], domain[rank - 1], of.k);
    let over = |r: usize, c: usize| domain[..rank - 2].iter().copied().chain([r, c]).collect::<Shape>();
    let operand = |program, domain, k_axis| {
        Operand::new(&OperandProgram { program, domain, k_axis, pack: m * n <= SMALL }, values)
    };
    let left = operand(of.left, over(m, k), rank - 1)?;
    // Programs without loads do not tell their extents: numbers made on the way may be equal over other domains.
    let gram = m == n && *of.right == remap::transposed(of.left, rank)?;
    let right = if gram {
        CheckedProgram::new(of.right, &over(k, n), values, None)?;
        None
    } else {
        Some(operand(of.right, over(k, n), rank - 2)?)
    };
    let symmetric = of.symmetric && m == n;
    Ok(BatchedProduct { extents: ProductExtents { m, n, k }, left, right, symmetric })
}
