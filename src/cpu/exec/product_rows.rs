//! Products as rows passes: multiply, and sum along k.

use super::checked::CheckedProgram;
use super::code::PassStore;
use super::contraction::Contraction;
use super::remap;
use super::rows::{RowsPasses, RowsStores};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, CastMode, ReduceOp};
use crate::schedule::{Inst, Program, Reg, Value};
use crate::types::{DType, Shape, View};

/// The passes that accumulate a contraction over `domain`, or over its diagonal alone. Programs with windows have no diagonal.
///
/// # Errors
/// Internal errors for programs that do not fit their domains or values.
pub(crate) fn rows_of_product(
    of: &Contraction<'_>,
    domain: &Shape,
    diagonal: bool,
    values: &[Value],
) -> Result<RowsPasses> {
    let axes = ProductAxes::new(of, domain, diagonal);
    let batch = axes.batch.len();
    let (row, column) = (Some(batch), Some(batch + 1));
    let [left, right] = if diagonal {
        // Of the longer operand, the rows or columns beyond the diagonal are left out.
        [(of.left, batch), (of.right, batch + 1)].map(|(program, axis)| {
            remap::narrowed(program, axis, 0, axes.result[0])
                .and_then(|p| axes.place(&p, &[Some(axis)], 2 * batch + 1 - axis))
        })
    } else {
        [axes.place(of.left, &[row, None], batch + 1), axes.place(of.right, &[None, column], batch)]
    };
    let program = multiplied(left?, right?, of.dtype)?;
    let over = axes.domain();
    let checked = CheckedProgram::new(&program, &over, values, None)?;
    let per_row = vec![PassStore { reg: Reg(program.insts.len() as u32 - 1), output: 0, to: axes.accumulator()? }];
    RowsPasses::new(checked, &over, &[axes.k_axis], &RowsStores { inner: Vec::new(), per_row })
}

/// The axes of the passes: the batch, then the result's axes, with k innermost or before them, as memory asks.
struct ProductAxes {
    batch: Vec<usize>,
    /// [m, n], or the length of the diagonal.
    result: Vec<usize>,
    k: usize,
    k_axis: usize,
}

impl ProductAxes {
    fn new(of: &Contraction<'_>, domain: &Shape, diagonal: bool) -> Self {
        let (batch, result) = domain.dims().split_at(domain.rank() - 2);
        let result = if diagonal { vec![result[0].min(result[1])] } else { result.to_vec() };
        let k_axis = batch.len() + if of.k_is_inner(domain) { result.len() } else { 0 };
        Self { batch: batch.to_vec(), result, k: of.k, k_axis }
    }

    fn domain(&self) -> Shape {
        let mut extents = [&self.batch[..], &self.result[..]].concat();
        extents.insert(self.k_axis, self.k);
        Shape::new(&extents)
    }

    /// An operand's program over these axes: `result` says which of its axes each of the result's is, `k` which one k is.
    fn place(&self, program: &Program, result: &[Option<usize>], k: usize) -> Result<Program> {
        let mut from: Vec<Option<usize>> = (0..self.batch.len()).map(Some).chain(result.iter().copied()).collect();
        from.insert(self.k_axis, Some(k));
        remap::place(program, self.domain().dims(), &from)
    }

    /// Where the sums along k are stored: dense, in the order of the result's axes.
    fn accumulator(&self) -> Result<View> {
        let dense = Shape::new(&[&self.batch[..], &self.result[..]].concat());
        let mut strides = dense.strides();
        strides.insert(self.k_axis, 0);
        View::from_parts(self.domain(), &strides, 0)
    }
}

/// Both programs, the product of their last registers and its sum. f16 is multiplied in f32, where products are exact.
fn multiplied(left: Program, right: Program, dtype: DType) -> Result<Program> {
    let (Some(a), Some(b)) = (left.insts.len().checked_sub(1), right.insts.len().checked_sub(1)) else {
        return Err(Error::internal("a contraction with an empty operand program"));
    };
    let (mut x, mut y) = (Reg(a as u32), Reg((left.insts.len() + b) as u32));
    let mut program = remap::concatenated(left, right);
    let work = if dtype == DType::F16 { DType::F32 } else { dtype };
    if work != dtype {
        x = program.push(Inst::Cast(CastMode::Wrap, x), work);
        y = program.push(Inst::Cast(CastMode::Wrap, y), work);
    }
    let terms = program.push(Inst::Binary(BinaryOp::Mul, x, y), work);
    let sum = program.push(Inst::Reduce(ReduceOp::Sum, terms), work);
    if work != dtype {
        program.push(Inst::Cast(CastMode::Wrap, sum), dtype);
    }
    Ok(program)
}
