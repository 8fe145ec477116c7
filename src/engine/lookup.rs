//! The plan for a graph: the one that is kept, or a new one.

use std::sync::{Arc, PoisonError};

use super::Engine;
use super::cache::{HashedGraph, PlanKey};
use super::options::{RunOptions, RunRequest, Verify};
use super::prepared::{Context, Prepared};
use super::stored::Inputs;
use crate::error::Result;
use crate::graph::{Graph, NodeId, Op};
use crate::types::{DeviceChoice, Fault, Scalar, seeded};

/// A plan for a graph.
pub(super) struct PlanLookup {
    pub(super) prepared: Arc<Prepared>,
    /// Whether it came from the cache.
    pub(super) cached: bool,
    /// The key of a new plan that is kept only once its results were compared.
    pub(super) unverified: Option<PlanKey>,
}

impl Engine {
    /// The plan for a graph, from the cache or made now. `gpu` false keeps everything on the CPU.
    ///
    /// # Errors
    /// What making a plan says.
    pub(super) fn plan_for(
        &self,
        graph: &HashedGraph,
        inputs: Inputs<'_>,
        needed: &[NodeId],
        request: &RunRequest,
        gpu: bool,
    ) -> Result<PlanLookup> {
        let settings = &self.0.settings;
        let options =
            RunOptions { plan: request.options.plan && settings.plan, fuse: request.options.fuse && settings.fuse };
        let mut context = Context::on_cpu(settings, options, needed);
        context.without = request.without.clone();
        context.gpu = gpu && self.limits().is_some();
        context.device = settings.device;
        #[cfg(feature = "gpu")]
        {
            context.certified = self.is_certified();
        }
        // Where leaves are matters to placement only where there is a choice.
        if settings.device == DeviceChoice::Auto && context.gpu {
            context.resident = inputs.leaves.iter().map(|leaf| leaf.copies().device().is_some()).collect();
        }
        self.kept_or_made(graph, &context)
    }

    fn kept_or_made(&self, graph: &HashedGraph, context: &Context) -> Result<PlanLookup> {
        let stale = seeded(Fault::StalePlan).then(|| without_literals(&graph.graph));
        let key_graph = stale.as_ref().unwrap_or(graph);
        let kept = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner).get(key_graph, context);
        if let Some(prepared) = kept {
            self.0.counters.plan_hits.add(1);
            return Ok(PlanLookup { prepared, cached: true, unverified: None });
        }
        let prepared = Arc::new(self.make(&graph.graph, context)?);
        let key = PlanKey { graph: key_graph.clone(), context: context.clone() };
        let changed = context.options.plan || context.options.fuse || prepared.lowered.iter().any(Option::is_some);
        if self.0.settings.verify == Verify::Sampled && changed {
            return Ok(PlanLookup { prepared, cached: false, unverified: Some(key) });
        }
        self.keep(key, prepared.clone());
        Ok(PlanLookup { prepared, cached: false, unverified: None })
    }

    /// Keeps a plan for later runs.
    pub(super) fn keep(&self, key: PlanKey, prepared: Arc<Prepared>) {
        let displaced = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner).insert(key, prepared);
        drop(displaced);
    }
}

/// The graph with every constant zero: the key of a seeded fault.
fn without_literals(graph: &Graph) -> HashedGraph {
    let mut graph = graph.clone();
    for node in &mut graph.nodes {
        if let Op::Literal(s) = &mut node.op {
            *s = Scalar::from_bits(s.dtype(), 0);
        }
    }
    HashedGraph::new(graph)
}
