//! Scalar programs as WGSL statements: a program, the names of the coordinates and the wanted registers go in, `let`s come
//! out. The core decides where they stand; it names the registers that only it can compute (folds, accumulators).

use std::fmt::Write as _;

use super::module::{Module, register_type};
use super::ops::from_u32_to_i64;
use crate::error::{Error, Result};
use crate::graph::RngDist;
use crate::schedule::{Inst, Program, Reg, Window};
use crate::types::{DType, View};

/// Where an element is: the names of its coordinates, one for each axis, and which of a view's axes they are applied to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// WGSL expressions of u32, one for each axis of the domain.
    pub coords: Vec<String>,
}

/// A program on its way into text.
#[derive(Clone)]
pub(super) struct Body<'p> {
    program: &'p Program,
    /// The expression of each register that is known where the next statement stands.
    names: Vec<Option<String>>,
    prefix: String,
}

impl<'p> Body<'p> {
    /// A program of which nothing is emitted yet. `prefix` keeps the registers of two programs in one function apart.
    pub fn new(program: &'p Program, prefix: impl Into<String>) -> Self {
        Self { program, names: vec![None; program.insts.len()], prefix: prefix.into() }
    }

    /// The same knowledge, with further registers under another prefix: for copies of a body in one scope.
    pub fn copy(&self, prefix: impl Into<String>) -> Self {
        Self { program: self.program, names: self.names.clone(), prefix: prefix.into() }
    }

    /// Says under which name a register is known.
    pub fn set(&mut self, reg: Reg, name: impl Into<String>) {
        self.names[reg.index()] = Some(name.into());
    }

    /// The name of an emitted register.
    ///
    /// # Errors
    /// Internal when it is not emitted here.
    pub fn get(&self, reg: Reg) -> Result<String> {
        self.names[reg.index()].clone().ok_or_else(|| Error::internal(format!("{reg} is used before it is computed")))
    }

    /// The registers that `targets` need and that are not known yet, in order.
    pub fn cone(&self, targets: &[Reg]) -> Vec<Reg> {
        let mut needed = vec![false; self.names.len()];
        for t in targets {
            needed[t.index()] = true;
        }
        for i in (0..self.names.len()).rev() {
            if self.names[i].is_some() {
                needed[i] = false;
            }
            if needed[i] {
                for o in Program::operands(&self.program.insts[i]) {
                    needed[o.index()] = true;
                }
            }
        }
        (0..self.names.len() as u32).map(Reg).filter(|r| needed[r.index()]).collect()
    }

    /// Writes the statements that compute `targets` at `place`.
    ///
    /// # Errors
    /// Unsupported operations; internal for registers that only the core could have named.
    pub fn emit(&mut self, m: &mut Module<'_>, place: &Place, targets: &[Reg], out: &mut String) -> Result<()> {
        for reg in self.cone(targets) {
            let text = self.instruction(m, place, reg, out)?;
            let statements = std::mem::take(&mut m.pending);
            out.push_str(&statements);
            let name = format!("{}{}", self.prefix, reg.0);
            if let Some(text) = text {
                let _ = writeln!(out, "let {name} = {text};");
            }
            self.names[reg.index()] = Some(name);
        }
        Ok(())
    }

    /// The expression of one instruction, or `None` when statements in `out` define it under its own name.
    fn instruction(&self, m: &mut Module<'_>, place: &Place, reg: Reg, out: &mut String) -> Result<Option<String>> {
        let p = self.program;
        let dtype = p.dtype(reg);
        m.uses(dtype)?;
        let text = match &p.insts[reg.index()] {
            Inst::Load(i) => {
                let load = &p.loads[*i as usize];
                let buffer = m.bind_value(load.value, load.dtype, false)?;
                let index = index(m, &load.view, &place.coords, &[]);
                m.read(&buffer, load.dtype, &index)
            }
            Inst::Gather { load, index: at, stride, extent } => {
                let l = &p.loads[*load as usize];
                let buffer = m.bind_value(l.value, l.dtype, false)?;
                let last = m.extent(extent.saturating_sub(1).max(0) as usize)?;
                let step = m.stride(*stride);
                let term = format!("u32(clamp({}, 0, i32({last}))) * {step}", self.get(*at)?);
                let index = index(m, &l.view, &place.coords, &[term]);
                m.read(&buffer, l.dtype, &index)
            }
            Inst::Window { load, window, otherwise } => {
                let l = &p.loads[*load as usize];
                let buffer = m.bind_value(l.value, l.dtype, false)?;
                let name = format!("{}{}", self.prefix, reg.0);
                let (inside, coords) = inside(m, window, l.view.shape(), place, out)?;
                let at = index(m, &l.view, &coords, &[]);
                let _ = writeln!(out, "var {name}: {} = {};", register_type(dtype), self.get(*otherwise)?);
                let _ = writeln!(out, "if ({inside}) {{ {name} = {}; }}", m.read(&buffer, l.dtype, &at));
                return Ok(None);
            }
            Inst::Literal(s) => m.literal(*s)?,
            Inst::Scalar(i) => m.scalar(*i, dtype)?,
            Inst::Index(c) => {
                let at = index(m, &c.view, &place.coords, &[]);
                from_index(m, dtype, &at)
            }
            Inst::Rng { dist, key, stream, index: c } => {
                let at = index(m, &c.view, &place.coords, &[]);
                let name = match (dist, dtype) {
                    (RngDist::Bits, DType::U32) => "rng_bits_u32",
                    (RngDist::Uniform, DType::F32) => "rng_uniform_f32",
                    (RngDist::Uniform, DType::F64) => "rng_uniform_f64",
                    (RngDist::Normal, DType::F32) => "rng_normal_f32",
                    _ => return Err(Error::unsupported(format!("random {dist:?} of {dtype} has no form in kernels"))),
                };
                let f = m.function(name);
                format!("{f}({at}, {}, {})", self.get(*key)?, self.get(*stream)?)
            }
            Inst::Unary(op, a) => {
                let x = self.get(*a)?;
                m.unary(*op, p.dtype(*a), &x)?
            }
            Inst::Binary(op, a, b) => {
                let (x, y) = (self.get(*a)?, self.get(*b)?);
                m.binary(*op, p.dtype(*a), &x, &y)?
            }
            Inst::Select(c, a, b) => format!("select({}, {}, {})", self.get(*b)?, self.get(*a)?, self.get(*c)?),
            Inst::Cast(mode, a) => {
                let x = self.get(*a)?;
                m.cast(*mode, p.dtype(*a), dtype, &x)?
            }
            Inst::Reduce(..) | Inst::ArgReduce(..) | Inst::Acc | Inst::Scan(_) => {
                return Err(Error::internal(format!("{reg} is a fold that its core did not compute")));
            }
        };
        Ok(Some(text))
    }
}

/// The linear index of a view at coordinates, with further terms added. Unit strides and missing offsets do not appear in
/// the text, all others are parameters.
pub(super) fn index(m: &mut Module<'_>, view: &View, coords: &[String], more: &[String]) -> String {
    let mut terms: Vec<String> = Vec::new();
    for (axis, (c, &stride)) in coords.iter().zip(view.strides()).enumerate() {
        match stride {
            0 => {}
            _ if view.shape()[axis] == 1 => {}
            1 => terms.push(c.clone()),
            s => terms.push(format!("{c} * {}", m.stride(s))),
        }
    }
    terms.extend(more.iter().cloned());
    if view.offset() != 0 {
        terms.push(m.stride(view.offset()));
    }
    match terms.len() {
        0 => "0u".to_owned(),
        1 => terms.remove(0),
        _ => format!("({})", terms.join(" + ")),
    }
}

/// A u32 index as a register of `dtype`.
fn from_index(m: &mut Module<'_>, dtype: DType, at: &str) -> String {
    match dtype {
        DType::U32 => at.to_owned(),
        DType::U8 => format!("({at} & 255u)"),
        DType::Bool => format!("({at} != 0u)"),
        DType::F16 => {
            let f = m.function("f32_to_f16");
            format!("{f}(f32({at}))")
        }
        DType::I64 => from_u32_to_i64(at),
        other => format!("{}({at})", register_type(other)),
    }
}

/// Whether the coordinates are inside a window, and the window's own coordinates.
fn inside(
    m: &mut Module<'_>,
    window: &Window,
    within: &[usize],
    place: &Place,
    out: &mut String,
) -> Result<(String, Vec<String>)> {
    let mut tests = Vec::new();
    let mut coords = Vec::new();
    for (axis, c) in place.coords.iter().enumerate() {
        let (start, step, len) = (window.start[axis], window.step[axis], window.len[axis]);
        if len != within[axis] as i64 {
            return Err(Error::internal("a window and its load differ in extent"));
        }
        // A wrapped difference is large, so that one comparison asks both sides.
        let name = m.fresh();
        let from = m.stride(start);
        let _ = writeln!(out, "let {name} = {c} - {from};");
        let span = m.extent(if len == 0 { 0 } else { ((len - 1) * step + 1) as usize })?;
        tests.push(format!("{name} < {span}"));
        if step == 1 {
            coords.push(name);
        } else {
            let step = m.extent(step as usize)?;
            tests.push(format!("{name} % {step} == 0u"));
            coords.push(format!("({name} / {step})"));
        }
    }
    if tests.is_empty() {
        tests.push("true".to_owned());
    }
    Ok((tests.join(" && "), coords))
}

/// Statements that take a linear index over `shape` apart, and the names of the coordinates. One axis is the index itself.
pub(super) fn coordinates(
    m: &mut Module<'_>,
    shape: &[usize],
    linear: &str,
    prefix: &str,
    out: &mut String,
) -> Result<Vec<String>> {
    let mut names = vec![String::new(); shape.len()];
    let mut rest = linear.to_owned();
    for axis in (0..shape.len()).rev() {
        let name = format!("{prefix}{axis}");
        if axis == 0 {
            names[0] = rest.clone();
        } else {
            let extent = m.extent(shape[axis])?;
            let above = format!("{prefix}above{axis}");
            let _ = writeln!(out, "let {above} = {rest} / {extent};");
            let _ = writeln!(out, "let {name} = {rest} - {above} * {extent};");
            names[axis] = name;
            rest = above;
        }
    }
    Ok(names)
}
