//! Inputs for the variables of a rule, as leaves of a small graph and terms over them.
//!
//! In: inputs and operators, one for each variable. Out: an e-graph that `check` and `instances` draft sides of rules in, and in the end
//! a graph with the classes they name as roots.

use egg::Id;

use super::class_facts::{LeafPromise, Sort};
use super::decode::decode_apart;
use super::encode::{Encoded, view_terms};
use super::extract::Extraction;
use super::knowledge::{Knowledge, Terms};
use super::language::{ENode, EOp};
use super::rules::{BoundOp, Subst};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, Graph, LeafInfo, NodeId, Op, UnaryOp};
use crate::types::{DType, Dims, Scalar, Shape, View};

/// What a variable is bound to.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleInput {
    /// A leaf; its number is the variable's place among the arrays.
    Array(Shape, DType),
    /// A leaf read through a view of its dense form; nothing is promised of its data.
    Viewed(Shape, DType, View),
    /// The coordinate along an axis (i32).
    Coordinate(Shape, usize),
    /// A scalar of the run.
    Slot(DType),
    /// A constant.
    Literal(Scalar),
    /// A product of two leaves, kept in registers.
    Product(Shape, Shape, DType),
    /// A truth value of such a product: whether it is above its square.
    Mask(Shape, Shape, DType),
    /// The product that an earlier variable is bound to, negated.
    Negated(usize),
    /// Axes of a reduction.
    Axes(Dims),
    /// Extents of a view.
    Extents(Shape),
    /// An exponent.
    Int(i32),
}

/// What an operator variable is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOperator {
    /// Of one operand.
    Unary(UnaryOp),
    /// Of two operands.
    Binary(BinaryOp),
}

/// A product in registers, and the variable bound to it.
struct VariableProduct {
    variable: usize,
    class: Id,
}

/// Terms for the variables of a rule, and the terms of its sides over them.
pub(super) struct TermBuilder {
    pub(super) terms: Terms,
    products: Vec<VariableProduct>,
    next_leaf: u32,
    next_slot: u32,
}

impl TermBuilder {
    /// An e-graph whose leaves and slots are those of the inputs; nothing is added yet.
    pub(super) fn new(inputs: &[RuleInput], promises: &[LeafPromise]) -> Self {
        let (mut leaves, mut slots, mut of_leaf) = (Vec::new(), Vec::new(), Vec::new());
        for (v, input) in inputs.iter().enumerate() {
            let promise = promises.get(v).cloned().unwrap_or_default();
            match input {
                RuleInput::Array(shape, dtype) | RuleInput::Viewed(shape, dtype, _) => {
                    leaves.push(LeafInfo { shape: shape.clone(), dtype: *dtype });
                    of_leaf.push(promise);
                }
                RuleInput::Product(a, b, dtype) | RuleInput::Mask(a, b, dtype) => {
                    leaves.extend([a, b].map(|s| LeafInfo { shape: s.clone(), dtype: *dtype }));
                    of_leaf.extend([LeafPromise::default(), LeafPromise::default()]);
                }
                RuleInput::Slot(dtype) => slots.push(*dtype),
                _ => {}
            }
        }
        let mut store = Knowledge::of(leaves, slots);
        store.promises = of_leaf;
        Self { terms: Terms::new(store), products: Vec::new(), next_leaf: 0, next_slot: 0 }
    }

    pub(super) fn add(&mut self, op: EOp, children: &[Id]) -> Id {
        self.terms.add(ENode::new(op, children.iter().copied()))
    }

    /// Binds operator variables.
    pub(super) fn bind(&mut self, subst: &mut Subst, operators: &[RuleOperator]) {
        for (bound, op) in subst.ops.iter_mut().zip(operators) {
            let (op, attribute) = match op {
                RuleOperator::Unary(UnaryOp::Powi(n)) => (EOp::Powi, Some(self.add(EOp::Int(*n), &[]))),
                RuleOperator::Unary(u) => (EOp::Unary(*u), None),
                RuleOperator::Binary(o) => (EOp::Binary(*o), None),
            };
            *bound = Some(BoundOp { op, attributes: attribute.into_iter().collect() });
        }
    }

    /// A product of two leaves for a variable; `None` where the leaves do not fit together.
    fn product(&mut self, variable: usize) -> Option<Id> {
        let (a, b) = (self.leaf(), self.leaf());
        self.terms.analysis.infer(&EOp::Gemm, &[&self.terms[a].data, &self.terms[b].data])?;
        let class = self.add(EOp::Gemm, &[a, b]);
        self.products.push(VariableProduct { variable, class });
        Some(class)
    }

    fn leaf(&mut self) -> Id {
        self.next_leaf += 1;
        self.add(EOp::Leaf(self.next_leaf - 1), &[])
    }

    /// The term of an input; `None` where it is ill-formed.
    pub(super) fn input(&mut self, variable: usize, input: &RuleInput) -> Option<Id> {
        let id = match input {
            RuleInput::Array(..) => self.leaf(),
            RuleInput::Viewed(shape, _, view) => {
                let leaf = self.leaf();
                view_terms(&mut self.terms.analysis, shape, view).into_iter().fold(leaf, |id, step| {
                    let attribute = step.attribute.map(|a| self.add(a, &[]));
                    let children: Vec<Id> = [id].into_iter().chain(attribute).collect();
                    self.add(step.op, &children)
                })
            }
            RuleInput::Product(..) => self.product(variable)?,
            RuleInput::Mask(..) => {
                let product = self.product(variable)?;
                let square = self.add(EOp::Unary(UnaryOp::Square), &[product]);
                self.add(EOp::Binary(BinaryOp::Gt), &[product, square])
            }
            RuleInput::Negated(of) => {
                let product = self.products.iter().find(|p| p.variable == *of)?.class;
                self.add(EOp::Unary(UnaryOp::Neg), &[product])
            }
            RuleInput::Coordinate(shape, axis) => {
                let op = Op::Iota { shape: shape.clone(), axis: *axis, dtype: DType::I32 };
                let opaque = self.terms.analysis.intern_op(op);
                self.add(EOp::Opaque(opaque), &[])
            }
            RuleInput::Slot(_) => {
                self.next_slot += 1;
                self.add(EOp::Slot(self.next_slot - 1), &[])
            }
            RuleInput::Literal(s) => self.add(EOp::Literal(*s), &[]),
            RuleInput::Axes(axes) => self.add(EOp::Axes(axes.clone().into()), &[]),
            RuleInput::Extents(s) => self.add(EOp::Extents(s.clone().into()), &[]),
            RuleInput::Int(n) => self.add(EOp::Int(*n), &[]),
        };
        (self.terms[id].data.sort != Sort::Roots).then_some(id)
    }

    /// The classes as a graph. Nothing was united, so every class has one term.
    pub(super) fn graph(self, roots: &[Id]) -> Result<Graph> {
        let input = Graph {
            leaves: self.terms.analysis.leaves.clone(),
            slots: self.terms.analysis.slots.clone(),
            roots: (0..roots.len() as u32).map(NodeId).collect(),
            ..Graph::default()
        };
        let extraction = Extraction::only(&self.terms);
        let encoded = Encoded {
            roots: roots.first().copied().ok_or_else(|| Error::argument("no expression given"))?,
            of_node: roots.to_vec(),
            terms: self.terms,
            originals: Vec::new(),
        };
        Ok(decode_apart(&input, &encoded, &extraction)?.graph)
    }
}
