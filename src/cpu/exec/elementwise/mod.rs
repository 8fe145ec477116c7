//! Elementwise loops over tiles, by family of dtype.
//!
//! Each loop is written once, plainly, over slices; wrappers compile it for AVX-512, AVX2 and the baseline, and the widest that the
//! processor has is chosen when it runs. The reference defines what a function computes; this module holds its fast forms.

mod approx;
mod cast;
mod float;
mod int;
mod isa;
mod loops;

pub(crate) use cast::cast;
pub(crate) use isa::vectorised;

use loops::{map, zip};

use super::tile::{TileElement, TileRegisters, dispatch, dispatch_float, dispatch_int, typed};
use crate::graph::{BinaryOp, UnaryOp};
use crate::types::{DType, DTypeKind, Element};

/// A function of one register of `dtype`.
pub(crate) fn unary(op: UnaryOp, dtype: DType, regs: &TileRegisters, a: usize, out: &mut [u64], n: usize) {
    match dtype.kind() {
        DTypeKind::Bool => map(regs.get::<u8>(a, n), typed::<u8>(out, n), |v| u8::from(v == 0)),
        DTypeKind::Int => dispatch_int!(dtype, T => int::unary::<T>(op, regs.get(a, n), typed(out, n))),
        DTypeKind::Float => match op {
            UnaryOp::IsNan | UnaryOp::IsInf | UnaryOp::IsFinite => {
                dispatch_float!(dtype, T => float::test::<T>(op, regs.get(a, n), typed(out, n)));
            }
            _ => match dtype {
                DType::F32 => float::unary_f32(op, regs.get(a, n), typed(out, n)),
                DType::F64 => float::unary_f64(op, regs.get(a, n), typed(out, n)),
                _ => float::unary_f16(op, regs.get(a, n), typed(out, n)),
            },
        },
    }
}

/// A function of two registers of `dtype`.
pub(crate) fn binary(
    op: BinaryOp,
    dtype: DType,
    regs: &TileRegisters,
    (a, b): (usize, usize),
    out: &mut [u64],
    n: usize,
) {
    if op.is_compare() {
        dispatch!(dtype, T => compare::<T>(op, regs.get(a, n), regs.get(b, n), typed(out, n)));
        return;
    }
    match dtype {
        DType::F32 => float::binary_f32(op, regs.get(a, n), regs.get(b, n), typed(out, n)),
        DType::F64 => float::binary_f64(op, regs.get(a, n), regs.get(b, n), typed(out, n)),
        DType::F16 => float::binary_f16(op, regs.get(a, n), regs.get(b, n), typed(out, n)),
        _ => dispatch_int!(dtype, T => int::binary::<T>(op, regs.get(a, n), regs.get(b, n), typed(out, n))),
    }
}

fn compare<T: Element>(op: BinaryOp, x: &[T], y: &[T], out: &mut [u8]) {
    match op {
        BinaryOp::Eq => zip(x, y, out, |a, b| u8::from(a == b)),
        BinaryOp::Ne => zip(x, y, out, |a, b| u8::from(a != b)),
        BinaryOp::Lt => zip(x, y, out, |a, b| u8::from(a < b)),
        BinaryOp::Le => zip(x, y, out, |a, b| u8::from(a <= b)),
        BinaryOp::Gt => zip(x, y, out, |a, b| u8::from(a > b)),
        _ => zip(x, y, out, |a, b| u8::from(a >= b)),
    }
}

/// The second register where the first is true, else the third.
pub(crate) fn select<T: TileElement>(c: &[u8], x: &[T], y: &[T], out: &mut [T]) {
    for (((to, &c), &x), &y) in out.iter_mut().zip(c).zip(x).zip(y) {
        *to = if c != 0 { x } else { y };
    }
}
