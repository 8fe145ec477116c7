//! The terms that the e-graph holds: tensors, kernels and the attributes of both.
//!
//! A term is an operation and the classes it is applied to. Attributes (axes, extents, exponents, dtypes) are leaf terms of
//! their own, so that a variable of a rule can stand for them. A kernel is the result of a product that is still in registers;
//! an elementwise operation with a kernel among its operands is an epilogue stage and is itself a kernel. This module knows no
//! rule and no cost.

use std::sync::Arc;

use egg::{Id, Language};
use smallvec::SmallVec;

use crate::graph::{BinaryOp, CastMode, HostOp, ReduceOp, UnaryOp};
use crate::types::{DType, Dims, Scalar, Shape};

/// What a term does with its children.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum EOp {
    /// Attribute: axes of a reduction.
    Axes(Arc<Dims>),
    /// Attribute: the extents of a view's result.
    Extents(Arc<Shape>),
    /// Attribute: a view without a name of its own, by its number in `Knowledge`.
    ViewOf(u32),
    /// Attribute: an integer exponent.
    Int(i32),
    /// Attribute: the target of a cast.
    Type(DType),
    /// Data from outside.
    Leaf(u32),
    /// A constant, which is part of the plan.
    Literal(Scalar),
    /// A scalar, which belongs to a run.
    Slot(u32),
    /// Elementwise, one operand; never a power.
    Unary(UnaryOp),
    /// Operand and integer exponent.
    Powi,
    /// Elementwise, two operands.
    Binary(BinaryOp),
    /// Elementwise choice.
    Select,
    /// Operand and target dtype.
    Cast(CastMode),
    /// The last two axes exchanged.
    Transpose,
    /// The diagonal of the last two axes.
    Diagonal,
    /// Operand and extents, walked in row-major order.
    Reshape,
    /// Operand and extents.
    Broadcast,
    /// Operand and any other view.
    Strided,
    /// Operand and axes.
    Reduce(ReduceOp),
    /// Matrix product.
    Contract,
    /// A library routine, and which of its results.
    Host(HostOp, u8),
    /// An operation that no rule looks into, by its number in `Knowledge`.
    Opaque(u32),
    /// A product kept in registers.
    Gemm,
    /// A product kept in registers whose result equals its transpose.
    Syrk,
    /// A kernel's result stored.
    Run,
    /// The diagonal of a kernel's result stored.
    RunDiag,
    /// All roots of the graph.
    Roots,
}

impl EOp {
    /// Whether a term of this operation is elementwise over its tensor (or kernel) operands.
    pub(super) fn is_elementwise(&self) -> bool {
        matches!(self, Self::Unary(_) | Self::Powi | Self::Binary(_) | Self::Select | Self::Cast(_))
    }

    /// Whether a term of this operation moves no data.
    pub(super) fn is_view(&self) -> bool {
        matches!(self, Self::Transpose | Self::Diagonal | Self::Reshape | Self::Broadcast | Self::Strided)
    }

    /// Whether nothing is computed for a term of this operation: data from outside, a constant, a scalar of the run.
    pub(super) fn is_given(&self) -> bool {
        matches!(self, Self::Leaf(_) | Self::Literal(_) | Self::Slot(_))
    }

    /// Whether a term of this operation is an attribute.
    pub(super) fn is_attribute(&self) -> bool {
        matches!(self, Self::Axes(_) | Self::Extents(_) | Self::ViewOf(_) | Self::Int(_) | Self::Type(_))
    }

    /// How many of the children are operands; the rest are attributes.
    pub(super) fn n_operands(&self, n_children: usize) -> usize {
        match self {
            Self::Powi | Self::Cast(_) | Self::Reshape | Self::Broadcast | Self::Strided | Self::Reduce(_) => 1,
            _ => n_children,
        }
    }
}

/// An operation applied to classes.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ENode {
    /// What is done.
    pub(super) op: EOp,
    /// To what: operands first, attributes after them.
    pub(super) children: SmallVec<[Id; 3]>,
}

impl Clone for ENode {
    /// Copies the children as one block of memory: nothing is cloned more often than terms.
    fn clone(&self) -> Self {
        Self { op: self.op.clone(), children: SmallVec::from_slice(&self.children) }
    }
}

impl ENode {
    /// A term with its children in canonical order if the operation is commutative.
    pub(super) fn new(op: EOp, children: impl IntoIterator<Item = Id>) -> Self {
        let mut node = Self { op, children: children.into_iter().collect() };
        node.order();
        node
    }

    /// Puts the operands of a commutative operation in the order of their classes.
    pub(super) fn order(&mut self) {
        if let EOp::Binary(b) = &self.op
            && b.is_commutative()
        {
            self.children.sort_unstable();
        }
    }

    /// The children that are operands.
    pub(super) fn operands(&self) -> &[Id] {
        &self.children[..self.op.n_operands(self.children.len())]
    }
}

impl Language for ENode {
    /// The planner looks classes up by its own index, so egg need not keep one by operation.
    type Discriminant = ();

    fn discriminant(&self) {}

    fn matches(&self, other: &Self) -> bool {
        self.op == other.op && self.children.len() == other.children.len()
    }

    fn children(&self) -> &[Id] {
        &self.children
    }

    fn children_mut(&mut self) -> &mut [Id] {
        &mut self.children
    }

    /// When classes get other numbers, the operands of a commutative operation are ordered again, so that equal terms stay equal.
    fn update_children<F: FnMut(Id) -> Id>(&mut self, mut f: F) {
        self.children.iter_mut().for_each(|c| *c = f(*c));
        self.order();
    }
}
