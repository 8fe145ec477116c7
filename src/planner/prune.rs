//! Terms that no plan can want any more, taken out of their classes: constants at once, all else when the rules are done.
//!
//! In goes an e-graph; what stays is what extraction may choose, and what counts as a term of it. A term goes when it
//! needs its own class, when its class is data or a number, when it is a product whose kernel is there, and when it is a step
//! after a product that is only ever computed by a kernel which has the step as a stage: whatever the table, something else in
//! the class needs less. At the very end costs are asked too (`dominated`): a term goes beside another that needs no more and
//! costs no more, and with it what the roots do not reach. Nothing is looked up here by a rule's name.

use egg::Id;
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::cost;
use super::facts::{Facts, Sort, Terms};
use super::language::{ENode, EOp};
use crate::types::CostTable;

/// Takes out what is of no use, until nothing more is.
pub(super) fn prune(terms: &mut Terms) {
    let mut ids: Vec<Id> = terms.classes().filter(|c| c.nodes.len() > 1).map(|c| c.id).collect();
    // Operands mostly have lower numbers than what is made of them, so that one pass sees most chains of stages whole.
    ids.sort_unstable();
    while thin(terms, &ids) {
        ids.retain(|&id| terms[id].nodes.len() > 1);
    }
}

/// One pass over these classes; whether anything was taken out.
fn thin(terms: &mut Terms, ids: &[Id]) -> bool {
    let mut taken = false;
    for &id in ids {
        let nodes = &terms[id].nodes;
        let given = nodes.iter().any(is_given);
        let kept: Vec<bool> = nodes.iter().map(|n| if given { is_given(n) } else { is_useful(terms, id, n) }).collect();
        if kept.contains(&true) && kept.contains(&false) {
            let mut kept = kept.into_iter();
            terms[id].nodes.retain(|_| kept.next() == Some(true));
            taken = true;
        }
    }
    taken
}

/// Takes out terms beside which another of their class needs no more operands and costs no more itself; of two alike the later.
/// `outdone` terms stand in nobody's way. Scalars that are guarded are needed as the roots are.
pub(super) fn dominated(terms: &mut Terms, costs: &CostTable, outdone: &HashSet<ENode>, guarded: &[Id]) {
    let ids: Vec<Id> = terms.classes().filter(|c| c.nodes.len() > 1).map(|c| c.id).collect();
    for id in ids {
        let class = &terms[id];
        let own = |n: &ENode| {
            let operands: Vec<&Facts> = n.operands().iter().map(|&c| &terms[c].data).collect();
            let avoided = !outdone.is_empty() && outdone.contains(n);
            (avoided, cost::own(&n.op, &class.data, &operands, &terms.analysis.opaques, costs))
        };
        let ways: SmallVec<[(bool, f64); 8]> = class.nodes.iter().map(own).collect();
        let needs_no_more = |x: &ENode, y: &ENode| x.operands().iter().all(|c| y.operands().contains(c));
        let beats = |i: usize, j: usize| {
            let (x, y) = (&ways[i], &ways[j]);
            let no_dearer = x.0 <= y.0 && (x.1, i) < (y.1, j);
            no_dearer && needs_no_more(&class.nodes[i], &class.nodes[j])
        };
        let n = ways.len();
        let kept: SmallVec<[bool; 8]> = (0..n).map(|j| !(0..n).any(|i| i != j && beats(i, j))).collect();
        if kept.contains(&false) {
            let mut kept = kept.into_iter();
            terms[id].nodes.retain(|_| kept.next() == Some(true));
        }
    }
    unneeded(terms, guarded);
}

/// Empties the classes that no term needs which the roots or these classes might need.
fn unneeded(terms: &mut Terms, also: &[Id]) {
    let mut needed = vec![false; terms.analysis.n_made];
    let mut open: Vec<Id> = terms.classes().filter(|c| c.data.sort == Sort::Roots).map(|c| c.id).collect();
    if open.is_empty() {
        return;
    }
    open.extend_from_slice(also);
    while let Some(id) = open.pop() {
        let id = terms.find(id);
        if !std::mem::replace(&mut needed[usize::from(id)], true) {
            open.extend(terms[id].nodes.iter().flat_map(|n| n.children.iter().copied()));
        }
    }
    for class in terms.classes_mut() {
        if !needed[usize::from(class.id)] {
            class.nodes.clear();
        }
    }
}

/// Leaves a class that is one known number everywhere with the terms that say so. Else such a class collects the forms of all
/// that was ever multiplied by zero, and whatever reads it is tried with each of them.
pub(super) fn keep_constant(terms: &mut Terms, class: Id) {
    if terms[class].data.structure.fill.is_some() && terms[class].nodes.len() > 1 {
        let kept: Vec<ENode> = terms[class].nodes.iter().filter(|n| says_it(terms, n)).cloned().collect();
        if !kept.is_empty() {
            terms[class].nodes = kept;
        }
    }
}

/// Whether a term of a class that is one known number everywhere need not be looked at.
pub(super) fn is_spent(terms: &Terms, class: Id, node: &ENode) -> bool {
    terms[class].data.structure.fill.is_some()
        && !says_it(terms, node)
        && terms[class].nodes.iter().all(|n| says_it(terms, n))
}

/// Whether a term is a number, or one stretched to an array.
fn says_it(terms: &Terms, node: &ENode) -> bool {
    let number = |n: &ENode| matches!(n.op, EOp::Literal(_));
    number(node) || node.op == EOp::Broadcast && terms[node.children[0]].nodes.iter().any(number)
}

/// Whether nothing at all is computed for a term.
pub(super) fn is_given(node: &ENode) -> bool {
    matches!(node.op, EOp::Leaf(_) | EOp::Literal(_) | EOp::Slot(_))
}

fn is_useful(terms: &Terms, class: Id, node: &ENode) -> bool {
    if node.operands().iter().any(|&c| terms.find(c) == class) {
        return false;
    }
    let stored = |kernel: ENode| {
        let kernel = terms.lookup(kernel)?;
        terms.lookup(ENode::new(EOp::Run, [kernel])).filter(|&run| run == class)
    };
    if node.op == EOp::Contract {
        return stored(ENode { op: EOp::Gemm, children: node.children.clone() }).is_none();
    }
    if !node.op.is_elementwise() || terms[class].data.is_kernel() {
        return true;
    }
    let n_operands = node.operands().len();
    let as_stage = (0..n_operands).any(|i| {
        let Some(kernel) = only_kernel(terms, node.children[i]) else { return false };
        let mut children = node.children.clone();
        children[i] = kernel;
        stored(ENode::new(node.op.clone(), children)).is_some()
    });
    !as_stage
}

/// The kernel of a class that nothing but a kernel computes.
fn only_kernel(terms: &Terms, class: Id) -> Option<Id> {
    let mut nodes = terms[class].nodes.iter();
    let kernel = nodes.next().filter(|n| n.op == EOp::Run)?.children[0];
    nodes.all(|n| n.op == EOp::Run).then_some(kernel)
}
