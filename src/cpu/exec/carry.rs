//! The running folds of a scan: what the interpreter carries from one tile to the next.
//!
//! Each line is folded strictly in order. Sums of floats are carried in f64 with their rounding error, as the reference does.

use super::fold::{FoldValue, Total};
use super::tile::TileElement;
use crate::graph::{ReduceOp, ScanOp};

/// How lines lie in a tile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TileLines {
    /// Lines side by side; 1 where a tile lies along one line or holds whole lines.
    pub(crate) abreast: usize,
    /// Length of a line where a tile holds whole ones, else 0.
    pub(crate) whole: usize,
}

/// The folds of the lines in progress.
pub(crate) struct Carry {
    op: ReduceOp,
    lines: TileLines,
    float: Vec<Total<f64>>,
    int: Vec<Total<i64>>,
}

impl Carry {
    /// Folds of lines that begin.
    pub(crate) fn new(op: ScanOp, lines: TileLines) -> Self {
        let op = match op {
            ScanOp::Sum => ReduceOp::Sum,
            ScanOp::Prod => ReduceOp::Prod,
            ScanOp::Max => ReduceOp::Max,
            ScanOp::Min => ReduceOp::Min,
        };
        let n = lines.abreast;
        Self { op, lines, float: vec![Total::of_nothing(op); n], int: vec![Total::of_nothing(op); n] }
    }

    /// How the lines lie in a tile.
    pub(crate) fn lines(&self) -> TileLines {
        self.lines
    }

    /// Begins other lines.
    pub(crate) fn reset(&mut self) {
        self.float.fill(Total::of_nothing(self.op));
        self.int.fill(Total::of_nothing(self.op));
    }

    /// The running fold of a tile.
    pub(crate) fn run<T: TileElement>(&mut self, x: &[T], out: &mut [T]) {
        if T::FLOAT {
            run_on(self.op, self.lines, &mut self.float, x, out);
        } else {
            run_on(self.op, self.lines, &mut self.int, x, out);
        }
    }
}

fn run_on<T: TileElement, C: FoldValue>(
    op: ReduceOp,
    lines: TileLines,
    totals: &mut [Total<C>],
    x: &[T],
    out: &mut [T],
) {
    for (i, (to, &v)) in out.iter_mut().zip(x).enumerate() {
        let total = &mut totals[i % lines.abreast];
        if lines.whole > 0 && i % lines.whole == 0 {
            *total = Total::of_nothing(op);
        }
        C::add(op, total, C::of(v));
        *to = C::result(op, *total).to();
    }
}
