//! Thin products as reductions: a contraction with very few rows or columns becomes a rows group that multiplies and sums,
//! with its epilogue behind the sum.

use super::kernel::Lowered;
use super::module::LoweringInput;
use super::rows;
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, CastMode, ReduceOp};
use crate::schedule::{Core, Group, Inst, Program, Reg, Store, StoreShape, Window};
use crate::types::{Dims, Shape, View};

/// Lowers a thin contraction.
pub(super) fn lower(input: LoweringInput<'_>) -> Result<Lowered> {
    let Core::Contract { left, right, k, dtype, .. } = &input.group.core else {
        return Err(Error::internal("a contraction was expected"));
    };
    let (domain, rank) = (&input.group.domain, input.group.domain.rank());
    let span: Shape = domain.iter().copied().chain([*k]).collect();
    let batch = (0..rank - 2).map(Some);
    // Where each axis of [batch…, m, n, k] comes from in the operands and in the epilogue.
    let of_left = Spread { axes: batch.clone().chain([Some(rank - 2), None, Some(rank - 1)]).collect(), span: &span };
    let of_right = Spread { axes: batch.chain([None, Some(rank - 1), Some(rank - 2)]).collect(), span: &span };
    let of_body = Spread { axes: (0..rank).map(Some).chain([None]).collect(), span: &span };

    let mut body = Program::default();
    let a = of_left.append(&mut body, left, None)?;
    let b = of_right.append(&mut body, right, None)?;
    let product = body.push(Inst::Binary(BinaryOp::Mul, a, b), *dtype);
    let sum = body.push(Inst::Reduce(ReduceOp::Sum, product), *dtype);
    let start = body.insts.len() as u32;
    of_body.append(&mut body, &input.group.body, Some(sum))?;
    let stores = input.group.stores.iter();
    let group = Group {
        domain: span.clone(),
        core: Core::Rows { axes: Dims::from_slice(&[rank]), split: 1 },
        body,
        stores: stores.map(|s| Store { reg: Reg(s.reg.0 + start), shape: StoreShape::Row, ..s.clone() }).collect(),
        ..input.group.clone()
    };
    rows::lower(LoweringInput { group: &group, ..input })
}

/// How a program is spread over more axes.
struct Spread<'a> {
    /// Which of the program's own axes each axis is; `None` for new ones.
    axes: Vec<Option<usize>>,
    /// The shape it is spread over.
    span: &'a Shape,
}

impl Spread<'_> {
    /// Appends a program and gives its last register. The accumulator becomes a copy of `acc`.
    fn append(&self, to: &mut Program, from: &Program, acc: Option<Reg>) -> Result<Reg> {
        let (n_regs, n_loads) = (to.insts.len() as u32, to.loads.len() as u32);
        for load in &from.loads {
            let mut load = load.clone();
            load.view = self.view(&load.view)?;
            to.loads.push(load);
        }
        for (inst, &dtype) in from.insts.iter().zip(&from.dtypes) {
            let mut inst = inst.clone();
            for operand in inst.operands_mut() {
                operand.0 += n_regs;
            }
            match &mut inst {
                Inst::Load(load) | Inst::Gather { load, .. } => *load += n_loads,
                Inst::Window { load, window, .. } => {
                    *load += n_loads;
                    *window = self.window(window);
                }
                Inst::Index(c) | Inst::Rng { index: c, .. } => c.view = self.view(&c.view)?,
                Inst::Acc => {
                    let sum = acc.ok_or_else(|| Error::internal("an operand reads the accumulator"))?;
                    // A cast to its own dtype is a copy.
                    inst = Inst::Cast(CastMode::Wrap, sum);
                }
                _ => {}
            }
            to.push(inst, dtype);
        }
        let last = to.insts.len().checked_sub(1).ok_or_else(|| Error::internal("an operand's program is empty"))?;
        Ok(Reg(last as u32))
    }

    fn view(&self, view: &View) -> Result<View> {
        let extents = self.axes.iter().zip(self.span.iter());
        let shape: Shape = extents.map(|(axis, &d)| axis.map_or(d, |a| view.shape()[a])).collect();
        let strides: Vec<i64> = self.axes.iter().map(|axis| axis.map_or(0, |a| view.strides()[a])).collect();
        View::from_parts(shape, &strides, view.offset())
    }

    /// The window, which takes all of the new axes.
    fn window(&self, window: &Window) -> Window {
        let extents = self.axes.iter().zip(self.span.iter());
        Window {
            start: self.axes.iter().map(|axis| axis.map_or(0, |a| window.start[a])).collect(),
            step: self.axes.iter().map(|axis| axis.map_or(1, |a| window.step[a])).collect(),
            len: extents.map(|(axis, &d)| axis.map_or(d as i64, |a| window.len[a])).collect(),
        }
    }
}
