//! Contractions: what multiplies the operands, and the epilogue over the result.
//!
//! Matrices of f32 and f64 go through the matrix product, with the operands in place where they are plain strided loads
//! and evaluated panel by panel along k where they are not. Products with a vector, integers, f16 and diagonals run as rows groups
//! over (…, m, n, k), whose folds have their fixed tree. Which way is taken depends on extents, dtype and stores alone, so that a
//! prologue never changes a bit of the accumulator.

use super::body::{Body, Input};
use super::code::Wanted;
use super::operand::{Operand, multiply_batches};
use super::output::Output;
use super::{remap, rows};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, CastMode, ReduceOp};
use crate::schedule::{Inst, Program, Reg};
use crate::types::{DType, HostBuffer, Scalar, Shape, View};

/// A contraction's description from its group.
pub(crate) struct Contraction<'a> {
    pub(crate) left: &'a Program,
    pub(crate) right: &'a Program,
    pub(crate) k: usize,
    pub(crate) symmetric: bool,
    pub(crate) dtype: DType,
}

impl Contraction<'_> {
    /// The accumulator over `domain` [batch…, m, n].
    ///
    /// # Errors
    /// Out of memory, what `input` reports, and internal errors for programs that do not fit their domains.
    pub(crate) fn full<'b>(&self, domain: &Shape, input: Input<'_, 'b>, scalars: &[Scalar]) -> Result<HostBuffer> {
        let rank = domain.rank();
        if rank < 2 {
            return Err(Error::internal(format!("a contraction over {domain}")));
        }
        let mut acc = HostBuffer::zeros(self.dtype, domain.len())?;
        if self.k == 0 {
            return Ok(acc);
        }
        let (m, n) = (domain[rank - 2], domain[rank - 1]);
        let real = matches!(self.dtype, DType::F32 | DType::F64);
        if !real || m == 1 || n == 1 || self.k <= 2 {
            self.as_rows(domain, false, input, scalars, &mut acc)?;
            return Ok(acc);
        }
        let batch = &domain[..rank - 2];
        let over = |r: usize, c: usize| batch.iter().copied().chain([r, c]).collect::<Shape>();
        let left = Operand::new(self.left, over(m, self.k), rank - 1, input, scalars)?;
        let right = Operand::new(self.right, over(self.k, n), rank - 2, input, scalars)?;
        // Programs without loads do not tell their extents: numbers made on the way may be equal over other domains.
        let gram = m == n && *self.right == remap::transposed(self.left, rank)?;
        match self.dtype {
            DType::F32 => multiply_batches::<f32>(&left, &right, gram, self.symmetric, &mut acc)?,
            _ => multiply_batches::<f64>(&left, &right, gram, self.symmetric, &mut acc)?,
        }
        Ok(acc)
    }

    /// The accumulator's diagonal over [batch…, min(m, n)].
    ///
    /// # Errors
    /// As [`Contraction::full`].
    pub(crate) fn diagonal<'b>(&self, domain: &Shape, input: Input<'_, 'b>, scalars: &[Scalar]) -> Result<HostBuffer> {
        let diagonal = View::dense(domain).diagonal()?.shape().clone();
        let mut acc = HostBuffer::zeros(self.dtype, diagonal.len())?;
        if self.k > 0 {
            self.as_rows(domain, true, input, scalars, &mut acc)?;
        }
        Ok(acc)
    }

    /// The product as a rows group: multiply and sum along k.
    fn as_rows<'b>(
        &self,
        domain: &Shape,
        diagonal: bool,
        input: Input<'_, 'b>,
        scalars: &[Scalar],
        acc: &mut HostBuffer,
    ) -> Result<()> {
        let rank = domain.rank();
        let batch = rank - 2;
        let (m, n) = (domain[rank - 2], domain[rank - 1]);
        // Axes: the batch, then the result's axes, with k innermost or before them, as memory asks.
        let k_inner = self.k_inner(domain);
        let result: Vec<usize> = if diagonal { vec![m.min(n)] } else { vec![m, n] };
        let k_axis = if k_inner { batch + result.len() } else { batch };
        let mut over: Vec<usize> = domain[..batch].to_vec();
        over.extend(&result);
        over.insert(k_axis, self.k);
        let from = |row: Option<usize>, column: Option<usize>, k: usize| -> Vec<Option<usize>> {
            let mut from: Vec<Option<usize>> = (0..batch).map(Some).collect();
            from.extend(if diagonal { vec![row.or(column)] } else { vec![row, column] });
            from.insert(k_axis, Some(k));
            from
        };
        let narrow = |p: &Program, axis: usize, extent: usize| -> Result<Program> {
            if extent == m.min(n) || remap::has_window(p) {
                Ok(p.clone())
            } else {
                remap::narrowed(p, axis, 0, m.min(n))
            }
        };
        let (mut left, mut right) = (self.left.clone(), self.right.clone());
        if diagonal {
            left = narrow(&left, batch, m)?;
            right = narrow(&right, batch + 1, n)?;
        }
        let left = remap::place(&left, &over, &from(Some(batch), None, batch + 1))?;
        let right = remap::place(&right, &over, &from(None, Some(batch + 1), batch))?;
        let program = self.joined(left, right)?;
        let over = Shape::new(&over);
        let body = Body::new(&program, &over, &|v| input(v), scalars, None)?;
        let mut strides = View::dense(&Shape::new(&[&domain[..batch], &result[..]].concat())).strides().to_vec();
        strides.insert(k_axis, 0);
        let to = View::from_parts(over.clone(), &strides, 0)?;
        let store = Wanted { reg: Reg(program.insts.len() as u32 - 1), output: 0, to };
        rows::run(&body, &over, &[k_axis], &[], &[store], &[Output::new(acc)])
    }

    /// Whether k is walked innermost: it lies closer together than the result's axes in the larger operand.
    fn k_inner(&self, domain: &Shape) -> bool {
        let rank = domain.rank();
        let (m, n) = (domain[rank - 2], domain[rank - 1]);
        let (program, k_axis, other) =
            if m >= n { (self.left, rank - 1, rank - 2) } else { (self.right, rank - 2, rank - 1) };
        let steps = |axis: usize| {
            program.loads.iter().map(|l| l.view.strides().get(axis).map_or(0, |s| s.unsigned_abs())).max().unwrap_or(0)
        };
        steps(k_axis) <= steps(other) || steps(other) == 0
    }

    /// Both programs, the product of their last registers and its sum. f16 is multiplied in f32, where products are exact.
    fn joined(&self, left: Program, right: Program) -> Result<Program> {
        let (Some(a), Some(b)) = (left.insts.len().checked_sub(1), right.insts.len().checked_sub(1)) else {
            return Err(Error::internal("a contraction with an empty operand program"));
        };
        let mut program = left;
        let (reg_shift, load_shift) = (program.insts.len() as u32, program.loads.len() as u32);
        let move_reg = |r: &mut Reg| r.0 += reg_shift;
        for (mut inst, dtype) in right.insts.into_iter().zip(right.dtypes) {
            match &mut inst {
                Inst::Load(l) => *l += load_shift,
                Inst::Window { load, otherwise: r, .. } | Inst::Gather { load, index: r, .. } => {
                    *load += load_shift;
                    move_reg(r);
                }
                Inst::Rng { key, stream, .. } => {
                    move_reg(key);
                    move_reg(stream);
                }
                Inst::Unary(_, r) | Inst::Cast(_, r) | Inst::Reduce(_, r) | Inst::ArgReduce(_, r) | Inst::Scan(r) => {
                    move_reg(r);
                }
                Inst::Binary(_, x, y) => {
                    move_reg(x);
                    move_reg(y);
                }
                Inst::Select(c, x, y) => {
                    move_reg(c);
                    move_reg(x);
                    move_reg(y);
                }
                Inst::Literal(_) | Inst::Scalar(_) | Inst::Index(_) | Inst::Acc => {}
            }
            program.push(inst, dtype);
        }
        program.loads.extend(right.loads);
        let (mut x, mut y) = (Reg(a as u32), Reg(reg_shift + b as u32));
        let work = if self.dtype == DType::F16 { DType::F32 } else { self.dtype };
        if work != self.dtype {
            x = program.push(Inst::Cast(CastMode::Wrap, x), work);
            y = program.push(Inst::Cast(CastMode::Wrap, y), work);
        }
        let terms = program.push(Inst::Binary(BinaryOp::Mul, x, y), work);
        let sum = program.push(Inst::Reduce(ReduceOp::Sum, terms), work);
        if work != self.dtype {
            program.push(Inst::Cast(CastMode::Wrap, sum), self.dtype);
        }
        Ok(program)
    }
}
