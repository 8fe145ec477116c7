//! Checks that a graph is well-formed: operands before users, shapes and dtypes as inference gives them, kernels and roots
//! that exist. Run on every planned graph in debug builds and in tests, and on every dump that is read.

use super::infer::{OperandType, infer};
use super::{Graph, NodeId, Op};
use crate::error::{Error, Result};
use crate::types::Shape;

impl Graph {
    /// Checks the graph.
    ///
    /// # Errors
    /// An internal error that names the first node that is wrong, with what was expected and found.
    pub fn verify(&self) -> Result<()> {
        for id in self.ids() {
            self.verify_node(id)?;
        }
        for r in &self.roots {
            if r.index() >= self.nodes.len() {
                return Err(Error::internal(format!("root {r} is no node of this graph")));
            }
        }
        self.verify_kernels()
    }

    fn verify_node(&self, id: NodeId) -> Result<()> {
        let node = self.node(id);
        if let Some(o) = node.operands.iter().find(|o| **o >= id) {
            return Err(Error::internal(format!("{id} = {} uses {o}, which does not come before it", node.op)));
        }
        let given: Vec<OperandType<'_>> = node.operands.iter().map(|&o| self.node(o).as_operand()).collect();
        let expected = match &node.op {
            Op::Leaf(i) => self.leaves.get(*i as usize).map(|l| (l.shape.clone(), l.dtype)),
            Op::Slot(i) => self.slots.get(*i as usize).map(|&d| (Shape::scalar(), d)),
            op => Some(infer(op, &given).map_err(|e| Error::internal(format!("{id}: {}", e.message())))?),
        };
        match expected {
            Some((shape, dtype)) if shape == node.shape && dtype == node.dtype => Ok(()),
            Some((shape, dtype)) => Err(Error::internal(format!(
                "{id} = {}: expected {dtype}{shape}, found {}{}",
                node.op, node.dtype, node.shape
            ))),
            None => Err(Error::internal(format!("{id} = {}: no such leaf or slot", node.op))),
        }
    }

    fn verify_kernels(&self) -> Result<()> {
        let mut owner = vec![None; self.nodes.len()];
        for (k, kernel) in self.kernels.iter().enumerate() {
            if !matches!(self.node(kernel.core).op, Op::Contract { .. }) {
                return Err(Error::internal(format!(
                    "kernel core {} is {}, expected a contraction",
                    kernel.core,
                    self.node(kernel.core).op
                )));
            }
            for &member in kernel.stages.iter().chain([&kernel.core]) {
                if let Some(other) = owner[member.index()].replace(k) {
                    return Err(Error::internal(format!("{member} belongs to kernels {other} and {k}")));
                }
            }
            for out in &kernel.outputs {
                if owner[out.index()] != Some(k) {
                    return Err(Error::internal(format!(
                        "kernel of {} stores {out}, which it does not compute",
                        kernel.core
                    )));
                }
            }
        }
        Ok(())
    }
}
