//! Which rules to try where: rules by the operation at the top of their left sides, and what a change below a term can mean.
//!
//! When a class gained terms, a term above it at distance `d` need be tried only with rules that ask for such a term at depth `d`
//! (or compare what stands there), and the way up ends where no pattern has such a term inside. This page knows no e-graph but
//! for the one word of forms that every class carries.

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::facts::Facts;
use super::language::EOp;
use super::rules::{Condition, Head, Pat, Phase, Question, Rule, VarSort, Variable};
use crate::graph::{BinaryOp, ReduceOp, UnaryOp};
use crate::types::{DType, Fault, Scalar, seeded};

/// A set of forms: what operations the terms of a class have and what is known of it, as bits.
pub(super) type Forms = u64;

const ANY_UNARY: Forms = 1 << 63;
const ANY_BINARY: Forms = 1 << 62;
const ARRAY: Forms = 1 << 61;
const KERNEL: Forms = 1 << 60;
const HOST: Forms = 1 << 59;
const VARYING: Forms = 1 << 58;
const SCALAR: Forms = 1 << 57;
const SINGLE: Forms = 1 << 56;
const COLUMN: Forms = 1 << 55;
const ROW: Forms = 1 << 54;
const SQUARE: Forms = 1 << 53;
const NONNEG: Forms = 1 << 52;
const FINITE: Forms = 1 << 51;
const SYMMETRIC: Forms = 1 << 50;
const IDENTITY: Forms = 1 << 49;
const DIAGONAL: Forms = 1 << 48;
const ONES: Forms = 1 << 47;
const ZEROS: Forms = 1 << 46;
/// Every element is one known number.
pub(super) const FILL: Forms = 1 << 45;
/// The bits below stand for operations.
const FIRST_FACT: Forms = FILL;

/// The bits of a class whose terms have these operations.
pub(super) fn class_forms(operations: Forms, facts: &Facts) -> Forms {
    let shape = &facts.shape;
    let rank = shape.rank();
    let [rows, columns] = if rank < 2 { [0, 0] } else { [shape[rank - 2], shape[rank - 1]] };
    let known = [
        (ARRAY, facts.is_tensor()),
        (KERNEL, facts.is_kernel()),
        (HOST, facts.host),
        (VARYING, !facts.host),
        (SCALAR, rank == 0),
        (SINGLE, shape.len() == 1),
        (COLUMN, columns == 1),
        (ROW, rows == 1),
        (SQUARE, rank >= 2 && rows == columns),
        (NONNEG, facts.nonneg),
        (FINITE, facts.finite),
        (SYMMETRIC, facts.symmetric),
        (IDENTITY, facts.structure.identity),
        (DIAGONAL, facts.structure.diagonal),
        (ONES, facts.structure.filled_with(1.0)),
        (ZEROS, facts.structure.filled_with(0.0)),
        (FILL, facts.structure.fill.is_some()),
    ];
    let operations = operations & ((FIRST_FACT - 1) | ANY_UNARY | ANY_BINARY);
    // Where conditions are not to be asked, all that stands for them is there.
    let operations = if seeded(Fault::ConditionDropped) { operations | (2 * HOST - FIRST_FACT) } else { operations };
    known.into_iter().fold(operations, |forms, (bit, holds)| if holds { forms | bit } else { forms })
}

/// What each variable of a rule asks of a class by its sort and by the conditions on it alone.
pub(super) fn asked(vars: &[Variable], conditions: &[Condition]) -> Vec<Forms> {
    let mut all: Vec<Forms> = (vars.iter())
        .map(|v| match v.sort {
            VarSort::Tensor => ARRAY,
            VarSort::Kernel => KERNEL,
            VarSort::Axes | VarSort::Extents | VarSort::Int => 0,
        })
        .collect();
    for condition in conditions {
        if let [v] = condition.vars[..]
            && let Some(forms) = all.get_mut(v)
        {
            *forms |= match condition.question {
                Question::Constant => HOST | SCALAR,
                Question::Varying => VARYING,
                Question::Scalar => SCALAR,
                Question::Single => SINGLE,
                Question::Column => COLUMN,
                Question::Row => ROW,
                Question::Square => SQUARE,
                Question::Nonneg => NONNEG,
                Question::Finite => FINITE,
                Question::Symmetric => SYMMETRIC,
                Question::Identity => IDENTITY,
                Question::Diagonal => DIAGONAL,
                Question::Ones => ONES,
                Question::Zeros => ZEROS,
                _ => 0,
            };
        }
    }
    all
}

/// The bits of a term of this operation. What rules look for most has a bit of its own; what they hardly ask for shares one.
pub(super) fn form(op: &EOp) -> Forms {
    use {BinaryOp as B, ReduceOp as R, UnaryOp as U};
    let bit: u32 = match op {
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
    };
    let kind = match op {
        EOp::Unary(_) | EOp::Powi | EOp::Cast(_) => ANY_UNARY,
        EOp::Binary(_) => ANY_BINARY,
        _ => 0,
    };
    1 << bit | kind
}

/// The form that a class must have for a pattern to match one of its terms; 0 when any will do.
pub(super) fn wanted(pat: &Pat) -> Forms {
    match pat {
        Pat::Node(Head::Is(op), _) => form(op) & !(ANY_UNARY | ANY_BINARY),
        Pat::Node(Head::AnyUnary(_), _) => ANY_UNARY,
        Pat::Node(Head::AnyBinary(_), _) => ANY_BINARY,
        // Only the bit that every literal has; its value is compared later.
        Pat::Number(_) => form(&EOp::Literal(Scalar::from_f64(DType::F32, 0.0))),
        Pat::Node(..) | Pat::Var(_) | Pat::Attr(_) => 0,
    }
}

/// Whether a class with these forms may hold a term of the wanted one.
pub(super) fn form_allows(wanted: Forms, forms: Forms) -> bool {
    forms & wanted == wanted
}

/// One variant of one rule's left side.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Index into the rules.
    pub(super) rule: usize,
    /// Index into its left sides.
    pub(super) variant: usize,
    /// For each depth below the top the forms that the pattern asks for there.
    below: SmallVec<[Forms; 4]>,
    /// Depths at which a variable stands that stands elsewhere too, or that a condition looks into, as bits.
    equal: u32,
    /// Forms that the classes of the term's children must have; 0 where there is none.
    children: Children,
}

/// The most children that any pattern has.
const MOST_CHILDREN: usize = 3;
/// A word of forms for each child, as many as any pattern has.
pub(super) type Children = [Forms; MOST_CHILDREN];

impl Entry {
    /// Whether children with these forms can match at all.
    pub(super) fn may_match(&self, children: &Children) -> bool {
        self.children.iter().zip(children).fold(0, |missing, (wanted, forms)| missing | wanted & !forms) == 0
    }

    /// Whether a class `distance` below the term that gained these forms, or met another class, may make a new match.
    fn sees(&self, distance: usize, gained: Forms) -> bool {
        self.equal >> distance & 1 == 1 || self.below.get(distance).is_some_and(|forms| forms & gained != 0)
    }
}

/// All rules of a set, made once for it.
#[derive(Debug)]
pub(super) struct Indices {
    /// Those that may grow the graph.
    pub(super) grow: Index,
    /// Those that make kernels.
    pub(super) kernel: Index,
    /// The others.
    pub(super) shrink: Index,
    /// By rule: whether it weighs a whole chain; and the forms of what such rules match.
    pub(super) weighs: Vec<bool>,
    pub(super) weighed: Forms,
}

impl Indices {
    pub(super) fn of(rules: &[Arc<Rule>]) -> Self {
        Self {
            grow: Index::new(rules, |p| p == Phase::Grow),
            kernel: Index::new(rules, |p| p == Phase::Kernel),
            shrink: Index::new(rules, |p| !matches!(p, Phase::Grow | Phase::Kernel)),
            weighs: rules.iter().map(|r| r.is_weighed()).collect(),
            weighed: (rules.iter().filter(|r| r.is_weighed()).flat_map(|r| &r.left))
                .fold(0, |forms, left| forms | wanted(left)),
        }
    }
}

/// The rules of some phases, ready to be looked up.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Those for any operation of as many operands included.
    by_op: HashMap<EOp, Vec<Entry>>,
    any_unary: Vec<Entry>,
    any_binary: Vec<Entry>,
    /// For each depth the forms of inner terms that have something of their pattern so far below them.
    climbs: Vec<Forms>,
}

impl Index {
    /// The rules that belong to a phase `phases` names.
    fn new(rules: &[Arc<Rule>], phases: impl Fn(Phase) -> bool) -> Self {
        let mut index = Self::default();
        for (r, rule) in rules.iter().enumerate() {
            if !phases(rule.phase) {
                continue;
            }
            for (v, left) in rule.left.iter().enumerate() {
                let Pat::Node(head, args) = left else { continue };
                let mut children = Children::default();
                debug_assert!(args.len() <= MOST_CHILDREN, "an operation of more operands");
                for (forms, a) in children.iter_mut().zip(args) {
                    *forms = if let Pat::Var(v) = a { rule.asks[*v] } else { wanted(a) };
                }
                let mut entry = Entry { rule: r, variant: v, below: SmallVec::new(), equal: 0, children };
                let looked_at = looked_at(rule, left);
                depths(left, 0, &looked_at, &mut entry);
                index.climb(args, &looked_at);
                match head {
                    Head::Is(op) => index.by_op.entry(op.clone()).or_default().push(entry),
                    Head::AnyUnary(_) => index.any_unary.push(entry),
                    Head::AnyBinary(_) => index.any_binary.push(entry),
                    // The other heads stand on right sides only.
                    _ => {}
                }
            }
        }
        for (op, entries) in &mut index.by_op {
            match op {
                EOp::Unary(_) | EOp::Powi | EOp::Cast(_) => entries.extend_from_slice(&index.any_unary),
                EOp::Binary(_) => entries.extend_from_slice(&index.any_binary),
                _ => {}
            }
        }
        index
    }

    fn climb(&mut self, args: &[Pat], looked_at: &[bool]) {
        for arg in args {
            if let Pat::Node(_, inner) = arg {
                let below = height(arg, looked_at).unwrap_or(0);
                if self.climbs.len() <= below {
                    self.climbs.resize(below + 1, 0);
                }
                for forms in &mut self.climbs[..=below] {
                    *forms |= wanted(arg);
                }
                self.climb(inner, looked_at);
            }
        }
    }

    /// The rules that may match a term of this operation.
    pub(super) fn entries(&self, op: &EOp) -> &[Entry] {
        match (self.by_op.get(op), op) {
            (Some(entries), _) => entries,
            (None, EOp::Unary(_) | EOp::Powi | EOp::Cast(_)) => &self.any_unary,
            (None, EOp::Binary(_)) => &self.any_binary,
            _ => &[],
        }
    }

    /// Those of them that may match in a new way because a class below the term has changed.
    pub(super) fn entries_above(&self, op: &EOp, changes: &Changes) -> impl Iterator<Item = &Entry> {
        self.entries(op).iter().filter(move |e| (1..).zip(&changes.gained).any(|(d, &g)| changes.at(d) && e.sees(d, g)))
    }

    /// Whether a term of this operation, `distance` above a change, can be an inner part of a match.
    pub(super) fn climbs(&self, op: &EOp, distance: usize) -> bool {
        // Two forms may share a bit; then the way up is longer than it need be, never shorter.
        self.climbs.get(distance).is_some_and(|forms| form(op) & forms != 0)
    }
}

/// What has changed below a term: for each distance from 1 on the forms that classes there gained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    gained: SmallVec<[Forms; 4]>,
    distances: u32,
}

impl Changes {
    /// Adds that a class at this distance met another one and gained these forms; whether that was news.
    pub(super) fn note(&mut self, distance: usize, gained: Forms) -> bool {
        if self.gained.len() < distance {
            self.gained.resize(distance, 0);
        }
        let before = (self.gained[distance - 1], self.distances);
        self.gained[distance - 1] |= gained;
        self.distances |= 1 << distance.min(31);
        before != (self.gained[distance - 1], self.distances)
    }

    fn at(&self, distance: usize) -> bool {
        self.distances >> distance.min(31) & 1 == 1
    }
}

/// Which variables of a rule are compared: those that stand twice, and those whose terms a condition reads.
fn looked_at(rule: &Rule, left: &Pat) -> Vec<bool> {
    let mut counts = vec![0usize; rule.vars.len()];
    count(left, &mut counts);
    for condition in &rule.conditions {
        // Shapes never change, and promises are only ever taken back; what a class is may come to be known.
        let may_come_true = matches!(
            condition.question,
            Question::Count
                | Question::SameCore
                | Question::Symmetric
                | Question::Identity
                | Question::Diagonal
                | Question::Ones
                | Question::Zeros
                | Question::Varying
        );
        for &v in condition.vars.iter().filter(|_| may_come_true) {
            if let Some(count) = counts.get_mut(v) {
                *count += 2;
            }
        }
    }
    counts.iter().map(|&n| n > 1).collect()
}

fn count(pat: &Pat, counts: &mut [usize]) {
    match pat {
        Pat::Var(v) => counts[*v] += 1,
        Pat::Node(_, args) => args.iter().for_each(|a| count(a, counts)),
        Pat::Number(_) | Pat::Attr(_) => {}
    }
}

/// How far below a pattern the deepest class is that decides.
fn height(pat: &Pat, looked_at: &[bool]) -> Option<usize> {
    match pat {
        Pat::Var(v) => looked_at[*v].then_some(0),
        Pat::Number(_) => Some(0),
        Pat::Attr(_) => None,
        Pat::Node(_, args) => {
            Some(args.iter().filter_map(|a| height(a, looked_at)).max().map_or(0, |deepest| deepest + 1))
        }
    }
}

/// Fills in what a left side asks for at each depth.
fn depths(pat: &Pat, depth: usize, looked_at: &[bool], entry: &mut Entry) {
    match pat {
        Pat::Var(v) => entry.equal |= u32::from(looked_at[*v]) << depth.min(31),
        Pat::Number(_) | Pat::Node(..) => {
            if entry.below.len() <= depth {
                entry.below.resize(depth + 1, 0);
            }
            entry.below[depth] |= wanted(pat);
        }
        Pat::Attr(_) => {}
    }
    if let Pat::Node(_, args) = pat {
        args.iter().for_each(|a| depths(a, depth + 1, looked_at, entry));
    }
}
