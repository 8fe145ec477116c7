//! Schedules with one thing wrong, which tests seed to see whether the checks catch it.
//!
//! Each fault edits the finished schedule, plain data, so the fusion knows nothing of them.

use super::program::{Inst, Program, Reg};
use super::steps::{Core, Group, Schedule, Step};
use super::value::{Value, ValueKind};
use crate::graph::{BinaryOp, CastMode, ReduceOp};
use crate::types::{Fault, View, seeded};

/// Applies the seeded fault, if it is one of schedules.
pub(super) fn corrupt(schedule: &mut Schedule) {
    if seeded(Fault::FreedEarly) {
        free_early(schedule);
    }
    if seeded(Fault::SharedBlock) {
        share_block(schedule);
    }
    if seeded(Fault::ScalarsExchanged)
        && schedule.scalars.len() > 1
        && schedule.groups().all(|g| g.body.dtypes.windows(2).all(|d| d[0] == d[1]))
    {
        schedule.scalars.swap(0, 1);
    }
    let values = schedule.values.clone();
    for step in &mut schedule.steps {
        let Step::Run(group) = step else { continue };
        stores(group, &values);
        core(group);
        body(&mut group.body, &values);
        if let Core::Contract { left, right, .. } = &mut group.core {
            body(left, &values);
            body(right, &values);
        }
    }
}

/// Moves the first free to just behind the step before the last reader.
fn free_early(schedule: &mut Schedule) {
    let reads = |step: &Step, v| match step {
        Step::Run(g) => g.body.loads.iter().any(|l| l.value == v),
        Step::Host { inputs, .. } => inputs.contains(&v),
        _ => false,
    };
    let found = schedule.steps.iter().enumerate().find_map(|(at, step)| {
        let Step::Free(v) = step else { return None };
        let scratch = schedule.value(*v).kind == ValueKind::Scratch;
        let reader = schedule.steps[..at].iter().rposition(|s| reads(s, *v)).filter(|_| scratch)?;
        Some((at, reader))
    });
    if let Some((at, reader)) = found {
        let step = schedule.steps.remove(at);
        schedule.steps.insert(reader, step);
    }
}

/// Gives the second of two values that live at once the block of the first.
fn share_block(schedule: &mut Schedule) {
    let lifetimes = schedule.lifetimes.clone();
    let single = |i: usize| {
        let block = &schedule.blocks[i];
        (block.values.len() == 1 && block.bytes > 0).then(|| block.values[0])
    };
    for i in 0..schedule.blocks.len() {
        for j in i + 1..schedule.blocks.len() {
            let (Some(a), Some(b)) = (single(i), single(j)) else { continue };
            let (la, lb) = (lifetimes[a.index()], lifetimes[b.index()]);
            let meet = la.from < lb.from && lb.from < la.to;
            if meet && schedule.blocks[i].place == schedule.blocks[j].place {
                let bytes = schedule.blocks[j].bytes;
                schedule.blocks.remove(j);
                schedule.blocks[i].bytes = schedule.blocks[i].bytes.max(bytes);
                schedule.blocks[i].values.push(b);
                return;
            }
        }
    }
}

fn stores(group: &mut Group, values: &[Value]) {
    let (body, core) = (&group.body, &group.core);
    if seeded(Fault::StoresExchanged)
        && let [a, b, ..] = &mut group.stores[..]
    {
        let (x, y) = (&values[a.value.index()], &values[b.value.index()]);
        if x.dtype == y.dtype && x.shape.len() == y.shape.len() && a.shape == b.shape {
            std::mem::swap(&mut a.value, &mut b.value);
        }
    }
    let product = matches!(core, Core::Contract { .. });
    if seeded(Fault::EpilogueDropped) && product {
        let acc = body.insts.iter().position(|i| matches!(i, Inst::Acc));
        for store in &mut group.stores {
            if let Some(acc) = acc.filter(|&a| body.dtypes[a] == body.dtype(store.reg)) {
                store.reg = Reg(acc as u32);
            }
        }
    }
    if seeded(Fault::StageDropped) && (product || matches!(core, Core::Map)) {
        for store in &mut group.stores {
            let operands = Program::operands(&body.insts[store.reg.index()]);
            let alike = |r: &&Reg| body.dtype(**r) == body.dtype(store.reg);
            if let Some(&before) = operands.iter().find(alike) {
                store.reg = before;
            }
        }
    }
}

fn core(group: &mut Group) {
    let domain = &group.domain;
    let rank = domain.rank();
    let square = rank >= 2 && domain[rank - 1] == domain[rank - 2];
    match &mut group.core {
        Core::Rows { axes, .. } if seeded(Fault::WrongAxis) && rank == 2 && square && axes.len() == 1 => {
            axes[0] = 1 - axes[0];
        }
        Core::Contract { symmetric, .. } if seeded(Fault::FalseSymmetry) && square => *symmetric = true,
        Core::Contract { left, right, k, .. } if seeded(Fault::SidesExchanged) && square && *k == domain[rank - 1] => {
            std::mem::swap(left, right);
        }
        Core::Contract { left, .. } if seeded(Fault::PrologueDropped) && left.insts.len() > 1 => {
            let last = left.insts.len() - 1;
            let computed = matches!(left.insts[last], Inst::Unary(..) | Inst::Binary(..) | Inst::Select(..));
            let alike = left.loads.iter().position(|l| l.dtype == left.dtypes[last]);
            if let Some(load) = alike.filter(|_| computed) {
                left.insts[last] = Inst::Load(load as u32);
            }
        }
        _ => {}
    }
}

fn body(program: &mut Program, values: &[Value]) {
    let several = program.insts.iter().filter(|i| matches!(i, Inst::Unary(..) | Inst::Binary(..))).count() > 1;
    let firsts: Vec<Option<Reg>> = (0..program.insts.len())
        .map(|i| {
            let alike =
                |j: &usize| matches!(program.insts[*j], Inst::Load(_)) && program.dtypes[*j] == program.dtypes[i];
            (0..i).find(alike).map(|j| Reg(j as u32))
        })
        .collect();
    let dtypes = program.dtypes.clone();
    for (i, inst) in program.insts.iter_mut().enumerate() {
        match inst {
            Inst::Reduce(_, from) if seeded(Fault::FoldUnprepared) => {
                if let Some(load) = firsts[i].filter(|l| dtypes[l.index()] == dtypes[from.index()]) {
                    *from = load;
                }
            }
            Inst::Reduce(op, _) if seeded(Fault::FoldOtherNan) => match op {
                ReduceOp::Max => *op = ReduceOp::Fmax,
                ReduceOp::Min => *op = ReduceOp::Fmin,
                _ => {}
            },
            Inst::Binary(BinaryOp::Sub | BinaryOp::Div, a, b) if seeded(Fault::OperandsExchanged) && several => {
                std::mem::swap(a, b);
            }
            Inst::Select(_, a, b) if seeded(Fault::BranchesExchanged) => std::mem::swap(a, b),
            Inst::Cast(mode, _) if seeded(Fault::CastOtherMode) => {
                *mode = if *mode == CastMode::Wrap { CastMode::RoundSaturate } else { CastMode::Wrap };
            }
            Inst::Window { window, .. } if seeded(Fault::WindowShort) => {
                if let Some(n) = window.len.iter_mut().find(|n| **n > 1) {
                    *n -= 1;
                }
            }
            Inst::Gather { extent, .. } if seeded(Fault::GatherShort) && *extent > 1 => *extent -= 1,
            Inst::Index(at) if seeded(Fault::CountFromOne) => {
                let view = &at.view;
                if let Ok(later) = View::from_parts(view.shape().clone(), view.strides(), view.offset() + 1) {
                    at.view = later;
                }
            }
            _ => {}
        }
    }
    for load in &mut program.loads {
        let len = values[load.value.index()].shape.len();
        if let Some(wrong) = misread(&load.view).filter(|v| v.fits(len)) {
            load.view = wrong;
        }
    }
}

/// The view a seeded fault reads through instead.
fn misread(view: &View) -> Option<View> {
    let (shape, mut strides, mut offset) = (view.shape(), view.strides().to_vec(), view.offset());
    let rank = shape.rank();
    if seeded(Fault::WrongStride) {
        let axis = (0..rank).find(|&a| strides[a] > 1 && shape[a] > 1)?;
        strides[axis] -= 1;
    } else if seeded(Fault::ForgottenTranspose) {
        if rank < 2 || shape[rank - 1] != shape[rank - 2] || strides[rank - 1] <= strides[rank - 2].max(0) {
            return None;
        }
        strides.swap(rank - 1, rank - 2);
    } else if seeded(Fault::FlipIgnored) {
        let axis = (0..rank).find(|&a| strides[a] < 0)?;
        offset += strides[axis] * (shape[axis] as i64 - 1);
        strides[axis] = -strides[axis];
    } else if seeded(Fault::OffsetLost) {
        if strides.iter().any(|s| *s < 0) || offset == 0 {
            return None;
        }
        offset = 0;
    } else {
        return None;
    }
    View::from_parts(shape.clone(), &strides, offset).ok()
}
