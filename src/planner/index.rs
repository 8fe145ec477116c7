//! Which rules to try where: rules by the operation at the top of their left sides, and what a change below a term can mean.
//!
//! When a class gained terms, a term above it at distance `d` need be tried only with rules whose patterns have such a term at
//! depth `d` (or compare what is there), and the way up ends where no pattern has such a term inside. This module knows classes
//! by their masks only.

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::class_mask::ClassMask;
use super::language::EOp;
use super::rules::{Head, Pat, Phase, Rule};

/// One variant of one rule's left side, ready to be looked up.
#[derive(Clone, Debug)]
pub(super) struct IndexEntry {
    /// Index into the rules.
    pub(super) rule: usize,
    /// Index into its left sides.
    pub(super) variant: usize,
    /// For each depth below the top the operations of the pattern there.
    below: SmallVec<[ClassMask; 4]>,
    /// Depths of variables that are compared, as bits (see `compared_variables`).
    compared: u32,
    /// What the masks of the term's children must have.
    required: ChildMasks,
}

/// The most children that any pattern has.
const MOST_CHILDREN: usize = 3;
/// A mask for each child, as many as any pattern has.
pub(super) type ChildMasks = [ClassMask; MOST_CHILDREN];

impl IndexEntry {
    /// Whether children with these masks can match at all.
    pub(super) fn may_match(&self, children: &ChildMasks) -> bool {
        let lacking = self.required.iter().zip(children).map(|(&required, mask)| mask.lacks(required));
        lacking.fold(ClassMask::NONE, |all, lacking| all | lacking) == ClassMask::NONE
    }

    /// Whether a new match may come of a class `distance` below the term that gained these operations, or met another class.
    fn sees(&self, distance: usize, gained: ClassMask) -> bool {
        self.compared >> distance & 1 == 1 || self.below.get(distance).is_some_and(|mask| mask.intersects(gained))
    }

    /// Fills in what a pattern at this depth asks for there and below.
    fn note_depths(&mut self, pat: &Pat, depth: usize, compared: &[bool]) {
        match pat {
            Pat::Var(v) => self.compared |= u32::from(compared[*v]) << depth.min(31),
            Pat::Number(_) | Pat::Node(..) => {
                if self.below.len() <= depth {
                    self.below.resize(depth + 1, ClassMask::NONE);
                }
                self.below[depth] |= pat.required_mask();
            }
            Pat::Attr(_) => {}
        }
        if let Pat::Node(_, args) = pat {
            args.iter().for_each(|a| self.note_depths(a, depth + 1, compared));
        }
    }
}

/// All rules of a set, by phase; made once for the set.
#[derive(Debug)]
pub(super) struct RuleIndex {
    /// Those that may grow the graph.
    pub(super) grow: PhaseIndex,
    /// Those that make kernels.
    pub(super) kernel: PhaseIndex,
    /// The others.
    pub(super) shrink: PhaseIndex,
    /// By rule: whether it weighs a whole chain.
    pub(super) weighs: Vec<bool>,
    /// The operations at the top of the left sides of such rules.
    pub(super) weighed: ClassMask,
}

impl RuleIndex {
    pub(super) fn of(rules: &[Arc<Rule>]) -> Self {
        Self {
            grow: PhaseIndex::new(rules, |p| p == Phase::Grow),
            kernel: PhaseIndex::new(rules, |p| p == Phase::Kernel),
            shrink: PhaseIndex::new(rules, |p| !matches!(p, Phase::Grow | Phase::Kernel)),
            weighs: rules.iter().map(|r| r.is_weighed()).collect(),
            weighed: (rules.iter().filter(|r| r.is_weighed()).flat_map(|r| &r.left))
                .fold(ClassMask::NONE, |all, left| all | left.required_mask()),
        }
    }
}

/// The rules of some phases, ready to be looked up.
#[derive(Debug, Default)]
pub(super) struct PhaseIndex {
    /// Those for any operation of as many operands included.
    by_op: HashMap<EOp, Vec<IndexEntry>>,
    any_unary: Vec<IndexEntry>,
    any_binary: Vec<IndexEntry>,
    /// For each depth the operations of inner terms that have something of their pattern so far below them.
    climbs: Vec<ClassMask>,
}

impl PhaseIndex {
    /// The rules of the phases for which `phases` holds.
    fn new(rules: &[Arc<Rule>], phases: impl Fn(Phase) -> bool) -> Self {
        let mut index = Self::default();
        for (r, rule) in rules.iter().enumerate().filter(|(_, rule)| phases(rule.phase)) {
            for (v, left) in rule.left.iter().enumerate() {
                index.insert(r, v, rule, left);
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

    fn insert(&mut self, rule_no: usize, variant: usize, rule: &Rule, left: &Pat) {
        let Pat::Node(head, args) = left else { return };
        let mut required = ChildMasks::default();
        debug_assert!(args.len() <= MOST_CHILDREN, "an operation of more operands");
        for (mask, arg) in required.iter_mut().zip(args) {
            *mask = if let Pat::Var(v) = arg { rule.required[*v] } else { arg.required_mask() };
        }
        let mut entry = IndexEntry { rule: rule_no, variant, below: SmallVec::new(), compared: 0, required };
        let compared = compared_variables(rule, left);
        entry.note_depths(left, 0, &compared);
        self.climb(args, &compared);
        match head {
            Head::Is(op) => self.by_op.entry(op.clone()).or_default().push(entry),
            Head::AnyUnary(_) => self.any_unary.push(entry),
            Head::AnyBinary(_) => self.any_binary.push(entry),
            // The other heads appear on right sides only.
            _ => {}
        }
    }

    /// Notes how far below the inner terms of a pattern something decides whether it matches.
    fn climb(&mut self, args: &[Pat], compared: &[bool]) {
        for arg in args {
            if let Pat::Node(_, inner) = arg {
                let below = height(arg, compared).unwrap_or(0);
                if self.climbs.len() <= below {
                    self.climbs.resize(below + 1, ClassMask::NONE);
                }
                for mask in &mut self.climbs[..=below] {
                    *mask |= arg.required_mask();
                }
                self.climb(inner, compared);
            }
        }
    }

    /// The rules that may match a term of this operation.
    pub(super) fn entries(&self, op: &EOp) -> &[IndexEntry] {
        match (self.by_op.get(op), op) {
            (Some(entries), _) => entries,
            (None, EOp::Unary(_) | EOp::Powi | EOp::Cast(_)) => &self.any_unary,
            (None, EOp::Binary(_)) => &self.any_binary,
            _ => &[],
        }
    }

    /// Those of them that may match in a new way because a class below the term has changed.
    pub(super) fn entries_above(&self, op: &EOp, changes: &Changes) -> impl Iterator<Item = &IndexEntry> {
        self.entries(op).iter().filter(move |e| (1..).zip(&changes.gained).any(|(d, &g)| changes.at(d) && e.sees(d, g)))
    }

    /// Whether a term of this operation, `distance` above a change, can be an inner part of a match.
    pub(super) fn climbs(&self, op: &EOp, distance: usize) -> bool {
        // Two operations may share a bit; then the way up is longer than it need be, never shorter.
        self.climbs.get(distance).is_some_and(|mask| mask.intersects(ClassMask::of_op(op)))
    }
}

/// What has changed below a term: for each distance from 1 on the operations that classes there gained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    gained: SmallVec<[ClassMask; 4]>,
    distances: u32,
}

impl Changes {
    /// Adds that a class at this distance met another one and gained these operations; whether that was news.
    pub(super) fn note(&mut self, distance: usize, gained: ClassMask) -> bool {
        if self.gained.len() < distance {
            self.gained.resize(distance, ClassMask::NONE);
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

/// Which variables of a rule are compared: those that appear twice, and those about whose terms a condition asks.
fn compared_variables(rule: &Rule, left: &Pat) -> Vec<bool> {
    let mut counts = vec![0usize; rule.vars.len()];
    left.count_variables(&mut counts);
    let may_come_true = rule.conditions.iter().filter(|c| c.question.may_come_true());
    for &v in may_come_true.flat_map(|c| &c.vars) {
        // Not `result`, which is no variable.
        if let Some(count) = counts.get_mut(v) {
            *count += 2;
        }
    }
    counts.iter().map(|&n| n > 1).collect()
}

/// How far below a pattern the deepest class is that decides whether the pattern matches.
fn height(pat: &Pat, compared: &[bool]) -> Option<usize> {
    match pat {
        Pat::Var(v) => compared[*v].then_some(0),
        Pat::Number(_) => Some(0),
        Pat::Attr(_) => None,
        Pat::Node(_, args) => {
            Some(args.iter().filter_map(|a| height(a, compared)).max().map_or(0, |deepest| deepest + 1))
        }
    }
}
