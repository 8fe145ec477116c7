//! The interpreter: runs a pass's instructions over one tile after the other.

use super::access;
use super::body::{Data, Source};
use super::code::{Code, Step, Work};
use super::elementwise;
use super::output::Output;
use super::scan::Carry;
use super::tile::{Lane, Registers, dispatch, typed};
use crate::types::Element;

impl Code {
    /// Tile registers for this code, with its constants in place, for tiles of up to `most` elements.
    pub(crate) fn registers(&self, data: &Data<'_>, most: usize) -> Registers {
        let mut regs = Registers::new(self.n_slots, most);
        self.constants(&mut regs, data);
        regs
    }

    /// Puts the code's constants into registers.
    pub(crate) fn constants(&self, regs: &mut Registers, data: &Data<'_>) {
        for &(slot, reg) in &self.splats {
            if let Some(value) = data.uniform(reg) {
                regs.splat(slot, value);
            }
        }
    }

    /// Computes `n` elements from `start` of the space's linear order on. `carry` is the running fold of a scan.
    pub(crate) fn run(&self, data: &Data<'_>, regs: &mut Registers, start: usize, n: usize, carry: Option<&mut Carry>) {
        let mut carry = carry;
        for step in &self.steps {
            let mut out = regs.take(step.out);
            if let (Work::Scan(a), Some(carry)) = (&step.work, carry.as_deref_mut()) {
                dispatch!(step.dtype, T => carry.run::<T>(regs.get(*a, n), typed(&mut out, n)));
            } else {
                self.step(step, data, regs, &mut out, start, n);
            }
            regs.put(step.out, out);
        }
    }

    /// Writes the stores of a tile that has run.
    ///
    /// # Safety
    /// No other thread runs a tile with the same elements.
    pub(crate) unsafe fn put(&self, regs: &Registers, outputs: &[Output<'_>], start: usize, n: usize) {
        for put in &self.puts {
            // SAFETY: promised by the caller.
            unsafe { access::store(self, put, regs, outputs, start, n) };
        }
    }

    fn step(&self, step: &Step, data: &Data<'_>, regs: &Registers, out: &mut [u64], start: usize, n: usize) {
        let (space, walks) = (&self.space, &self.walks);
        match &step.work {
            Work::Load { from, walk } => dispatch!(step.dtype, T => {
                access::load::<T>(space, &walks[*walk], elements(data, *from), start, typed(out, n));
            }),
            Work::Window { from, walk, window, otherwise } => dispatch!(step.dtype, T => {
                let out = typed::<T>(out, n);
                out.copy_from_slice(regs.get(*otherwise, n));
                access::load_window(space, &walks[*walk], &self.windows[*window].1, elements(data, *from), start, out);
            }),
            Work::Gather { from, walk, index, stride, extent } => dispatch!(step.dtype, T => {
                let index = regs.get::<i32>(*index, n);
                let along = (*stride, *extent);
                access::gather::<T>(space, &walks[*walk], elements(data, *from), start, index, along, typed(out, n));
            }),
            Work::Index { walk } => dispatch!(step.dtype, T => {
                access::index::<T>(space, &walks[*walk], start, typed(out, n));
            }),
            Work::Rng { dist, key, stream, walk } => dispatch!(step.dtype, T => {
                let (key, stream) = (regs.get(*key, n), regs.get(*stream, n));
                access::rng::<T>((space, &walks[*walk]), *dist, start, key, stream, typed(out, n));
            }),
            Work::Unary(op, a) => elementwise::unary(*op, step.operand, regs, *a, out, n),
            Work::Binary(op, a, b) => elementwise::binary(*op, step.operand, regs, (*a, *b), out, n),
            Work::Select(c, a, b) => dispatch!(step.dtype, T => {
                elementwise::select::<T>(regs.get(*c, n), regs.get(*a, n), regs.get(*b, n), typed(out, n));
            }),
            Work::Cast(mode, a) => elementwise::cast(*mode, step.operand, step.dtype, regs, *a, out, n),
            // Without a carry there is no scan; groups are checked for that before they run.
            Work::Scan(a) => dispatch!(step.dtype, T => typed::<T>(out, n).copy_from_slice(regs.get(*a, n))),
        }
    }
}

/// The elements of a source, whose dtype was checked when the group was bound.
fn elements<'a, T: Lane + Element>(data: &Data<'a>, from: Source) -> &'a [T] {
    data.source(from).and_then(|b| b.as_slice().ok()).unwrap_or(&[])
}
