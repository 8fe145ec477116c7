//! What an engine was told: the builder's choices in the form that the pipeline reads.

#[cfg(feature = "gpu")]
use std::path::PathBuf;
use std::sync::Arc;

use super::inspect::Clock;
use super::options::Verify;
use crate::planner::Rules;
use crate::types::{CostTable, DeviceChoice, Numerics};

/// The settings of an engine.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) device: DeviceChoice,
    pub(super) numerics: Numerics,
    pub(super) plan: bool,
    pub(super) verify: Verify,
    pub(super) fuse: bool,
    pub(super) rules: RuleSet,
    pub(super) cpu_costs: CostTable,
    pub(super) gpu_costs: CostTable,
    pub(super) memory_limit: u64,
    pub(super) work_limit: u64,
    /// The folder that certificates of devices are kept in.
    #[cfg(feature = "gpu")]
    pub(super) certificates: Option<PathBuf>,
    /// The clock, if evaluations are inspected.
    pub(super) inspect: Option<Clock>,
}

/// The rules of an engine. The built-in ones are parsed when something is first planned, which many programs never need; the
/// embedder's are parsed at once, so that the builder reports their errors.
#[derive(Clone, Debug)]
pub(super) enum RuleSet {
    Builtin,
    Own(Arc<Rules>),
}

impl RuleSet {
    pub(super) fn get(&self) -> &Arc<Rules> {
        match self {
            Self::Builtin => Rules::builtin(),
            Self::Own(rules) => rules,
        }
    }

    /// The hash of the rules, for which none are parsed.
    pub(super) fn hash(&self) -> u64 {
        match self {
            Self::Builtin => Rules::builtin_hash(),
            Self::Own(rules) => rules.hash(),
        }
    }
}
