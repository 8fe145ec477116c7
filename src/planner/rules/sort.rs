//! What variables of rules stand for.

use crate::planner::class_facts::Sort;
use crate::planner::class_mask::ClassMask;
use crate::planner::language::EOp;
use crate::planner::properties::{Properties, Property};

/// What a variable stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::planner) enum VarSort {
    Tensor,
    Kernel,
    Axes,
    Extents,
    Int,
}

impl VarSort {
    pub(in crate::planner) const fn name(self) -> &'static str {
        match self {
            Self::Tensor => "an array",
            Self::Kernel => "a kernel",
            Self::Axes => "axes",
            Self::Extents => "extents",
            Self::Int => "an integer",
        }
    }

    /// What the mask of a class must have for the class to be of this sort. No mask tells attributes apart.
    pub(in crate::planner) fn required_mask(self) -> ClassMask {
        match self {
            Self::Tensor => ClassMask::of(Properties::if_holds(Property::Array, true)),
            Self::Kernel => ClassMask::of(Properties::if_holds(Property::Kernel, true)),
            Self::Axes | Self::Extents | Self::Int => ClassMask::NONE,
        }
    }

    /// Whether a class of the sort may stand for a variable of this one.
    pub(in crate::planner) fn admits(self, sort: &Sort) -> bool {
        matches!(
            (self, sort),
            (Self::Tensor, Sort::Tensor)
                | (Self::Kernel, Sort::Kernel(_))
                | (Self::Axes, Sort::Attribute(EOp::Axes(_)))
                | (Self::Extents, Sort::Attribute(EOp::Extents(_)))
                | (Self::Int, Sort::Attribute(EOp::Int(_)))
        )
    }
}

/// A variable of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::planner) struct Variable {
    pub(in crate::planner) name: String,
    pub(in crate::planner) sort: VarSort,
}
