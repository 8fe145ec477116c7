//! Scalars known at the start of a run: literals, slots and arithmetic on them, computed by the reference in graph order.

use hashbrown::HashMap;

use crate::cpu::reference;
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, Graph, NodeId, Op};
use crate::types::{Fault, Scalar, seeded};

/// The host scalars among `wanted` and what they need, in graph order: made once for a plan.
pub(super) fn needed(graph: &Graph, wanted: impl Iterator<Item = NodeId>) -> Vec<NodeId> {
    let mut mark = vec![false; graph.nodes.len()];
    let mut stack: Vec<NodeId> = wanted.collect();
    while let Some(id) = stack.pop() {
        if !std::mem::replace(&mut mark[id.index()], true) {
            stack.extend(graph.node(id).operands.iter().copied());
        }
    }
    graph.ids().filter(|id| mark[id.index()]).collect()
}

/// The value of each of `nodes`, which must be host scalars in graph order with everything they need.
pub(super) fn evaluate(graph: &Graph, nodes: &[NodeId], slots: &[Scalar]) -> Result<HashMap<NodeId, Scalar>> {
    let mut values: HashMap<NodeId, Scalar> = HashMap::with_capacity(nodes.len());
    for &id in nodes {
        let node = graph.node(id);
        let at = |port: usize| -> Result<Scalar> {
            let operand = node.operands.get(port).and_then(|o| values.get(o));
            operand.copied().ok_or_else(|| Error::internal(format!("{id} is no scalar of the host")))
        };
        let value = match &node.op {
            Op::Literal(s) => *s,
            Op::Slot(i) => *slots.get(*i as usize).ok_or_else(|| Error::internal(format!("{id}: no such slot")))?,
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
            Op::Cast(mode) => reference::cast(*mode, at(0)?, node.dtype),
            other => return Err(Error::internal(format!("{id} = {other} is no scalar of the host"))),
        };
        values.insert(id, value);
    }
    Ok(values)
}
