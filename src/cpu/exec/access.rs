//! Memory access of tiles: loads through views, windows, gathers, coordinates, random elements and stores.

use super::output::SharedOutput;
use super::space::{Segment, ViewedTile, WindowBox};
use super::tile::TileElement;
use crate::cpu::reference::random;
use crate::graph::RngDist;
use crate::types::{DType, Element};

/// The axis of a stored value along which a gather picks elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GatherAxis {
    pub(crate) stride: i64,
    pub(crate) extent: i64,
}

/// Reads a tile of `out.len()` elements.
pub(crate) fn load<T: Element>(tile: ViewedTile<'_>, from: &[T], out: &mut [T]) {
    tile.segments(out.len(), |s| read(from, s.place, s.stride, &mut out[s.first..s.first + s.count]));
}

/// Reads along one straight segment. Every place lies inside `from`: views are checked before code is made of them.
fn read<T: Element>(from: &[T], place: i64, stride: i64, out: &mut [T]) {
    let first = place as usize;
    match stride {
        1 => out.copy_from_slice(&from[first..first + out.len()]),
        0 => out.fill(from[first]),
        _ if stride > 0 => {
            for (to, x) in out.iter_mut().zip(from[first..].iter().step_by(stride as usize)) {
                *to = *x;
            }
        }
        _ => {
            for (to, x) in out.iter_mut().zip(from[..=first].iter().rev().step_by(stride.unsigned_abs() as usize)) {
                *to = *x;
            }
        }
    }
}

/// Reads the part of a tile that lies inside a window; `out` already holds what is outside.
pub(crate) fn load_window<T: Element>(tile: ViewedTile<'_>, window: &WindowBox, from: &[T], out: &mut [T]) {
    let last = tile.space.innermost();
    let strides = &tile.view.strides;
    tile.space.lines(tile.start, out.len(), |at, count, coords| {
        let mut place = tile.view.offset;
        for (axis, &coord) in coords[..last].iter().enumerate() {
            let beyond = coord as i64 - window.start[axis];
            let j = beyond.div_euclid(window.step[axis]);
            if beyond < 0 || beyond % window.step[axis] != 0 || j >= window.len[axis] {
                return;
            }
            place += j * strides[axis];
        }
        // On the innermost axis: the window's elements from the line's first coordinate on.
        let (first, step) = (coords[last] as i64, window.step[last]);
        let low = (first - window.start[last]).max(0);
        let j0 = low / step + i64::from(low % step != 0);
        let c0 = window.start[last] + j0 * step;
        let end = first + count as i64;
        if c0 >= end || j0 >= window.len[last] {
            return;
        }
        let n = ((end - c0 - 1) / step + 1).min(window.len[last] - j0) as usize;
        let to = at + (c0 - first) as usize;
        let place = place + j0 * strides[last];
        if step == 1 {
            read(from, place, strides[last], &mut out[to..to + n]);
        } else {
            for i in 0..n {
                out[to + i * step as usize] = from[(place + i as i64 * strides[last]) as usize];
            }
        }
    });
}

/// Picks elements at `index` (clamped to the axis) beyond each element's place.
pub(crate) fn gather<T: Element>(tile: ViewedTile<'_>, from: &[T], index: &[i32], axis: GatherAxis, out: &mut [T]) {
    tile.segments(out.len(), |Segment { first, count, place, stride }| {
        for i in 0..count {
            let picked = i64::from(index[first + i]).clamp(0, axis.extent - 1);
            out[first + i] = from[(place + i as i64 * stride + picked * axis.stride) as usize];
        }
    });
}

/// The linear coordinates of a tile.
pub(crate) fn index<T: TileElement>(tile: ViewedTile<'_>, out: &mut [T]) {
    tile.segments(out.len(), |Segment { first, count, place, stride }| {
        for (i, to) in out[first..first + count].iter_mut().enumerate() {
            *to = T::from_i64(place + i as i64 * stride);
        }
    });
}

/// The block of the generator that was asked for last: neighbours share one.
#[derive(Default)]
struct LastBlock {
    of: Option<(u32, u32, u64)>,
    words: [u32; 4],
}

impl LastBlock {
    fn words(&mut self, key: u32, stream: u32, number: u64) -> [u32; 4] {
        if self.of != Some((key, stream, number)) {
            *self = Self { of: Some((key, stream, number)), words: random::block(key, stream, number) };
        }
        self.words
    }
}

/// Random elements of a tile.
pub(crate) fn rng<T: TileElement>(tile: ViewedTile<'_>, dist: RngDist, key: &[u32], stream: &[u32], out: &mut [T]) {
    let mut last = LastBlock::default();
    tile.segments(out.len(), |segment| {
        for i in segment.first..segment.first + segment.count {
            let element = (segment.place + (i - segment.first) as i64 * segment.stride) as u64;
            let mut words = || last.words(key[i], stream[i], element / 4);
            let lane = (element % 4) as usize;
            out[i] = match (dist, T::DTYPE) {
                (RngDist::Bits, _) => T::from_i64(i64::from(words()[lane])),
                (RngDist::Uniform, DType::F32) => T::from_f64(random::uniform24(words()[lane])),
                (RngDist::Normal, DType::F32) => {
                    let words = words();
                    let pair = lane / 2 * 2;
                    let u1 = f64::from((words[pair] >> 8) + 1) * 2f64.powi(-24);
                    T::from_f64(random::box_muller(u1, random::uniform24(words[pair + 1]), element % 2 == 1))
                }
                _ => T::from_scalar(random::element(dist, T::DTYPE, key[i], stream[i], element)),
            };
        }
    });
}

/// Writes a tile to an output.
///
/// # Safety
/// While this runs, no other thread writes the places to which the tile's view maps its elements.
pub(crate) unsafe fn store<T: Element>(tile: ViewedTile<'_>, from: &[T], output: &SharedOutput<'_>) {
    tile.segments(from.len(), |Segment { first, count, place, stride }| {
        if stride == 1 {
            // SAFETY: promised by the caller.
            let to = unsafe { output.slice::<T>(place as usize, count) };
            if to.len() == count {
                to.copy_from_slice(&from[first..first + count]);
            }
        } else {
            for i in 0..count {
                // SAFETY: promised by the caller.
                let to = unsafe { output.slice::<T>((place + i as i64 * stride) as usize, 1) };
                to.fill(from[first + i]);
            }
        }
    });
}
