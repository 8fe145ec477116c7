//! The record of an evaluation: what was recorded, planned, scheduled and run. Users read the same text that tests compare.

use std::fmt;
use std::sync::Arc;

use super::inspect::{Given, Times};
use super::prepared::Prepared;
use crate::graph::{Graph, NodeId, Notes};
use crate::schedule::{Place, Step};
use crate::types::Origin;

/// One evaluation, made of the very objects that ran.
pub struct Evaluation {
    /// The demanded graph as recorded.
    pub graph: Arc<Graph>,
    pub(super) notes: Vec<(NodeId, Arc<Notes>)>,
    /// Plan, schedule and kernels.
    pub prepared: Arc<Prepared>,
    /// Whether the plan came from the cache.
    pub cached: bool,
    /// The GPU of the engine, if it has one.
    pub device: Option<Arc<str>>,
    /// Where the program asked for it, if that is known.
    pub asked_at: Option<Origin>,
    /// Its inputs; only for an engine that inspects.
    pub given: Option<Given>,
    /// When each part ran; only for an engine that inspects.
    pub times: Option<Times>,
    /// Why the evaluation was repeated on the CPU, if it was.
    pub fallback: Option<String>,
}

impl Evaluation {
    /// One line for each kernel, CPU pass and host step, in order: the shortest answer to "what ran?".
    #[must_use]
    pub fn kernel_list(&self) -> Vec<String> {
        let mut list = Vec::new();
        for step in &self.prepared.schedule.steps {
            match step {
                Step::Run(g) => {
                    let place = if g.place == Place::Gpu { "gpu" } else { "cpu" };
                    list.push(format!("{place} {} {}", g.core.name(), g.domain));
                }
                Step::Host { nodes, .. } => {
                    let names: Vec<&str> = nodes.iter().map(|&n| self.prepared.graph.node(n).op.name()).collect();
                    list.push(format!("host {}", names.join(" ")));
                }
                _ => {}
            }
        }
        list
    }

    /// For each node of the recorded graph, where it was written, with the names of its value, and the composite it belongs to.
    pub fn origins(&self) -> impl Iterator<Item = (&[Origin], Option<&'static str>)> {
        self.graph.ids().map(|id| self.noted(id).map_or((&[][..], None), |n| (&n.origins[..], n.tag)))
    }

    /// Nanoseconds that the groups which ran on the GPU (or the others) took: by the device's timestamps where it has them, else by
    /// the host's clock. `None` when there were none, or for an engine that does not inspect.
    #[must_use]
    pub fn groups_ns(&self, on_gpu: bool) -> Option<u64> {
        let place = if on_gpu { Place::Gpu } else { Place::Cpu };
        self.steps_ns(|step| matches!(step, Step::Run(group) if group.place == place))
    }

    /// Nanoseconds that bringing inputs to the GPU took.
    #[must_use]
    pub fn uploads_ns(&self) -> Option<u64> {
        self.steps_ns(|step| matches!(step, Step::Upload(_)))
    }

    fn steps_ns(&self, counts: impl Fn(&Step) -> bool) -> Option<u64> {
        let times = self.times.as_ref()?;
        let steps = &self.prepared.schedule.steps;
        let counted: Vec<usize> = (0..steps.len()).filter(|&i| counts(&steps[i])).collect();
        let kernels: u64 = times.kernels.iter().filter(|k| counted.contains(&(k.step as usize))).map(|k| k.ns).sum();
        let host: u64 = counted.iter().filter_map(|&i| times.steps.get(i)).map(|s| s.ns).sum();
        (!counted.is_empty()).then_some(if kernels > 0 { kernels } else { host })
    }

    pub(super) fn noted(&self, id: NodeId) -> Option<&Notes> {
        let at = self.notes.binary_search_by_key(&id, |n| n.0).ok()?;
        Some(&self.notes[at].1)
    }

    /// Why the plan of this graph is quarantined, so that the graph ran without planner and fusion on the CPU; `None` for a plan
    /// that was sound or not compared.
    #[must_use]
    pub fn quarantined(&self) -> Option<&str> {
        self.prepared.quarantined.as_deref()
    }

    /// Where a node of the recorded graph was written, and its composite's name: ` # a.m:3:5 c (mean)`.
    pub(super) fn note(&self, id: NodeId) -> String {
        let Some(Notes { origins, tag }) = self.noted(id) else { return String::new() };
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
    /// Every stage as text: graph, plan, schedule, kernels. Deterministic: the device's name is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.asked_at {
            Some(origin) => writeln!(f, "== graph, asked for at {origin}")?,
            None => writeln!(f, "== graph")?,
        }
        for (line, id) in self.graph.to_string().lines().zip(self.graph.ids()) {
            writeln!(f, "{line}{}", self.note(id))?;
        }
        writeln!(f, "roots {:?}", self.graph.roots)?;
        writeln!(f, "== plan{}", if self.prepared.plan.is_some() { "" } else { " (off)" })?;
        if let Some(plan) = &self.prepared.plan {
            write!(f, "{}", plan.beside(&self.graph))?;
        }
        writeln!(f, "== schedule")?;
        write!(f, "{}", self.prepared.schedule)?;
        writeln!(f, "== kernels")?;
        for lowered in self.prepared.lowered.iter().flatten() {
            for k in &lowered.kernels {
                writeln!(f, "{} workgroups {:?} bindings {}", k.label, k.workgroups, k.bindings.len())?;
            }
            lowered.choices.iter().try_for_each(|choice| writeln!(f, "  {choice}"))?;
        }
        if let Some(why) = self.quarantined() {
            writeln!(f, "== quarantined, and run as recorded: {why}")?;
        }
        if let Some(reason) = &self.fallback {
            writeln!(f, "== fallback to the CPU: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluation").field("cached", &self.cached).field("kernels", &self.kernel_list()).finish()
    }
}

/// Called with every evaluation once it has run.
#[derive(Clone)]
pub(super) struct Observer(pub(super) Arc<Observe>);

type Observe = dyn Fn(&Arc<Evaluation>) + Send + Sync;

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
