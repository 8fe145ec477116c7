//! Elementwise groups, and the epilogues of contractions: tiles of the domain, or of its diagonal, in its own order.

use super::checked::{AccumulatorView, CheckedProgram};
use super::code::{Pass, PassStore, SlotPolicy, TileCode};
use super::data::{BufferType, FindInput, RunData, RunInputs};
use super::output::SharedOutput;
use super::tile::{TILE, or_in_miri};
use super::{remap, threads};
use crate::error::Result;
use crate::schedule::{Program, Store, StoreShape, Value};
use crate::types::{DType, Fault, HostBuffer, Scalar, Shape, View, seeded};

/// Tiles that one task runs.
const TILES_PER_TASK: usize = or_in_miri(64, 4);

/// Code over every element of a domain, which runs part by part.
#[derive(Debug)]
pub(crate) struct MapPass {
    code: TileCode,
    /// Elements of a part, which follow one another in the order of the space.
    part: usize,
}

impl MapPass {
    /// The pass of a program over `domain`, whose axes are walked in the order `axes`. All of it is one part.
    pub(crate) fn new(checked: &CheckedProgram<'_>, domain: &Shape, axes: &[usize], stores: &[PassStore]) -> Self {
        Self { code: code(checked, domain, axes, stores), part: domain.len() }
    }

    /// As [`MapPass::new`], in parts: one for each coordinate of the outermost axis.
    pub(crate) fn in_parts(checked: &CheckedProgram<'_>, domain: &Shape, axes: &[usize], stores: &[PassStore]) -> Self {
        let parts = axes.first().map_or(1, |&outermost| domain[outermost].max(1));
        Self { code: code(checked, domain, axes, stores), part: domain.len() / parts }
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.code.bytes()
    }

    /// Runs over one part of the space.
    pub(crate) fn run(&self, data: &RunData<'_>, part: usize, outputs: &[SharedOutput<'_>]) {
        let (code, per_task) = (&self.code, TILE * TILES_PER_TASK);
        let (first, n) = (part * self.part, self.part);
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
                    code.run(data, regs, first + start, count, None);
                    // SAFETY: tasks are disjoint runs of one part and tiles disjoint runs of a task, and stores put the
                    // elements of a part into different places ([`PassStore::to`]).
                    unsafe { code.store(regs, outputs, first + start, count) };
                }
            },
        );
    }
}

/// What was accumulated by a contraction for its epilogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accumulated {
    pub(crate) dtype: DType,
    /// Whether only the diagonal was, because all stores are of it.
    pub(crate) diagonal: bool,
}

impl Accumulated {
    /// As a program over the whole domain would read it.
    fn over(self, domain: &Shape) -> AccumulatorView {
        AccumulatorView { buffer: BufferType { dtype: self.dtype, len: domain.len() }, view: View::dense(domain) }
    }

    /// As a program over the diagonal reads it.
    fn over_diagonal(self, domain: &Shape) -> Result<AccumulatorView> {
        let view = View::dense(domain).diagonal()?;
        if self.diagonal {
            return Ok(self.over(view.shape()));
        }
        Ok(AccumulatorView { buffer: BufferType { dtype: self.dtype, len: domain.len() }, view })
    }
}

/// The passes of an elementwise program: over the whole domain, and over the diagonal alone for stores of it.
#[derive(Debug)]
pub(crate) struct MapPasses {
    inputs: RunInputs,
    whole: Option<MapPass>,
    diagonal: Option<MapPass>,
}

impl MapPasses {
    /// The passes of a program over `domain` with these stores. A program with windows cannot be read along a diagonal: its stores
    /// of the diagonal are computed and written as if they were of the whole domain.
    ///
    /// # Errors
    /// An internal error for a program that does not fit the domain or its values.
    pub(crate) fn new(
        program: &Program,
        domain: &Shape,
        stores: &[Store],
        values: &[Value],
        accumulated: Option<Accumulated>,
    ) -> Result<Self> {
        let of_diagonal = |s: &Store| s.shape == StoreShape::Diagonal && !remap::has_window(program);
        let wanted = |diagonal: bool, domain: &Shape| -> Vec<PassStore> {
            let stores = stores.iter().enumerate().filter(|(_, s)| of_diagonal(s) == diagonal);
            stores.map(|(output, s)| PassStore { reg: s.reg, output, to: View::dense(domain) }).collect()
        };
        // The whole program is checked, whatever of it is computed.
        let checked = CheckedProgram::new(program, domain, values, accumulated.map(|a| a.over(domain)))?;
        let stores_of_whole = wanted(false, domain);
        let whole =
            (!stores_of_whole.is_empty()).then(|| MapPass::new(&checked, domain, &in_order(domain), &stores_of_whole));
        let diagonal = if stores.iter().any(of_diagonal) {
            let along = remap::diagonal(program)?;
            let over = View::dense(domain).diagonal()?.shape().clone();
            let accumulated = accumulated.map(|a| a.over_diagonal(domain)).transpose()?;
            let checked = CheckedProgram::new(&along, &over, values, accumulated)?;
            Some(MapPass::new(&checked, &over, &in_order(&over), &wanted(true, &over)))
        } else {
            None
        };
        Ok(Self { inputs: checked.into_inputs(), whole, diagonal })
    }

    /// Bytes of memory they hold on to.
    pub(crate) fn bytes(&self) -> usize {
        self.inputs.bytes() + self.whole.iter().chain(&self.diagonal).map(MapPass::bytes).sum::<usize>()
    }

    /// Runs the passes, with what was accumulated if the program is an epilogue.
    ///
    /// # Errors
    /// What binding the data reports.
    pub(crate) fn run(
        &self,
        input: FindInput<'_, '_>,
        scalars: &[Scalar],
        accumulator: Option<&HostBuffer>,
        outputs: &[SharedOutput<'_>],
    ) -> Result<()> {
        let data = self.inputs.bind_with(input, scalars, accumulator)?;
        for pass in self.whole.iter().chain(&self.diagonal) {
            pass.run(&data, 0, outputs);
        }
        Ok(())
    }
}

fn code(checked: &CheckedProgram<'_>, domain: &Shape, axes: &[usize], stores: &[PassStore]) -> TileCode {
    let pass = Pass { domain, axes, roots: &[], stores, slots: SlotPolicy::Reused, provided: &|_| false };
    TileCode::new(checked, &pass)
}

fn in_order(domain: &Shape) -> Vec<usize> {
    (0..domain.rank()).collect()
}
