//! Which rules to try where: rules by the operation at the top of their left sides, and what a change below a term can mean.
//!
//! When a class gained terms, a term above it at distance `d` need be tried only with rules that ask for such a term at depth `d`
//! (or compare what stands there), and the way up ends where no pattern has such a term inside. This page knows no e-graph but
//! for the one word of forms that every class carries.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::language::EOp;
use super::rules::{Head, Pat, Phase, Question, Rule};
use crate::types::{DType, Scalar};

/// A set of forms: what operations the terms of a class have, as bits of their hash.
pub(super) type Forms = u64;

const ANY_UNARY: Forms = 1 << 63;
const ANY_BINARY: Forms = 1 << 62;

/// The bits of a term of this operation.
pub(super) fn form(op: &EOp) -> Forms {
    fn bit(n: u64) -> Forms {
        1 << (n % 62)
    }
    fn hashed(x: impl Hash) -> Forms {
        let mut hasher = Mix::default();
        x.hash(&mut hasher);
        bit(hasher.finish() >> 7)
    }
    match op {
        EOp::Unary(u) => hashed((1u8, u)) | ANY_UNARY,
        EOp::Powi => bit(0) | ANY_UNARY,
        EOp::Cast(_) => bit(1) | ANY_UNARY,
        EOp::Binary(b) => hashed((2u8, b)) | ANY_BINARY,
        EOp::Reduce(r) => hashed((3u8, r)),
        EOp::Host(host, output) => hashed((4u8, host, output)),
        // Whatever they carry, they are one form each.
        other => hashed(std::mem::discriminant(other)),
    }
}

/// A quick hash of a few small numbers, the same on every run.
#[derive(Clone, Copy, Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        let x = (self.0 ^ self.0 >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        x ^ x >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.write_u64(u64::from(b)));
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
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
    /// Forms that the classes of the term's children must have.
    children: SmallVec<[Forms; 3]>,
}

impl Entry {
    /// Whether children with these forms can match at all.
    pub(super) fn may_match(&self, children: &[Forms]) -> bool {
        self.children.len() <= children.len()
            && self.children.iter().zip(children).all(|(&wanted, &forms)| form_allows(wanted, forms))
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
}

impl Indices {
    pub(super) fn of(rules: &[Arc<Rule>]) -> Self {
        Self {
            grow: Index::new(rules, |p| p == Phase::Grow),
            kernel: Index::new(rules, |p| p == Phase::Kernel),
            shrink: Index::new(rules, |p| !matches!(p, Phase::Grow | Phase::Kernel)),
        }
    }
}

/// The rules of some phases, ready to be looked up.
#[derive(Debug, Default)]
pub(super) struct Index {
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
                let mut entry = Entry {
                    rule: r,
                    variant: v,
                    below: SmallVec::new(),
                    equal: 0,
                    children: args.iter().map(wanted).collect(),
                };
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
    pub(super) fn entries(&self, op: &EOp) -> impl Iterator<Item = &Entry> {
        let any = match op {
            EOp::Unary(_) | EOp::Powi | EOp::Cast(_) => &self.any_unary[..],
            EOp::Binary(_) => &self.any_binary[..],
            _ => &[],
        };
        self.by_op.get(op).map_or(&[][..], Vec::as_slice).iter().chain(any)
    }

    /// Those of them that may match in a new way because a class below the term has changed.
    pub(super) fn entries_above(&self, op: &EOp, changes: &Changes) -> impl Iterator<Item = &Entry> {
        self.entries(op).filter(move |e| (1..).zip(&changes.gained).any(|(d, &g)| changes.at(d) && e.sees(d, g)))
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
