//! Looking into a run: the pending cone of arrays with its data, and a run whose stored values are all kept.
//!
//! Only the checking room reads this. A traced run takes the very steps of an ordinary one and copies what each wrote to the host;
//! on a GPU that ends a submission after every group.

use std::sync::Arc;

use super::Engine;
use super::cache::HashedGraph;
use super::options::{RunOptions, RunRequest};
use super::prepared::Prepared;
use super::run::Run;
use super::stored::Inputs;
use crate::error::{Error, Result};
use crate::graph::{Case, NodeRef};
use crate::schedule::{Step, ValueId};
use crate::types::{CostTable, HostBuffer};

/// A value that a step stored.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The step.
    pub step: usize,
    /// The value.
    pub value: ValueId,
    /// Its elements.
    pub data: Arc<HostBuffer>,
}

/// A run with everything it stored.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The plan and schedule that ran.
    pub prepared: Arc<Prepared>,
    /// What each step stored, in order.
    pub stored: Vec<Traced>,
}

impl Engine {
    /// The pending cone of nodes with its data; `None` when all of them are evaluated already. Nothing is evaluated, and everything
    /// stays pending.
    pub(crate) fn pending_case(&self, roots: &[NodeRef]) -> Result<Option<Case>> {
        let Some(demand) = self.0.recorder.demand(roots, &self.0.plans)? else { return Ok(None) };
        let mut graph = (*demand.graph).clone();
        // Roots beyond those asked for are nodes that an evaluation would store for later ones.
        graph.roots.truncate(demand.n_asked);
        let mut leaves = Vec::with_capacity(demand.leaves.len());
        let mut failed = None;
        for (stored, info) in demand.leaves.iter().zip(&graph.leaves) {
            match pollster::block_on(self.host_copy(stored, info.dtype, info.shape.len())) {
                Ok(copy) => leaves.push((*copy).clone()),
                Err(e) => failed = Some(e),
            }
        }
        let slots = demand.slots.to_vec();
        self.0.recorder.abandon(&demand);
        match failed {
            Some(error) => Err(error),
            None => Ok(Some(Case { graph, leaves, slots })),
        }
    }

    /// Does what an evaluation of nodes does before its first step, and abandons it. Returns whether its plan was cached.
    pub(crate) fn look_up_nodes(&self, roots: &[NodeRef]) -> Result<bool> {
        let Some(demand) = self.0.recorder.demand(roots, &self.0.plans)? else { return Ok(true) };
        let graph = HashedGraph { graph: demand.graph.clone(), hash: demand.hash };
        let inputs = Inputs { leaves: &demand.leaves, slots: &demand.slots };
        let found = self.plan_for(&graph, inputs, &demand.needed, &RunRequest::default(), true);
        let found = found.and_then(|f| Run::new(self, &f.prepared, inputs).map(|_| f.cached));
        self.0.recorder.abandon(&demand);
        found
    }

    /// Runs a graph as [`run_graph`](Self::run_graph) does and keeps everything it stored.
    ///
    /// # Errors
    /// As [`run_graph`](Self::run_graph).
    pub(crate) fn trace_graph(&self, case: &Case, options: RunOptions) -> Result<Trace> {
        case.graph.verify()?;
        if !case.graph.accepts(&case.leaves, &case.slots) {
            return Err(Error::argument("trace_graph: expected the graph's leaves and slots, given others"));
        }
        let leaves: Vec<_> = case.leaves.iter().map(|b| self.store_host(b.clone())).collect();
        let inputs = Inputs { leaves: &leaves, slots: &case.slots };
        let graph = HashedGraph::new(case.graph.clone());
        let prepared = self.plan_for(&graph, inputs, &[], &options.into(), true)?.prepared;
        let mut run = Run::new(self, &prepared, inputs)?;
        let mut stored = Vec::new();
        for (step, made) in prepared.schedule.steps.iter().enumerate() {
            pollster::block_on(run.step(step))?;
            for value in writes(made) {
                stored.push(Traced { step, value, data: pollster::block_on(run.host(value))? });
            }
        }
        drop(run);
        Ok(Trace { prepared, stored })
    }

    /// The cost table that the engine plans with.
    pub(crate) fn costs(&self) -> &CostTable {
        if self.device_name().is_some() { &self.0.settings.gpu_costs } else { &self.0.settings.cpu_costs }
    }
}

/// The values a step writes.
fn writes(step: &Step) -> Vec<ValueId> {
    match step {
        Step::Run(group) => group.stores.iter().map(|s| s.value).collect(),
        Step::Host { outputs, .. } => outputs.clone(),
        _ => Vec::new(),
    }
}
