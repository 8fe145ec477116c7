//! What a schedule may use and what it should keep.

use crate::graph::NodeId;
use crate::types::{CostTable, DeviceChoice, Limits, Numerics};

/// What a schedule may use and what it should keep.
#[derive(Clone, Debug)]
pub struct ScheduleOptions {
    /// Where groups may run.
    pub device: DeviceChoice,
    /// What the GPU can do; `None` when there is none.
    pub limits: Option<Limits>,
    /// What results must keep: a GPU that is known not to is not used for those operations.
    pub numerics: Numerics,
    /// What work costs on the CPU.
    pub cpu_costs: CostTable,
    /// What work costs on the GPU.
    pub gpu_costs: CostTable,
    /// Whether nodes are fused. Without, every node is a group of its own; views over stored values still are loads.
    pub fuse: bool,
    /// For each leaf whether it already lies on the device; missing entries say no.
    pub resident: Vec<bool>,
    /// Nodes that a handle still refers to: those that are stored anyway are kept.
    pub keep: Vec<NodeId>,
    /// Nodes that run by themselves whatever else is fused; bisection uses this to find the group at fault. Views and known
    /// scalars among them take no work and stay part of their readers.
    pub unfused: Vec<NodeId>,
}

impl Default for ScheduleOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            limits: None,
            numerics: Numerics::Standard,
            cpu_costs: CostTable::cpu(),
            gpu_costs: CostTable::gpu(),
            fuse: true,
            resident: Vec::new(),
            keep: Vec::new(),
            unfused: Vec::new(),
        }
    }
}
