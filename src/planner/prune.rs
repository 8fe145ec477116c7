//! Terms that no plan can want any more, taken out of their classes: constants at once, all else when the rules are done.
//!
//! In goes an e-graph; what stays is what extraction may choose, and what counts as a term of it. A term goes when it
//! needs its own class, when its class is data or a number, when it is a product whose kernel is there, and when it is a step
//! after a product that is only ever computed by a kernel which has the step as a stage: whatever the table, something else in
//! the class needs less. At the very end costs are asked too (`dominated`): a term goes beside another that needs no more and
//! costs no more, operands of its own included, and with it what the roots do not reach. Nothing is looked up here by a rule's name.

use egg::Id;
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::cost;
use super::facts::{Facts, Sort, Terms};
use super::index::FILL;
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
        let useful = |n| if given { is_given(n) } else { is_useful(terms, id, n) };
        let kept: SmallVec<[bool; 8]> = nodes.iter().map(useful).collect();
        taken |= kept.contains(&true) && keep(terms, id, &kept);
    }
    taken
}

/// Leaves a class with these of its terms; whether any went.
fn keep(terms: &mut Terms, class: Id, kept: &[bool]) -> bool {
    let goes = kept.contains(&false);
    if goes {
        let mut kept = kept.iter();
        terms[class].nodes.retain(|_| kept.next() == Some(&true));
    }
    goes
}

/// Takes out terms beside which another of their class needs no more and costs no more; of two alike the later. What a term needs
/// for itself alone counts with it, operands that nothing else has any use for. `outdone` terms stand in nobody's way. Scalars that
/// are guarded are needed as the roots are.
pub(super) fn dominated(terms: &mut Terms, costs: &CostTable, outdone: &HashSet<ENode>, guarded: &[Id]) {
    let mut users = vec![0u32; terms.analysis.n_made];
    let needed = terms.classes().flat_map(|c| &c.nodes).flat_map(|n| n.operands());
    needed.chain(guarded).for_each(|&c| users[usize::from(terms.find(c))] += 1);
    // In the order of numbers: what one class loses bears on the next.
    let mut ids: Vec<Id> = terms.classes().filter(|c| c.nodes.len() > 1).map(|c| c.id).collect();
    ids.sort_unstable();
    for class in ids {
        let rivals = Rivals { terms, costs, outdone, users: &users, class };
        let ways: SmallVec<[Way; 8]> = terms[class].nodes.iter().map(|n| rivals.way(n)).collect();
        let n = ways.len();
        let mut kept: SmallVec<[bool; 8]> = SmallVec::from_elem(true, n);
        for j in 0..n {
            kept[j] = !(0..n).any(|i| i != j && kept[i] && rivals.beats((&ways[i], i), (&ways[j], j)));
        }
        keep(terms, class, &kept);
    }
    unneeded(terms, guarded);
}

/// A term beside others of its class.
struct Way {
    operands: SmallVec<[Id; 3]>,
    avoided: bool,
    own: f64,
    /// Operands that it needs for itself alone.
    alone: SmallVec<[Id; 3]>,
    /// What it and those need that others may need too.
    needs: SmallVec<[Id; 6]>,
}

struct Rivals<'a> {
    terms: &'a Terms,
    costs: &'a CostTable,
    outdone: &'a HashSet<ENode>,
    /// By class: how many terms have it as an operand.
    users: &'a [u32],
    class: Id,
}

impl Rivals<'_> {
    fn own(&self, class: Id, node: &ENode) -> f64 {
        let operands: SmallVec<[&Facts; 4]> = node.operands().iter().map(|&c| &self.terms[c].data).collect();
        cost::own(&node.op, &self.terms[class].data, &operands, &self.terms.analysis.opaques, self.costs)
    }

    /// The one way in which a class can be computed, out of others than the one that is looked at.
    fn only(&self, class: Id) -> Option<&ENode> {
        let [node] = &self.terms[class].nodes[..] else { return None };
        let operands = node.operands();
        let plain = !self.outdone.contains(node) && !operands.is_empty();
        (plain && operands.iter().all(|&c| self.terms.find(c) != self.class)).then_some(node)
    }

    fn way(&self, node: &ENode) -> Way {
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
        Way { avoided: self.outdone.contains(node), own: self.own(self.class, node), operands, alone, needs }
    }

    /// Whether one can be computed from what the other needs at no more than its cost.
    fn beats(&self, (x, i): (&Way, usize), (y, j): (&Way, usize)) -> bool {
        if x.avoided && !y.avoided {
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
        (cost_x, i) < (cost_y, j)
    }
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
    if has_fill(terms, class) && terms[class].nodes.len() > 1 {
        let kept: Vec<ENode> = terms[class].nodes.iter().filter(|n| says_it(terms, n)).cloned().collect();
        if !kept.is_empty() {
            terms[class].nodes = kept;
        }
    }
}

/// Whether a term of a class that is one known number everywhere need not be looked at.
pub(super) fn is_spent(terms: &Terms, class: Id, node: &ENode) -> bool {
    has_fill(terms, class) && !says_it(terms, node) && terms[class].nodes.iter().all(|n| says_it(terms, n))
}

fn has_fill(terms: &Terms, class: Id) -> bool {
    terms.analysis.forms[usize::from(class)] & FILL != 0 && terms[class].data.structure.fill.is_some()
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
