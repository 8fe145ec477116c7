//! A graph as terms of the e-graph: views split into named views, attributes as terms of their own.
//!
//! In: a graph, and what is known of its leaves. Out: an [`Encoded`] e-graph in which nothing has been united.

use egg::Id;

use super::class_facts::LeafPromise;
use super::knowledge::{Knowledge, Terms};
use super::language::{ENode, EOp};
use super::properties::{Properties, Property};
use super::views::{ViewStep, split};
use crate::graph::{BinaryOp, Graph, Node, Op, UnaryOp};
use crate::types::{Shape, View};

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
    /// A term with the present numbers of its children's classes.
    pub(super) fn canonical(&self, node: &ENode) -> ENode {
        let mut node = node.clone();
        egg::Language::update_children(&mut node, |c| self.terms.find(c));
        node
    }

    /// What is known of the elements of the graph's roots.
    pub(super) fn promises(&self, graph: &Graph) -> Vec<LeafPromise> {
        let facts = graph.roots.iter().map(|r| &self.terms[self.of_node[r.index()]].data);
        // To another graph a value of this one is data.
        let of_elements = Properties::INFERRED.with(Property::Constant, false);
        facts
            .map(|f| LeafPromise { properties: f.mask.properties().and(of_elements), structure: f.structure })
            .collect()
    }
}

/// Encodes a graph; `promises` say what is known of its leaves, and may be fewer than these.
pub(super) fn encode(graph: &Graph, promises: Vec<LeafPromise>) -> Encoded {
    let mut store = Knowledge::of(graph.leaves.clone(), graph.slots.clone());
    store.promises = promises;
    let mut terms = Terms::new(store);
    let mut e = Encoder { terms: &mut terms, originals: Vec::new() };
    let of_node = e.nodes(graph);
    let roots = graph.roots.iter().map(|r| of_node[r.index()]).collect::<Vec<_>>();
    let roots = e.add(EOp::Roots, &roots);
    e.note_uses();
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

/// How the program uses a term, or its multiples by scalars.
#[derive(Clone, Copy)]
struct TermUses {
    count: u32,
    /// All users are reductions, transposes and roots, or elementwise and lead only to such.
    feed_reductions: bool,
    /// All users are products.
    multiply: bool,
}

impl TermUses {
    const NONE: Self = Self { count: 0, feed_reductions: true, multiply: true };
}

/// A term that reads its operand through a view.
pub(super) struct ViewTerm {
    pub(super) op: EOp,
    pub(super) attribute: Option<EOp>,
}

/// The terms that read an operand of this shape through a view, innermost first.
pub(super) fn view_terms(store: &mut Knowledge, operand: &Shape, view: &View) -> Vec<ViewTerm> {
    let term = |step: ViewStep| {
        let (op, attribute) = match step {
            ViewStep::Transpose => (EOp::Transpose, None),
            ViewStep::Diagonal => (EOp::Diagonal, None),
            ViewStep::Reshape(s) => (EOp::Reshape, Some(EOp::Extents(s.into()))),
            ViewStep::Broadcast(s) => (EOp::Broadcast, Some(EOp::Extents(s.into()))),
            ViewStep::Strided(v) => (EOp::Strided, Some(EOp::ViewOf(store.intern_view(v)))),
        };
        ViewTerm { op, attribute }
    };
    split(operand, view).into_iter().map(term).collect()
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

    /// Notes which terms the program uses more than once, a use of a multiple by a scalar being a use (rules move scalars out
    /// of the way), and which feed only reductions, transposes and roots.
    fn note_uses(&mut self) {
        let mut all = vec![TermUses::NONE; self.terms.analysis.n_made];
        for node in self.originals.iter().rev() {
            if let Some(class) = self.terms.lookup(node.clone()) {
                self.add_uses(node, all[usize::from(class)], &mut all);
            }
        }
        for (i, uses) in all.into_iter().enumerate() {
            let facts = &mut self.terms[Id::from(i)].data;
            facts.multi_use = uses.count > 1;
            facts.materialised = uses.count > 1 && !uses.multiply;
            facts.feeds_reduction = uses.feed_reductions;
        }
    }

    /// Adds the uses that a term makes of its children; `own` are the uses of the term itself.
    fn add_uses(&self, node: &ENode, own: TermUses, all: &mut [TermUses]) {
        let feeds_reductions = match node.op {
            EOp::Reduce(_) | EOp::Transpose | EOp::Roots => true,
            _ => node.op.is_elementwise() && own.feed_reductions,
        };
        let scalar = |c: &Id| self.terms[*c].data.shape.rank() == 0;
        let scales = match node.op {
            EOp::Unary(UnaryOp::Neg) => true,
            EOp::Binary(BinaryOp::Mul) => node.children.iter().any(scalar),
            EOp::Binary(BinaryOp::Div) => scalar(&node.children[1]),
            _ => false,
        };
        let multiplies = node.op == EOp::Contract || scales && own.multiply;
        for (i, c) in node.children.iter().enumerate() {
            let uses = &mut all[usize::from(*c)];
            if !node.children[..i].contains(c) {
                uses.count += if scales { own.count.max(1) } else { 1 };
            }
            uses.feed_reductions &= feeds_reductions;
            uses.multiply &= multiplies;
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
                let shape = &graph.node(node.operands[0]).shape;
                view_terms(&mut self.terms.analysis, shape, view).into_iter().fold(operands[0], |id, step| {
                    let attribute = step.attribute.map(|a| self.add(a, &[]));
                    let children: Vec<Id> = [id].into_iter().chain(attribute).collect();
                    self.add(step.op, &children)
                })
            }
            other => {
                let opaque = self.terms.analysis.intern_op(other.clone());
                self.add(EOp::Opaque(opaque), operands)
            }
        }
    }
}
