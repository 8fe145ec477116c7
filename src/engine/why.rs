//! Why a value is computed as it is: proofs of what the planner did, made on request.
//!
//! Evaluating keeps nothing for them but the options a plan was made under; making one plans the recorded graph again, see [`crate::planner::Prover`].

use super::Engine;
use super::evaluate::DemandGuard;
use super::evaluation::Evaluation;
use super::options::RunRequest;
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId, NodeRef};
use crate::planner::{Proof, Prover};

impl Evaluation {
    /// Why the value of a node of [`graph`](Self::graph) was computed as it was: the chain of rules from what was recorded to what
    /// ran, each with its class. Plans the graph again and takes a few times as long as that; for several nodes use
    /// [`prover`](Self::prover).
    ///
    /// # Errors
    /// An argument error for a node that is not there, for one whose value the plan does not compute (the message names nodes
    /// that it does), and where no plan was made: with the planner off, and for a plan in quarantine.
    pub fn why(&self, node: NodeId) -> Result<Proof> {
        self.prover()?.proof(node)
    }

    /// Proofs of any nodes of the plan.
    ///
    /// # Errors
    /// An argument error where no plan was made.
    pub fn prover(&self) -> Result<Prover> {
        let options = self.prepared.planning.as_ref();
        let options =
            options.ok_or_else(|| Error::argument("this evaluation ran as it was recorded, without a plan"))?;
        Ok(Prover::new(&self.graph, options))
    }

    /// The name that the program gave the value of a node of the recorded graph, the latest one.
    #[must_use]
    pub fn name(&self, node: NodeId) -> Option<&str> {
        self.noted(node)?.origins.iter().rev().find_map(|o| o.label.as_deref())
    }

    /// The recorded nodes that this text names: a number as dumps print it (`%21`, `21`), or a name that the program gave
    /// values. Empty where there are none.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<NodeId> {
        if let Ok(number) = text.trim_start_matches('%').parse::<u32>() {
            return self.graph.ids().filter(|id| id.0 == number).collect();
        }
        let called = |id: &NodeId| {
            let origins = self.noted(*id).map_or(&[][..], |n| &n.origins);
            origins.iter().any(|o| o.label.as_deref() == Some(text))
        };
        self.graph.ids().filter(called).collect()
    }
}

impl Engine {
    /// How this engine would compute a node of a graph: as [`Evaluation::why`], for a graph that need not have run.
    ///
    /// # Errors
    /// As [`Evaluation::why`]; an invalid graph.
    pub fn why(&self, graph: &Graph, node: NodeId) -> Result<Proof> {
        graph.verify()?;
        let options = self.plan_options(self.limits().is_some(), &RunRequest::default());
        Prover::new(graph, &options).proof(node)
    }

    /// As [`why`](Self::why), for what is pending below a recorded node. Nothing is evaluated.
    pub(crate) fn why_pending(&self, node: NodeRef) -> Result<Proof> {
        let demand = self.0.recorder.demand(&[node], &self.0.plans)?;
        let known = || Error::argument("this array has its value already: ask the evaluation that computed it");
        let guard = DemandGuard { recorder: &self.0.recorder, demand };
        let graph = guard.demand.as_ref().map(|d| d.graph.clone()).ok_or_else(known)?;
        drop(guard);
        let root = graph.roots.first().copied().ok_or_else(known)?;
        self.why(&graph, root)
    }
}
