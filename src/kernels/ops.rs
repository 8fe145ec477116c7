//! Elementwise operations as WGSL expressions: an operation, its dtype and its operands come in, an expression comes out.
//!
//! `graph` defines what an operation means; where WGSL or a driver guarantees less, a library function is called instead.

use super::module::{Module, register_type};
use super::text::{Expr, expr};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, CastMode, UnaryOp};
use crate::types::{DType, DTypeKind, Scalar, Workaround};

fn refused(name: &str, dtype: DType) -> Error {
    Error::unsupported(format!("{name} of {dtype} has no form in kernels"))
}

/// Bytes live in words: results are cut back.
fn cut(dtype: DType, x: Expr) -> Expr {
    if dtype == DType::U8 { expr!("(({x}) & 255u)") } else { x }
}

impl Module<'_> {
    /// A fused multiply-add, `a · b + c`, where the type has one; compilers do not always find one in vector arithmetic.
    pub(super) fn fma(dtype: DType, a: &Expr, b: &Expr, c: &Expr) -> Expr {
        if dtype.is_float() { expr!("fma({a}, {b}, {c})") } else { expr!("({a} * {b} + {c})") }
    }

    /// A library function of `dtype` applied to `args`. Halves are computed in single precision, which is exact up to the last
    /// rounding for the basic operations.
    fn call(&mut self, name: &str, dtype: DType, args: &[&Expr]) -> Expr {
        let call = self.call_bool(name, dtype, args);
        self.narrow(dtype, &call)
    }

    /// A value of the accumulator of `dtype` as a register, in which a driver sees no value that was not rounded.
    pub(super) fn narrow(&mut self, dtype: DType, x: &Expr) -> Expr {
        if dtype != DType::F16 {
            return x.clone();
        }
        let f = self.function("f32_to_f16");
        expr!("{f}({x})")
    }

    /// As [`Module::call`], for a function that gives a truth value.
    fn call_bool(&mut self, name: &str, dtype: DType, args: &[&Expr]) -> Expr {
        let half = dtype == DType::F16;
        let own = if half { DType::F32 } else { dtype };
        let f = self.function(format!("{name}_{}", register_type(own)));
        let args: Vec<String> = args.iter().map(|a| if half { format!("f32({a})") } else { a.to_string() }).collect();
        expr!("{f}({})", args.join(", "))
    }

    /// A result of `+ − ×`, kept as it was rounded.
    fn rounded(&mut self, dtype: DType, x: Expr) -> Expr {
        // Without 64-bit integers there is no barrier for f64.
        let possible = dtype != DType::F64 || self.input.limits.i64;
        if !(dtype.is_float() && possible && self.keeps_ieee() && self.needs(Workaround::Barriers)) {
            return x;
        }
        self.call("barrier", dtype, &[&x])
    }

    /// The quotient of two floats.
    fn quotient(&mut self, dtype: DType, x: &Expr, y: &Expr) -> Expr {
        let single = dtype != DType::F64;
        if !self.keeps_ieee() || (!single && self.needs(Workaround::HiddenZeros)) {
            return self.call("div", dtype, &[x, y]);
        }
        match self.needs(Workaround::ExactQuotients) {
            true if single && self.keeps_bits() => self.call("exact_quotient", dtype, &[x, y]),
            true if single => self.call("quotient", dtype, &[x, y]),
            _ => self.rounded(dtype, expr!("({x} / {y})")),
        }
    }

    fn reciprocal(&mut self, dtype: DType, x: &Expr) -> Result<Expr> {
        if !self.keeps_ieee() {
            return Ok(self.call("recip", dtype, &[x]));
        }
        let one = self.literal(Scalar::from_f64(dtype, 1.0))?;
        Ok(self.quotient(dtype, &one, x))
    }

    fn root(&mut self, dtype: DType, x: &Expr) -> Expr {
        let exact = dtype != DType::F64 && self.keeps_bits() && self.needs(Workaround::ExactRoots);
        let root = self.call(if exact { "exact_root" } else { "sqrt" }, dtype, &[x]);
        if exact { root } else { self.rounded(dtype, root) }
    }

    /// A comparison of two floats.
    fn float_comparison(&mut self, op: BinaryOp, dtype: DType, sign: &str, x: &Expr, y: &Expr) -> Expr {
        let order = matches!(op, BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge);
        let by_order = order && dtype != DType::F64 && self.keeps_ieee() && self.needs(Workaround::Barriers);
        let maybe_equal = !matches!(op, BinaryOp::Lt | BinaryOp::Gt);
        let by_bits = maybe_equal && (!order || dtype == DType::F64) && self.needs(Workaround::NanByBits);
        if by_order || by_bits { self.call_bool(op.name(), dtype, &[x, y]) } else { expr!("({x} {sign} {y})") }
    }

    /// `op` of a register `x` of `dtype`.
    ///
    /// # Errors
    /// Unsupported for f64 transcendental functions.
    pub(super) fn unary(&mut self, op: UnaryOp, dtype: DType, x: &Expr) -> Result<Expr> {
        let float = dtype.is_float();
        if op.is_transcendental() && dtype == DType::F64 {
            return Err(refused(op.name(), dtype));
        }
        Ok(match op {
            UnaryOp::Neg if float => self.call("neg", dtype, &[x]),
            UnaryOp::Neg if dtype == DType::I64 => expr!("(0li - {x})"),
            UnaryOp::Neg if dtype == DType::I32 => expr!("(0 - {x})"),
            UnaryOp::Neg => cut(dtype, expr!("(0u - {x})")),
            UnaryOp::Abs | UnaryOp::Sign if !dtype.is_signed() => {
                if op == UnaryOp::Abs {
                    x.clone()
                } else {
                    expr!("min({x}, 1u)")
                }
            }
            UnaryOp::Not if dtype == DType::Bool => expr!("(!{x})"),
            UnaryOp::Not => cut(dtype, expr!("(~{x})")),
            UnaryOp::Square => {
                let square = self.rounded(dtype, expr!("({x} * {x})"));
                cut(dtype, square)
            }
            UnaryOp::Recip if float => self.reciprocal(dtype, x)?,
            UnaryOp::Sqrt => self.root(dtype, x),
            UnaryOp::Powi(n) => self.powi(n, dtype, x)?,
            UnaryOp::Round | UnaryOp::Trunc if dtype == DType::F64 && self.needs(Workaround::RoundingFromFloor) => {
                self.call(op.name(), dtype, &[x])
            }
            UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Round | UnaryOp::Trunc => expr!("{}({x})", op.name()),
            UnaryOp::IsNan => self.call_bool("is_nan", dtype, &[x]),
            UnaryOp::IsInf => self.call_bool("is_inf", dtype, &[x]),
            UnaryOp::IsFinite => self.call_bool("is_finite", dtype, &[x]),
            _ => self.call(op.name(), dtype, &[x]),
        })
    }

    /// An integer power: the exponent is part of the plan, so its products are spelled out.
    fn powi(&mut self, n: i32, dtype: DType, x: &Expr) -> Result<Expr> {
        if n < 0 && dtype.is_int() {
            return Ok(match dtype {
                DType::I32 => {
                    let f = self.function("pow_i32");
                    expr!("{f}({x}, {n})")
                }
                DType::I64 => {
                    let f = self.function("pow_i64");
                    expr!("{f}({x}, {n}li)")
                }
                _ => expr!("select(0u, 1u, {x} == 1u)"),
            });
        }
        // Low bit first, as the definition says; each product is a declaration of its own.
        let mut left = n.unsigned_abs();
        let mut base = x.clone();
        let mut result: Option<Expr> = None;
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
        let one = self.literal(Scalar::from_f64(dtype, 1.0))?;
        let r = result.unwrap_or(one);
        if n < 0 { self.reciprocal(dtype, &r) } else { Ok(r) }
    }

    /// Declares a product, so that squares are not spelled out exponentially often.
    fn product(&mut self, dtype: DType, a: &Expr, b: &Expr) -> Expr {
        let product = self.rounded(dtype, expr!("({a} * {b})"));
        let name = self.code.fresh();
        self.code.declare(name, &cut(dtype, product))
    }

    /// `op` of registers `x` and `y` of `dtype`.
    ///
    /// # Errors
    /// Unsupported for f64 functions that the GPU does not have.
    pub(super) fn binary(&mut self, op: BinaryOp, dtype: DType, x: &Expr, y: &Expr) -> Result<Expr> {
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
        let word = |b: &Expr| expr!("u32({b})");
        let hidden = dtype.is_signed() && self.needs(Workaround::HiddenExtrema);
        Ok(match (op, kind) {
            (_, DTypeKind::Float) if op.is_compare() => self.float_comparison(op, dtype, sign, x, y),
            (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, DTypeKind::Float) => {
                self.rounded(dtype, expr!("({x} {sign} {y})"))
            }
            (BinaryOp::Div, DTypeKind::Float) => self.quotient(dtype, x, y),
            (BinaryOp::And, DTypeKind::Bool) => expr!("({x} && {y})"),
            (BinaryOp::Or, DTypeKind::Bool) => expr!("({x} || {y})"),
            (BinaryOp::Xor | BinaryOp::Ne, DTypeKind::Bool) => expr!("({x} != {y})"),
            (BinaryOp::Eq, DTypeKind::Bool) => expr!("({x} == {y})"),
            (BinaryOp::Maximum | BinaryOp::Fmax, DTypeKind::Bool) => expr!("({x} || {y})"),
            (BinaryOp::Minimum | BinaryOp::Fmin, DTypeKind::Bool) => expr!("({x} && {y})"),
            (BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, DTypeKind::Bool) => {
                expr!("({} {sign} {})", word(x), word(y))
            }
            (BinaryOp::Maximum | BinaryOp::Fmax, DTypeKind::Int) if hidden => self.call("maximum", dtype, &[x, y]),
            (BinaryOp::Minimum | BinaryOp::Fmin, DTypeKind::Int) if hidden => self.call("minimum", dtype, &[x, y]),
            (BinaryOp::Maximum | BinaryOp::Fmax, DTypeKind::Int) => expr!("max({x}, {y})"),
            (BinaryOp::Minimum | BinaryOp::Fmin, DTypeKind::Int) => expr!("min({x}, {y})"),
            (BinaryOp::Pow, DTypeKind::Int) => cut(dtype, self.call(op.name(), dtype, &[x, y])),
            _ if !sign.is_empty() && op.is_compare() => expr!("({x} {sign} {y})"),
            _ if !sign.is_empty() => cut(dtype, expr!("({x} {sign} {y})")),
            _ => self.call(op.name(), dtype, &[x, y]),
        })
    }

    /// A register `x` of `from` converted to `to`.
    ///
    /// # Errors
    /// Unsupported conversions of 64-bit integers on devices without them.
    pub(super) fn cast(&mut self, mode: CastMode, from: DType, to: DType, x: &Expr) -> Result<Expr> {
        self.uses(from)?;
        self.uses(to)?;
        if from == to {
            return Ok(x.clone());
        }
        let target = register_type(to);
        Ok(match (from.kind(), to.kind()) {
            (DTypeKind::Bool, _) => expr!("{target}({x})"),
            (DTypeKind::Float, DTypeKind::Bool) => {
                let zero = self.literal(Scalar::from_f64(from, 0.0))?;
                expr!("(!({x} == {zero}))")
            }
            (DTypeKind::Int, DTypeKind::Bool) => expr!("({x} != {}(0))", register_type(from)),
            (DTypeKind::Float, DTypeKind::Int) => {
                let (own, x) = if from == DType::F16 { (DType::F32, expr!("f32({x})")) } else { (from, x.clone()) };
                let x = if mode == CastMode::RoundSaturate { self.call("round_away", own, &[&x]) } else { x };
                let f = self.function(format!("{}_to_{}", own.name(), to.name()));
                expr!("{f}({x})")
            }
            (DTypeKind::Float, DTypeKind::Float) | (DTypeKind::Int, DTypeKind::Float) => {
                self.widen_or_round(from, to, x)?
            }
            (DTypeKind::Int, DTypeKind::Int) if mode == CastMode::RoundSaturate => saturate(from, to, x),
            (DTypeKind::Int, DTypeKind::Int) => match (from, to) {
                (_, DType::U8) => expr!("(u32({x}) & 255u)"),
                (DType::U32 | DType::U8, DType::I64) => from_u32_to_i64(x),
                // Widening keeps the value, narrowing keeps the low bits.
                _ => expr!("{target}({x})"),
            },
        })
    }

    fn widen_or_round(&mut self, from: DType, to: DType, x: &Expr) -> Result<Expr> {
        // Halves are reached through single precision: integers beyond 2^16 overflow to infinity either way.
        Ok(match (from, to) {
            (DType::I32 | DType::U32 | DType::I64 | DType::U8, DType::F16) => {
                let f = self.function("f32_to_f16");
                expr!("{f}(f32({x}))")
            }
            (DType::F32, DType::F16) => {
                let f = self.function("f32_to_f16");
                expr!("{f}({x})")
            }
            (DType::F64, DType::F16) => {
                let f = self.function("f64_to_f16");
                expr!("{f}({x})")
            }
            _ => expr!("{}({x})", register_type(to)),
        })
    }
}

/// An integer clamped into the range of another integer dtype.
fn saturate(from: DType, to: DType, x: &Expr) -> Expr {
    match (from, to) {
        (DType::I32, DType::U32) => expr!("u32(max({x}, 0))"),
        (DType::I32, DType::U8) => expr!("u32(clamp({x}, 0, 255))"),
        (DType::U32, DType::I32) => expr!("i32(min({x}, 2147483647u))"),
        (DType::U32, DType::U8) => expr!("min({x}, 255u)"),
        (DType::I64, DType::I32) => expr!("i32(clamp({x}, -2147483648li, 2147483647li))"),
        (DType::I64, DType::U32) => expr!("u32(clamp({x}, 0li, 4294967295li))"),
        (DType::I64, DType::U8) => expr!("u32(clamp({x}, 0li, 255li))"),
        (DType::U32 | DType::U8, DType::I64) => from_u32_to_i64(x),
        _ => expr!("{}({x})", register_type(to)),
    }
}

/// By way of u64, because naga extends the sign when it converts to i64 directly.
pub(super) fn from_u32_to_i64(x: &Expr) -> Expr {
    expr!("i64(u64({x}))")
}
