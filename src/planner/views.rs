//! A strided view as a chain of named views, so that rules see a transpose as a transpose however it was written.
//!
//! `split` takes a view over an operand of known shape and gives its steps from the operand outwards. What the named steps do not
//! explain stays one strided step. Even there a transpose of the last two axes is split off first, so that a slice and its
//! transpose share the slice. Nothing here joins steps again, since views compose.

use smallvec::SmallVec;

use crate::types::{Shape, View};

/// One step of a view.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ViewStep {
    /// The last two axes exchanged.
    Transpose,
    /// The diagonal of the last two axes.
    Diagonal,
    /// Other extents, row-major.
    Reshape(Shape),
    /// Stretched to these extents.
    Broadcast(Shape),
    /// Anything else.
    Strided(View),
}

/// The steps, innermost first; empty for a view that changes nothing.
pub(super) fn split(operand: &Shape, view: &View) -> Vec<ViewStep> {
    if view.is_identity(operand) {
        return Vec::new();
    }
    if !view.shape().is_empty() {
        if let Some(steps) = rearranged(operand, view).or_else(|| diagonal(operand, view)) {
            return steps;
        }
        // A transpose on the outside may hide a reshape or a diagonal.
        if let Some(turned) = turned(view)
            && let Some(mut steps) = rearranged(operand, &turned).or_else(|| diagonal(operand, &turned))
        {
            steps.push(ViewStep::Transpose);
            return steps;
        }
    }
    let view = normal(view);
    match turned(&view).filter(|_| !upright(&view)) {
        Some(upright) => vec![ViewStep::Strided(normal(&upright)), ViewStep::Transpose],
        None => vec![ViewStep::Strided(view)],
    }
}

/// The shape with its last two axes exchanged.
pub(super) fn turned_shape(shape: &Shape) -> Option<Shape> {
    let rank = shape.rank();
    let mut dims: Vec<usize> = shape.to_vec();
    dims.swap(rank.checked_sub(2)?, rank - 1);
    Some(Shape::new(&dims))
}

fn turned(view: &View) -> Option<View> {
    let rank = view.shape().rank();
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(rank.checked_sub(2)?, rank - 1);
    view.permute(&axes).ok()
}

/// The view with strides of 0 for axes along which nothing moves, so that views that read the same are equal.
fn normal(view: &View) -> View {
    let strides: SmallVec<[i64; 6]> =
        view.shape().iter().zip(view.strides()).map(|(&d, &s)| if d <= 1 { 0 } else { s }).collect();
    // As many strides as extents by construction.
    View::from_parts(view.shape().clone(), &strides, view.offset()).unwrap_or_else(|_| view.clone())
}

/// Of a view and its transpose exactly one is upright (both if they are equal): the one whose rows are further apart than their
/// elements, or the column if one extent is 1.
fn upright(view: &View) -> bool {
    let rank = view.shape().rank();
    if rank < 2 {
        return true;
    }
    let (m, n) = (view.shape()[rank - 2], view.shape()[rank - 1]);
    match (m > 1, n > 1) {
        (true, true) => {
            let (p, q) = (view.strides()[rank - 2], view.strides()[rank - 1]);
            (p.abs(), p, m) >= (q.abs(), q, n)
        }
        (false, true) => false,
        _ => true,
    }
}

/// A view that reads every element through a reshape, a transpose of the last two axes and a broadcast, or some of these.
fn rearranged(operand: &Shape, view: &View) -> Option<Vec<ViewStep>> {
    if view.offset() != 0 {
        return None;
    }
    let target = view.shape();
    let stretched = |i: usize| target[i] > 1 && view.strides()[i] == 0;
    let core: Shape = (0..target.rank()).map(|i| if stretched(i) { 1 } else { target[i] }).collect();
    if core.len() != operand.len() {
        return None;
    }
    let strides: SmallVec<[i64; 6]> = view.strides().into();
    let core_view = View::from_parts(core.clone(), &strides, 0).ok()?;
    // A broadcast adds leading axes by itself.
    let led = |inner: &Shape| {
        core != *target && core.rank() >= inner.rank() && {
            let (lead, rest) = core.split_at(core.rank() - inner.rank());
            lead.iter().all(|&d| d == 1) && *rest == **inner
        }
    };
    let mut steps = Vec::new();
    if core_view.is_dense() {
        let vector = operand.iter().rev().take(2).any(|&d| d == 1);
        if vector && turned_shape(operand).as_ref() == Some(&core) && core != *operand {
            // Only a vector's transpose is dense: call it a transpose, as its user most likely did.
            steps.push(ViewStep::Transpose);
        } else if core != *operand && !led(operand) {
            steps.push(ViewStep::Reshape(core.clone()));
        }
    } else {
        // The operand's own last two axes exchanged, with axes of extent 1 anywhere.
        let moved = turned(&View::dense(operand))?;
        if squeezed(&moved) != squeezed(&core_view) {
            return None;
        }
        steps.push(ViewStep::Transpose);
        if *moved.shape() != core && !led(moved.shape()) {
            steps.push(ViewStep::Reshape(core.clone()));
        }
    }
    if core != *target {
        steps.push(ViewStep::Broadcast(target.clone()));
    }
    Some(steps)
}

/// Extents and strides of the axes along which something moves.
fn squeezed(view: &View) -> Vec<(usize, i64)> {
    let axes = view.shape().iter().copied().zip(view.strides().iter().copied());
    axes.filter(|&(extent, _)| extent != 1).collect()
}

/// The main diagonal of the last two axes, with axes of extent 1 anywhere.
fn diagonal(operand: &Shape, view: &View) -> Option<Vec<ViewStep>> {
    let rank = operand.rank();
    if rank < 2 || operand[rank - 2].min(operand[rank - 1]) < 2 {
        return None;
    }
    let read = View::dense(operand).diagonal().ok()?;
    if view.offset() != 0 || squeezed(&read) != squeezed(view) {
        return None;
    }
    let mut steps = vec![ViewStep::Diagonal];
    if read.shape() != view.shape() {
        steps.push(ViewStep::Reshape(view.shape().clone()));
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Order;

    fn replay(operand: &Shape, steps: &[ViewStep]) -> View {
        let mut view = View::dense(operand);
        for step in steps {
            let dense = View::dense(view.shape());
            let next = match step {
                ViewStep::Transpose => turned(&dense).unwrap(),
                ViewStep::Diagonal => dense.diagonal().unwrap(),
                ViewStep::Reshape(s) => View::dense(s),
                ViewStep::Broadcast(s) => dense.broadcast_to(s).unwrap(),
                ViewStep::Strided(v) => v.clone(),
            };
            view = next.through(&view).unwrap();
        }
        view
    }

    fn reads(view: &View) -> Vec<i64> {
        let mut out = Vec::new();
        let mut at = vec![0; view.shape().rank()];
        for _ in 0..view.shape().len() {
            out.push(view.index(&at));
            for axis in (0..at.len()).rev() {
                at[axis] += 1;
                if at[axis] < view.shape()[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
        out
    }

    #[test]
    fn transposes_are_seen_however_written() {
        let s = Shape::new(&[4, 6]);
        let d = View::dense(&s);
        assert_eq!(split(&s, &d.permute(&[1, 0]).unwrap()), [ViewStep::Transpose]);
        let column = Shape::new(&[5, 1]);
        let row = View::dense(&column).reshape(&Shape::new(&[1, 5]), Order::F).unwrap().unwrap();
        assert_eq!(split(&column, &row), [ViewStep::Transpose]);
        let batch = Shape::new(&[1, 4, 6]);
        assert_eq!(split(&batch, &View::dense(&batch).permute(&[0, 2, 1]).unwrap()), [ViewStep::Transpose]);
        assert_eq!(split(&s, &d.diagonal().unwrap()), [ViewStep::Diagonal]);
    }

    #[test]
    fn a_reshape_to_exchanged_extents_is_no_transpose() {
        let s = Shape::new(&[6, 2]);
        let other = Shape::new(&[2, 6]);
        assert_eq!(split(&s, &View::dense(&other)), [ViewStep::Reshape(other)]);
    }

    #[test]
    fn a_slice_and_its_transpose_share_the_slice() {
        let s = Shape::new(&[8, 6]);
        let rows = View::dense(&s).slice(0, 1, 2, 3).unwrap();
        let turned = rows.permute(&[1, 0]).unwrap();
        let (a, b) = (split(&s, &rows), split(&s, &turned));
        assert_eq!(a.len(), 1);
        assert_eq!(b, [a[0].clone(), ViewStep::Transpose]);
        for one in [View::dense(&s).slice(0, 2, 1, 1).unwrap(), View::dense(&s).slice(1, 2, 1, 1).unwrap()] {
            let (a, b) = (split(&s, &one), split(&s, &one.permute(&[1, 0]).unwrap()));
            assert_eq!(a[0], b[0]);
            assert_eq!(a.len() + b.len(), 3);
        }
    }

    #[test]
    fn splitting_keeps_what_is_read() {
        for dims in [[2usize, 3, 4], [1, 3, 2], [3, 1, 5], [2, 2, 2], [1, 1, 4]] {
            let s = Shape::new(&dims);
            let d = View::dense(&s);
            let mut views =
                vec![d.diagonal().unwrap(), d.broadcast_to(&Shape::new(&[2, dims[0], dims[1], dims[2]])).unwrap()];
            for axes in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1], [1, 2, 0]] {
                let p = d.permute(&axes).unwrap();
                views.push(p.diagonal().unwrap());
                views.extend((0..3).map(|a| p.flip(a).unwrap()));
                views.extend((0..3).map(|a| p.slice(a, p.shape()[a] - 1, 1, 1).unwrap()));
                views.extend(p.reshape(&Shape::new(&[s.len()]), Order::C).unwrap());
                views.extend(p.reshape(&Shape::new(&[1, s.len()]), Order::F).unwrap());
                views.push(p);
            }
            for v in views {
                let steps = split(&s, &v);
                let again = replay(&s, &steps);
                assert_eq!(again.shape(), v.shape(), "{steps:?}");
                assert_eq!(reads(&again), reads(&v), "{v} became {steps:?}");
            }
        }
    }
}
