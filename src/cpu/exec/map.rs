//! Elementwise groups: tiles of the domain in its own order.

use super::body::{Body, Data, Form};
use super::code::{Code, Slots, Wanted};
use super::output::Output;
use super::threads;
use super::tile::{TILE, divided_by};
use crate::types::{Fault, Shape, seeded};

/// Tiles that one task runs.
const TILES_PER_TASK: usize = divided_by(64, 4);

/// The code of a program over every element of `domain`, whose axes are walked in the order `axes`.
pub(crate) fn code(form: &Form<'_>, domain: &Shape, axes: &[usize], stores: &[Wanted]) -> Code {
    Code::build(form, domain, axes, &[], stores, Slots::Reused, &|_| false)
}

/// Runs a program over every element of `domain`, whose axes are walked in the order `axes`.
pub(crate) fn run(body: &Body<'_>, domain: &Shape, axes: &[usize], stores: &[Wanted], outputs: &[Output<'_>]) {
    execute(&code(&body.form, domain, axes, stores), &body.data, domain.len(), outputs);
}

/// Runs code over all `n` elements of its space.
pub(crate) fn execute(code: &Code, data: &Data<'_>, n: usize, outputs: &[Output<'_>]) {
    let per_task = TILE * TILES_PER_TASK;
    threads::for_each(
        n.div_ceil(per_task),
        n,
        || code.registers(data, n),
        |regs, task| {
            let end = ((task + 1) * per_task).min(n);
            for start in (task * per_task..end).step_by(TILE) {
                let count = TILE.min(end - start);
                if seeded(Fault::TailLost) && count < TILE && start > 0 {
                    continue;
                }
                code.run(data, regs, start, count, None);
                // SAFETY: tasks are disjoint runs of the domain and tiles disjoint runs of a task.
                unsafe { code.put(regs, outputs, start, count) };
            }
        },
    );
}
