//! A rows group over merged axes: what its kernels have in common.

use crate::error::Result;
use crate::kernels::choose::{self, RowsProblem};
use crate::kernels::domain::{merge, merged_program, merged_shape, merged_view};
use crate::kernels::emitter::Emitter;
use crate::kernels::fold::Fold;
use crate::kernels::kernel::BindingSource;
use crate::kernels::module::{LoweringInput, Module};
use crate::kernels::text::Expr;
use crate::schedule::{Inst, Level, Program, Reg, Store, StoreShape};
use crate::types::{Numerics, Shape, View};

/// A rows group over merged axes, kept ones first.
pub(super) struct Rows<'a> {
    pub input: LoweringInput<'a>,
    pub program: Program,
    pub kept: Shape,
    pub reduced: Shape,
    /// The dense view of the domain, for whole stores.
    pub whole: View,
    pub levels: Vec<Level>,
    /// The folds that the stores need, in order.
    pub folds: Vec<Fold>,
    /// How many folds lie below each register, itself included.
    depth: Vec<u32>,
}

/// The scratch buffers of a fold whose rows are cut into parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoldScratch {
    /// The partial results.
    pub parts: BindingSource,
    /// Their positions.
    pub positions: BindingSource,
    /// The result for each row.
    pub result: BindingSource,
}

impl<'a> Rows<'a> {
    pub fn new(input: LoweringInput<'a>, axes: &[usize]) -> Result<Self> {
        let group = input.group;
        let domain = &group.domain;
        let dense = View::dense(domain);
        let extra: Vec<&View> =
            if group.stores.iter().any(|s| s.shape == StoreShape::Full) { vec![&dense] } else { vec![] };
        let kept_axes: Vec<usize> = (0..domain.rank()).filter(|a| !axes.contains(a)).collect();
        let mut merging = merge(domain, &kept_axes, &[&group.body], &extra)?;
        let n_kept = merging.len();
        merging.extend(merge(domain, axes, &[&group.body], &extra)?);
        let shape = merged_shape(domain, &merging);
        let program = merged_program(&group.body, domain, &merging)?;
        let reduced_axes: Vec<usize> = (n_kept..shape.rank()).collect();
        let levels = program.levels(&reduced_axes);
        let targets: Vec<Reg> = group.stores.iter().map(|s| s.reg).collect();
        let cone = Emitter::new(&program, "").cone(&targets);
        let folds = cone.into_iter().filter_map(|r| Fold::of(&program, r)).collect();
        Ok(Self {
            input,
            kept: Shape::new(&shape[..n_kept]),
            reduced: Shape::new(&shape[n_kept..]),
            whole: merged_view(&dense, &merging)?,
            depth: depths(&program),
            program,
            levels,
            folds,
        })
    }

    /// The group as numbers to choose kernels by. `split` is what the schedule asks for.
    pub fn problem(&self, split: u32) -> RowsProblem {
        let whole_stores = self.has(StoreShape::Full);
        let rounds = self.input.numerics == Numerics::Strict && self.folds.iter().any(Fold::rounds);
        let views = self.program.loads.iter().map(|l| &l.view).chain(whole_stores.then_some(&self.whole));
        RowsProblem {
            rows: self.kept.len(),
            elements: self.reduced.len(),
            columns: choose::lies_in_columns(views, self.kept.rank()),
            by_shape: rounds,
            levels: self.n_levels(),
            whole_stores,
            sums: self.folds.iter().any(Fold::sums_floats),
            split,
            least_parts: 1,
        }
    }

    /// Whether some store has this shape.
    pub fn has(&self, shape: StoreShape) -> bool {
        self.input.group.stores.iter().any(|s| s.shape == shape)
    }

    /// The stores of one shape.
    pub fn stores(&self, shape: StoreShape) -> Vec<Store> {
        self.input.group.stores.iter().filter(|s| s.shape == shape).cloned().collect()
    }

    /// The level of a fold: 1 for those that need no other, one more than the highest it needs for others.
    pub fn level(&self, fold: &Fold) -> u32 {
        self.depth[fold.reg.index()]
    }

    /// How many levels of folds there are.
    pub fn n_levels(&self) -> u32 {
        self.folds.iter().map(|f| self.level(f)).max().unwrap_or(0)
    }

    /// Whether a register is a load that varies along the row.
    pub fn is_inner_load(&self, reg: Reg) -> bool {
        self.levels[reg.index()] == Level::Inner && matches!(self.program.insts[reg.index()], Inst::Load(_))
    }

    /// The scratch buffers of the fold that defines `reg`.
    pub fn scratch(&self, reg: Reg) -> FoldScratch {
        let i = self.folds.iter().position(|f| f.reg == reg).unwrap_or_default() as u32;
        FoldScratch {
            parts: BindingSource::Scratch(3 * i),
            positions: BindingSource::Scratch(3 * i + 1),
            result: BindingSource::Scratch(3 * i + 2),
        }
    }

    /// Bytes of the scratch buffers of all folds, in the order of [`Rows::scratch`], when each row has `parts` parts.
    pub fn scratch_bytes(&self, parts: u32) -> Vec<u64> {
        let rows = self.kept.len() as u64;
        let cells = rows * u64::from(parts);
        let of_fold = |f: &Fold| {
            let result = self.program.dtype(f.reg).device_size() as u64;
            [cells * f.acc.device_size() as u64, if f.gives_position() { cells * 4 } else { 4 }, rows * result]
        };
        self.folds.iter().flat_map(of_fold).collect()
    }

    /// Reads the results of folds below `level` that `needed` registers need from scratch.
    pub fn recall(&self, m: &mut Module<'_>, level: u32, emitter: &mut Emitter<'_>, needed: &[Reg]) -> Result<()> {
        let cone = emitter.cone(needed);
        for f in &self.folds {
            if self.level(f) < level && cone.contains(&f.reg) {
                let dtype = self.program.dtype(f.reg);
                let buffer = m.bind(self.scratch(f.reg).result, dtype, false)?;
                let result = m.read(buffer, &Expr::new("row"));
                let result = m.code.declare(format_args!("r{}", f.reg.0), &result);
                emitter.set(f.reg, result);
            }
        }
        Ok(())
    }
}

/// How many folds lie below each register, itself included.
fn depths(program: &Program) -> Vec<u32> {
    let mut depths: Vec<u32> = Vec::with_capacity(program.insts.len());
    for inst in &program.insts {
        let below = Program::operands(inst).iter().map(|r| depths[r.index()]).max().unwrap_or(0);
        depths.push(below + u32::from(matches!(inst, Inst::Reduce(..) | Inst::ArgReduce(..))));
    }
    depths
}
