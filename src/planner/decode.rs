//! Chosen terms as a graph again: views composed, equal nodes merged, dead ones left out.
//!
//! In: an extraction, and the rule applications that led to it. Out: a [`Decoded`] graph, with what kernels are formed from and which
//! rule each node comes from.

use egg::Id;
use hashbrown::{HashMap, HashSet};

use super::class_facts::Facts;
use super::encode::Encoded;
use super::extract::Extraction;
use super::knowledge::Terms;
use super::language::{ENode, EOp};
use super::saturate::Application;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId, Op, Operands};
use crate::types::View;

/// A decoded graph, not yet with kernels.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoded {
    pub(super) graph: Graph,
    /// Products that begin a kernel.
    pub(super) cores: HashSet<NodeId>,
    /// Nodes that may be computed inside a kernel.
    pub(super) stages: HashSet<NodeId>,
    pub(super) fired: Vec<FiredAt>,
    /// For every node of the input the node that computes an equal value, if there is one.
    pub(super) image: Vec<Option<NodeId>>,
}

/// A node that was chosen from the right side of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FiredAt {
    /// Index into the rules.
    pub(super) rule: usize,
    pub(super) node: NodeId,
}

impl Decoded {
    /// A graph as it is.
    pub(super) fn unchanged(graph: &Graph) -> Self {
        Self { graph: graph.clone(), image: graph.ids().map(Some).collect(), ..Self::default() }
    }

    /// Removes what no root needs.
    pub(super) fn without_dead_nodes(self) -> Self {
        let live = live(&self.graph);
        let mut renumbered: Vec<Option<NodeId>> = vec![None; live.len()];
        let mut graph = Graph { leaves: self.graph.leaves, slots: self.graph.slots, ..Graph::default() };
        for (i, node) in self.graph.nodes.into_iter().enumerate() {
            if live[i] {
                renumbered[i] = Some(NodeId(graph.nodes.len() as u32));
                let operands = node.operands.iter().filter_map(|o| renumbered[o.index()]).collect();
                graph.nodes.push(Node { operands, ..node });
            }
        }
        let to = |id: &NodeId| renumbered[id.index()];
        graph.roots = self.graph.roots.iter().filter_map(to).collect();
        Self {
            graph,
            cores: self.cores.iter().filter_map(to).collect(),
            stages: self.stages.iter().filter_map(to).collect(),
            fired: self.fired.iter().filter_map(|f| Some(FiredAt { node: to(&f.node)?, ..*f })).collect(),
            image: self.image.iter().map(|n| to(n.as_ref()?)).collect(),
        }
    }
}

/// By node: whether a root needs it.
fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    for r in &graph.roots {
        live[r.index()] = true;
    }
    for id in graph.ids().rev() {
        if live[id.index()] {
            for o in &graph.node(id).operands {
                live[o.index()] = true;
            }
        }
    }
    live
}

/// Makes the graph of an extraction.
///
/// # Errors
/// An internal error when a chosen term has no graph form: the caller falls back.
pub(super) fn decode(
    input: &Graph,
    encoded: &Encoded,
    extraction: &Extraction,
    applications: &[Application],
) -> Result<Decoded> {
    let credits = Credits::of(encoded, applications);
    decode_with(input, encoded, extraction, credits, true)
}

/// As [`decode`] without rules; products that differ only in the promise of symmetry stay apart.
pub(super) fn decode_apart(input: &Graph, encoded: &Encoded, extraction: &Extraction) -> Result<Decoded> {
    decode_with(input, encoded, extraction, Credits::of(encoded, &[]), false)
}

fn decode_with(
    input: &Graph,
    encoded: &Encoded,
    extraction: &Extraction,
    credits: Credits<'_>,
    join_symmetric: bool,
) -> Result<Decoded> {
    let mut d = Decoder {
        encoded,
        extraction,
        memo: HashMap::new(),
        of_class: HashMap::new(),
        out: Decoded {
            graph: Graph { leaves: input.leaves.clone(), slots: input.slots.clone(), ..Graph::default() },
            ..Decoded::default()
        },
        pinned: HashSet::new(),
        credits,
        join_symmetric,
    };
    for root in &input.roots {
        let id = d.class(encoded.of_node[root.index()])?;
        d.out.graph.roots.push(id);
    }
    d.out.fired.sort_unstable();
    d.out.fired.dedup();
    let inside = d.inside_kernels();
    d.out.image = encoded.of_node.iter().map(|&id| d.image(&inside, id)).collect();
    Ok(d.out.without_dead_nodes())
}

/// The class of a kernel's result as an array, whether or not any term of it is left.
pub(super) fn stored(terms: &Terms, kernel: Id) -> Option<Id> {
    let is_kernel = terms[kernel].data.is_kernel();
    is_kernel.then(|| terms.lookup(ENode::new(EOp::Run, [kernel]))).flatten()
}

struct Decoder<'a> {
    encoded: &'a Encoded,
    extraction: &'a Extraction,
    memo: HashMap<(Op, Operands), NodeId>,
    of_class: HashMap<Id, NodeId>,
    out: Decoded,
    /// Views that belong to a kernel: views over them do not read past them.
    pinned: HashSet<NodeId>,
    credits: Credits<'a>,
    /// Whether a product needed both with and without the promise of symmetry is one product, with it.
    join_symmetric: bool,
}

impl Decoder<'_> {
    /// The node of a class, after the nodes it needs. An explicit stack: graphs may be a million nodes deep.
    fn class(&mut self, id: Id) -> Result<NodeId> {
        let root = self.encoded.terms.find(id);
        let mut stack = vec![root];
        while let Some(&id) = stack.last() {
            if self.of_class.contains_key(&id) {
                stack.pop();
                continue;
            }
            let node = self
                .extraction
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
    fn inside_kernels(&self) -> HashMap<Id, NodeId> {
        let terms = &self.encoded.terms;
        self.of_class.iter().filter_map(|(&id, &n)| Some((stored(terms, id)?, n))).collect()
    }

    /// The node that computes a class, if the extraction needed it: as an array, or `inside` a kernel.
    fn image(&self, inside: &HashMap<Id, NodeId>, id: Id) -> Option<NodeId> {
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
        let operands = node.operands().iter().map(|&c| terms.find(c));
        let operands = operands.map(|c| Credited { class: c, node: self.of_class[&c] });
        self.out.fired.extend(self.credits.fired(node, operands, Credited { class: id, node: n }));
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

/// Which rule application brought which term, for the list of rules in a plan.
struct Credits<'a> {
    applications: &'a [Application],
    /// The application that brought a term which the input does not have.
    by_term: HashMap<ENode, usize>,
    /// For each application, the one that brought the term it matched.
    before: Vec<Option<usize>>,
    /// By class: applications that found it equal to one of its own operands or to another existing term.
    collapsed: HashMap<Id, Vec<Collapse>>,
    originals: HashSet<ENode>,
}

/// An application that added no term.
struct Collapse {
    application: usize,
    /// The term that was matched.
    left: ENode,
}

/// A class and the node chosen for it.
#[derive(Clone, Copy)]
struct Credited {
    class: Id,
    node: NodeId,
}

impl<'a> Credits<'a> {
    fn of(encoded: &Encoded, applications: &'a [Application]) -> Self {
        let originals = encoded.originals.iter().map(|n| encoded.canonical(n)).collect();
        let mut credits =
            Self { applications, by_term: HashMap::new(), before: Vec::new(), collapsed: HashMap::new(), originals };
        for (i, application) in applications.iter().enumerate() {
            let left = encoded.canonical(&application.left);
            let original = credits.originals.contains(&left);
            credits.before.push(if original { None } else { credits.by_term.get(&left).copied() });
            for node in &application.fresh {
                let node = encoded.canonical(node);
                if !credits.originals.contains(&node) && !node.op.is_attribute() {
                    credits.by_term.entry(node).or_insert(i);
                }
            }
            if application.fresh.is_empty() {
                let class = encoded.terms.find(application.class);
                credits.collapsed.entry(class).or_default().push(Collapse { application: i, left });
            }
        }
        credits
    }

    fn collapses(&self, class: Id) -> &[Collapse] {
        self.collapsed.get(&class).map_or(&[], Vec::as_slice)
    }

    /// The rules that led to a chosen term: the one that brought it, those that brought what that one matched, and those that
    /// made a new term's operands equal to simpler ones.
    fn fired(&self, term: &ENode, operands: impl Iterator<Item = Credited>, chosen: Credited) -> Vec<FiredAt> {
        let mut open: Vec<(usize, NodeId)> = Vec::new();
        if let Some(&brought_by) = self.by_term.get(term) {
            open.push((brought_by, chosen.node));
            for at in operands.chain([chosen]) {
                for collapse in self.collapses(at.class).iter().filter(|c| !self.originals.contains(&c.left)) {
                    open.push((collapse.application, at.node));
                    open.extend(self.by_term.get(&collapse.left).map(|&j| (j, at.node)));
                }
            }
        }
        let mut fired = Vec::new();
        let mut seen = HashSet::new();
        while let Some((application, node)) = open.pop() {
            if seen.insert((application, node)) {
                fired.push(FiredAt { rule: self.applications[application].rule, node });
                open.extend(self.before[application].map(|before| (before, node)));
            }
        }
        for collapse in self.collapses(chosen.class) {
            if collapse.left != *term && self.originals.contains(&collapse.left) {
                fired.push(FiredAt { rule: self.applications[collapse.application].rule, node: chosen.node });
            }
        }
        fired
    }
}
