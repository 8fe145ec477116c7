//! How graphs are run other than by default: stages, rules and fusions left out, and plans compared before they are kept.

use crate::graph::NodeId;

/// How [`Engine::run_graph`](crate::Engine::run_graph) runs a graph: the same pipeline with stages left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunOptions {
    /// Whether the planner rewrites the graph.
    pub plan: bool,
    /// Whether groups may hold more than one node.
    pub fuse: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { plan: true, fuse: true }
    }
}

/// What [`Engine::run_graph_without`](crate::Engine::run_graph_without) leaves out of a run, so that a search can find the rule or
/// group at fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Without {
    /// Rules that the planner does not use, by name.
    pub rules: Vec<String>,
    /// Nodes of the planned graph that run by themselves, whatever else is fused.
    pub unfused: Vec<NodeId>,
}

/// Whether new plans are checked before they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verify {
    /// They are kept unchecked.
    #[default]
    Off,
    /// The first results of each plan are compared, on sampled elements, with the recorded graph run without planner and fusion on
    /// the CPU. That costs three such runs for each new plan, and the memory of their results; nothing afterwards. Where they
    /// differ the plan is quarantined: the results without it are what the evaluation gives, and what runs from then on.
    Sampled,
}

/// How one run goes through the pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct RunRequest {
    pub(super) options: RunOptions,
    pub(super) without: Without,
}

impl From<RunOptions> for RunRequest {
    fn from(options: RunOptions) -> Self {
        Self { options, without: Without::default() }
    }
}
