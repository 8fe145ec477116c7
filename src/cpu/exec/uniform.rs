//! Uniform registers: those that hold one value for a whole group, because they depend on literals and the run's scalars only.
//!
//! The reference computes them, once a run.

use smallvec::SmallVec;

use crate::cpu::reference;
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, CastMode, UnaryOp};
use crate::schedule::{Inst, Program, Reg};
use crate::types::{DType, Scalar};

/// The values of a program's uniform registers, by their numbers among those; most programs have few.
pub(crate) type UniformValues = SmallVec<[Scalar; 4]>;

/// An instruction whose result is uniform. Operands are numbers of earlier ones.
#[derive(Debug)]
enum UniformOp {
    Literal(Scalar),
    Scalar(u32),
    Unary(UnaryOp, usize),
    Binary(BinaryOp, usize, usize),
    Select(usize, usize, usize),
    Cast(CastMode, usize),
}

#[derive(Debug)]
struct UniformInst {
    op: UniformOp,
    dtype: DType,
    reg: Reg,
}

/// The part of a program that computes its uniform registers.
#[derive(Debug)]
pub(crate) struct UniformProgram {
    insts: Vec<UniformInst>,
}

impl UniformProgram {
    /// The uniform part of a program, and the number of each of its registers among the uniform ones.
    pub(crate) fn of(program: &Program) -> (Self, Vec<Option<usize>>) {
        let mut insts = Vec::new();
        let mut number_of: Vec<Option<usize>> = Vec::with_capacity(program.insts.len());
        for (i, (inst, &dtype)) in program.insts.iter().zip(&program.dtypes).enumerate() {
            let op = uniform_op(inst, &number_of);
            number_of.push(op.map(|op| {
                insts.push(UniformInst { op, dtype, reg: Reg(i as u32) });
                insts.len() - 1
            }));
        }
        (Self { insts }, number_of)
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.insts.capacity() * size_of::<UniformInst>()
    }

    /// The values with the scalars of a run.
    ///
    /// # Errors
    /// An internal error for a scalar that is missing, and for a value of another dtype than its register.
    pub(crate) fn values(&self, scalars: &[Scalar]) -> Result<UniformValues> {
        let mut values = UniformValues::with_capacity(self.insts.len());
        for inst in &self.insts {
            let value = match inst.op {
                UniformOp::Literal(s) => s,
                UniformOp::Scalar(n) => *scalars.get(n as usize).ok_or_else(|| {
                    Error::internal(format!("expected scalar ${n} of the run, given {}", scalars.len()))
                })?,
                UniformOp::Unary(op, a) => reference::unary(op, values[a]),
                UniformOp::Binary(op, a, b) => reference::binary(op, values[a], values[b]),
                UniformOp::Select(c, a, b) => reference::select(values[c], values[a], values[b]),
                UniformOp::Cast(mode, a) => reference::cast(mode, values[a], inst.dtype),
            };
            if value.dtype() != inst.dtype {
                let (reg, expected, found) = (inst.reg, inst.dtype, value.dtype());
                return Err(Error::internal(format!("register {reg}: expected {expected}, found {found}")));
            }
            values.push(value);
        }
        Ok(values)
    }
}

/// An instruction as one of the uniform part, if its result is uniform; `number_of` covers the registers before it.
fn uniform_op(inst: &Inst, number_of: &[Option<usize>]) -> Option<UniformOp> {
    let of = |r: &Reg| number_of[r.index()];
    Some(match inst {
        Inst::Literal(s) => UniformOp::Literal(*s),
        Inst::Scalar(n) => UniformOp::Scalar(*n),
        // Tiles compute these by functions of their own, which differ from the reference in last bits: a value must not depend on
        // whether it was stored before it was used.
        Inst::Unary(op, _) if op.is_transcendental() => return None,
        Inst::Binary(op, ..) if op.is_transcendental() => return None,
        Inst::Unary(op, a) => UniformOp::Unary(*op, of(a)?),
        Inst::Binary(op, a, b) => UniformOp::Binary(*op, of(a)?, of(b)?),
        Inst::Select(c, a, b) => UniformOp::Select(of(c)?, of(a)?, of(b)?),
        Inst::Cast(mode, a) => UniformOp::Cast(*mode, of(a)?),
        _ => return None,
    })
}
