//! Folds along rows, by one fixed tree for each row length.
//!
//! Element `i` of a row belongs to lane `i mod 8` of block `i / 512`; the eight lanes of a block are folded in order and then with
//! one another, blocks are folded in order within a segment of 65,536 elements, and segments in order within the row. Sums of
//! floats are taken in f64, and those of blocks and segments carry their rounding error along. The tree does not
//! depend on tiles, threads, memory order or neighbours, so a reduction has the same bits fused and unfused, on one thread and on many.

use super::elementwise::vectorised;
use super::tile::{TILE, TileElement, TileRegisters, dispatch_float, dispatch_int, or_in_miri};
use crate::graph::{ArgOp, ReduceOp};
use crate::types::{DType, DTypeKind, Fault, seeded};

/// Lanes of a block.
const LANES: usize = 8;
/// Elements of a segment, a multiple of the block.
pub(crate) const SEGMENT: usize = or_in_miri(128, 4) * TILE;

/// What a fold computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldOp {
    /// A value.
    Reduce(ReduceOp),
    /// A position.
    Arg(ArgOp),
}

/// A fold in progress.
#[derive(Clone, Copy)]
pub(crate) struct Total<C> {
    value: C,
    /// The rounding error that a sum of floats carries along.
    error: C,
}

impl<C: FoldValue> Total<C> {
    /// The fold of no elements.
    #[inline(always)]
    pub(crate) fn of_nothing(op: ReduceOp) -> Self {
        Self { value: C::identity(op), error: C::identity(ReduceOp::Sum) }
    }
}

/// What is accumulated: f64 for floats, i64 for integers and truth values.
pub(crate) trait FoldValue: Copy + PartialOrd + Send + Sync {
    fn of<T: TileElement>(x: T) -> Self;
    fn to<T: TileElement>(self) -> T;
    fn identity(op: ReduceOp) -> Self;
    fn combine(op: ReduceOp, a: Self, b: Self) -> Self;
    fn add(op: ReduceOp, total: &mut Total<Self>, x: Self);
    fn result(op: ReduceOp, total: Total<Self>) -> Self;
    fn is_nan(self) -> bool;
}

impl FoldValue for f64 {
    #[inline(always)]
    fn of<T: TileElement>(x: T) -> Self {
        x.to_f64()
    }
    fn to<T: TileElement>(self) -> T {
        T::from_f64(self)
    }
    fn identity(op: ReduceOp) -> Self {
        match op {
            ReduceOp::Sum | ReduceOp::Any => 0.0,
            ReduceOp::Prod | ReduceOp::All => 1.0,
            ReduceOp::Max => f64::NEG_INFINITY,
            ReduceOp::Min => f64::INFINITY,
            // These folds ignore a NaN beside anything else.
            ReduceOp::Fmax | ReduceOp::Fmin => f64::NAN,
        }
    }
    #[inline(always)]
    fn combine(op: ReduceOp, a: Self, b: Self) -> Self {
        match op {
            ReduceOp::Sum | ReduceOp::Any => a + b,
            ReduceOp::Prod | ReduceOp::All => a * b,
            ReduceOp::Max => larger(a, b),
            ReduceOp::Min => -larger(-a, -b),
            ReduceOp::Fmax if a.is_nan() => b,
            ReduceOp::Fmax if b.is_nan() => a,
            ReduceOp::Fmax => larger(a, b),
            ReduceOp::Fmin if a.is_nan() => b,
            ReduceOp::Fmin if b.is_nan() => a,
            ReduceOp::Fmin => -larger(-a, -b),
        }
    }
    fn add(op: ReduceOp, total: &mut Total<Self>, x: Self) {
        if op != ReduceOp::Sum {
            total.value = Self::combine(op, total.value, x);
            return;
        }
        let sum = total.value + x;
        total.error += if total.value.abs() >= x.abs() { (total.value - sum) + x } else { (x - sum) + total.value };
        total.value = sum;
    }
    fn result(op: ReduceOp, total: Total<Self>) -> Self {
        // The carried error means nothing beside an infinity.
        if op == ReduceOp::Sum && total.value.is_finite() && total.error != 0.0 {
            total.value + total.error
        } else {
            total.value
        }
    }
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
}

/// The larger number, +0 above −0, NaN if there is one.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    let equal = f64::from_bits(a.to_bits() & b.to_bits());
    if a > b {
        a
    } else if a < b {
        b
    } else if a == b {
        equal
    } else {
        a + b
    }
}

impl FoldValue for i64 {
    #[inline(always)]
    fn of<T: TileElement>(x: T) -> Self {
        x.to_i64()
    }
    fn to<T: TileElement>(self) -> T {
        T::from_i64(self)
    }
    fn identity(op: ReduceOp) -> Self {
        match op {
            ReduceOp::Sum | ReduceOp::Any => 0,
            ReduceOp::Prod | ReduceOp::All => 1,
            ReduceOp::Max | ReduceOp::Fmax => i64::MIN,
            ReduceOp::Min | ReduceOp::Fmin => i64::MAX,
        }
    }
    #[inline(always)]
    fn combine(op: ReduceOp, a: Self, b: Self) -> Self {
        match op {
            ReduceOp::Sum => a.wrapping_add(b),
            ReduceOp::Prod => a.wrapping_mul(b),
            ReduceOp::Max | ReduceOp::Fmax => a.max(b),
            ReduceOp::Min | ReduceOp::Fmin => a.min(b),
            ReduceOp::Any => a | b,
            ReduceOp::All => a & b,
        }
    }
    fn add(op: ReduceOp, total: &mut Total<Self>, x: Self) {
        total.value = Self::combine(op, total.value, x);
    }
    fn result(_: ReduceOp, total: Total<Self>) -> Self {
        total.value
    }
    fn is_nan(self) -> bool {
        false
    }
}

/// Runs an expression with `$op` as a constant, so that loops are compiled for one operation each.
macro_rules! for_op {
    ($op:expr, $c:ident => $body:expr) => {
        for_op!(@ $op, $c, $body, Sum Prod Max Min Fmax Fmin Any All)
    };
    (@ $op:expr, $c:ident, $body:expr, $($name:ident)*) => {
        match $op {
            $(ReduceOp::$name => {
                #[allow(non_upper_case_globals, reason = "the constant has the name of the variable that it stands for")]
                const $c: ReduceOp = ReduceOp::$name;
                $body
            })*
        }
    };
}

#[inline(always)]
fn join<C: FoldValue>(op: ReduceOp, l: [C; LANES]) -> C {
    let f = |a, b| C::combine(op, a, b);
    f(f(f(l[0], l[4]), f(l[2], l[6])), f(f(l[1], l[5]), f(l[3], l[7])))
}

#[inline(always)]
fn block_of<T: TileElement, C: FoldValue>(op: ReduceOp, x: &[T]) -> C {
    let mut lanes = [C::identity(op); LANES];
    let mut chunks = x.chunks_exact(LANES);
    for chunk in &mut chunks {
        for j in 0..LANES {
            lanes[j] = C::combine(op, lanes[j], C::of(chunk[j]));
        }
    }
    let rest = if seeded(Fault::RemainderLost) { &[] } else { chunks.remainder() };
    for (lane, &v) in lanes.iter_mut().zip(rest) {
        *lane = C::combine(op, *lane, C::of(v));
    }
    join(op, lanes)
}

vectorised! {
    /// Folds each run of `len` elements of `x` (at most a block) into one total.
    fn blocks_f64<T: TileElement>(op: ReduceOp, x: &[T], len: usize, totals: &mut [Total<f64>]) {
        for_op!(op, c => for (row, total) in x.chunks_exact(len).zip(totals) {
            f64::add(c, total, block_of::<T, f64>(c, row));
        });
    }
}
vectorised! {
    fn blocks_i64<T: TileElement>(op: ReduceOp, x: &[T], len: usize, totals: &mut [Total<i64>]) {
        for_op!(op, c => for (row, total) in x.chunks_exact(len).zip(totals) {
            i64::add(c, total, block_of::<T, i64>(c, row));
        });
    }
}
vectorised! {
    /// Folds one element of each column into the columns' lanes.
    fn across_f64<T: TileElement>(op: ReduceOp, x: &[T], lanes: &mut [f64]) {
        for_op!(op, c => for (lane, &v) in lanes.iter_mut().zip(x) {
            *lane = f64::combine(c, *lane, v.to_f64());
        });
    }
}
vectorised! {
    fn across_i64<T: TileElement>(op: ReduceOp, x: &[T], lanes: &mut [i64]) {
        for_op!(op, c => for (lane, &v) in lanes.iter_mut().zip(x) {
            *lane = i64::combine(c, *lane, v.to_i64());
        });
    }
}

/// The reductions of some rows in progress.
struct ReduceState<C> {
    op: ReduceOp,
    /// `lanes[j * rows + r]`, used when columns are walked.
    lanes: Vec<C>,
    segment: Vec<Total<C>>,
    row: Vec<Total<C>>,
}

impl<C: FoldValue> ReduceState<C> {
    fn new(op: ReduceOp, rows: usize) -> Self {
        let none = Total::of_nothing(op);
        Self { op, lanes: vec![C::identity(op); LANES * rows], segment: vec![none; rows], row: vec![none; rows] }
    }

    fn reset(&mut self) {
        self.segment.fill(Total::of_nothing(self.op));
        self.row.fill(Total::of_nothing(self.op));
    }

    /// Ends a block of the columns' lanes.
    fn end_block(&mut self, rows: usize) {
        let stride = self.segment.len();
        for r in 0..rows {
            let lanes = std::array::from_fn(|j| self.lanes[j * stride + r]);
            C::add(self.op, &mut self.segment[r], join(self.op, lanes));
        }
        self.lanes.fill(C::identity(self.op));
    }

    fn partial(&self) -> Vec<C> {
        self.segment.iter().map(|&t| C::result(self.op, t)).collect()
    }

    fn end_own_segment(&mut self) {
        for (row, segment) in self.row.iter_mut().zip(&mut self.segment) {
            C::add(self.op, row, C::result(self.op, std::mem::replace(segment, Total::of_nothing(self.op))));
        }
    }

    fn end_segment(&mut self, partial: &[C]) {
        for (row, &p) in self.row.iter_mut().zip(partial) {
            C::add(self.op, row, p);
        }
    }
}

/// An element that may be the one an arg-reduction asks for.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<C> {
    value: C,
    /// Its number within the row.
    at: usize,
}

/// The best elements of some rows so far.
struct ArgState<C> {
    op: ArgOp,
    segment: Vec<Option<Candidate<C>>>,
    row: Vec<Option<Candidate<C>>>,
}

impl<C: FoldValue> ArgState<C> {
    fn new(op: ArgOp, rows: usize) -> Self {
        Self { op, segment: vec![None; rows], row: vec![None; rows] }
    }

    fn reset(&mut self) {
        self.segment.fill(None);
        self.row.fill(None);
    }

    /// Whether `x`, which comes later, takes the place of `best`.
    #[inline(always)]
    fn better(op: ArgOp, x: C, best: C) -> bool {
        match (x.is_nan(), best.is_nan()) {
            (true, false) => matches!(op, ArgOp::Max | ArgOp::Min),
            (false, true) => matches!(op, ArgOp::Fmax | ArgOp::Fmin),
            (true, true) => false,
            (false, false) if matches!(op, ArgOp::Max | ArgOp::Fmax) => x > best,
            (false, false) => x < best,
        }
    }

    #[inline(always)]
    fn take(op: ArgOp, best: &mut Option<Candidate<C>>, x: Candidate<C>) {
        if best.is_none_or(|b| Self::better(op, x.value, b.value)) {
            *best = Some(x);
        }
    }

    fn end_own_segment(&mut self) {
        for (row, segment) in self.row.iter_mut().zip(&mut self.segment) {
            if let Some(x) = segment.take() {
                Self::take(self.op, row, x);
            }
        }
    }

    fn end_segment(&mut self, partial: &[Option<Candidate<C>>]) {
        for (row, x) in self.row.iter_mut().zip(partial) {
            if let Some(x) = *x {
                Self::take(self.op, row, x);
            }
        }
    }

    /// Writes the positions that were found, 0 where there is none.
    fn write_positions(&self, out: &mut [i32]) {
        for (to, best) in out.iter_mut().zip(&self.row) {
            *to = best.map_or(0, |b| b.at) as i32;
        }
    }
}

enum FoldState {
    Float(ReduceState<f64>),
    Int(ReduceState<i64>),
    ArgFloat(ArgState<f64>),
    ArgInt(ArgState<i64>),
}

/// What a segment of some rows folds to.
pub(crate) enum SegmentFold {
    Float(Vec<f64>),
    Int(Vec<i64>),
    ArgFloat(Vec<Option<Candidate<f64>>>),
    ArgInt(Vec<Option<Candidate<i64>>>),
}

/// One fold over some rows: fed tile by tile, in the order of the rows' elements.
pub(crate) struct RowFold {
    dtype: DType,
    state: FoldState,
}

/// A tile of rows: `rows` of them, `len` elements each, of which the first is number `first` of its row.
#[derive(Clone, Copy)]
pub(crate) struct RowTile {
    pub(crate) rows: usize,
    pub(crate) len: usize,
    pub(crate) first: usize,
    /// Whether the elements of a row lie side by side (else those of all rows with the same number do).
    pub(crate) by_row: bool,
    /// Whether the segment ends here.
    pub(crate) last: bool,
}

impl RowFold {
    /// A fold of elements of `dtype` over up to `rows` rows at once.
    pub(crate) fn new(op: FoldOp, dtype: DType, rows: usize) -> Self {
        let float = dtype.kind() == DTypeKind::Float;
        let state = match op {
            FoldOp::Reduce(op) if float => FoldState::Float(ReduceState::new(op, rows)),
            FoldOp::Reduce(op) => FoldState::Int(ReduceState::new(op, rows)),
            FoldOp::Arg(op) if float => FoldState::ArgFloat(ArgState::new(op, rows)),
            FoldOp::Arg(op) => FoldState::ArgInt(ArgState::new(op, rows)),
        };
        Self { dtype, state }
    }

    /// Forgets everything, for other rows.
    pub(crate) fn reset(&mut self) {
        match &mut self.state {
            FoldState::Float(v) => v.reset(),
            FoldState::Int(v) => v.reset(),
            FoldState::ArgFloat(b) => b.reset(),
            FoldState::ArgInt(b) => b.reset(),
        }
    }

    /// Folds a tile in. Tiles of whole rows side by side hold at most a block of each.
    pub(crate) fn feed(&mut self, regs: &TileRegisters, slot: usize, tile: RowTile) {
        let n = tile.rows * tile.len;
        match &mut self.state {
            FoldState::Float(v) => dispatch_float!(self.dtype, T => {
                let x = regs.get::<T>(slot, n);
                if tile.by_row {
                    blocks_f64(v.op, x, tile.len, &mut v.segment);
                } else {
                    columns(v, x, tile, across_f64);
                }
            }),
            FoldState::Int(v) => dispatch_int!(self.dtype, T => {
                let x = regs.get::<T>(slot, n);
                if tile.by_row {
                    blocks_i64(v.op, x, tile.len, &mut v.segment);
                } else {
                    columns(v, x, tile, across_i64);
                }
            }),
            FoldState::ArgFloat(b) => dispatch_float!(self.dtype, T => positions(b, regs.get::<T>(slot, n), tile)),
            FoldState::ArgInt(b) => dispatch_int!(self.dtype, T => positions(b, regs.get::<T>(slot, n), tile)),
        }
    }

    /// What the segment folded to.
    pub(crate) fn partial(&self) -> SegmentFold {
        match &self.state {
            FoldState::Float(v) => SegmentFold::Float(v.partial()),
            FoldState::Int(v) => SegmentFold::Int(v.partial()),
            FoldState::ArgFloat(b) => SegmentFold::ArgFloat(b.segment.clone()),
            FoldState::ArgInt(b) => SegmentFold::ArgInt(b.segment.clone()),
        }
    }

    /// Folds the segment that was fed into its row.
    pub(crate) fn end_own_segment(&mut self) {
        match &mut self.state {
            FoldState::Float(v) => v.end_own_segment(),
            FoldState::Int(v) => v.end_own_segment(),
            FoldState::ArgFloat(b) => b.end_own_segment(),
            FoldState::ArgInt(b) => b.end_own_segment(),
        }
    }

    /// Folds a segment that another fold was fed into its row; segments come in order.
    pub(crate) fn end_segment(&mut self, partial: &SegmentFold) {
        match (&mut self.state, partial) {
            (FoldState::Float(v), SegmentFold::Float(p)) => v.end_segment(p),
            (FoldState::Int(v), SegmentFold::Int(p)) => v.end_segment(p),
            (FoldState::ArgFloat(b), SegmentFold::ArgFloat(p)) => b.end_segment(p),
            (FoldState::ArgInt(b), SegmentFold::ArgInt(p)) => b.end_segment(p),
            // A partial comes from a fold of the same instruction.
            _ => {}
        }
    }

    /// Writes the results of the first `rows` rows into a register.
    pub(crate) fn finish(&self, regs: &mut TileRegisters, slot: usize, rows: usize) {
        match &self.state {
            FoldState::Float(v) => dispatch_float!(self.dtype, T => {
                for (to, &t) in regs.get_mut::<T>(slot, rows).iter_mut().zip(&v.row) {
                    *to = f64::result(v.op, t).to::<T>();
                }
            }),
            FoldState::Int(v) => dispatch_int!(self.dtype, T => {
                for (to, &t) in regs.get_mut::<T>(slot, rows).iter_mut().zip(&v.row) {
                    *to = i64::result(v.op, t).to::<T>();
                }
            }),
            FoldState::ArgFloat(b) => b.write_positions(regs.get_mut(slot, rows)),
            FoldState::ArgInt(b) => b.write_positions(regs.get_mut(slot, rows)),
        }
    }
}

fn columns<T: TileElement, C: FoldValue>(
    v: &mut ReduceState<C>,
    x: &[T],
    tile: RowTile,
    across: impl Fn(ReduceOp, &[T], &mut [C]),
) {
    let stride = v.segment.len();
    for (l, row) in x.chunks_exact(tile.rows).enumerate() {
        let at = tile.first + l;
        let lane = at % LANES * stride;
        across(v.op, row, &mut v.lanes[lane..lane + tile.rows]);
        if (at + 1).is_multiple_of(TILE) || (tile.last && l + 1 == tile.len) {
            v.end_block(tile.rows);
        }
    }
}

fn positions<T: TileElement, C: FoldValue>(b: &mut ArgState<C>, x: &[T], tile: RowTile) {
    let op = b.op;
    if tile.by_row {
        for (row, best) in x.chunks_exact(tile.len).zip(&mut b.segment) {
            for (l, &v) in row.iter().enumerate() {
                ArgState::take(op, best, Candidate { value: C::of(v), at: tile.first + l });
            }
        }
    } else {
        for (l, row) in x.chunks_exact(tile.rows).enumerate() {
            for (&v, best) in row.iter().zip(&mut b.segment) {
                ArgState::take(op, best, Candidate { value: C::of(v), at: tile.first + l });
            }
        }
    }
}
