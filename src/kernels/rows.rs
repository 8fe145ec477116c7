//! The reduction core: which kernels a rows group becomes.
//!
//! Rows are folded by the lanes of a workgroup, in one pass for each level of folds that depend on one another, and a last
//! pass stores what varies along the row. Rows too few to fill a device are cut into parts: for each level a kernel folds the
//! parts and another combines them, and an elementwise kernel stores the rest. The text is written in `rows_text`.

use super::body::{Body, Place, coordinates};
use super::domain::{merge, merged_program, merged_shape, merged_view};
use super::fold::{Fold, Op};
use super::module::{Context, Module};
use super::rows_text::Stage;
use super::{Kernel, Lowered, Source, map};
use crate::error::{Error, Result};
use crate::schedule::{Core, Inst, Level, Program, Reg, Store, StoreShape};
use crate::types::{Limits, Shape, View};

/// Elements that a lane keeps in registers between passes.
const HELD: usize = 8;

/// A rows group over merged axes, kept ones first.
pub(super) struct Rows<'a> {
    pub ctx: Context<'a>,
    pub program: Program,
    pub kept: Shape,
    pub reduced: Shape,
    /// The dense view of the domain, for whole stores.
    pub whole: View,
    pub levels: Vec<Level>,
    /// How many folds lie below each register, itself included.
    pub depth: Vec<u32>,
    /// The folds that the stores need, in order.
    pub folds: Vec<Fold>,
}

/// How threads are laid over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    /// Threads along a row.
    pub lanes: u32,
    /// Whether neighbouring threads belong to neighbouring rows rather than to neighbouring elements of one.
    pub columns: bool,
    /// Elements that each lane loads once and keeps for all passes; 0 to read them again in every pass.
    pub held: u32,
}

impl Lanes {
    /// Rows in a workgroup.
    pub fn slots(self) -> u32 {
        256 / self.lanes
    }

    /// Threads between neighbouring lanes of a row.
    pub fn step(self) -> u32 {
        if self.columns { self.slots() } else { 1 }
    }

    /// Lanes for `rows` rows of `count` elements.
    pub fn choose(rows: usize, count: usize, columns: bool) -> Self {
        let lanes = if columns {
            let slots = rows.next_power_of_two().clamp(1, 32) as u32;
            if count <= 32 { 1 } else { 256 / slots }
        } else {
            match count {
                0..=8 => 1,
                9..=64 => 8,
                65..=1024 => 32,
                _ => 256,
            }
        };
        Self { lanes, columns: columns && lanes < 256, held: 0 }
    }

    /// Lanes that hold whole rows of `count` elements in registers, if so many are few enough.
    fn holding(self, count: usize) -> Option<Self> {
        let lanes = if self.columns {
            self.lanes as usize
        } else {
            count.div_ceil(HELD).next_power_of_two().max(count.next_power_of_two().min(16)).min(256)
        };
        let held = count.div_ceil(lanes);
        (held <= HELD).then_some(Self { lanes: lanes as u32, held: held as u32, ..self })
    }
}

/// The scratch buffers of a fold: its partial results, their positions, and its result for each row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    pub parts: Source,
    pub positions: Source,
    pub result: Source,
}

/// Lowers a rows group.
pub(super) fn lower(ctx: Context<'_>) -> Result<Lowered> {
    let Core::Rows { axes, split } = &ctx.group.core else {
        return Err(Error::internal("a rows group was expected"));
    };
    let rows = Rows::new(ctx, axes)?;
    if rows.has(StoreShape::Diagonal) {
        return Err(Error::unsupported("a rows group stores no diagonals"));
    }
    let parts = rows.parts(*split);
    if parts > 1 {
        match rows.split(parts) {
            Err(e) if e.is_unsupported() => {}
            other => return other,
        }
    }
    let mut lanes = rows.lanes();
    let passes = rows.most() + u32::from(rows.has(StoreShape::Full));
    if passes > 1 && !ctx.limits.software {
        lanes = lanes.holding(rows.reduced.len()).unwrap_or(lanes);
    }
    Ok(Lowered { kernels: vec![rows.kernel(Stage::Whole, lanes)?], scratch: Vec::new() })
}

impl<'a> Rows<'a> {
    fn new(ctx: Context<'a>, axes: &[usize]) -> Result<Self> {
        let group = ctx.group;
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
        let mut depth: Vec<u32> = Vec::with_capacity(program.insts.len());
        for inst in &program.insts {
            let below = Program::operands(inst).iter().map(|r| depth[r.index()]).max().unwrap_or(0);
            depth.push(below + u32::from(matches!(inst, Inst::Reduce(..) | Inst::ArgReduce(..))));
        }
        let targets: Vec<Reg> = group.stores.iter().map(|s| s.reg).collect();
        let cone = Body::new(&program, "").cone(&targets);
        let folds = cone.into_iter().filter_map(|r| Fold::of(&program, r)).collect();
        Ok(Self {
            ctx,
            kept: Shape::new(&shape[..n_kept]),
            reduced: Shape::new(&shape[n_kept..]),
            whole: merged_view(&dense, &merging)?,
            program,
            levels,
            depth,
            folds,
        })
    }

    /// Whether some store has this shape.
    pub fn has(&self, shape: StoreShape) -> bool {
        self.ctx.group.stores.iter().any(|s| s.shape == shape)
    }

    /// The stores of one shape.
    pub fn stores(&self, shape: StoreShape) -> Vec<Store> {
        self.ctx.group.stores.iter().filter(|s| s.shape == shape).cloned().collect()
    }

    /// How many levels of folds there are.
    pub fn most(&self) -> u32 {
        self.folds.iter().map(|f| self.depth[f.reg.index()]).max().unwrap_or(0)
    }

    /// Whether neighbouring rows, rather than neighbouring elements of a row, are neighbours in memory for most of what
    /// varies along the row.
    fn lanes(&self) -> Lanes {
        let n = self.kept.rank();
        let (mut along, mut across) = (0usize, 0usize);
        let mut count = |view: &View| {
            let last = |range: std::ops::Range<usize>| {
                range.rev().find(|&a| view.shape()[a] > 1).map_or(0, |a| view.strides()[a].abs())
            };
            match (last(0..n), last(n..view.shape().rank())) {
                (_, 1) => along += 1,
                (1, s) if s != 0 => across += 1,
                _ => {}
            }
        };
        for load in &self.program.loads {
            count(&load.view);
        }
        if self.has(StoreShape::Full) {
            count(&self.whole);
        }
        Lanes::choose(self.kept.len(), self.reduced.len(), across > along)
    }

    /// How many parts each row is cut into: at least as many as the schedule asks for, and enough to fill a device.
    fn parts(&self, asked: u32) -> u32 {
        if self.folds.is_empty() {
            return 1;
        }
        let lanes = self.lanes();
        let groups = self.kept.len().div_ceil(lanes.slots() as usize).max(1);
        let target = target_groups(self.ctx.limits);
        let several = self.most() > 1 || self.has(StoreShape::Full);
        // Passes in kernels of their own read memory again and again: that has to be won back by an idle device's filling.
        if several && (groups * 4 > target || self.ctx.limits.software) {
            return 1;
        }
        // A part is worth its workgroup from a few elements for each thread on.
        let most = self.reduced.len() / (lanes.lanes as usize * 16);
        let wanted = (target / groups).max(if several { 1 } else { asked as usize });
        wanted.min(most.max(1)).min(1024) as u32
    }

    /// Parts and their combination, level by level, and what varies along the rows at last.
    fn split(&self, parts: u32) -> Result<Lowered> {
        let chunk = self.reduced.len().div_ceil(parts as usize);
        let parts = self.reduced.len().div_ceil(chunk) as u32;
        let lanes = Lanes::choose(self.kept.len(), parts as usize, true);
        let mut kernels = Vec::new();
        for depth in 1..=self.most() {
            kernels.push(self.kernel(Stage::Parts { parts, chunk, depth }, self.lanes())?);
            kernels.push(self.kernel(Stage::Combine { parts, depth }, lanes)?);
        }
        if self.has(StoreShape::Full) {
            kernels.push(self.rest()?);
        }
        let (rows, cells) = (self.kept.len() as u64, self.kept.len() as u64 * u64::from(parts));
        let scratch = self.folds.iter().flat_map(|f| {
            let position = matches!(f.op, Op::Position(_));
            let result = self.program.dtype(f.reg).device_size() as u64;
            [cells * f.acc.device_size() as u64, if position { cells * 4 } else { 4 }, rows * result]
        });
        Ok(Lowered { kernels, scratch: scratch.collect() })
    }

    /// The scratch buffers of the fold that defines `reg`.
    pub fn slots(&self, reg: Reg) -> Slots {
        let i = self.folds.iter().position(|f| f.reg == reg).unwrap_or_default() as u32;
        Slots {
            parts: Source::Scratch(3 * i),
            positions: Source::Scratch(3 * i + 1),
            result: Source::Scratch(3 * i + 2),
        }
    }

    /// Makes the results of folds above `depth` known to `body`, from scratch.
    pub fn recall(
        &self,
        m: &mut Module<'_>,
        depth: u32,
        body: &mut Body<'_>,
        needed: &[Reg],
        out: &mut String,
    ) -> Result<()> {
        let cone = body.cone(needed);
        for f in &self.folds {
            if self.depth[f.reg.index()] < depth && cone.contains(&f.reg) {
                let dtype = self.program.dtype(f.reg);
                let buffer = m.bind(self.slots(f.reg).result, dtype, false)?;
                out.push_str(&format!("let r{} = {};\n", f.reg.0, m.read(&buffer, dtype, "row")));
                body.set(f.reg, format!("r{}", f.reg.0));
            }
        }
        Ok(())
    }

    /// The elementwise kernel behind split folds.
    fn rest(&self) -> Result<Kernel> {
        let mut m = Module::new(self.ctx);
        let mut text = String::new();
        // Element i of the dense result: its axes from the slowest to the fastest.
        let mut order: Vec<usize> = (0..self.whole.shape().rank()).collect();
        order.sort_by_key(|&a| std::cmp::Reverse(self.whole.strides()[a]));
        let shape: Vec<usize> = order.iter().map(|&a| self.whole.shape()[a]).collect();
        let found = coordinates(&mut m, &shape, "i", "i", &mut text)?;
        let mut coords = vec![String::new(); order.len()];
        for (name, &axis) in found.into_iter().zip(&order) {
            coords[axis] = name;
        }
        let rows = View::dense(&self.kept);
        let row = super::body::index(&mut m, &rows, &coords[..self.kept.rank()], &[]);
        text.push_str(&format!("let row = {row};\n"));
        let stores = self.stores(StoreShape::Full);
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        let mut body = Body::new(&self.program, "r");
        self.recall(&mut m, u32::MAX, &mut body, &targets, &mut text)?;
        let total = self.whole.shape().len();
        map::kernel(m, "rows rest", body, &self.program, &Place { coords }, text, &stores, total)
    }
}

/// Whether a register is a load that varies along the row.
pub(super) fn is_inner_load(rows: &Rows<'_>, reg: Reg) -> bool {
    let level = rows.levels[reg.index()] == Level::Inner;
    level && matches!(rows.program.insts[reg.index()], Inst::Load(_))
}

/// Workgroups that keep a device busy.
pub(super) fn target_groups(limits: &Limits) -> usize {
    if limits.software { 16 } else { 1056 }
}
