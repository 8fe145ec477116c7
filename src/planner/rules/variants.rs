//! Variants of a left side under commutativity.
//!
//! The e-graph keeps operands of commutative operations in canonical order, which says nothing about the order in which a rule
//! names them. Each such operation of a pattern is therefore tried both ways.

use super::model::{Head, Pat};
use crate::planner::language::EOp;

/// At most this many variants of one left side are made.
const MAX_VARIANTS: usize = 64;

/// The pattern and its variants.
pub(super) fn variants(pattern: &Pat) -> Vec<Pat> {
    let mut out: Vec<Pat> = Vec::new();
    for p in swapped(pattern) {
        if !out.contains(&p) && out.len() < MAX_VARIANTS {
            out.push(p);
        }
    }
    out
}

fn swapped(pattern: &Pat) -> Vec<Pat> {
    let Pat::Node(head, args) = pattern else { return vec![pattern.clone()] };
    let mut combinations: Vec<Vec<Pat>> = vec![Vec::new()];
    for arg in args {
        let choices = swapped(arg);
        combinations = combinations
            .into_iter()
            .flat_map(|c| choices.iter().map(move |x| [c.clone(), vec![x.clone()]].concat()))
            .take(MAX_VARIANTS)
            .collect();
    }
    let commutes = matches!(head, Head::Is(EOp::Binary(b)) if b.is_commutative());
    let mut out = Vec::new();
    for args in combinations {
        if commutes && args[0] != args[1] {
            out.push(Pat::Node(head.clone(), vec![args[1].clone(), args[0].clone()]));
        }
        out.push(Pat::Node(head.clone(), args));
    }
    out.truncate(MAX_VARIANTS);
    out
}
