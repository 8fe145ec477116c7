//! What a schedule may use and what it should keep.

use crate::graph::NodeId;
use crate::types::{CostTable, DeviceChoice, Limits};

/// What a schedule may use and what it should keep.
#[derive(Clone, Debug)]
pub struct ScheduleOptions {
    /// Where groups may run.
    pub device: DeviceChoice,
    /// What the GPU can do; `None` when there is none.
    pub limits: Option<Limits>,
    /// What work costs on the CPU.
    pub cpu_costs: CostTable,
    /// What work costs on the GPU.
    pub gpu_costs: CostTable,
    /// Whether nodes are fused. Without, every node is a group of its own; views over stored values still are loads.
    pub fuse: bool,
    /// For each leaf whether it already lies on the device; missing entries say no.
    pub resident: Vec<bool>,
    /// Nodes somebody holds a handle to: if they are stored anyway they are kept.
    pub keep: Vec<NodeId>,
    /// Nodes that run by themselves whatever else is fused: how a search finds out which group is at fault. Views and known
    /// scalars among them are no work and stay part of what reads them.
    pub unfused: Vec<NodeId>,
}

impl Default for ScheduleOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            limits: None,
            cpu_costs: CostTable::cpu(),
            gpu_costs: CostTable::gpu(),
            fuse: true,
            resident: Vec::new(),
            keep: Vec::new(),
            unfused: Vec::new(),
        }
    }
}
