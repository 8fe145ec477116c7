//! Folds along rows, by one fixed tree for each row length.
//!
//! Element `i` of a row belongs to lane `i mod 8` of block `i / 512`; the eight lanes of a block are folded in order and then with
//! one another, blocks are folded in order within a segment of 65,536 elements, and segments in order within the row. Sums of
//! floats are taken in f64, and those of blocks and segments carry their rounding error along. The tree knows nothing of
//! tiles, threads, memory order or neighbours, so a reduction has the same bits fused and unfused, and on one thread and many.

use super::elementwise::vectorised;
use super::tile::{Lane, Registers, TILE, dispatch, divided_by};
use crate::graph::{ArgOp, ReduceOp};
use crate::types::{DType, Fault, Kind, seeded};

/// Lanes of a block.
const LANES: usize = 8;
/// Elements of a segment, a multiple of the block.
pub(crate) const SEGMENT: usize = divided_by(128, 4) * TILE;

/// What a fold computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldOp {
    /// A value.
    Reduce(ReduceOp),
    /// A position.
    Arg(ArgOp),
}

/// What is accumulated: f64 for floats, i64 for integers and truth values.
pub(crate) trait Cell: Copy + PartialOrd + Send + Sync {
    fn of<T: Lane>(x: T) -> Self;
    fn to<T: Lane>(self) -> T;
    fn identity(op: ReduceOp) -> Self;
    fn combine(op: ReduceOp, a: Self, b: Self) -> Self;
    /// Folds into a total with its carried error.
    fn add(op: ReduceOp, total: &mut (Self, Self), x: Self);
    fn value(op: ReduceOp, total: (Self, Self)) -> Self;
    fn is_nan(self) -> bool;
}

impl Cell for f64 {
    #[inline(always)]
    fn of<T: Lane>(x: T) -> Self {
        x.to_f64()
    }
    fn to<T: Lane>(self) -> T {
        T::from_f64(self)
    }
    fn identity(op: ReduceOp) -> Self {
        match op {
            ReduceOp::Sum | ReduceOp::Any => 0.0,
            ReduceOp::Prod | ReduceOp::All => 1.0,
            ReduceOp::Max => f64::NEG_INFINITY,
            ReduceOp::Min => f64::INFINITY,
            // A NaN gives way to anything under the folds that ignore it.
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
    fn add(op: ReduceOp, total: &mut (Self, Self), x: Self) {
        if op != ReduceOp::Sum {
            total.0 = Self::combine(op, total.0, x);
            return;
        }
        let sum = total.0 + x;
        total.1 += if total.0.abs() >= x.abs() { (total.0 - sum) + x } else { (x - sum) + total.0 };
        total.0 = sum;
    }
    fn value(op: ReduceOp, total: (Self, Self)) -> Self {
        // The carried error means nothing beside an infinity.
        if op == ReduceOp::Sum && total.0.is_finite() && total.1 != 0.0 { total.0 + total.1 } else { total.0 }
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

impl Cell for i64 {
    #[inline(always)]
    fn of<T: Lane>(x: T) -> Self {
        x.to_i64()
    }
    fn to<T: Lane>(self) -> T {
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
    fn add(op: ReduceOp, total: &mut (Self, Self), x: Self) {
        total.0 = Self::combine(op, total.0, x);
    }
    fn value(_: ReduceOp, total: (Self, Self)) -> Self {
        total.0
    }
    fn is_nan(self) -> bool {
        false
    }
}

/// Runs an expression with `$op` constant, so that loops are compiled for one operation each.
macro_rules! for_op {
    ($op:expr, $c:ident => $body:expr) => {
        for_op!(@ $op, $c, $body, Sum Prod Max Min Fmax Fmin Any All)
    };
    (@ $op:expr, $c:ident, $body:expr, $($name:ident)*) => {
        match $op {
            $(ReduceOp::$name => {
                #[allow(non_upper_case_globals, reason = "a constant stands where a variable stood")]
                const $c: ReduceOp = ReduceOp::$name;
                $body
            })*
        }
    };
}

#[inline(always)]
fn join<C: Cell>(op: ReduceOp, l: [C; LANES]) -> C {
    let f = |a, b| C::combine(op, a, b);
    f(f(f(l[0], l[4]), f(l[2], l[6])), f(f(l[1], l[5]), f(l[3], l[7])))
}

#[inline(always)]
fn block_of<T: Lane, C: Cell>(op: ReduceOp, x: &[T]) -> C {
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

trait Both: Lane {}
impl<T: Lane> Both for T {}

vectorised! {
    /// Folds each run of `len` elements of `x` (at most a block) into one total.
    fn blocks_f64<T: Both>(op: ReduceOp, x: &[T], len: usize, totals: &mut [(f64, f64)]) {
        for_op!(op, c => for (row, total) in x.chunks_exact(len).zip(totals) {
            f64::add(c, total, block_of::<T, f64>(c, row));
        });
    }
}
vectorised! {
    fn blocks_i64<T: Both>(op: ReduceOp, x: &[T], len: usize, totals: &mut [(i64, i64)]) {
        for_op!(op, c => for (row, total) in x.chunks_exact(len).zip(totals) {
            i64::add(c, total, block_of::<T, i64>(c, row));
        });
    }
}
vectorised! {
    /// Folds one element of each column into the columns' lanes.
    fn across_f64<T: Both>(op: ReduceOp, x: &[T], lanes: &mut [f64]) {
        for_op!(op, c => for (lane, &v) in lanes.iter_mut().zip(x) {
            *lane = f64::combine(c, *lane, v.to_f64());
        });
    }
}
vectorised! {
    fn across_i64<T: Both>(op: ReduceOp, x: &[T], lanes: &mut [i64]) {
        for_op!(op, c => for (lane, &v) in lanes.iter_mut().zip(x) {
            *lane = i64::combine(c, *lane, v.to_i64());
        });
    }
}

/// The folds of some rows in progress.
struct Values<C> {
    op: ReduceOp,
    /// `lanes[j * rows + r]`, used when columns are walked.
    lanes: Vec<C>,
    segment: Vec<(C, C)>,
    row: Vec<(C, C)>,
}

impl<C: Cell> Values<C> {
    fn new(op: ReduceOp, rows: usize) -> Self {
        let none = (C::identity(op), C::identity(ReduceOp::Sum));
        Self { op, lanes: vec![C::identity(op); LANES * rows], segment: vec![none; rows], row: vec![none; rows] }
    }

    fn reset(&mut self) {
        let none = (C::identity(self.op), C::identity(ReduceOp::Sum));
        self.segment.fill(none);
        self.row.fill(none);
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
        self.segment.iter().map(|&t| C::value(self.op, t)).collect()
    }

    fn end_own_segment(&mut self) {
        let none = (C::identity(self.op), C::identity(ReduceOp::Sum));
        for (row, segment) in self.row.iter_mut().zip(&mut self.segment) {
            C::add(self.op, row, C::value(self.op, std::mem::replace(segment, none)));
        }
    }

    fn end_segment(&mut self, partial: &[C]) {
        for (row, &p) in self.row.iter_mut().zip(partial) {
            C::add(self.op, row, p);
        }
    }
}

/// The best elements of some rows so far, with their positions.
struct Best<C> {
    op: ArgOp,
    segment: Vec<Option<(C, usize)>>,
    row: Vec<Option<(C, usize)>>,
}

impl<C: Cell> Best<C> {
    fn new(op: ArgOp, rows: usize) -> Self {
        Self { op, segment: vec![None; rows], row: vec![None; rows] }
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
    fn take(op: ArgOp, best: &mut Option<(C, usize)>, x: C, at: usize) {
        if best.is_none_or(|(b, _)| Self::better(op, x, b)) {
            *best = Some((x, at));
        }
    }

    fn end_own_segment(&mut self) {
        for (row, segment) in self.row.iter_mut().zip(&mut self.segment) {
            if let Some((x, at)) = segment.take() {
                Self::take(self.op, row, x, at);
            }
        }
    }

    fn end_segment(&mut self, partial: &[Option<(C, usize)>]) {
        for (row, p) in self.row.iter_mut().zip(partial) {
            if let Some((x, at)) = *p {
                Self::take(self.op, row, x, at);
            }
        }
    }
}

enum State {
    Float(Values<f64>),
    Int(Values<i64>),
    BestFloat(Best<f64>),
    BestInt(Best<i64>),
}

/// What a segment of some rows folds to.
pub(crate) enum Partial {
    Float(Vec<f64>),
    Int(Vec<i64>),
    BestFloat(Vec<Option<(f64, usize)>>),
    BestInt(Vec<Option<(i64, usize)>>),
}

/// One fold over some rows: fed tile by tile, in the order of the rows' elements.
pub(crate) struct Folding {
    dtype: DType,
    state: State,
}

/// A tile of rows: `rows` of them, `len` elements each, of which the first is number `first` of its row.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) rows: usize,
    pub(crate) len: usize,
    pub(crate) first: usize,
    /// Whether the elements of a row lie side by side (else those of all rows with the same number do).
    pub(crate) by_row: bool,
    /// Whether the segment ends here.
    pub(crate) last: bool,
}

impl Folding {
    /// A fold of elements of `dtype` over up to `rows` rows at once.
    pub(crate) fn new(op: FoldOp, dtype: DType, rows: usize) -> Self {
        let float = dtype.kind() == Kind::Float;
        let state = match op {
            FoldOp::Reduce(op) if float => State::Float(Values::new(op, rows)),
            FoldOp::Reduce(op) => State::Int(Values::new(op, rows)),
            FoldOp::Arg(op) if float => State::BestFloat(Best::new(op, rows)),
            FoldOp::Arg(op) => State::BestInt(Best::new(op, rows)),
        };
        Self { dtype, state }
    }

    /// Forgets everything, for other rows.
    pub(crate) fn reset(&mut self) {
        match &mut self.state {
            State::Float(v) => v.reset(),
            State::Int(v) => v.reset(),
            State::BestFloat(b) => {
                b.segment.fill(None);
                b.row.fill(None);
            }
            State::BestInt(b) => {
                b.segment.fill(None);
                b.row.fill(None);
            }
        }
    }

    /// Folds a tile in. Tiles of whole rows side by side hold at most a block of each.
    pub(crate) fn feed(&mut self, regs: &Registers, slot: usize, piece: Piece) {
        let n = piece.rows * piece.len;
        dispatch!(self.dtype, T => {
            let x = regs.get::<T>(slot, n);
            match &mut self.state {
                State::Float(v) if piece.by_row => blocks_f64(v.op, x, piece.len, &mut v.segment),
                State::Int(v) if piece.by_row => blocks_i64(v.op, x, piece.len, &mut v.segment),
                State::Float(v) => columns(v, x, piece, across_f64),
                State::Int(v) => columns(v, x, piece, across_i64),
                State::BestFloat(b) => positions(b, x, piece),
                State::BestInt(b) => positions(b, x, piece),
            }
        });
    }

    /// What the segment folded to.
    pub(crate) fn partial(&self) -> Partial {
        match &self.state {
            State::Float(v) => Partial::Float(v.partial()),
            State::Int(v) => Partial::Int(v.partial()),
            State::BestFloat(b) => Partial::BestFloat(b.segment.clone()),
            State::BestInt(b) => Partial::BestInt(b.segment.clone()),
        }
    }

    /// Folds the segment that was fed into its row.
    pub(crate) fn end_own_segment(&mut self) {
        match &mut self.state {
            State::Float(v) => v.end_own_segment(),
            State::Int(v) => v.end_own_segment(),
            State::BestFloat(b) => b.end_own_segment(),
            State::BestInt(b) => b.end_own_segment(),
        }
    }

    /// Folds a segment that another fold was fed into its row; segments come in order.
    pub(crate) fn end_segment(&mut self, partial: &Partial) {
        match (&mut self.state, partial) {
            (State::Float(v), Partial::Float(p)) => v.end_segment(p),
            (State::Int(v), Partial::Int(p)) => v.end_segment(p),
            (State::BestFloat(b), Partial::BestFloat(p)) => b.end_segment(p),
            (State::BestInt(b), Partial::BestInt(p)) => b.end_segment(p),
            // A partial comes from a fold of the same instruction.
            _ => {}
        }
    }

    /// Writes the results of the first `rows` rows into a register.
    pub(crate) fn finish(&self, regs: &mut Registers, slot: usize, rows: usize) {
        let position = |at: Option<usize>| at.unwrap_or(0) as i32;
        match &self.state {
            State::Float(v) => dispatch!(self.dtype, T => {
                for (to, &t) in regs.get_mut::<T>(slot, rows).iter_mut().zip(&v.row) {
                    *to = f64::value(v.op, t).to::<T>();
                }
            }),
            State::Int(v) => dispatch!(self.dtype, T => {
                for (to, &t) in regs.get_mut::<T>(slot, rows).iter_mut().zip(&v.row) {
                    *to = i64::value(v.op, t).to::<T>();
                }
            }),
            State::BestFloat(b) => {
                for (to, best) in regs.get_mut::<i32>(slot, rows).iter_mut().zip(&b.row) {
                    *to = position(best.map(|b| b.1));
                }
            }
            State::BestInt(b) => {
                for (to, best) in regs.get_mut::<i32>(slot, rows).iter_mut().zip(&b.row) {
                    *to = position(best.map(|b| b.1));
                }
            }
        }
    }
}

fn columns<T: Lane, C: Cell>(v: &mut Values<C>, x: &[T], piece: Piece, across: impl Fn(ReduceOp, &[T], &mut [C])) {
    let stride = v.segment.len();
    for (l, row) in x.chunks_exact(piece.rows).enumerate() {
        let at = piece.first + l;
        let lane = at % LANES * stride;
        across(v.op, row, &mut v.lanes[lane..lane + piece.rows]);
        if (at + 1).is_multiple_of(TILE) || (piece.last && l + 1 == piece.len) {
            v.end_block(piece.rows);
        }
    }
}

fn positions<T: Lane, C: Cell>(b: &mut Best<C>, x: &[T], piece: Piece) {
    let op = b.op;
    if piece.by_row {
        for (row, best) in x.chunks_exact(piece.len).zip(&mut b.segment) {
            for (l, &v) in row.iter().enumerate() {
                Best::take(op, best, C::of(v), piece.first + l);
            }
        }
    } else {
        for (l, row) in x.chunks_exact(piece.rows).enumerate() {
            for (&v, best) in row.iter().zip(&mut b.segment) {
                Best::take(op, best, C::of(v), piece.first + l);
            }
        }
    }
}
