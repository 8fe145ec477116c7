//! The iteration space of a pass: the domain's axes in the order they are walked, merged where all views agree.
//!
//! A tile is a run of the space's linear order. A view reads a tile as a few straight segments, each with one stride; with dense
//! operands a whole tile is one segment.

use smallvec::SmallVec;

use crate::schedule::Window;
use crate::types::View;

/// Signed numbers, one for each axis of a space.
pub(crate) type PerAxis = SmallVec<[i64; 6]>;

/// Where the elements of a space lie in a stored value.
#[derive(Clone, Debug)]
pub(crate) struct SpaceView {
    pub(crate) offset: i64,
    pub(crate) strides: PerAxis,
}

impl SpaceView {
    /// A view of the domain's shape with its axes in the order `axes`.
    pub(crate) fn new(view: &View, axes: &[usize]) -> Self {
        Self { offset: view.offset(), strides: axes.iter().map(|&a| view.strides()[a]).collect() }
    }
}

/// A window along the axes of a space.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowBox {
    pub(crate) start: PerAxis,
    pub(crate) step: PerAxis,
    pub(crate) len: PerAxis,
}

impl WindowBox {
    /// A window of the domain with its axes in the order `axes`.
    pub(crate) fn new(window: &Window, axes: &[usize]) -> Self {
        let pick = |v: &[i64]| axes.iter().map(|&a| v[a]).collect();
        Self { start: pick(&window.start), step: pick(&window.step), len: pick(&window.len) }
    }

    /// Whether the window holds every coordinate of an axis.
    fn spans(&self, axis: usize, extent: usize) -> bool {
        self.start[axis] == 0 && self.step[axis] == 1 && self.len[axis] == extent as i64
    }

    fn push(&mut self, start: i64, step: i64, len: i64) {
        self.start.push(start);
        self.step.push(step);
        self.len.push(len);
    }
}

/// Elements of a tile that lie in a value with one stride.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// The number of the first element within the tile.
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// Where the first element lies in the value.
    pub(crate) place: i64,
    pub(crate) stride: i64,
}

/// The tile of a space that begins at element `start`, seen through one view.
#[derive(Clone, Copy)]
pub(crate) struct ViewedTile<'a> {
    pub(crate) space: &'a Space,
    pub(crate) view: &'a SpaceView,
    pub(crate) start: usize,
}

impl ViewedTile<'_> {
    /// Calls `f` for each straight segment of the tile's first `n` elements.
    pub(crate) fn segments(&self, n: usize, mut f: impl FnMut(Segment)) {
        let SpaceView { offset, strides } = self.view;
        let stride = strides[self.space.extents.len() - 1];
        self.space.lines(self.start, n, |first, count, coords| {
            let place = offset + coords.iter().zip(strides).map(|(&c, &s)| c as i64 * s).sum::<i64>();
            f(Segment { first, count, place, stride });
        });
    }
}

/// The extents of the walked axes, outermost first; never empty and never with an extent of 0.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    extents: SmallVec<[usize; 6]>,
}

impl Space {
    /// The space over `extents`, with axes of extent 1 dropped and neighbouring axes merged wherever every view and window
    /// allows; `views` and `windows` are rewritten to the merged axes.
    pub(crate) fn merge(extents: &[usize], views: &mut [SpaceView], windows: &mut [WindowBox]) -> Self {
        let mut merged = MergedAxes::new(views.len(), windows.len());
        for (axis, &extent) in extents.iter().enumerate() {
            let whole = windows.iter().all(|w| w.spans(axis, extent));
            if extent == 1 && whole {
                continue;
            }
            if whole && merged.continue_with(axis, extent, views) {
                merged.widen(axis, extent, views);
            } else {
                merged.push(axis, extent, views, windows);
            }
        }
        if merged.extents.is_empty() {
            merged.push_single();
        }
        for (view, strides) in views.iter_mut().zip(merged.strides) {
            view.strides = strides;
        }
        windows.iter_mut().zip(merged.windows).for_each(|(window, w)| *window = w);
        Self { extents: merged.extents }
    }

    /// The number of the innermost axis.
    pub(crate) fn innermost(&self) -> usize {
        self.extents.len() - 1
    }

    /// Calls `f(number of the first element within the tile, count, coordinates of that element)` for each part of the tile of `n`
    /// elements from `start` on that stays on the innermost axis.
    pub(crate) fn lines(&self, start: usize, n: usize, mut f: impl FnMut(usize, usize, &[usize])) {
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
}

/// The axes of a space that is being merged, with what each view and window has along them.
struct MergedAxes {
    extents: SmallVec<[usize; 6]>,
    strides: Vec<PerAxis>,
    windows: Vec<WindowBox>,
}

impl MergedAxes {
    fn new(n_views: usize, n_windows: usize) -> Self {
        let strides = vec![PerAxis::new(); n_views];
        Self { extents: SmallVec::new(), strides, windows: vec![WindowBox::default(); n_windows] }
    }

    /// Whether the last merged axis and the next one are one axis for every view and window. The next one is whole in all windows.
    fn continue_with(&self, axis: usize, extent: usize, views: &[SpaceView]) -> bool {
        !self.extents.is_empty()
            && views.iter().zip(&self.strides).all(|(v, s)| s.last() == Some(&(v.strides[axis] * extent as i64)))
            && self.windows.iter().all(|w| w.step.last() == Some(&1))
    }

    /// Makes the next axis part of the last merged one.
    fn widen(&mut self, axis: usize, extent: usize, views: &[SpaceView]) {
        if let Some(last) = self.extents.last_mut() {
            *last *= extent;
        }
        for (view, strides) in views.iter().zip(&mut self.strides) {
            if let Some(last) = strides.last_mut() {
                *last = view.strides[axis];
            }
        }
        for window in &mut self.windows {
            for part in [&mut window.start, &mut window.len] {
                if let Some(last) = part.last_mut() {
                    *last *= extent as i64;
                }
            }
        }
    }

    /// Adds an axis of its own.
    fn push(&mut self, axis: usize, extent: usize, views: &[SpaceView], windows: &[WindowBox]) {
        self.extents.push(extent);
        for (view, strides) in views.iter().zip(&mut self.strides) {
            strides.push(view.strides[axis]);
        }
        for (window, merged) in windows.iter().zip(&mut self.windows) {
            merged.push(window.start[axis], window.step[axis], window.len[axis]);
        }
    }

    /// The one axis of a space of a single element.
    fn push_single(&mut self) {
        self.extents.push(1);
        self.strides.iter_mut().for_each(|s| s.push(0));
        self.windows.iter_mut().for_each(|w| w.push(0, 1, 1));
    }
}
