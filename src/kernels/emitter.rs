//! Scalar programs as WGSL statements: a program, the coordinates of an element and the wanted registers come in, declarations come
//! out.
//!
//! The core decides where they stand, and names the registers that only it can compute (folds, accumulators).

use super::module::{Module, register_type};
use super::ops::from_u32_to_i64;
use super::text::{Expr, expr};
use crate::error::{Error, Result};
use crate::graph::RngDist;
use crate::schedule::{Inst, Load, Program, Reg, Window};
use crate::types::{DType, View, Workaround};

/// A program on its way into text.
#[derive(Clone)]
pub(super) struct Emitter<'p> {
    program: &'p Program,
    /// The expression of each register that is known where the next statement stands.
    known: Vec<Option<Expr>>,
    prefix: String,
}

impl<'p> Emitter<'p> {
    /// A program of which nothing is emitted yet. `prefix` keeps the registers of two programs in one function apart.
    pub fn new(program: &'p Program, prefix: impl Into<String>) -> Self {
        Self { program, known: vec![None; program.insts.len()], prefix: prefix.into() }
    }

    /// The same knowledge, with further registers under another prefix: for copies of a program in one scope.
    pub fn copy(&self, prefix: impl Into<String>) -> Self {
        Self { program: self.program, known: self.known.clone(), prefix: prefix.into() }
    }

    /// Says which expression a register is.
    pub fn set(&mut self, reg: Reg, value: Expr) {
        self.known[reg.index()] = Some(value);
    }

    /// The expression of an emitted register.
    ///
    /// # Errors
    /// Internal when it is not emitted here.
    pub fn get(&self, reg: Reg) -> Result<Expr> {
        self.known[reg.index()].clone().ok_or_else(|| Error::internal(format!("{reg} is used before it is computed")))
    }

    /// The registers that `targets` need and that are not known yet, in order.
    pub fn cone(&self, targets: &[Reg]) -> Vec<Reg> {
        let mut needed = vec![false; self.known.len()];
        for t in targets {
            needed[t.index()] = true;
        }
        for i in (0..self.known.len()).rev() {
            if self.known[i].is_some() {
                needed[i] = false;
            }
            if needed[i] {
                for o in Program::operands(&self.program.insts[i]) {
                    needed[o.index()] = true;
                }
            }
        }
        (0..self.known.len() as u32).map(Reg).filter(|r| needed[r.index()]).collect()
    }

    /// Writes the statements that compute `targets` at `coordinates`, one for each axis of the domain.
    ///
    /// # Errors
    /// Unsupported operations; internal for registers that only the core could have named.
    pub fn emit(&mut self, m: &mut Module<'_>, coordinates: &[Expr], targets: &[Reg]) -> Result<()> {
        for reg in self.cone(targets) {
            m.uses(self.program.dtype(reg))?;
            let name = format!("{}{}", self.prefix, reg.0);
            let declared = if let Inst::Window { load, window, otherwise } = &self.program.insts[reg.index()] {
                let load = &self.program.loads[*load as usize];
                self.window(m, &name, load, window, *otherwise, coordinates)?
            } else {
                let value = self.expression(m, coordinates, reg)?;
                m.code.declare(name, &value)
            };
            self.set(reg, declared);
        }
        Ok(())
    }

    /// The expression of an instruction that is no window.
    fn expression(&self, m: &mut Module<'_>, coordinates: &[Expr], reg: Reg) -> Result<Expr> {
        let p = self.program;
        let dtype = p.dtype(reg);
        Ok(match &p.insts[reg.index()] {
            Inst::Load(i) => {
                let load = &p.loads[*i as usize];
                let buffer = m.bind_value(load.value, load.dtype, false)?;
                let index = index(m, &load.view, coordinates, &[]);
                m.read(buffer, &index)
            }
            Inst::Gather { load, index: at, stride, extent } => {
                let load = &p.loads[*load as usize];
                let buffer = m.bind_value(load.value, load.dtype, false)?;
                // Indices are i32: elements beyond are out of their reach.
                let last = m.extent(extent.saturating_sub(1).clamp(0, i64::from(i32::MAX)) as usize)?;
                let step = m.stride(*stride);
                let term = expr!("(u32(clamp({}, 0, i32({last}))) * {step})", self.get(*at)?);
                let index = index(m, &load.view, coordinates, &[term]);
                m.read(buffer, &index)
            }
            Inst::Literal(s) => m.literal(*s)?,
            Inst::Scalar(i) => m.scalar(*i, dtype)?,
            Inst::Index(c) => {
                let at = index(m, &c.view, coordinates, &[]);
                from_index(m, dtype, at)
            }
            Inst::Rng { dist, key, stream, index: c } => {
                let at = index(m, &c.view, coordinates, &[]);
                let f = m.function(random_function(*dist, dtype)?);
                expr!("{f}({at}, {}, {})", self.get(*key)?, self.get(*stream)?)
            }
            Inst::Unary(op, a) => m.unary(*op, p.dtype(*a), &self.get(*a)?)?,
            Inst::Binary(op, a, b) => match super::faulty::binary(m, p, (*op, *a, *b), |r| self.get(r))? {
                Some(wrong) => wrong,
                None => m.binary(*op, p.dtype(*a), &self.get(*a)?, &self.get(*b)?)?,
            },
            Inst::Select(c, a, b) => expr!("select({}, {}, {})", self.get(*b)?, self.get(*a)?, self.get(*c)?),
            Inst::Cast(mode, a) => m.cast(*mode, p.dtype(*a), dtype, &self.get(*a)?)?,
            Inst::Window { .. } => return Err(Error::internal(format!("{reg} is a window, which takes statements"))),
            Inst::Reduce(..) | Inst::ArgReduce(..) | Inst::Acc | Inst::Scan(_) => {
                return Err(Error::internal(format!("{reg} is a fold that its core did not compute")));
            }
        })
    }

    /// Declares `name` as the element of a load where the coordinates are inside its window, and as `otherwise` elsewhere.
    fn window(
        &self,
        m: &mut Module<'_>,
        name: &str,
        load: &Load,
        window: &Window,
        otherwise: Reg,
        coordinates: &[Expr],
    ) -> Result<Expr> {
        let buffer = m.bind_value(load.value, load.dtype, false)?;
        let found = inside(m, window, load.view.shape(), coordinates)?;
        let at = index(m, &load.view, &found.coordinates, &[]);
        let variable = m.code.variable(name, register_type(load.dtype), &self.get(otherwise)?);
        m.block(format_args!("if ({})", found.test), |m| {
            let element = m.read(buffer, &at);
            m.code.assign(&variable, &element);
            Ok(())
        })?;
        Ok(variable)
    }
}

fn random_function(dist: RngDist, dtype: DType) -> Result<&'static str> {
    Ok(match (dist, dtype) {
        (RngDist::Bits, DType::U32) => "rng_bits_u32",
        (RngDist::Uniform, DType::F32) => "rng_uniform_f32",
        (RngDist::Uniform, DType::F64) => "rng_uniform_f64",
        (RngDist::Normal, DType::F32) => "rng_normal_f32",
        _ => return Err(Error::unsupported(format!("random {dist:?} of {dtype} has no form in kernels"))),
    })
}

/// The linear index of a view at coordinates, with further terms added. Unit strides and missing offsets do not appear in
/// the text, all others are parameters.
pub(super) fn index(m: &mut Module<'_>, view: &View, coordinates: &[Expr], more: &[Expr]) -> Expr {
    let mut terms: Vec<Expr> = Vec::new();
    for (axis, (c, &stride)) in coordinates.iter().zip(view.strides()).enumerate() {
        match stride {
            0 => {}
            _ if view.shape()[axis] == 1 => {}
            1 => terms.push(c.clone()),
            s => terms.push(expr!("({c} * {})", m.stride(s))),
        }
    }
    terms.extend(more.iter().cloned());
    if view.offset() != 0 {
        terms.push(m.stride(view.offset()));
    }
    match terms.len() {
        0 => Expr::new("0u"),
        1 => terms.remove(0),
        _ => {
            let terms: Vec<String> = terms.iter().map(ToString::to_string).collect();
            expr!("({})", terms.join(" + "))
        }
    }
}

/// A u32 index as a register of `dtype`.
fn from_index(m: &mut Module<'_>, dtype: DType, at: Expr) -> Expr {
    // The index on an axis of one element is a zero that a driver sees.
    let hidden = dtype.is_float() && m.keeps_ieee() && m.needs(Workaround::HiddenZeros);
    let at = if hidden { expr!("({at} | params[0])") } else { at };
    match dtype {
        DType::U32 => at,
        DType::U8 => expr!("({at} & 255u)"),
        DType::Bool => expr!("({at} != 0u)"),
        DType::F16 => expr!("{}(f32({at}))", m.function("f32_to_f16")),
        DType::I64 => from_u32_to_i64(&at),
        other => expr!("{}({at})", register_type(other)),
    }
}

/// Where coordinates of a domain are in a window.
struct InWindow {
    /// Whether they are inside: a condition.
    test: String,
    /// The window's own coordinates.
    coordinates: Vec<Expr>,
}

/// Declares what finds the domain's coordinates in a window over a load of shape `within`.
fn inside(m: &mut Module<'_>, window: &Window, within: &[usize], coordinates: &[Expr]) -> Result<InWindow> {
    let mut tests = Vec::new();
    let mut found = Vec::new();
    for (axis, c) in coordinates.iter().enumerate() {
        let (start, step, len) = (window.start[axis], window.step[axis], window.len[axis]);
        if len != within[axis] as i64 {
            return Err(Error::internal("a window and its load differ in extent"));
        }
        // A wrapped difference is large, so that one comparison asks both sides.
        let name = m.code.fresh();
        let from = m.stride(start);
        let distance = m.code.declare(name, &expr!("{c} - {from}"));
        let span = m.extent(if len == 0 { 0 } else { ((len - 1) * step + 1) as usize })?;
        tests.push(format!("{distance} < {span}"));
        if step == 1 {
            found.push(distance);
        } else {
            let step = m.extent(step as usize)?;
            tests.push(format!("{distance} % {step} == 0u"));
            found.push(expr!("({distance} / {step})"));
        }
    }
    let test = if tests.is_empty() { "true".to_owned() } else { tests.join(" && ") };
    Ok(InWindow { test, coordinates: found })
}

/// Declares the coordinates of the linear index `linear` over `shape`. One axis is the index itself.
pub(super) fn coordinates(m: &mut Module<'_>, shape: &[usize], linear: &Expr, prefix: &str) -> Result<Vec<Expr>> {
    let mut found = vec![linear.clone(); shape.len()];
    let mut rest = linear.clone();
    for axis in (1..shape.len()).rev() {
        let extent = m.extent(shape[axis])?;
        let above = m.code.declare(format_args!("{prefix}above{axis}"), &expr!("{rest} / {extent}"));
        found[axis] = m.code.declare(format_args!("{prefix}{axis}"), &expr!("{rest} - {above} * {extent}"));
        rest = above;
    }
    if let Some(first) = found.first_mut() {
        *first = rest;
    }
    Ok(found)
}
