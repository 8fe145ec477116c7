//! Iteration domains in their shortest form: axes of extent 1 are dropped, and neighbouring axes that every view walks as one are
//! merged.
//!
//! A program and its stores over a shape come in; the same over fewer axes come out, so that the text, and with it the
//! pipeline, depends on the form of the accesses alone. This module knows no WGSL.

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::schedule::{Inst, Program, Window};
use crate::types::{Shape, View};

/// Which old axes make up each new one, outermost first. Axes of extent 1 appear nowhere.
pub(super) type Merging = Vec<SmallVec<[usize; 4]>>;

/// How old axes are walked: the stride of each, and the window if the walk is through one.
struct Walk {
    strides: SmallVec<[i64; 6]>,
    window: Option<Window>,
}

fn walks(program: &Program, shape: &[usize]) -> Result<Vec<Walk>> {
    let mut all = Vec::new();
    let mut plain = vec![false; program.loads.len()];
    for inst in &program.insts {
        match inst {
            Inst::Load(i) | Inst::Gather { load: i, .. } => plain[*i as usize] = true,
            Inst::Window { load, window, .. } => {
                let view = &program.loads[*load as usize].view;
                all.push(Walk { strides: SmallVec::from_slice(view.strides()), window: Some(window.clone()) });
            }
            Inst::Index(c) | Inst::Rng { index: c, .. } => {
                all.push(Walk { strides: SmallVec::from_slice(c.view.strides()), window: None });
            }
            _ => {}
        }
    }
    for (load, plain) in program.loads.iter().zip(plain) {
        if plain {
            all.push(Walk { strides: SmallVec::from_slice(load.view.strides()), window: None });
        }
    }
    if all.iter().any(|w| w.strides.len() != shape.len()) {
        return Err(Error::internal("a load's view has another rank than its domain"));
    }
    Ok(all)
}

fn full(window: &Window, axis: usize, extent: usize) -> bool {
    window.start[axis] == 0 && window.step[axis] == 1 && window.len[axis] == extent as i64
}

/// Decides which of `axes` (a part of the domain, in order) can be walked as one. `extra` are stores and other views.
pub(super) fn merge(shape: &[usize], axes: &[usize], programs: &[&Program], extra: &[&View]) -> Result<Merging> {
    let mut all = Vec::new();
    for p in programs {
        all.extend(walks(p, shape)?);
    }
    for v in extra {
        all.push(Walk { strides: SmallVec::from_slice(v.strides()), window: None });
    }
    Ok(merge_walks(shape, axes, &all))
}

fn merge_walks(shape: &[usize], axes: &[usize], all: &[Walk]) -> Merging {
    let mut merging: Merging = Vec::new();
    for &axis in axes {
        // A windowed axis stays even with extent 1: whether its element is inside is still a question.
        let asked = |a: usize| all.iter().any(|w| w.window.as_ref().is_some_and(|w| !full(w, a, shape[a])));
        if shape[axis] == 1 && !asked(axis) {
            continue;
        }
        let joins = merging.last().is_some_and(|group| {
            // Inside a merged axis only the outermost part may be windowed, without steps.
            let outer = group[group.len() - 1];
            all.iter().all(|w| {
                let step = w.strides[outer] == w.strides[axis] * shape[axis] as i64;
                step && w.window.as_ref().is_none_or(|win| {
                    full(win, axis, shape[axis])
                        && (group.len() == 1 || full(win, outer, shape[outer]))
                        && win.step[group[0]] == 1
                })
            })
        });
        match merging.last_mut() {
            Some(group) if joins => group.push(axis),
            _ => merging.push(SmallVec::from_slice(&[axis])),
        }
    }
    merging
}

/// The extents of the merged axes.
pub(super) fn merged_shape(shape: &[usize], merging: &Merging) -> Shape {
    merging.iter().map(|g| g.iter().map(|&a| shape[a]).product()).collect()
}

/// A view over the merged axes.
pub(super) fn merged_view(view: &View, merging: &Merging) -> Result<View> {
    let strides: SmallVec<[i64; 6]> =
        merging.iter().map(|g| g.last().map_or(0, |&inner| view.strides()[inner])).collect();
    View::from_parts(merged_shape(view.shape(), merging), &strides, view.offset())
}

fn merged_window(window: &Window, shape: &[usize], merging: &Merging) -> Window {
    let inner = |g: &[usize]| g[1..].iter().map(|&a| shape[a] as i64).product::<i64>();
    Window {
        start: merging.iter().map(|g| window.start[g[0]] * inner(g)).collect(),
        step: merging.iter().map(|g| window.step[g[0]]).collect(),
        len: merging.iter().map(|g| window.len[g[0]] * inner(g)).collect(),
    }
}

/// The program over the merged axes of its domain `shape`.
pub(super) fn merged_program(program: &Program, shape: &[usize], merging: &Merging) -> Result<Program> {
    let mut out = program.clone();
    for load in &mut out.loads {
        load.view = merged_view(&load.view, merging)?;
    }
    for inst in &mut out.insts {
        match inst {
            Inst::Window { window, .. } => *window = merged_window(window, shape, merging),
            Inst::Index(c) | Inst::Rng { index: c, .. } => c.view = merged_view(&c.view, merging)?,
            _ => {}
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Load, ValueId};
    use crate::types::DType;

    fn program(views: &[View]) -> Program {
        let mut p = Program::default();
        for (i, view) in views.iter().enumerate() {
            p.loads.push(Load { value: ValueId(i as u32), dtype: DType::F32, view: view.clone() });
            p.push(Inst::Load(i as u32), DType::F32);
        }
        p
    }

    #[test]
    fn dense_axes_become_one() {
        let shape = Shape::new(&[3, 1, 4, 5]);
        let dense = View::dense(&shape);
        let p = program(&[dense.clone(), dense]);
        let m = merge(&shape, &[0, 1, 2, 3], &[&p], &[]).unwrap();
        assert_eq!(merged_shape(&shape, &m), Shape::new(&[60]));
        assert_eq!(merged_program(&p, &shape, &m).unwrap().loads[0].view.strides(), &[1]);
    }

    #[test]
    fn a_broadcast_row_keeps_its_axis() {
        let shape = Shape::new(&[3, 4, 5]);
        let row = View::from_parts(shape.clone(), &[0, 0, 1], 0).unwrap();
        let p = program(&[View::dense(&shape), row]);
        let m = merge(&shape, &[0, 1, 2], &[&p], &[]).unwrap();
        assert_eq!(merged_shape(&shape, &m), Shape::new(&[12, 5]));
    }

    #[test]
    fn a_window_on_the_outer_axis_merges_with_whole_inner_ones() {
        let shape = Shape::new(&[6, 4]);
        let mut p = Program::default();
        let inner = Shape::new(&[2, 4]);
        p.loads.push(Load { value: ValueId(0), dtype: DType::F32, view: View::dense(&inner) });
        let other = p.push(Inst::Literal(crate::types::Scalar::from_f64(DType::F32, 0.0)), DType::F32);
        let window = Window {
            start: SmallVec::from_slice(&[3, 0]),
            step: SmallVec::from_slice(&[1, 1]),
            len: SmallVec::from_slice(&[2, 4]),
        };
        p.push(Inst::Window { load: 0, window, otherwise: other }, DType::F32);
        let m = merge(&shape, &[0, 1], &[&p], &[]).unwrap();
        let q = merged_program(&p, &shape, &m).unwrap();
        let Inst::Window { window, .. } = &q.insts[1] else { panic!("the window stays one") };
        assert_eq!((window.start.as_slice(), window.len.as_slice()), (&[12i64][..], &[8i64][..]));
    }
}
