//! Elementwise operations as WGSL expressions: an operation, its dtype and the operands' names go in, an expression comes
//! out. What an operation means is said in `graph`; where WGSL or drivers mean less, a library function stands in.

use super::module::{Module, register_type};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, CastMode, UnaryOp};
use crate::types::{DType, Kind};

fn refused(name: &str, dtype: DType) -> Error {
    Error::unsupported(format!("{name} of {dtype} has no form in kernels"))
}

/// Bytes live in words: results are cut back.
fn cut(dtype: DType, x: String) -> String {
    if dtype == DType::U8 { format!("(({x}) & 255u)") } else { x }
}

impl Module<'_> {
    /// A library function of `dtype` applied to `args`; halves go through single precision, which is exact up to the last
    /// rounding for the basic operations.
    fn call(&mut self, name: &str, dtype: DType, args: &[&str], to_bool: bool) -> String {
        let own = if dtype == DType::F16 { DType::F32 } else { dtype };
        let f = self.function(&format!("{name}_{}", register_type(own)));
        if dtype == DType::F16 {
            let args: Vec<String> = args.iter().map(|a| format!("f32({a})")).collect();
            let call = format!("{f}({})", args.join(", "));
            return if to_bool { call } else { format!("f16({call})") };
        }
        format!("{f}({})", args.join(", "))
    }

    /// `op` of a register `x` of `dtype`.
    ///
    /// # Errors
    /// Unsupported for f64 transcendental functions.
    pub(super) fn unary(&mut self, op: UnaryOp, dtype: DType, x: &str) -> Result<String> {
        let float = dtype.is_float();
        if op.is_transcendental() && dtype == DType::F64 {
            return Err(refused(op.name(), dtype));
        }
        Ok(match op {
            UnaryOp::Neg if float => self.call("neg", dtype, &[x], false),
            UnaryOp::Neg if dtype == DType::I64 => format!("(0li - {x})"),
            UnaryOp::Neg if dtype == DType::I32 => format!("(0 - {x})"),
            UnaryOp::Neg => cut(dtype, format!("(0u - {x})")),
            UnaryOp::Abs | UnaryOp::Sign if !dtype.is_signed() => {
                if op == UnaryOp::Abs {
                    x.to_owned()
                } else {
                    format!("min({x}, 1u)")
                }
            }
            UnaryOp::Not if dtype == DType::Bool => format!("(!{x})"),
            UnaryOp::Not => cut(dtype, format!("(~{x})")),
            UnaryOp::Square => cut(dtype, format!("({x} * {x})")),
            UnaryOp::Powi(n) => self.powi(n, dtype, x)?,
            UnaryOp::Round | UnaryOp::Trunc if dtype == DType::F64 => self.call(op.name(), dtype, &[x], false),
            UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Round | UnaryOp::Trunc => format!("{}({x})", op.name()),
            UnaryOp::IsNan => self.call("is_nan", dtype, &[x], true),
            UnaryOp::IsInf => self.call("is_inf", dtype, &[x], true),
            UnaryOp::IsFinite => self.call("is_finite", dtype, &[x], true),
            _ => self.call(op.name(), dtype, &[x], false),
        })
    }

    /// The products of an integer power, in a block of their own: the exponent is part of the plan.
    fn powi(&mut self, n: i32, dtype: DType, x: &str) -> Result<String> {
        if n < 0 && dtype.is_int() {
            return Ok(match dtype {
                DType::I32 => {
                    self.function("pow_i32");
                    format!("pow_i32({x}, {n})")
                }
                DType::I64 => {
                    self.function("pow_i64");
                    format!("pow_i64({x}, {n}li)")
                }
                _ => format!("select(0u, 1u, {x} == 1u)"),
            });
        }
        // Whole powers as nested expressions: low bit first, as the definition says.
        let mut left = n.unsigned_abs();
        let mut base = x.to_owned();
        let mut result: Option<String> = None;
        while left > 0 {
            if left & 1 == 1 {
                result = Some(match result {
                    Some(r) => self.product(dtype, &r, &base),
                    None => base.clone(),
                });
            }
            left >>= 1;
            if left > 0 {
                base = self.product(dtype, &base, &base);
            }
        }
        let one = self.literal(crate::types::Scalar::from_f64(dtype, 1.0))?;
        let r = result.unwrap_or(one);
        Ok(if n < 0 { self.call("recip", dtype, &[&r], false) } else { r })
    }

    /// Names a product in the pending statements, so that squares are not spelled out exponentially often.
    fn product(&mut self, dtype: DType, a: &str, b: &str) -> String {
        let name = self.fresh();
        self.pending.push_str(&format!("let {name} = {};\n", cut(dtype, format!("{a} * {b}"))));
        name
    }

    /// `op` of registers `x` and `y` of `dtype`.
    ///
    /// # Errors
    /// Unsupported for f64 functions that the GPU does not have.
    pub(super) fn binary(&mut self, op: BinaryOp, dtype: DType, x: &str, y: &str) -> Result<String> {
        let kind = dtype.kind();
        if op.is_transcendental() && dtype == DType::F64 {
            return Err(refused(op.name(), dtype));
        }
        let sign = match op {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::And => "&",
            BinaryOp::Or => "|",
            BinaryOp::Xor => "^",
            _ => "",
        };
        let word = |b: &str| format!("u32({b})");
        Ok(match (op, kind) {
            (BinaryOp::Ne | BinaryOp::Eq, Kind::Float) => self.call(op.name(), dtype, &[x, y], true),
            (BinaryOp::Le | BinaryOp::Ge, Kind::Float) if dtype == DType::F64 => {
                self.call(op.name(), dtype, &[x, y], true)
            }
            (BinaryOp::And, Kind::Bool) => format!("({x} && {y})"),
            (BinaryOp::Or, Kind::Bool) => format!("({x} || {y})"),
            (BinaryOp::Xor | BinaryOp::Ne, Kind::Bool) => format!("({x} != {y})"),
            (BinaryOp::Eq, Kind::Bool) => format!("({x} == {y})"),
            (BinaryOp::Maximum | BinaryOp::Fmax, Kind::Bool) => format!("({x} || {y})"),
            (BinaryOp::Minimum | BinaryOp::Fmin, Kind::Bool) => format!("({x} && {y})"),
            (BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, Kind::Bool) => {
                format!("({} {sign} {})", word(x), word(y))
            }
            (BinaryOp::Maximum | BinaryOp::Fmax, Kind::Int) if dtype.is_signed() => {
                self.call("maximum", dtype, &[x, y], false)
            }
            (BinaryOp::Minimum | BinaryOp::Fmin, Kind::Int) if dtype.is_signed() => {
                self.call("minimum", dtype, &[x, y], false)
            }
            (BinaryOp::Maximum | BinaryOp::Fmax, Kind::Int) => format!("max({x}, {y})"),
            (BinaryOp::Minimum | BinaryOp::Fmin, Kind::Int) => format!("min({x}, {y})"),
            (BinaryOp::Pow, Kind::Int) => cut(dtype, self.call(op.name(), dtype, &[x, y], false)),
            _ if !sign.is_empty() && op.is_compare() => format!("({x} {sign} {y})"),
            _ if !sign.is_empty() => cut(dtype, format!("({x} {sign} {y})")),
            _ => self.call(op.name(), dtype, &[x, y], false),
        })
    }

    /// A register `x` of `from` converted to `to`.
    ///
    /// # Errors
    /// Unsupported conversions of 64-bit integers on devices without them.
    pub(super) fn cast(&mut self, mode: CastMode, from: DType, to: DType, x: &str) -> Result<String> {
        self.uses(from)?;
        self.uses(to)?;
        if from == to {
            return Ok(x.to_owned());
        }
        let target = register_type(to);
        Ok(match (from.kind(), to.kind()) {
            (Kind::Bool, _) => format!("{target}({x})"),
            (Kind::Float, Kind::Bool) => {
                let zero = self.literal(crate::types::Scalar::from_f64(from, 0.0))?;
                format!("(!({x} == {zero}))")
            }
            (Kind::Int, Kind::Bool) => format!("({x} != {}(0))", register_type(from)),
            (Kind::Float, Kind::Int) => {
                let (own, x) =
                    if from == DType::F16 { (DType::F32, format!("f32({x})")) } else { (from, x.to_owned()) };
                let x = if mode == CastMode::RoundSaturate { self.call("round_away", own, &[&x], false) } else { x };
                let f = self.function(&format!("{}_to_{}", own.name(), to.name()));
                format!("{f}({x})")
            }
            (Kind::Float, Kind::Float) | (Kind::Int, Kind::Float) => self.widen_or_round(from, to, x)?,
            (Kind::Int, Kind::Int) if mode == CastMode::RoundSaturate => saturate(from, to, x),
            (Kind::Int, Kind::Int) => match (from, to) {
                (_, DType::U8) => format!("(u32({x}) & 255u)"),
                (DType::U32 | DType::U8, DType::I64) => from_u32_to_i64(x),
                // Widening keeps the value, narrowing keeps the low bits.
                _ => format!("{target}({x})"),
            },
        })
    }

    fn widen_or_round(&mut self, from: DType, to: DType, x: &str) -> Result<String> {
        // Halves are reached through single precision: integers beyond 2^16 overflow to infinity either way.
        Ok(match (from, to) {
            (DType::I32 | DType::U32 | DType::I64 | DType::U8, DType::F16) => {
                let f = self.function("f32_to_f16");
                format!("{f}(f32({x}))")
            }
            (DType::F32, DType::F16) => {
                let f = self.function("f32_to_f16");
                format!("{f}({x})")
            }
            (DType::F64, DType::F16) => {
                let f = self.function("f32_to_f16");
                format!("{f}(f32({x}))")
            }
            _ => format!("{}({x})", register_type(to)),
        })
    }
}

/// An integer clamped into the range of another integer dtype.
fn saturate(from: DType, to: DType, x: &str) -> String {
    match (from, to) {
        (DType::I32, DType::U32) => format!("u32(max({x}, 0))"),
        (DType::I32, DType::U8) => format!("u32(clamp({x}, 0, 255))"),
        (DType::U32, DType::I32) => format!("i32(min({x}, 2147483647u))"),
        (DType::U32, DType::U8) => format!("min({x}, 255u)"),
        (DType::I64, DType::I32) => format!("i32(clamp({x}, -2147483648li, 2147483647li))"),
        (DType::I64, DType::U32) => format!("u32(clamp({x}, 0li, 4294967295li))"),
        (DType::I64, DType::U8) => format!("u32(clamp({x}, 0li, 255li))"),
        (DType::U32 | DType::U8, DType::I64) => from_u32_to_i64(x),
        _ => format!("{}({x})", register_type(to)),
    }
}

/// By way of u64, because naga extends the sign when it converts to i64 directly.
pub(super) fn from_u32_to_i64(x: &str) -> String {
    format!("i64(u64({x}))")
}
