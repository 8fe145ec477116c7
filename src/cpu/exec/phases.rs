//! The phases of a rows program: walks over the rows, each of which computes what the folds that end it need.
//!
//! What a fold needs is computed in one walk over the row, and what needs the fold's result in the next. Registers that are one
//! value a row are computed once a row, before the walk that reads them.

use super::checked::CheckedProgram;
use super::code::{Pass, PassStore, SlotPolicy, TileCode};
use super::fold::FoldOp;
use super::layout::RowLayout;
use crate::schedule::{Inst, Level, Program, Reg};
use crate::types::{DType, Shape};

/// One walk over the rows.
#[derive(Debug)]
pub(crate) struct Phase {
    /// What is computed once a row beforehand.
    pub(crate) per_row: TileCode,
    /// What is computed for each element.
    pub(crate) inner: TileCode,
    pub(crate) folds: Vec<PhaseFold>,
}

/// A fold of a phase, with its operand and its result.
#[derive(Debug)]
pub(crate) struct PhaseFold {
    pub(crate) op: FoldOp,
    pub(crate) dtype: DType,
    /// The slot of the reduced register in the phase's code.
    pub(crate) from: usize,
    /// The register of the result.
    pub(crate) to: Reg,
}

impl Phase {
    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.per_row.bytes() + self.inner.bytes() + self.folds.capacity() * size_of::<PhaseFold>()
    }

    /// Whether there is anything to do for each element.
    pub(crate) fn is_walk(&self) -> bool {
        !self.folds.is_empty() || !self.inner.stores.is_empty()
    }
}

/// A rows program with what its division into phases depends on.
pub(crate) struct Phases<'f, 'p> {
    checked: &'f CheckedProgram<'p>,
    domain: &'f Shape,
    layout: &'f RowLayout,
    levels: Vec<Level>,
    /// The phase in which each register is known.
    phase_of: Vec<usize>,
}

impl<'f, 'p> Phases<'f, 'p> {
    /// The division of a program over `domain` that reduces `axes`.
    pub(crate) fn new(
        checked: &'f CheckedProgram<'p>,
        domain: &'f Shape,
        axes: &[usize],
        layout: &'f RowLayout,
    ) -> Self {
        let program = checked.program;
        let mut phase_of: Vec<usize> = Vec::with_capacity(program.insts.len());
        for inst in &program.insts {
            let before = Program::operands(inst).iter().map(|r| phase_of[r.index()]).max().unwrap_or(0);
            phase_of.push(before + usize::from(fold_of(inst).is_some()));
        }
        Self { checked, domain, layout, levels: program.levels(axes), phase_of }
    }

    /// How many phases there are.
    pub(crate) fn count(&self) -> usize {
        self.phase_of.iter().max().map_or(0, |p| p + 1)
    }

    /// Whether a register is one value for a whole row.
    pub(crate) fn is_row(&self, reg: Reg) -> bool {
        self.levels[reg.index()] == Level::Row
    }

    fn is_fold(&self, reg: Reg) -> bool {
        fold_of(&self.checked.program.insts[reg.index()]).is_some()
    }

    fn code(&self, pass: Pass<'_>) -> TileCode {
        TileCode::new(self.checked, &pass)
    }

    /// Walk number `p`, with those of the stores whose registers it computes.
    pub(crate) fn phase(&self, p: usize, stores: &[PassStore]) -> Phase {
        let program = self.checked.program;
        let own = |r: Reg| self.phase_of[r.index()] == p;
        let regs = || (0..program.insts.len() as u32).map(Reg);
        let row_roots: Vec<Reg> = regs().filter(|&r| own(r) && self.is_row(r) && !self.is_fold(r)).collect();
        let per_row = self.code(Pass {
            domain: self.domain,
            axes: &self.layout.kept,
            roots: &row_roots,
            stores: &[],
            slots: SlotPolicy::ByRegister,
            provided: &|r| self.phase_of[r.index()] < p || self.is_fold(r),
        });
        // The folds whose operands this phase computes; their results are known in the next.
        let folds = || {
            let all = regs().filter_map(|to| fold_of(&program.insts[to.index()]).map(|(op, from)| (to, op, from)));
            all.filter(|&(_, _, from)| own(from))
        };
        let roots: Vec<Reg> = folds().map(|(_, _, from)| from).collect();
        let stores: Vec<PassStore> = stores.iter().filter(|s| own(s.reg)).cloned().collect();
        let inner = self.code(Pass {
            domain: self.domain,
            axes: &self.layout.axes,
            roots: &roots,
            stores: &stores,
            slots: SlotPolicy::Reused,
            provided: &|r| self.is_row(r),
        });
        let fold = |(to, op, from)| PhaseFold { op, dtype: program.dtype(from), from: inner.slot(from), to };
        let folds = folds().map(fold).collect();
        Phase { per_row, inner, folds }
    }

    /// The stores of one element a row, after the last walk.
    pub(crate) fn last(&self, stores: &[PassStore]) -> TileCode {
        self.code(Pass {
            domain: self.domain,
            axes: &self.layout.kept,
            roots: &[],
            stores,
            slots: SlotPolicy::ByRegister,
            provided: &|r| self.is_row(r),
        })
    }
}

/// The fold that an instruction is, and its operand.
fn fold_of(inst: &Inst) -> Option<(FoldOp, Reg)> {
    match inst {
        Inst::Reduce(op, r) => Some((FoldOp::Reduce(*op), *r)),
        Inst::ArgReduce(op, r) => Some((FoldOp::Arg(*op), *r)),
        _ => None,
    }
}
