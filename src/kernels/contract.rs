//! The matrix product core: operand programs run while tiles are loaded, the epilogue runs where tiles are stored.
//!
//! A symmetric product computes tiles of the lower triangle and stores each element twice. A long contracted axis with few
//! tiles is cut into parts that a second kernel sums. It knows nothing of what the operands mean.

use std::fmt::Write as _;

use smallvec::SmallVec;

use super::body::{Body, Place, coordinates, index};
use super::domain::{merge, merged_program, merged_shape};
use super::module::{Context, Module, accumulator, narrow, register_type, widen};
use super::rows::target_groups;
use super::{Kernel, Lowered, Source, map, thin};
use crate::error::{Error, Result};
use crate::schedule::{Core, Inst, Program, Reg, StoreShape};
use crate::types::{DType, Limits, Scalar, Shape, View};

/// The extents of tiles: rows, columns and the contracted axis, and elements a thread computes in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tile {
    m: u32,
    n: u32,
    k: u32,
    /// Whether the double-buffered form for large operands computes it.
    wide: bool,
}

/// Bytes of workgroup memory of the wide form.
const WIDE_BYTES: u32 = 2 * 1056 * 16;

/// A contraction with its batch axes merged into as few as all programs allow.
struct Contract<'a> {
    ctx: Context<'a>,
    batch: Shape,
    m: usize,
    n: usize,
    k: usize,
    left: Program,
    right: Program,
    body: Program,
    dtype: DType,
    acc: DType,
    symmetric: bool,
    tile: Tile,
}

/// Lowers a contraction.
pub(super) fn lower(ctx: Context<'_>) -> Result<Lowered> {
    let Core::Contract { left, right, k, symmetric, dtype } = &ctx.group.core else {
        return Err(Error::internal("a contraction was expected"));
    };
    if *k == 0 {
        return lower_empty(ctx, *dtype);
    }
    if matches!(dtype, DType::Bool | DType::U8) {
        return Err(Error::unsupported(format!("products of {dtype} have no form in kernels")));
    }
    if thin::is_thin(ctx.group, *dtype) {
        return thin::lower(ctx);
    }
    let domain = &ctx.group.domain;
    let rank = domain.rank();
    if rank < 2 {
        return Err(Error::internal("a contraction needs two axes"));
    }
    let batch_axes: Vec<usize> = (0..rank - 2).collect();
    let dense = View::dense(domain);
    let mut merging = merge(domain, &batch_axes, &[left, right, &ctx.group.body], &[&dense])?;
    let batch = merged_shape(domain, &merging);
    merging.push(SmallVec::from_slice(&[rank - 2]));
    merging.push(SmallVec::from_slice(&[rank - 1]));
    let (m, n) = (domain[rank - 2], domain[rank - 1]);
    let left_shape = domain.with_axis(rank - 1, *k);
    let right_shape = domain.with_axis(rank - 2, *k);
    let acc = accumulator(*dtype);
    let contract = Contract {
        left: merged_program(left, &left_shape, &merging)?,
        right: merged_program(right, &right_shape, &merging)?,
        body: merged_program(&ctx.group.body, domain, &merging)?,
        tile: Tile::choose(m, n, *k, acc, ctx.limits),
        ctx,
        batch,
        m,
        n,
        k: *k,
        dtype: *dtype,
        acc,
        symmetric: *symmetric && m == n,
    };
    contract.lower()
}

/// A product over nothing is zero everywhere: what follows runs as an elementwise group.
fn lower_empty(ctx: Context<'_>, dtype: DType) -> Result<Lowered> {
    let mut body = ctx.group.body.clone();
    for inst in &mut body.insts {
        if *inst == Inst::Acc {
            *inst = Inst::Literal(Scalar::from_f64(dtype, 0.0));
        }
    }
    map::lower_program(ctx, &body, "gemm empty")
}

impl Tile {
    fn choose(m: usize, n: usize, k: usize, acc: DType, limits: &Limits) -> Self {
        if m.min(n) <= 16 || m.max(n) <= 32 || limits.software && m.max(n) <= 64 {
            return Self { m: 16, n: 16, k: 16, wide: false };
        }
        // A tile that is mostly outside would waste what its size wins.
        let fits = |d: usize| d >= 96 && d.next_multiple_of(128) <= d + d / 3;
        let room = limits.max_workgroup_bytes >= WIDE_BYTES;
        if !limits.software && room && acc.size() == 4 && fits(m) && fits(n) && k >= 16 {
            return Self { m: 128, n: 128, k: 16, wide: true };
        }
        // Eight-byte elements take shallower tiles, so that 16 KiB hold them.
        let k = if acc.size() == 8 { 8 } else { 16 };
        Self { m: 64, n: 64, k, wide: false }
    }
}

impl Contract<'_> {
    fn tiles(&self) -> (usize, usize, usize) {
        let (rows, cols) = (self.m.div_ceil(self.tile.m as usize), self.n.div_ceil(self.tile.n as usize));
        let count = if self.symmetric { rows * (rows + 1) / 2 } else { rows * cols };
        (rows, cols, count)
    }

    fn lower(&self) -> Result<Lowered> {
        let (_, _, tiles) = self.tiles();
        let slabs = self.batch.len() * tiles;
        // Enough workgroups for each processor to hold two; where the axis is long, four times that, for an even end.
        // A part has to be worth its trip through memory.
        let target = target_groups(self.ctx.limits);
        let few = (target / 4).div_ceil(slabs.max(1)).min(self.k / (self.tile.k as usize * 8));
        let many = (target / slabs.max(1)).min(self.k / 2048);
        let wanted = few.max(many);
        let cells = self.batch.len() * self.m * self.n;
        let bytes = (cells as u64).saturating_mul(self.acc.size() as u64);
        let room = (self.ctx.limits.max_binding_bytes.min(1 << 30) / bytes.max(1)) as usize;
        let parts = wanted.min(room).min(64);
        if parts > 1 {
            let chunk = self.k.div_ceil(parts).next_multiple_of(self.tile.k as usize);
            let parts = self.k.div_ceil(chunk);
            let first = self.product(Some((parts, chunk)))?;
            let second = self.combine(parts)?;
            return Ok(Lowered { kernels: vec![first, second], scratch: vec![bytes * parts as u64] });
        }
        Ok(Lowered { kernels: vec![self.product(None)?], scratch: Vec::new() })
    }

    fn label(&self) -> &'static str {
        if self.symmetric { "syrk" } else { "gemm" }
    }

    fn product(&self, parts: Option<(usize, usize)>) -> Result<Kernel> {
        let mut m = Module::new(self.ctx);
        m.uses(self.dtype)?;
        m.uses(self.acc)?;
        let Tile { m: tile_m, n: tile_n, k: tile_k, wide } = self.tile;
        let (rows, cols, tiles) = self.tiles();
        let mut slabs = self.batch.len();
        for (name, extent) in
            [("M", self.m), ("N", self.n), ("K", self.k), ("TILES", tiles), ("TILES_M", rows), ("TILES_N", cols)]
        {
            let word = m.extent(extent)?;
            m.define(name, word);
        }
        if let Some((parts, chunk)) = parts {
            slabs *= parts;
            let (parts, chunk) = (m.extent(parts)?, m.extent(chunk)?);
            m.define("PARTS", parts);
            m.define("CHUNK", chunk);
        }
        let slabs_word = m.extent(slabs)?;
        m.define("SLABS", slabs_word);
        for (name, value) in [
            ("TILE_M", tile_m),
            ("TILE_N", tile_n),
            ("TILE_K", tile_k),
            ("PER_M", tile_m / 16),
            ("PER_N", tile_n / 16),
            ("LEFT_LOADS", tile_m * tile_k / 256),
            ("RIGHT_LOADS", tile_n * tile_k / 256),
            ("PAD", 1),
            ("RUN", 512),
        ] {
            m.define(name, value.to_string());
        }
        m.define("T", register_type(self.acc));
        let last = self.batch.rank();
        let left_along_k = along(&self.left, last + 1, last);
        let right_along_k = along(&self.right, last, last + 1);
        if left_along_k {
            m.define("LEFT_ALONG_K", "");
        }
        if right_along_k {
            m.define("RIGHT_ALONG_K", "");
        }
        if self.symmetric {
            m.define("SYMMETRIC", "");
            if parts.is_none() {
                m.define("MIRROR", "");
            }
        }
        let (left, right) = if wide {
            // All vectors are bound before anything else reads the same values.
            let (rank, [lk, rk]) = (self.batch.rank(), [left_along_k, right_along_k]);
            let lv = vectors(&mut m, &self.left, rank + usize::from(lk))?;
            let rv = vectors(&mut m, &self.right, rank + usize::from(!rk))?;
            let left = self.operand4(&mut m, &self.left, &lv, [("row", self.m), ("k", self.k)], lk)?;
            (left, self.operand4(&mut m, &self.right, &rv, [("k", self.k), ("col", self.n)], !rk)?)
        } else {
            (self.operand(&mut m, &self.left, ["row", "k"])?, self.operand(&mut m, &self.right, ["k", "col"])?)
        };
        let finish = match parts {
            None => self.finish(&mut m)?,
            Some(_) => {
                let cells = m.extent(self.batch.len() * self.m * self.n)?;
                let (rows, cols) = (m.extent(self.m)?, m.extent(self.n)?);
                let buffer = m.bind(Source::Scratch(0), self.acc, true)?;
                format!("{buffer}[part * {cells} + (z * {rows} + row) * {cols} + col] = acc;\n")
            }
        };
        m.define("LEFT", left);
        m.define("RIGHT", right);
        m.define("FINISH", finish);
        m.include("PLACE", "gemm_place")?;
        if wide {
            // A fused multiply-add said outright: compilers do not always find one in vector arithmetic.
            let t = register_type(self.acc);
            let (open, by) =
                if self.acc.is_float() { (format!("fma(vec4<{t}>("), "), ") } else { ("(".to_owned(), " * ") };
            m.define("FMA_OPEN", open);
            m.define("FMA_BY", by);
            m.define("FMA_PLUS", if self.acc.is_float() { ", " } else { " + " });
            let whole = |d: usize, t: u32| d.is_multiple_of(t as usize);
            // Parts end at multiples of the tile's depth.
            if whole(self.m, tile_m) && whole(self.n, tile_n) && whole(self.k, tile_k) {
                m.define("ALIGNED", "");
            }
            m.include("FETCH", "gemm_wide_fetch")?;
            m.include("KEEP", "gemm_wide_keep")?;
        }
        let label = if parts.is_some() { format!("{} parts", self.label()) } else { self.label().to_owned() };
        m.finish(&label, if wide { "gemm_wide" } else { "gemm" }, slabs as u64 * tiles as u64)
    }

    fn combine(&self, parts: usize) -> Result<Kernel> {
        let mut m = Module::new(self.ctx);
        m.uses(self.acc)?;
        let cells = self.batch.len() * self.m * self.n;
        for (name, extent) in [("M", self.m), ("N", self.n), ("CELLS", cells), ("PARTS", parts)] {
            let word = m.extent(extent)?;
            m.define(name, word);
        }
        // The parts lie one after the other: their last index has to be one, too.
        m.extent(cells.saturating_mul(parts))?;
        m.define("T", register_type(self.acc));
        m.define("TILE_M", self.tile.m.to_string());
        if self.symmetric {
            m.define("SYMMETRIC", "");
        }
        let scratch = m.bind(Source::Scratch(0), self.acc, false)?;
        m.define("SCRATCH", scratch);
        let finish = self.finish(&mut m)?;
        m.define("FINISH", finish);
        m.finish(&format!("{} combine", self.label()), "combine", (cells as u64).div_ceil(256))
    }

    /// The body of an operand's function: its element at (z, …) in the accumulator's dtype.
    fn operand(&self, m: &mut Module<'_>, program: &Program, names: [&str; 2]) -> Result<String> {
        let mut out = String::new();
        let mut coords = coordinates(m, &self.batch, "z", "z", &mut out)?;
        coords.extend(names.map(str::to_owned));
        let result = last_register(program)?;
        if program.dtype(result) != self.dtype {
            return Err(Error::internal("an operand's program has another dtype than its contraction"));
        }
        let mut body = Body::new(program, "r");
        body.emit(m, &Place { coords }, &[result], &mut out)?;
        let _ = writeln!(out, "return {};", widen(self.dtype, &body.get(result)?));
        Ok(out)
    }

    /// As [`Contract::operand`], four elements along one of the last two axes at once: loads in `vectors` are read as
    /// vectors, all else happens lane by lane. Coordinates outside are pulled inside; the caller masks what comes of them.
    fn operand4(
        &self,
        m: &mut Module<'_>,
        program: &Program,
        vectors: &[Option<String>],
        axes: [(&str, usize); 2],
        last_axis_fast: bool,
    ) -> Result<String> {
        let result = last_register(program)?;
        let ((fast_name, fast_extent), (slow_name, slow_extent)) =
            if last_axis_fast { (axes[1], axes[0]) } else { (axes[0], axes[1]) };
        let mut out = String::new();
        let batch = coordinates(m, &self.batch, "z", "z", &mut out)?;
        let whole = fast_extent.is_multiple_of(4);
        let (fast_word, slow_word) = (m.extent(fast_extent)?, m.extent(slow_extent)?);
        let _ = writeln!(out, "let slow = min({slow_name}, {slow_word} - 1u);");
        let base = if whole { format!("min({fast_name}, {fast_word} - 4u)") } else { fast_name.to_owned() };
        let _ = writeln!(out, "let fast = {base};");
        let place = |lane: u32| {
            let mut coords = batch.clone();
            let at = if whole { format!("(fast + {lane}u)") } else { format!("min(fast + {lane}u, {fast_word} - 1u)") };
            coords.push(if last_axis_fast { "slow".to_owned() } else { at.clone() });
            coords.push(if last_axis_fast { at } else { "slow".to_owned() });
            Place { coords }
        };
        for (i, buffer) in vectors.iter().enumerate() {
            if let Some(buffer) = buffer {
                let at = index(m, &program.loads[i].view, &place(0).coords, &[]);
                let _ = writeln!(out, "let four{i} = {buffer}[{at} >> 2u];");
            }
        }
        let mut lanes = Vec::new();
        for lane in 0..4 {
            let mut body = Body::new(program, format!("r{lane}_"));
            for (i, inst) in program.insts.iter().enumerate() {
                match inst {
                    Inst::Load(l) if vectors[*l as usize].is_some() => {
                        body.set(Reg(i as u32), format!("four{l}[{lane}]"));
                    }
                    _ => {}
                }
            }
            body.emit(m, &place(lane), &[result], &mut out)?;
            lanes.push(widen(self.dtype, &body.get(result)?));
        }
        let _ = writeln!(out, "return vec4<{}>({});", register_type(self.acc), lanes.join(", "));
        Ok(out)
    }

    /// The epilogue and its stores for the element `acc` at (z, row, col).
    fn finish(&self, m: &mut Module<'_>) -> Result<String> {
        let mut out = String::new();
        let mut coords = coordinates(m, &self.batch, "z", "z", &mut out)?;
        coords.extend(["row".to_owned(), "col".to_owned()]);
        let mut body = Body::new(&self.body, "r");
        for (i, inst) in self.body.insts.iter().enumerate() {
            if *inst == Inst::Acc {
                body.set(Reg(i as u32), narrow(self.dtype, "acc"));
            }
        }
        let place = Place { coords };
        let stores = &self.ctx.group.stores;
        let full: Vec<Reg> = stores.iter().filter(|s| s.shape == StoreShape::Full).map(|s| s.reg).collect();
        body.emit(m, &place, &full, &mut out)?;
        let (rows, cols) = (m.extent(self.m)?, m.extent(self.n)?);
        m.extent(self.batch.len().saturating_mul(self.m).saturating_mul(self.n))?;
        for store in stores {
            let dtype = self.body.dtype(store.reg);
            let buffer = m.bind_value(store.value, dtype, true)?;
            match store.shape {
                StoreShape::Full => {
                    let at = format!("(z * {rows} + row) * {cols} + col");
                    let _ = writeln!(out, "{}", Module::write(&buffer, dtype, &at, &body.get(store.reg)?));
                }
                StoreShape::Diagonal => {
                    // What only the diagonal needs is computed there alone.
                    let mut own = body.copy(format!("d{}_", store.value.0));
                    out.push_str("if (row == col) {\n");
                    own.emit(m, &place, &[store.reg], &mut out)?;
                    let at = format!("z * min({rows}, {cols}) + row");
                    let _ = writeln!(out, "{}\n}}", Module::write(&buffer, dtype, &at, &own.get(store.reg)?));
                }
                StoreShape::Row => return Err(Error::unsupported("a contraction stores no row results")),
            }
        }
        Ok(out)
    }
}

/// Whether most loads of a program have neighbours along axis `a` rather than along `b`.
fn along(program: &Program, a: usize, b: usize) -> bool {
    let votes =
        |axis: usize| program.loads.iter().filter(|l| l.view.strides()[axis] == 1 && l.view.shape()[axis] > 1).count();
    votes(a) > votes(b)
}

fn last_register(program: &Program) -> Result<Reg> {
    let last = program.insts.len().checked_sub(1).ok_or_else(|| Error::internal("an operand's program is empty"))?;
    Ok(Reg(last as u32))
}

/// The buffers of those loads that can be read in fours along axis `fast`: neighbours lie side by side and every four of
/// them begin at a multiple of four.
fn vectors(m: &mut Module<'_>, program: &Program, fast: usize) -> Result<Vec<Option<String>>> {
    let mut out = Vec::new();
    for (i, load) in program.loads.iter().enumerate() {
        let view = &load.view;
        let plain = program.insts.iter().all(|inst| match inst {
            Inst::Window { load, .. } | Inst::Gather { load, .. } => *load as usize != i,
            _ => true,
        });
        let aligned = |axis: usize| axis == fast || view.shape()[axis] == 1 || view.strides()[axis] % 4 == 0;
        let length = m.ctx.values.get(load.value.index()).map_or(0, |v| v.shape.len());
        let fits = plain
            && matches!(load.dtype, DType::F32 | DType::I32 | DType::U32)
            && view.strides()[fast] == 1
            && view.shape()[fast].is_multiple_of(4)
            && view.offset() % 4 == 0
            && length.is_multiple_of(4)
            && (0..view.shape().rank()).all(aligned);
        out.push(if fits { Some(m.bind_vectors(load.value, load.dtype)?) } else { None });
    }
    Ok(out)
}
