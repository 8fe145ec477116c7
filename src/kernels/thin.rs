//! Thin products as reductions: a contraction with very few rows or columns becomes a rows group that multiplies and sums,
//! with its epilogue behind the sum. A tile would be mostly empty there, and reading is all the work.

use super::module::Context;
use super::{Lowered, rows};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, ReduceOp};
use crate::schedule::{Core, Group, Inst, Program, Reg, Store, StoreShape};
use crate::types::{DType, Dims, Shape, View};

/// Rows or columns up to which a product is thin.
const THIN: usize = 4;

/// Whether the group's contraction is better off as a reduction. Halves stay products: those accumulate unrounded ones.
pub(super) fn is_thin(group: &Group, dtype: DType) -> bool {
    let r = group.domain.rank();
    let thin = r >= 2 && group.domain[r - 2].min(group.domain[r - 1]) <= THIN;
    thin && dtype != DType::F16 && group.stores.iter().all(|s| s.shape == StoreShape::Full)
}

/// Lowers a thin contraction.
pub(super) fn lower(ctx: Context<'_>) -> Result<Lowered> {
    let Core::Contract { left, right, k, dtype, .. } = &ctx.group.core else {
        return Err(Error::internal("a contraction was expected"));
    };
    let (domain, rank) = (&ctx.group.domain, ctx.group.domain.rank());
    let span: Shape = domain.iter().copied().chain([*k]).collect();
    let batch = (0..rank - 2).map(Some);
    // Where each axis of [batch…, m, n, k] comes from in the operands and in the epilogue.
    let of_left: Vec<_> = batch.clone().chain([Some(rank - 2), None, Some(rank - 1)]).collect();
    let of_right: Vec<_> = batch.chain([None, Some(rank - 1), Some(rank - 2)]).collect();
    let of_body: Vec<_> = (0..rank).map(Some).chain([None]).collect();

    let mut body = Program::default();
    let a = append(&mut body, left, &of_left, &span, None)?;
    let b = append(&mut body, right, &of_right, &span, None)?;
    let product = body.push(Inst::Binary(BinaryOp::Mul, a, b), *dtype);
    let sum = body.push(Inst::Reduce(ReduceOp::Sum, product), *dtype);
    let start = body.insts.len() as u32;
    append(&mut body, &ctx.group.body, &of_body, &span, Some(sum))?;
    let stores = ctx.group.stores.iter();
    let group = Group {
        domain: span,
        core: Core::Rows { axes: Dims::from_slice(&[rank]), split: 1 },
        body,
        stores: stores.map(|s| Store { reg: Reg(s.reg.0 + start), shape: StoreShape::Row, ..s.clone() }).collect(),
        ..ctx.group.clone()
    };
    rows::lower(Context { group: &group, ..ctx })
}

/// Appends a program, spread over more axes (`axes` says which of its own each one is), and gives its last register. The
/// accumulator becomes a copy of `acc`.
fn append(to: &mut Program, from: &Program, axes: &[Option<usize>], span: &Shape, acc: Option<Reg>) -> Result<Reg> {
    let (regs, loads) = (to.insts.len() as u32, to.loads.len() as u32);
    let spread = |view: &View| {
        let shape: Shape = axes.iter().zip(span.iter()).map(|(a, &d)| a.map_or(d, |a| view.shape()[a])).collect();
        let strides: Vec<i64> = axes.iter().map(|a| a.map_or(0, |a| view.strides()[a])).collect();
        View::from_parts(shape, &strides, view.offset())
    };
    for load in &from.loads {
        let mut load = load.clone();
        load.view = spread(&load.view)?;
        to.loads.push(load);
    }
    let shift = |r: &mut Reg| r.0 += regs;
    for (i, inst) in from.insts.iter().enumerate() {
        let mut inst = inst.clone();
        match &mut inst {
            Inst::Load(l) => *l += loads,
            Inst::Window { load, window, otherwise } => {
                *load += loads;
                shift(otherwise);
                let old = window.clone();
                let pick = |of: &[i64], whole: &dyn Fn(usize) -> i64| {
                    axes.iter().enumerate().map(|(i, a)| a.map_or_else(|| whole(i), |a| of[a])).collect()
                };
                window.start = pick(&old.start, &|_| 0);
                window.step = pick(&old.step, &|_| 1);
                window.len = pick(&old.len, &|i| span[i] as i64);
            }
            Inst::Gather { load, index, .. } => {
                *load += loads;
                shift(index);
            }
            Inst::Index(c) => c.view = spread(&c.view)?,
            Inst::Rng { key, stream, index, .. } => {
                shift(key);
                shift(stream);
                index.view = spread(&index.view)?;
            }
            Inst::Unary(_, a) | Inst::Cast(_, a) | Inst::Reduce(_, a) | Inst::ArgReduce(_, a) | Inst::Scan(a) => {
                shift(a)
            }
            Inst::Binary(_, a, b) => {
                shift(a);
                shift(b);
            }
            Inst::Select(a, b, c) => {
                shift(a);
                shift(b);
                shift(c);
            }
            Inst::Acc => {
                let sum = acc.ok_or_else(|| Error::internal("an operand reads the accumulator"))?;
                // A cast to its own dtype is a copy.
                inst = Inst::Cast(crate::graph::CastMode::Wrap, sum);
            }
            Inst::Literal(_) | Inst::Scalar(_) => {}
        }
        to.push(inst, from.dtypes[i]);
    }
    let last = to.insts.len().checked_sub(1).ok_or_else(|| Error::internal("an operand's program is empty"))?;
    Ok(Reg(last as u32))
}
