//! One word for each class: which operations its terms have, and which properties are known of it.
//!
//! Saturation filters matches by these words before it looks at any term: a pattern and its conditions require some bits, and a
//! class that lacks one of them cannot match. This module knows operations and properties, but no rule and no e-graph.

use std::ops::{BitOr, BitOrAssign};

use super::language::EOp;
use super::properties::{Properties, Property};
use crate::graph::{BinaryOp, ReduceOp, UnaryOp};

/// A set of operations and properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClassMask(u64);

/// The bits below stand for operations.
const FIRST_PROPERTY: u32 = 45;
const PROPERTIES: u64 = (Properties::ALL.bits() as u64) << FIRST_PROPERTY;

const _: () = assert!(PROPERTIES < ClassMask::ANY_UNARY.0, "a property has no bit left");

impl ClassMask {
    /// Nothing.
    pub(super) const NONE: Self = Self(0);
    /// Everything.
    pub(super) const ALL: Self = Self(u64::MAX);
    /// Some elementwise operation of one operand.
    pub(super) const ANY_UNARY: Self = Self(1 << 62);
    /// Some elementwise operation of two operands.
    pub(super) const ANY_BINARY: Self = Self(1 << 63);
    /// Every property that a condition of a rule may ask for.
    pub(super) const CONDITIONS: Self =
        Self::of(Properties::ALL.with(Property::Array, false).with(Property::Kernel, false));

    /// These properties.
    pub(super) const fn of(properties: Properties) -> Self {
        Self((properties.bits() as u64) << FIRST_PROPERTY)
    }

    /// What a class has that holds a term of this operation.
    pub(super) fn of_op(op: &EOp) -> Self {
        let arity = match op {
            EOp::Unary(_) | EOp::Powi | EOp::Cast(_) => Self::ANY_UNARY,
            EOp::Binary(_) => Self::ANY_BINARY,
            _ => Self::NONE,
        };
        Self(1 << bit(op)) | arity
    }

    /// What a class must have to hold a term of this operation.
    pub(super) fn required_by(op: &EOp) -> Self {
        Self(1 << bit(op))
    }

    /// Whether everything that is required is there.
    pub(super) const fn contains(self, required: Self) -> bool {
        self.0 & required.0 == required.0
    }

    /// What is required and not there.
    pub(super) const fn lacks(self, required: Self) -> Self {
        Self(required.0 & !self.0)
    }

    /// Whether the two have anything in common.
    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the property is there.
    pub(super) const fn has(self, property: Property) -> bool {
        self.properties().has(property)
    }

    /// The properties.
    pub(super) const fn properties(self) -> Properties {
        Properties::from_bits((self.0 >> FIRST_PROPERTY) as u32)
    }

    /// The same operations with other properties.
    pub(super) const fn with_properties(self, properties: Properties) -> Self {
        Self(self.0 & !PROPERTIES | Self::of(properties).0)
    }

    /// The word itself.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// The mask of such a word.
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl BitOr for ClassMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for ClassMask {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The bit of an operation. Those that rules look for most have one of their own; the others share one.
fn bit(op: &EOp) -> u32 {
    use {BinaryOp as B, ReduceOp as R, UnaryOp as U};
    match op {
        EOp::Literal(_) => 0,
        EOp::Transpose => 1,
        EOp::Diagonal => 2,
        EOp::Reshape => 3,
        EOp::Broadcast => 4,
        EOp::Contract => 5,
        EOp::Gemm => 6,
        EOp::Syrk => 7,
        EOp::Run => 8,
        EOp::RunDiag => 9,
        EOp::Select => 10,
        EOp::Cast(_) => 11,
        EOp::Powi => 12,
        EOp::Host(..) => 13,
        EOp::Reduce(R::Sum) => 14,
        EOp::Reduce(R::Max) => 15,
        EOp::Reduce(R::Min) => 16,
        EOp::Reduce(_) => 17,
        EOp::Unary(U::Neg) => 18,
        EOp::Unary(U::Abs) => 19,
        EOp::Unary(U::Square) => 20,
        EOp::Unary(U::Sqrt) => 21,
        EOp::Unary(U::Rsqrt) => 22,
        EOp::Unary(U::Recip) => 23,
        EOp::Unary(U::Exp) => 24,
        EOp::Unary(U::Expm1) => 25,
        EOp::Unary(U::Log) => 26,
        EOp::Unary(U::Log1p) => 27,
        EOp::Unary(U::Not) => 28,
        EOp::Unary(U::Sign) => 29,
        EOp::Unary(_) => 30,
        EOp::Binary(B::Add) => 31,
        EOp::Binary(B::Sub) => 32,
        EOp::Binary(B::Mul) => 33,
        EOp::Binary(B::Div) => 34,
        EOp::Binary(B::Pow) => 35,
        EOp::Binary(B::Maximum) => 36,
        EOp::Binary(B::Minimum) => 37,
        EOp::Binary(B::Fmax) => 38,
        EOp::Binary(B::Fmin) => 39,
        EOp::Binary(B::And) => 40,
        EOp::Binary(B::Or) => 41,
        EOp::Binary(_) => 42,
        EOp::Leaf(_)
        | EOp::Slot(_)
        | EOp::Strided
        | EOp::Opaque(_)
        | EOp::Axes(_)
        | EOp::Extents(_)
        | EOp::ViewOf(_)
        | EOp::Int(_)
        | EOp::Type(_)
        | EOp::Roots => 43,
    }
}
