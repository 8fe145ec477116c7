//! Programs rewritten for other domains: axes permuted, added, narrowed or divided, the diagonal alone, two programs in one.

use smallvec::SmallVec;

use crate::error::Result;
use crate::schedule::{Inst, Program, Window};
use crate::types::View;

/// Whether a program reads through windows, which can be permuted but neither narrowed nor read along a diagonal.
pub(crate) fn has_window(program: &Program) -> bool {
    program.insts.iter().any(|i| matches!(i, Inst::Window { .. }))
}

/// The program over `domain`, whose axis `i` is axis `from[i]` of its own domain or, where that is `None`, an axis along
/// which nothing changes.
///
/// # Errors
/// None for programs that were bound to their domain.
pub(crate) fn place(program: &Program, domain: &[usize], from: &[Option<usize>]) -> Result<Program> {
    let mut placed = views(program, |view| {
        let extents = from.iter().zip(domain).map(|(f, &d)| f.map_or(d, |a| view.shape()[a])).collect();
        let strides: SmallVec<[i64; 6]> = from.iter().map(|f| f.map_or(0, |a| view.strides()[a])).collect();
        View::from_parts(extents, &strides, view.offset())
    })?;
    for inst in &mut placed.insts {
        if let Inst::Window { window, .. } = inst {
            let pick = |part: &[i64], other: &dyn Fn(usize) -> i64| {
                from.iter().enumerate().map(|(i, f)| f.map_or_else(|| other(i), |a| part[a])).collect()
            };
            *window = Window {
                start: pick(&window.start, &|_| 0),
                step: pick(&window.step, &|_| 1),
                len: pick(&window.len, &|i| domain[i] as i64),
            };
        }
    }
    Ok(placed)
}

/// The program with its last two axes exchanged.
///
/// # Errors
/// As [`place`].
pub(crate) fn transposed(program: &Program, rank: usize) -> Result<Program> {
    let from: Vec<Option<usize>> = (0..rank - 2).chain([rank - 1, rank - 2]).map(Some).collect();
    place(program, &vec![1; rank], &from)
}

/// The program over `len` coordinates of `axis` from `start` on; there must be no window.
///
/// # Errors
/// A shape error when that is outside the domain.
pub(crate) fn narrowed(program: &Program, axis: usize, start: usize, len: usize) -> Result<Program> {
    views(program, |view| view.slice(axis, start, 1, len))
}

/// The program over the first `count` times `extent` coordinates of `axis`, divided: a first axis counts the parts, and `axis` has the
/// extent of a part. There must be no window.
///
/// # Errors
/// A shape error when that is outside the domain.
pub(crate) fn divided(program: &Program, axis: usize, extent: usize, count: usize) -> Result<Program> {
    views(program, |view| {
        let view = view.slice(axis, 0, 1, extent * count)?;
        let part = view.shape().with_axis(axis, extent);
        let extents = [count].into_iter().chain(part.iter().copied()).collect();
        let between = view.strides()[axis] * extent as i64;
        let strides: SmallVec<[i64; 6]> = [between].into_iter().chain(view.strides().iter().copied()).collect();
        View::from_parts(extents, &strides, view.offset())
    })
}

/// The program along the diagonal of the last two axes; there must be no window.
///
/// # Errors
/// A shape error below two axes.
pub(crate) fn diagonal(program: &Program) -> Result<Program> {
    views(program, View::diagonal)
}

/// Both programs in one: the second's registers and loads follow those of the first.
pub(crate) fn concatenated(first: Program, second: Program) -> Program {
    let mut program = first;
    let (n_regs, n_loads) = (program.insts.len() as u32, program.loads.len() as u32);
    for (mut inst, dtype) in second.insts.into_iter().zip(second.dtypes) {
        inst.operands_mut().into_iter().for_each(|r| r.0 += n_regs);
        if let Inst::Load(load) | Inst::Window { load, .. } | Inst::Gather { load, .. } = &mut inst {
            *load += n_loads;
        }
        program.push(inst, dtype);
    }
    program.loads.extend(second.loads);
    program
}

fn views(program: &Program, f: impl Fn(&View) -> Result<View>) -> Result<Program> {
    let mut out = program.clone();
    for load in &mut out.loads {
        load.view = f(&load.view)?;
    }
    for inst in &mut out.insts {
        if let Inst::Index(c) | Inst::Rng { index: c, .. } = inst {
            c.view = f(&c.view)?;
        }
    }
    Ok(out)
}
