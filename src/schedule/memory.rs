//! Lifetimes of the values and the memory they share.
//!
//! Scratch values whose lifetimes do not overlap share a block, best fit first. A block grows when no free one is large enough,
//! since no memory is allocated yet. Values that outlive the run have a block to themselves.

use super::steps::{Block, Lifetime, Place, Schedule, Step, Touched};
use super::value::ValueKind;

/// Fills in lifetimes and blocks.
pub(super) fn plan(schedule: &mut Schedule) {
    let n = schedule.values.len();
    let end = schedule.steps.len() as u32;
    let mut lifetimes = vec![Lifetime { from: 0, to: 0 }; n];
    let mut side: Vec<Option<Place>> = vec![None; n];
    for (i, step) in schedule.steps.iter().enumerate() {
        let now = i as u32;
        match step {
            // A transfer reads the side where the value was written. A leaf has no side: every read counts.
            Step::Upload(v) | Step::Readback(v) => lifetimes[v.index()].to = now,
            Step::Free(_) => {}
            _ => {
                let Some(Touched { place, reads, writes }) = step.touched() else { continue };
                for v in reads {
                    if side[v.index()].is_none_or(|s| s == place) {
                        lifetimes[v.index()].to = now;
                    }
                }
                for v in writes {
                    side[v.index()] = Some(place);
                    lifetimes[v.index()] = Lifetime { from: now, to: now };
                }
            }
        }
    }
    for (v, lifetime) in schedule.values.iter().zip(&mut lifetimes) {
        if v.kind == ValueKind::Root {
            lifetime.to = end;
        }
    }
    schedule.blocks = blocks(schedule, &lifetimes);
    schedule.lifetimes = lifetimes;
}

fn blocks(schedule: &Schedule, lifetimes: &[Lifetime]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    // Blocks in use with the step after which they are free, and free blocks, on each side.
    let mut busy: Vec<(u32, usize)> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    for (i, step) in schedule.steps.iter().enumerate() {
        let Some(Touched { place, writes, .. }) = step.touched() else { continue };
        busy.retain(|&(to, block)| {
            let over = to < i as u32;
            if over {
                free.push(block);
            }
            !over
        });
        for v in writes {
            let value = schedule.value(v);
            let bytes = if place == Place::Gpu { value.device_bytes() } else { value.bytes() };
            let alone = value.kind != ValueKind::Scratch || bytes == 0;
            let found = if alone { None } else { best_fit(&blocks, &free, place, bytes) };
            let block = match found {
                Some(at) => {
                    let block = free.swap_remove(at);
                    blocks[block].bytes = blocks[block].bytes.max(bytes);
                    blocks[block].values.push(v);
                    block
                }
                None => {
                    blocks.push(Block { place, bytes, values: vec![v] });
                    blocks.len() - 1
                }
            };
            if !alone {
                busy.push((lifetimes[v.index()].to, block));
            }
        }
    }
    blocks
}

/// The smallest free block that holds `bytes`, else the largest.
fn best_fit(blocks: &[Block], free: &[usize], place: Place, bytes: u64) -> Option<usize> {
    let on_side = || free.iter().enumerate().filter(|(_, b)| blocks[**b].place == place);
    on_side()
        .filter(|(_, b)| blocks[**b].bytes >= bytes)
        .min_by_key(|(_, b)| (blocks[**b].bytes, **b))
        .or_else(|| on_side().max_by_key(|(_, b)| (blocks[**b].bytes, **b)))
        .map(|(at, _)| at)
}
