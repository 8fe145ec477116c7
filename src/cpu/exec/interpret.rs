//! The interpreter: runs a pass's instructions over one tile after the other.

use super::access;
use super::carry::Carry;
use super::code::{TileCode, TileInst, TileOp};
use super::data::{LoadSource, RunData};
use super::elementwise;
use super::output::SharedOutput;
use super::space::ViewedTile;
use super::tile::{TileElement, TileRegisters, dispatch, typed};

impl TileCode {
    /// Tile registers for this code, with the uniform ones filled, for tiles of up to `most` elements.
    pub(crate) fn registers(&self, data: &RunData<'_>, most: usize) -> TileRegisters {
        let mut regs = TileRegisters::new(self.n_slots, most);
        self.fill_uniforms(&mut regs, data);
        regs
    }

    /// Fills the registers that hold one value all along.
    pub(crate) fn fill_uniforms(&self, regs: &mut TileRegisters, data: &RunData<'_>) {
        for uniform in &self.uniforms {
            if let Some(value) = data.uniform(uniform.number) {
                regs.splat(uniform.slot, value);
            }
        }
    }

    /// Computes `n` elements from `start` of the space's linear order on. `carry` is the running fold of a scan.
    pub(crate) fn run(
        &self,
        data: &RunData<'_>,
        regs: &mut TileRegisters,
        start: usize,
        n: usize,
        mut carry: Option<&mut Carry>,
    ) {
        for inst in &self.insts {
            let mut out = regs.take(inst.out);
            if let (TileOp::Scan(a), Some(carry)) = (&inst.op, carry.as_deref_mut()) {
                dispatch!(inst.dtype, T => carry.run::<T>(regs.get(*a, n), typed(&mut out, n)));
            } else {
                self.run_inst(inst, data, regs, &mut out, start, n);
            }
            regs.put(inst.out, out);
        }
    }

    /// Writes the stores of a tile that has run.
    ///
    /// # Safety
    /// No other thread stores a tile at the same places meanwhile: tiles that run at once are disjoint, and the stores' views map
    /// all their elements to different places.
    pub(crate) unsafe fn store(&self, regs: &TileRegisters, outputs: &[SharedOutput<'_>], start: usize, n: usize) {
        for store in &self.stores {
            let tile = self.viewed(store.view, start);
            // SAFETY: promised by the caller.
            dispatch!(store.dtype, T => unsafe {
                access::store::<T>(tile, regs.get(store.slot, n), &outputs[store.output]);
            });
        }
    }

    fn viewed(&self, view: usize, start: usize) -> ViewedTile<'_> {
        ViewedTile { space: &self.space, view: &self.views[view], start }
    }

    fn run_inst(
        &self,
        inst: &TileInst,
        data: &RunData<'_>,
        regs: &TileRegisters,
        out: &mut [u64],
        start: usize,
        n: usize,
    ) {
        match &inst.op {
            TileOp::Load { from, view } => dispatch!(inst.dtype, T => {
                access::load::<T>(self.viewed(*view, start), elements(data, *from), typed(out, n));
            }),
            TileOp::Window { from, view, window, otherwise } => dispatch!(inst.dtype, T => {
                let out = typed::<T>(out, n);
                out.copy_from_slice(regs.get(*otherwise, n));
                access::load_window(self.viewed(*view, start), &self.windows[*window], elements(data, *from), out);
            }),
            TileOp::Gather { from, view, index, axis } => dispatch!(inst.dtype, T => {
                let (from, index) = (elements(data, *from), regs.get(*index, n));
                access::gather::<T>(self.viewed(*view, start), from, index, *axis, typed(out, n));
            }),
            TileOp::Index { view } => dispatch!(inst.dtype, T => {
                access::index::<T>(self.viewed(*view, start), typed(out, n));
            }),
            TileOp::Rng { dist, key, stream, view } => dispatch!(inst.dtype, T => {
                let (key, stream) = (regs.get(*key, n), regs.get(*stream, n));
                access::rng::<T>(self.viewed(*view, start), *dist, key, stream, typed(out, n));
            }),
            TileOp::Unary(op, a) => elementwise::unary(*op, inst.operand, regs, *a, out, n),
            TileOp::Binary(op, a, b) => elementwise::binary(*op, inst.operand, regs, (*a, *b), out, n),
            TileOp::Select(c, a, b) => dispatch!(inst.dtype, T => {
                elementwise::select::<T>(regs.get(*c, n), regs.get(*a, n), regs.get(*b, n), typed(out, n));
            }),
            TileOp::Cast(mode, a) => elementwise::cast(*mode, inst.operand, inst.dtype, regs, *a, out, n),
            // Without a carry there is no scan; groups are checked for that before code is made of them.
            TileOp::Scan(a) => dispatch!(inst.dtype, T => typed::<T>(out, n).copy_from_slice(regs.get(*a, n))),
        }
    }
}

/// The elements of a source, whose dtype was checked when the data were bound.
fn elements<'a, T: TileElement>(data: &RunData<'a>, from: LoadSource) -> &'a [T] {
    data.source(from).and_then(|b| b.as_slice().ok()).unwrap_or(&[])
}
