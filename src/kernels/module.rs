//! One WGSL module while it is being written: parameters, bindings, library functions, and the spelling of dtypes.
//!
//! What goes in are requests (a word, a scalar, a buffer, a function); what comes out is a [`Kernel`]. It knows no cores.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::template::{self, Names};
use super::{Binding, Kernel, Param, Source};
use crate::error::{Error, Result};
use crate::schedule::{Group, Value, ValueId};
use crate::types::{DType, Limits, Scalar};

/// What lowering a group may look at.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub group: &'a Group,
    pub values: &'a [Value],
    pub scalars: &'a [DType],
    pub limits: &'a Limits,
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

/// The dtype in which folds accumulate: halves add up in single precision.
pub(super) fn accumulator(dtype: DType) -> DType {
    if dtype == DType::F16 { DType::F32 } else { dtype }
}

/// An expression of one register dtype as the accumulator of its dtype, and back.
pub(super) fn widen(dtype: DType, x: &str) -> String {
    if dtype == DType::F16 { format!("f32({x})") } else { x.to_owned() }
}

/// See [`widen`].
pub(super) fn narrow(dtype: DType, x: &str) -> String {
    if dtype == DType::F16 { format!("f16({x})") } else { x.to_owned() }
}

/// The type of a buffer's elements.
fn element_type(dtype: DType, writable: bool) -> &'static str {
    match dtype {
        DType::U8 if writable => "atomic<u32>",
        DType::Bool | DType::U8 => "u32",
        other => register_type(other),
    }
}

struct Buffer {
    binding: Binding,
    dtype: DType,
    /// Whether elements are seen in fours.
    vectors: bool,
}

/// A module in the making.
pub(super) struct Module<'a> {
    pub ctx: Context<'a>,
    params: Vec<Param>,
    words: usize,
    buffers: Vec<Buffer>,
    functions: BTreeSet<String>,
    uses_f16: bool,
    counter: u32,
    /// Statements that must stand before the expression just given out.
    pub pending: String,
    /// Names for the template.
    pub names: Names,
}

impl<'a> Module<'a> {
    /// An empty module. Parameter 0 is always zero: it hides bit patterns from compilers that fold.
    pub fn new(ctx: Context<'a>) -> Self {
        Self {
            ctx,
            params: vec![Param::Word(0)],
            words: 1,
            buffers: Vec::new(),
            functions: BTreeSet::new(),
            uses_f16: false,
            counter: 0,
            pending: String::new(),
            names: Names::new(),
        }
    }

    /// A u32 parameter.
    pub fn word(&mut self, value: u32) -> String {
        self.params.push(Param::Word(value));
        self.words += 1;
        format!("params[{}]", self.words - 1)
    }

    /// A u32 parameter from an extent or a count.
    ///
    /// # Errors
    /// Unsupported past 32 bits.
    pub fn extent(&mut self, value: usize) -> Result<String> {
        let word = u32::try_from(value)
            .map_err(|_| Error::unsupported(format!("{value} elements are beyond the 32-bit indices of a kernel")))?;
        Ok(self.word(word))
    }

    /// A stride or offset as two's complement: index arithmetic is modulo 2³² and ends inside the buffer.
    pub fn stride(&mut self, value: i64) -> String {
        self.word(value as u32)
    }

    /// Gives the template a name.
    pub fn define(&mut self, name: &str, text: impl Into<String>) {
        self.names.insert(name.to_owned(), text.into());
    }

    /// Gives the template the expansion of another one as a name.
    ///
    /// # Errors
    /// As [`template::expand`].
    pub fn include(&mut self, name: &str, part: &str) -> Result<()> {
        let text = template::expand(part, &self.names)?;
        self.define(name, text);
        Ok(())
    }

    /// Includes a library function and gives its name back.
    pub fn function(&mut self, name: &str) -> String {
        self.functions.insert(name.to_owned());
        name.to_owned()
    }

    /// A local name that was not given out before.
    pub fn fresh(&mut self) -> String {
        self.counter += 1;
        format!("t{}", self.counter)
    }

    /// Notes that a dtype appears in registers.
    ///
    /// # Errors
    /// Unsupported where the device has no such type.
    pub fn uses(&mut self, dtype: DType) -> Result<()> {
        let limits = self.ctx.limits;
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

    /// The name of the buffer that shows `source`. A buffer that was bound before is found again.
    ///
    /// # Errors
    /// Unsupported dtypes; internal when a kernel would read and write the same value.
    pub fn bind(&mut self, source: Source, dtype: DType, writable: bool) -> Result<String> {
        self.uses(dtype)?;
        if let Some(i) = self.buffers.iter().position(|b| b.binding.source == source) {
            let b = &self.buffers[i];
            if b.binding.writable != writable || b.dtype != dtype {
                return Err(Error::internal(format!(
                    "{source:?} is both read and written in one kernel, or has two dtypes"
                )));
            }
            return Ok(format!("buffer{i}"));
        }
        self.buffers.push(Buffer { binding: Binding { source, writable }, dtype, vectors: false });
        Ok(format!("buffer{}", self.buffers.len() - 1))
    }

    /// Shows a value that is only read as vectors of four; its length has to be a multiple of four. Must come before any
    /// other use of the value in the kernel.
    ///
    /// # Errors
    /// As [`Module::bind`].
    pub fn bind_vectors(&mut self, id: ValueId, dtype: DType) -> Result<String> {
        let name = self.bind_value(id, dtype, false)?;
        for b in &mut self.buffers {
            b.vectors |= b.binding.source == Source::Value(id);
        }
        Ok(name)
    }

    /// The buffer of a value of the schedule.
    ///
    /// # Errors
    /// As [`Module::bind`].
    pub fn bind_value(&mut self, id: ValueId, dtype: DType, writable: bool) -> Result<String> {
        let value = self
            .ctx
            .values
            .get(id.index())
            .ok_or_else(|| Error::internal(format!("{id} is no value of the schedule")))?;
        if value.dtype != dtype {
            return Err(Error::internal(format!("{id} is {}, not {dtype}", value.dtype)));
        }
        self.bind(Source::Value(id), dtype, writable)
    }

    /// The element at `index` as a register.
    pub fn read(&self, buffer: &str, dtype: DType, index: &str) -> String {
        let number = buffer.trim_start_matches("buffer").parse::<usize>().ok();
        if number.and_then(|i| self.buffers.get(i)).is_some_and(|b| b.vectors) {
            return format!("{buffer}[({index}) >> 2u][({index}) & 3u]");
        }
        match dtype {
            DType::Bool => format!("({buffer}[{index}] != 0u)"),
            DType::U8 => format!("(({buffer}[({index}) >> 2u] >> ((({index}) & 3u) * 8u)) & 255u)"),
            _ => format!("{buffer}[{index}]"),
        }
    }

    /// A statement that writes `value` at `index`.
    pub fn write(buffer: &str, dtype: DType, index: &str, value: &str) -> String {
        match dtype {
            DType::Bool => format!("{buffer}[{index}] = select(0u, 1u, {value});"),
            // Neighbours share a word; each byte belongs to one thread, so clearing and setting bits commute.
            DType::U8 => format!(
                "{{ let at = {index}; let shift = (at & 3u) * 8u; atomicAnd(&{buffer}[at >> 2u], ~(255u << shift)); atomicOr(&{buffer}[at >> 2u], (({value}) & 255u) << shift); }}"
            ),
            _ => format!("{buffer}[{index}] = {value};"),
        }
    }

    /// The run's scalar `index` as a register.
    ///
    /// # Errors
    /// Internal when there is no such scalar or its dtype differs.
    pub fn scalar(&mut self, index: u32, dtype: DType) -> Result<String> {
        if self.ctx.scalars.get(index as usize) != Some(&dtype) {
            return Err(Error::internal(format!("scalar ${index} is not a {dtype} of the schedule")));
        }
        self.uses(dtype)?;
        self.params.push(Param::Scalar(index));
        let at = self.words;
        self.words += if dtype.size() == 8 { 2 } else { 1 };
        self.spell_words(dtype, &format!("params[{at}]"), &format!("params[{}]", at + 1))
    }

    /// A literal as a register. Only short finite numbers stand in the text; all else is hidden in parameters, because WGSL
    /// has no way to write NaN and infinities, and so that equal programs with other numbers share a pipeline.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn literal(&mut self, value: Scalar) -> Result<String> {
        let dtype = value.dtype();
        self.uses(dtype)?;
        let v = value.to_f64();
        let short = v.is_finite() && (v != 0.0 || value.is(0.0)) && value.is_structural();
        let text = match dtype {
            DType::Bool => if value.bits() != 0 { "true" } else { "false" }.to_owned(),
            DType::U8 | DType::U32 if short => format!("{v}u"),
            DType::I32 if short => format!("i32({v})"),
            DType::I64 if short => format!("i64({v}li)"),
            DType::F16 if short => format!("f16({v:?})"),
            DType::F32 if short => format!("f32({v:?})"),
            DType::F64 if short => format!("f64({v:?}lf)"),
            _ => {
                let low = self.word(value.bits() as u32);
                let high = if dtype.size() == 8 { self.word((value.bits() >> 32) as u32) } else { String::new() };
                return self.spell_words(dtype, &low, &high);
            }
        };
        Ok(text)
    }

    fn spell_words(&mut self, dtype: DType, low: &str, high: &str) -> Result<String> {
        Ok(match dtype {
            DType::Bool => format!("({low} != 0u)"),
            DType::U8 | DType::U32 => low.to_owned(),
            DType::I32 => format!("bitcast<i32>({low})"),
            DType::F32 => format!("bitcast<f32>({low})"),
            DType::F16 => format!("f16(unpack2x16float({low}).x)"),
            DType::I64 => format!("bitcast<i64>(u64({low}) | (u64({high}) << 32u))"),
            DType::F64 => {
                // A double is put together in a 64-bit integer.
                self.uses(DType::I64)?;
                format!("bitcast<f64>(u64({low}) | (u64({high}) << 32u))")
            }
        })
    }

    /// The finished kernel of a template.
    ///
    /// # Errors
    /// Internal for a template that does not fit its names; unsupported where the limits do not hold it.
    pub fn finish(mut self, core: &str, template: &str, groups: u64) -> Result<Kernel> {
        let limits = self.ctx.limits;
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
            let _ = writeln!(head, "@group(0) @binding({}) var<storage, {access}> buffer{i}: array<{element}>;", i + 1);
        }
        let body = template::expand(template, &self.names)?;
        // Library functions of i64 may only stand where the device has the type; none is asked for elsewhere.
        let library = template::functions(&self.functions, limits.i64)?;
        Ok(Kernel {
            label: format!("{core} g{}", self.ctx.group.id),
            wgsl: format!("{head}{library}{body}").into(),
            bindings: self.buffers.into_iter().map(|b| b.binding).collect(),
            params: self.params,
            workgroups: [x, y, 1],
        })
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
