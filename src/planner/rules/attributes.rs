//! Attributes of patterns, which are relative to the terms around them: `last` is the last axis of an operand, `result` the extents
//! of what the left side matched.

use super::model::AttrPat;
use super::subst::Subst;
use crate::planner::class_facts::{Facts, Sort};
use crate::planner::knowledge::Terms;
use crate::planner::language::EOp;
use crate::types::Dims;

/// What an attribute of a pattern stands for beside this operand and in a term with this result.
pub(in crate::planner) fn attribute(
    attr: &AttrPat,
    operand: Option<&Facts>,
    result: Option<&Facts>,
    terms: &Terms,
    s: &Subst,
) -> Option<EOp> {
    let axes_of = |v: usize| match &terms[s.vars[v]?].data.sort {
        Sort::Attribute(EOp::Axes(axes)) => Some(axes.clone()),
        _ => None,
    };
    let axes = |list: &[usize]| Some(EOp::Axes(Dims::from_slice(list).into()));
    let rank = operand.map(|f| f.shape.rank());
    match attr {
        AttrPat::Int(n) => Some(EOp::Int(*n)),
        AttrPat::Result => Some(EOp::Extents(result?.shape.clone().into())),
        AttrPat::Last => axes(&[rank?.checked_sub(1)?]),
        AttrPat::Rows => axes(&[rank?.checked_sub(2)?]),
        AttrPat::Both => axes(&[rank?.checked_sub(2)?, rank? - 1]),
        AttrPat::Every => (rank? > 0).then(|| EOp::Axes(Dims::from_iter(0..rank.unwrap_or(0)).into())),
        AttrPat::Union(a, b) => {
            let mut all: Dims = axes_of(*a)?.iter().chain(axes_of(*b)?.iter()).copied().collect();
            all.sort_unstable();
            all.dedup();
            Some(EOp::Axes(all.into()))
        }
        AttrPat::Turned(v) => {
            let rank = rank?;
            let mut all: Dims = axes_of(*v)?
                .iter()
                .map(|&a| {
                    if a + 2 == rank {
                        rank - 1
                    } else if a + 1 == rank {
                        rank - 2
                    } else {
                        a
                    }
                })
                .collect();
            all.sort_unstable();
            Some(EOp::Axes(all.into()))
        }
    }
}

/// Whether `found` is what an attribute of a pattern stands for, see [`attribute`].
pub(in crate::planner) fn is_attribute(
    found: &EOp,
    attr: &AttrPat,
    operand: Option<&Facts>,
    result: &Facts,
    terms: &Terms,
    s: &Subst,
) -> bool {
    let rank = operand.map(|f| f.shape.rank());
    // The attributes of most patterns can be compared without making one.
    match (attr, found) {
        (AttrPat::Int(n), EOp::Int(m)) => n == m,
        (AttrPat::Last, EOp::Axes(axes)) => axes.len() == 1 && rank.is_some_and(|r| axes[0] + 1 == r),
        (AttrPat::Rows, EOp::Axes(axes)) => axes.len() == 1 && rank.is_some_and(|r| axes[0] + 2 == r),
        (AttrPat::Result, EOp::Extents(extents)) => **extents == result.shape,
        _ => attribute(attr, operand, Some(result), terms, s).is_some_and(|w| w == *found),
    }
}
