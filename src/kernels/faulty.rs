//! Kernels with one thing wrong, which tests seed to see whether the checks catch it.
//!
//! Text and tables are edited after lowering, so no other module knows of faults.

use super::kernel::{Kernel, Lowered, Param};
use super::module::Module;
use super::text::{Expr, expr};
use crate::error::Result;
use crate::graph::BinaryOp;
use crate::schedule::{Program, Reg};
use crate::types::{Fault, Scalar, seeded};

/// The wrong expression of an operation on registers `a` and `b` of a program, if a fault of arithmetic is seeded and it is about
/// this one.
///
/// # Errors
/// As `get`.
pub(super) fn binary(
    m: &mut Module<'_>,
    program: &Program,
    (op, a, b): (BinaryOp, Reg, Reg),
    get: impl Fn(Reg) -> Result<Expr>,
) -> Result<Option<Expr>> {
    let dtype = program.dtype(a);
    Ok(match op {
        BinaryOp::Div if dtype.is_float() && seeded(Fault::DividedByZero) => {
            let (x, y, zero) = (get(a)?, get(b)?, m.literal(Scalar::from_f64(dtype, 0.0))?);
            Some(expr!("select({x} / {y}, {zero}, {y} == {zero})"))
        }
        _ => None,
    })
}

/// Text whose counting loops end after so many rounds.
fn with_short_loops(text: &str, rounds: u32) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        out.push_str(line);
        // for (var V = BEGIN; V < END; V += STEP) {
        let parts = line.trim_start().strip_prefix("for (var ").and_then(|rest| {
            let (name, rest) = rest.split_once(" = ")?;
            let (begin, rest) = rest.split_once("; ")?;
            let (step, rest) = rest.split_once(" += ")?.1.split_once(") {")?;
            let body_follows = rest.is_empty() || rest.trim_start().starts_with("//");
            body_follows.then_some((name, begin, step))
        });
        if let Some((name, begin, step)) = parts {
            out.push_str(&format!("\nif (({name} - {begin}) / {step} >= {rounds}u) {{ break; }}"));
        }
        out.push('\n');
    }
    out
}

/// Applies the seeded fault, if it is one of kernels.
pub(super) fn corrupt(lowered: &mut Lowered) {
    lowered.kernels.iter_mut().for_each(kernel);
}

fn kernel(kernel: &mut Kernel) {
    let mut replace = |from: &str, to: &str| {
        if kernel.wgsl.contains(from) {
            kernel.wgsl = kernel.wgsl.replace(from, to).into();
        }
    };
    if seeded(Fault::LoopCut) {
        kernel.wgsl = with_short_loops(&kernel.wgsl, 48).into();
        return;
    }
    if seeded(Fault::MissingBarrier) {
        replace("workgroupBarrier();", "");
    }
    if seeded(Fault::MaskOffByOne) {
        // The first comparison with the number of rows, in rows kernels and in products.
        replace("let valid = wanted < ", "let valid = wanted + 1u < ");
        replace("if (row < ", "if (row + 1u < ");
    }
    if seeded(Fault::GridShort)
        && let Some(n) = kernel.workgroups.iter_mut().find(|n| **n > 1)
    {
        *n -= 1;
    }
    if seeded(Fault::BindingsExchanged) {
        let mut inputs = kernel.bindings.iter_mut().filter(|b| !b.writable);
        if let (Some(a), Some(b)) = (inputs.next(), inputs.next()) {
            std::mem::swap(&mut a.source, &mut b.source);
        }
    }
    if seeded(Fault::ParametersStale) {
        // 64-bit scalars take two words; one of each kind keeps the layout.
        for p in &mut kernel.params {
            if matches!(p, Param::Scalar(_)) {
                *p = Param::Word(0);
            }
        }
    }
}
