//! Writing the program of a formed group: from each output down to loads, every read once.
//!
//! The reads are those by which the group formed, so nothing is decided here. Recursion is bounded by the group's caps.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::analyse::{Role, canonical};
use super::build::{Forming, FormingCore, Section};
use super::program::{Coord, Inst, Load, Program, Reg, Window};
use super::reads::{Analysed, Read, StoredBase, snapped};
use super::steps::{Store, StoreShape};
use super::value::ValueId;
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, Graph, NodeId, Op};
use crate::types::{DType, Scalar, Shape, View};

/// What the programs of all groups are written from.
pub(super) struct ProgramContext<'a> {
    pub input: Analysed<'a>,
    /// The value of each stored node.
    pub values: &'a [Option<ValueId>],
    /// The planned kernel of each node.
    pub kernel_of: &'a [Option<u32>],
    pub scalars: &'a mut RunScalars,
}

/// The run-time scalars that programs name by number.
#[derive(Default)]
pub(super) struct RunScalars {
    pub nodes: Vec<NodeId>,
    numbers: HashMap<NodeId, u32>,
}

impl RunScalars {
    /// The number of a scalar node, given out on first use.
    fn number(&mut self, node: NodeId) -> u32 {
        *self.numbers.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            self.nodes.len() as u32 - 1
        })
    }
}

/// A program being written.
struct ProgramWriter<'a, 'n> {
    context: &'a mut ProgramContext<'n>,
    group: &'a Forming,
    section: Section,
    domain: Shape,
    program: Program,
    done: HashMap<(NodeId, View), Reg>,
    loads: HashMap<(ValueId, View), u32>,
    scalars: HashMap<NodeId, Reg>,
}

/// The body of a group and its stores.
pub(super) fn body(context: &mut ProgramContext<'_>, group: &Forming) -> Result<(Program, Vec<Store>)> {
    let mut writer = ProgramWriter::new(context, group, Section::Body);
    let mut stores = Vec::new();
    for &node in &group.outputs {
        let graph = writer.context.input.graph;
        let len = graph.node(node).shape.len();
        let view =
            group.out_view(len).ok_or_else(|| Error::internal(format!("{node} has no place in its group's domain")))?;
        let reg = writer.node(node, &view)?;
        let shape = match &group.core {
            _ if len == group.domain.len() => StoreShape::Full,
            FormingCore::Rows(_) => StoreShape::Row,
            _ => StoreShape::Diagonal,
        };
        stores.push(Store { value: writer.value(node)?, reg, shape });
    }
    Ok((writer.program, stores))
}

/// The program of a product's operand.
pub(super) fn operand(
    context: &mut ProgramContext<'_>,
    group: &Forming,
    core: NodeId,
    section: Section,
) -> Result<Program> {
    let reads = context.input.product_reads(core, &group.domain_of(Section::Left), &group.domain_of(Section::Right));
    let reads = reads.map_err(Error::internal)?;
    let mut writer = ProgramWriter::new(context, group, section);
    for r in reads.into_iter().filter(|r| r.section == section) {
        writer.node(r.node, &r.view)?;
    }
    Ok(writer.program)
}

impl<'a, 'n> ProgramWriter<'a, 'n> {
    fn new(context: &'a mut ProgramContext<'n>, group: &'a Forming, section: Section) -> Self {
        Self {
            context,
            group,
            section,
            domain: group.domain_of(section),
            program: Program::default(),
            done: HashMap::new(),
            loads: HashMap::new(),
            scalars: HashMap::new(),
        }
    }

    fn value(&self, node: NodeId) -> Result<ValueId> {
        self.context.values[node.index()]
            .ok_or_else(|| Error::internal(format!("{node} is read from memory and never stored")))
    }

    /// The register of `node` read through a canonical view.
    fn node(&mut self, node: NodeId, view: &View) -> Result<Reg> {
        let key = (node, view.clone());
        if let Some(&reg) = self.done.get(&key) {
            return Ok(reg);
        }
        let analysis = self.context.input.analysis;
        let reg = match analysis.role(node) {
            Role::Scalar => self.scalar(node),
            Role::Constant => {
                self.literal(analysis.constant[node.index()].unwrap_or(Scalar::from_f64(DType::F32, 0.0)))
            }
            _ if self.group.is_fused(node, self.section, view) => self.inside(node, view)?,
            _ => {
                let value = self.value(node)?;
                let load = self.load(value, node, view.clone());
                let dtype = self.context.input.graph.node(node).dtype;
                self.program.push(Inst::Load(load), dtype)
            }
        };
        self.done.insert(key, reg);
        Ok(reg)
    }

    fn read(&mut self, r: &Read) -> Result<Reg> {
        self.node(r.node, &r.view)
    }

    fn load(&mut self, value: ValueId, node: NodeId, view: View) -> u32 {
        let view = canonical(&view);
        let dtype = self.context.input.graph.node(node).dtype;
        let program = &mut self.program;
        *self.loads.entry((value, view.clone())).or_insert_with(|| {
            program.loads.push(Load { value, dtype, view });
            program.loads.len() as u32 - 1
        })
    }

    fn literal(&mut self, s: Scalar) -> Reg {
        // Equal literals share a register; programs are short, so a search is enough.
        let found = self.program.insts.iter().position(|i| *i == Inst::Literal(s));
        found.map_or_else(|| self.program.push(Inst::Literal(s), s.dtype()), |i| Reg(i as u32))
    }

    fn scalar(&mut self, node: NodeId) -> Reg {
        let graph = self.context.input.graph;
        if let Some(s) = graph.literal(node) {
            return self.literal(s);
        }
        if let Some(&reg) = self.scalars.get(&node) {
            return reg;
        }
        let number = self.context.scalars.number(node);
        let reg = self.program.push(Inst::Scalar(number), graph.node(node).dtype);
        self.scalars.insert(node, reg);
        reg
    }

    /// A node computed in place.
    fn inside(&mut self, node: NodeId, view: &View) -> Result<Reg> {
        let input = self.context.input;
        let n = input.graph.node(node);
        let role = input.analysis.role(node);
        if role == Role::Product {
            return Ok(self.program.push(Inst::Acc, n.dtype));
        }
        let reads = input
            .reads(node, self.section, view, &self.domain)
            .map_err(|why| Error::internal(format!("{node} = {}: {why}", n.op)))?;
        if role == Role::Windows {
            return self.windows(node, &reads);
        }
        if role == Role::Gather {
            return self.gather(node, &reads);
        }
        let kernel_of = self.context.kernel_of;
        let mut regs: SmallVec<[Reg; 3]> = SmallVec::new();
        for r in reads {
            let kernel = kernel_of[node.index()];
            let r = if kernel.is_some() && kernel_of[r.node.index()] == kernel { snapped(r, &self.domain) } else { r };
            regs.push(self.read(&r)?);
        }
        let inst = match (&n.op, role) {
            (_, Role::View) => return Ok(regs[0]),
            (Op::Unary(op), _) => Inst::Unary(*op, regs[0]),
            (Op::Binary(op), _) => Inst::Binary(*op, regs[0], regs[1]),
            (Op::Select, _) => Inst::Select(regs[0], regs[1], regs[2]),
            (Op::Cast { mode, .. }, _) => Inst::Cast(*mode, regs[0]),
            (Op::Reduce { op, .. }, _) => Inst::Reduce(*op, regs[0]),
            (Op::ArgReduce { op, .. }, _) => Inst::ArgReduce(*op, regs[0]),
            (Op::Scan { .. }, _) => Inst::Scan(regs[0]),
            (Op::Iota { .. }, _) => {
                let view = input
                    .iota_view(node, view)
                    .ok_or_else(|| Error::internal(format!("{node}: its coordinate has no strides")))?;
                Inst::Index(Coord { view })
            }
            (Op::Rng { dist, .. }, _) => {
                Inst::Rng { dist: *dist, key: regs[0], stream: regs[1], index: Coord { view: view.clone() } }
            }
            _ => return Err(Error::internal(format!("{node} = {} has no instruction", n.op))),
        };
        Ok(self.program.push(inst, n.dtype))
    }

    fn gather(&mut self, node: NodeId, reads: &[Read]) -> Result<Reg> {
        let input = self.context.input;
        let n = input.graph.node(node);
        let Op::Gather { axis } = n.op else { return Err(Error::internal(format!("{node} is no gather"))) };
        let StoredBase { node: base, view: whole } = input.stored_base(n.operands[0]);
        let (extent, stride) = (whole.shape()[axis] as i64, whole.strides()[axis]);
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_slice(whole.strides());
        strides[axis] = 0;
        let view = View::from_parts(n.shape.clone(), &strides, whole.offset())?;
        let index = self.read(&reads[1])?;
        let value = self.value(base)?;
        let load = self.load(value, base, view);
        Ok(self.program.push(Inst::Gather { load, index, stride, extent }, n.dtype))
    }

    /// Windows over what surrounds them, the last on top.
    fn windows(&mut self, node: NodeId, reads: &[Read]) -> Result<Reg> {
        let input = self.context.input;
        let n = input.graph.node(node);
        let pieces = pieces(input.graph, node, reads)?;
        let mut under: Option<Reg> = None;
        if let Some(around) = pieces.around {
            under = Some(self.read(around)?);
        }
        for Piece { operand, read, window } in pieces.windows {
            let otherwise = match under {
                Some(reg) => reg,
                // Windows that cover everything have nothing under them; any value will do.
                None if !read.stored => {
                    under = Some(self.read(read)?);
                    continue;
                }
                None => self.literal(Scalar::from_f64(n.dtype, 0.0)),
            };
            under = Some(if read.stored {
                let base = input.stored_base(operand);
                let value = self.value(base.node)?;
                let load = self.load(value, base.node, base.view);
                self.program.push(Inst::Window { load, window, otherwise }, n.dtype)
            } else {
                let element = self.read(read)?;
                match self.inside_window(&window) {
                    Some(test) => self.program.push(Inst::Select(test, element, otherwise), n.dtype),
                    None => element,
                }
            });
        }
        under.ok_or_else(|| Error::internal(format!("{node} has no pieces")))
    }

    /// Whether the domain's coordinates are inside a window, as instructions; `None` when they always are.
    fn inside_window(&mut self, window: &Window) -> Option<Reg> {
        let mut all = None;
        for axis in 0..window.len.len() {
            self.inside_on_axis(window, axis, &mut all);
        }
        all
    }

    /// Adds to the conjunction `all` whether the coordinate on `axis` is inside a window.
    fn inside_on_axis(&mut self, window: &Window, axis: usize, all: &mut Option<Reg>) {
        let (start, step, len) = (window.start[axis], window.step[axis], window.len[axis]);
        let extent = self.domain[axis] as i64;
        let last = start + step * (len - 1);
        let strides: Vec<i64> = (0..self.domain.rank()).map(|a| i64::from(a == axis)).collect();
        let Ok(view) = View::from_parts(self.domain.clone(), &strides, 0) else { return };
        let (below, above, strided) = (start > 0, last < extent - 1, step > 1 && len > 1);
        if !(below || above || strided) {
            return;
        }
        let dtype = if extent > i64::from(i32::MAX) { DType::I64 } else { DType::I32 };
        let index = self.program.push(Inst::Index(Coord { view: canonical(&view) }), dtype);
        for (op, bound, asked) in [(BinaryOp::Ge, start, below), (BinaryOp::Le, last, above)] {
            if asked {
                let bound = self.literal(Scalar::from_i64(dtype, bound));
                let test = self.program.push(Inst::Binary(op, index, bound), DType::Bool);
                self.and(all, test);
            }
        }
        if strided {
            let from = self.literal(Scalar::from_i64(dtype, start));
            let by = self.literal(Scalar::from_i64(dtype, step));
            let zero = self.literal(Scalar::from_i64(dtype, 0));
            let shifted = self.program.push(Inst::Binary(BinaryOp::Sub, index, from), dtype);
            let rest = self.program.push(Inst::Binary(BinaryOp::Mod, shifted, by), dtype);
            let test = self.program.push(Inst::Binary(BinaryOp::Eq, rest, zero), DType::Bool);
            self.and(all, test);
        }
    }

    /// Adds a test to a conjunction.
    fn and(&mut self, all: &mut Option<Reg>, test: Reg) {
        *all = Some(match *all {
            Some(a) => self.program.push(Inst::Binary(BinaryOp::And, a, test), DType::Bool),
            None => test,
        });
    }
}

/// An operand that a concat, a pad or a slice update shows in a window.
struct Piece<'r> {
    operand: NodeId,
    read: &'r Read,
    window: Window,
}

/// The operands of such a node.
struct Pieces<'r> {
    /// What surrounds the windows.
    around: Option<&'r Read>,
    windows: Vec<Piece<'r>>,
}

/// The pieces of `node`; `reads` are those of its operands that have elements, in order.
fn pieces<'r>(graph: &Graph, node: NodeId, reads: &'r [Read]) -> Result<Pieces<'r>> {
    let n = graph.node(node);
    let rank = n.shape.rank();
    let ones: SmallVec<[i64; 6]> = SmallVec::from_elem(1, rank);
    let signed = |dims: &[usize]| -> SmallVec<[i64; 6]> { dims.iter().map(|&d| d as i64).collect() };
    let mut pieces = Pieces { around: None, windows: Vec::new() };
    let mut reads = reads.iter();
    let mut offset = 0;
    for (i, &operand) in n.operands.iter().enumerate() {
        let shape = &graph.node(operand).shape;
        if shape.is_empty() {
            continue;
        }
        let read = reads.next().ok_or_else(|| Error::internal(format!("{node}: fewer reads than pieces")))?;
        let len = signed(shape);
        let window = match &n.op {
            Op::SliceUpdate { .. } | Op::Pad { .. } if is_around(&n.op, i) => {
                pieces.around = Some(read);
                continue;
            }
            Op::SliceUpdate { start, step } => Window { start: signed(start), step: signed(step), len },
            Op::Pad { before, .. } => Window { start: signed(before), step: ones.clone(), len },
            Op::Concat { axis } => {
                let mut start: SmallVec<[i64; 6]> = SmallVec::from_elem(0, rank);
                start[*axis] = offset;
                offset += len[*axis];
                Window { start, step: ones.clone(), len }
            }
            _ => return Err(Error::internal(format!("{node} = {} has no windows", n.op))),
        };
        pieces.windows.push(Piece { operand, read, window });
    }
    Ok(pieces)
}

/// Whether operand `i` is what surrounds the windows.
fn is_around(op: &Op, i: usize) -> bool {
    matches!((op, i), (Op::SliceUpdate { .. }, 0) | (Op::Pad { .. }, 1))
}
