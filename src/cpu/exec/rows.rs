//! Rows groups: reductions with everything before, between and after them, a chunk of rows at a time.
//!
//! The phases of the program (`phases`) run one after the other over a chunk. Row values are spread over tiles where elementwise
//! code reads them. A few long rows are divided among threads by segments of the reduction tree.

use std::sync::{Mutex, PoisonError};

use super::checked::CheckedProgram;
use super::code::{PassStore, ProvidedSlot, TileCode};
use super::data::{FindInput, RunData, RunInputs};
use super::fold::{RowFold, RowTile, SEGMENT, SegmentFold};
use super::layout::{RowChunk, RowLayout};
use super::output::SharedOutput;
use super::phases::{Phase, Phases};
use super::threads;
use super::tile::{TILE, TileRegisters, dispatch};
use crate::error::{Error, Result};
use crate::types::{DType, Scalar, Shape};

/// The passes of a rows group.
#[derive(Debug)]
pub(crate) struct RowsPasses {
    inputs: RunInputs,
    layout: RowLayout,
    phases: Vec<Phase>,
    /// The stores of one element a row.
    last: TileCode,
    dtypes: Vec<DType>,
    elements: usize,
}

/// The stores of a rows group.
pub(crate) struct RowsStores {
    /// Those of every element.
    pub(crate) inner: Vec<PassStore>,
    /// Those of one element a row, over the axes that are kept.
    pub(crate) per_row: Vec<PassStore>,
}

impl RowsPasses {
    /// The passes of a rows group, which reduces `axes`.
    ///
    /// # Errors
    /// An internal error for a store of one element a row whose register varies along it.
    pub(crate) fn new(
        checked: CheckedProgram<'_>,
        domain: &Shape,
        axes: &[usize],
        stores: &RowsStores,
    ) -> Result<Self> {
        let layout = RowLayout::new(domain, axes);
        let builder = Phases::new(&checked, domain, axes, &layout);
        if let Some(s) = stores.per_row.iter().find(|s| !builder.is_row(s.reg)) {
            return Err(Error::internal(format!("{} is stored once a row but varies along it", s.reg)));
        }
        let phases = (0..builder.count()).map(|p| builder.phase(p, &stores.inner)).collect();
        let last = builder.last(&stores.per_row);
        let dtypes = checked.program.dtypes.clone();
        Ok(Self { inputs: checked.into_inputs(), layout, phases, last, dtypes, elements: domain.len() })
    }

    /// Bytes of memory they hold on to.
    pub(crate) fn bytes(&self) -> usize {
        self.inputs.bytes()
            + self.layout.bytes()
            + self.last.bytes()
            + self.dtypes.capacity() * size_of::<DType>()
            + self.phases.iter().map(Phase::bytes).sum::<usize>()
    }

    /// Runs them.
    ///
    /// # Errors
    /// What binding the data reports.
    pub(crate) fn run(&self, input: FindInput<'_, '_>, scalars: &[Scalar], outputs: &[SharedOutput<'_>]) -> Result<()> {
        let data = &self.inputs.bind(input, scalars)?;
        RowsRun { passes: self, layout: &self.layout, data, outputs }.run();
        Ok(())
    }
}

/// A run of the passes over some data.
struct RowsRun<'r, 'd, 'o> {
    passes: &'r RowsPasses,
    layout: &'r RowLayout,
    data: &'r RunData<'d>,
    outputs: &'r [SharedOutput<'o>],
}

/// What one thread needs: row registers, and tile registers and folds for each phase.
struct ThreadState {
    row_regs: TileRegisters,
    phases: Vec<PhaseState>,
}

struct PhaseState {
    regs: TileRegisters,
    folds: Vec<RowFold>,
}

/// What the folds of a phase found in one segment of some rows.
struct SegmentResult {
    segment: usize,
    folds: Vec<SegmentFold>,
}

impl RowsRun<'_, '_, '_> {
    fn run(&self) {
        let (tasks, segments, elements) = (self.layout.chunks(), self.layout.segments(), self.passes.elements);
        if segments > 1 && tasks < 2 * threads::count(elements) {
            let mut row_regs = self.row_registers();
            for task in 0..tasks {
                self.divided_chunk(&mut row_regs, self.layout.chunk(task));
            }
        } else {
            threads::for_each(
                tasks,
                elements,
                || self.thread_state(),
                |state, task| self.whole_chunk(state, self.layout.chunk(task)),
            );
        }
    }

    fn row_registers(&self) -> TileRegisters {
        let mut regs = TileRegisters::new(self.passes.dtypes.len(), TILE);
        self.passes.last.fill_uniforms(&mut regs, self.data);
        for phase in &self.passes.phases {
            phase.per_row.fill_uniforms(&mut regs, self.data);
        }
        regs
    }

    fn row_folds(&self, phase: &Phase) -> Vec<RowFold> {
        phase.folds.iter().map(|f| RowFold::new(f.op, f.dtype, self.layout.chunk_rows())).collect()
    }

    fn phase_state(&self, phase: &Phase) -> PhaseState {
        PhaseState { regs: phase.inner.registers(self.data, TILE), folds: self.row_folds(phase) }
    }

    fn thread_state(&self) -> ThreadState {
        let phases = self.passes.phases.iter().map(|p| self.phase_state(p)).collect();
        ThreadState { row_regs: self.row_registers(), phases }
    }

    /// A chunk of rows from start to end on one thread.
    fn whole_chunk(&self, state: &mut ThreadState, chunk: RowChunk) {
        let ThreadState { row_regs, phases } = state;
        for (phase, state) in self.passes.phases.iter().zip(phases) {
            phase.per_row.run(self.data, row_regs, chunk.first, chunk.rows, None);
            if !phase.is_walk() {
                continue;
            }
            self.spread(&phase.inner, row_regs, &mut state.regs, chunk);
            state.folds.iter_mut().for_each(RowFold::reset);
            for segment in 0..self.layout.segments() {
                self.segment(phase, state, chunk, segment);
                state.folds.iter_mut().for_each(RowFold::end_own_segment);
            }
            for (fold, spec) in state.folds.iter().zip(&phase.folds) {
                fold.finish(row_regs, spec.to.index(), chunk.rows);
            }
        }
        self.store_rows(row_regs, chunk);
    }

    /// A chunk of long rows, each phase divided among threads by segments.
    fn divided_chunk(&self, row_regs: &mut TileRegisters, chunk: RowChunk) {
        for phase in &self.passes.phases {
            phase.per_row.run(self.data, row_regs, chunk.first, chunk.rows, None);
            if !phase.is_walk() {
                continue;
            }
            let results = self.segments(phase, row_regs, chunk);
            for (i, (mut fold, spec)) in self.row_folds(phase).into_iter().zip(&phase.folds).enumerate() {
                for result in &results {
                    fold.end_segment(&result.folds[i]);
                }
                fold.finish(row_regs, spec.to.index(), chunk.rows);
            }
        }
        self.store_rows(row_regs, chunk);
    }

    /// Walks all segments of a chunk's rows, and gives what each folded to, in order.
    fn segments(&self, phase: &Phase, row_regs: &TileRegisters, chunk: RowChunk) -> Vec<SegmentResult> {
        let results: Mutex<Vec<SegmentResult>> = Mutex::new(Vec::new());
        threads::for_each(
            self.layout.segments(),
            self.layout.len * chunk.rows,
            || {
                let mut state = self.phase_state(phase);
                self.spread(&phase.inner, row_regs, &mut state.regs, chunk);
                state
            },
            |state, segment| {
                state.folds.iter_mut().for_each(RowFold::reset);
                self.segment(phase, state, chunk, segment);
                let folds = state.folds.iter().map(RowFold::partial).collect();
                // A poisoned lock means that another task panicked, and that panic is on its way up already.
                results.lock().unwrap_or_else(PoisonError::into_inner).push(SegmentResult { segment, folds });
            },
        );
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|r| r.segment);
        results
    }

    fn store_rows(&self, row_regs: &mut TileRegisters, chunk: RowChunk) {
        let last = &self.passes.last;
        last.run(self.data, row_regs, chunk.first, chunk.rows, None);
        // SAFETY: each chunk of rows is worked on by one thread, and this is its only store of row values.
        unsafe { last.store(row_regs, self.outputs, chunk.first, chunk.rows) };
    }

    /// Walks one segment of a chunk's rows.
    fn segment(&self, phase: &Phase, state: &mut PhaseState, chunk: RowChunk, segment: usize) {
        let PhaseState { regs, folds } = state;
        let per_tile = self.layout.per_tile(chunk.rows);
        let end = ((segment + 1) * SEGMENT).min(self.layout.len);
        let mut first = segment * SEGMENT;
        while first < end {
            let len = per_tile.min(end - first);
            let (start, n) = (self.layout.start(chunk, first), chunk.rows * len);
            phase.inner.run(self.data, regs, start, n, None);
            let tile = RowTile {
                rows: chunk.rows,
                len,
                first,
                by_row: self.layout.by_row,
                last: first + len == self.layout.len,
            };
            for (fold, spec) in folds.iter_mut().zip(&phase.folds) {
                fold.feed(regs, spec.from, tile);
            }
            // SAFETY: chunks are disjoint sets of rows, segments disjoint parts of them, and tiles disjoint runs of a segment.
            unsafe { phase.inner.store(regs, self.outputs, start, n) };
            first += len;
        }
    }

    /// Spreads row values over the tiles of elementwise code; the pattern is the same for all tiles of a chunk.
    fn spread(&self, code: &TileCode, row_regs: &TileRegisters, regs: &mut TileRegisters, chunk: RowChunk) {
        for &ProvidedSlot { reg, slot } in &code.provided {
            dispatch!(self.passes.dtypes[reg.index()], T => {
                let values = row_regs.get::<T>(reg.index(), chunk.rows);
                let tile = regs.get_mut::<T>(slot, TILE);
                if self.layout.whole_rows(chunk.rows) {
                    for (part, &v) in tile.chunks_mut(self.layout.len).zip(values) {
                        part.fill(v);
                    }
                } else if chunk.rows == 1 {
                    tile.fill(values[0]);
                } else {
                    for part in tile.chunks_exact_mut(chunk.rows) {
                        part.copy_from_slice(values);
                    }
                }
            });
        }
    }
}
