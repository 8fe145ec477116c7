//! Rules and expressions made into small graphs, so that what a rule claims can be held against what it computes.
//!
//! A rule and something for each of its variables come in; both sides come out as one graph with two roots, built by the very
//! functions that planning uses and filtered by the very conditions. This page evaluates nothing.

use std::sync::Arc;

use egg::Id;

use super::decode::decode_apart;
use super::encode::Encoded;
use super::extract::Choice;
use super::facts::{Knowledge, LeafPromise, Sort, Terms};
use super::language::{ENode, EOp};
use super::rules::{Class, Head, Pat, Question, Rule, Rules, Subst, VarSort, draft, draft_alone, parse_expression};
use super::structure::Structure;
use super::views::{Step, split};
use crate::error::{Error, Result};
use crate::graph::{BinaryOp, Graph, LeafInfo, NodeId, Op, UnaryOp};
use crate::types::{DType, Dims, Scalar, Shape, View};

/// What stands for a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
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
    /// The product that stands for an earlier variable, negated.
    Negated(usize),
    /// Axes of a reduction.
    Axes(Dims),
    /// Extents of a view.
    Extents(Shape),
    /// An exponent.
    Int(i32),
}

/// What stands for an operator variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Of one operand.
    Unary(UnaryOp),
    /// Of two operands.
    Binary(BinaryOp),
}

/// What a variable must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A scalar that the host knows.
    pub constant: bool,
    /// A literal equal to a number of elements.
    pub count: bool,
    /// No sign bit but for NaN.
    pub nonneg: bool,
    /// Neither NaN nor infinite.
    pub finite: bool,
    /// Equal to its transpose.
    pub symmetric: bool,
    /// Ones on the diagonal, zeros elsewhere.
    pub identity: bool,
    /// Zeros off the diagonal.
    pub diagonal: bool,
    /// The same number everywhere: 0 or 1.
    pub filled_with: Option<u8>,
}

impl Wanted {
    fn structure(self, dtype: DType) -> Structure {
        Structure {
            fill: self.filled_with.map(|v| Scalar::from_i64(dtype, i64::from(v))),
            identity: self.identity,
            diagonal: self.diagonal || self.identity,
            ..Structure::default()
        }
    }
}

/// What became of an attempt to build both sides.
#[derive(Clone, Debug, PartialEq)]
pub enum Case {
    /// The left side cannot be built from these.
    IllFormed,
    /// A condition does not hold.
    Excluded,
    /// The right side would have another shape or dtype.
    Refused,
    /// Both sides: roots 0 and 1.
    Sides(Graph),
}

/// The sort of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableSort {
    /// An array.
    Array,
    /// A product in registers.
    Kernel,
    /// Axes.
    Axes,
    /// Extents.
    Extents,
    /// An integer.
    Int,
}

/// One direction of a rule, ready to be tried.
#[derive(Clone, Debug)]
pub struct RuleCheck(pub(super) Arc<Rule>);

impl Rules {
    /// Every direction of every rule, to be tried out.
    pub fn checks(&self) -> impl Iterator<Item = RuleCheck> {
        self.all().iter().cloned().map(RuleCheck)
    }

    /// As [`checks`](Self::checks), for the rules of the files that were added to `base`.
    pub fn checks_since(&self, base: &Self) -> impl Iterator<Item = RuleCheck> {
        self.all().iter().skip(base.all().len()).cloned().map(RuleCheck)
    }
}

impl RuleCheck {
    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The name of the file it stands in, without the ending.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.0.subject
    }

    /// Its variables' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.vars.iter().map(|v| v.name.as_str())
    }

    /// Its class for a dtype, where it applies.
    #[must_use]
    pub fn class(&self, dtype: DType) -> Option<Class> {
        self.0.class(dtype)
    }

    /// Its variables' sorts, in order.
    pub fn variables(&self) -> impl Iterator<Item = VariableSort> {
        self.0.vars.iter().map(|v| match v.sort {
            VarSort::Tensor => VariableSort::Array,
            VarSort::Kernel => VariableSort::Kernel,
            VarSort::Axes => VariableSort::Axes,
            VarSort::Extents => VariableSort::Extents,
            VarSort::Int => VariableSort::Int,
        })
    }

    /// The variable whose dtype decides the class.
    #[must_use]
    pub fn subject(&self) -> usize {
        self.0.subject_var
    }

    /// How many operands each operator variable takes, in order.
    #[must_use]
    pub fn operators(&self) -> Vec<usize> {
        (0..self.0.ops.len()).map(|v| operands_of(&self.0.left[0], v).unwrap_or(1)).collect()
    }

    /// Whether a variable decides a choice on the left side, and so is a truth value.
    #[must_use]
    pub fn decides(&self, variable: usize) -> bool {
        decides(&self.0.left[0], variable)
    }

    /// The first variable whose product this one must share.
    #[must_use]
    pub fn shares_core_with(&self, variable: usize) -> Option<usize> {
        let mut pairs = self.0.conditions.iter().filter(|c| c.question == Question::SameCore);
        pairs.find(|c| c.vars[1] == variable).map(|c| c.vars[0])
    }

    /// What the conditions ask of a variable by itself.
    #[must_use]
    pub fn wanted(&self, variable: usize) -> Wanted {
        let mut wanted = Wanted::default();
        for c in &self.0.conditions {
            if c.vars.first() == Some(&variable) {
                match c.question {
                    Question::Constant => wanted.constant = true,
                    Question::Count => wanted.count = true,
                    Question::Nonneg => wanted.nonneg = true,
                    Question::Finite => wanted.finite = true,
                    Question::Symmetric => wanted.symmetric = true,
                    Question::Identity => wanted.identity = true,
                    Question::Diagonal => wanted.diagonal = true,
                    Question::Ones => wanted.filled_with = Some(1),
                    Question::Zeros => wanted.filled_with = Some(0),
                    _ => {}
                }
            }
        }
        wanted
    }

    /// Both sides for these inputs, one for each variable, and these operators. Leaves are numbered in the order of the
    /// variables, two for a product; so are slots.
    #[must_use]
    pub fn case(&self, inputs: &[Input], operators: &[Operator]) -> Case {
        let promises: Vec<LeafPromise> = (0..inputs.len())
            .map(|v| self.wanted(v))
            .zip(inputs)
            .map(|(w, input)| LeafPromise {
                nonneg: w.nonneg,
                finite: w.finite,
                symmetric: w.symmetric,
                structure: match input {
                    Input::Array(_, dtype) | Input::Viewed(_, dtype, _) => w.structure(*dtype),
                    _ => Structure::default(),
                },
            })
            .collect();
        let mut b = Builder::new(inputs, &promises);
        let mut subst = Subst::new(&self.0);
        for (v, input) in inputs.iter().enumerate() {
            let Some(id) = b.input(v, input) else { return Case::IllFormed };
            subst.vars[v] = Some(id);
        }
        let dtype = subst.vars[self.0.subject_var].map(|id| b.terms[id].data.dtype);
        b.bind(&mut subst, operators);
        let Some(left) = draft_alone(&self.0.left[0], &b.terms, &subst, dtype) else { return Case::IllFormed };
        let (left, _) = left.add(&mut b.terms);
        b.terms.rebuild();
        if !self.0.conditions.iter().all(|c| c.holds(&b.terms, left, &subst.vars)) {
            return Case::Excluded;
        }
        let facts = b.terms[left].data.clone();
        let Some(right) = draft(&self.0.right, &b.terms, &subst, &facts) else { return Case::Refused };
        let (right, _) = right.add(&mut b.terms);
        match b.graph(&[left, right]) {
            Ok(graph) => Case::Sides(graph),
            Err(_) => Case::IllFormed,
        }
    }
}

/// Expressions of the rule language over named inputs as one graph with a root for each.
///
/// # Errors
/// What is wrong with the text, or an argument error when an expression is ill-formed for these inputs.
pub fn expressions(texts: &[&str], inputs: &[(&str, Input)]) -> Result<Graph> {
    let only: Vec<Input> = inputs.iter().map(|(_, i)| i.clone()).collect();
    let mut b = Builder::new(&only, &[]);
    let vars: Vec<(String, VarSort)> = inputs
        .iter()
        .map(|(name, input)| {
            let sort = match input {
                Input::Array(..) | Input::Viewed(..) | Input::Coordinate(..) | Input::Slot(_) | Input::Literal(_) => {
                    VarSort::Tensor
                }
                Input::Product(..) | Input::Mask(..) | Input::Negated(_) => VarSort::Kernel,
                Input::Axes(_) => VarSort::Axes,
                Input::Extents(_) => VarSort::Extents,
                Input::Int(_) => VarSort::Int,
            };
            ((*name).to_string(), sort)
        })
        .collect();
    let mut subst = Subst::default();
    for (v, input) in only.iter().enumerate() {
        let id = b.input(v, input).ok_or_else(|| Error::argument(format!("{input:?} is ill-formed")))?;
        subst.vars.push(Some(id));
    }
    let mut roots = Vec::new();
    for text in texts {
        let pattern: Pat = parse_expression(text, &vars)?;
        let built = draft_alone(&pattern, &b.terms, &subst, None)
            .ok_or_else(|| Error::argument(format!("{text} is ill-formed for these inputs")))?;
        roots.push(built.add(&mut b.terms).0);
    }
    b.terms.rebuild();
    b.graph(&roots)
}

fn operands_of(pattern: &Pat, v: usize) -> Option<usize> {
    match pattern {
        Pat::Node(head, args) => match head {
            Head::AnyUnary(o) if *o == v => Some(1),
            Head::AnyBinary(o) if *o == v => Some(2),
            _ => args.iter().find_map(|a| operands_of(a, v)),
        },
        _ => None,
    }
}

/// Whether the variable, or the stored kernel it stands for, is the first operand of a choice.
fn decides(pattern: &Pat, v: usize) -> bool {
    let Pat::Node(head, args) = pattern else { return false };
    let first = match args.first() {
        Some(Pat::Node(Head::Is(EOp::Run), inner)) => inner.first(),
        other => other,
    };
    *head == Head::Is(EOp::Select) && first == Some(&Pat::Var(v)) || args.iter().any(|a| decides(a, v))
}

pub(super) struct Builder {
    pub(super) terms: Terms,
    /// The products that stand for variables.
    products: Vec<(usize, Id)>,
    next_leaf: u32,
    next_slot: u32,
}

impl Builder {
    pub(super) fn new(inputs: &[Input], promises: &[LeafPromise]) -> Self {
        let (mut leaves, mut slots, mut of_leaf) = (Vec::new(), Vec::new(), Vec::new());
        for (v, input) in inputs.iter().enumerate() {
            let promise = promises.get(v).cloned().unwrap_or_default();
            match input {
                Input::Array(shape, dtype) | Input::Viewed(shape, dtype, _) => {
                    leaves.push(LeafInfo { shape: shape.clone(), dtype: *dtype });
                    of_leaf.push(promise);
                }
                Input::Product(a, b, dtype) | Input::Mask(a, b, dtype) => {
                    leaves.extend([a, b].map(|s| LeafInfo { shape: s.clone(), dtype: *dtype }));
                    of_leaf.extend([LeafPromise::default(), LeafPromise::default()]);
                }
                Input::Slot(dtype) => slots.push(*dtype),
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
    pub(super) fn bind(&mut self, subst: &mut Subst, operators: &[Operator]) {
        for (bound, op) in subst.ops.iter_mut().zip(operators) {
            *bound = Some(match op {
                Operator::Unary(UnaryOp::Powi(n)) => (EOp::Powi, [self.add(EOp::Int(*n), &[])].into_iter().collect()),
                Operator::Unary(u) => (EOp::Unary(*u), Default::default()),
                Operator::Binary(o) => (EOp::Binary(*o), Default::default()),
            });
        }
    }

    fn leaf(&mut self) -> Id {
        self.next_leaf += 1;
        self.add(EOp::Leaf(self.next_leaf - 1), &[])
    }

    pub(super) fn input(&mut self, variable: usize, input: &Input) -> Option<Id> {
        let id = match input {
            Input::Array(..) => self.leaf(),
            Input::Viewed(shape, _, view) => {
                let mut id = self.leaf();
                for step in split(shape, view) {
                    let (op, attribute) = match step {
                        Step::Transpose => (EOp::Transpose, None),
                        Step::Diagonal => (EOp::Diagonal, None),
                        Step::Reshape(s) => (EOp::Reshape, Some(EOp::Extents(s.into()))),
                        Step::Broadcast(s) => (EOp::Broadcast, Some(EOp::Extents(s.into()))),
                        Step::Strided(v) => (EOp::Strided, Some(EOp::ViewOf(self.terms.analysis.view(v)))),
                    };
                    let attribute = attribute.map(|a| self.add(a, &[]));
                    let children: Vec<Id> = [id].into_iter().chain(attribute).collect();
                    id = self.add(op, &children);
                }
                id
            }
            Input::Product(..) | Input::Mask(..) => {
                let (a, b) = (self.leaf(), self.leaf());
                self.terms.analysis.infer(&EOp::Gemm, &[&self.terms[a].data, &self.terms[b].data])?;
                let product = self.add(EOp::Gemm, &[a, b]);
                self.products.push((variable, product));
                if matches!(input, Input::Mask(..)) {
                    let square = self.add(EOp::Unary(UnaryOp::Square), &[product]);
                    self.add(EOp::Binary(BinaryOp::Gt), &[product, square])
                } else {
                    product
                }
            }
            Input::Negated(of) => {
                let &(_, product) = self.products.iter().find(|(v, _)| v == of)?;
                self.add(EOp::Unary(UnaryOp::Neg), &[product])
            }
            Input::Coordinate(shape, axis) => {
                let op = Op::Iota { shape: shape.clone(), axis: *axis, dtype: DType::I32 };
                let opaque = self.terms.analysis.opaque(op);
                self.add(EOp::Opaque(opaque), &[])
            }
            Input::Slot(_) => {
                self.next_slot += 1;
                self.add(EOp::Slot(self.next_slot - 1), &[])
            }
            Input::Literal(s) => self.add(EOp::Literal(*s), &[]),
            Input::Axes(axes) => self.add(EOp::Axes(axes.clone().into()), &[]),
            Input::Extents(s) => self.add(EOp::Extents(s.clone().into()), &[]),
            Input::Int(n) => self.add(EOp::Int(*n), &[]),
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
        let choice = Choice::only(&self.terms);
        let encoded = Encoded {
            roots: roots.first().copied().ok_or_else(|| Error::argument("no expression given"))?,
            of_node: roots.to_vec(),
            terms: self.terms,
            originals: Vec::new(),
        };
        Ok(decode_apart(&input, &encoded, &choice)?.graph)
    }
}
