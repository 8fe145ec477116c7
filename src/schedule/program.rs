//! The scalar program of a group: SSA over one element of a domain.
//!
//! Loads are views over the domain, so any broadcast, transpose, slice or flip costs nothing but index arithmetic. The same
//! program is printed in dumps, becomes WGSL in `kernels`, and is interpreted over tiles in `cpu`.

use std::fmt;

use smallvec::SmallVec;

use super::value::ValueId;
use crate::graph::{ArgOp, BinaryOp, CastMode, ReduceOp, RngDist, UnaryOp};
use crate::types::{DType, Scalar, View};

/// The number of an instruction, whose result it names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reg(pub u32);

impl Reg {
    /// As an index into the program's instructions.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A read of a stored value. `view` has exactly the shape of the domain (stride 0 where the value broadcasts) and is relative
/// to the value's dense storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// What is read.
    pub value: ValueId,
    /// Its dtype.
    pub dtype: DType,
    /// How the domain's coordinates become its elements. For a load with a window the view has the *window's* shape, and
    /// window coordinates are applied to it.
    pub view: View,
}

/// A box of the domain: on axis `i` the coordinates `start[i] + step[i]·j` with `0 ≤ j < len[i]`; `j` are the window coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// First coordinate on each axis (never negative).
    pub start: SmallVec<[i64; 6]>,
    /// Distance between coordinates, at least 1.
    pub step: SmallVec<[i64; 6]>,
    /// How many.
    pub len: SmallVec<[i64; 6]>,
}

/// An index expression: the view applied to the domain's coordinates. Iota and random elements are functions of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Coord {
    /// A view of the domain's shape; offset + Σ stride·coordinate is the value (never negative, below 2³² on a GPU).
    pub view: View,
}

/// One instruction. Operands are earlier registers.
#[derive(Clone, Debug, PartialEq)]
pub enum Inst {
    /// Element of `loads[i]` at the domain's coordinates.
    Load(u32),
    /// Element of `loads[load]` at the window coordinates where the domain's coordinates are inside `window`, else `otherwise`.
    /// The load may not be touched outside the window.
    Window {
        /// Which load.
        load: u32,
        /// Where it is defined.
        window: Window,
        /// The value elsewhere.
        otherwise: Reg,
    },
    /// Element of `loads[load]` at the domain's coordinates plus `stride · clamp(index, 0, extent−1)` elements.
    Gather {
        /// Which load; its view has stride 0 along the gathered axis.
        load: u32,
        /// An i32 register.
        index: Reg,
        /// Elements between neighbours along the gathered axis.
        stride: i64,
        /// Extent of the gathered axis of the value.
        extent: i64,
    },
    /// A constant of the plan.
    Literal(Scalar),
    /// The run's scalar number `scalars[i]` of the schedule.
    Scalar(u32),
    /// The linear coordinate by a view (an index, see [`Coord`]) converted to the instruction's dtype.
    Index(Coord),
    /// A random element: `index` gives the element's number.
    Rng {
        /// Distribution.
        dist: RngDist,
        /// Key, a u32 register.
        key: Reg,
        /// Stream, a u32 register.
        stream: Reg,
        /// Number of the element.
        index: Coord,
    },
    /// Elementwise function.
    Unary(UnaryOp, Reg),
    /// Elementwise function of two registers of one dtype.
    Binary(BinaryOp, Reg, Reg),
    /// First register (bool) chooses the second or the third.
    Select(Reg, Reg, Reg),
    /// Conversion to the instruction's dtype.
    Cast(CastMode, Reg),
    /// In a rows group: fold of an inner register over the row. The result is the same for the whole row.
    Reduce(ReduceOp, Reg),
    /// In a rows group: position (i32) along the row, which spans one axis.
    ArgReduce(ArgOp, Reg),
    /// In the epilogue of a contraction: the accumulated element.
    Acc,
    /// In a scan group: the running fold of the register along the scan axis up to here. At most one per program.
    Scan(Reg),
}

impl Inst {
    /// The registers that the instruction reads, to be changed.
    pub(crate) fn operands_mut(&mut self) -> SmallVec<[&mut Reg; 3]> {
        let mut operands = SmallVec::new();
        match self {
            Self::Load(_) | Self::Literal(_) | Self::Scalar(_) | Self::Index(_) | Self::Acc => {}
            Self::Window { otherwise: a, .. }
            | Self::Gather { index: a, .. }
            | Self::Unary(_, a)
            | Self::Cast(_, a)
            | Self::Reduce(_, a)
            | Self::ArgReduce(_, a)
            | Self::Scan(a) => operands.push(a),
            Self::Rng { key: a, stream: b, .. } | Self::Binary(_, a, b) => operands.extend([a, b]),
            Self::Select(a, b, c) => operands.extend([a, b, c]),
        }
        operands
    }
}

/// Whether a register varies along the reduced axes of a rows group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One value for a whole row.
    Row,
    /// One value for each element.
    Inner,
}

/// A scalar program: instructions in order with their dtypes, and the loads they name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// The instructions; instruction `i` defines register `i`.
    pub insts: Vec<Inst>,
    /// The dtype of each register.
    pub dtypes: Vec<DType>,
    /// What is read.
    pub loads: Vec<Load>,
}

impl Program {
    /// Appends an instruction.
    pub fn push(&mut self, inst: Inst, dtype: DType) -> Reg {
        self.insts.push(inst);
        self.dtypes.push(dtype);
        Reg(self.insts.len() as u32 - 1)
    }

    /// Bytes of memory the program holds on to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.insts.capacity() * size_of::<Inst>()
            + self.dtypes.capacity() * size_of::<DType>()
            + self.loads.capacity() * size_of::<Load>()
    }

    /// The dtype of a register.
    #[must_use]
    pub fn dtype(&self, reg: Reg) -> DType {
        self.dtypes[reg.index()]
    }

    /// The registers an instruction reads.
    #[must_use]
    pub fn operands(inst: &Inst) -> SmallVec<[Reg; 3]> {
        match inst {
            Inst::Load(_) | Inst::Literal(_) | Inst::Scalar(_) | Inst::Index(_) | Inst::Acc => SmallVec::new(),
            Inst::Window { otherwise: r, .. }
            | Inst::Gather { index: r, .. }
            | Inst::Unary(_, r)
            | Inst::Cast(_, r)
            | Inst::Reduce(_, r)
            | Inst::ArgReduce(_, r)
            | Inst::Scan(r) => SmallVec::from_slice(&[*r]),
            Inst::Rng { key, stream, .. } => SmallVec::from_slice(&[*key, *stream]),
            Inst::Binary(_, a, b) => SmallVec::from_slice(&[*a, *b]),
            Inst::Select(c, a, b) => SmallVec::from_slice(&[*c, *a, *b]),
        }
    }

    /// Whether each register is one value for a whole row when `axes` are reduced.
    #[must_use]
    pub fn levels(&self, axes: &[usize]) -> Vec<Level> {
        let constant = |view: &View| axes.iter().all(|&a| view.strides()[a] == 0 || view.shape()[a] == 1);
        let mut levels: Vec<Level> = Vec::with_capacity(self.insts.len());
        for inst in &self.insts {
            let own = match inst {
                Inst::Reduce(..) | Inst::ArgReduce(..) | Inst::Literal(_) | Inst::Scalar(_) => Level::Row,
                Inst::Load(i) | Inst::Gather { load: i, .. } => {
                    if constant(&self.loads[*i as usize].view) {
                        Level::Row
                    } else {
                        Level::Inner
                    }
                }
                Inst::Index(c) | Inst::Rng { index: c, .. } => {
                    if constant(&c.view) {
                        Level::Row
                    } else {
                        Level::Inner
                    }
                }
                Inst::Window { .. } | Inst::Acc | Inst::Scan(_) => Level::Inner,
                Inst::Unary(..) | Inst::Binary(..) | Inst::Select(..) | Inst::Cast(..) => Level::Row,
            };
            let reduces = matches!(inst, Inst::Reduce(..) | Inst::ArgReduce(..));
            let level = if reduces {
                Level::Row
            } else {
                Self::operands(inst).iter().map(|r| levels[r.index()]).fold(own, Level::max)
            };
            levels.push(level);
        }
        levels
    }
}

impl fmt::Display for Program {
    /// One line for each instruction, as dumps show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = |i: u32| {
            let l = &self.loads[i as usize];
            format!("{}[{}]", l.value, l.view)
        };
        for (i, inst) in self.insts.iter().enumerate() {
            write!(f, "r{i} = ")?;
            match inst {
                Inst::Load(l) => write!(f, "load {}", load(*l))?,
                Inst::Window { load: l, window, otherwise } => write!(
                    f,
                    "load {} inside {:?} step {:?} len {:?} else {otherwise}",
                    load(*l),
                    window.start.as_slice(),
                    window.step.as_slice(),
                    window.len.as_slice()
                )?,
                Inst::Gather { load: l, index, stride, extent } => {
                    write!(f, "gather {} at {index} stride {stride} extent {extent}", load(*l))?;
                }
                Inst::Literal(s) => write!(f, "{s}")?,
                Inst::Scalar(s) => write!(f, "scalar ${s}")?,
                Inst::Index(c) => write!(f, "index {}", c.view)?,
                Inst::Rng { dist, key, stream, index } => write!(f, "rng {dist:?} {key} {stream} at {}", index.view)?,
                Inst::Unary(UnaryOp::Powi(n), a) => write!(f, "powi {a} {n}")?,
                Inst::Unary(op, a) => write!(f, "{} {a}", op.name())?,
                Inst::Binary(op, a, b) => write!(f, "{} {a} {b}", op.name())?,
                Inst::Select(c, a, b) => write!(f, "select {c} {a} {b}")?,
                Inst::Cast(mode, a) => {
                    write!(f, "{} {a}", if *mode == CastMode::Wrap { "cast" } else { "cast_round_saturate" })?
                }
                Inst::Reduce(op, a) => write!(f, "reduce {} {a}", op.name())?,
                Inst::ArgReduce(op, a) => write!(f, "reduce {} {a}", op.name())?,
                Inst::Acc => f.write_str("accumulator")?,
                Inst::Scan(a) => write!(f, "scan {a}")?,
            }
            writeln!(f, " : {}", self.dtypes[i])?;
        }
        Ok(())
    }
}
