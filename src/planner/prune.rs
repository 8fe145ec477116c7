//! Removing terms that no plan would choose: those of constant classes at once, all others when the rules are done.
//!
//! In: an e-graph. Out: the same e-graph with fewer terms in its classes; what remains is what extraction may choose, and what
//! counts as a term of the e-graph. `prune` removes a term when it needs its own class, when its class is data or a number, when it
//! is a product whose kernel is there, and when it is a step after a product that only a kernel computes which has the step as
//! a stage: whatever the cost table says, another term of the class needs less. Before extraction, `dominated` consults costs too:
//! it removes a term beside another that needs no more and costs no more, operands of its own included, and empties
//! classes that the roots do not reach. Nothing here depends on the name of a rule.

use egg::Id;
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::class_facts::{Facts, Sort};
use super::cost;
use super::knowledge::Terms;
use super::language::{ENode, EOp};
use super::properties::Property;
use crate::types::CostTable;

/// Removes terms that are of no use, until none is left.
pub(super) fn prune(terms: &mut Terms) {
    let mut ids: Vec<Id> = terms.classes().filter(|c| c.nodes.len() > 1).map(|c| c.id).collect();
    // Operands mostly have lower numbers than their users, so one pass sees most chains of stages whole.
    ids.sort_unstable();
    while prune_once(terms, &ids) {
        ids.retain(|&id| terms[id].nodes.len() > 1);
    }
}

/// One pass over these classes; whether anything was removed.
fn prune_once(terms: &mut Terms, ids: &[Id]) -> bool {
    let mut removed = false;
    for &id in ids {
        let nodes = &terms[id].nodes;
        let given = nodes.iter().any(|n| n.op.is_given());
        let useful = |n: &ENode| if given { n.op.is_given() } else { is_useful(terms, id, n) };
        let kept: SmallVec<[bool; 8]> = nodes.iter().map(useful).collect();
        removed |= kept.contains(&true) && retain(terms, id, &kept);
    }
    removed
}

/// Removes all but these of a class's terms; whether there were others.
fn retain(terms: &mut Terms, class: Id, kept: &[bool]) -> bool {
    let removes = kept.contains(&false);
    if removes {
        let mut kept = kept.iter();
        terms[class].nodes.retain(|_| kept.next() == Some(&true));
    }
    removes
}

/// Removes terms beside which another of their class needs no more and costs no more; of two alike the later. What a term needs
/// for itself alone counts with it: operands that nothing else uses. `superseded` terms dominate none that are not.
pub(super) fn dominated(terms: &mut Terms, costs: &CostTable, superseded: &HashSet<ENode>) {
    let mut users = vec![0u32; terms.analysis.n_made];
    let needed = terms.classes().flat_map(|c| &c.nodes).flat_map(|n| n.operands());
    needed.for_each(|&c| users[usize::from(terms.find(c))] += 1);
    // In the order of numbers: what one class loses bears on the next.
    let mut ids: Vec<Id> = terms.classes().filter(|c| c.nodes.len() > 1).map(|c| c.id).collect();
    ids.sort_unstable();
    for class in ids {
        let rivals = Rivals { terms, costs, superseded, users: &users, class };
        let rival_terms: SmallVec<[RivalTerm; 8]> =
            terms[class].nodes.iter().enumerate().map(|(place, n)| rivals.term(place, n)).collect();
        let n = rival_terms.len();
        let mut kept: SmallVec<[bool; 8]> = SmallVec::from_elem(true, n);
        for j in 0..n {
            kept[j] = !(0..n).any(|i| i != j && kept[i] && rivals.dominates(&rival_terms[i], &rival_terms[j]));
        }
        retain(terms, class, &kept);
    }
    empty_unneeded(terms);
}

/// A term beside others of its class.
struct RivalTerm {
    /// Its place among them.
    place: usize,
    operands: SmallVec<[Id; 3]>,
    superseded: bool,
    /// What it costs by itself.
    own: f64,
    /// Operands that it needs for itself alone.
    alone: SmallVec<[Id; 3]>,
    /// What it and those need that others may need too.
    needs: SmallVec<[Id; 6]>,
}

struct Rivals<'a> {
    terms: &'a Terms,
    costs: &'a CostTable,
    superseded: &'a HashSet<ENode>,
    /// By class: how many terms have it as an operand.
    users: &'a [u32],
    class: Id,
}

impl Rivals<'_> {
    fn own(&self, class: Id, node: &ENode) -> f64 {
        let operands: SmallVec<[&Facts; 4]> = node.operands().iter().map(|&c| &self.terms[c].data).collect();
        cost::term_ns(&node.op, &self.terms[class].data, &operands, &self.terms.analysis.opaques, self.costs)
    }

    /// The only term of a class other than the one at hand, if it has operands and does not need the class at hand.
    fn only(&self, class: Id) -> Option<&ENode> {
        let [node] = &self.terms[class].nodes[..] else { return None };
        let operands = node.operands();
        let plain = !self.superseded.contains(node) && !operands.is_empty();
        (plain && operands.iter().all(|&c| self.terms.find(c) != self.class)).then_some(node)
    }

    fn term(&self, place: usize, node: &ENode) -> RivalTerm {
        let (mut alone, mut needs) = (SmallVec::new(), SmallVec::new());
        let operands: SmallVec<[Id; 3]> = node.operands().iter().map(|&c| self.terms.find(c)).collect();
        for (i, &c) in operands.iter().enumerate() {
            match self.only(c).filter(|_| self.users[usize::from(c)] == 1) {
                Some(below) => {
                    alone.push(c);
                    needs.extend(below.operands().iter().map(|&d| self.terms.find(d)));
                }
                None if operands[..i].contains(&c) => {}
                None => needs.push(c),
            }
        }
        let superseded = self.superseded.contains(node);
        RivalTerm { place, superseded, own: self.own(self.class, node), operands, alone, needs }
    }

    /// Whether `x` can be computed from what `y` needs at no more than its cost.
    fn dominates(&self, x: &RivalTerm, y: &RivalTerm) -> bool {
        if x.superseded && !y.superseded {
            return false;
        }
        let given = |c: &Id| y.needs.contains(&self.terms.find(*c));
        let made = |&c: &Id| given(&c) || self.only(c).is_some_and(|below| below.operands().iter().all(given));
        if !x.operands.iter().all(made) {
            return false;
        }
        let of_only = |&c: &Id| self.only(c).map_or(0.0, |below| self.own(c, below));
        let cost_x = x.own + x.operands.iter().filter(|c| !given(c)).map(of_only).sum::<f64>();
        let cost_y = y.own + y.alone.iter().map(of_only).sum::<f64>();
        (cost_x, x.place) < (cost_y, y.place)
    }
}

/// Empties the classes that the roots do not reach.
fn empty_unneeded(terms: &mut Terms) {
    let mut needed = vec![false; terms.analysis.n_made];
    let mut open: Vec<Id> = terms.classes().filter(|c| c.data.sort == Sort::Roots).map(|c| c.id).collect();
    if open.is_empty() {
        return;
    }
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

/// Leaves a class that is one known number everywhere only the terms that are that number. Otherwise such a class would collect the
/// forms of everything that was ever multiplied by zero, and rules would be tried on its users with each of them.
pub(super) fn keep_constant(terms: &mut Terms, class: Id) {
    if has_fill(terms, class) && terms[class].nodes.len() > 1 {
        let kept: Vec<ENode> = terms[class].nodes.iter().filter(|n| is_number(terms, n)).cloned().collect();
        if !kept.is_empty() {
            terms[class].nodes = kept;
        }
    }
}

/// Whether a term was removed from its class because the class is one known number everywhere.
pub(super) fn is_removed(terms: &Terms, class: Id, node: &ENode) -> bool {
    has_fill(terms, class) && !is_number(terms, node) && terms[class].nodes.iter().all(|n| is_number(terms, n))
}

fn has_fill(terms: &Terms, class: Id) -> bool {
    terms.analysis.masks[usize::from(class)].has(Property::Uniform) && terms[class].data.structure.fill.is_some()
}

/// Whether a term is a number, or one stretched to an array.
fn is_number(terms: &Terms, node: &ENode) -> bool {
    let number = |n: &ENode| matches!(n.op, EOp::Literal(_));
    number(node) || node.op == EOp::Broadcast && terms[node.children[0]].nodes.iter().any(number)
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

/// The kernel of a class whose terms all store kernels.
fn only_kernel(terms: &Terms, class: Id) -> Option<Id> {
    let mut nodes = terms[class].nodes.iter();
    let kernel = nodes.next().filter(|n| n.op == EOp::Run)?.children[0];
    nodes.all(|n| n.op == EOp::Run).then_some(kernel)
}
