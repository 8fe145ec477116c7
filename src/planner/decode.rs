//! Chosen terms as a graph again: views composed, equal nodes merged, dead ones left out.

use egg::Id;
use hashbrown::{HashMap, HashSet};

use super::encode::Encoded;
use super::extract::Choice;
use super::facts::{Facts, Terms};
use super::language::{ENode, EOp};
use super::saturate::Applied;
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId, Op, Operands};
use crate::types::View;

/// A graph with what the kernels are made from and who asked for what.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoded {
    pub(super) graph: Graph,
    /// Products that begin a kernel.
    pub(super) cores: HashSet<NodeId>,
    /// Nodes that the plan computes inside a kernel.
    pub(super) stages: HashSet<NodeId>,
    /// Rule indices and the nodes that stand where their right sides were chosen.
    pub(super) fired: Vec<(usize, NodeId)>,
    /// For every node of the input the node that computes an equal value, if there is one.
    pub(super) image: Vec<Option<NodeId>>,
}

impl Decoded {
    /// A graph as it is.
    pub(super) fn unchanged(graph: &Graph) -> Self {
        Self { graph: graph.clone(), image: graph.ids().map(Some).collect(), ..Self::default() }
    }
}

/// Makes the graph of a choice.
///
/// # Errors
/// An internal error when a chosen term has no graph form: the caller falls back.
pub(super) fn decode(input: &Graph, encoded: &Encoded, choice: &Choice, applied: &[Applied]) -> Result<Decoded> {
    decode_as(input, encoded, choice, applied, true)
}

/// As [`decode`]; both sides of a rule are kept apart even where they differ in a promise only.
pub(super) fn decode_apart(input: &Graph, encoded: &Encoded, choice: &Choice) -> Result<Decoded> {
    decode_as(input, encoded, choice, &[], false)
}

fn decode_as(
    input: &Graph,
    encoded: &Encoded,
    choice: &Choice,
    applied: &[Applied],
    join_symmetric: bool,
) -> Result<Decoded> {
    let mut d = Decoder {
        encoded,
        choice,
        memo: HashMap::new(),
        of_class: HashMap::new(),
        out: Decoded {
            graph: Graph { leaves: input.leaves.clone(), slots: input.slots.clone(), ..Graph::default() },
            ..Decoded::default()
        },
        pinned: HashSet::new(),
        by_term: HashMap::new(),
        before: Vec::new(),
        collapsed: HashMap::new(),
        applied,
        originals: HashSet::new(),
        join_symmetric,
    };
    d.provenance(applied);
    for root in &input.roots {
        let id = d.class(encoded.of_node[root.index()])?;
        d.out.graph.roots.push(id);
    }
    let mut guards: Vec<Id> = applied.iter().flat_map(|a| &a.guards).map(|&g| encoded.terms.find(g)).collect();
    guards.sort_unstable();
    guards.dedup();
    for g in guards {
        let id = d.class(g)?;
        d.out.graph.guards.push(id);
    }
    let known = d.out.graph.host_scalars();
    if d.out.graph.guards.iter().any(|g| !known[g.index()]) {
        return Err(Error::internal("a guarded scalar is not known to the host"));
    }
    d.out.fired.sort_unstable();
    d.out.fired.dedup();
    let inside = d.inside();
    d.out.image = encoded.of_node.iter().map(|&id| d.computed(&inside, id)).collect();
    Ok(prune(d.out))
}

/// The class of a kernel's result as an array, whether or not any term of it is left.
pub(super) fn stored(terms: &Terms, kernel: Id) -> Option<Id> {
    let is_kernel = terms[kernel].data.is_kernel();
    is_kernel.then(|| terms.lookup(ENode::new(EOp::Run, [kernel]))).flatten()
}

struct Decoder<'a> {
    encoded: &'a Encoded,
    choice: &'a Choice,
    memo: HashMap<(Op, Operands), NodeId>,
    of_class: HashMap<Id, NodeId>,
    out: Decoded,
    /// Views that belong to a kernel: views over them do not read past them.
    pinned: HashSet<NodeId>,
    /// The application that brought a term which the input does not have.
    by_term: HashMap<ENode, usize>,
    /// For each application, the one that brought the term it matched.
    before: Vec<Option<usize>>,
    /// Applications that found a class equal to one of its own operands or to another term that was there.
    collapsed: HashMap<Id, Vec<(usize, ENode)>>,
    applied: &'a [Applied],
    originals: HashSet<ENode>,
    /// Whether a product asked for both with and without the promise of symmetry is one product, with it.
    join_symmetric: bool,
}

impl Decoder<'_> {
    fn canonical(&self, node: &ENode) -> ENode {
        let mut node = node.clone();
        for c in &mut node.children {
            *c = self.encoded.terms.find(*c);
        }
        node.order();
        node
    }

    fn provenance(&mut self, applied: &[Applied]) {
        let originals: HashSet<ENode> = self.encoded.originals.iter().map(|n| self.canonical(n)).collect();
        for (i, a) in applied.iter().enumerate() {
            let left = self.canonical(&a.left);
            self.before.push(if originals.contains(&left) { None } else { self.by_term.get(&left).copied() });
            for node in &a.fresh {
                let node = self.canonical(node);
                if !originals.contains(&node) && !node.op.is_attribute() {
                    self.by_term.entry(node).or_insert(i);
                }
            }
            if a.fresh.is_empty() {
                let class = self.encoded.terms.find(a.class);
                self.collapsed.entry(class).or_default().push((i, left));
            }
        }
        self.originals = originals;
    }

    /// The rules that led to a chosen term: the one that brought it, those that brought what that one matched, and those that
    /// made a new term's operands equal to simpler ones.
    fn credit(&mut self, id: Id, node: &ENode, n: NodeId) {
        let mut steps: Vec<(usize, NodeId)> = Vec::new();
        if let Some(&i) = self.by_term.get(node) {
            steps.push((i, n));
            let operands = node.operands().iter().map(|&c| self.encoded.terms.find(c));
            for (c, at) in operands.map(|c| (c, self.of_class[&c])).chain([(id, n)]) {
                for (i, left) in self.collapsed.get(&c).into_iter().flatten() {
                    if !self.originals.contains(left) {
                        steps.push((*i, at));
                        steps.extend(self.by_term.get(left).map(|&j| (j, at)));
                    }
                }
            }
        }
        let mut fired = Vec::new();
        let mut seen = HashSet::new();
        while let Some((i, at)) = steps.pop() {
            if seen.insert((i, at)) {
                fired.push((self.applied[i].rule, at));
                steps.extend(self.before[i].map(|b| (b, at)));
            }
        }
        for (i, left) in self.collapsed.get(&id).into_iter().flatten() {
            if left != node && self.originals.contains(left) {
                fired.push((self.applied[*i].rule, n));
            }
        }
        self.out.fired.extend(fired);
    }

    /// The node of a class, emitting what it needs first. An explicit stack: graphs may be a million nodes deep.
    fn class(&mut self, id: Id) -> Result<NodeId> {
        let root = self.encoded.terms.find(id);
        let mut stack = vec![root];
        while let Some(&id) = stack.last() {
            if self.of_class.contains_key(&id) {
                stack.pop();
                continue;
            }
            let node = self
                .choice
                .of(&self.encoded.terms, id)
                .ok_or_else(|| Error::internal("a class without a chosen term"))?
                .clone();
            let open: Vec<Id> = node
                .operands()
                .iter()
                .map(|&c| self.encoded.terms.find(c))
                .filter(|c| !self.of_class.contains_key(c))
                .collect();
            if open.is_empty() {
                let n = self.term(id, &node)?;
                self.of_class.insert(id, n);
                stack.pop();
            } else {
                stack.extend(open.into_iter().rev());
            }
        }
        Ok(self.of_class[&root])
    }

    /// By class of a stored result: the node that holds it in the registers of a kernel.
    fn inside(&self) -> HashMap<Id, NodeId> {
        let terms = &self.encoded.terms;
        self.of_class.iter().filter_map(|(&id, &n)| Some((stored(terms, id)?, n))).collect()
    }

    /// The node that computes a class, if the choice needed it: as an array, or `inside` a kernel.
    fn computed(&self, inside: &HashMap<Id, NodeId>, id: Id) -> Option<NodeId> {
        let id = self.encoded.terms.find(id);
        self.of_class.get(&id).or_else(|| inside.get(&id)).copied()
    }

    fn term(&mut self, id: Id, node: &ENode) -> Result<NodeId> {
        let terms = &self.encoded.terms;
        let operands: Vec<NodeId> = node.operands().iter().map(|&c| self.of_class[&terms.find(c)]).collect();
        let facts: Vec<&Facts> = node.operands().iter().map(|&c| &terms[c].data).collect();
        let attribute = node.children.get(operands.len()).and_then(|&c| terms[c].nodes.first()).map(|n| &n.op);
        let n = match &node.op {
            EOp::Run => operands[0],
            EOp::RunDiag => {
                let view = View::dense(&facts[0].shape).diagonal()?;
                let n = self.add(Op::View(view), &operands)?;
                self.out.stages.insert(n);
                self.pinned.insert(n);
                n
            }
            op if op.is_view() => {
                let view = terms
                    .analysis
                    .view_of(op, &facts[0].shape, attribute)
                    .ok_or_else(|| Error::internal("a view that does not fit its operand"))?;
                self.view(view, operands[0])?
            }
            op => {
                let graph_op = terms
                    .analysis
                    .graph_op(op, &facts, attribute)
                    .ok_or_else(|| Error::internal(format!("{op:?} has no form in a graph")))?;
                self.add(graph_op, &operands)?
            }
        };
        if matches!(node.op, EOp::Gemm | EOp::Syrk) {
            self.out.cores.insert(n);
        } else if node.op.is_elementwise() && terms[id].data.is_kernel() {
            self.out.stages.insert(n);
        }
        self.credit(id, node, n);
        Ok(n)
    }

    fn view(&mut self, view: View, operand: NodeId) -> Result<NodeId> {
        if view.is_identity(&self.out.graph.node(operand).shape) {
            return Ok(operand);
        }
        let below = self.out.graph.node(operand);
        if let Op::View(inner) = &below.op
            && !self.pinned.contains(&operand)
            && let Some(both) = view.through(inner)
        {
            let base = below.operands[0];
            if both.is_identity(&self.out.graph.node(base).shape) {
                return Ok(base);
            }
            return self.add(Op::View(both), &[base]);
        }
        self.add(Op::View(view), &[operand])
    }

    fn add(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId> {
        let symmetric = self.join_symmetric && op == Op::Contract { symmetric: true };
        let shared = if symmetric { Op::Contract { symmetric: false } } else { op.clone() };
        let key = (shared, Operands::from_slice(operands));
        if let Some(&id) = self.memo.get(&key) {
            if symmetric {
                self.out.graph.nodes[id.index()].op = op;
            }
            return Ok(id);
        }
        let id = self.out.graph.add(op, operands)?;
        self.memo.insert(key, id);
        Ok(id)
    }
}

/// Leaves out what no root and no guard needs.
pub(super) fn prune(d: Decoded) -> Decoded {
    let mut live = vec![false; d.graph.nodes.len()];
    for r in d.graph.roots.iter().chain(&d.graph.guards) {
        live[r.index()] = true;
    }
    for id in d.graph.ids().rev() {
        if live[id.index()] {
            for o in &d.graph.node(id).operands {
                live[o.index()] = true;
            }
        }
    }
    let mut renumbered: Vec<Option<NodeId>> = vec![None; live.len()];
    let mut graph = Graph { leaves: d.graph.leaves, slots: d.graph.slots, ..Graph::default() };
    for (i, node) in d.graph.nodes.into_iter().enumerate() {
        if live[i] {
            renumbered[i] = Some(NodeId(graph.nodes.len() as u32));
            let operands = node.operands.iter().filter_map(|o| renumbered[o.index()]).collect();
            graph.nodes.push(crate::graph::Node { operands, ..node });
        }
    }
    let to = |id: &NodeId| renumbered[id.index()];
    graph.roots = d.graph.roots.iter().filter_map(to).collect();
    graph.guards = d.graph.guards.iter().filter_map(to).collect();
    Decoded {
        graph,
        cores: d.cores.iter().filter_map(to).collect(),
        stages: d.stages.iter().filter_map(to).collect(),
        fired: d.fired.iter().filter_map(|(r, n)| Some((*r, to(n)?))).collect(),
        image: d.image.iter().map(|n| to(n.as_ref()?)).collect(),
    }
}
