//! The reduction core: rows are folded by the lanes of a workgroup, in one pass for each level of folds that depend on one
//! another, and a last pass that stores what varies along the row. Rows too few to fill a device are cut into parts whose
//! folds a second kernel combines.

use std::fmt::Write as _;

use super::body::{Body, Place, coordinates, index};
use super::domain::{merge, merged_program, merged_shape, merged_view};
use super::fold::{Fold, Op, shared};
use super::module::{Context, Module};
use super::{Kernel, Lowered, Source};
use crate::error::{Error, Result};
use crate::schedule::{Core, Inst, Level, Program, Reg, StoreShape};
use crate::types::{DType, Limits, Shape, View};

/// A rows group over merged axes, kept ones first.
struct Rows<'a> {
    ctx: Context<'a>,
    program: Program,
    kept: Shape,
    reduced: Shape,
    /// The dense view of the domain, for whole stores.
    whole: View,
    levels: Vec<Level>,
    /// How many folds lie below each register.
    depth: Vec<u32>,
}

/// How threads are laid over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    /// Threads along a row.
    pub lanes: u32,
    /// Whether neighbouring threads belong to neighbouring rows rather than to neighbouring elements of one.
    pub columns: bool,
}

impl Lanes {
    /// Rows in a workgroup.
    pub fn slots(self) -> u32 {
        256 / self.lanes
    }

    fn step(self) -> u32 {
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
        Self { lanes, columns: columns && lanes < 256 }
    }
}

/// Which part of the work a kernel does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// All of it.
    Whole,
    /// Folds of one part of each row, to scratch.
    Parts { parts: u32, chunk: usize },
    /// The folds of those, and what follows.
    Combine { parts: u32 },
}

/// Lowers a rows group.
pub(super) fn lower(ctx: Context<'_>) -> Result<Lowered> {
    let Core::Rows { axes, split } = &ctx.group.core else {
        return Err(Error::internal("a rows group was expected"));
    };
    let rows = Rows::new(ctx, axes)?;
    let parts = rows.parts(*split);
    if parts > 1 {
        match rows.split(parts) {
            Err(e) if e.is_unsupported() => {}
            other => return other,
        }
    }
    let lanes = rows.lanes();
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
        Ok(Self {
            ctx,
            kept: Shape::new(&shape[..n_kept]),
            reduced: Shape::new(&shape[n_kept..]),
            whole: merged_view(&dense, &merging)?,
            program,
            levels,
            depth,
        })
    }

    fn folds(&self) -> Vec<Fold> {
        let targets: Vec<Reg> = self.ctx.group.stores.iter().map(|s| s.reg).collect();
        Body::new(&self.program, "").cone(&targets).into_iter().filter_map(|r| Fold::of(&self.program, r)).collect()
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
        if self.ctx.group.stores.iter().any(|s| s.shape == StoreShape::Full) {
            count(&self.whole);
        }
        Lanes::choose(self.kept.len(), self.reduced.len(), across > along)
    }

    /// How many parts each row is cut into: at least as many as the schedule asks for, and enough to fill a device.
    fn parts(&self, asked: u32) -> u32 {
        let stores = &self.ctx.group.stores;
        let single = self.folds().iter().all(|f| self.depth[f.reg.index()] == 1);
        if !single || stores.iter().any(|s| s.shape != StoreShape::Row) {
            return 1;
        }
        let lanes = self.lanes();
        let groups = self.kept.len().div_ceil(lanes.slots() as usize);
        let wanted = target_groups(self.ctx.limits) / groups.max(1);
        // A part is worth its workgroup from a few elements for each thread on.
        let most = self.reduced.len() / (lanes.lanes as usize * 16);
        let parts = wanted.max(asked as usize).min(most.max(1)).min(1024);
        parts as u32
    }

    fn split(&self, parts: u32) -> Result<Lowered> {
        let chunk = self.reduced.len().div_ceil(parts as usize);
        let parts = self.reduced.len().div_ceil(chunk) as u32;
        let first = self.kernel(Stage::Parts { parts, chunk }, self.lanes())?;
        let lanes = Lanes::choose(self.kept.len(), parts as usize, true);
        let second = self.kernel(Stage::Combine { parts }, lanes)?;
        let cells = self.kept.len() as u64 * u64::from(parts);
        let mut scratch = Vec::new();
        for fold in self.folds() {
            scratch.push(cells * fold.acc.device_size() as u64);
            if matches!(fold.op, Op::Position(_)) {
                scratch.push(cells * 4);
            }
        }
        Ok(Lowered { kernels: vec![first, second], scratch })
    }

    fn kernel(&self, stage: Stage, lanes: Lanes) -> Result<Kernel> {
        let mut m = Module::new(self.ctx);
        let rows = self.kept.len();
        let (count, label) = match stage {
            Stage::Whole => (self.reduced.len(), "rows"),
            Stage::Parts { .. } => (self.reduced.len(), "rows parts"),
            Stage::Combine { parts } => (parts as usize, "rows combine"),
        };
        let (rows_word, count_word) = (m.extent(rows)?, m.extent(count)?);
        m.define("ROWS", rows_word);
        m.define("COUNT", count_word);
        let mut groups = (rows as u64).div_ceil(u64::from(lanes.slots()));
        if let Stage::Parts { parts, chunk } = stage {
            let (parts_word, chunk_word) = (m.word(parts), m.extent(chunk)?);
            m.define("PARTS", parts_word);
            m.define("CHUNK", chunk_word);
            groups *= u64::from(parts);
        }
        if lanes.columns {
            m.define("COLUMNS", "");
        }
        m.define("LANES", lanes.lanes.to_string());
        m.define("SLOTS", lanes.slots().to_string());

        let folds = self.folds();
        let mut functions: Vec<String> = folds.iter().filter_map(|f| f.function(&mut m)).collect();
        functions.sort();
        functions.dedup();
        let mut text = String::new();
        self.write(&mut m, stage, lanes, &folds, &mut text)?;
        m.define("SHARED", if lanes.lanes > 1 { shared(&folds) } else { String::new() });
        m.define("FUNCTIONS", functions.concat());
        m.define("BODY", text);
        m.finish(label, "rows", groups)
    }

    fn write(&self, m: &mut Module<'_>, stage: Stage, lanes: Lanes, folds: &[Fold], out: &mut String) -> Result<()> {
        let kept = coordinates(m, &self.kept, "row", "c", out)?;
        let mut row_coords = kept.clone();
        row_coords.extend(self.reduced.iter().map(|_| "0u".to_owned()));
        let row_place = Place { coords: row_coords };
        let mut body = Body::new(&self.program, "r");
        let most = folds.iter().map(|f| self.depth[f.reg.index()]).max().unwrap_or(0);
        for depth in 1..=most {
            let now: Vec<&Fold> = folds.iter().filter(|f| self.depth[f.reg.index()] == depth).collect();
            self.pass(m, stage, lanes, &now, &kept, &row_place, &mut body, out)?;
        }
        if let Stage::Parts { .. } = stage {
            let rows = m.extent(self.kept.len())?;
            out.push_str("if (valid && lane == 0u) {\n");
            let mut slot = 0;
            for f in folds {
                let name = format!("fold{}", f.reg.0);
                let buffer = m.bind(Source::Scratch(slot), f.acc, true)?;
                let _ = writeln!(out, "{}", Module::write(&buffer, f.acc, &format!("part * {rows} + row"), &name));
                slot += 1;
                if matches!(f.op, Op::Position(_)) {
                    let buffer = m.bind(Source::Scratch(slot), DType::U32, true)?;
                    let _ = writeln!(out, "{buffer}[part * {rows} + row] = {name}_at;");
                    slot += 1;
                }
            }
            out.push_str("}\n");
            return Ok(());
        }
        self.store_whole(m, lanes, &kept, &row_place, &mut body, out)?;
        let stores: Vec<_> = self.ctx.group.stores.iter().filter(|s| s.shape == StoreShape::Row).collect();
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        if stores.is_empty() {
            return Ok(());
        }
        out.push_str("if (valid && lane == 0u) {\n");
        body.emit(m, &row_place, &targets, out)?;
        for store in stores {
            let dtype = self.program.dtype(store.reg);
            let buffer = m.bind_value(store.value, dtype, true)?;
            let _ = writeln!(out, "{}", Module::write(&buffer, dtype, "row", &body.get(store.reg)?));
        }
        out.push_str("}\n");
        Ok(())
    }

    /// Emits the registers below `targets` that are one value for a row, so that loops find them known.
    fn hoist(
        &self,
        m: &mut Module<'_>,
        place: &Place,
        body: &mut Body<'_>,
        targets: &[Reg],
        out: &mut String,
    ) -> Result<()> {
        let fixed: Vec<Reg> = body.cone(targets).into_iter().filter(|r| self.levels[r.index()] == Level::Row).collect();
        body.emit(m, place, &fixed, out)
    }

    /// A loop over the row's elements: `make` writes the statements of one element after its registers are known.
    #[expect(clippy::too_many_arguments, reason = "the parts of a loop, all of them different")]
    fn walk(
        &self,
        m: &mut Module<'_>,
        lanes: Lanes,
        kept: &[String],
        body: &Body<'_>,
        targets: &[Reg],
        out: &mut String,
        mut make: impl FnMut(&mut Module<'_>, &Body<'_>, &Place, &str, usize, &mut String) -> Result<()>,
    ) -> Result<()> {
        let unroll = unroll(m.ctx.limits);
        let lanes = lanes.lanes;
        out.push_str("{\nvar j = begin + lane;\n");
        let mut forms = vec![1usize];
        if unroll > 1 {
            forms.insert(0, unroll);
        }
        for copies in forms {
            let ahead = (copies as u32 - 1) * lanes;
            let _ = writeln!(out, "for (; j + {ahead}u < end; j += {}u) {{", copies as u32 * lanes);
            let mut after = String::new();
            for copy in 0..copies {
                let _ = writeln!(out, "let j{copy} = j + {}u;", copy as u32 * lanes);
                let mut coords = kept.to_vec();
                coords.extend(coordinates(m, &self.reduced, &format!("j{copy}"), &format!("j{copy}_"), out)?);
                let place = Place { coords };
                let mut own = body.copy(format!("e{copy}_"));
                own.emit(m, &place, targets, out)?;
                make(m, &own, &place, &format!("j{copy}"), copy, &mut after)?;
            }
            out.push_str(&after);
            out.push_str("}\n");
        }
        out.push_str("}\n");
        Ok(())
    }

    /// One pass of folds that need no other fold of their own level.
    #[expect(clippy::too_many_arguments, reason = "the parts of a pass, all of them different")]
    fn pass(
        &self,
        m: &mut Module<'_>,
        stage: Stage,
        lanes: Lanes,
        folds: &[&Fold],
        kept: &[String],
        row_place: &Place,
        body: &mut Body<'_>,
        out: &mut String,
    ) -> Result<()> {
        let unroll = unroll(m.ctx.limits);
        let name = |f: &Fold| format!("fold{}", f.reg.0);
        for f in folds {
            for copy in 0..unroll {
                f.declare(m, &accumulator_name(&name(f), copy), out)?;
            }
        }
        if let Stage::Combine { .. } = stage {
            let rows = m.extent(self.kept.len())?;
            let _ = writeln!(out, "for (var j = lane; j < end; j += {}u) {{", lanes.lanes);
            let mut slot = 0;
            for f in folds {
                let buffer = m.bind(Source::Scratch(slot), f.acc, false)?;
                let x = m.read(&buffer, f.acc, &format!("j * {rows} + row"));
                slot += 1;
                let mut at = String::new();
                if matches!(f.op, Op::Position(_)) {
                    let buffer = m.bind(Source::Scratch(slot), DType::U32, false)?;
                    at = format!("{buffer}[j * {rows} + row]");
                    slot += 1;
                }
                f.add(m, &name(f), &x, &at, out)?;
            }
            out.push_str("}\n");
        } else {
            let targets: Vec<Reg> = folds.iter().map(|f| f.operand).collect();
            self.hoist(m, row_place, body, &targets, out)?;
            self.walk(m, lanes, kept, body, &targets, out, |m, own, _, j, copy, after| {
                for f in folds {
                    let x = f.lift(&own.get(f.operand)?);
                    f.add(m, &accumulator_name(&name(f), copy), &x, j, after)?;
                }
                Ok(())
            })?;
        }
        for f in folds {
            for copy in 1..unroll {
                let other = accumulator_name(&name(f), copy);
                f.add(m, &name(f), &other, &format!("{other}_at"), out)?;
            }
            f.meet(m, &name(f), lanes.lanes, lanes.step(), out)?;
            let _ = writeln!(out, "let r{} = {};", f.reg.0, f.lower(&name(f)));
            body.set(f.reg, format!("r{}", f.reg.0));
        }
        Ok(())
    }

    /// The last pass: what varies along the row.
    fn store_whole(
        &self,
        m: &mut Module<'_>,
        lanes: Lanes,
        kept: &[String],
        row_place: &Place,
        body: &mut Body<'_>,
        out: &mut String,
    ) -> Result<()> {
        let stores: Vec<_> = self.ctx.group.stores.iter().filter(|s| s.shape == StoreShape::Full).collect();
        if self.ctx.group.stores.iter().any(|s| s.shape == StoreShape::Diagonal) {
            return Err(Error::unsupported("a rows group stores no diagonals"));
        }
        if stores.is_empty() {
            return Ok(());
        }
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        self.hoist(m, row_place, body, &targets, out)?;
        out.push_str("if (valid) {\n");
        self.walk(m, lanes, kept, body, &targets, out, |m, own, place, _, _, after| {
            for store in &stores {
                let dtype = self.program.dtype(store.reg);
                let buffer = m.bind_value(store.value, dtype, true)?;
                let at = index(m, &self.whole, &place.coords, &[]);
                let _ = writeln!(after, "{}", Module::write(&buffer, dtype, &at, &own.get(store.reg)?));
            }
            Ok(())
        })?;
        out.push_str("}\n");
        Ok(())
    }
}

fn accumulator_name(base: &str, copy: usize) -> String {
    if copy == 0 { base.to_owned() } else { format!("{base}_{copy}") }
}

/// Elements in flight for each thread.
fn unroll(limits: &Limits) -> usize {
    if limits.software { 1 } else { 4 }
}

/// Workgroups that keep a device busy.
pub(super) fn target_groups(limits: &Limits) -> usize {
    if limits.software { 16 } else { 1056 }
}
