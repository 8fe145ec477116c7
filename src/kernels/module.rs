//! One WGSL module while it is written: parameters, buffers, library functions, statements, and the spelling of dtypes.
//!
//! Requests come in (a word, a scalar, a buffer, a function); a [`Kernel`] comes out. This module knows no cores.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::kernel::{Arithmetic, Binding, BindingSource, Kernel, Lowered, Param};
use super::rounds::{Bounds, comment, rounds};
use super::template::{self, Definition, Definitions};
use super::text::{Code, Expr, expr};
use crate::error::{Error, Result};
use crate::schedule::{Group, Value, ValueId};
use crate::types::{DType, Limits, Numerics, Scalar, Workaround};

/// What lowering a group may look at.
#[derive(Clone, Copy)]
pub(super) struct LoweringInput<'a> {
    pub group: &'a Group,
    pub values: &'a [Value],
    pub scalars: &'a [DType],
    pub limits: &'a Limits,
    /// What results must keep.
    pub numerics: Numerics,
}

/// The WGSL type of a register.
pub(super) fn register_type(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        DType::U8 | DType::U32 => "u32",
        DType::I32 => "i32",
        DType::I64 => "i64",
        DType::F16 => "f16",
        DType::F32 => "f32",
        DType::F64 => "f64",
    }
}

/// The dtype in which folds accumulate: halves are summed in single precision.
pub(super) fn accumulator(dtype: DType) -> DType {
    if dtype == DType::F16 { DType::F32 } else { dtype }
}

/// A register of `dtype` as a value of the dtype's accumulator.
pub(super) fn widen(dtype: DType, x: &Expr) -> Expr {
    if dtype == DType::F16 { expr!("f32({x})") } else { x.clone() }
}

/// The type of a buffer's elements.
fn element_type(dtype: DType, writable: bool) -> &'static str {
    match dtype {
        DType::U8 if writable => "atomic<u32>",
        DType::Bool | DType::U8 => "u32",
        other => register_type(other),
    }
}

/// A storage buffer of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buffer(usize);

impl fmt::Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer{}", self.0)
    }
}

/// What is known of a storage buffer.
struct BoundBuffer {
    binding: Binding,
    dtype: DType,
    /// Whether elements are seen in fours.
    vectors: bool,
}

/// A module in the making.
pub(super) struct Module<'a> {
    pub input: LoweringInput<'a>,
    /// The statements written now.
    pub code: Code,
    params: Vec<Param>,
    n_words: usize,
    buffers: Vec<BoundBuffer>,
    functions: BTreeSet<String>,
    uses_f16: bool,
    definitions: Definitions,
    /// How often the loops run whose number of rounds depends on extents.
    bounds: Bounds,
}

impl<'a> Module<'a> {
    /// An empty module. Parameter 0 is always zero: it hides bit patterns from compilers that fold.
    pub fn new(input: LoweringInput<'a>) -> Self {
        Self {
            input,
            code: Code::default(),
            params: vec![Param::Word(0)],
            n_words: 1,
            buffers: Vec::new(),
            functions: BTreeSet::new(),
            uses_f16: false,
            definitions: Definitions::new(),
            bounds: Bounds::new(),
        }
    }

    /// Whether the device needs a work-around.
    pub fn needs(&self, workaround: Workaround) -> bool {
        self.input.limits.conformance.needs(workaround)
    }

    /// Whether floats keep IEEE's rules.
    pub fn keeps_ieee(&self) -> bool {
        self.input.numerics != Numerics::Fast
    }

    /// Whether operations give the CPU's bits.
    pub fn keeps_bits(&self) -> bool {
        self.input.numerics == Numerics::Strict
    }

    /// A u32 parameter.
    pub fn word(&mut self, value: u32) -> Expr {
        self.params.push(Param::Word(value));
        self.n_words += 1;
        expr!("params[{}]", self.n_words - 1)
    }

    /// A u32 parameter from an extent or a count.
    ///
    /// # Errors
    /// Unsupported past 32 bits.
    pub fn extent(&mut self, value: usize) -> Result<Expr> {
        let word = u32::try_from(value)
            .map_err(|_| Error::unsupported(format!("{value} elements are beyond the 32-bit indices of a kernel")))?;
        Ok(self.word(word))
    }

    /// A stride or offset as two's complement: index arithmetic is modulo 2³² and ends inside the buffer.
    pub fn stride(&mut self, value: i64) -> Expr {
        self.word(value as u32)
    }

    /// Gives the template a text for a name.
    pub fn define(&mut self, name: &str, text: impl fmt::Display) {
        self.definitions.insert(name.to_owned(), Definition::Text(text.to_string()));
    }

    /// Gives the template a parameter for a name.
    ///
    /// # Errors
    /// As [`Module::extent`].
    pub fn define_extent(&mut self, name: &str, value: usize) -> Result<()> {
        let word = self.extent(value)?;
        self.define(name, word);
        Ok(())
    }

    /// Gives the template a name that is only asked for.
    pub fn define_flag(&mut self, name: &str) {
        self.define(name, "");
    }

    /// Gives the template the statements written so far as a name, and begins anew.
    pub fn define_code(&mut self, name: &str) {
        let text = self.code.take();
        self.define(name, text);
    }

    /// Gives the template a call by a name: `$0`, `$1`, … stand for its arguments.
    pub fn define_call(&mut self, name: &str, body: &Expr) {
        self.definitions.insert(name.to_owned(), Definition::Call(body.to_string()));
    }

    /// Gives the template the expansion of another one as a name.
    ///
    /// # Errors
    /// As [`template::expand`].
    pub fn include(&mut self, name: &str, part: &str) -> Result<()> {
        let text = template::expand(part, &self.definitions)?;
        self.define(name, text);
        Ok(())
    }

    /// Writes a block; `head` stands before its brace.
    ///
    /// # Errors
    /// Those of `inner`.
    pub fn block(&mut self, head: impl fmt::Display, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.code.open(head);
        let out = inner(self);
        self.code.close();
        out
    }

    /// Writes a loop that runs `trips` times at most; `head` stands before its brace. Every loop that is not in a template is
    /// written here.
    ///
    /// # Errors
    /// Those of `inner`.
    pub fn repeat(
        &mut self,
        head: impl fmt::Display,
        trips: usize,
        inner: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let name = format!("L{}", self.bounds.len());
        self.code.open_loop(head, comment(&name));
        self.bounds.insert(name, trips as u64);
        let out = inner(self);
        self.code.close();
        out
    }

    /// Says how often a template's loop runs at most.
    pub fn bound(&mut self, name: &str, trips: usize) {
        self.bounds.insert(name.to_owned(), trips as u64);
    }

    /// The statements that `inner` writes, kept for later instead of following those before.
    ///
    /// # Errors
    /// Those of `inner`.
    pub fn aside(&mut self, inner: impl FnOnce(&mut Self) -> Result<()>) -> Result<String> {
        let before = self.code.take();
        let out = inner(self);
        let aside = self.code.replace(before);
        out.map(|()| aside)
    }

    /// Includes a library function and gives its name back.
    pub fn function(&mut self, name: impl Into<String>) -> String {
        let name = name.into();
        self.functions.insert(name.clone());
        name
    }

    /// Notes that a dtype appears in registers.
    ///
    /// # Errors
    /// Unsupported where the device has no such type.
    pub fn uses(&mut self, dtype: DType) -> Result<()> {
        let limits = self.input.limits;
        let missing = match dtype {
            DType::F16 => !limits.f16,
            DType::F64 => !limits.f64,
            DType::I64 => !limits.i64,
            _ => false,
        };
        if missing {
            return Err(Error::unsupported(format!("the device has no {dtype} in kernels")));
        }
        self.uses_f16 |= dtype == DType::F16;
        Ok(())
    }

    /// The buffer that shows `source`. One that was bound before is found again.
    ///
    /// # Errors
    /// Unsupported dtypes; internal when a kernel would read and write the same value.
    pub fn bind(&mut self, source: BindingSource, dtype: DType, writable: bool) -> Result<Buffer> {
        self.uses(dtype)?;
        if let Some(i) = self.buffers.iter().position(|b| b.binding.source == source) {
            let b = &self.buffers[i];
            if b.binding.writable != writable || b.dtype != dtype {
                return Err(Error::internal(format!(
                    "{source:?} is both read and written in one kernel, or has two dtypes"
                )));
            }
            return Ok(Buffer(i));
        }
        self.buffers.push(BoundBuffer { binding: Binding { source, writable }, dtype, vectors: false });
        Ok(Buffer(self.buffers.len() - 1))
    }

    /// Shows a value that is only read as vectors of four; its length has to be a multiple of four. Must come before any
    /// other use of the value in the kernel.
    ///
    /// # Errors
    /// As [`Module::bind`].
    pub fn bind_vectors(&mut self, id: ValueId, dtype: DType) -> Result<Buffer> {
        let buffer = self.bind_value(id, dtype, false)?;
        self.buffers[buffer.0].vectors = true;
        Ok(buffer)
    }

    /// The buffer of a value of the schedule.
    ///
    /// # Errors
    /// As [`Module::bind`].
    pub fn bind_value(&mut self, id: ValueId, dtype: DType, writable: bool) -> Result<Buffer> {
        let value = self
            .input
            .values
            .get(id.index())
            .ok_or_else(|| Error::internal(format!("{id} is no value of the schedule")))?;
        if value.dtype != dtype {
            return Err(Error::internal(format!("{id} is {}, not {dtype}", value.dtype)));
        }
        self.bind(BindingSource::Value(id), dtype, writable)
    }

    /// The element at `index` as a register.
    pub fn read(&self, buffer: Buffer, index: &Expr) -> Expr {
        let bound = &self.buffers[buffer.0];
        if bound.vectors {
            return expr!("{buffer}[({index}) >> 2u][({index}) & 3u]");
        }
        match bound.dtype {
            DType::Bool => expr!("({buffer}[{index}] != 0u)"),
            DType::U8 => expr!("(({buffer}[({index}) >> 2u] >> ((({index}) & 3u) * 8u)) & 255u)"),
            _ => expr!("{buffer}[{index}]"),
        }
    }

    /// The four elements from `index` on, of a buffer bound by [`Module::bind_vectors`].
    pub fn read_vector(&self, buffer: Buffer, index: &Expr) -> Expr {
        expr!("{buffer}[{index} >> 2u]")
    }

    /// Writes the statement that stores the register `value` at `index`.
    pub fn write(&mut self, buffer: Buffer, index: &Expr, value: &Expr) {
        match self.buffers[buffer.0].dtype {
            DType::Bool => self.code.assign(&expr!("{buffer}[{index}]"), &expr!("select(0u, 1u, {value})")),
            // Neighbours share a word; each byte belongs to one thread, so clearing and setting bits commute.
            DType::U8 => self.code.statement(format_args!(
                "{{ let at = {index}; let shift = (at & 3u) * 8u; atomicAnd(&{buffer}[at >> 2u], ~(255u << shift)); atomicOr(&{buffer}[at >> 2u], (({value}) & 255u) << shift); }}"
            )),
            _ => self.code.assign(&expr!("{buffer}[{index}]"), value),
        }
    }

    /// The run's scalar `index` as a register.
    ///
    /// # Errors
    /// Internal when there is no such scalar or its dtype differs.
    pub fn scalar(&mut self, index: u32, dtype: DType) -> Result<Expr> {
        if self.input.scalars.get(index as usize) != Some(&dtype) {
            return Err(Error::internal(format!("scalar ${index} is not a {dtype} of the schedule")));
        }
        self.uses(dtype)?;
        self.params.push(Param::Scalar(index));
        let at = self.n_words;
        self.n_words += if dtype.size() == 8 { 2 } else { 1 };
        self.spell_words(dtype, &expr!("params[{at}]"), &expr!("params[{}]", at + 1))
    }

    /// A literal as a register. Only short finite numbers stand in the text; all else is hidden in parameters, because WGSL
    /// has no way to write NaN and infinities, and so that equal programs with other numbers share a pipeline. Some drivers drop an
    /// operation with a zero that they see.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn literal(&mut self, value: Scalar) -> Result<Expr> {
        let dtype = value.dtype();
        self.uses(dtype)?;
        let v = value.to_f64();
        let hidden = dtype.is_float() && v == 0.0 && (self.keeps_ieee() && self.needs(Workaround::HiddenZeros));
        let short = v.is_finite() && (v != 0.0 || value.is(0.0)) && value.is_structural() && !hidden;
        Ok(match dtype {
            DType::Bool => Expr::new(if value.bits() != 0 { "true" } else { "false" }),
            DType::U8 | DType::U32 if short => expr!("{v}u"),
            DType::I32 if short => expr!("i32({v})"),
            DType::I64 if short => expr!("i64({v}li)"),
            DType::F16 if short => expr!("f16({v:?})"),
            DType::F32 if short => expr!("f32({v:?})"),
            DType::F64 if short => expr!("f64({v:?}lf)"),
            _ => {
                let low = self.word(value.bits() as u32);
                let high = if dtype.size() == 8 { self.word((value.bits() >> 32) as u32) } else { Expr::new("") };
                return self.spell_words(dtype, &low, &high);
            }
        })
    }

    /// A register from its bits; only 8-byte dtypes have a high word.
    fn spell_words(&mut self, dtype: DType, low: &Expr, high: &Expr) -> Result<Expr> {
        Ok(match dtype {
            DType::Bool => expr!("({low} != 0u)"),
            DType::U8 | DType::U32 => low.clone(),
            DType::I32 => expr!("bitcast<i32>({low})"),
            DType::F32 => expr!("bitcast<f32>({low})"),
            DType::F16 => expr!("f16(unpack2x16float({low}).x)"),
            DType::I64 => expr!("bitcast<i64>(u64({low}) | (u64({high}) << 32u))"),
            DType::F64 => {
                // A double is put together in a 64-bit integer.
                self.uses(DType::I64)?;
                expr!("bitcast<f64>(u64({low}) | (u64({high}) << 32u))")
            }
        })
    }

    /// The finished kernel of a template.
    ///
    /// # Errors
    /// Internal for a template that does not fit its definitions; unsupported where the limits do not hold it.
    pub fn finish(mut self, core: &str, template: &str, groups: u64) -> Result<Kernel> {
        let limits = self.input.limits;
        if self.buffers.len() + 1 > limits.max_storage_buffers as usize {
            return Err(Error::unsupported(format!(
                "the kernel needs {} storage buffers, the device binds {}",
                self.buffers.len() + 1,
                limits.max_storage_buffers
            )));
        }
        // The width of the grid is a parameter rather than a built-in, which some back ends have to emulate.
        let (x, y) = grid(groups, limits.max_workgroups)?;
        let grid_x = self.word(x);
        self.define("GRID_X", grid_x);
        let body = template::expand(template, &self.definitions)?;
        // Library functions of i64 may only stand where the device has the type; none is asked for elsewhere.
        let library = template::functions(&self.functions, limits.i64)?;
        let wgsl = format!("{}{library}{body}", self.declarations());
        Ok(Kernel {
            label: format!("{core} g{}", self.input.group.id),
            rounds: rounds(&wgsl, &self.bounds)?,
            wgsl: wgsl.into(),
            arithmetic: if self.keeps_ieee() { Arithmetic::Ieee } else { Arithmetic::Plain },
            bindings: self.buffers.into_iter().map(|b| b.binding).collect(),
            params: self.params,
            workgroups: [x, y, 1],
        })
    }

    /// The extensions and buffers that stand at the top.
    fn declarations(&self) -> String {
        let mut head = String::new();
        if self.uses_f16 {
            head.push_str("enable f16;\n");
        }
        head.push_str("@group(0) @binding(0) var<storage, read> params: array<u32>;\n");
        for (i, b) in self.buffers.iter().enumerate() {
            let access = if b.binding.writable { "read_write" } else { "read" };
            let mut element = element_type(b.dtype, b.binding.writable).to_owned();
            if b.vectors {
                element = format!("vec4<{element}>");
            }
            let at = i + 1;
            // Writing into a string cannot fail.
            let _ = writeln!(head, "@group(0) @binding({at}) var<storage, {access}> {}: array<{element}>;", Buffer(i));
        }
        head
    }

    /// The finished kernel as all that the group becomes.
    ///
    /// # Errors
    /// As [`Module::finish`].
    pub fn finish_alone(self, core: &str, template: &str, groups: u64) -> Result<Lowered> {
        Ok(Lowered { kernels: vec![self.finish(core, template, groups)?], ..Lowered::default() })
    }
}

/// Workgroups in two dimensions.
fn grid(groups: u64, most: u32) -> Result<(u32, u32)> {
    let x = groups.clamp(1, u64::from(most));
    let y = groups.max(1).div_ceil(x);
    if y > u64::from(most) {
        return Err(Error::unsupported(format!("{groups} workgroups are more than the device dispatches")));
    }
    Ok((x as u32, y as u32))
}
