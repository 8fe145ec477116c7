//! Proofs: how what runs follows from what was written, rule by rule.
//!
//! In: a graph, the options it is planned with, and a node of it. Out: a [`Proof`], a chain of equalities from the recorded term to
//! the planned one, each an instance of a rule, the same operation on operands that were proved equal, or one of the planner's own
//! steps; and a check that believes none of it. Nothing here knows what runs a plan.
//!
//! Planning keeps no proofs. Whoever asks has the graph planned once more, with a journal of the rules applied (planning depends on
//! its arguments only, so it is the same plan), and the journal is then replayed over terms written out in full; a plan that nobody
//! asks about pays nothing. egg's own explanations are not used: they would slow down every plan or have to be asked for in advance
//! just as well, they print programs as trees (a shared operation once for each path to it), and they do not know that kernels
//! with the same stored result are the same kernel.

mod chain;
mod check;
mod closure;
mod formed;
mod notation;
mod replay;
mod show;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use egg::Id;
use hashbrown::{HashMap, HashSet};

pub(super) use replay::Event;
pub use show::ProofStep;

use super::chain::Order;
use super::decode::stored;
use super::encode::{Encoded, encode_into};
use super::extract::Choice;
use super::facts::Knowledge;
use super::language::{ENode, EOp};
use super::rules::{Class, Rules, Subst};
use super::{Plan, PlanOptions};
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use closure::Closure;
use formed::Formed;
use replay::Replay;

/// What planning leaves behind for proofs.
#[derive(Default)]
pub(super) struct Trace {
    /// The e-graph at its end and the choice in it; `None` when the graph was given back as written.
    pub(super) chosen: Option<(Encoded, Choice)>,
    /// The rules that were applied, in order.
    pub(super) journal: Vec<Event>,
}

/// How a node of a plan follows from a node as it was recorded.
///
/// A proof is made of *lemmas*: equalities of two terms, each a chain of links. Lemma 0 is the one asked for, the others are
/// those that its links name, so that what two places share is proved once.
#[derive(Clone, Debug)]
pub struct Proof {
    node: NodeId,
    image: NodeId,
    /// The leaves, scalars and views that the terms name.
    store: Arc<Knowledge>,
    /// Terms, operands before their users and named by their places.
    terms: Vec<ENode>,
    lemmas: Vec<Lemma>,
    /// Terms that are recorded nodes.
    recorded: HashMap<Id, Vec<NodeId>>,
    /// Those of them that more than one operation reads.
    shared: HashSet<Id>,
    /// Those of them whose two operands were written the other way round.
    turned: HashSet<Id>,
    /// What was chosen for each of them, where the proof says so.
    chosen: HashMap<Id, Vec<Id>>,
}

/// An equality of two terms.
#[derive(Clone, Debug)]
struct Lemma {
    from: Id,
    links: Vec<Link>,
}

impl Lemma {
    fn to(&self) -> Id {
        self.links.last().map_or(self.from, |l| l.to)
    }
}

/// One equality of a chain: what the term before it became, and why.
#[derive(Clone, Debug)]
struct Link {
    to: Id,
    by: By,
}

#[derive(Clone, Debug, PartialEq)]
enum By {
    /// An instance of a rule, read from its right side to its left when `backwards`; `subst` is what its variables stand for, `orders`
    /// how the chains are bracketed that its right side weighs.
    Rule { rule: Named, backwards: bool, class: Class, subst: Subst, orders: Vec<Order> },
    /// The same operation on equal operands; a lemma for each that differs. `crossed` when the two operands of a commutative
    /// operation correspond the other way round.
    Inside { crossed: bool, lemmas: Vec<Option<usize>> },
    /// Kernels whose results, stored by these terms, are equal by a lemma.
    Stored { stores: [Id; 2], lemma: usize },
    /// Kernels are the operations they compute, and views over views are one view.
    Formed,
}

/// A direction of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    back: bool,
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
        let class = |l: &Link| match &l.by {
            By::Rule { class, .. } => Some(*class),
            _ => None,
        };
        self.lemmas.iter().flat_map(|l| &l.links).filter_map(class).max().unwrap_or(Class::Exact)
    }
}

/// Proofs of one plan. Making this plans the graph again; a proof then costs in proportion to its length.
pub struct Prover {
    graph: Graph,
    options: PlanOptions,
    plan: Plan,
    closure: Closure,
    formed: Formed,
    /// The terms of the recorded nodes.
    recorded: Vec<Id>,
    /// What extraction may have chosen for each recorded node.
    chosen: Vec<Vec<Id>>,
    /// The terms of the plan's nodes.
    planned: Vec<Id>,
    /// The tables of the terms, as the last proof took them.
    store: Arc<Knowledge>,
}

impl Prover {
    /// Plans a graph and keeps what proofs need.
    #[must_use]
    pub fn new(graph: &Graph, options: &PlanOptions) -> Self {
        let mut trace = Trace::default();
        let plan = super::plan_by(graph, options, &|_| false, Some(&mut trace));
        let (closure, recorded, chosen) = match &trace.chosen {
            Some((encoded, choice)) => replayed(encoded, choice, &trace.journal, &options.rules),
            None => {
                let mut terms = super::facts::Terms::new(Knowledge::of(graph.leaves.clone(), graph.slots.clone()));
                let recorded = encode_into(&mut terms, graph);
                let chosen = recorded.iter().map(|&id| vec![id]).collect();
                (Closure::new(terms), recorded, chosen)
            }
        };
        let mut prover = Self {
            graph: graph.clone(),
            options: options.clone(),
            plan,
            closure,
            formed: Formed::default(),
            recorded,
            chosen,
            planned: Vec::new(),
            store: Arc::default(),
        };
        prover.planned = encode_into(&mut prover.closure.terms, &prover.plan.graph);
        prover.closure.take_in();
        prover
    }

    /// The plan that is proved.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The proof of a recorded node.
    ///
    /// # Errors
    /// An argument error for a node that the graph does not have, and for one whose value the plan does not compute.
    pub fn proof(&mut self, node: NodeId) -> Result<Proof> {
        let Some(image) = self.plan.image.get(node.index()) else {
            let n = self.graph.nodes.len();
            return Err(Error::argument(format!(
                "there is no node {node}: the graph has %0 to %{}",
                n.saturating_sub(1)
            )));
        };
        let image = image.ok_or_else(|| Error::argument(self.not_computed(node)))?;
        let goal = self.planned[image.index()];
        let form = self.formed.form(&mut self.closure.terms, goal);
        let mut found = None;
        for candidate in self.chosen[node.index()].clone() {
            if self.formed.form(&mut self.closure.terms, candidate) == form {
                found = Some(candidate);
                break;
            }
        }
        self.closure.take_in();
        let now = &self.closure.terms.analysis;
        if now.views.len() != self.store.views.len() || now.opaques.len() != self.store.opaques.len() {
            self.store = Arc::new(now.clone());
        }
        let end = found.ok_or_else(|| Error::internal(format!("what {node} became is not what was chosen for it")))?;
        chain::build(self, node, image, end, goal)
    }

    fn not_computed(&self, node: NodeId) -> String {
        let mut users: Vec<NodeId> = Vec::new();
        let mut open = vec![node];
        let mut seen = hashbrown::HashSet::new();
        while let Some(at) = open.pop() {
            for user in self.graph.ids().filter(|u| self.graph.node(*u).operands.contains(&at)) {
                if seen.insert(user) {
                    match self.plan.image[user.index()] {
                        Some(_) => users.push(user),
                        None => open.push(user),
                    }
                }
            }
        }
        users.sort_unstable();
        let users: Vec<String> = users.iter().take(4).map(ToString::to_string).collect();
        format!(
            "the plan does not compute the value of {node}; what used it became something else: ask about {}",
            users.join(", ")
        )
    }
}

/// The closure of a plan, the terms of the recorded nodes, and what may have been chosen for each.
fn replayed(encoded: &Encoded, choice: &Choice, journal: &[Event], rules: &Rules) -> (Closure, Vec<Id>, Vec<Vec<Id>>) {
    let mut replay = Replay::new(encoded, rules);
    let recorded: Vec<Id> = encoded.of_node.iter().map(|&id| replay.term(id)).collect();
    for event in journal {
        replay.apply(event);
    }
    debug_assert!(replay.lost == 0, "{} rules could not be applied again", replay.lost);
    let mut kernels: HashMap<Id, Vec<Id>> = HashMap::new();
    let mut ids: Vec<Id> = encoded.terms.classes().map(|c| c.id).collect();
    ids.sort_unstable();
    for id in ids {
        if let Some(class) = stored(&encoded.terms, id) {
            kernels.entry(class).or_default().push(id);
        }
    }
    let mut chosen = Vec::with_capacity(recorded.len());
    for &id in &encoded.of_node {
        let class = encoded.terms.find(id);
        let mut all: Vec<Id> = replay.chosen(choice, class).into_iter().collect();
        // A value that stays in registers was chosen as its kernel.
        for &kernel in kernels.get(&class).into_iter().flatten() {
            if let Some(kernel) = replay.chosen(choice, kernel) {
                all.push(replay.closure.add(ENode::new(EOp::Run, [kernel])));
            }
        }
        chosen.push(all);
    }
    (replay.closure, recorded, chosen)
}

/// The proof of one node: how its planned form follows from what was recorded.
///
/// Plans the graph again with a journal: a few times the cost of a plan. For more than one node use [`Prover`].
///
/// # Errors
/// As [`Prover::proof`].
pub fn why(graph: &Graph, options: &PlanOptions, node: NodeId) -> Result<Proof> {
    Prover::new(graph, options).proof(node)
}
