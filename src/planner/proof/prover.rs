//! Proofs of one plan, node by node.

use std::sync::Arc;

use egg::Id;
use hashbrown::HashSet;

use super::lemma::{Justification, LemmaLink, Proof};
use super::lemmas::lemmas;
use super::normal_form::NormalForms;
use super::own_terms::{Proved, proof};
use super::replayed_plan::ReplayedPlan;
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::planner::knowledge::Knowledge;
use crate::planner::plan::{Plan, PlanOptions};

/// The proof of one node: how its planned form follows from what was recorded.
///
/// Plans the graph again with a journal: a few times the cost of a plan. For more than one node use [`Prover`].
///
/// # Errors
/// As [`Prover::proof`].
pub fn why(graph: &Graph, options: &PlanOptions, node: NodeId) -> Result<Proof> {
    Prover::new(graph, options).proof(node)
}

/// Proofs of one plan. Making this plans the graph again; a proof then costs in proportion to its length.
pub struct Prover {
    options: PlanOptions,
    replayed: ReplayedPlan,
    normal_forms: NormalForms,
    /// The tables of the terms, as the last proof took them.
    store: Arc<Knowledge>,
}

impl Prover {
    /// Plans a graph and keeps what proofs need.
    #[must_use]
    pub fn new(graph: &Graph, options: &PlanOptions) -> Self {
        Self {
            options: options.clone(),
            replayed: ReplayedPlan::of(graph, options),
            normal_forms: NormalForms::default(),
            store: Arc::default(),
        }
    }

    /// The plan that is proved.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.replayed.plan
    }

    /// The proof of a recorded node.
    ///
    /// # Errors
    /// An argument error for a node that the graph does not have, and for one whose value the plan does not compute.
    pub fn proof(&mut self, node: NodeId) -> Result<Proof> {
        let Some(image) = self.replayed.plan.image.get(node.index()) else {
            let n = self.replayed.graph.nodes.len();
            return Err(Error::argument(format!(
                "there is no node {node}: the graph has %0 to %{}",
                n.saturating_sub(1)
            )));
        };
        let image = image.ok_or_else(|| Error::argument(self.not_computed(node)))?;
        let planned = self.replayed.planned[image.index()];
        let chosen = self.chosen_as(node, planned);
        self.replayed.closure.take_in();
        self.refresh_store();
        let chosen =
            chosen.ok_or_else(|| Error::internal(format!("what {node} became is not what was chosen for it")))?;
        let mut lemmas = lemmas(&self.replayed, &self.options.rules, self.replayed.recorded[node.index()], chosen)?;
        if chosen != planned {
            lemmas[0].links.push(LemmaLink { to: planned, why: Justification::NormalForm });
        }
        Ok(proof(&self.replayed, self.store.clone(), lemmas, Proved { node, image }))
    }

    /// The term that was chosen for a recorded node and has the same normal form as a planned term.
    fn chosen_as(&mut self, node: NodeId, planned: Id) -> Option<Id> {
        let terms = &mut self.replayed.closure.terms;
        let form = self.normal_forms.of(terms, planned);
        let candidates = &self.replayed.chosen[node.index()];
        candidates.iter().copied().find(|&candidate| self.normal_forms.of(terms, candidate) == form)
    }

    /// Copies the tables of the terms if they have grown since the last proof.
    fn refresh_store(&mut self) {
        let now = &self.replayed.closure.terms.analysis;
        if now.views.len() != self.store.views.len() || now.opaques.len() != self.store.opaques.len() {
            self.store = Arc::new(now.clone());
        }
    }

    /// Says which nodes to ask about instead: the nearest users of a node whose values the plan computes.
    fn not_computed(&self, node: NodeId) -> String {
        let (graph, image) = (&self.replayed.graph, &self.replayed.plan.image);
        let mut users: Vec<NodeId> = Vec::new();
        let mut open = vec![node];
        let mut seen = HashSet::new();
        while let Some(at) = open.pop() {
            for user in graph.ids().filter(|u| graph.node(*u).operands.contains(&at)) {
                if seen.insert(user) {
                    match image[user.index()] {
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
