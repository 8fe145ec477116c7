//! Integer and truth-value loops: the reference on i64, whose low bits are the narrow result.

use super::loops::{map, zip};
use crate::cpu::exec::tile::TileElement;
use crate::cpu::reference::integer;
use crate::graph::{BinaryOp, UnaryOp};

/// A function of one register of integers.
pub(super) fn unary<T: TileElement>(op: UnaryOp, x: &[T], out: &mut [T]) {
    let on = |x: i64| integer::unary(op, x);
    match op {
        UnaryOp::Neg => map(x, out, |v| T::from_i64(v.to_i64().wrapping_neg())),
        UnaryOp::Not => map(x, out, |v| T::from_i64(!v.to_i64())),
        UnaryOp::Square => map(x, out, |v| T::from_i64(v.to_i64().wrapping_mul(v.to_i64()))),
        _ => map(x, out, |v| T::from_i64(on(v.to_i64()))),
    }
}

/// A function of two registers of integers or truth values; comparisons are elsewhere.
pub(super) fn binary<T: TileElement>(op: BinaryOp, x: &[T], y: &[T], out: &mut [T]) {
    // Each arm hands the reference a constant operation, so that its choice is made outside the loop.
    macro_rules! arms {
        ($($op:ident)*) => {
            match op {
                $(BinaryOp::$op => zip(x, y, out, |a, b| {
                    T::from_i64(integer::binary(BinaryOp::$op, a.to_i64(), b.to_i64()))
                }),)*
                _ => zip(x, y, out, |a, b| T::from_i64(integer::binary(op, a.to_i64(), b.to_i64()))),
            }
        };
    }
    arms!(Add Sub Mul Maximum Minimum And Or Xor);
}
