//! Tiles: short typed runs of elements that stay in the first-level cache, and the registers that hold them.

use std::cell::RefCell;

use half::f16;
use smallvec::SmallVec;

use crate::cpu::reference::scalar::round_f16;
use crate::types::{Element, Scalar};

/// Runs an expression with `$t` as the host type of a dtype, for the dtypes that are listed.
macro_rules! dispatch_among {
    ($dtype:expr, $t:ident => $body:expr, [$($name:pat => $host:ty,)*] $($otherwise:tt)*) => {
        match $dtype {
            $($name => {
                type $t = $host;
                $body
            })*
            $($otherwise)*
        }
    };
}
pub(crate) use dispatch_among;

/// Runs an expression with `$t` as the host type of a dtype.
macro_rules! dispatch {
    ($dtype:expr, $t:ident => $body:expr) => {
        $crate::cpu::exec::tile::dispatch_among!($dtype, $t => $body, [
            $crate::types::DType::Bool | $crate::types::DType::U8 => u8,
            $crate::types::DType::I32 => i32,
            $crate::types::DType::U32 => u32,
            $crate::types::DType::I64 => i64,
            $crate::types::DType::F16 => half::f16,
            $crate::types::DType::F32 => f32,
            $crate::types::DType::F64 => f64,
        ])
    };
}
pub(crate) use dispatch;

/// [`dispatch`] for integers and truth values alone, so that nothing is compiled for dtypes that cannot occur.
macro_rules! dispatch_int {
    ($dtype:expr, $t:ident => $body:expr) => {
        $crate::cpu::exec::tile::dispatch_among!($dtype, $t => $body, [
            $crate::types::DType::Bool | $crate::types::DType::U8 => u8,
            $crate::types::DType::I32 => i32,
            $crate::types::DType::U32 => u32,
            $crate::types::DType::I64 => i64,
        ] other => debug_assert!(false, "{other} is no integer"))
    };
}
pub(crate) use dispatch_int;

/// [`dispatch`] for floats alone.
macro_rules! dispatch_float {
    ($dtype:expr, $t:ident => $body:expr) => {
        $crate::cpu::exec::tile::dispatch_among!($dtype, $t => $body, [
            $crate::types::DType::F16 => half::f16,
            $crate::types::DType::F32 => f32,
            $crate::types::DType::F64 => f64,
        ] other => debug_assert!(false, "{other} is no float"))
    };
}
pub(crate) use dispatch_float;

/// A size by which work is divided, and its smaller stand-in under Miri, which is thousands of times slower: small pieces take
/// it through every path with little data.
pub(crate) const fn or_in_miri(size: usize, in_miri: usize) -> usize {
    if cfg!(miri) { in_miri } else { size }
}

/// Elements of a tile. It is also the length of a block of the reduction tree (see `fold`), so that no tile straddles two blocks.
pub(crate) const TILE: usize = or_in_miri(512, 16);

thread_local! {
    /// Tiles of finished passes: a pass over a few elements costs less than making its registers.
    static SPARE: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

/// Tiles that a thread keeps for its next pass: 4 KiB each.
const MOST_SPARE: usize = 64;

/// Typed work buffers of one tile each. An instruction takes the memory of its result out, reads its operands, and puts the memory
/// back, so that no two live slices alias. Every register is written before it is read; what it held before does not matter.
pub(crate) struct TileRegisters {
    slots: SmallVec<[Vec<u64>; 8]>,
    most: usize,
}

impl TileRegisters {
    /// `n` registers for tiles of up to `most` elements.
    pub(crate) fn new(n: usize, most: usize) -> Self {
        let slots = SPARE.with_borrow_mut(|spare| {
            let left = spare.len().saturating_sub(n);
            let mut slots: SmallVec<[Vec<u64>; 8]> = spare.drain(left..).collect();
            slots.resize_with(n, || vec![0; TILE]);
            slots
        });
        Self { slots, most: most.min(TILE) }
    }

    /// The first `n` elements of a register.
    pub(crate) fn get<T: Element>(&self, slot: usize, n: usize) -> &[T] {
        &bytemuck::cast_slice(&self.slots[slot])[..n]
    }

    /// The first `n` elements of a register, to write.
    pub(crate) fn get_mut<T: Element>(&mut self, slot: usize, n: usize) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.slots[slot])[..n]
    }

    /// Takes the memory of a register out, to be written.
    pub(crate) fn take(&mut self, slot: usize) -> Vec<u64> {
        std::mem::take(&mut self.slots[slot])
    }

    /// Puts the memory of a register back.
    pub(crate) fn put(&mut self, slot: usize, words: Vec<u64>) {
        self.slots[slot] = words;
    }

    /// Fills a register with one value.
    pub(crate) fn splat(&mut self, slot: usize, value: Scalar) {
        dispatch!(value.dtype(), T => {
            self.get_mut::<T>(slot, self.most).fill(T::from_scalar(value));
        });
    }
}

impl Drop for TileRegisters {
    fn drop(&mut self) {
        // During the destruction of a thread's locals there is nowhere to keep the tiles.
        let _ = SPARE.try_with(|spare| {
            if let Ok(mut spare) = spare.try_borrow_mut() {
                let room = MOST_SPARE.saturating_sub(spare.len());
                spare.extend(self.slots.drain(..).filter(|s| s.len() == TILE).take(room));
            }
        });
    }
}

/// The elements of taken register memory.
pub(crate) fn typed<T: Element>(words: &mut [u64], n: usize) -> &mut [T] {
    &mut bytemuck::cast_slice_mut(words)[..n]
}

/// What the loops need of an element type beyond its memory form.
pub(crate) trait TileElement: Element {
    /// Whether it is a floating type.
    const FLOAT: bool;
    /// Least and greatest value as i64 (integers).
    const RANGE: (i64, i64);
    /// As f64; exact but for large i64.
    fn to_f64(self) -> f64;
    /// As i64; floats truncate and saturate.
    fn to_i64(self) -> i64;
    /// From f64: floats round once, integers truncate and saturate, NaN is 0.
    fn from_f64(x: f64) -> Self;
    /// From i64: integers keep the low bits, floats round once.
    fn from_i64(x: i64) -> Self;
    /// The value of a scalar of this type.
    fn from_scalar(s: Scalar) -> Self;
}

macro_rules! int_element {
    ($($t:ty),*) => { $(impl TileElement for $t {
        const FLOAT: bool = false;
        const RANGE: (i64, i64) = (<$t>::MIN as i64, <$t>::MAX as i64);
        #[inline(always)]
        fn to_f64(self) -> f64 { self as f64 }
        #[inline(always)]
        fn to_i64(self) -> i64 { self as i64 }
        #[inline(always)]
        fn from_f64(x: f64) -> Self { x as $t }
        #[inline(always)]
        fn from_i64(x: i64) -> Self { x as $t }
        fn from_scalar(s: Scalar) -> Self { s.bits() as $t }
    })* };
}
int_element!(u8, i32, u32, i64);

macro_rules! float_element {
    ($($t:ty, $bits:ty);*) => { $(impl TileElement for $t {
        const FLOAT: bool = true;
        const RANGE: (i64, i64) = (0, 0);
        #[inline(always)]
        fn to_f64(self) -> f64 { f64::from(self) }
        #[inline(always)]
        fn to_i64(self) -> i64 { self as i64 }
        #[inline(always)]
        fn from_f64(x: f64) -> Self { x as $t }
        #[inline(always)]
        fn from_i64(x: i64) -> Self { x as $t }
        fn from_scalar(s: Scalar) -> Self { <$t>::from_bits(s.bits() as $bits) }
    })* };
}
float_element!(f32, u32; f64, u64);

impl TileElement for f16 {
    const FLOAT: bool = true;
    const RANGE: (i64, i64) = (0, 0);
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f16::to_f64(self)
    }
    #[inline(always)]
    fn to_i64(self) -> i64 {
        f16::to_f64(self) as i64
    }
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        round_f16(x)
    }
    #[inline(always)]
    fn from_i64(x: i64) -> Self {
        round_f16(x as f64)
    }
    fn from_scalar(s: Scalar) -> Self {
        f16::from_bits(s.bits() as u16)
    }
}
