//! Scalars known at the start of a run: literals, slots and arithmetic on them, computed by the reference in graph order.

use smallvec::SmallVec;

use crate::cpu::reference;
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, Graph, NodeId, Op};
use crate::types::{Fault, Scalar, seeded};

/// The host scalars that a plan needs, in graph order: made once for a plan.
#[derive(Debug, Default)]
pub(super) struct HostScalars {
    steps: Vec<ScalarStep>,
    /// Which of the steps give the schedule's scalars.
    scheduled: Vec<u32>,
}

#[derive(Debug)]
struct ScalarStep {
    node: NodeId,
    /// The steps that give the operands.
    operands: SmallVec<[u32; 3]>,
}

/// The values of a run's scalars.
pub(super) struct Values(SmallVec<[Scalar; 8]>);

impl HostScalars {
    /// What the scalars of a schedule need. A scalar that no step could give is an error here rather than in a run.
    pub(super) fn new(graph: &Graph, scheduled: &[NodeId]) -> Result<Self> {
        if scheduled.is_empty() {
            return Ok(Self::default());
        }
        let mut mark = vec![false; graph.nodes.len()];
        let mut stack: Vec<NodeId> = scheduled.to_vec();
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut mark[id.index()], true) {
                stack.extend(graph.node(id).operands.iter().copied());
            }
        }
        let mut place = vec![u32::MAX; graph.nodes.len()];
        let mut steps: Vec<ScalarStep> = Vec::new();
        for id in graph.ids().filter(|id| mark[id.index()]) {
            let node = graph.node(id);
            let known = matches!(node.op, Op::Literal(_) | Op::Slot(_)) || node.op.is_elementwise();
            if !known {
                return Err(Error::internal(format!("{id} = {} is no scalar of the host", node.op)));
            }
            place[id.index()] = steps.len() as u32;
            steps.push(ScalarStep { node: id, operands: node.operands.iter().map(|o| place[o.index()]).collect() });
        }
        Ok(Self { steps, scheduled: scheduled.iter().map(|id| place[id.index()]).collect() })
    }

    /// The values of all of them.
    ///
    /// # Errors
    /// An internal error when there are fewer slots than the graph names.
    pub(super) fn evaluate(&self, graph: &Graph, slots: &[Scalar]) -> Result<Values> {
        let mut values: SmallVec<[Scalar; 8]> = SmallVec::with_capacity(self.steps.len());
        for step in &self.steps {
            let node = graph.node(step.node);
            let at = |port: usize| -> Result<Scalar> {
                let operand = step.operands.get(port).and_then(|&o| values.get(o as usize));
                operand.copied().ok_or_else(|| Error::internal(format!("{} lacks an operand", step.node)))
            };
            let value = match &node.op {
                Op::Literal(s) => *s,
                Op::Slot(i) => {
                    *slots.get(*i as usize).ok_or_else(|| Error::internal(format!("{}: no such slot", step.node)))?
                }
                Op::Unary(op) => reference::unary(*op, at(0)?),
                Op::Binary(op) => {
                    let (x, y) = (at(0)?, at(1)?);
                    let exchanged = seeded(Fault::HostScalars) && matches!(op, BinaryOp::Sub | BinaryOp::Div);
                    if exchanged { reference::binary(*op, y, x) } else { reference::binary(*op, x, y) }
                }
                Op::Select => {
                    if at(0)?.bits() != 0 {
                        at(1)?
                    } else {
                        at(2)?
                    }
                }
                Op::Cast { to, mode } => reference::cast(*mode, at(0)?, *to),
                other => return Err(Error::internal(format!("{} = {other} is no scalar of the host", step.node))),
            };
            values.push(value);
        }
        Ok(Values(values))
    }

    /// The schedule's scalars among the values, in its order.
    pub(super) fn scheduled(&self, values: &Values) -> SmallVec<[Scalar; 8]> {
        self.scheduled.iter().map(|&i| values.0[i as usize]).collect()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.steps.capacity() * size_of::<ScalarStep>() + self.scheduled.capacity() * size_of::<u32>()
    }
}
