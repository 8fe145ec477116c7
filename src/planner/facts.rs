//! What is known of every class: sort, shape, dtype, and a few promises about values.
//!
//! Shape and dtype are the same for all members; a rule that would change them is refused before it adds anything. The
//! promises hold for *all* members: when two classes meet, only what both promise remains, so a rule weaker than exact can
//! never lend its side's promises to the other. What is known of the pattern of elements follows other rules, see `structure`.

use egg::{Analysis, DidMerge, EGraph, Id};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::index::{Forms, class_forms, form};
use super::language::{ENode, EOp};
use super::structure::{self, Structure};
use crate::graph::infer::{OperandType, infer};
use crate::graph::{BinaryOp, LeafInfo, Op, ReduceOp, RngDist, UnaryOp};
use crate::types::{CostTable, DType, Shape, View};

/// The e-graph of a plan.
pub(super) type Terms = EGraph<ENode, Knowledge>;

/// What a class stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sort {
    /// An array.
    Tensor,
    /// A product in registers; the class of the core it started from.
    Kernel(Id),
    /// An attribute, which is the term itself.
    Attribute(EOp),
    /// The one term above everything.
    Roots,
}

/// Facts of a class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    /// What it stands for.
    pub(super) sort: Sort,
    /// Its shape (empty for attributes).
    pub(super) shape: Shape,
    /// Its dtype (bool for attributes).
    pub(super) dtype: DType,
    /// No element has its sign bit set, but for NaN.
    pub(super) nonneg: bool,
    /// No element is NaN or infinite.
    pub(super) finite: bool,
    /// Equal to its transpose.
    pub(super) symmetric: bool,
    /// A 0-d value that the host knows when a run starts.
    pub(super) host: bool,
    /// At least two terms of the program as written read it, or read a multiple of it by a scalar.
    pub(super) multi_use: bool,
    /// `multi_use`, and one of the readers is not a product: it is computed whatever becomes of the products it is a factor of.
    pub(super) materialised: bool,
    /// Every reader in the program as written is a reduction, a transpose or a root, or is elementwise and leads only to such.
    pub(super) feeds_reduction: bool,
    /// The pattern of its elements.
    pub(super) structure: Structure,
    /// Which operations the terms of the class have, and in short what is known of it.
    pub(super) forms: Forms,
}

impl Facts {
    fn attribute(op: &EOp) -> Self {
        Self { sort: Sort::Attribute(op.clone()), ..Self::tensor(Shape::scalar(), DType::Bool) }
    }

    fn tensor(shape: Shape, dtype: DType) -> Self {
        let finite = !dtype.is_float();
        let nonneg = !dtype.is_signed();
        Self {
            sort: Sort::Tensor,
            shape,
            dtype,
            nonneg,
            finite,
            symmetric: false,
            host: false,
            multi_use: false,
            materialised: false,
            feeds_reduction: false,
            structure: Structure::default(),
            forms: 0,
        }
    }

    /// Whether this is an array.
    pub(super) fn is_tensor(&self) -> bool {
        self.sort == Sort::Tensor
    }

    /// The core of a kernel.
    pub(super) fn core(&self) -> Option<Id> {
        match self.sort {
            Sort::Kernel(core) => Some(core),
            _ => None,
        }
    }

    /// Whether this is a kernel.
    pub(super) fn is_kernel(&self) -> bool {
        matches!(self.sort, Sort::Kernel(_))
    }
}

/// Promises about a leaf, which only the soundness check of rules makes: the engine knows nothing of its data.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LeafPromise {
    pub(super) nonneg: bool,
    pub(super) finite: bool,
    pub(super) symmetric: bool,
    pub(super) structure: Structure,
}

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
    /// The forms of every class, by its number: searching asks for little else, and for this most often.
    pub(super) forms: Vec<Forms>,
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
        tables.forms.clear();
        tables
    }

    /// The number of a view.
    pub(super) fn view(&mut self, view: View) -> u32 {
        if let Some(&id) = self.view_ids.get(&view) {
            return id;
        }
        let id = self.views.len() as u32;
        self.views.push(view.clone());
        self.view_ids.insert(view, id);
        id
    }

    /// The number of an operation.
    pub(super) fn opaque(&mut self, op: Op) -> u32 {
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
        if op.is_attribute() {
            return Some(Facts::attribute(op));
        }
        if *op == EOp::Roots {
            return Some(Facts { sort: Sort::Roots, ..Facts::attribute(op) });
        }
        let n = op.n_operands(children.len());
        let (operands, rest) = (&children[..n], &children[n..]);
        let attribute = match rest.first().map(|f| &f.sort) {
            Some(Sort::Attribute(a)) => Some(a),
            None => None,
            Some(_) => return None,
        };
        let core = operands.iter().find_map(|f| match f.sort {
            Sort::Kernel(core) => Some(core),
            _ => None,
        });
        if operands.iter().any(|f| !f.is_tensor() && !f.is_kernel()) {
            return None;
        }
        match op {
            EOp::Run | EOp::RunDiag => {
                let k = operands.first().filter(|f| f.is_kernel())?;
                let shape = if *op == EOp::Run {
                    k.shape.clone()
                } else {
                    View::dense(&k.shape).diagonal().ok()?.shape().clone()
                };
                return Some(Facts {
                    sort: Sort::Tensor,
                    shape,
                    symmetric: k.symmetric && *op == EOp::Run,
                    structure: if *op == EOp::Run { k.structure } else { Structure::default() },
                    multi_use: false,
                    materialised: false,
                    feeds_reduction: false,
                    ..(*k).clone()
                });
            }
            EOp::Leaf(i) => {
                let leaf = self.leaves.get(*i as usize)?;
                let p = self.promises.get(*i as usize).cloned().unwrap_or_default();
                let plain = Facts::tensor(leaf.shape.clone(), leaf.dtype);
                let (nonneg, finite) = (plain.nonneg || p.nonneg, plain.finite || p.finite);
                let mut facts = Facts { nonneg, finite, symmetric: p.symmetric, structure: p.structure, ..plain };
                facts.symmetric |= structure::is_symmetric(&facts);
                return Some(facts);
            }
            EOp::Slot(i) => {
                let plain = Facts::tensor(Shape::scalar(), *self.slots.get(*i as usize)?);
                return Some(Facts { host: true, ..plain });
            }
            _ => {}
        }
        if core.is_some() && !op.is_elementwise() {
            return None;
        }
        let graph_op = self.graph_op(op, operands, attribute)?;
        let given: Vec<OperandType<'_>> =
            operands.iter().map(|f| OperandType { shape: &f.shape, dtype: f.dtype }).collect();
        let (shape, dtype) = infer(&graph_op, &given).ok()?;
        let mut facts = Facts::tensor(shape, dtype);
        promise(&mut facts, op, operands, attribute, self);
        let interned = match op {
            EOp::Opaque(i) => self.opaques.get(*i as usize),
            _ => None,
        };
        facts.structure = structure::of(op, operands, &facts.shape, interned);
        facts.symmetric |= structure::is_symmetric(&facts);
        if let Some(core) = core {
            // A stage may not make the kernel's result larger than the product.
            let first = operands.iter().find(|f| f.is_kernel())?;
            if first.shape != facts.shape {
                return None;
            }
            facts.sort = Sort::Kernel(core);
        } else if matches!(op, EOp::Gemm | EOp::Syrk) {
            facts.sort = Sort::Kernel(Id::from(usize::MAX >> 33));
        }
        facts.host =
            matches!(op, EOp::Literal(_)) || op.is_elementwise() && core.is_none() && operands.iter().all(|f| f.host);
        Some(facts)
    }
}

/// What the operation lets us promise about the values, given promises about the operands.
fn promise(facts: &mut Facts, op: &EOp, operands: &[&Facts], attribute: Option<&EOp>, store: &Knowledge) {
    let at = |i: usize| operands[i];
    let float = facts.dtype.is_float();
    match op {
        EOp::Literal(s) => {
            let v = s.to_f64();
            facts.nonneg |= v.is_nan() || !v.is_sign_negative();
            facts.finite |= v.is_finite();
        }
        EOp::Unary(u) if float => {
            facts.nonneg = matches!(u, UnaryOp::Abs | UnaryOp::Square | UnaryOp::Exp | UnaryOp::Cosh)
                || at(0).nonneg
                    && matches!(
                        u,
                        UnaryOp::Sqrt
                            | UnaryOp::Rsqrt
                            | UnaryOp::Recip
                            | UnaryOp::Sign
                            | UnaryOp::Floor
                            | UnaryOp::Ceil
                            | UnaryOp::Round
                            | UnaryOp::RoundAway
                            | UnaryOp::Trunc
                            | UnaryOp::Log1p
                            | UnaryOp::Expm1
                            | UnaryOp::Tanh
                    );
            facts.finite = at(0).finite
                && matches!(
                    u,
                    UnaryOp::Neg
                        | UnaryOp::Abs
                        | UnaryOp::Sign
                        | UnaryOp::Floor
                        | UnaryOp::Ceil
                        | UnaryOp::Round
                        | UnaryOp::RoundAway
                        | UnaryOp::Trunc
                        | UnaryOp::Tanh
                        | UnaryOp::Atan
                );
        }
        EOp::Powi if float => {
            let even = matches!(attribute, Some(EOp::Int(n)) if n % 2 == 0);
            facts.nonneg = even || at(0).nonneg;
        }
        EOp::Binary(b) if float && !b.is_compare() => {
            let (x, y) = (at(0), at(1));
            facts.nonneg = match b {
                BinaryOp::Add
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Minimum
                | BinaryOp::Fmin
                | BinaryOp::Hypot => x.nonneg && y.nonneg || *b == BinaryOp::Hypot,
                // A NaN on the promising side would let the other one through `fmax`.
                BinaryOp::Maximum => x.nonneg || y.nonneg,
                BinaryOp::Fmax => x.nonneg && (x.finite || y.nonneg) || y.nonneg && y.finite,
                BinaryOp::Pow => x.nonneg,
                _ => false,
            };
            facts.finite = x.finite
                && y.finite
                && matches!(b, BinaryOp::Maximum | BinaryOp::Minimum | BinaryOp::Fmax | BinaryOp::Fmin);
        }
        EOp::Select => {
            facts.nonneg = at(1).nonneg && at(2).nonneg;
            facts.finite = at(1).finite && at(2).finite;
        }
        EOp::Cast(_) if float => {
            facts.nonneg = at(0).nonneg;
            // Large integers overflow binary16; a narrower float may overflow too.
            facts.finite =
                at(0).finite && (!at(0).dtype.is_float() && facts.dtype != DType::F16 || at(0).dtype == facts.dtype);
        }
        EOp::Transpose | EOp::Diagonal | EOp::Reshape | EOp::Broadcast | EOp::Strided => {
            facts.nonneg = at(0).nonneg;
            facts.finite = at(0).finite;
            facts.symmetric = *op == EOp::Transpose && at(0).symmetric;
        }
        EOp::Reduce(r) if float => {
            facts.nonneg = at(0).nonneg && !matches!(r, ReduceOp::Max | ReduceOp::Fmax)
                || matches!(r, ReduceOp::Max | ReduceOp::Fmax) && at(0).nonneg && !at(0).shape.is_empty();
        }
        EOp::Contract | EOp::Gemm if float => facts.nonneg = at(0).nonneg && at(1).nonneg,
        EOp::Syrk => {
            facts.nonneg = at(0).nonneg && at(1).nonneg || !facts.dtype.is_signed();
            facts.symmetric = true;
        }
        EOp::Opaque(i) => match &store.opaques[*i as usize] {
            Op::Iota { .. } => {
                facts.nonneg = true;
                facts.finite = facts.dtype != DType::F16;
            }
            Op::Rng { dist, .. } => {
                facts.nonneg |= *dist == RngDist::Uniform;
                facts.finite |= *dist == RngDist::Uniform;
            }
            _ => {}
        },
        _ => {}
    }
    if op.is_elementwise() && facts.shape.rank() >= 2 {
        // A symmetric matrix stays so beside others of its size and beside single values.
        facts.symmetric = operands.iter().all(|f| f.shape.len() == 1 || f.symmetric && f.shape == facts.shape)
            && operands.iter().any(|f| f.symmetric);
    }
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
        // Terms are added only after the guard or from a checked graph, so inference succeeds; should it not, the class is
        // a root that no rule and no emission accepts, and planning falls back.
        let Some(mut facts) = inferred else {
            return Facts { sort: Sort::Roots, ..Facts::attribute(&EOp::Roots) };
        };
        if matches!(node.op, EOp::Gemm | EOp::Syrk) {
            facts.sort = Sort::Kernel(id);
        }
        if matches!(node.op, EOp::Contract | EOp::Gemm) {
            let (a, b) = (node.children[0], node.children[1]);
            let turned = |x: Id| terms.lookup(ENode::new(EOp::Transpose, [x])).map(|t| terms.find(t));
            facts.symmetric = turned(a) == Some(terms.find(b)) || turned(b) == Some(terms.find(a));
        }
        facts.forms = class_forms(form(&node.op), &facts);
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
        let promises = |f: &Facts| (f.nonneg, f.finite, f.symmetric, f.host, f.structure);
        // Rounds need not wait for what no value depends on.
        let values = |f: &Facts| (f.nonneg, f.finite, f.symmetric, f.host, f.structure.promises());
        let (of_a, of_b) = (promises(a), promises(&b));
        let (values_a, values_b) = (values(a), values(&b));
        a.nonneg &= b.nonneg;
        a.finite &= b.finite;
        a.symmetric &= b.symmetric;
        a.host &= b.host;
        a.structure.meet(&b.structure);
        // What follows is read where it stands; nothing above is inferred from it.
        a.multi_use |= b.multi_use;
        a.materialised |= b.materialised;
        a.feeds_reduction |= b.feeds_reduction;
        a.forms = class_forms(a.forms | b.forms, a);
        let now = promises(a);
        let mut merged = DidMerge(now != of_a, now != of_b);
        self.facts_changed |= values(a) != values_a || values(a) != values_b;
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
        let forms = terms[id].data.forms;
        let table = &mut terms.analysis.forms;
        let at = usize::from(id);
        if table.len() <= at {
            table.resize(at + 1, 0);
        }
        table[at] = forms;
    }
}
