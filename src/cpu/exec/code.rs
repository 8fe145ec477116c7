//! A part of a program made ready for one pass: the instructions that some registers need, in order, over one space, with
//! tile registers assigned by lifetime. Code holds no data, so that it is made once and run with any.

use super::access::GatherAxis;
use super::checked::CheckedProgram;
use super::data::LoadSource;
use super::space::{Space, SpaceView, WindowBox};
use crate::graph::{BinaryOp, CastMode, RngDist, UnaryOp};
use crate::schedule::{Inst, Program, Reg};
use crate::types::{DType, Shape, View};

/// What an instruction does with a tile. Operands are slots of tile registers; `view` and `window` number those of the code.
#[derive(Debug)]
pub(crate) enum TileOp {
    Load { from: LoadSource, view: usize },
    Window { from: LoadSource, view: usize, window: usize, otherwise: usize },
    Gather { from: LoadSource, view: usize, index: usize, axis: GatherAxis },
    Index { view: usize },
    Rng { dist: RngDist, key: usize, stream: usize, view: usize },
    Unary(UnaryOp, usize),
    Binary(BinaryOp, usize, usize),
    Select(usize, usize, usize),
    Cast(CastMode, usize),
    Scan(usize),
}

/// One instruction of a pass.
#[derive(Debug)]
pub(crate) struct TileInst {
    pub(crate) op: TileOp,
    /// The dtype of the result.
    pub(crate) dtype: DType,
    /// The dtype of the first numeric operand.
    pub(crate) operand: DType,
    /// The slot of the result.
    pub(crate) out: usize,
}

/// A store of a pass: which slot is written to which output, and where.
#[derive(Debug)]
pub(crate) struct TileStore {
    pub(crate) slot: usize,
    pub(crate) dtype: DType,
    pub(crate) output: usize,
    pub(crate) view: usize,
}

/// A slot that holds one value all along.
#[derive(Debug)]
pub(crate) struct UniformSlot {
    pub(crate) slot: usize,
    /// The number of its register among the program's uniform ones.
    pub(crate) number: usize,
}

/// A slot that the caller fills: with values of a whole row, spread.
#[derive(Debug)]
pub(crate) struct ProvidedSlot {
    pub(crate) slot: usize,
    pub(crate) reg: Reg,
}

/// The code of a pass.
#[derive(Debug)]
pub(crate) struct TileCode {
    pub(crate) space: Space,
    pub(crate) insts: Vec<TileInst>,
    pub(crate) stores: Vec<TileStore>,
    pub(crate) views: Vec<SpaceView>,
    pub(crate) windows: Vec<WindowBox>,
    pub(crate) uniforms: Vec<UniformSlot>,
    pub(crate) provided: Vec<ProvidedSlot>,
    /// How many slots the code uses.
    pub(crate) n_slots: usize,
    slot_of: Vec<Option<usize>>,
}

/// A store that a pass is asked for.
#[derive(Clone)]
pub(crate) struct PassStore {
    pub(crate) reg: Reg,
    pub(crate) output: usize,
    /// Where the domain's elements are written. What one run of the pass stores goes to different places, which the unsafe code
    /// of stores relies on: a pass that runs part by part may write each part over the one before, and one that stores once a
    /// row has stride 0 along the rows.
    pub(crate) to: View,
}

/// How slots are assigned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotPolicy {
    /// Reused after a register's last reader.
    Reused,
    /// Slot `i` is register `i`, so that several passes share them.
    ByRegister,
}

/// What a pass over a domain is to compute.
pub(crate) struct Pass<'p> {
    pub(crate) domain: &'p Shape,
    /// The domain's axes in the order in which they are walked.
    pub(crate) axes: &'p [usize],
    /// Registers that are computed though nothing stores them.
    pub(crate) roots: &'p [Reg],
    pub(crate) stores: &'p [PassStore],
    pub(crate) slots: SlotPolicy,
    /// The registers that are not computed here, because the caller fills their slots.
    pub(crate) provided: &'p dyn Fn(Reg) -> bool,
}

impl TileCode {
    /// The code of a pass of a program over `pass.domain`.
    pub(crate) fn new(checked: &CheckedProgram<'_>, pass: &Pass<'_>) -> Self {
        let mut builder = CodeBuilder::new(checked, pass);
        builder.place_outside();
        for at in 0..checked.program.insts.len() {
            builder.instruction(at);
        }
        builder.stores();
        builder.finish()
    }

    /// Bytes of memory the code holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.insts.capacity() * size_of::<TileInst>()
            + self.stores.capacity() * size_of::<TileStore>()
            + self.views.capacity() * size_of::<SpaceView>()
            + self.windows.capacity() * size_of::<WindowBox>()
            + self.uniforms.capacity() * size_of::<UniformSlot>()
            + self.provided.capacity() * size_of::<ProvidedSlot>()
            + self.slot_of.capacity() * size_of::<Option<usize>>()
    }

    /// The slot that holds a register after a tile has run.
    pub(crate) fn slot(&self, reg: Reg) -> usize {
        // Every register asked for was a root, a store or an operand of one, and was given a slot.
        self.slot_of[reg.index()].unwrap_or(0)
    }
}

/// Which registers a pass needs, and who reads each last.
struct Uses {
    needed: Vec<bool>,
    /// The last instruction that reads a register; `usize::MAX` for what outlives the tile.
    last_reader: Vec<usize>,
}

impl Uses {
    fn new(checked: &CheckedProgram<'_>, pass: &Pass<'_>) -> Self {
        let program = checked.program;
        let n = program.insts.len();
        let mut uses = Self { needed: vec![false; n], last_reader: vec![0; n] };
        for reg in pass.roots.iter().copied().chain(pass.stores.iter().map(|s| s.reg)) {
            uses.needed[reg.index()] = true;
            uses.last_reader[reg.index()] = usize::MAX;
        }
        for at in (0..n).rev() {
            if uses.needed[at] && !is_outside(checked, pass, Reg(at as u32)) {
                for r in Program::operands(&program.insts[at]) {
                    uses.needed[r.index()] = true;
                    uses.last_reader[r.index()] = uses.last_reader[r.index()].max(at);
                }
            }
        }
        uses
    }
}

/// Code under construction.
struct CodeBuilder<'b, 'p> {
    checked: &'b CheckedProgram<'p>,
    pass: &'b Pass<'b>,
    uses: Uses,
    /// Slots whose registers were read for the last time.
    free: Vec<usize>,
    code: TileCode,
}

impl<'b, 'p> CodeBuilder<'b, 'p> {
    fn new(checked: &'b CheckedProgram<'p>, pass: &'b Pass<'b>) -> Self {
        let n = checked.program.insts.len();
        let code = TileCode {
            space: Space::merge(&[1], &mut [], &mut []),
            insts: Vec::new(),
            stores: Vec::new(),
            views: Vec::new(),
            windows: Vec::new(),
            uniforms: Vec::new(),
            provided: Vec::new(),
            n_slots: if pass.slots == SlotPolicy::ByRegister { n } else { 0 },
            slot_of: vec![None; n],
        };
        Self { checked, pass, uses: Uses::new(checked, pass), free: Vec::new(), code }
    }

    fn is_outside(&self, reg: Reg) -> bool {
        is_outside(self.checked, self.pass, reg)
    }

    /// Gives slots to what is not computed here: they keep it for the whole pass.
    fn place_outside(&mut self) {
        for at in 0..self.uses.needed.len() {
            let reg = Reg(at as u32);
            if !self.uses.needed[at] || !self.is_outside(reg) {
                continue;
            }
            let slot = self.fresh_slot(reg);
            match self.checked.uniform(reg) {
                Some(number) => self.code.uniforms.push(UniformSlot { slot, number }),
                None => self.code.provided.push(ProvidedSlot { slot, reg }),
            }
        }
    }

    /// Adds an instruction, if the pass needs it.
    fn instruction(&mut self, at: usize) {
        let reg = Reg(at as u32);
        if !self.uses.needed[at] || self.is_outside(reg) {
            return;
        }
        let program = self.checked.program;
        let inst = &program.insts[at];
        // The result must not overwrite an operand, so the operands' slots become free only afterwards.
        let out = match self.free.pop() {
            Some(slot) => {
                self.code.slot_of[at] = Some(slot);
                slot
            }
            None => self.fresh_slot(reg),
        };
        let op = self.op(inst);
        let operand = operand_reg(inst).map_or(program.dtypes[at], |r| program.dtype(r));
        self.code.insts.push(TileInst { op, dtype: program.dtypes[at], operand, out });
        if self.pass.slots == SlotPolicy::Reused {
            let mut operands = Program::operands(inst);
            operands.sort_unstable();
            operands.dedup();
            for r in operands {
                if self.uses.last_reader[r.index()] == at && !self.is_outside(r) {
                    self.free.extend(self.code.slot_of[r.index()]);
                }
            }
        }
    }

    fn stores(&mut self) {
        for store in self.pass.stores {
            let view = self.view(&store.to);
            let (slot, dtype) = (self.code.slot(store.reg), self.checked.program.dtype(store.reg));
            self.code.stores.push(TileStore { slot, dtype, output: store.output, view });
        }
    }

    fn finish(mut self) -> TileCode {
        let extents: Vec<usize> = self.pass.axes.iter().map(|&a| self.pass.domain[a]).collect();
        self.code.space = Space::merge(&extents, &mut self.code.views, &mut self.code.windows);
        self.code
    }

    fn fresh_slot(&mut self, reg: Reg) -> usize {
        let slot = match self.pass.slots {
            SlotPolicy::ByRegister => reg.index(),
            SlotPolicy::Reused => {
                self.code.n_slots += 1;
                self.code.n_slots - 1
            }
        };
        self.code.slot_of[reg.index()] = Some(slot);
        slot
    }

    fn view(&mut self, view: &View) -> usize {
        self.code.views.push(SpaceView::new(view, self.pass.axes));
        self.code.views.len() - 1
    }

    fn load(&mut self, number: u32) -> (LoadSource, usize) {
        let program = self.checked.program;
        (LoadSource::Load(number), self.view(&program.loads[number as usize].view))
    }

    /// What an instruction does with a tile.
    fn op(&mut self, inst: &Inst) -> TileOp {
        match inst {
            Inst::Load(number) => {
                let (from, view) = self.load(*number);
                TileOp::Load { from, view }
            }
            Inst::Window { load, window, otherwise } => {
                let (from, view) = self.load(*load);
                self.code.windows.push(WindowBox::new(window, self.pass.axes));
                let window = self.code.windows.len() - 1;
                TileOp::Window { from, view, window, otherwise: self.code.slot(*otherwise) }
            }
            Inst::Gather { load, index, stride, extent } => {
                let (from, view) = self.load(*load);
                let axis = GatherAxis { stride: *stride, extent: *extent };
                TileOp::Gather { from, view, index: self.code.slot(*index), axis }
            }
            Inst::Index(coord) => TileOp::Index { view: self.view(&coord.view) },
            Inst::Rng { dist, key, stream, index } => {
                let view = self.view(&index.view);
                TileOp::Rng { dist: *dist, key: self.code.slot(*key), stream: self.code.slot(*stream), view }
            }
            Inst::Unary(op, a) => TileOp::Unary(*op, self.code.slot(*a)),
            Inst::Binary(op, a, b) => TileOp::Binary(*op, self.code.slot(*a), self.code.slot(*b)),
            Inst::Select(c, a, b) => TileOp::Select(self.code.slot(*c), self.code.slot(*a), self.code.slot(*b)),
            Inst::Cast(mode, a) => TileOp::Cast(*mode, self.code.slot(*a)),
            Inst::Scan(a) => TileOp::Scan(self.code.slot(*a)),
            // The accumulator is a load like any other. Literals and scalars are uniform and folds are provided, so the rest
            // does not come here; a constant index keeps the match total.
            Inst::Acc | Inst::Literal(_) | Inst::Scalar(_) | Inst::Reduce(..) | Inst::ArgReduce(..) => {
                match &self.checked.accumulator {
                    Some(view) => TileOp::Load { from: LoadSource::Accumulator, view: self.view(view) },
                    None => {
                        let strides = self.pass.axes.iter().map(|_| 0).collect();
                        self.code.views.push(SpaceView { offset: 0, strides });
                        TileOp::Index { view: self.code.views.len() - 1 }
                    }
                }
            }
        }
    }
}

/// Whether a pass does not compute a register by its own instructions.
fn is_outside(checked: &CheckedProgram<'_>, pass: &Pass<'_>, reg: Reg) -> bool {
    (pass.provided)(reg) || checked.uniform(reg).is_some()
}

/// The register whose dtype decides which loop an instruction runs: comparisons and casts give another one than they take.
fn operand_reg(inst: &Inst) -> Option<Reg> {
    match inst {
        Inst::Unary(_, a) | Inst::Cast(_, a) | Inst::Binary(_, a, _) | Inst::Scan(a) => Some(*a),
        Inst::Select(_, a, _) => Some(*a),
        _ => None,
    }
}
