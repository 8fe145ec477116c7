//! The e-graph of a plan, with the facts of its classes and its side tables.
//!
//! [`Knowledge::infer`] gives the facts of a term from those of its operands, and is the shape guard: what it refuses is never
//! added. When two classes meet, their facts do (see `class_facts`). This module knows no rule.

use egg::{Analysis, DidMerge, EGraph, Id};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::class_facts::{Facts, LeafPromise, Sort, Structure};
use super::class_mask::ClassMask;
use super::language::{ENode, EOp};
use super::properties::Property;
use super::{promises, structure};
use crate::graph::infer::{OperandType, infer};
use crate::graph::{LeafInfo, Op, UnaryOp};
use crate::types::{CostTable, DType, Fault, Shape, View, seeded};

/// The e-graph of a plan.
pub(super) type Terms = EGraph<ENode, Knowledge>;

/// Side tables of the e-graph: what its leaves are and what the interned terms stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Knowledge {
    pub(super) leaves: Vec<LeafInfo>,
    /// What work costs, for right sides that are chosen by it.
    pub(super) costs: Option<CostTable>,
    pub(super) promises: Vec<LeafPromise>,
    pub(super) slots: Vec<DType>,
    /// Views that have no name of their own.
    pub(super) views: Vec<View>,
    view_ids: HashMap<View, u32>,
    /// Operations no rule looks into.
    pub(super) opaques: Vec<Op>,
    opaque_ids: HashMap<Op, u32>,
    /// How many terms were ever made; they are numbered from 0.
    pub(super) n_made: usize,
    /// The facts of the next term, where they were inferred when it was drafted.
    pub(super) drafted: Option<Facts>,
    /// Whether two classes met of which different things were known: what was inferred from either has to be inferred again.
    pub(super) facts_changed: bool,
    /// The mask of every class, by its number. The search reads masks more often than anything else.
    /// A seeded fault may widen them; the facts of a class have the true mask.
    pub(super) masks: Vec<ClassMask>,
    /// Terms that are new and classes that were found equal to others since this list was last emptied.
    pub(super) touched: Vec<Id>,
}

impl Knowledge {
    /// The tables of a graph with these leaves and slots.
    pub(super) fn of(leaves: Vec<LeafInfo>, slots: Vec<DType>) -> Self {
        Self { leaves, slots, ..Self::default() }
    }

    /// The same tables for an e-graph without terms.
    pub(super) fn emptied(&self) -> Self {
        let mut tables = self.clone();
        (tables.n_made, tables.facts_changed) = (0, false);
        tables.touched.clear();
        tables.masks.clear();
        tables
    }

    /// The number of a view, which is kept if it is new.
    pub(super) fn intern_view(&mut self, view: View) -> u32 {
        if let Some(&id) = self.view_ids.get(&view) {
            return id;
        }
        let id = self.views.len() as u32;
        self.views.push(view.clone());
        self.view_ids.insert(view, id);
        id
    }

    /// The number of an operation that no rule looks into, which is kept if it is new.
    pub(super) fn intern_op(&mut self, op: Op) -> u32 {
        if let Some(&id) = self.opaque_ids.get(&op) {
            return id;
        }
        let id = self.opaques.len() as u32;
        self.opaques.push(op.clone());
        self.opaque_ids.insert(op, id);
        id
    }

    /// The view a view term reads its operand through.
    pub(super) fn view_of(&self, op: &EOp, operand: &Shape, attribute: Option<&EOp>) -> Option<View> {
        let dense = View::dense(operand);
        match (op, attribute) {
            (EOp::Transpose, _) => {
                let rank = operand.rank();
                let mut axes: Vec<usize> = (0..rank).collect();
                axes.swap(rank.checked_sub(2)?, rank - 1);
                dense.permute(&axes).ok()
            }
            (EOp::Diagonal, _) => dense.diagonal().ok(),
            (EOp::Reshape, Some(EOp::Extents(s))) => (s.len() == operand.len()).then(|| View::dense(s)),
            (EOp::Broadcast, Some(EOp::Extents(s))) => dense.broadcast_to(s).ok(),
            (EOp::Strided, Some(EOp::ViewOf(v))) => {
                let view = self.views.get(*v as usize)?;
                view.fits(operand.len()).then(|| view.clone())
            }
            _ => None,
        }
    }

    /// The graph operation of a term that has one.
    pub(super) fn graph_op(&self, op: &EOp, operands: &[&Facts], attribute: Option<&EOp>) -> Option<Op> {
        Some(match (op, attribute) {
            (EOp::Leaf(i), _) => Op::Leaf(*i),
            (EOp::Literal(s), _) => Op::Literal(*s),
            (EOp::Slot(i), _) => Op::Slot(*i),
            (EOp::Unary(u), _) => Op::Unary(*u),
            (EOp::Powi, Some(EOp::Int(n))) => Op::Unary(UnaryOp::Powi(*n)),
            (EOp::Binary(b), _) => Op::Binary(*b),
            (EOp::Select, _) => Op::Select,
            (EOp::Cast(mode), Some(EOp::Type(to))) => Op::Cast { to: *to, mode: *mode },
            (EOp::Reduce(r), Some(EOp::Axes(axes))) => Op::Reduce { op: *r, axes: (**axes).clone() },
            (EOp::Contract | EOp::Gemm, _) => Op::Contract { symmetric: false },
            (EOp::Syrk, _) => Op::Contract { symmetric: true },
            (EOp::Host(op, output), _) => Op::Host { op: *op, output: *output },
            (EOp::Opaque(i), _) => self.opaques.get(*i as usize)?.clone(),
            (view, attribute) if view.is_view() => Op::View(self.view_of(view, &operands.first()?.shape, attribute)?),
            _ => return None,
        })
    }

    /// The facts of a term from those of its children; `None` where the term would be ill-formed. This is the shape guard.
    pub(super) fn infer(&self, op: &EOp, children: &[&Facts]) -> Option<Facts> {
        let mut facts = match op {
            EOp::Roots => Facts { sort: Sort::Roots, ..Facts::attribute(op) },
            op if op.is_attribute() => Facts::attribute(op),
            EOp::Run => stored(children)?,
            EOp::RunDiag => stored_diagonal(children)?,
            EOp::Leaf(i) => self.leaf(*i as usize)?,
            EOp::Slot(i) => {
                let mut facts = Facts::tensor(Shape::scalar(), *self.slots.get(*i as usize)?);
                facts.set(Property::Constant, true);
                facts
            }
            op => self.computed(op, children)?,
        };
        facts.derive();
        Some(facts)
    }

    fn leaf(&self, i: usize) -> Option<Facts> {
        let leaf = self.leaves.get(i)?;
        let mut facts = Facts::tensor(leaf.shape.clone(), leaf.dtype);
        if let Some(promise) = self.promises.get(i) {
            facts.mask |= ClassMask::of(promise.properties);
            facts.structure = promise.structure;
        }
        structure::note_symmetry(&mut facts);
        Some(facts)
    }

    /// The facts of what an operation of the graph, or a stage of a kernel, computes.
    fn computed(&self, op: &EOp, children: &[&Facts]) -> Option<Facts> {
        let (operands, attributes) = children.split_at(op.n_operands(children.len()));
        let attribute = match attributes.first().map(|f| &f.sort) {
            Some(Sort::Attribute(a)) => Some(a),
            None => None,
            Some(_) => return None,
        };
        if operands.iter().any(|f| !f.is_tensor() && !f.is_kernel()) {
            return None;
        }
        let kernel = operands.iter().find(|f| f.is_kernel());
        if kernel.is_some() && !op.is_elementwise() {
            return None;
        }
        let graph_op = self.graph_op(op, operands, attribute)?;
        let given: Vec<OperandType<'_>> =
            operands.iter().map(|f| OperandType { shape: &f.shape, dtype: f.dtype }).collect();
        let (shape, dtype) = infer(&graph_op, &given).ok()?;
        let mut facts = Facts::tensor(shape, dtype);
        let interned = match op {
            EOp::Opaque(i) => self.opaques.get(*i as usize),
            _ => None,
        };
        promises::infer(&mut facts, op, operands, attribute, interned);
        structure::infer(&mut facts, op, operands, interned);
        if let Some(kernel) = kernel {
            // A stage may not make the kernel's result larger than the product.
            if kernel.shape != facts.shape {
                return None;
            }
            facts.sort = kernel.sort.clone();
        } else if matches!(op, EOp::Gemm | EOp::Syrk) {
            // It is its own core, by the number it is given when it is added.
            facts.sort = Sort::Kernel(Id::from(usize::MAX >> 33));
        }
        let of_constants = op.is_elementwise() && kernel.is_none() && operands.iter().all(|f| f.is(Property::Constant));
        facts.set(Property::Constant, matches!(op, EOp::Literal(_)) || of_constants);
        Some(facts)
    }
}

/// The facts of a kernel's stored result.
fn stored(children: &[&Facts]) -> Option<Facts> {
    let kernel = children.first().filter(|f| f.is_kernel())?;
    let facts = (*kernel).clone();
    Some(Facts { sort: Sort::Tensor, multi_use: false, materialised: false, feeds_reduction: false, ..facts })
}

/// The facts of the stored diagonal of a kernel's result.
fn stored_diagonal(children: &[&Facts]) -> Option<Facts> {
    let mut facts = stored(children)?;
    facts.shape = View::dense(&facts.shape).diagonal().ok()?.shape().clone();
    facts.structure = Structure::default();
    for property in [Property::Symmetric, Property::Identity, Property::Diagonal] {
        facts.set(property, false);
    }
    Some(facts)
}

impl Analysis<ENode> for Knowledge {
    type Data = Facts;

    fn make(terms: &mut Terms, node: &ENode, id: Id) -> Facts {
        terms.analysis.n_made = terms.analysis.n_made.max(usize::from(id) + 1);
        let inferred = terms.analysis.drafted.take().or_else(|| {
            let mut children: SmallVec<[&Facts; 4]> = SmallVec::new();
            for &c in &node.children {
                children.push(&terms[c].data);
            }
            terms.analysis.infer(&node.op, &children)
        });
        // Terms are added only after the guard or from a checked graph, so inference succeeds; should it not, planning falls back.
        let Some(mut facts) = inferred else { return Facts::ill_formed() };
        if matches!(node.op, EOp::Gemm | EOp::Syrk) {
            facts.sort = Sort::Kernel(id);
        }
        if matches!(node.op, EOp::Contract | EOp::Gemm) {
            let (a, b) = (node.children[0], node.children[1]);
            let turned = |x: Id| terms.lookup(ENode::new(EOp::Transpose, [x])).map(|t| terms.find(t));
            let is_gram = turned(a) == Some(terms.find(b)) || turned(b) == Some(terms.find(a));
            facts.set(Property::Symmetric, is_gram);
        }
        facts.mask = ClassMask::of_op(&node.op).with_properties(facts.mask.properties());
        facts
    }

    fn merge(&mut self, a: &mut Facts, b: Facts) -> DidMerge {
        debug_assert!(
            a.shape == b.shape && a.dtype == b.dtype && a.is_kernel() == b.is_kernel(),
            "classes of {}{} and {}{} met",
            a.dtype,
            a.shape,
            b.dtype,
            b.shape
        );
        let changed = a.meet(&b);
        // Rounds need not wait for facts that no value depends on.
        self.facts_changed |= changed.values;
        let mut merged = DidMerge(changed.first, changed.second);
        if let (Sort::Kernel(x), Sort::Kernel(y)) = (&mut a.sort, &b.sort) {
            merged.0 |= *y < *x;
            merged.1 |= *x < *y;
            *x = (*x).min(*y);
        }
        merged
    }

    /// Notes that a class is new or has changed.
    fn modify(terms: &mut Terms, id: Id) {
        terms.analysis.touched.push(id);
        let mut mask = terms[id].data.mask;
        if seeded(Fault::ConditionDropped) {
            // Where conditions are not asked, no match is to be filtered out for them.
            mask |= ClassMask::CONDITIONS;
        }
        let table = &mut terms.analysis.masks;
        let at = usize::from(id);
        if table.len() <= at {
            table.resize(at + 1, ClassMask::NONE);
        }
        table[at] = mask;
    }
}
