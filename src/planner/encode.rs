//! A graph as terms of the e-graph: views split into named steps, attributes as terms of their own.

use egg::Id;

use super::facts::{Knowledge, LeafPromise, Terms};
use super::language::{ENode, EOp};
use super::views::{Step, split};
use crate::graph::{BinaryOp, Graph, Node, Op, UnaryOp};

/// The graph's terms.
pub(super) struct Encoded {
    /// The e-graph.
    pub(super) terms: Terms,
    /// The class of every node of the graph.
    pub(super) of_node: Vec<Id>,
    /// The term above all roots.
    pub(super) roots: Id,
    /// Every term the graph itself needs, in an order where children come first.
    pub(super) originals: Vec<ENode>,
}

impl Encoded {
    /// A term with its children under the numbers that they have now.
    pub(super) fn canonical(&self, node: &ENode) -> ENode {
        let mut node = node.clone();
        egg::Language::update_children(&mut node, |c| self.terms.find(c));
        node
    }

    /// What is known of the elements of the graph's roots.
    pub(super) fn promises(&self, graph: &Graph) -> Vec<LeafPromise> {
        let facts = graph.roots.iter().map(|r| &self.terms[self.of_node[r.index()]].data);
        facts
            .map(|f| LeafPromise { nonneg: f.nonneg, finite: f.finite, symmetric: f.symmetric, structure: f.structure })
            .collect()
    }
}

/// Encodes a graph; `promises` say what is known of its leaves, as far as something is.
pub(super) fn encode(graph: &Graph, promises: Vec<LeafPromise>) -> Encoded {
    let mut store = Knowledge::of(graph.leaves.clone(), graph.slots.clone());
    store.promises = promises;
    let mut terms = Terms::new(store);
    let mut e = Encoder { terms: &mut terms, originals: Vec::new() };
    let of_node = e.nodes(graph);
    let roots = graph.roots.iter().map(|r| of_node[r.index()]).collect::<Vec<_>>();
    let roots = e.add(EOp::Roots, &roots);
    e.note_users();
    let originals = e.originals;
    Encoded { terms, of_node, roots, originals }
}

/// The terms of a graph's nodes, added to terms that are there. Leaves and slots are numbered as theirs.
pub(super) fn encode_into(terms: &mut Terms, graph: &Graph) -> Vec<Id> {
    Encoder { terms, originals: Vec::new() }.nodes(graph)
}

struct Encoder<'a> {
    terms: &'a mut Terms,
    originals: Vec<ENode>,
}

/// What the program does with a term, or with its multiples by scalars.
#[derive(Clone, Copy)]
struct Users {
    count: u32,
    /// All of them are reductions, transposes and roots, or elementwise and end in such.
    end: bool,
    /// All of them are products.
    multiply: bool,
}

impl Encoder<'_> {
    fn nodes(&mut self, graph: &Graph) -> Vec<Id> {
        let mut of_node: Vec<Id> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let operands: Vec<Id> = node.operands.iter().map(|o| of_node[o.index()]).collect();
            of_node.push(self.node(graph, node, &operands));
        }
        of_node
    }

    /// Notes what several terms of the program need, itself or a multiple of it by a scalar (scalars are moved out of the way), and
    /// what only reductions, transposes and roots need in the end.
    fn note_users(&mut self) {
        let mut all = vec![Users { count: 0, end: true, multiply: true }; self.terms.analysis.n_made];
        for node in self.originals.iter().rev() {
            let Some(class) = self.terms.lookup(node.clone()) else { continue };
            let of_node = all[usize::from(class)];
            let ends = match node.op {
                EOp::Reduce(_) | EOp::Transpose | EOp::Roots => true,
                _ => node.op.is_elementwise() && of_node.end,
            };
            let scalar = |c: &Id| self.terms[*c].data.shape.rank() == 0;
            let scales = match node.op {
                EOp::Unary(UnaryOp::Neg) => true,
                EOp::Binary(BinaryOp::Mul) => node.children.iter().any(scalar),
                EOp::Binary(BinaryOp::Div) => scalar(&node.children[1]),
                _ => false,
            };
            let multiplies = node.op == EOp::Contract || scales && of_node.multiply;
            for (i, c) in node.children.iter().enumerate() {
                let users = &mut all[usize::from(*c)];
                if !node.children[..i].contains(c) {
                    users.count += if scales { of_node.count.max(1) } else { 1 };
                }
                users.end &= ends;
                users.multiply &= multiplies;
            }
        }
        for (i, users) in all.into_iter().enumerate() {
            let facts = &mut self.terms[Id::from(i)].data;
            facts.multi_use = users.count > 1;
            facts.materialised = users.count > 1 && !users.multiply;
            facts.feeds_reduction = users.end;
        }
    }

    fn add(&mut self, op: EOp, children: &[Id]) -> Id {
        let node = ENode::new(op, children.iter().copied());
        if let Some(id) = self.terms.lookup(node.clone()) {
            return id;
        }
        self.originals.push(node.clone());
        self.terms.add(node)
    }

    fn node(&mut self, graph: &Graph, node: &Node, operands: &[Id]) -> Id {
        let with = |e: &mut Self, op: EOp, attribute: EOp| {
            let attribute = e.add(attribute, &[]);
            e.add(op, &[operands[0], attribute])
        };
        match &node.op {
            Op::Leaf(i) => self.add(EOp::Leaf(*i), &[]),
            Op::Literal(s) => self.add(EOp::Literal(*s), &[]),
            Op::Slot(i) => self.add(EOp::Slot(*i), &[]),
            Op::Unary(UnaryOp::Powi(n)) => with(self, EOp::Powi, EOp::Int(*n)),
            Op::Unary(u) => self.add(EOp::Unary(*u), operands),
            Op::Binary(b) => self.add(EOp::Binary(*b), operands),
            Op::Select => self.add(EOp::Select, operands),
            Op::Cast { to, mode } => with(self, EOp::Cast(*mode), EOp::Type(*to)),
            Op::Reduce { op, axes } => with(self, EOp::Reduce(*op), EOp::Axes(axes.clone().into())),
            Op::Contract { symmetric: false } => self.add(EOp::Contract, operands),
            Op::Contract { symmetric: true } => {
                let kernel = self.add(EOp::Syrk, operands);
                self.add(EOp::Run, &[kernel])
            }
            Op::Host { op, output } => self.add(EOp::Host(*op, *output), operands),
            Op::View(view) => {
                let mut id = operands[0];
                for step in split(&graph.node(node.operands[0]).shape, view) {
                    let attribute = match &step {
                        Step::Transpose | Step::Diagonal => None,
                        Step::Reshape(s) | Step::Broadcast(s) => Some(EOp::Extents(s.clone().into())),
                        Step::Strided(v) => Some(EOp::ViewOf(self.terms.analysis.view(v.clone()))),
                    };
                    let op = match step {
                        Step::Transpose => EOp::Transpose,
                        Step::Diagonal => EOp::Diagonal,
                        Step::Reshape(_) => EOp::Reshape,
                        Step::Broadcast(_) => EOp::Broadcast,
                        Step::Strided(_) => EOp::Strided,
                    };
                    let attribute = attribute.map(|a| self.add(a, &[]));
                    let children: Vec<Id> = [id].into_iter().chain(attribute).collect();
                    id = self.add(op, &children);
                }
                id
            }
            other => {
                let opaque = self.terms.analysis.opaque(other.clone());
                self.add(EOp::Opaque(opaque), operands)
            }
        }
    }
}
