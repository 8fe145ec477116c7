//! The data of a case, and what every node of a graph is for them: as the dtypes say, and in f64.

use crate::cpu::reference::eval_graph;
use crate::error::Result;
use crate::graph::{Graph, Op};
use crate::types::{DType, HostBuffer, Scalar};

/// Data for a case: its leaves and slots, in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct CaseData {
    /// One buffer for each leaf.
    pub leaves: Vec<HostBuffer>,
    /// One value for each slot.
    pub slots: Vec<Scalar>,
}

/// The value of every node; nothing in a build without the library routine that a node needs.
///
/// # Errors
/// What the reference says of an ill-formed graph.
pub(super) fn evaluate(graph: &Graph, data: &CaseData) -> Result<Option<Vec<HostBuffer>>> {
    let leaves: Vec<&HostBuffer> = data.leaves.iter().collect();
    match eval_graph(graph, &leaves, &data.slots) {
        Ok(values) => Ok(Some(values)),
        Err(e) if e.is_unsupported() => Ok(None),
        Err(e) => Err(e),
    }
}

/// The same graph in f64, which stands for the truth beside narrower floats.
pub(super) fn wider(graph: &Graph, data: &CaseData) -> Option<Vec<HostBuffer>> {
    let up = |s: Scalar| if s.dtype().is_float() { Scalar::from_f64(DType::F64, s.to_f64()) } else { s };
    let mut g = graph.clone();
    for node in &mut g.nodes {
        if node.dtype.is_float() {
            node.dtype = DType::F64;
        }
        if let Op::Literal(s) = &mut node.op {
            *s = up(*s);
        }
    }
    let mut wide: Vec<HostBuffer> = Vec::with_capacity(data.leaves.len());
    for b in &data.leaves {
        let dtype = if b.dtype().is_float() { DType::F64 } else { b.dtype() };
        let mut out = HostBuffer::zeros(dtype, b.len()).ok()?;
        (0..b.len()).for_each(|i| out.set(i, up(b.get(i))));
        wide.push(out);
    }
    let slots = data.slots.iter().map(|&s| up(s)).collect();
    evaluate(&g, &CaseData { leaves: wide, slots }).ok()?
}
