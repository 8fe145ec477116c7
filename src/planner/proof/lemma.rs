//! A proof as data: terms, and lemmas about them.

use std::sync::Arc;

use egg::Id;
use hashbrown::{HashMap, HashSet};

use crate::graph::NodeId;
use crate::planner::chain::Bracketing;
use crate::planner::knowledge::Knowledge;
use crate::planner::language::ENode;
use crate::planner::rules::{Class, Subst};

/// How a node of a plan follows from a node as it was recorded.
///
/// A proof is made of *lemmas*: equalities of two terms, each a chain of links. Lemma 0 is the equality that was asked for. The
/// others are those that its links name, so that what two places share is proved once.
#[derive(Clone, Debug)]
pub struct Proof {
    pub(super) node: NodeId,
    pub(super) image: NodeId,
    /// The leaves, scalars and views that the terms name.
    pub(super) store: Arc<Knowledge>,
    /// Terms, operands before their users; an id is a place in this list.
    pub(super) terms: Vec<ENode>,
    pub(super) lemmas: Vec<Lemma>,
    /// Terms that are recorded nodes.
    pub(super) recorded: HashMap<Id, Vec<NodeId>>,
    /// Those of them that more than one operation reads.
    pub(super) multi_use: HashSet<Id>,
    /// Those of them whose two operands were written the other way round.
    pub(super) swapped: HashSet<Id>,
    /// By recorded term whose value the plan computes: the terms that extraction may have chosen for it.
    pub(super) chosen: HashMap<Id, Vec<Id>>,
}

/// An equality of two terms.
#[derive(Clone, Debug)]
pub(super) struct Lemma {
    pub(super) from: Id,
    pub(super) links: Vec<LemmaLink>,
}

/// One equality of a chain: what the term before it became, and why.
#[derive(Clone, Debug)]
pub(super) struct LemmaLink {
    pub(super) to: Id,
    pub(super) why: Justification,
}

/// Why two terms are equal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Justification {
    /// An instance of a rule.
    Rule(RuleLink),
    /// The same operation on equal operands; a lemma for each that differs. `crossed` when the two operands of a commutative
    /// operation correspond the other way round.
    Congruence { crossed: bool, lemmas: Vec<Option<usize>> },
    /// Kernels whose results, stored by these terms, are equal by a lemma.
    Stored { stores: [Id; 2], lemma: usize },
    /// The same normal form: kernels are the operations they compute, and views over views are one view.
    NormalForm,
}

/// An instance of a rule as a link.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RuleLink {
    pub(super) rule: RuleName,
    /// Whether the link leads from the rule's right side to its left.
    pub(super) backwards: bool,
    pub(super) class: Class,
    /// What its variables stand for.
    pub(super) subst: Subst,
    /// How the chains of products that its right side weighs are bracketed.
    pub(super) bracketings: Vec<Bracketing>,
}

/// A direction of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleName {
    pub(super) name: String,
    /// Whether it is the direction from the right side, as written, to the left.
    pub(super) back: bool,
}

impl Lemma {
    pub(super) fn to(&self) -> Id {
        self.links.last().map_or(self.from, |l| l.to)
    }
}

impl Proof {
    /// The recorded node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The node of the plan that computes its value.
    #[must_use]
    pub fn image(&self) -> NodeId {
        self.image
    }

    /// The weakest class of a rule in it; `exact` for a proof without rules. Classes are ordered as in [`Class::ALL`].
    #[must_use]
    pub fn weakest(&self) -> Class {
        let class = |l: &LemmaLink| match &l.why {
            Justification::Rule(link) => Some(link.class),
            _ => None,
        };
        self.lemmas.iter().flat_map(|l| &l.links).filter_map(class).max().unwrap_or(Class::Exact)
    }
}
