//! Folds: what a reduction starts with, how two partial results become one, and how the lanes of a workgroup meet.
//!
//! Reductions and arg-reductions come in; WGSL text comes out. It knows nothing of domains and loads.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::module::{Module, accumulator, narrow, register_type, widen};
use crate::error::{Error, Result};
use crate::graph::{ArgOp, BinaryOp, ReduceOp};
use crate::schedule::{Inst, Program, Reg};
use crate::types::{DType, Kind, Scalar};

/// A fold of one operand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Value(ReduceOp),
    Position(ArgOp),
}

/// One fold of a program: its register, its operand, and how it accumulates.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    pub reg: Reg,
    pub operand: Reg,
    pub op: Op,
    /// The dtype of the operand.
    pub dtype: DType,
    /// The dtype of the accumulator.
    pub acc: DType,
}

/// What a position is before an element was seen.
pub(super) const NOWHERE: &str = "0xffffffffu";

impl Fold {
    /// The fold an instruction is, if it is one.
    pub fn of(program: &Program, reg: Reg) -> Option<Self> {
        let (op, operand) = match program.insts[reg.index()] {
            Inst::Reduce(op, a) => (Op::Value(op), a),
            Inst::ArgReduce(op, a) => (Op::Position(op), a),
            _ => return None,
        };
        let dtype = program.dtype(operand);
        let acc = match (op, dtype) {
            // Truth values and bytes are compared as words.
            (Op::Position(_), DType::Bool | DType::U8) => DType::U32,
            _ => accumulator(dtype),
        };
        Some(Self { reg, operand, op, dtype, acc })
    }

    /// The operand's register as the accumulator sees it.
    pub fn lift(&self, x: &str) -> String {
        match (self.op, self.dtype) {
            (Op::Position(_), DType::Bool) => format!("u32({x})"),
            _ => widen(self.dtype, x),
        }
    }

    /// The accumulated value as the fold's register.
    pub fn lower(&self, name: &str) -> String {
        match self.op {
            Op::Value(_) if self.dtype == DType::U8 => format!("({name} & 255u)"),
            Op::Value(_) => narrow(self.dtype, name),
            Op::Position(_) => format!("i32(select({name}_at, 0u, {name}_at == {NOWHERE}))"),
        }
    }

    /// Declares an empty accumulator called `name`.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn declare(&self, m: &mut Module<'_>, name: &str, out: &mut String) -> Result<()> {
        m.uses(self.acc)?;
        let t = register_type(self.acc);
        match self.op {
            Op::Value(op) => {
                let start = identity(m, op, self.acc)?;
                let _ = writeln!(out, "var {name}: {t} = {start};");
            }
            Op::Position(_) => {
                let _ = writeln!(out, "var {name}: {t} = {t}();\nvar {name}_at: u32 = {NOWHERE};");
            }
        }
        Ok(())
    }

    /// Adds the value `x` (at position `at`) to the accumulator.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn add(&self, m: &mut Module<'_>, name: &str, x: &str, at: &str, out: &mut String) -> Result<()> {
        match self.op {
            Op::Value(op) => {
                let sum = combine(m, op, self.acc, name, x)?;
                let _ = writeln!(out, "{name} = {sum};");
            }
            Op::Position(op) => {
                let beats = self.beats(op);
                let _ =
                    writeln!(out, "if ({beats}({x}, {at}, {name}, {name}_at)) {{ {name} = {x}; {name}_at = {at}; }}");
            }
        }
        Ok(())
    }

    fn beats(&self, op: ArgOp) -> String {
        format!("beats_{}_{}", op.name(), register_type(self.acc))
    }

    /// The comparison of an arg-reduction: whether (v, i) comes before (b, at). Earlier positions win among equals.
    pub fn function(&self, m: &mut Module<'_>) -> Option<String> {
        let Op::Position(op) = self.op else { return None };
        let t = register_type(self.acc);
        let float = self.acc.kind() == Kind::Float;
        let nan = if float { m.function(&format!("is_nan_{t}")) } else { String::new() };
        let ignores = matches!(op, ArgOp::Fmax | ArgOp::Fmin);
        let mut text = format!("fn {}(v: {t}, i: u32, b: {t}, at: u32) -> bool {{\n", self.beats(op));
        let _ = writeln!(text, "if (i == {NOWHERE}) {{ return false; }}");
        if float && ignores {
            let _ = writeln!(text, "if ({nan}(v)) {{ return false; }}");
        }
        let _ = writeln!(text, "if (at == {NOWHERE}) {{ return true; }}");
        if float && !ignores {
            let _ = writeln!(text, "if ({nan}(v) || {nan}(b)) {{ return {nan}(v) && (!{nan}(b) || i < at); }}");
        }
        let sign = if matches!(op, ArgOp::Max | ArgOp::Fmax) { ">" } else { "<" };
        let _ = writeln!(text, "return v {sign} b || (v == b && i < at);\n}}");
        Some(text)
    }

    /// Lets the lanes of each row meet: the accumulator holds the row's fold afterwards. Neighbouring lanes are `step`
    /// threads apart; `first` is the thread of lane 0.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn meet(&self, m: &mut Module<'_>, name: &str, lanes: u32, step: u32, out: &mut String) -> Result<()> {
        if lanes == 1 {
            return Ok(());
        }
        let t = register_type(self.acc);
        let position = matches!(self.op, Op::Position(_));
        let (keep, meet) = (kept(t, name), |at: String| met(t, &format!("shared_{t}[{at}]")));
        let _ = writeln!(out, "shared_{t}[lid] = {keep};");
        if position {
            let _ = writeln!(out, "shared_at[lid] = {name}_at;");
        }
        out.push_str("workgroupBarrier();\n");
        let mut half = lanes / 2;
        while half > 0 {
            let other = half * step;
            let _ = writeln!(out, "if (lane < {half}u) {{");
            if position {
                self.add(m, name, &meet(format!("lid + {other}u")), &format!("shared_at[lid + {other}u]"), out)?;
                let _ = writeln!(out, "shared_at[lid] = {name}_at;");
            } else {
                self.add(m, name, &meet(format!("lid + {other}u")), "", out)?;
            }
            let _ = writeln!(out, "shared_{t}[lid] = {keep};\n}}\nworkgroupBarrier();");
            half /= 2;
        }
        let _ = writeln!(out, "{name} = {};", meet(format!("lid - lane * {step}u")));
        if position {
            let _ = writeln!(out, "{name}_at = shared_at[lid - lane * {step}u];");
        }
        out.push_str("workgroupBarrier();\n");
        Ok(())
    }
}

/// A value on its way into workgroup memory. Truth values travel as words: folds over workgroup arrays of `bool` came out false
/// on NVIDIA's Vulkan driver (580.159).
fn kept(t: &str, name: &str) -> String {
    if t == "bool" { format!("select(0u, 1u, {name})") } else { name.to_string() }
}

/// A value on its way out of workgroup memory.
fn met(t: &str, place: &str) -> String {
    if t == "bool" { format!("({place} != 0u)") } else { place.to_string() }
}

/// The workgroup memory that the folds meet in.
pub(super) fn shared(folds: &[Fold]) -> String {
    let types: BTreeSet<&str> = folds.iter().map(|f| register_type(f.acc)).collect();
    let declare =
        |t: &&str| format!("var<workgroup> shared_{t}: array<{}, 256>;\n", if *t == "bool" { "u32" } else { t });
    let mut text: String = types.iter().map(declare).collect();
    if folds.iter().any(|f| matches!(f.op, Op::Position(_))) {
        text.push_str("var<workgroup> shared_at: array<u32, 256>;\n");
    }
    text
}

/// What a fold of nothing is.
///
/// # Errors
/// Unsupported dtypes.
pub(super) fn identity(m: &mut Module<'_>, op: ReduceOp, dtype: DType) -> Result<String> {
    let float = dtype.is_float();
    let scalar = match op {
        ReduceOp::Sum => Scalar::from_f64(dtype, 0.0),
        ReduceOp::Prod => Scalar::from_f64(dtype, 1.0),
        ReduceOp::Any => Scalar::from_f64(DType::Bool, 0.0),
        ReduceOp::All => Scalar::from_f64(DType::Bool, 1.0),
        // NaN is what the NaN-ignoring folds give when there was nothing else.
        ReduceOp::Fmax | ReduceOp::Fmin if float => Scalar::from_f64(dtype, f64::NAN),
        ReduceOp::Max | ReduceOp::Fmax if float => Scalar::from_f64(dtype, f64::NEG_INFINITY),
        ReduceOp::Min | ReduceOp::Fmin if float => Scalar::from_f64(dtype, f64::INFINITY),
        ReduceOp::Max | ReduceOp::Fmax => match dtype {
            DType::I64 => Scalar::from_i64(dtype, i64::MIN),
            DType::I32 => Scalar::from_i64(dtype, i64::from(i32::MIN)),
            _ => Scalar::from_i64(dtype, 0),
        },
        ReduceOp::Min | ReduceOp::Fmin => match dtype {
            DType::I64 => Scalar::from_i64(dtype, i64::MAX),
            DType::I32 => Scalar::from_i64(dtype, i64::from(i32::MAX)),
            DType::U8 => Scalar::from_i64(dtype, 255),
            DType::Bool => Scalar::from_i64(dtype, 1),
            _ => Scalar::from_i64(dtype, i64::from(u32::MAX)),
        },
    };
    m.literal(scalar)
}

/// Two partial folds as one.
///
/// # Errors
/// Unsupported dtypes.
pub(super) fn combine(m: &mut Module<'_>, op: ReduceOp, dtype: DType, a: &str, b: &str) -> Result<String> {
    let op = match op {
        ReduceOp::Sum => BinaryOp::Add,
        ReduceOp::Prod => BinaryOp::Mul,
        ReduceOp::Max => BinaryOp::Maximum,
        ReduceOp::Min => BinaryOp::Minimum,
        ReduceOp::Fmax => BinaryOp::Fmax,
        ReduceOp::Fmin => BinaryOp::Fmin,
        ReduceOp::Any | ReduceOp::All if dtype != DType::Bool => {
            return Err(Error::internal(format!("{} of {dtype}", op.name())));
        }
        ReduceOp::Any => BinaryOp::Or,
        ReduceOp::All => BinaryOp::And,
    };
    m.binary(op, dtype, a, b)
}
