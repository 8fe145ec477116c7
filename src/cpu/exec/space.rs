//! The iteration space of a pass: the domain's axes in the order they are walked, merged where all views agree.
//!
//! Tiles are runs of the space's linear order. A view walks a tile as few straight segments, each with one stride; with
//! dense operands a whole tile is one segment.

use smallvec::SmallVec;

use crate::schedule::Window;
use crate::types::View;

/// Signed steps of a view, one for each axis of a space.
pub(crate) type Steps = SmallVec<[i64; 6]>;

/// How a tile's elements lie in a stored value.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    pub(crate) offset: i64,
    pub(crate) steps: Steps,
}

impl Walk {
    /// A view of the domain's shape with its axes in the order `axes`.
    pub(crate) fn new(view: &View, axes: &[usize]) -> Self {
        Self { offset: view.offset(), steps: axes.iter().map(|&a| view.strides()[a]).collect() }
    }
}

/// A window along the axes of a space.
#[derive(Clone, Debug)]
pub(crate) struct Box1 {
    pub(crate) start: Steps,
    pub(crate) step: Steps,
    pub(crate) len: Steps,
}

impl Box1 {
    /// A window of the domain with its axes in the order `axes`.
    pub(crate) fn new(window: &Window, axes: &[usize]) -> Self {
        let pick = |v: &[i64]| axes.iter().map(|&a| v[a]).collect();
        Self { start: pick(&window.start), step: pick(&window.step), len: pick(&window.len) }
    }
}

/// The extents of the walked axes, outermost first; never empty and never with an extent of 0.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    extents: SmallVec<[usize; 6]>,
}

impl Space {
    /// The space over `extents`, with axes of extent 1 dropped and neighbouring axes merged wherever every walk and window
    /// allows; `walks` and `windows` (the walk a window belongs to is number `.0`) are rewritten to the merged axes.
    pub(crate) fn merge(extents: &[usize], walks: &mut [Walk], windows: &mut [(usize, Box1)]) -> Self {
        let mut merged: SmallVec<[usize; 6]> = SmallVec::new();
        let mut new_walks: Vec<Steps> = vec![Steps::new(); walks.len()];
        let mut new_windows: Vec<[Steps; 3]> = vec![Default::default(); windows.len()];
        for (axis, &extent) in extents.iter().enumerate() {
            let whole = |b: &Box1| b.start[axis] == 0 && b.step[axis] == 1 && b.len[axis] == extent as i64;
            if extent == 1 && windows.iter().all(|(_, b)| whole(b)) {
                continue;
            }
            let fits = merged.last().is_some()
                && walks.iter().zip(&new_walks).all(|(w, n)| n.last() == Some(&(w.steps[axis] * extent as i64)))
                && windows.iter().zip(&new_windows).all(|((_, b), n)| whole(b) && n[1].last() == Some(&1));
            if fits {
                if let Some(last) = merged.last_mut() {
                    *last *= extent;
                }
                for (w, n) in walks.iter().zip(&mut new_walks) {
                    if let Some(last) = n.last_mut() {
                        *last = w.steps[axis];
                    }
                }
                for n in &mut new_windows {
                    for part in [0, 2] {
                        if let Some(last) = n[part].last_mut() {
                            *last *= extent as i64;
                        }
                    }
                }
            } else {
                merged.push(extent);
                for (w, n) in walks.iter().zip(&mut new_walks) {
                    n.push(w.steps[axis]);
                }
                for ((_, b), n) in windows.iter().zip(&mut new_windows) {
                    n[0].push(b.start[axis]);
                    n[1].push(b.step[axis]);
                    n[2].push(b.len[axis]);
                }
            }
        }
        if merged.is_empty() {
            merged.push(1);
            new_walks.iter_mut().for_each(|n| n.push(0));
            for n in &mut new_windows {
                *n = [Steps::from_elem(0, 1), Steps::from_elem(1, 1), Steps::from_elem(1, 1)];
            }
        }
        for (w, n) in walks.iter_mut().zip(new_walks) {
            w.steps = n;
        }
        for ((_, b), [start, step, len]) in windows.iter_mut().zip(new_windows) {
            *b = Box1 { start, step, len };
        }
        Self { extents: merged }
    }

    /// The extents.
    pub(crate) fn extents(&self) -> &[usize] {
        &self.extents
    }

    /// Calls `f(first element of the tile, count, coordinates of that element)` for each straight segment of the tile of `n`
    /// elements from `start` on: a segment stays on the innermost axis.
    pub(crate) fn segments(&self, start: usize, n: usize, mut f: impl FnMut(usize, usize, &[usize])) {
        let last = self.extents.len() - 1;
        let mut coords: SmallVec<[usize; 6]> = SmallVec::from_elem(0, self.extents.len());
        let mut rest = start;
        for axis in (0..=last).rev() {
            coords[axis] = rest % self.extents[axis];
            rest /= self.extents[axis];
        }
        let mut done = 0;
        while done < n {
            let count = (self.extents[last] - coords[last]).min(n - done);
            f(done, count, &coords);
            done += count;
            coords[last] = 0;
            for axis in (0..last).rev() {
                coords[axis] += 1;
                if coords[axis] < self.extents[axis] {
                    break;
                }
                coords[axis] = 0;
            }
        }
    }

    /// Calls `f(first element of the tile, count, place of that element, step between places)` for each straight segment.
    pub(crate) fn places(&self, walk: &Walk, start: usize, n: usize, mut f: impl FnMut(usize, usize, i64, i64)) {
        let step = walk.steps[self.extents.len() - 1];
        self.segments(start, n, |at, count, coords| {
            let place = walk.offset + coords.iter().zip(&walk.steps).map(|(&c, &s)| c as i64 * s).sum::<i64>();
            f(at, count, place, step);
        });
    }
}
