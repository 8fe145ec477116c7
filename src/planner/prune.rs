//! Terms that no plan can want any more, taken out of their classes when all rules are done.
//!
//! In goes a saturated e-graph; what stays is what extraction may choose, and what counts as a term of it. A term goes when it
//! needs its own class, when its class is data or a number, when it is a product whose kernel is there, and when it is a step
//! after a product that is only ever computed by a kernel which has the step as a stage. Nothing is looked up here by a rule's
//! name, and no cost is asked: whatever the table, something else in the class needs less.

use egg::Id;

use super::facts::Terms;
use super::language::{ENode, EOp};

/// Takes out what is of no use.
pub(super) fn prune(terms: &mut Terms) {
    let mut ids: Vec<Id> = terms.classes().filter(|c| c.nodes.len() > 1).map(|c| c.id).collect();
    // Operands mostly have lower numbers than what is made of them, so that one pass sees whole chains of stages.
    ids.sort_unstable();
    for id in ids {
        let nodes = &terms[id].nodes;
        let given = nodes.iter().any(is_given);
        let kept: Vec<bool> = nodes.iter().map(|n| if given { is_given(n) } else { is_useful(terms, id, n) }).collect();
        if kept.contains(&true) && kept.contains(&false) {
            let mut kept = kept.into_iter();
            terms[id].nodes.retain(|_| kept.next() == Some(true));
        }
    }
}

/// Whether nothing at all is computed for a term.
fn is_given(node: &ENode) -> bool {
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
