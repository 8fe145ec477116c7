//! The living definition of every operation: simple scalar code that everything else is tested against.
//!
//! A node and the dense buffers of its operands come in, and the dense buffer of its result goes out. Speed is no concern here, and
//! groups, schedules and threads are unknown. Library routines ([`Op::Host`]) have one implementation, which is used here as well.

pub mod float;
pub mod fold;
pub mod integer;
pub mod moves;
pub mod random;
pub mod scalar;
pub mod sort;

pub use scalar::{binary, cast, select, unary};

use super::linalg;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Op};
use crate::types::{DType, HostBuffer, Scalar, Shape, View};

/// The result of one node, dense and row-major. Leaves and slots are not computed; [`eval_graph`] supplies them.
///
/// # Errors
/// Out of memory; what a library routine reports; an internal error when the operands are not what inference admitted.
pub fn eval(node: &Node, operands: &[(&HostBuffer, &Shape)]) -> Result<HostBuffer> {
    let operand = |i: usize| {
        operands
            .get(i)
            .copied()
            .ok_or_else(|| Error::internal(format!("{}: expected more than {i} operands", node.op.name())))
    };
    match &node.op {
        Op::Leaf(_) | Op::Slot(_) => Err(Error::internal(format!("{} is not computed", node.op))),
        Op::Literal(s) => HostBuffer::from_scalar(*s),
        Op::Iota { shape, axis, dtype } => iota(shape, *axis, *dtype),
        Op::Rng { dist, shape, dtype } => {
            let word = |i| operand(i).map(|(b, _)| b.get(0).bits() as u32);
            let (key, stream) = (word(0)?, word(1)?);
            let mut out = HostBuffer::zeros(*dtype, shape.len())?;
            for i in 0..out.len() {
                out.set(i, random::element(*dist, *dtype, key, stream, i as u64));
            }
            Ok(out)
        }
        Op::Unary(op) => each(node, operands, |x| unary(*op, x[0])),
        Op::Binary(op) => each(node, operands, |x| binary(*op, x[0], x[1])),
        Op::Select => each(node, operands, |x| select(x[0], x[1], x[2])),
        Op::Cast { to, mode } => each(node, operands, |x| cast(*mode, x[0], *to)),
        Op::View(v) => moves::view(operand(0)?.0, v),
        Op::Reduce { op, axes } => fold::reduce_array(*op, axes, operand(0)?.0, operand(0)?.1),
        Op::ArgReduce { op, axis } => fold::arg_reduce_array(*op, *axis, operand(0)?.0, operand(0)?.1),
        Op::Scan { op, axis } => fold::scan_array(*op, *axis, operand(0)?.0, operand(0)?.1),
        Op::Contract { .. } => fold::contract(operand(0)?, operand(1)?, &node.shape),
        Op::Gather { axis } => moves::gather(operand(0)?.0, operand(0)?.1, operand(1)?.0, *axis),
        Op::Scatter { axis } => moves::scatter(operand(0)?.0, operand(0)?.1, operand(1)?.0, operand(2)?.0, *axis),
        Op::SliceUpdate { start, step } => moves::slice_update(operand(0)?.0, operand(0)?.1, operand(1)?, start, step),
        Op::Concat { axis } => operand(0).and_then(|_| moves::concat(operands, *axis, &node.shape)),
        Op::Pad { before, .. } => moves::pad(operand(0)?, operand(1)?.0, before, &node.shape),
        Op::Sort { axis, descending, indices } => {
            sort::sort(operand(0)?.0, operand(0)?.1, *axis, *descending, *indices)
        }
        Op::Host { .. } => {
            linalg::run(&[node], operands)?.pop().ok_or_else(|| Error::internal("a library routine gave no result"))
        }
    }
}

/// The results of all nodes of a graph, in order.
///
/// # Errors
/// As [`eval`]; an argument error when a leaf or slot is missing.
pub fn eval_graph(graph: &Graph, leaves: &[&HostBuffer], slots: &[Scalar]) -> Result<Vec<HostBuffer>> {
    let mut values: Vec<HostBuffer> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let value = match node.op {
            Op::Leaf(i) => (*leaves.get(i as usize).ok_or_else(|| missing("leaf", i))?).clone(),
            Op::Slot(i) => HostBuffer::from_scalar(*slots.get(i as usize).ok_or_else(|| missing("slot", i))?)?,
            _ => {
                let operands: Vec<(&HostBuffer, &Shape)> =
                    node.operands.iter().map(|&o| (&values[o.index()], &graph.node(o).shape)).collect();
                eval(node, &operands)?
            }
        };
        values.push(value);
    }
    Ok(values)
}

fn missing(what: &str, i: u32) -> Error {
    Error::argument(format!("expected a value for {what} {i}, given none"))
}

/// An elementwise function under broadcasting.
fn each(node: &Node, operands: &[(&HostBuffer, &Shape)], f: impl Fn(&[Scalar]) -> Scalar) -> Result<HostBuffer> {
    let mut out = HostBuffer::zeros(node.dtype, node.shape.len())?;
    let views: Vec<View> =
        operands.iter().map(|(_, s)| View::dense(s).broadcast_to(&node.shape)).collect::<Result<_>>()?;
    let mut places: Vec<_> = views.iter().map(moves::positions).collect();
    let mut elements: Vec<Scalar> = Vec::with_capacity(operands.len());
    for i in 0..out.len() {
        elements.clear();
        // Every broadcast operand has as many places as the result has elements.
        elements.extend(places.iter_mut().zip(operands).map(|(p, (b, _))| b.get(p.next().unwrap_or(0))));
        out.set(i, f(&elements));
    }
    Ok(out)
}

fn iota(shape: &Shape, axis: usize, dtype: DType) -> Result<HostBuffer> {
    let mut out = HostBuffer::zeros(dtype, shape.len())?;
    let inner: usize = shape[axis + 1..].iter().product();
    for i in 0..out.len() {
        let coordinate = Scalar::from_i64(DType::I64, (i / inner % shape[axis]) as i64);
        out.set(i, cast(crate::graph::CastMode::Wrap, coordinate, dtype));
    }
    Ok(out)
}
