//! Conversions between dtypes.

use super::loops::map;
use crate::cpu::exec::tile::{TileElement, TileRegisters, dispatch, typed};
use crate::graph::CastMode;
use crate::types::{DType, DTypeKind, Fault, seeded};

/// A register of `from` as `to`.
pub(crate) fn cast(mode: CastMode, from: DType, to: DType, regs: &TileRegisters, a: usize, out: &mut [u64], n: usize) {
    if from == to {
        dispatch!(from, T => typed::<T>(out, n).copy_from_slice(regs.get::<T>(a, n)));
        return;
    }
    dispatch!(from, S => {
        let x = regs.get::<S>(a, n);
        if to == DType::Bool {
            truth(x, typed(out, n));
        } else {
            dispatch!(to, T => convert::<S, T>(mode, to.kind(), x, typed(out, n)));
        }
    });
}

fn truth<S: TileElement>(x: &[S], out: &mut [u8]) {
    if S::FLOAT { map(x, out, |v| u8::from(v.to_f64() != 0.0)) } else { map(x, out, |v| u8::from(v.to_i64() != 0)) }
}

fn convert<S: TileElement, T: TileElement>(mode: CastMode, kind: DTypeKind, x: &[S], out: &mut [T]) {
    match (S::FLOAT, kind, mode) {
        (true, DTypeKind::Float, _) if seeded(Fault::WrongDtype) && size_of::<T>() == 2 => {
            map(x, out, |v| T::from_i64(v.to_i64()));
        }
        (true, DTypeKind::Float, _) | (true, _, CastMode::Wrap) => map(x, out, |v| T::from_f64(v.to_f64())),
        (true, _, CastMode::RoundSaturate) => map(x, out, |v| T::from_f64(v.to_f64().round())),
        (false, DTypeKind::Float, _) | (false, _, CastMode::Wrap) => map(x, out, |v| T::from_i64(v.to_i64())),
        (false, _, CastMode::RoundSaturate) => {
            map(x, out, |v| T::from_i64(v.to_i64().clamp(T::RANGE.0, T::RANGE.1)));
        }
    }
}
