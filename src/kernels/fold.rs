//! Folds: what a reduction starts with, how two partial results become one, and how the lanes of a workgroup combine theirs.
//!
//! Reductions and arg-reductions come in; WGSL statements come out. This module knows nothing of domains and loads.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::choose::{Lanes, THREADS};
use super::module::{Module, accumulator, register_type, widen};
use super::text::{Expr, expr};
use crate::error::{Error, Result};
use crate::graph::{ArgOp, BinaryOp, ReduceOp};
use crate::schedule::{Inst, Program, Reg};
use crate::types::{DType, DTypeKind, Scalar};

/// What a fold gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum FoldOp {
    /// A value: sum, maximum, …
    Value(ReduceOp),
    /// The position of a value.
    Position(ArgOp),
}

/// One fold of a program: its register, its operand, and how it accumulates.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    pub reg: Reg,
    pub operand: Reg,
    pub op: FoldOp,
    /// The dtype of the operand.
    pub dtype: DType,
    /// The dtype of the accumulator.
    pub acc: DType,
}

/// A partial result of a fold: variables, an element, or what another thread left in memory.
#[derive(Clone, Debug)]
pub(super) struct Partial {
    pub value: Expr,
    /// The position of the value, for folds that give one.
    pub position: Option<Expr>,
}

/// The position before an element was seen.
const NOWHERE: &str = "0xffffffffu";

impl Fold {
    /// The fold an instruction is, if it is one.
    pub fn of(program: &Program, reg: Reg) -> Option<Self> {
        let (op, operand) = match program.insts[reg.index()] {
            Inst::Reduce(op, a) => (FoldOp::Value(op), a),
            Inst::ArgReduce(op, a) => (FoldOp::Position(op), a),
            _ => return None,
        };
        let dtype = program.dtype(operand);
        let acc = match (op, dtype) {
            // Truth values and bytes are compared as words.
            (FoldOp::Position(_), DType::Bool | DType::U8) => DType::U32,
            _ => accumulator(dtype),
        };
        Some(Self { reg, operand, op, dtype, acc })
    }

    /// Whether the fold gives a position.
    pub fn gives_position(&self) -> bool {
        matches!(self.op, FoldOp::Position(_))
    }

    /// The operand's register `x`, the element at `position`, as a partial result.
    pub fn element(&self, x: &Expr, position: &Expr) -> Partial {
        let value = match (self.op, self.dtype) {
            (FoldOp::Position(_), DType::Bool) => expr!("u32({x})"),
            _ => widen(self.dtype, x),
        };
        self.partial(value, position.clone())
    }

    /// A partial result; `position` only matters to folds that give one.
    pub fn partial(&self, value: Expr, position: Expr) -> Partial {
        Partial { value, position: self.gives_position().then_some(position) }
    }

    /// The accumulated result as the fold's register.
    pub fn register(&self, m: &mut Module<'_>, acc: &Partial) -> Expr {
        let Partial { value, position } = acc;
        match position {
            Some(at) => expr!("i32(select({at}, 0u, {at} == {NOWHERE}))"),
            None if self.dtype == DType::U8 => expr!("({value} & 255u)"),
            None => m.narrow(self.dtype, value),
        }
    }

    /// Declares an empty accumulator called `name`.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn declare(&self, m: &mut Module<'_>, name: &str) -> Result<Partial> {
        m.uses(self.acc)?;
        let t = register_type(self.acc);
        match self.op {
            FoldOp::Value(op) => {
                let start = identity(m, op, self.acc)?;
                Ok(Partial { value: m.code.variable(name, t, &start), position: None })
            }
            FoldOp::Position(_) => {
                let value = m.code.variable(name, t, &expr!("{t}()"));
                let position = m.code.variable(format_args!("{name}_at"), "u32", &Expr::new(NOWHERE));
                Ok(Partial { value, position: Some(position) })
            }
        }
    }

    /// Whether the fold adds floats, and so rounds at every element.
    pub fn sums_floats(&self) -> bool {
        matches!(self.op, FoldOp::Value(ReduceOp::Sum)) && self.acc.is_float()
    }

    /// Whether the result depends on the order in which elements are folded.
    pub fn rounds(&self) -> bool {
        matches!(self.op, FoldOp::Value(ReduceOp::Sum | ReduceOp::Prod)) && self.acc.is_float()
    }

    /// Empties the accumulator of a fold that gives a value.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn clear(&self, m: &mut Module<'_>, acc: &Partial) -> Result<()> {
        if let FoldOp::Value(op) = self.op {
            let start = identity(m, op, self.acc)?;
            m.code.assign(&acc.value, &start);
        }
        Ok(())
    }

    /// Adds a partial result to an accumulator.
    ///
    /// # Errors
    /// Unsupported dtypes; internal for a position that is missing.
    pub fn add(&self, m: &mut Module<'_>, acc: &Partial, other: &Partial) -> Result<()> {
        let op = match self.op {
            FoldOp::Value(op) => {
                let sum = combine(m, op, self.acc, &acc.value, &other.value)?;
                m.code.assign(&acc.value, &sum);
                return Ok(());
            }
            FoldOp::Position(op) => op,
        };
        let (Some(at), Some(other_at)) = (&acc.position, &other.position) else {
            return Err(Error::internal("a partial result lacks its position"));
        };
        let beats = self.comparison_name(op);
        let (value, other) = (&acc.value, &other.value);
        m.block(format_args!("if ({beats}({other}, {other_at}, {value}, {at}))"), |m| {
            m.code.assign(value, other);
            m.code.assign(at, other_at);
            Ok(())
        })
    }

    fn comparison_name(&self, op: ArgOp) -> String {
        format!("beats_{}_{}", op.name(), register_type(self.acc))
    }

    /// The comparison of an arg-reduction: whether (v, i) comes before (b, at). Earlier positions win among equals.
    pub fn comparison(&self, m: &mut Module<'_>) -> Option<String> {
        let FoldOp::Position(op) = self.op else { return None };
        let t = register_type(self.acc);
        let float = self.acc.kind() == DTypeKind::Float;
        let nan = if float { m.function(format!("is_nan_{t}")) } else { String::new() };
        let ignores = matches!(op, ArgOp::Fmax | ArgOp::Fmin);
        let mut text = format!("fn {}(v: {t}, i: u32, b: {t}, at: u32) -> bool {{\n", self.comparison_name(op));
        let _ = writeln!(text, "    if (i == {NOWHERE}) {{ return false; }}");
        if float && ignores {
            let _ = writeln!(text, "    if ({nan}(v)) {{ return false; }}");
        }
        let _ = writeln!(text, "    if (at == {NOWHERE}) {{ return true; }}");
        if float && !ignores {
            let _ = writeln!(text, "    if ({nan}(v) || {nan}(b)) {{ return {nan}(v) && (!{nan}(b) || i < at); }}");
        }
        let sign = if matches!(op, ArgOp::Max | ArgOp::Fmax) { ">" } else { "<" };
        let _ = writeln!(text, "    return v {sign} b || (v == b && i < at);\n}}");
        Some(text)
    }

    /// Combines what the lanes of each row have, through workgroup memory: `acc` holds the row's fold in all of them afterwards.
    ///
    /// # Errors
    /// Unsupported dtypes.
    pub fn combine_lanes(&self, m: &mut Module<'_>, acc: &Partial, lanes: Lanes) -> Result<()> {
        if lanes.per_row == 1 {
            return Ok(());
        }
        let step = lanes.step();
        self.share(m, acc);
        m.code.barrier();
        let mut half = lanes.per_row / 2;
        while half > 0 {
            m.block(format_args!("if (lane < {half}u)"), |m| {
                let other = self.shared(&expr!("(lid + {}u)", half * step));
                self.add(m, acc, &other)?;
                self.share(m, acc);
                Ok(())
            })?;
            m.code.barrier();
            half /= 2;
        }
        let first = self.shared(&expr!("(lid - lane * {step}u)"));
        m.code.assign(&acc.value, &first.value);
        if let (Some(at), Some(first)) = (&acc.position, &first.position) {
            m.code.assign(at, first);
        }
        m.code.barrier();
        Ok(())
    }

    /// Stores a thread's partial result in workgroup memory. Truth values are stored as words: folds over workgroup arrays of
    /// `bool` gave false on NVIDIA's Vulkan driver (580.159).
    fn share(&self, m: &mut Module<'_>, acc: &Partial) {
        let Partial { value, position } = acc;
        let word = if self.acc == DType::Bool { expr!("select(0u, 1u, {value})") } else { value.clone() };
        m.code.assign(&expr!("shared_{}[lid]", register_type(self.acc)), &word);
        if let Some(at) = position {
            m.code.assign(&Expr::new("shared_at[lid]"), at);
        }
    }

    /// The partial result of the thread `at`, in workgroup memory.
    fn shared(&self, at: &Expr) -> Partial {
        let word = expr!("shared_{}[{at}]", register_type(self.acc));
        let value = if self.acc == DType::Bool { expr!("({word} != 0u)") } else { word };
        self.partial(value, expr!("shared_at[{at}]"))
    }
}

/// The declarations of the workgroup memory through which the folds are combined.
pub(super) fn shared_memory(folds: &[Fold]) -> String {
    let types: BTreeSet<&str> = folds.iter().map(|f| register_type(f.acc)).collect();
    let declare =
        |t: &&str| format!("var<workgroup> shared_{t}: array<{}, {THREADS}>;\n", if *t == "bool" { "u32" } else { t });
    let mut text: String = types.iter().map(declare).collect();
    if folds.iter().any(Fold::gives_position) {
        text.push_str(&format!("var<workgroup> shared_at: array<u32, {THREADS}>;\n"));
    }
    text
}

/// What a fold of nothing is.
///
/// # Errors
/// Unsupported dtypes.
pub(super) fn identity(m: &mut Module<'_>, op: ReduceOp, dtype: DType) -> Result<Expr> {
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
pub(super) fn combine(m: &mut Module<'_>, op: ReduceOp, dtype: DType, a: &Expr, b: &Expr) -> Result<Expr> {
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
