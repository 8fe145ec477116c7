//! Building one side of a rule behind the shape guard.
//!
//! The whole side is drafted first, with the facts of every new term; a right side is added only if its root has the sort, shape
//! and dtype of the class that the left side matched.

use egg::Id;
use smallvec::SmallVec;

use super::attributes::attribute;
use super::model::{Head, Pat};
use super::subst::{BoundOp, Subst};
use crate::graph::BinaryOp;
use crate::planner::chain::{self, Bracketing};
use crate::planner::class_facts::{Facts, Sort};
use crate::planner::knowledge::Terms;
use crate::planner::language::{ENode, EOp};
use crate::types::{DType, Fault, Scalar, Shape, seeded};

/// What a drafted term is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Child {
    /// A class that exists.
    Class(Id),
    /// A drafted term, by its number.
    New(usize),
}

struct NewTerm {
    op: EOp,
    children: SmallVec<[Child; 3]>,
    facts: Facts,
}

/// One side of a rule with its shapes checked, not yet part of the e-graph.
pub(in crate::planner) struct Draft {
    new: Vec<NewTerm>,
    root: Child,
}

/// What `Draft::add` has added.
pub(in crate::planner) struct Added {
    /// The class of the root.
    pub(in crate::planner) root: Id,
    /// The terms that were not there before.
    pub(in crate::planner) fresh: Vec<ENode>,
}

/// Puts brackets around a chain of these operands.
pub(in crate::planner) type PutBrackets<'a> = &'a mut dyn FnMut(&Terms, &[Id]) -> Option<Bracketing>;

/// Drafts a right side. `expected` are the facts of the left side's class, which the draft must have too.
pub(in crate::planner) fn draft(pattern: &Pat, terms: &Terms, subst: &Subst, expected: &Facts) -> Option<Draft> {
    draft_with(pattern, terms, subst, expected, &mut chain::cheapest)
}

/// As [`draft`], with the brackets that `put_brackets` puts around chains of products.
pub(in crate::planner) fn draft_with(
    pattern: &Pat,
    terms: &Terms,
    subst: &Subst,
    expected: &Facts,
    put_brackets: PutBrackets<'_>,
) -> Option<Draft> {
    let mut drafter = Drafter { terms, subst, result: Some(expected), right: true, new: Vec::new(), put_brackets };
    let root = drafter.build(pattern, Some(expected.dtype))?;
    let found = drafter.facts(root);
    let same_sort = found.is_tensor() == expected.is_tensor() && found.is_kernel() == expected.is_kernel();
    if !same_sort || found.shape != expected.shape || found.dtype != expected.dtype {
        return None;
    }
    Some(Draft { new: drafter.new, root })
}

/// Drafts a pattern by itself; numbers without another operand beside them take `dtype`.
pub(in crate::planner) fn draft_alone(
    pattern: &Pat,
    terms: &Terms,
    subst: &Subst,
    dtype: Option<DType>,
) -> Option<Draft> {
    let mut drafter =
        Drafter { terms, subst, result: None, right: false, new: Vec::new(), put_brackets: &mut chain::cheapest };
    let root = drafter.build(pattern, dtype)?;
    Some(Draft { new: drafter.new, root })
}

/// Drafts a left side; `expected` are the facts of the class it matched.
pub(in crate::planner) fn draft_left(pattern: &Pat, terms: &Terms, subst: &Subst, expected: &Facts) -> Option<Draft> {
    let (result, put_brackets) = (Some(expected), &mut chain::cheapest);
    let mut drafter = Drafter { terms, subst, result, right: false, new: Vec::new(), put_brackets };
    let root = drafter.build(pattern, Some(expected.dtype))?;
    Some(Draft { new: drafter.new, root })
}

impl Draft {
    /// Whether the draft has new terms that compute something: views and attributes do not.
    pub(in crate::planner) fn computes(&self) -> bool {
        self.new.iter().any(|t| !t.op.is_view() && !t.op.is_attribute())
    }

    /// Adds the draft to the e-graph.
    pub(in crate::planner) fn add(self, terms: &mut Terms) -> Added {
        let mut ids: Vec<Id> = Vec::with_capacity(self.new.len());
        let mut fresh = Vec::new();
        let resolve = |ids: &[Id], b: Child| match b {
            Child::Class(id) => id,
            Child::New(i) => ids[i],
        };
        for term in self.new {
            let mut node = ENode { op: term.op, children: SmallVec::new() };
            for &b in &term.children {
                node.children.push(terms.find(resolve(&ids, b)));
            }
            node.order();
            let id = match terms.lookup(&mut node) {
                Some(id) => id,
                None => {
                    fresh.push(node.clone());
                    // Kernels and products have more facts once they are added, so what is above new ones is inferred again.
                    let alone = term.children.iter().all(|b| matches!(b, Child::Class(_)));
                    terms.analysis.drafted = alone.then_some(term.facts);
                    let id = terms.add(node);
                    terms.analysis.drafted = None;
                    id
                }
            };
            ids.push(id);
        }
        Added { root: resolve(&ids, self.root), fresh }
    }
}

struct Drafter<'a> {
    terms: &'a Terms,
    subst: &'a Subst,
    result: Option<&'a Facts>,
    /// Whether this is a right side: the place of seeded faults.
    right: bool,
    new: Vec<NewTerm>,
    put_brackets: PutBrackets<'a>,
}

impl Drafter<'_> {
    fn facts(&self, b: Child) -> &Facts {
        match b {
            Child::Class(id) => &self.terms[id].data,
            Child::New(i) => &self.new[i].facts,
        }
    }

    fn term(&mut self, op: EOp, children: &[Child]) -> Option<Child> {
        // A view to the array's own extents is the array itself.
        if let (EOp::Reshape | EOp::Broadcast, [x, s]) = (&op, children)
            && matches!(&self.facts(*s).sort, Sort::Attribute(EOp::Extents(s)) if **s == self.facts(*x).shape)
        {
            return Some(*x);
        }
        if let Some(id) = self.known(&op, children) {
            return Some(Child::Class(id));
        }
        let mut given: SmallVec<[&Facts; 4]> = SmallVec::new();
        for &c in children {
            given.push(self.facts(c));
        }
        let inferred = self.terms.analysis.infer(&op, &given);
        drop(given);
        let facts = inferred?;
        self.new.push(NewTerm { op, children: children.into(), facts });
        Some(Child::New(self.new.len() - 1))
    }

    /// The class of a term that is there already.
    fn known(&self, op: &EOp, children: &[Child]) -> Option<Id> {
        let mut node = ENode { op: op.clone(), children: SmallVec::new() };
        for b in children {
            match b {
                Child::Class(id) => node.children.push(*id),
                Child::New(_) => return None,
            }
        }
        node.order();
        self.terms.lookup(&mut node)
    }

    fn view(&mut self, op: EOp, operand: Child, extents: Shape) -> Option<Child> {
        let attribute = self.term(EOp::Extents(extents.into()), &[])?;
        self.term(op, &[operand, attribute])
    }

    fn ordered(&mut self, order: &Bracketing) -> Option<Child> {
        match order {
            Bracketing::Factor(id) => Some(Child::Class(*id)),
            Bracketing::Product(left, right) => {
                let operands = [self.ordered(left)?, self.ordered(right)?];
                self.term(EOp::Contract, &operands)
            }
        }
    }

    fn build(&mut self, pat: &Pat, dtype: Option<DType>) -> Option<Child> {
        match pat {
            Pat::Var(v) => Some(Child::Class(self.subst.vars[*v]?)),
            Pat::Number(x) => {
                // A number that the dtype does not hold (−1 as u32) makes no term.
                let x = if seeded(Fault::RightSideNumber) && self.right { x + 1.0 } else { *x };
                let literal = Scalar::from_f64(dtype?, x);
                let held = literal.to_f64() == x;
                held.then_some(())?;
                self.term(EOp::Literal(literal), &[])
            }
            Pat::Attr(attr) => {
                let op = attribute(attr, None, self.result, self.terms, self.subst)?;
                self.term(op, &[])
            }
            Pat::Node(head, args) => self.node(head, args, dtype),
        }
    }

    /// Arguments in order. A number takes its dtype from the other operands, an attribute its meaning from the first.
    fn arguments(&mut self, args: &[Pat], dtype: Option<DType>) -> Option<SmallVec<[Child; 3]>> {
        let mut built: SmallVec<[Option<Child>; 3]> = SmallVec::from_elem(None, args.len());
        let mut later = false;
        for (i, arg) in args.iter().enumerate() {
            if matches!(arg, Pat::Number(_) | Pat::Attr(_)) {
                later = true;
            } else {
                built[i] = Some(self.build(arg, dtype)?);
            }
        }
        if !later {
            return built.into_iter().collect();
        }
        // The condition of a choice has its own dtype: the last built operand decides.
        let arrays = built.iter().rev().flatten().map(|&b| self.facts(b)).filter(|f| f.is_tensor() || f.is_kernel());
        let beside = arrays.map(|f| f.dtype).next().or(dtype);
        for (i, arg) in args.iter().enumerate() {
            built[i] = Some(match arg {
                Pat::Number(_) => self.build(arg, beside)?,
                Pat::Attr(attr) => {
                    let operand = built[0].filter(|_| i > 0).map(|b| self.facts(b));
                    let op = attribute(attr, operand, self.result, self.terms, self.subst)?;
                    self.term(op, &[])?
                }
                _ => continue,
            });
        }
        built.into_iter().collect()
    }

    fn node(&mut self, head: &Head, args: &[Pat], dtype: Option<DType>) -> Option<Child> {
        let mut children = self.arguments(args, dtype)?;
        if self.right
            && let Some(wrong) = self.with_fault(head, &mut children)
        {
            return Some(wrong);
        }
        match head {
            Head::Is(op) => self.term(op.clone(), &children),
            Head::AnyUnary(v) | Head::AnyBinary(v) => {
                let BoundOp { op, attributes } = self.subst.ops[*v].clone()?;
                let all: SmallVec<[Child; 3]> =
                    children.into_iter().chain(attributes.into_iter().map(Child::Class)).collect();
                self.term(op, &all)
            }
            Head::Like => self.like(children[0], children[1]),
            Head::Turn => self.turned(&children),
            Head::DiagonalIn => self.diagonal_in(&children),
            Head::AsColumn | Head::AsRow => {
                let mut dims = self.facts(children[0]).shape.to_vec();
                let at = if *head == Head::AsColumn { dims.len() } else { dims.len().checked_sub(1)? };
                dims.insert(at, 1);
                self.view(EOp::Reshape, children[0], Shape::new(&dims))
            }
            Head::Cheapest => self.cheapest(&children),
            Head::CountOf => self.count_of(children[0], children[1], dtype?),
        }
    }

    /// The place of seeded faults of right sides: exchanges children, or gives what is built instead.
    fn with_fault(&self, head: &Head, children: &mut [Child]) -> Option<Child> {
        if seeded(Fault::RightSideSwapped) && matches!(head, Head::Is(EOp::Binary(BinaryOp::Sub | BinaryOp::Div))) {
            children.swap(0, 1);
        }
        let unturned = seeded(Fault::RightSideUnturned)
            && *head == Head::Is(EOp::Transpose)
            && self.facts(children[0]).matrix().is_some_and(|[rows, columns]| rows == columns);
        unturned.then(|| children[0])
    }

    /// `x`, which has one element, in the shape of another array.
    fn like(&mut self, x: Child, other: Child) -> Option<Child> {
        let shape = self.facts(other).shape.clone();
        if self.facts(x).shape == shape {
            return Some(x);
        }
        self.view(EOp::Broadcast, x, shape)
    }

    /// The first operand transposed as it is aligned with the others, which may have more axes.
    fn turned(&mut self, operands: &[Child]) -> Option<Child> {
        let x = &self.facts(operands[0]).shape;
        if x.rank() == 0 {
            return Some(operands[0]);
        }
        let rank = operands.iter().map(|&c| self.facts(c).shape.rank()).max()?;
        let lifted = if x.rank() < rank {
            let lead = std::iter::repeat_n(1, rank - x.rank());
            let extents = lead.chain(x.iter().copied()).collect();
            self.view(EOp::Reshape, operands[0], extents)?
        } else {
            operands[0]
        };
        self.term(EOp::Transpose, &[lifted])
    }

    /// The diagonal of the first operand as it is broadcast with the others.
    fn diagonal_in(&mut self, operands: &[Child]) -> Option<Child> {
        let x = self.facts(operands[0]).shape.clone();
        if x.rank() == 0 {
            return Some(operands[0]);
        }
        let mut domain = x.clone();
        for &other in &operands[1..] {
            domain = domain.broadcast(&self.facts(other).shape).ok()?;
        }
        let whole = if x == domain { operands[0] } else { self.view(EOp::Broadcast, operands[0], domain)? };
        self.term(EOp::Diagonal, &[whole])
    }

    /// The product of classes in the order that costs least.
    fn cheapest(&mut self, factors: &[Child]) -> Option<Child> {
        let classes = factors.iter().map(|c| match c {
            Child::Class(id) => Some(*id),
            Child::New(_) => None,
        });
        let order = (self.put_brackets)(self.terms, &classes.collect::<Option<Vec<Id>>>()?)?;
        self.ordered(&order)
    }

    /// The number of elements along axes of extents.
    fn count_of(&mut self, axes: Child, extents: Child, dtype: DType) -> Option<Child> {
        let (Sort::Attribute(EOp::Axes(axes)), Sort::Attribute(EOp::Extents(extents))) =
            (&self.facts(axes).sort, &self.facts(extents).sort)
        else {
            return None;
        };
        let mut count = 1usize;
        for &axis in axes.iter() {
            count = count.checked_mul(*extents.get(axis)?)?;
        }
        // A sum of nothing is zero, whatever the terms would have been.
        let literal = Scalar::from_f64(dtype, count as f64);
        (count > 0 && literal.to_f64() == count as f64).then_some(())?;
        self.term(EOp::Literal(literal), &[])
    }
}
