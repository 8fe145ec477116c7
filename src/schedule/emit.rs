//! Writing the program of a formed group: from each output down to loads, every read once.
//!
//! The reads are those by which the group formed, so nothing is decided here. Recursion is bounded by the group's caps.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::analyse::{Role, canonical};
use super::build::{Forming, FormingCore, Section};
use super::program::{Coord, Inst, Load, Program, Reg, Window};
use super::reads::{Analysed, Read, snapped};
use super::steps::{Store, StoreShape};
use super::value::ValueId;
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, NodeId, Op};
use crate::types::{DType, Scalar, Shape, View};

/// Where nodes lie and which scalars programs name.
pub(super) struct Names<'a> {
    pub input: Analysed<'a>,
    /// The value of each stored node.
    pub values: &'a [Option<ValueId>],
    /// The planned kernel of each node.
    pub kernel_of: &'a [Option<u32>],
    pub scalars: &'a mut Vec<NodeId>,
    pub scalar_of: &'a mut HashMap<NodeId, u32>,
}

/// A program being written.
struct Writer<'a, 'n> {
    names: &'a mut Names<'n>,
    group: &'a Forming,
    section: Section,
    domain: Shape,
    program: Program,
    done: HashMap<(NodeId, View), Reg>,
    loads: HashMap<(ValueId, View), u32>,
    scalars: HashMap<NodeId, Reg>,
}

/// The body of a group and its stores.
pub(super) fn body(names: &mut Names<'_>, group: &Forming) -> Result<(Program, Vec<Store>)> {
    let mut writer = Writer::new(names, group, Section::Body);
    let mut stores = Vec::new();
    for &node in &group.outputs {
        let graph = writer.names.input.graph;
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
pub(super) fn operand(names: &mut Names<'_>, group: &Forming, core: NodeId, section: Section) -> Result<Program> {
    let reads = names.input.product_reads(core, &group.domain_of(Section::Left), &group.domain_of(Section::Right));
    let reads = reads.map_err(Error::internal)?;
    let mut writer = Writer::new(names, group, section);
    for r in reads.into_iter().filter(|r| r.section == section) {
        writer.node(r.node, &r.view)?;
    }
    Ok(writer.program)
}

impl<'a, 'n> Writer<'a, 'n> {
    fn new(names: &'a mut Names<'n>, group: &'a Forming, section: Section) -> Self {
        Self {
            names,
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
        self.names.values[node.index()]
            .ok_or_else(|| Error::internal(format!("{node} is read from memory and never stored")))
    }

    /// The register of `node` read through a canonical view.
    fn node(&mut self, node: NodeId, view: &View) -> Result<Reg> {
        let key = (node, view.clone());
        if let Some(&reg) = self.done.get(&key) {
            return Ok(reg);
        }
        let facts = self.names.input.facts;
        let reg = match facts.role(node) {
            Role::Scalar => self.scalar(node),
            Role::Constant => self.literal(facts.constant[node.index()].unwrap_or(Scalar::from_f64(DType::F32, 0.0))),
            _ if self.group.is_fused(node, self.section, view) => self.inside(node, view)?,
            _ => {
                let value = self.value(node)?;
                let load = self.load(value, node, view.clone());
                let dtype = self.names.input.graph.node(node).dtype;
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
        let dtype = self.names.input.graph.node(node).dtype;
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
        let graph = self.names.input.graph;
        if let Some(s) = graph.literal(node) {
            return self.literal(s);
        }
        if let Some(&reg) = self.scalars.get(&node) {
            return reg;
        }
        let names = &mut *self.names;
        let scalars = &mut *names.scalars;
        let number = *names.scalar_of.entry(node).or_insert_with(|| {
            scalars.push(node);
            scalars.len() as u32 - 1
        });
        let reg = self.program.push(Inst::Scalar(number), graph.node(node).dtype);
        self.scalars.insert(node, reg);
        reg
    }

    /// A node computed in place.
    fn inside(&mut self, node: NodeId, view: &View) -> Result<Reg> {
        let input = self.names.input;
        let n = input.graph.node(node);
        let role = input.facts.role(node);
        if role == Role::Product {
            return Ok(self.program.push(Inst::Acc, n.dtype));
        }
        let reads = input
            .reads(node, self.section, view, &self.domain)
            .map_err(|why| Error::internal(format!("{node} = {}: {why}", n.op)))?;
        if role == Role::Windows {
            return self.pieces(node, &reads);
        }
        if role == Role::Gather {
            return self.gather(node, &reads);
        }
        let kernel_of = self.names.kernel_of;
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
        let input = self.names.input;
        let n = input.graph.node(node);
        let Op::Gather { axis } = n.op else { return Err(Error::internal(format!("{node} is no gather"))) };
        let (base, view) = input.stored_base(n.operands[0]);
        let (extent, stride) = (view.shape()[axis] as i64, view.strides()[axis]);
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_slice(view.strides());
        strides[axis] = 0;
        let view = View::from_parts(n.shape.clone(), &strides, view.offset())?;
        let index = self.read(&reads[1])?;
        let value = self.value(base)?;
        let load = self.load(value, base, view);
        Ok(self.program.push(Inst::Gather { load, index, stride, extent }, n.dtype))
    }

    /// Windows over what surrounds them, the last on top.
    fn pieces(&mut self, node: NodeId, reads: &[Read]) -> Result<Reg> {
        let input = self.names.input;
        let n = input.graph.node(node);
        let rank = n.shape.rank();
        let mut reads = reads.iter();
        let mut under: Option<Reg> = None;
        let ones: SmallVec<[i64; 6]> = SmallVec::from_elem(1, rank);
        let place = |dims: &[usize]| -> SmallVec<[i64; 6]> { dims.iter().map(|&d| d as i64).collect() };
        let mut windows: Vec<(NodeId, &Read, Window)> = Vec::new();
        let mut offset = 0;
        for (i, &o) in n.operands.iter().enumerate() {
            let shape = &input.graph.node(o).shape;
            if shape.is_empty() {
                continue;
            }
            let missing = || Error::internal(format!("{node}: fewer reads than pieces"));
            let r = reads.next().ok_or_else(missing)?;
            let len = place(shape);
            let window = match &n.op {
                Op::SliceUpdate { .. } | Op::Pad { .. } if is_around(&n.op, i) => {
                    under = Some(self.read(r)?);
                    continue;
                }
                Op::SliceUpdate { start, step } => Window { start: place(start), step: place(step), len },
                Op::Pad { before, .. } => Window { start: place(before), step: ones.clone(), len },
                Op::Concat { axis } => {
                    let mut start: SmallVec<[i64; 6]> = SmallVec::from_elem(0, rank);
                    start[*axis] = offset;
                    offset += len[*axis];
                    Window { start, step: ones.clone(), len }
                }
                _ => return Err(Error::internal(format!("{node} = {} has no windows", n.op))),
            };
            windows.push((o, r, window));
        }
        for (o, r, window) in windows {
            let otherwise = match under {
                Some(reg) => reg,
                // Windows that cover everything have nothing under them; any value will do.
                None if !r.stored => {
                    under = Some(self.read(r)?);
                    continue;
                }
                None => self.literal(Scalar::from_f64(n.dtype, 0.0)),
            };
            under = Some(if r.stored {
                let (base, view) = input.stored_base(o);
                let value = self.value(base)?;
                let load = self.load(value, base, view);
                self.program.push(Inst::Window { load, window, otherwise }, n.dtype)
            } else {
                let element = self.read(r)?;
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
        let mut all: Option<Reg> = None;
        for axis in 0..window.len.len() {
            let (start, step, len) = (window.start[axis], window.step[axis], window.len[axis]);
            let extent = self.domain[axis] as i64;
            let last = start + step * (len - 1);
            let strides: Vec<i64> = (0..self.domain.rank()).map(|a| i64::from(a == axis)).collect();
            let Ok(view) = View::from_parts(self.domain.clone(), &strides, 0) else { continue };
            let view = canonical(&view);
            let mut tests: SmallVec<[(BinaryOp, i64); 2]> = SmallVec::new();
            if start > 0 {
                tests.push((BinaryOp::Ge, start));
            }
            if last < extent - 1 {
                tests.push((BinaryOp::Le, last));
            }
            let strided = step > 1 && len > 1;
            if tests.is_empty() && !strided {
                continue;
            }
            let dtype = if extent > i64::from(i32::MAX) { DType::I64 } else { DType::I32 };
            let index = self.program.push(Inst::Index(Coord { view }), dtype);
            let mut and = |program: &mut Program, test: Reg| {
                all = Some(match all {
                    Some(a) => program.push(Inst::Binary(BinaryOp::And, a, test), DType::Bool),
                    None => test,
                });
            };
            for (op, bound) in tests {
                let bound = self.literal(Scalar::from_i64(dtype, bound));
                let test = self.program.push(Inst::Binary(op, index, bound), DType::Bool);
                and(&mut self.program, test);
            }
            if strided {
                let (from, by) =
                    (self.literal(Scalar::from_i64(dtype, start)), self.literal(Scalar::from_i64(dtype, step)));
                let zero = self.literal(Scalar::from_i64(dtype, 0));
                let shifted = self.program.push(Inst::Binary(BinaryOp::Sub, index, from), dtype);
                let rest = self.program.push(Inst::Binary(BinaryOp::Mod, shifted, by), dtype);
                let test = self.program.push(Inst::Binary(BinaryOp::Eq, rest, zero), DType::Bool);
                and(&mut self.program, test);
            }
        }
        all
    }
}

/// Whether operand `i` is what surrounds the windows.
fn is_around(op: &Op, i: usize) -> bool {
    matches!((op, i), (Op::SliceUpdate { .. }, 0) | (Op::Pad { .. }, 1))
}
