//! The same program over another domain: axes permuted, added, narrowed, or the diagonal alone.

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

/// The program along the diagonal of the last two axes; there must be no window.
///
/// # Errors
/// A shape error below two axes.
pub(crate) fn diagonal(program: &Program) -> Result<Program> {
    views(program, View::diagonal)
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
