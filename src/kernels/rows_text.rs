//! The text of reduction kernels: passes over rows, their folds, and the stores behind them.

use std::fmt::Write as _;

use super::Kernel;
use super::body::{Body, Place, coordinates, index};
use super::fold::{Fold, Op, shared};
use super::module::Module;
use super::rows::{Lanes, Rows, is_inner_load};
use crate::error::Result;
use crate::schedule::{Level, Reg, StoreShape};
use crate::types::{DType, Limits};

/// Which part of the work a kernel does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// All of it.
    Whole,
    /// The folds of one level over one part of each row, to scratch.
    Parts { parts: u32, chunk: usize, depth: u32 },
    /// The combination of those, and after the last level what is one value for a row.
    Combine { parts: u32, depth: u32 },
}

impl Stage {
    fn includes(self, at: u32) -> bool {
        match self {
            Self::Whole => true,
            Self::Parts { depth, .. } | Self::Combine { depth, .. } => at == depth,
        }
    }
}

/// A kernel's text while it is written, with what stays the same throughout.
struct Writer<'w, 'a> {
    rows: &'w Rows<'a>,
    stage: Stage,
    lanes: Lanes,
    /// The coordinates of the row, and of its first element.
    kept: Vec<String>,
    row_place: Place,
    /// Loads that are read once: the register of each.
    held: Vec<Reg>,
}

impl Rows<'_> {
    /// The kernel of one stage.
    pub(super) fn kernel(&self, stage: Stage, lanes: Lanes) -> Result<Kernel> {
        let mut m = Module::new(self.ctx);
        let rows = self.kept.len();
        let (count, label) = match stage {
            Stage::Whole => (self.reduced.len(), "rows"),
            Stage::Parts { .. } => (self.reduced.len(), "rows parts"),
            Stage::Combine { parts, .. } => (parts as usize, "rows combine"),
        };
        let (rows_word, count_word) = (m.extent(rows)?, m.extent(count)?);
        m.define("ROWS", rows_word);
        m.define("COUNT", count_word);
        let mut groups = (rows as u64).div_ceil(u64::from(lanes.slots()));
        if let Stage::Parts { parts, chunk, .. } = stage {
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
        let folds: Vec<Fold> =
            self.folds.iter().filter(|f| stage.includes(self.depth[f.reg.index()])).cloned().collect();
        let mut functions: Vec<String> = folds.iter().filter_map(|f| f.function(&mut m)).collect();
        functions.sort();
        functions.dedup();

        let mut text = String::new();
        let kept = coordinates(&mut m, &self.kept, "row", "c", &mut text)?;
        let first = self.reduced.iter().map(|_| "0u".to_owned());
        let row_place = Place { coords: kept.iter().cloned().chain(first).collect() };
        let mut writer = Writer { rows: self, stage, lanes, kept, row_place, held: Vec::new() };
        writer.write(&mut m, &folds, &mut text)?;
        m.define("SHARED", if lanes.lanes > 1 { shared(&folds) } else { String::new() });
        m.define("FUNCTIONS", functions.concat());
        m.define("BODY", text);
        m.finish(label, "rows", groups)
    }
}

impl Writer<'_, '_> {
    fn write(&mut self, m: &mut Module<'_>, folds: &[Fold], out: &mut String) -> Result<()> {
        let rows = self.rows;
        let mut body = Body::new(&rows.program, "r");
        if let Stage::Parts { depth, .. } = self.stage {
            let targets: Vec<Reg> = folds.iter().map(|f| f.operand).collect();
            rows.recall(m, depth, &mut body, &targets, out)?;
        }
        if self.lanes.held > 0 {
            self.hold(m, &body, out)?;
        }
        for depth in 1..=rows.most() {
            let now: Vec<&Fold> = folds.iter().filter(|f| rows.depth[f.reg.index()] == depth).collect();
            if !now.is_empty() {
                self.pass(m, &now, &mut body, out)?;
            }
        }
        match self.stage {
            Stage::Parts { .. } => return self.store_parts(m, folds, out),
            Stage::Combine { depth, .. } => {
                // Later stages find the results in scratch.
                if depth < rows.most() || rows.has(StoreShape::Full) {
                    out.push_str("if (valid && lane == 0u) {\n");
                    for f in folds {
                        let dtype = rows.program.dtype(f.reg);
                        let buffer = m.bind(rows.slots(f.reg).result, dtype, true)?;
                        let _ = writeln!(out, "{}", Module::write(&buffer, dtype, "row", &body.get(f.reg)?));
                    }
                    out.push_str("}\n");
                }
                if depth < rows.most() {
                    return Ok(());
                }
                let targets: Vec<Reg> = rows.stores(StoreShape::Row).iter().map(|s| s.reg).collect();
                rows.recall(m, depth, &mut body, &targets, out)?;
            }
            Stage::Whole => self.store_whole(m, &mut body, out)?,
        }
        let stores = rows.stores(StoreShape::Row);
        if stores.is_empty() {
            return Ok(());
        }
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        // Every lane computes what one of them stores: Mesa's software driver (22.3) gave wrong values for function calls behind
        // a condition that only some lanes meet.
        body.emit(m, &self.row_place, &targets, out)?;
        out.push_str("if (valid && lane == 0u) {\n");
        for store in stores {
            let dtype = rows.program.dtype(store.reg);
            let buffer = m.bind_value(store.value, dtype, true)?;
            let _ = writeln!(out, "{}", Module::write(&buffer, dtype, "row", &body.get(store.reg)?));
        }
        out.push_str("}\n");
        Ok(())
    }

    /// Reads all elements of the lane into registers. Those beyond the end repeat the last element.
    fn hold(&mut self, m: &mut Module<'_>, body: &Body<'_>, out: &mut String) -> Result<()> {
        let rows = self.rows;
        let targets: Vec<Reg> = rows.ctx.group.stores.iter().map(|s| s.reg).collect();
        self.held = body.cone(&targets).into_iter().filter(|&r| is_inner_load(rows, r)).collect();
        for copy in 0..self.lanes.held {
            let _ = writeln!(out, "let j{copy} = min(lane + {}u, end - 1u);", copy * self.lanes.lanes);
            let _ = writeln!(out, "let inside{copy} = lane + {}u < end;", copy * self.lanes.lanes);
            let place = self.element(m, &format!("j{copy}"), out)?;
            body.copy(format!("held{copy}_")).emit(m, &place, &self.held, out)?;
        }
        Ok(())
    }

    /// The place of element `j` of the row.
    fn element(&self, m: &mut Module<'_>, j: &str, out: &mut String) -> Result<Place> {
        let mut coords = self.kept.clone();
        coords.extend(coordinates(m, &self.rows.reduced, j, &format!("{j}_"), out)?);
        Ok(Place { coords })
    }

    /// Emits the registers below `targets` that are one value for a row, so that loops find them known.
    fn hoist(&self, m: &mut Module<'_>, body: &mut Body<'_>, targets: &[Reg], out: &mut String) -> Result<()> {
        let fixed: Vec<Reg> =
            body.cone(targets).into_iter().filter(|r| self.rows.levels[r.index()] == Level::Row).collect();
        body.emit(m, &self.row_place, &fixed, out)
    }

    /// A loop over the row's elements: `make` writes the statements of one element after its registers are known.
    fn walk(
        &self,
        m: &mut Module<'_>,
        body: &Body<'_>,
        targets: &[Reg],
        out: &mut String,
        mut make: impl FnMut(&mut Module<'_>, &Body<'_>, &Place, &str, usize, &mut String) -> Result<()>,
    ) -> Result<()> {
        let unroll = unroll(m.ctx.limits);
        out.push_str("{\n");
        if self.lanes.held > 0 {
            for copy in 0..self.lanes.held {
                let mut own = body.copy(format!("e{copy}_"));
                for reg in &self.held {
                    own.set(*reg, format!("held{copy}_{}", reg.0));
                }
                let j = format!("j{copy}");
                let place = self.element(m, &j, &mut String::new())?;
                own.emit(m, &place, targets, out)?;
                let _ = writeln!(out, "if (inside{copy}) {{");
                make(m, &own, &place, &j, copy as usize % unroll, out)?;
                out.push_str("}\n");
            }
            out.push_str("}\n");
            return Ok(());
        }
        let lanes = self.lanes.lanes;
        out.push_str("var j = begin + lane;\n");
        let forms = if unroll > 1 { vec![unroll, 1] } else { vec![1] };
        for copies in forms {
            let ahead = (copies as u32 - 1) * lanes;
            let _ = writeln!(out, "for (; j + {ahead}u < end; j += {}u) {{", copies as u32 * lanes);
            let mut after = String::new();
            for copy in 0..copies {
                let _ = writeln!(out, "let j{copy} = j + {}u;", copy as u32 * lanes);
                let place = self.element(m, &format!("j{copy}"), out)?;
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
    fn pass(&self, m: &mut Module<'_>, folds: &[&Fold], body: &mut Body<'_>, out: &mut String) -> Result<()> {
        let unroll = unroll(m.ctx.limits);
        let name = |f: &Fold| format!("fold{}", f.reg.0);
        for f in folds {
            for copy in 0..unroll {
                f.declare(m, &accumulator_name(&name(f), copy), out)?;
            }
        }
        if let Stage::Combine { .. } = self.stage {
            let rows = m.extent(self.rows.kept.len())?;
            let _ = writeln!(out, "for (var j = lane; j < end; j += {}u) {{", self.lanes.lanes);
            for f in folds {
                let slots = self.rows.slots(f.reg);
                let buffer = m.bind(slots.parts, f.acc, false)?;
                let x = m.read(&buffer, f.acc, &format!("j * {rows} + row"));
                let mut at = String::new();
                if matches!(f.op, Op::Position(_)) {
                    let buffer = m.bind(slots.positions, DType::U32, false)?;
                    at = format!("{buffer}[j * {rows} + row]");
                }
                f.add(m, &name(f), &x, &at, out)?;
            }
            out.push_str("}\n");
        } else {
            let targets: Vec<Reg> = folds.iter().map(|f| f.operand).collect();
            self.hoist(m, body, &targets, out)?;
            self.walk(m, body, &targets, out, |m, own, _, j, copy, after| {
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
            f.meet(m, &name(f), self.lanes.lanes, self.lanes.step(), out)?;
            let _ = writeln!(out, "let r{} = {};", f.reg.0, f.lower(&name(f)));
            body.set(f.reg, format!("r{}", f.reg.0));
        }
        Ok(())
    }

    /// The partial folds of a part, one after the other by part, so that the combination reads neighbours.
    fn store_parts(&self, m: &mut Module<'_>, folds: &[Fold], out: &mut String) -> Result<()> {
        let rows = m.extent(self.rows.kept.len())?;
        out.push_str("if (valid && lane == 0u) {\n");
        for f in folds {
            let (name, slots) = (format!("fold{}", f.reg.0), self.rows.slots(f.reg));
            let buffer = m.bind(slots.parts, f.acc, true)?;
            let _ = writeln!(out, "{}", Module::write(&buffer, f.acc, &format!("part * {rows} + row"), &name));
            if matches!(f.op, Op::Position(_)) {
                let buffer = m.bind(slots.positions, DType::U32, true)?;
                let _ = writeln!(out, "{buffer}[part * {rows} + row] = {name}_at;");
            }
        }
        out.push_str("}\n");
        Ok(())
    }

    /// The last pass: what varies along the row.
    fn store_whole(&self, m: &mut Module<'_>, body: &mut Body<'_>, out: &mut String) -> Result<()> {
        let stores = self.rows.stores(StoreShape::Full);
        if stores.is_empty() {
            return Ok(());
        }
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        self.hoist(m, body, &targets, out)?;
        out.push_str("if (valid) {\n");
        self.walk(m, body, &targets, out, |m, own, place, _, _, after| {
            for store in &stores {
                let dtype = self.rows.program.dtype(store.reg);
                let buffer = m.bind_value(store.value, dtype, true)?;
                let at = index(m, &self.rows.whole, &place.coords, &[]);
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
