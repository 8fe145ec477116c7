//! Matching a left side against classes, and building a right side behind the shape guard.
//!
//! Matching is plain backtracking: a pattern has at most a dozen nodes and a class a handful of terms. Building first drafts
//! the whole right side with the facts of every new term; only a draft whose root has the left side's sort, shape and dtype is
//! ever added.

use egg::Id;
use smallvec::SmallVec;

use super::model::{AttrPat, Head, Pat, Rule, VarSort};
use crate::graph::BinaryOp;
use crate::planner::chain::{self, Bracketing};
use crate::planner::facts::{Facts, Sort, Terms};
use crate::planner::language::{ENode, EOp};
use crate::types::{DType, Dims, Fault, Scalar, Shape, seeded};

/// What variables and operator variables stand for.
#[derive(Debug, Default, PartialEq)]
pub(in crate::planner) struct Subst {
    pub(in crate::planner) vars: SmallVec<[Option<Id>; 6]>,
    /// The operation and its attributes.
    pub(in crate::planner) ops: SmallVec<[Option<Bound>; 1]>,
}

/// An operation and its attributes.
type Bound = (EOp, SmallVec<[Id; 1]>);

impl Clone for Subst {
    fn clone(&self) -> Self {
        let mut ops = SmallVec::new();
        for op in &self.ops {
            ops.push(op.as_ref().map(|(op, attributes)| (op.clone(), SmallVec::from_slice(attributes))));
        }
        Self { vars: SmallVec::from_slice(&self.vars), ops }
    }
}

impl Subst {
    pub(in crate::planner) fn new(rule: &Rule) -> Self {
        Self { vars: SmallVec::from_elem(None, rule.vars.len()), ops: SmallVec::from_elem(None, rule.ops.len()) }
    }
}

/// Whether a class of this sort may stand for a variable of that sort.
pub(in crate::planner) fn fits(wanted: VarSort, sort: &Sort) -> bool {
    matches!(
        (wanted, sort),
        (VarSort::Tensor, Sort::Tensor)
            | (VarSort::Kernel, Sort::Kernel(_))
            | (VarSort::Axes, Sort::Attribute(EOp::Axes(_)))
            | (VarSort::Extents, Sort::Attribute(EOp::Extents(_)))
            | (VarSort::Int, Sort::Attribute(EOp::Int(_)))
    )
}

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
    // What most patterns ask for needs no attribute made to be compared with.
    match (attr, found) {
        (AttrPat::Int(n), EOp::Int(m)) => n == m,
        (AttrPat::Last, EOp::Axes(axes)) => axes.len() == 1 && rank.is_some_and(|r| axes[0] + 1 == r),
        (AttrPat::Rows, EOp::Axes(axes)) => axes.len() == 1 && rank.is_some_and(|r| axes[0] + 2 == r),
        (AttrPat::Result, EOp::Extents(extents)) => **extents == result.shape,
        _ => attribute(attr, operand, Some(result), terms, s).is_some_and(|w| w == *found),
    }
}

/// A class that exists, or the number of a drafted term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Built {
    Class(Id),
    New(usize),
}

struct NewTerm {
    op: EOp,
    children: SmallVec<[Built; 3]>,
    facts: Facts,
}

/// A right side with its shapes checked, not yet part of the e-graph.
pub(in crate::planner) struct Draft {
    new: Vec<NewTerm>,
    root: Built,
}

/// Puts brackets around a chain of these operands.
pub(in crate::planner) type Bracket<'a> = &'a mut dyn FnMut(&Terms, &[Id]) -> Option<Bracketing>;

/// Drafts a right side. `expected` are the facts of the left side's class, which the draft must have too.
pub(in crate::planner) fn draft(pattern: &Pat, terms: &Terms, subst: &Subst, expected: &Facts) -> Option<Draft> {
    draft_with(pattern, terms, subst, expected, &mut chain::cheapest)
}

/// As [`draft`], with chains of products as `bracket` has them.
pub(in crate::planner) fn draft_with(
    pattern: &Pat,
    terms: &Terms,
    subst: &Subst,
    expected: &Facts,
    bracket: Bracket<'_>,
) -> Option<Draft> {
    let mut drafter = Drafter { terms, subst, result: Some(expected), right: true, new: Vec::new(), bracket };
    let root = drafter.build(pattern, Some(expected.dtype))?;
    let found = drafter.facts(root);
    let same_sort = found.is_tensor() == expected.is_tensor() && found.is_kernel() == expected.is_kernel();
    if !same_sort || found.shape != expected.shape || found.dtype != expected.dtype {
        return None;
    }
    Some(Draft { new: drafter.new, root })
}

/// Drafts a pattern by itself; numbers that stand beside nothing take `dtype`.
pub(in crate::planner) fn draft_alone(
    pattern: &Pat,
    terms: &Terms,
    subst: &Subst,
    dtype: Option<DType>,
) -> Option<Draft> {
    let mut drafter =
        Drafter { terms, subst, result: None, right: false, new: Vec::new(), bracket: &mut chain::cheapest };
    let root = drafter.build(pattern, dtype)?;
    Some(Draft { new: drafter.new, root })
}

/// Drafts a left side; `expected` are the facts of the class it matched.
pub(in crate::planner) fn draft_left(pattern: &Pat, terms: &Terms, subst: &Subst, expected: &Facts) -> Option<Draft> {
    let (result, bracket) = (Some(expected), &mut chain::cheapest);
    let mut drafter = Drafter { terms, subst, result, right: false, new: Vec::new(), bracket };
    let root = drafter.build(pattern, Some(expected.dtype))?;
    Some(Draft { new: drafter.new, root })
}

impl Draft {
    /// Whether the draft has new terms that compute something: views and attributes do not.
    pub(in crate::planner) fn computes(&self) -> bool {
        self.new.iter().any(|t| !t.op.is_view() && !t.op.is_attribute())
    }

    /// Adds the draft: the class of its root and the terms that were not there before.
    pub(in crate::planner) fn add(self, terms: &mut Terms) -> (Id, Vec<ENode>) {
        let mut ids: Vec<Id> = Vec::with_capacity(self.new.len());
        let mut fresh = Vec::new();
        let resolve = |ids: &[Id], b: Built| match b {
            Built::Class(id) => id,
            Built::New(i) => ids[i],
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
                    // New kernels and products below learn more of themselves when they are added.
                    let alone = term.children.iter().all(|b| matches!(b, Built::Class(_)));
                    terms.analysis.drafted = alone.then_some(term.facts);
                    let id = terms.add(node);
                    terms.analysis.drafted = None;
                    id
                }
            };
            ids.push(id);
        }
        (resolve(&ids, self.root), fresh)
    }
}

struct Drafter<'a> {
    terms: &'a Terms,
    subst: &'a Subst,
    result: Option<&'a Facts>,
    /// Whether this is a right side: the place of seeded faults.
    right: bool,
    new: Vec<NewTerm>,
    bracket: Bracket<'a>,
}

impl Drafter<'_> {
    fn facts(&self, b: Built) -> &Facts {
        match b {
            Built::Class(id) => &self.terms[id].data,
            Built::New(i) => &self.new[i].facts,
        }
    }

    fn term(&mut self, op: EOp, children: &[Built]) -> Option<Built> {
        // A view to the extents that are there is the array itself.
        if let (EOp::Reshape | EOp::Broadcast, [x, s]) = (&op, children)
            && matches!(&self.facts(*s).sort, Sort::Attribute(EOp::Extents(s)) if **s == self.facts(*x).shape)
        {
            return Some(*x);
        }
        if let Some(id) = self.known(&op, children) {
            return Some(Built::Class(id));
        }
        let mut given: SmallVec<[&Facts; 4]> = SmallVec::new();
        for &c in children {
            given.push(self.facts(c));
        }
        let inferred = self.terms.analysis.infer(&op, &given);
        drop(given);
        let facts = inferred?;
        self.new.push(NewTerm { op, children: children.into(), facts });
        Some(Built::New(self.new.len() - 1))
    }

    /// The class of a term that is there already.
    fn known(&self, op: &EOp, children: &[Built]) -> Option<Id> {
        let mut node = ENode { op: op.clone(), children: SmallVec::new() };
        for b in children {
            match b {
                Built::Class(id) => node.children.push(*id),
                Built::New(_) => return None,
            }
        }
        node.order();
        self.terms.lookup(&mut node)
    }

    fn view(&mut self, op: EOp, operand: Built, extents: Shape) -> Option<Built> {
        let attribute = self.term(EOp::Extents(extents.into()), &[])?;
        self.term(op, &[operand, attribute])
    }

    fn ordered(&mut self, order: &Bracketing) -> Option<Built> {
        match order {
            Bracketing::Factor(id) => Some(Built::Class(*id)),
            Bracketing::Product(left, right) => {
                let operands = [self.ordered(left)?, self.ordered(right)?];
                self.term(EOp::Contract, &operands)
            }
        }
    }

    fn build(&mut self, pat: &Pat, dtype: Option<DType>) -> Option<Built> {
        match pat {
            Pat::Var(v) => Some(Built::Class(self.subst.vars[*v]?)),
            Pat::Number(x) => {
                // A number the dtype does not hold (−1 as u32) makes no term.
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

    /// Arguments in order; a number takes its dtype from the other operands, an attribute its meaning from the first.
    fn arguments(&mut self, args: &[Pat], dtype: Option<DType>) -> Option<SmallVec<[Built; 3]>> {
        let mut built: SmallVec<[Option<Built>; 3]> = SmallVec::from_elem(None, args.len());
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

    fn node(&mut self, head: &Head, args: &[Pat], dtype: Option<DType>) -> Option<Built> {
        let mut children = self.arguments(args, dtype)?;
        if self.right {
            let asymmetric = matches!(head, Head::Is(EOp::Binary(BinaryOp::Sub | BinaryOp::Div)));
            if seeded(Fault::RightSideSwapped) && asymmetric {
                children.swap(0, 1);
            }
            let square = |s: &Shape| s.rank() >= 2 && s[s.rank() - 1] == s[s.rank() - 2];
            if seeded(Fault::RightSideUnturned)
                && *head == Head::Is(EOp::Transpose)
                && square(&self.facts(children[0]).shape)
            {
                return Some(children[0]);
            }
        }
        match head {
            Head::Is(op) => self.term(op.clone(), &children),
            Head::AnyUnary(v) | Head::AnyBinary(v) => {
                let (op, attributes) = self.subst.ops[*v].clone()?;
                let all: SmallVec<[Built; 3]> =
                    children.into_iter().chain(attributes.into_iter().map(Built::Class)).collect();
                self.term(op, &all)
            }
            Head::Like => {
                let shape = self.facts(children[1]).shape.clone();
                if self.facts(children[0]).shape == shape {
                    return Some(children[0]);
                }
                self.view(EOp::Broadcast, children[0], shape)
            }
            Head::Turn => {
                let x = &self.facts(children[0]).shape;
                if x.rank() == 0 {
                    return Some(children[0]);
                }
                let rank = children.iter().map(|&c| self.facts(c).shape.rank()).max()?;
                let lifted = if x.rank() < rank {
                    let lead = std::iter::repeat_n(1, rank - x.rank());
                    let extents = lead.chain(x.iter().copied()).collect();
                    self.view(EOp::Reshape, children[0], extents)?
                } else {
                    children[0]
                };
                self.term(EOp::Transpose, &[lifted])
            }
            Head::DiagonalIn => {
                let x = self.facts(children[0]).shape.clone();
                if x.rank() == 0 {
                    return Some(children[0]);
                }
                let mut domain = x.clone();
                for &other in &children[1..] {
                    domain = domain.broadcast(&self.facts(other).shape).ok()?;
                }
                let whole = if x == domain { children[0] } else { self.view(EOp::Broadcast, children[0], domain)? };
                self.term(EOp::Diagonal, &[whole])
            }
            Head::AsColumn | Head::AsRow => {
                let mut dims = self.facts(children[0]).shape.to_vec();
                let at = if *head == Head::AsColumn { dims.len() } else { dims.len().checked_sub(1)? };
                dims.insert(at, 1);
                self.view(EOp::Reshape, children[0], Shape::new(&dims))
            }
            Head::Cheapest => {
                let classes = children.iter().map(|c| match c {
                    Built::Class(id) => Some(*id),
                    Built::New(_) => None,
                });
                let order = (self.bracket)(self.terms, &classes.collect::<Option<Vec<Id>>>()?)?;
                self.ordered(&order)
            }
            Head::CountOf => {
                let (Sort::Attribute(EOp::Axes(axes)), Sort::Attribute(EOp::Extents(extents))) =
                    (&self.facts(children[0]).sort, &self.facts(children[1]).sort)
                else {
                    return None;
                };
                let mut count = 1usize;
                for &axis in axes.iter() {
                    count = count.checked_mul(*extents.get(axis)?)?;
                }
                // Nothing to count is a sum of nothing, whatever the terms would have been.
                let literal = Scalar::from_f64(dtype?, count as f64);
                (count > 0 && literal.to_f64() == count as f64).then_some(())?;
                self.term(EOp::Literal(literal), &[])
            }
        }
    }
}
