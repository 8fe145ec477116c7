//! Running folds: an instruction with memory, whose tiles come in the order of the scanned axis.
//!
//! Lines are walked one by one where the axis is innermost, else many side by side; each line is folded strictly in order, so
//! tiling and threads do not show. Sums of floats are carried in f64 with their rounding error, as the reference does.

use super::body::{Data, Form};
use super::code::{Code, Slots, Wanted};
use super::fold::Cell;
use super::layout::Layout;
use super::output::Output;
use super::threads;
use super::tile::{Lane, TILE};
use crate::graph::{ReduceOp, ScanOp};
use crate::types::{Fault, Shape, seeded};

/// The folds of the lines under way.
pub(crate) struct Carry {
    op: ReduceOp,
    float: Vec<(f64, f64)>,
    int: Vec<(i64, i64)>,
    /// Lines side by side in a tile; 1 where a tile lies along one line or holds whole lines.
    lines: usize,
    /// Length of a line where a tile holds whole ones, else 0.
    whole: usize,
}

impl Carry {
    fn new(op: ScanOp, lines: usize, whole: usize) -> Self {
        let op = match op {
            ScanOp::Sum => ReduceOp::Sum,
            ScanOp::Prod => ReduceOp::Prod,
            ScanOp::Max => ReduceOp::Max,
            ScanOp::Min => ReduceOp::Min,
        };
        let mut carry = Self { op, float: vec![(0.0, 0.0); lines], int: vec![(0, 0); lines], lines, whole };
        carry.reset();
        carry
    }

    fn reset(&mut self) {
        self.float.fill((f64::identity(self.op), 0.0));
        self.int.fill((i64::identity(self.op), 0));
    }

    /// The running fold of a tile.
    pub(crate) fn run<T: Lane>(&mut self, x: &[T], out: &mut [T]) {
        let (op, lines, whole) = (self.op, self.lines, self.whole);
        if T::FLOAT {
            walk(op, &mut self.float, lines, whole, x, out)
        } else {
            walk(op, &mut self.int, lines, whole, x, out)
        }
    }
}

fn walk<T: Lane, C: Cell>(op: ReduceOp, carry: &mut [(C, C)], lines: usize, whole: usize, x: &[T], out: &mut [T]) {
    for (i, (to, &v)) in out.iter_mut().zip(x).enumerate() {
        let at = &mut carry[i % lines];
        if whole > 0 && i % whole == 0 {
            *at = (C::identity(op), C::identity(ReduceOp::Sum));
        }
        C::add(op, at, C::of(v));
        *to = C::value(op, *at).to();
    }
}

/// A scan group ready to run: all stores are of the whole domain.
#[derive(Debug)]
pub(crate) struct Scan {
    op: ScanOp,
    layout: Layout,
    code: Code,
    elements: usize,
}

impl Scan {
    /// The passes of a scan along `axis`.
    pub(crate) fn new(form: &Form<'_>, domain: &Shape, (op, axis): (ScanOp, usize), stores: &[Wanted]) -> Self {
        let layout = Layout::new(domain, &[axis]);
        let code = Code::build(form, domain, &layout.axes, &[], stores, Slots::Reused, &|_| false);
        Self { op, layout, code, elements: domain.len() }
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.code.bytes() + self.layout.bytes()
    }

    /// Runs it.
    pub(crate) fn run(&self, data: &Data<'_>, outputs: &[Output<'_>]) {
        let Self { op, layout, code, elements } = self;
        let tasks = layout.chunks();
        threads::for_each(
            tasks,
            *elements,
            || (code.registers(data, TILE), None::<Carry>),
            |(regs, carry), task| {
                let chunk = layout.chunk(task);
                let whole = if layout.by_row && chunk.rows > 1 { layout.len } else { 0 };
                let lines = if layout.by_row { 1 } else { chunk.rows };
                let carry = match carry {
                    Some(c) if c.lines == lines && c.whole == whole => c,
                    other => other.insert(Carry::new(*op, lines, whole)),
                };
                carry.reset();
                let per_tile = layout.per_tile(chunk.rows);
                let mut first = 0;
                while first < layout.len {
                    let len = per_tile.min(layout.len - first);
                    let (start, n) = (layout.start(chunk, first), chunk.rows * len);
                    debug_assert!(n <= TILE);
                    if seeded(Fault::CarryLost) {
                        carry.reset();
                    }
                    code.run(data, regs, start, n, Some(carry));
                    // SAFETY: chunks are disjoint sets of lines, and a line's tiles are disjoint runs of it.
                    unsafe { code.put(regs, outputs, start, n) };
                    first += len;
                }
            },
        );
    }
}
