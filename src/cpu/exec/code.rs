//! A part of a program made ready for one pass: the instructions that some registers need, in order, over one space, with
//! tile registers assigned by lifetime. Code holds no data, so that it is made once and run with any.

use super::body::{Form, Source, operand_reg};
use super::space::{Box1, Space, Walk};
use crate::graph::{BinaryOp, CastMode, RngDist, UnaryOp};
use crate::schedule::{Inst, Program, Reg};
use crate::types::{DType, Shape, View};

/// One instruction of a pass. Numbers are slots of tile registers; `walk` numbers the code's walks.
#[derive(Debug)]
pub(crate) enum Work {
    Load { from: Source, walk: usize },
    Window { from: Source, walk: usize, window: usize, otherwise: usize },
    Gather { from: Source, walk: usize, index: usize, stride: i64, extent: i64 },
    Index { walk: usize },
    Rng { dist: RngDist, key: usize, stream: usize, walk: usize },
    Unary(UnaryOp, usize),
    Binary(BinaryOp, usize, usize),
    Select(usize, usize, usize),
    Cast(CastMode, usize),
    Scan(usize),
}

/// An instruction with the dtypes of its result and of its (first numeric) operand.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) work: Work,
    pub(crate) dtype: DType,
    pub(crate) operand: DType,
    pub(crate) out: usize,
}

/// A store of the pass: which slot goes to which output, and where.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) slot: usize,
    pub(crate) dtype: DType,
    pub(crate) output: usize,
    pub(crate) walk: usize,
}

/// The instructions of a pass.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) space: Space,
    pub(crate) steps: Vec<Step>,
    pub(crate) puts: Vec<Put>,
    pub(crate) walks: Vec<Walk>,
    pub(crate) windows: Vec<(usize, Box1)>,
    /// Slots that hold one value all along: that of a uniform register.
    pub(crate) splats: Vec<(usize, Reg)>,
    /// Registers whose tiles the caller fills: values of a whole row, spread.
    pub(crate) given: Vec<(Reg, usize)>,
    /// How many slots the code uses.
    pub(crate) n_slots: usize,
    slots: Vec<Option<usize>>,
}

/// A store that a pass shall do.
pub(crate) struct Wanted {
    pub(crate) reg: Reg,
    pub(crate) output: usize,
    /// Where the domain's elements go.
    pub(crate) to: View,
}

/// How slots are assigned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slots {
    /// Reused after a register's last reader.
    Reused,
    /// Slot `i` is register `i`, so that several passes share them.
    ByRegister,
}

impl Code {
    /// The code that computes `roots` and the registers that `stores` write, over `domain` with its axes in the order `axes`.
    /// Registers for which `given` holds are not computed here.
    pub(crate) fn build(
        form: &Form<'_>,
        domain: &Shape,
        axes: &[usize],
        roots: &[Reg],
        stores: &[Wanted],
        slots: Slots,
        given: &dyn Fn(Reg) -> bool,
    ) -> Self {
        let program = form.program;
        let n = program.insts.len();
        let outside = |r: Reg| given(r) || form.is_uniform(r);
        let mut last_use = vec![0usize; n];
        let mut needed = vec![false; n];
        for r in roots.iter().copied().chain(stores.iter().map(|s| s.reg)) {
            needed[r.index()] = true;
            last_use[r.index()] = usize::MAX;
        }
        for i in (0..n).rev() {
            if needed[i] && !outside(Reg(i as u32)) {
                for r in Program::operands(&program.insts[i]) {
                    needed[r.index()] = true;
                    last_use[r.index()] = last_use[r.index()].max(i);
                }
            }
        }
        let mut code = Self {
            space: Space::merge(&[1], &mut [], &mut []),
            steps: Vec::new(),
            puts: Vec::new(),
            walks: Vec::new(),
            windows: Vec::new(),
            splats: Vec::new(),
            given: Vec::new(),
            n_slots: if slots == Slots::ByRegister { n } else { 0 },
            slots: vec![None; n],
        };
        let mut free: Vec<usize> = Vec::new();
        // What comes from outside stays for the whole pass and is placed first.
        for i in (0..n).filter(|&i| needed[i]) {
            let reg = Reg(i as u32);
            if outside(reg) {
                let slot = code.fresh(slots, i);
                if form.is_uniform(reg) {
                    code.splats.push((slot, reg));
                } else {
                    code.given.push((reg, slot));
                }
            }
        }
        for i in (0..n).filter(|&i| needed[i]) {
            if outside(Reg(i as u32)) {
                continue;
            }
            let out = match free.pop() {
                Some(slot) if slots == Slots::Reused => {
                    code.slots[i] = Some(slot);
                    slot
                }
                _ => code.fresh(slots, i),
            };
            let work = code.work(form, &program.insts[i], axes);
            let operand = operand_reg(&program.insts[i]).map_or(program.dtypes[i], |r| program.dtype(r));
            code.steps.push(Step { work, dtype: program.dtypes[i], operand, out });
            if slots == Slots::Reused {
                let mut operands = Program::operands(&program.insts[i]);
                operands.sort_unstable();
                operands.dedup();
                for r in operands {
                    if last_use[r.index()] == i && !outside(r) {
                        free.extend(code.slots[r.index()]);
                    }
                }
            }
        }
        for store in stores {
            code.walks.push(Walk::new(&store.to, axes));
            code.puts.push(Put {
                slot: code.slot(store.reg),
                dtype: program.dtype(store.reg),
                output: store.output,
                walk: code.walks.len() - 1,
            });
        }
        let extents: Vec<usize> = axes.iter().map(|&a| domain[a]).collect();
        code.space = Space::merge(&extents, &mut code.walks, &mut code.windows);
        code
    }

    /// Bytes of memory the code holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.steps.capacity() * size_of::<Step>()
            + self.puts.capacity() * size_of::<Put>()
            + self.walks.capacity() * size_of::<Walk>()
            + self.windows.capacity() * size_of::<(usize, Box1)>()
            + (self.splats.capacity() + self.given.capacity()) * size_of::<(usize, Reg)>()
            + self.slots.capacity() * size_of::<Option<usize>>()
    }

    fn fresh(&mut self, slots: Slots, reg: usize) -> usize {
        let slot = match slots {
            Slots::ByRegister => reg,
            Slots::Reused => {
                self.n_slots += 1;
                self.n_slots - 1
            }
        };
        self.slots[reg] = Some(slot);
        slot
    }

    /// The slot that holds a register after a tile has run.
    pub(crate) fn slot(&self, reg: Reg) -> usize {
        // Every register asked for was a root, a store or an operand of one, and got a slot above.
        self.slots[reg.index()].unwrap_or(0)
    }

    fn walk(&mut self, view: &View, axes: &[usize]) -> usize {
        self.walks.push(Walk::new(view, axes));
        self.walks.len() - 1
    }

    fn work(&mut self, form: &Form<'_>, inst: &Inst, axes: &[usize]) -> Work {
        let load = |l: u32| &form.program.loads[l as usize].view;
        match inst {
            Inst::Load(l) => Work::Load { from: Source::Load(*l), walk: self.walk(load(*l), axes) },
            Inst::Window { load: l, window, otherwise } => {
                let walk = self.walk(load(*l), axes);
                self.windows.push((walk, Box1::new(window, axes)));
                Work::Window {
                    from: Source::Load(*l),
                    walk,
                    window: self.windows.len() - 1,
                    otherwise: self.slot(*otherwise),
                }
            }
            Inst::Gather { load: l, index, stride, extent } => Work::Gather {
                from: Source::Load(*l),
                walk: self.walk(load(*l), axes),
                index: self.slot(*index),
                stride: *stride,
                extent: *extent,
            },
            Inst::Index(c) => Work::Index { walk: self.walk(&c.view, axes) },
            Inst::Rng { dist, key, stream, index } => Work::Rng {
                dist: *dist,
                key: self.slot(*key),
                stream: self.slot(*stream),
                walk: self.walk(&index.view, axes),
            },
            Inst::Unary(op, a) => Work::Unary(*op, self.slot(*a)),
            Inst::Binary(op, a, b) => Work::Binary(*op, self.slot(*a), self.slot(*b)),
            Inst::Select(c, a, b) => Work::Select(self.slot(*c), self.slot(*a), self.slot(*b)),
            Inst::Cast(mode, a) => Work::Cast(*mode, self.slot(*a)),
            Inst::Scan(a) => Work::Scan(self.slot(*a)),
            // The accumulator is a load like any other. Literals and scalars are uniform and folds are given, so the rest
            // does not come here; a load of nothing keeps the match total.
            Inst::Acc | Inst::Literal(_) | Inst::Scalar(_) | Inst::Reduce(..) | Inst::ArgReduce(..) => {
                match &form.accumulator {
                    Some(view) => Work::Load { from: Source::Accumulator, walk: self.walk(view, axes) },
                    None => Work::Index { walk: self.walk(&View::dense(&Shape::default()), &[]) },
                }
            }
        }
    }
}
