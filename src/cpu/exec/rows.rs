//! Rows groups: reductions with everything before, between and after them, a chunk of rows at a time.
//!
//! A program falls into phases: what a fold needs is computed in one walk over the row, and what needs the fold's result in
//! the next. Registers that are one value a row are computed once a row and spread over tiles where element-wise code
//! reads them. A few long rows are divided among threads by segments of the reduction tree.

use std::sync::Mutex;

use super::body::{Body, Data, Form};
use super::code::{Code, Slots, Wanted};
use super::fold::{FoldOp, Folding, Partial, Piece, SEGMENT};
use super::layout::{Chunk, Layout};
use super::output::Output;
use super::threads;
use super::tile::{Registers, TILE, dispatch};
use crate::error::{Error, Result};
use crate::schedule::{Inst, Level, Program, Reg};
use crate::types::{DType, Shape};

/// One walk over the rows.
#[derive(Debug)]
struct Phase {
    /// What is computed once a row beforehand.
    rows: Code,
    /// What is computed for each element.
    inner: Code,
    folds: Vec<Fold>,
}

#[derive(Debug)]
struct Fold {
    op: FoldOp,
    dtype: DType,
    /// Slot of the folded register in the phase's code.
    from: usize,
    /// The register of the result.
    to: Reg,
}

/// A rows group ready to run.
#[derive(Debug)]
pub(crate) struct Rows {
    layout: Layout,
    phases: Vec<Phase>,
    /// The stores of one element a row.
    last: Code,
    dtypes: Vec<DType>,
    elements: usize,
}

/// Runs a rows group; see [`Rows::new`].
///
/// # Errors
/// An internal error when the program does not fit rows over `axes`.
pub(crate) fn run(
    body: &Body<'_>,
    domain: &Shape,
    axes: &[usize],
    inner: &[Wanted],
    per_row: &[Wanted],
    outputs: &[Output<'_>],
) -> Result<()> {
    Rows::new(&body.form, domain, axes, inner, per_row)?.run(&body.data, outputs);
    Ok(())
}

/// What one thread needs: row registers, and tile registers and folds for each phase.
struct State {
    rows: Registers,
    phases: Vec<(Registers, Vec<Folding>)>,
}

impl Rows {
    /// The passes of a rows group. `inner` stores write every element, `per_row` one element a row (over the kept axes).
    ///
    /// # Errors
    /// An internal error when the program does not fit rows over `axes`.
    pub(crate) fn new(
        form: &Form<'_>,
        domain: &Shape,
        axes: &[usize],
        inner: &[Wanted],
        per_row: &[Wanted],
    ) -> Result<Self> {
        let program = form.program;
        let layout = Layout::new(domain, axes);
        let levels = program.levels(axes);
        let folds: Vec<Option<(FoldOp, Reg)>> = program
            .insts
            .iter()
            .map(|inst| match inst {
                Inst::Reduce(op, r) => Some((FoldOp::Reduce(*op), *r)),
                Inst::ArgReduce(op, r) => Some((FoldOp::Arg(*op), *r)),
                _ => None,
            })
            .collect();
        let mut phase_of: Vec<usize> = Vec::with_capacity(levels.len());
        for (i, inst) in program.insts.iter().enumerate() {
            let before = Program::operands(inst).iter().map(|r| phase_of[r.index()]).max().unwrap_or(0);
            phase_of.push(before + usize::from(folds[i].is_some()));
        }
        let is_row = |r: Reg| levels[r.index()] == Level::Row;
        if let Some(w) = per_row.iter().find(|w| !is_row(w.reg)) {
            return Err(Error::internal(format!("{} is stored once a row but varies along it", w.reg)));
        }
        let n_phases = phase_of.iter().max().map_or(0, |p| p + 1);
        let regs = || (0..program.insts.len() as u32).map(Reg);
        let mut phases = Vec::with_capacity(n_phases);
        for p in 0..n_phases {
            let own = |r: &Reg| phase_of[r.index()] == p;
            let row_roots: Vec<Reg> = regs().filter(|r| own(r) && is_row(*r) && folds[r.index()].is_none()).collect();
            let earlier = |r: Reg| phase_of[r.index()] < p || folds[r.index()].is_some();
            let rows = Code::build(form, domain, &layout.kept, &row_roots, &[], Slots::ByRegister, &earlier);
            let ends: Vec<(Reg, FoldOp, Reg)> = regs()
                .filter_map(|to| folds[to.index()].map(|(op, from)| (to, op, from)))
                .filter(|(_, _, from)| own(from))
                .collect();
            let roots: Vec<Reg> = ends.iter().map(|e| e.2).collect();
            let stores: Vec<Wanted> = inner
                .iter()
                .filter(|w| own(&w.reg))
                .map(|w| Wanted { reg: w.reg, output: w.output, to: w.to.clone() })
                .collect();
            let code = Code::build(form, domain, &layout.axes, &roots, &stores, Slots::Reused, &is_row);
            let folds = ends
                .into_iter()
                .map(|(to, op, from)| Fold { op, dtype: program.dtype(from), from: code.slot(from), to })
                .collect();
            phases.push(Phase { rows, inner: code, folds });
        }
        let last = Code::build(form, domain, &layout.kept, &[], per_row, Slots::ByRegister, &is_row);
        Ok(Self { layout, phases, last, dtypes: program.dtypes.clone(), elements: domain.len() })
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        let phase =
            |p: &Phase| size_of::<Phase>() + p.rows.bytes() + p.inner.bytes() + p.folds.capacity() * size_of::<Fold>();
        self.layout.bytes()
            + self.last.bytes()
            + self.dtypes.capacity() * size_of::<DType>()
            + self.phases.iter().map(phase).sum::<usize>()
    }

    /// Runs it.
    pub(crate) fn run(&self, data: &Data<'_>, outputs: &[Output<'_>]) {
        let (tasks, segments) = (self.layout.chunks(), self.layout.segments());
        if segments > 1 && tasks < 2 * threads::count(self.elements) {
            let mut row_regs = self.row_registers(data);
            for task in 0..tasks {
                self.split(data, &mut row_regs, self.layout.chunk(task), outputs);
            }
        } else {
            threads::for_each(
                tasks,
                self.elements,
                || self.state(data),
                |state, task| self.whole(data, state, self.layout.chunk(task), outputs),
            );
        }
    }

    fn row_registers(&self, data: &Data<'_>) -> Registers {
        let mut regs = Registers::new(self.dtypes.len(), TILE);
        self.last.constants(&mut regs, data);
        for phase in &self.phases {
            phase.rows.constants(&mut regs, data);
        }
        regs
    }

    fn foldings(&self, phase: &Phase) -> Vec<Folding> {
        phase.folds.iter().map(|f| Folding::new(f.op, f.dtype, self.layout.chunk_rows())).collect()
    }

    fn state(&self, data: &Data<'_>) -> State {
        State {
            rows: self.row_registers(data),
            phases: self.phases.iter().map(|p| (p.inner.registers(data, TILE), self.foldings(p))).collect(),
        }
    }

    /// A chunk of rows from start to end on one thread.
    fn whole(&self, data: &Data<'_>, state: &mut State, chunk: Chunk, outputs: &[Output<'_>]) {
        for (phase, (regs, folds)) in self.phases.iter().zip(&mut state.phases) {
            phase.rows.run(data, &mut state.rows, chunk.first, chunk.rows, None);
            if !phase.is_walk() {
                continue;
            }
            self.spread(&phase.inner, &state.rows, regs, chunk);
            folds.iter_mut().for_each(Folding::reset);
            for segment in 0..self.layout.segments() {
                self.segment(phase, data, regs, folds, (chunk, segment), outputs);
                folds.iter_mut().for_each(Folding::end_own_segment);
            }
            for (fold, spec) in folds.iter().zip(&phase.folds) {
                fold.finish(&mut state.rows, spec.to.index(), chunk.rows);
            }
        }
        self.store_rows(data, &mut state.rows, chunk, outputs);
    }

    /// A chunk of long rows, each phase divided among threads by segments.
    fn split(&self, data: &Data<'_>, row_regs: &mut Registers, chunk: Chunk, outputs: &[Output<'_>]) {
        for phase in &self.phases {
            phase.rows.run(data, row_regs, chunk.first, chunk.rows, None);
            if !phase.is_walk() {
                continue;
            }
            let partials: Mutex<Vec<(usize, Vec<Partial>)>> = Mutex::new(Vec::new());
            let shared: &Registers = row_regs;
            threads::for_each(
                self.layout.segments(),
                self.layout.len * chunk.rows,
                || {
                    let mut regs = phase.inner.registers(data, TILE);
                    self.spread(&phase.inner, shared, &mut regs, chunk);
                    (regs, self.foldings(phase))
                },
                |(regs, folds), segment| {
                    folds.iter_mut().for_each(Folding::reset);
                    self.segment(phase, data, regs, folds, (chunk, segment), outputs);
                    let found = folds.iter().map(Folding::partial).collect();
                    // A poisoned lock means that another task panicked, and that panic is on its way up already.
                    partials.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((segment, found));
                },
            );
            let mut partials = partials.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            partials.sort_by_key(|p| p.0);
            for (i, (mut fold, spec)) in self.foldings(phase).into_iter().zip(&phase.folds).enumerate() {
                for (_, found) in &partials {
                    fold.end_segment(&found[i]);
                }
                fold.finish(row_regs, spec.to.index(), chunk.rows);
            }
        }
        self.store_rows(data, row_regs, chunk, outputs);
    }

    fn store_rows(&self, data: &Data<'_>, row_regs: &mut Registers, chunk: Chunk, outputs: &[Output<'_>]) {
        self.last.run(data, row_regs, chunk.first, chunk.rows, None);
        // SAFETY: each chunk of rows is worked on by one thread, and this is its only store of row values.
        unsafe { self.last.put(row_regs, outputs, chunk.first, chunk.rows) };
    }

    /// Walks one segment of a chunk's rows.
    fn segment(
        &self,
        phase: &Phase,
        data: &Data<'_>,
        regs: &mut Registers,
        folds: &mut [Folding],
        (chunk, segment): (Chunk, usize),
        outputs: &[Output<'_>],
    ) {
        let per_tile = self.layout.per_tile(chunk.rows);
        let end = ((segment + 1) * SEGMENT).min(self.layout.len);
        let mut first = segment * SEGMENT;
        while first < end {
            let len = per_tile.min(end - first);
            let (start, n) = (self.layout.start(chunk, first), chunk.rows * len);
            phase.inner.run(data, regs, start, n, None);
            let piece = Piece {
                rows: chunk.rows,
                len,
                first,
                by_row: self.layout.by_row,
                last: first + len == self.layout.len,
            };
            for (fold, spec) in folds.iter_mut().zip(&phase.folds) {
                fold.feed(regs, spec.from, piece);
            }
            // SAFETY: chunks are disjoint sets of rows, segments disjoint parts of them, and tiles disjoint runs of a segment.
            unsafe { phase.inner.put(regs, outputs, start, n) };
            first += len;
        }
    }

    /// Spreads row values over the tiles of element-wise code; the pattern is the same for all tiles of a chunk.
    fn spread(&self, code: &Code, row_regs: &Registers, regs: &mut Registers, chunk: Chunk) {
        for &(reg, slot) in &code.given {
            dispatch!(self.dtypes[reg.index()], T => {
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

impl Phase {
    /// Whether there is anything to do for each element.
    fn is_walk(&self) -> bool {
        !self.folds.is_empty() || !self.inner.puts.is_empty()
    }
}
