//! Scan groups: an instruction with memory, whose tiles come in the order of the scanned axis.
//!
//! Lines are walked one by one where the axis is innermost, and many side by side elsewhere; either way each line is folded in order
//! by one thread, so neither tiles nor threads change a result.

use super::carry::{Carry, TileLines};
use super::checked::CheckedProgram;
use super::code::{Pass, PassStore, SlotPolicy, TileCode};
use super::data::{FindInput, RunInputs};
use super::layout::RowLayout;
use super::output::SharedOutput;
use super::threads;
use super::tile::TILE;
use crate::error::Result;
use crate::graph::ScanOp;
use crate::types::{Fault, Scalar, Shape, seeded};

/// The pass of a scan group: all stores are of the whole domain.
#[derive(Debug)]
pub(crate) struct ScanPass {
    inputs: RunInputs,
    op: ScanOp,
    layout: RowLayout,
    code: TileCode,
    elements: usize,
}

impl ScanPass {
    /// The pass of a scan along `axis`.
    pub(crate) fn new(
        checked: CheckedProgram<'_>,
        domain: &Shape,
        op: ScanOp,
        axis: usize,
        stores: &[PassStore],
    ) -> Self {
        let layout = RowLayout::new(domain, &[axis]);
        let pass =
            Pass { domain, axes: &layout.axes, roots: &[], stores, slots: SlotPolicy::Reused, provided: &|_| false };
        let code = TileCode::new(&checked, &pass);
        Self { inputs: checked.into_inputs(), op, layout, code, elements: domain.len() }
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.inputs.bytes() + self.code.bytes() + self.layout.bytes()
    }

    /// Runs it.
    ///
    /// # Errors
    /// What binding the data reports.
    pub(crate) fn run(&self, input: FindInput<'_, '_>, scalars: &[Scalar], outputs: &[SharedOutput<'_>]) -> Result<()> {
        let data = self.inputs.bind(input, scalars)?;
        let Self { op, layout, code, elements, .. } = self;
        let tasks = layout.chunks();
        threads::for_each(
            tasks,
            *elements,
            || (code.registers(&data, TILE), None::<Carry>),
            |(regs, carry), task| {
                let chunk = layout.chunk(task);
                let lines = TileLines {
                    abreast: if layout.by_row { 1 } else { chunk.rows },
                    whole: if layout.by_row && chunk.rows > 1 { layout.len } else { 0 },
                };
                let carry = match carry {
                    Some(c) if c.lines() == lines => c,
                    other => other.insert(Carry::new(*op, lines)),
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
                    code.run(&data, regs, start, n, Some(carry));
                    // SAFETY: chunks are disjoint sets of lines, and a line's tiles are disjoint runs of it.
                    unsafe { code.store(regs, outputs, start, n) };
                    first += len;
                }
            },
        );
        Ok(())
    }
}
