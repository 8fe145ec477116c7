//! Memory access of tiles: loads through views, windows, gathers, coordinates, random elements and stores.

use super::code::{Code, Put};
use super::output::Output;
use super::space::{Box1, Space, Walk};
use super::tile::{Lane, Registers};
use crate::cpu::reference::random;
use crate::graph::RngDist;
use crate::types::{DType, Element};

/// Reads a tile of `out.len()` elements from `start` on.
pub(crate) fn load<T: Element>(space: &Space, walk: &Walk, from: &[T], start: usize, out: &mut [T]) {
    space.places(walk, start, out.len(), |at, count, place, step| {
        read(from, place, step, &mut out[at..at + count]);
    });
}

/// Reads along one straight segment. Every place lies inside `from`: views are checked when a group is bound.
fn read<T: Element>(from: &[T], place: i64, step: i64, out: &mut [T]) {
    let first = place as usize;
    match step {
        1 => out.copy_from_slice(&from[first..first + out.len()]),
        0 => out.fill(from[first]),
        _ if step > 0 => {
            for (to, x) in out.iter_mut().zip(from[first..].iter().step_by(step as usize)) {
                *to = *x;
            }
        }
        _ => {
            for (to, x) in out.iter_mut().zip(from[..=first].iter().rev().step_by(step.unsigned_abs() as usize)) {
                *to = *x;
            }
        }
    }
}

/// Reads the part of a tile that lies inside a window; `out` already holds what is outside.
pub(crate) fn load_window<T: Element>(
    space: &Space,
    walk: &Walk,
    window: &Box1,
    from: &[T],
    start: usize,
    out: &mut [T],
) {
    let last = space.extents().len() - 1;
    space.segments(start, out.len(), |at, count, coords| {
        let mut place = walk.offset;
        for (axis, &coord) in coords[..last].iter().enumerate() {
            let beyond = coord as i64 - window.start[axis];
            let j = beyond.div_euclid(window.step[axis]);
            if beyond < 0 || beyond % window.step[axis] != 0 || j >= window.len[axis] {
                return;
            }
            place += j * walk.steps[axis];
        }
        // On the innermost axis: the window's elements from the segment's first coordinate on.
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
        let place = place + j0 * walk.steps[last];
        if step == 1 {
            read(from, place, walk.steps[last], &mut out[to..to + n]);
        } else {
            for i in 0..n {
                out[to + i * step as usize] = from[(place + i as i64 * walk.steps[last]) as usize];
            }
        }
    });
}

/// Picks elements at `index` (clamped to the axis) beyond each element's place.
pub(crate) fn gather<T: Element>(
    space: &Space,
    walk: &Walk,
    from: &[T],
    start: usize,
    index: &[i32],
    (stride, extent): (i64, i64),
    out: &mut [T],
) {
    space.places(walk, start, out.len(), |at, count, place, step| {
        for i in 0..count {
            let picked = i64::from(index[at + i]).clamp(0, extent - 1);
            out[at + i] = from[(place + i as i64 * step + picked * stride) as usize];
        }
    });
}

/// The linear coordinates of a tile.
pub(crate) fn index<T: Lane>(space: &Space, walk: &Walk, start: usize, out: &mut [T]) {
    space.places(walk, start, out.len(), |at, count, place, step| {
        for (i, to) in out[at..at + count].iter_mut().enumerate() {
            *to = T::from_i64(place + i as i64 * step);
        }
    });
}

/// Random elements of a tile. Neighbours share a block of the generator, so the last block is kept.
pub(crate) fn rng<T: Lane>(
    (space, walk): (&Space, &Walk),
    dist: RngDist,
    start: usize,
    key: &[u32],
    stream: &[u32],
    out: &mut [T],
) {
    let mut kept: Option<([u32; 2], u64, [u32; 4])> = None;
    space.places(walk, start, out.len(), |at, count, place, step| {
        for i in at..at + count {
            let element = (place + (i - at) as i64 * step) as u64;
            let mut block = |number: u64| match kept {
                Some((of, n, words)) if of == [key[i], stream[i]] && n == number => words,
                _ => {
                    let words = random::block(key[i], stream[i], number);
                    kept = Some(([key[i], stream[i]], number, words));
                    words
                }
            };
            out[i] = match (dist, T::DTYPE) {
                (RngDist::Bits, _) => T::from_i64(i64::from(block(element / 4)[(element % 4) as usize])),
                (RngDist::Uniform, DType::F32) => {
                    T::from_f64(random::uniform24(block(element / 4)[(element % 4) as usize]))
                }
                (RngDist::Normal, DType::F32) => {
                    let words = block(element / 4);
                    let pair = (element % 4 / 2 * 2) as usize;
                    let u1 = f64::from((words[pair] >> 8) + 1) * 2f64.powi(-24);
                    T::from_f64(random::box_muller(u1, random::uniform24(words[pair + 1]), element % 2 == 1))
                }
                _ => T::from_bits_of(random::element(dist, T::DTYPE, key[i], stream[i], element)),
            };
        }
    });
}

/// Writes a tile to an output.
///
/// # Safety
/// No other thread writes the same elements of this output: tiles of one pass are disjoint and a store's view maps the domain's
/// elements to different places.
pub(crate) unsafe fn store(code: &Code, put: &Put, regs: &Registers, outputs: &[Output<'_>], start: usize, n: usize) {
    super::tile::dispatch!(put.dtype, T => {
        let from = regs.get::<T>(put.slot, n);
        code.space.places(&code.walks[put.walk], start, n, |at, count, place, step| {
            let output = &outputs[put.output];
            if step == 1 {
                // SAFETY: promised by the caller.
                let to = unsafe { output.slice::<T>(place as usize, count) };
                if to.len() == count {
                    to.copy_from_slice(&from[at..at + count]);
                }
            } else {
                for i in 0..count {
                    // SAFETY: promised by the caller.
                    let to = unsafe { output.slice::<T>((place + i as i64 * step) as usize, 1) };
                    to.fill(from[at + i]);
                }
            }
        });
    });
}
