//! The kernels of a decoded graph: which nodes are computed together with which product, and which of them are stored.
//!
//! Decoding says which nodes *may* be stages. A node joins the kernel of one of its operands unless another operand needs
//! something that this same kernel stores: a kernel is one launch, so nothing may be both inside it and behind it. A node that cannot
//! join is an ordinary node. All results of one product end up in one kernel.

use hashbrown::HashSet;

use super::decode::Decoded;
use crate::graph::{Graph, NodeId, Op, PlannedKernel};

/// Fills in the graph's kernels.
pub(super) fn form(d: &mut Decoded) {
    let mut f = KernelFormer { graph: &d.graph, member: vec![None; d.graph.nodes.len()], kernels: Vec::new() };
    for id in d.graph.ids() {
        if d.cores.contains(&id) && matches!(d.graph.node(id).op, Op::Contract { .. }) {
            f.member[id.index()] = Some(f.kernels.len());
            f.kernels.push(PlannedKernel { core: id, stages: Vec::new(), outputs: Vec::new() });
        } else if d.stages.contains(&id)
            && let Some(k) = f.kernel_for(id)
        {
            f.member[id.index()] = Some(k);
            f.kernels[k].stages.push(id);
        }
    }
    let KernelFormer { member, mut kernels, .. } = f;
    let mut stored: HashSet<NodeId> = d.graph.roots.iter().copied().collect();
    for id in d.graph.ids() {
        for o in &d.graph.node(id).operands {
            if member[o.index()] != member[id.index()] {
                stored.insert(*o);
            }
        }
    }
    for kernel in &mut kernels {
        let members = std::iter::once(&kernel.core).chain(&kernel.stages);
        kernel.outputs = members.filter(|m| stored.contains(*m)).copied().collect();
    }
    d.graph.kernels = kernels;
}

struct KernelFormer<'a> {
    graph: &'a Graph,
    /// By node: the kernel it belongs to.
    member: Vec<Option<usize>>,
    kernels: Vec<PlannedKernel>,
}

impl KernelFormer<'_> {
    /// The kernel that a stage can join. A diagonal is taken only of a full result, and nothing follows it inside a kernel.
    fn kernel_for(&self, id: NodeId) -> Option<usize> {
        let node = self.graph.node(id);
        let full = |o: NodeId, k: usize| self.graph.node(o).shape == self.graph.node(self.kernels[k].core).shape;
        let is_view = matches!(node.op, Op::View(_));
        node.operands
            .iter()
            .filter_map(|&o| Some((o, self.member[o.index()]?)))
            .filter(|&(o, k)| full(o, k) && !self.is_diagonal(o) && (is_view || full(id, k)))
            .map(|(_, k)| k)
            .find(|&k| {
                let outside =
                    node.operands.iter().filter(|o| self.member[o.index()] != Some(k) || self.is_diagonal(**o));
                outside.copied().all(|o| !self.needs(o, k))
            })
    }

    fn is_diagonal(&self, id: NodeId) -> bool {
        self.member[id.index()].is_some() && matches!(self.graph.node(id).op, Op::View(_))
    }

    /// Whether a node needs a result of kernel `k`; another kernel needs whatever any of its stages needs.
    fn needs(&self, id: NodeId, k: usize) -> bool {
        let mut stack = vec![id];
        let mut seen = HashSet::new();
        let core = self.kernels[k].core;
        while let Some(id) = stack.pop() {
            // A node before the product in the graph cannot need it, unless its own kernel has stages behind the product.
            let last = self.member[id.index()].and_then(|j| self.kernels[j].stages.last().copied());
            if id < core && last.is_none_or(|last| last < core) || !seen.insert(id) {
                continue;
            }
            match self.member[id.index()] {
                Some(j) if j == k => return true,
                Some(j) => {
                    let kernel = &self.kernels[j];
                    stack.push(kernel.core);
                    stack.extend(&kernel.stages);
                    stack.extend(&self.graph.node(id).operands);
                }
                None => stack.extend(&self.graph.node(id).operands),
            }
        }
        false
    }
}
