//! The text of reduction kernels: passes over rows, their folds, and the stores behind them.

use super::merged::Rows;
use crate::error::Result;
use crate::kernels::choose::{Lanes, RUN, elements_in_flight};
use crate::kernels::emitter::{Emitter, coordinates, index};
use crate::kernels::fold::{Fold, Partial, shared_memory};
use crate::kernels::kernel::Kernel;
use crate::kernels::module::Module;
use crate::kernels::text::{Expr, expr};
use crate::schedule::{Level, Reg, Store, StoreShape};
use crate::types::DType;

/// Which share of a group's work a kernel does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it.
    Whole,
    /// The folds of one level over one part of each row, to scratch.
    Part { count: u32, chunk: usize, level: u32 },
    /// The combination of those, and after the last level what is one value for a row.
    Combination { count: u32, level: u32 },
}

impl Share {
    fn includes(self, level_of_fold: u32) -> bool {
        match self {
            Self::Whole => true,
            Self::Part { level, .. } | Self::Combination { level, .. } => level_of_fold == level,
        }
    }
}

/// The kernel that does a share of the work.
pub(super) fn kernel(rows: &Rows<'_>, share: Share, lanes: Lanes) -> Result<Kernel> {
    let mut m = Module::new(rows.input);
    let n_rows = rows.kept.len();
    let (count, label) = match share {
        Share::Whole => (rows.reduced.len(), "rows"),
        Share::Part { .. } => (rows.reduced.len(), "rows parts"),
        Share::Combination { count, .. } => (count as usize, "rows combine"),
    };
    m.define_extent("ROWS", n_rows)?;
    m.define_extent("COUNT", count)?;
    let mut groups = (n_rows as u64).div_ceil(u64::from(lanes.rows()));
    if let Share::Part { count, chunk, .. } = share {
        m.define_extent("PARTS", count as usize)?;
        m.define_extent("CHUNK", chunk)?;
        groups *= u64::from(count);
    }
    if lanes.columns {
        m.define_flag("COLUMNS");
    }
    m.define("LANES", lanes.per_row);
    m.define("SLOTS", lanes.rows());
    let folds: Vec<Fold> = rows.folds.iter().filter(|f| share.includes(rows.level(f))).cloned().collect();
    let mut comparisons: Vec<String> = folds.iter().filter_map(|f| f.comparison(&mut m)).collect();
    comparisons.sort();
    comparisons.dedup();

    let kept = coordinates(&mut m, &rows.kept, &Expr::new("row"), "c")?;
    let first = rows.reduced.iter().map(|_| Expr::new("0u"));
    let row_place = kept.iter().cloned().chain(first).collect();
    let span = if let Share::Part { chunk, .. } = share { chunk } else { count };
    let mut writer = RowsWriter { rows, share, lanes, span, kept, row_place, held: Vec::new() };
    writer.write(&mut m, &folds)?;
    m.define_code("BODY");
    m.define("SHARED", if lanes.per_row > 1 { shared_memory(&folds) } else { String::new() });
    m.define("FUNCTIONS", comparisons.concat());
    m.finish(label, "rows", groups)
}

/// What stays the same while a kernel's statements are written.
struct RowsWriter<'w, 'a> {
    rows: &'w Rows<'a>,
    share: Share,
    lanes: Lanes,
    /// Elements, or parts, that the lanes of a row walk.
    span: usize,
    /// The coordinates of the row, and of its first element.
    kept: Vec<Expr>,
    row_place: Vec<Expr>,
    /// Loads that are read once.
    held: Vec<Reg>,
}

/// An element of a row while its statements are written.
struct RowElement<'e, 'p> {
    /// What is known of the element's registers.
    emitter: &'e Emitter<'p>,
    /// Its coordinates.
    place: &'e [Expr],
    /// Its position in the row.
    position: &'e Expr,
    /// Which of the elements in flight it is.
    copy: usize,
}

/// The variables of a fold in a pass.
struct Accumulator {
    /// One for each element in flight.
    copies: Vec<Partial>,
    /// What they are added to after every run of elements, for sums of floats over many.
    total: Option<Partial>,
}

/// Writes the statements of one element.
type Make<'m> = &'m mut dyn FnMut(&mut Module<'_>, &RowElement<'_, '_>) -> Result<()>;
/// Writes the statements after a run of elements.
type Flush<'m> = &'m dyn Fn(&mut Module<'_>) -> Result<()>;

impl RowsWriter<'_, '_> {
    fn write(&mut self, m: &mut Module<'_>, folds: &[Fold]) -> Result<()> {
        let rows = self.rows;
        let mut emitter = Emitter::new(&rows.program, "r");
        if let Share::Part { level, .. } = self.share {
            let targets: Vec<Reg> = folds.iter().map(|f| f.operand).collect();
            rows.recall(m, level, &mut emitter, &targets)?;
        }
        if self.lanes.held > 0 {
            self.hold(m, &emitter)?;
        }
        let mut results = Vec::new();
        for level in 1..=rows.n_levels() {
            let now: Vec<&Fold> = folds.iter().filter(|f| rows.level(f) == level).collect();
            if !now.is_empty() {
                results.extend(self.pass(m, &now, &mut emitter)?);
            }
        }
        match self.share {
            Share::Part { .. } => return self.store_parts(m, folds, &results),
            Share::Combination { level, .. } => {
                // Later kernels find the results in scratch.
                if level < rows.n_levels() || rows.has(StoreShape::Full) {
                    self.store_results(m, folds, &emitter)?;
                }
                if level < rows.n_levels() {
                    return Ok(());
                }
                let targets: Vec<Reg> = rows.stores(StoreShape::Row).iter().map(|s| s.reg).collect();
                rows.recall(m, level, &mut emitter, &targets)?;
            }
            Share::Whole => self.store_whole(m, &mut emitter)?,
        }
        self.store_rows(m, &mut emitter)
    }

    /// Reads all elements of the lane into registers. Those beyond the end repeat the last element.
    fn hold(&mut self, m: &mut Module<'_>, emitter: &Emitter<'_>) -> Result<()> {
        let rows = self.rows;
        let targets: Vec<Reg> = rows.input.group.stores.iter().map(|s| s.reg).collect();
        self.held = emitter.cone(&targets).into_iter().filter(|&r| rows.is_inner_load(r)).collect();
        for copy in 0..self.lanes.held {
            let at = copy * self.lanes.per_row;
            let j = m.code.declare(format_args!("j{copy}"), &expr!("min(lane + {at}u, end - 1u)"));
            m.code.declare(format_args!("inside{copy}"), &expr!("lane + {at}u < end"));
            let place = self.element(m, &j)?;
            emitter.copy(format!("held{copy}_")).emit(m, &place, &self.held)?;
        }
        Ok(())
    }

    /// Declares the coordinates of element `j` of the row.
    fn element(&self, m: &mut Module<'_>, j: &Expr) -> Result<Vec<Expr>> {
        let mut place = self.kept.clone();
        place.extend(coordinates(m, &self.rows.reduced, j, &format!("{j}_"))?);
        Ok(place)
    }

    /// Emits the registers below `targets` that are one value for a row, so that loops find them known.
    fn hoist(&self, m: &mut Module<'_>, emitter: &mut Emitter<'_>, targets: &[Reg]) -> Result<()> {
        let fixed: Vec<Reg> =
            emitter.cone(targets).into_iter().filter(|r| self.rows.levels[r.index()] == Level::Row).collect();
        emitter.emit(m, &self.row_place, &fixed)
    }

    /// Visits the row's elements: `make` writes the statements of one element after its registers are known, and `flush` those
    /// after a run of elements.
    fn walk(
        &self,
        m: &mut Module<'_>,
        emitter: &Emitter<'_>,
        targets: &[Reg],
        make: Make<'_>,
        flush: Option<Flush<'_>>,
    ) -> Result<()> {
        m.block("", |m| {
            if self.lanes.held > 0 {
                return self.walk_held(m, emitter, targets, make);
            }
            m.code.statement("var j = begin + lane;");
            let Some(flush) = flush else { return self.walk_to("end", self.span, m, emitter, targets, make) };
            let run = RUN * self.stride(m);
            m.repeat("while (j < end)", self.span.div_ceil(run), |m| {
                m.code.declare("stop", &expr!("min(j + {run}u, end)"));
                self.walk_to("stop", run, m, emitter, targets, make)?;
                flush(m)
            })
        })
    }

    /// Elements that the lanes of a row take in a round of a loop.
    fn stride(&self, m: &Module<'_>) -> usize {
        self.lanes.per_row as usize * elements_in_flight(m.input.limits)
    }

    /// The loops over at most `span` elements from `j` up to `end`.
    fn walk_to(
        &self,
        end: &str,
        span: usize,
        m: &mut Module<'_>,
        emitter: &Emitter<'_>,
        targets: &[Reg],
        make: Make<'_>,
    ) -> Result<()> {
        let in_flight = elements_in_flight(m.input.limits);
        let trips = span.div_ceil(self.stride(m));
        if in_flight > 1 {
            self.walk_loop((end, trips), m, emitter, targets, in_flight, make)?;
            return self.walk_loop((end, in_flight), m, emitter, targets, 1, make);
        }
        self.walk_loop((end, trips), m, emitter, targets, 1, make)
    }

    /// The elements that the lane holds in registers.
    fn walk_held(&self, m: &mut Module<'_>, emitter: &Emitter<'_>, targets: &[Reg], make: Make<'_>) -> Result<()> {
        let in_flight = elements_in_flight(m.input.limits);
        for copy in 0..self.lanes.held {
            let mut own = emitter.copy(format!("e{copy}_"));
            for reg in &self.held {
                own.set(*reg, expr!("held{copy}_{}", reg.0));
            }
            let position = expr!("j{copy}");
            // The coordinates were declared when the elements were read.
            let mut place = Vec::new();
            m.aside(|m| {
                place = self.element(m, &position)?;
                Ok(())
            })?;
            own.emit(m, &place, targets)?;
            m.block(format_args!("if (inside{copy})"), |m| {
                let copy = copy as usize % in_flight;
                make(m, &RowElement { emitter: &own, place: &place, position: &position, copy })
            })?;
        }
        Ok(())
    }

    /// A loop with `copies` elements in flight, from `j` on, with its end and how often it runs at most; what follows from each
    /// element comes after the reads of all.
    fn walk_loop(
        &self,
        (end, trips): (&str, usize),
        m: &mut Module<'_>,
        emitter: &Emitter<'_>,
        targets: &[Reg],
        copies: usize,
        make: Make<'_>,
    ) -> Result<()> {
        let lanes = self.lanes.per_row;
        let ahead = (copies as u32 - 1) * lanes;
        m.repeat(format_args!("for (; j + {ahead}u < {end}; j += {}u)", copies as u32 * lanes), trips, |m| {
            let mut after = String::new();
            for copy in 0..copies {
                let position = m.code.declare(format_args!("j{copy}"), &expr!("j + {}u", copy as u32 * lanes));
                let place = self.element(m, &position)?;
                let mut own = emitter.copy(format!("e{copy}_"));
                own.emit(m, &place, targets)?;
                let element = RowElement { emitter: &own, place: &place, position: &position, copy };
                after.push_str(&m.aside(|m| make(m, &element))?);
            }
            m.code.append(&after);
            Ok(())
        })
    }

    /// One pass of folds that need no other fold of their own level; the row's result of each.
    fn pass(&self, m: &mut Module<'_>, folds: &[&Fold], emitter: &mut Emitter<'_>) -> Result<Vec<Partial>> {
        let in_flight = elements_in_flight(m.input.limits);
        let combines = matches!(self.share, Share::Combination { .. });
        let long = self.lanes.held == 0 && !combines && self.span > 2 * RUN * self.stride(m);
        let mut accumulators = Vec::new();
        for f in folds {
            let name = |copy| if copy == 0 { format!("fold{}", f.reg.0) } else { format!("fold{}_{copy}", f.reg.0) };
            let copies = (0..in_flight).map(|copy| f.declare(m, &name(copy))).collect::<Result<_>>()?;
            let in_runs = long && f.sums_floats();
            let total = if in_runs { Some(f.declare(m, &format!("total{}", f.reg.0))?) } else { None };
            accumulators.push(Accumulator { copies, total });
        }
        if combines {
            self.add_parts(m, folds, &accumulators)?;
        } else {
            let targets: Vec<Reg> = folds.iter().map(|f| f.operand).collect();
            self.hoist(m, emitter, &targets)?;
            let mut add = |m: &mut Module<'_>, e: &RowElement<'_, '_>| {
                folds.iter().zip(&accumulators).try_for_each(|(f, acc)| {
                    let element = f.element(&e.emitter.get(f.operand)?, e.position);
                    f.add(m, &acc.copies[e.copy], &element)
                })
            };
            let flush = |m: &mut Module<'_>| folds.iter().zip(&accumulators).try_for_each(|(f, acc)| acc.flush(m, f));
            let in_runs = accumulators.iter().any(|acc| acc.total.is_some());
            self.walk(m, emitter, &targets, &mut add, if in_runs { Some(&flush) } else { None })?;
        }
        let mut results = Vec::new();
        for (f, acc) in folds.iter().zip(accumulators) {
            let own = match acc.total {
                Some(total) => total,
                None => acc.merge(m, f)?,
            };
            f.combine_lanes(m, &own, self.lanes)?;
            let value = f.register(m, &own);
            let register = m.code.declare(format_args!("r{}", f.reg.0), &value);
            emitter.set(f.reg, register);
            results.push(own);
        }
        Ok(results)
    }

    /// Adds the parts of each row, from scratch.
    fn add_parts(&self, m: &mut Module<'_>, folds: &[&Fold], accumulators: &[Accumulator]) -> Result<()> {
        let rows = m.extent(self.rows.kept.len())?;
        let at = expr!("(j * {rows} + row)");
        let (step, trips) = (self.lanes.per_row, self.span.div_ceil(self.lanes.per_row as usize));
        m.repeat(format_args!("for (var j = lane; j < end; j += {step}u)"), trips, |m| {
            for (f, acc) in folds.iter().zip(accumulators) {
                let scratch = self.rows.scratch(f.reg);
                let buffer = m.bind(scratch.parts, f.acc, false)?;
                let value = m.read(buffer, &at);
                let position = if f.gives_position() {
                    let buffer = m.bind(scratch.positions, DType::U32, false)?;
                    Some(m.read(buffer, &at))
                } else {
                    None
                };
                f.add(m, &acc.copies[0], &Partial { value, position })?;
            }
            Ok(())
        })
    }

    /// Writes what one lane of each row stores.
    fn once_for_a_row(&self, m: &mut Module<'_>, store: impl FnOnce(&mut Module<'_>) -> Result<()>) -> Result<()> {
        m.block("if (valid && lane == 0u)", store)
    }

    /// The partial folds of a part, one after the other by part, so that the combination reads neighbours.
    fn store_parts(&self, m: &mut Module<'_>, folds: &[Fold], results: &[Partial]) -> Result<()> {
        let rows = m.extent(self.rows.kept.len())?;
        let at = expr!("(part * {rows} + row)");
        self.once_for_a_row(m, |m| {
            for (f, result) in folds.iter().zip(results) {
                let scratch = self.rows.scratch(f.reg);
                let buffer = m.bind(scratch.parts, f.acc, true)?;
                m.write(buffer, &at, &result.value);
                if let Some(position) = &result.position {
                    let buffer = m.bind(scratch.positions, DType::U32, true)?;
                    m.write(buffer, &at, position);
                }
            }
            Ok(())
        })
    }

    /// The results of folds, to scratch.
    fn store_results(&self, m: &mut Module<'_>, folds: &[Fold], emitter: &Emitter<'_>) -> Result<()> {
        self.once_for_a_row(m, |m| {
            for f in folds {
                let buffer = m.bind(self.rows.scratch(f.reg).result, self.rows.program.dtype(f.reg), true)?;
                m.write(buffer, &Expr::new("row"), &emitter.get(f.reg)?);
            }
            Ok(())
        })
    }

    /// What is one value for a row.
    fn store_rows(&self, m: &mut Module<'_>, emitter: &mut Emitter<'_>) -> Result<()> {
        let stores = self.rows.stores(StoreShape::Row);
        if stores.is_empty() {
            return Ok(());
        }
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        // Every lane computes what one of them stores: Mesa's software driver (22.3) gave wrong values for function calls behind
        // a condition that only some lanes meet.
        emitter.emit(m, &self.row_place, &targets)?;
        self.once_for_a_row(m, |m| stores.iter().try_for_each(|s| self.store(m, s, &Expr::new("row"), emitter)))
    }

    /// The last pass: what varies along the row.
    fn store_whole(&self, m: &mut Module<'_>, emitter: &mut Emitter<'_>) -> Result<()> {
        let stores = self.rows.stores(StoreShape::Full);
        if stores.is_empty() {
            return Ok(());
        }
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        self.hoist(m, emitter, &targets)?;
        m.block("if (valid)", |m| {
            let mut store = |m: &mut Module<'_>, e: &RowElement<'_, '_>| {
                stores.iter().try_for_each(|store| {
                    let at = index(m, &self.rows.whole, e.place, &[]);
                    self.store(m, store, &at, e.emitter)
                })
            };
            self.walk(m, emitter, &targets, &mut store, None)
        })
    }

    fn store(&self, m: &mut Module<'_>, store: &Store, at: &Expr, emitter: &Emitter<'_>) -> Result<()> {
        let buffer = m.bind_value(store.value, self.rows.program.dtype(store.reg), true)?;
        m.write(buffer, at, &emitter.get(store.reg)?);
        Ok(())
    }
}

impl Accumulator {
    /// Adds the copies up in the first.
    fn merge(&self, m: &mut Module<'_>, fold: &Fold) -> Result<Partial> {
        for other in &self.copies[1..] {
            fold.add(m, &self.copies[0], other)?;
        }
        Ok(self.copies[0].clone())
    }

    /// Ends a run: its sum is added to the total, and the next one begins with nothing.
    fn flush(&self, m: &mut Module<'_>, fold: &Fold) -> Result<()> {
        let Some(total) = &self.total else { return Ok(()) };
        let sum = self.merge(m, fold)?;
        fold.add(m, total, &sum)?;
        self.copies.iter().try_for_each(|copy| fold.clear(m, copy))
    }
}
