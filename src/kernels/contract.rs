//! The matrix product core: operand programs run while tiles are loaded, the epilogue runs where tiles are stored.
//!
//! A symmetric product computes tiles of the lower triangle and stores each element twice. A long contracted axis with few
//! tiles is cut into parts that a second kernel sums. This module does not know what the operands mean.

use smallvec::SmallVec;

use super::choose::{self, ProductParts, ProductProblem, ProductVariant, THREADS, Tile};
use super::domain::{merge, merged_program, merged_shape};
use super::emitter::{Emitter, coordinates, index};
use super::kernel::{BindingSource, Kernel, Lowered};
use super::module::{Buffer, LoweringInput, Module, accumulator, register_type, widen};
use super::rounds::in_parts;
use super::text::{Expr, expr};
use super::{map, thin};
use crate::error::{Error, Result};
use crate::schedule::{Core, Inst, Program, Reg, StoreShape};
use crate::types::{DType, Numerics, Scalar, Shape, View};

/// Terms of a product that are summed before their sum is added to those of others.
const RUN: usize = 512;

/// A contraction with its batch axes merged into as few as all programs allow.
struct Contract<'a> {
    input: LoweringInput<'a>,
    batch: Shape,
    problem: ProductProblem,
    left: Program,
    right: Program,
    body: Program,
}

/// Lowers a contraction.
pub(super) fn lower(input: LoweringInput<'_>) -> Result<Lowered> {
    let Core::Contract { left, right, k, symmetric, dtype } = &input.group.core else {
        return Err(Error::internal("a contraction was expected"));
    };
    let domain = &input.group.domain;
    let rank = domain.rank();
    if rank < 2 {
        return Err(Error::internal("a contraction needs two axes"));
    }
    let (m, n) = (domain[rank - 2], domain[rank - 1]);
    let mut problem = ProductProblem {
        batch: domain[..rank - 2].iter().product(),
        m,
        n,
        k: *k,
        dtype: *dtype,
        acc: accumulator(*dtype),
        symmetric: *symmetric && m == n,
        whole_stores: input.group.stores.iter().all(|s| s.shape == StoreShape::Full),
        least_parts: 1,
        by_shape: input.numerics == Numerics::Strict,
    };
    in_parts(input.limits, |least_parts| {
        problem.least_parts = least_parts;
        let chosen = choose::product(&problem, input.limits);
        let mut lowered = match chosen.variant {
            ProductVariant::Elementwise => lower_empty(input, *dtype),
            _ if matches!(dtype, DType::Bool | DType::U8) => {
                Err(Error::unsupported(format!("products of {dtype} have no form in kernels")))
            }
            ProductVariant::Reduction => thin::lower(input),
            ProductVariant::Tiles(tile, parts) => {
                Contract::new(input, problem.clone(), left, right)?.lower(tile, parts)
            }
        }?;
        lowered.choices.insert(0, chosen.explain(chosen.variant.to_string()));
        let parts = if let ProductVariant::Tiles(_, Some(parts)) = chosen.variant { parts.count } else { 1 };
        Ok((lowered, parts))
    })
}

/// A product over nothing is zero everywhere: what follows runs as an elementwise group.
fn lower_empty(input: LoweringInput<'_>, dtype: DType) -> Result<Lowered> {
    let mut body = input.group.body.clone();
    for inst in &mut body.insts {
        if *inst == Inst::Acc {
            *inst = Inst::Literal(Scalar::from_f64(dtype, 0.0));
        }
    }
    map::lower_program(input, &body, "gemm empty")
}

/// An operand while the wide form is lowered: its program, the buffers of the loads that are read in fours, and its axes.
struct WideOperand<'p> {
    program: &'p Program,
    vectors: Vec<Option<Buffer>>,
    /// The names and extents of the last two axes.
    axes: [(&'static str, usize); 2],
    /// Whether the last axis, rather than the one before, is read in fours.
    last_axis_fast: bool,
}

impl<'a> Contract<'a> {
    fn new(input: LoweringInput<'a>, problem: ProductProblem, left: &Program, right: &Program) -> Result<Self> {
        let group = input.group;
        let domain = &group.domain;
        let rank = domain.rank();
        let batch_axes: Vec<usize> = (0..rank - 2).collect();
        let mut merging = merge(domain, &batch_axes, &[left, right, &group.body], &[&View::dense(domain)])?;
        let batch = merged_shape(domain, &merging);
        merging.push(SmallVec::from_slice(&[rank - 2]));
        merging.push(SmallVec::from_slice(&[rank - 1]));
        Ok(Self {
            input,
            batch,
            left: merged_program(left, &domain.with_axis(rank - 1, problem.k), &merging)?,
            right: merged_program(right, &domain.with_axis(rank - 2, problem.k), &merging)?,
            body: merged_program(&group.body, domain, &merging)?,
            problem,
        })
    }

    fn lower(&self, tile: Tile, parts: Option<ProductParts>) -> Result<Lowered> {
        let mut lowered = Lowered { kernels: vec![self.product(tile, parts)?], ..Lowered::default() };
        if let Some(parts) = parts {
            lowered.kernels.push(self.combine(tile, parts)?);
            lowered.scratch.push(self.problem.result_bytes() * parts.count as u64);
        }
        Ok(lowered)
    }

    fn label(&self) -> &'static str {
        if self.problem.symmetric { "syrk" } else { "gemm" }
    }

    /// Elements of the result.
    fn cells(&self) -> usize {
        self.problem.batch * self.problem.m * self.problem.n
    }

    /// The kernel that multiplies.
    fn product(&self, tile: Tile, parts: Option<ProductParts>) -> Result<Kernel> {
        let mut m = Module::new(self.input);
        let p = &self.problem;
        m.uses(p.dtype)?;
        m.uses(p.acc)?;
        let grid = tile.grid(p.m, p.n, p.symmetric);
        let extents = [
            ("M", p.m),
            ("N", p.n),
            ("K", p.k),
            ("TILES", grid.computed),
            ("TILES_M", grid.rows),
            ("TILES_N", grid.columns),
        ];
        for (name, extent) in extents {
            m.define_extent(name, extent)?;
        }
        let mut slabs = p.batch;
        if let Some(parts) = parts {
            slabs *= parts.count;
            m.define_extent("PARTS", parts.count)?;
            m.define_extent("CHUNK", parts.chunk)?;
        }
        m.define_extent("SLABS", slabs)?;
        let chunk = parts.map_or(p.k, |parts| parts.chunk);
        let of_loop = if tile.wide { chunk } else { chunk.min(RUN) };
        m.bound("STEPS", of_loop.div_ceil(tile.k as usize));
        m.bound("RUNS", chunk.div_ceil(RUN));
        self.define_tile(&mut m, tile);
        if p.symmetric {
            m.define_flag("SYMMETRIC");
            if parts.is_none() {
                m.define_flag("MIRROR");
            }
        }
        let last = self.batch.rank();
        let left_along_k = choose::lies_along(&self.left, last + 1, last);
        let right_along_k = choose::lies_along(&self.right, last, last + 1);
        if left_along_k {
            m.define_flag("LEFT_ALONG_K");
        }
        if right_along_k {
            m.define_flag("RIGHT_ALONG_K");
        }
        if tile.wide {
            self.wide_operands(&mut m, left_along_k, right_along_k)?;
        } else {
            self.operand(&mut m, &self.left, ["row", "k"])?;
            m.define_code("LEFT");
            self.operand(&mut m, &self.right, ["k", "col"])?;
            m.define_code("RIGHT");
        }
        match parts {
            None => self.finish(&mut m)?,
            Some(_) => self.store_part(&mut m)?,
        }
        m.define_code("FINISH");
        m.include("PLACE", "gemm_place")?;
        if tile.wide {
            self.define_wide(&mut m, tile)?;
        }
        let label = if parts.is_some() { format!("{} parts", self.label()) } else { self.label().to_owned() };
        m.finish(&label, if tile.wide { "gemm_wide" } else { "gemm" }, slabs as u64 * grid.computed as u64)
    }

    fn define_tile(&self, m: &mut Module<'_>, tile: Tile) {
        let threads = THREADS as u32;
        for (name, value) in [
            ("TILE_M", tile.m),
            ("TILE_N", tile.n),
            ("TILE_K", tile.k),
            ("PER_M", tile.m / 16),
            ("PER_N", tile.n / 16),
            ("LEFT_LOADS", tile.m * tile.k / threads),
            ("RIGHT_LOADS", tile.n * tile.k / threads),
            ("PAD", 1),
            ("RUN", RUN as u32),
        ] {
            m.define(name, value);
        }
        m.define("T", register_type(self.problem.acc));
        if self.problem.acc.is_float() {
            m.define_flag("FLOAT");
        }
    }

    /// Defines the operands' functions of the wide form.
    fn wide_operands(&self, m: &mut Module<'_>, left_along_k: bool, right_along_k: bool) -> Result<()> {
        let p = &self.problem;
        let rank = self.batch.rank();
        // All vectors are bound before anything else reads the same values.
        let left = WideOperand {
            program: &self.left,
            vectors: vectors(m, &self.left, rank + usize::from(left_along_k))?,
            axes: [("row", p.m), ("k", p.k)],
            last_axis_fast: left_along_k,
        };
        let right = WideOperand {
            program: &self.right,
            vectors: vectors(m, &self.right, rank + usize::from(!right_along_k))?,
            axes: [("k", p.k), ("col", p.n)],
            last_axis_fast: !right_along_k,
        };
        self.wide_operand(m, &left)?;
        m.define_code("LEFT");
        self.wide_operand(m, &right)?;
        m.define_code("RIGHT");
        Ok(())
    }

    /// What only the wide form's template asks for.
    fn define_wide(&self, m: &mut Module<'_>, tile: Tile) -> Result<()> {
        let p = &self.problem;
        // `$0` is a number, the others are vectors.
        let number = if p.acc.is_float() { expr!("vec4<{}>($0)", register_type(p.acc)) } else { Expr::new("$0") };
        m.define_call("FMA", &Module::fma(p.acc, &number, &Expr::new("$1"), &Expr::new("$2")));
        let whole = |d: usize, t: u32| d.is_multiple_of(t as usize);
        // Parts end at multiples of the tile's depth.
        if whole(p.m, tile.m) && whole(p.n, tile.n) && whole(p.k, tile.k) {
            m.define_flag("ALIGNED");
        }
        m.include("FETCH", "gemm_wide_fetch")?;
        m.include("KEEP", "gemm_wide_keep")
    }

    /// Stores the accumulated element of a part in scratch memory.
    fn store_part(&self, m: &mut Module<'_>) -> Result<()> {
        let cells = m.extent(self.cells())?;
        let (rows, cols) = (m.extent(self.problem.m)?, m.extent(self.problem.n)?);
        let buffer = m.bind(BindingSource::Scratch(0), self.problem.acc, true)?;
        m.write(buffer, &expr!("(part * {cells} + (z * {rows} + row) * {cols} + col)"), &Expr::new("acc"));
        Ok(())
    }

    /// The kernel that sums the parts.
    fn combine(&self, tile: Tile, parts: ProductParts) -> Result<Kernel> {
        let mut m = Module::new(self.input);
        let p = &self.problem;
        m.uses(p.acc)?;
        let cells = self.cells();
        for (name, extent) in [("M", p.m), ("N", p.n), ("CELLS", cells), ("PARTS", parts.count)] {
            m.define_extent(name, extent)?;
        }
        // The parts lie one after the other: their last index has to be one, too.
        m.extent(cells.saturating_mul(parts.count))?;
        m.define("T", register_type(p.acc));
        m.define("TILE_M", tile.m);
        if p.symmetric {
            m.define_flag("SYMMETRIC");
        }
        let scratch = m.bind(BindingSource::Scratch(0), p.acc, false)?;
        m.define("SCRATCH", scratch);
        m.bound("PARTS", parts.count);
        self.finish(&mut m)?;
        m.define_code("FINISH");
        m.finish(&format!("{} combine", self.label()), "combine", cells.div_ceil(THREADS) as u64)
    }

    /// Writes the body of an operand's function: its element at (z, …) in the accumulator's dtype.
    fn operand(&self, m: &mut Module<'_>, program: &Program, names: [&str; 2]) -> Result<()> {
        let mut place = coordinates(m, &self.batch, &Expr::new("z"), "z")?;
        place.extend(names.map(Expr::new));
        let result = last_register(program)?;
        let dtype = self.problem.dtype;
        if program.dtype(result) != dtype {
            return Err(Error::internal("an operand's program has another dtype than its contraction"));
        }
        let mut emitter = Emitter::new(program, "r");
        emitter.emit(m, &place, &[result])?;
        m.code.returns(&widen(dtype, &emitter.get(result)?));
        Ok(())
    }

    /// As [`Contract::operand`], four elements along one of the last two axes at once: loads with vectors are read as such,
    /// all else happens lane by lane. Coordinates outside are pulled inside; the caller masks what comes of them.
    fn wide_operand(&self, m: &mut Module<'_>, operand: &WideOperand<'_>) -> Result<()> {
        let WideOperand { program, vectors, axes, last_axis_fast } = operand;
        let result = last_register(program)?;
        let ((fast_name, fast_extent), (slow_name, slow_extent)) =
            if *last_axis_fast { (axes[1], axes[0]) } else { (axes[0], axes[1]) };
        let batch = coordinates(m, &self.batch, &Expr::new("z"), "z")?;
        let whole = fast_extent.is_multiple_of(4);
        let (fast_word, slow_word) = (m.extent(fast_extent)?, m.extent(slow_extent)?);
        let slow = m.code.declare("slow", &expr!("min({slow_name}, {slow_word} - 1u)"));
        let base = if whole { expr!("min({fast_name}, {fast_word} - 4u)") } else { Expr::new(fast_name) };
        let fast = m.code.declare("fast", &base);
        let place = |lane: u32| {
            let mut place = batch.clone();
            let at = if whole { expr!("({fast} + {lane}u)") } else { expr!("min({fast} + {lane}u, {fast_word} - 1u)") };
            place.extend(if *last_axis_fast { [slow.clone(), at] } else { [at, slow.clone()] });
            place
        };
        let mut fours = Vec::new();
        for (i, (load, buffer)) in program.loads.iter().zip(vectors).enumerate() {
            fours.push(buffer.map(|buffer| {
                let at = index(m, &load.view, &place(0), &[]);
                let vector = m.read_vector(buffer, &at);
                m.code.declare(format_args!("four{i}"), &vector)
            }));
        }
        let dtype = self.problem.dtype;
        let mut lanes = Vec::new();
        for lane in 0..4 {
            let mut emitter = Emitter::new(program, format!("r{lane}_"));
            for (i, inst) in program.insts.iter().enumerate() {
                if let Inst::Load(l) = inst
                    && let Some(four) = &fours[*l as usize]
                {
                    emitter.set(Reg(i as u32), expr!("{four}[{lane}]"));
                }
            }
            emitter.emit(m, &place(lane), &[result])?;
            lanes.push(widen(dtype, &emitter.get(result)?).to_string());
        }
        m.code.returns(&expr!("vec4<{}>({})", register_type(self.problem.acc), lanes.join(", ")));
        Ok(())
    }

    /// Writes the epilogue and its stores for the element `acc` at (z, row, col).
    fn finish(&self, m: &mut Module<'_>) -> Result<()> {
        let p = &self.problem;
        let mut place = coordinates(m, &self.batch, &Expr::new("z"), "z")?;
        place.extend(["row", "col"].map(Expr::new));
        let mut emitter = Emitter::new(&self.body, "r");
        for (i, inst) in self.body.insts.iter().enumerate() {
            if *inst == Inst::Acc {
                emitter.set(Reg(i as u32), m.narrow(p.dtype, &Expr::new("acc")));
            }
        }
        let stores = &self.input.group.stores;
        let full: Vec<Reg> = stores.iter().filter(|s| s.shape == StoreShape::Full).map(|s| s.reg).collect();
        emitter.emit(m, &place, &full)?;
        let (rows, cols) = (m.extent(p.m)?, m.extent(p.n)?);
        m.extent(p.batch.saturating_mul(p.m).saturating_mul(p.n))?;
        for store in stores {
            let buffer = m.bind_value(store.value, self.body.dtype(store.reg), true)?;
            match store.shape {
                StoreShape::Full => {
                    let at = expr!("((z * {rows} + row) * {cols} + col)");
                    m.write(buffer, &at, &emitter.get(store.reg)?);
                }
                StoreShape::Diagonal => {
                    // What only the diagonal needs is computed there alone.
                    let mut own = emitter.copy(format!("d{}_", store.value.0));
                    m.block("if (row == col)", |m| {
                        own.emit(m, &place, &[store.reg])?;
                        m.write(buffer, &expr!("(z * min({rows}, {cols}) + row)"), &own.get(store.reg)?);
                        Ok(())
                    })?;
                }
                StoreShape::Row => return Err(Error::unsupported("a contraction stores no row results")),
            }
        }
        Ok(())
    }
}

fn last_register(program: &Program) -> Result<Reg> {
    let last = program.insts.len().checked_sub(1).ok_or_else(|| Error::internal("an operand's program is empty"))?;
    Ok(Reg(last as u32))
}

/// The buffers of those loads that are read in fours along axis `fast`.
fn vectors(m: &mut Module<'_>, program: &Program, fast: usize) -> Result<Vec<Option<Buffer>>> {
    let mut buffers = Vec::new();
    for (i, load) in program.loads.iter().enumerate() {
        let length = m.input.values.get(load.value.index()).map_or(0, |v| v.shape.len());
        let vectors = choose::reads_vectors(program, i, fast, length);
        buffers.push(if vectors { Some(m.bind_vectors(load.value, load.dtype)?) } else { None });
    }
    Ok(buffers)
}
