//! An evaluation into a dump: the recorded graph with its record and proofs, its data and its times.

use std::sync::Arc;

use super::content::{Dump, Note, RecordedGraph, Run};
use super::record::{Record, WhyRecord, WhyStep};
use crate::engine::Evaluation;
use crate::error::{Error, Result};
use crate::graph::NodeId;

/// Graphs of more nodes are dumped without proofs, since the proofs of all nodes grow faster than the graph.
const MOST_PROVED: usize = 600;

impl Dump {
    /// Adds an evaluation with its record. Graphs and data that are there already are not stored twice.
    ///
    /// # Errors
    /// An argument error for an evaluation of an engine that does not inspect: it has no inputs.
    pub fn add(&mut self, evaluation: &Evaluation) -> Result<()> {
        let Some(given) = &evaluation.given else {
            return Err(Error::argument("dump: expected an evaluation of an engine built with inspect(true)"));
        };
        let program = self.add_graph(evaluation);
        let leaves = given.leaves.iter().map(|b| self.add_data(b.clone())).collect();
        self.settings.ran_on = evaluation.device.as_deref().map(str::to_owned);
        self.runs.push(Run {
            program,
            leaves,
            slots: given.slots.clone(),
            asked_at: evaluation.asked_at.clone(),
            cached: evaluation.cached,
            fallback: evaluation.fallback.clone(),
            times: evaluation.times.clone(),
        });
        Ok(())
    }

    /// Adds the recorded graph of an evaluation, unless it is there, and gives its number.
    fn add_graph(&mut self, evaluation: &Evaluation) -> usize {
        let notes =
            evaluation.origins().map(|(origins, tag)| Note { origins: origins.to_vec(), tag: tag.map(str::to_owned) });
        let notes: Vec<Note> = notes.collect();
        let same_plan = |p: &RecordedGraph| p.prepared.as_ref().is_some_and(|p| Arc::ptr_eq(p, &evaluation.prepared));
        if let Some(known) = self.programs.iter().position(|p| same_plan(p) && p.notes == notes) {
            return known;
        }
        let mut record = Record::of(&evaluation.prepared);
        if let Some(plan) = &mut record.plan {
            match why_of(evaluation) {
                Ok(why) => plan.why = why,
                Err(why) => plan.unproved = Some(why.message().to_owned()),
            }
        }
        self.programs.push(RecordedGraph {
            graph: (*evaluation.graph).clone(),
            notes,
            record: Some(record),
            prepared: Some(evaluation.prepared.clone()),
        });
        self.programs.len() - 1
    }
}

/// The proofs of an evaluation's nodes, or why there are none.
fn why_of(evaluation: &Evaluation) -> Result<Vec<WhyRecord>> {
    let n = evaluation.graph.nodes.len();
    if n > MOST_PROVED {
        return Err(Error::argument(format!(
            "a graph of {n} nodes, of at most {MOST_PROVED}: explain --why NODE proves one of any"
        )));
    }
    let mut prover = evaluation.prover()?;
    let name = |id: NodeId| evaluation.name(id).map(str::to_owned);
    let mut all = Vec::new();
    for node in evaluation.graph.ids() {
        let Ok(proof) = prover.proof(node) else { continue };
        let steps: Vec<WhyStep> = proof
            .own_steps(&name)
            .into_iter()
            .map(|s| WhyStep {
                rule: s.rule,
                class: s.class.map_or_else(String::new, |c| c.to_string()),
                backwards: s.backwards,
                place: s.place,
                before: s.before,
                after: s.after,
            })
            .collect();
        if !steps.is_empty() {
            all.push(WhyRecord {
                node: node.0,
                image: proof.image().0,
                weakest: proof.weakest().to_string(),
                written: proof.written(&name),
                runs: proof.runs(&name),
                steps,
            });
        }
    }
    Ok(all)
}
