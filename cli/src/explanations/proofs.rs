//! Proofs of why values are computed the way they are.
//!
//! In: evaluations as they happen, then a question about a node. Out: a chain of rules for each evaluation that has the node.

use std::sync::{Arc, Mutex, PoisonError};

use lazurite::{EngineBuilder, Evaluation};

use super::sections::{Section, titled};
use crate::arguments::NodeQuery;
use crate::script::diagnostic::{Diagnostic, SourceText};

/// The evaluations of a run, kept to answer questions about their nodes.
#[derive(Default)]
pub struct Proofs {
    evaluations: Arc<Mutex<Vec<Arc<Evaluation>>>>,
}

/// What one evaluation answers.
struct Answer {
    /// The proofs of all nodes that match.
    text: String,
    /// Why there is none for one of them.
    refusal: Option<String>,
}

impl Proofs {
    /// Makes the builder's engine keep its evaluations here.
    pub fn watch(&self, builder: EngineBuilder) -> EngineBuilder {
        let evaluations = self.evaluations.clone();
        builder.observe(move |evaluation: &Arc<Evaluation>| {
            evaluations.lock().unwrap_or_else(PoisonError::into_inner).push(evaluation.clone());
        })
    }

    /// The proofs for the node of a query, in every evaluation that has it.
    ///
    /// # Errors
    /// No evaluation has the node, or none computes its value; the message lists the nodes that exist.
    pub fn why(&self, query: &NodeQuery, source: Option<&SourceText>) -> Result<String, Diagnostic> {
        let evaluations = self.evaluations.lock().unwrap_or_else(PoisonError::into_inner);
        let count = evaluations.len();
        if let Some(n) = query.evaluation.filter(|&n| n > count) {
            return Err(Diagnostic::unplaced(format!("there is no evaluation {n}: the script has {count}")));
        }
        let chosen = |i: usize| query.evaluation.is_none_or(|n| n == i + 1);
        let (mut sections, mut refusal) = (Vec::new(), None);
        for (i, evaluation) in evaluations.iter().enumerate() {
            let answer =
                if chosen(i) { answer(evaluation, query)? } else { Answer { text: String::new(), refusal: None } };
            refusal = answer.refusal.or(refusal);
            sections.push(Section { asked_at: evaluation.asked_at.clone(), text: answer.text });
        }
        if sections.iter().any(|section| !section.text.is_empty()) {
            return Ok(titled(&sections, source));
        }
        let asked = evaluations.iter().enumerate().filter(|(i, _)| chosen(*i));
        Err(Diagnostic::unplaced(refusal.unwrap_or_else(|| unknown(query, asked))))
    }
}

fn answer(evaluation: &Evaluation, query: &NodeQuery) -> Result<Answer, Diagnostic> {
    let mut answer = Answer { text: String::new(), refusal: None };
    let mut nodes = evaluation.find(&query.node);
    if nodes.iter().any(|n| !query.node.ends_with(&n.0.to_string())) {
        // A variable that an earlier evaluation computed is a leaf here, which needs no proof.
        nodes.retain(|n| !evaluation.graph.node(*n).operands.is_empty());
    }
    if nodes.is_empty() {
        return Ok(answer);
    }
    let mut prover = evaluation.prover().map_err(|error| Diagnostic::unplaced(error.message()))?;
    for node in nodes {
        match prover.proof(node) {
            Ok(proof) => answer.text += &proof.text(&|id| evaluation.name(id).map(str::to_owned)),
            Err(error) => answer.refusal = Some(error.message().to_owned()),
        }
    }
    Ok(answer)
}

/// The message about a node that no evaluation has; it lists those that exist.
fn unknown<'a>(query: &NodeQuery, all: impl Iterator<Item = (usize, &'a Arc<Evaluation>)>) -> String {
    let (mut names, mut sizes): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for (i, evaluation) in all {
        names.extend(evaluation.graph.ids().filter_map(|id| evaluation.name(id)));
        sizes.push(format!("%0 to %{} in evaluation {}", evaluation.graph.nodes.len().saturating_sub(1), i + 1));
    }
    names.sort_unstable();
    names.dedup();
    let known =
        if names.is_empty() { String::from("no variables") } else { format!("the variables {}", names.join(", ")) };
    let more = if sizes.len() > 4 { format!(" and {} more evaluations", sizes.len() - 4) } else { String::new() };
    sizes.truncate(4);
    let nodes = if sizes.is_empty() { String::from("no evaluations") } else { sizes.join(", ") + &more };
    format!("no evaluation has a node or a variable {}: there are {known}, and {nodes}", query.node)
}
