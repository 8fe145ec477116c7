//! The schedule: which nodes run together, where, in what order and in which memory.
//!
//! [`schedule`] turns a graph (planned or not) into a [`Schedule`]: values, groups, host steps, transfers, frees and
//! the memory plan, with every refusal kept as text. It reads plain [`Limits`] and cost tables and knows
//! no kernel text, no device and no buffer.

mod accept;
mod analyse;
mod build;
mod display;
mod emit;
mod estimate;
mod faulty;
mod fuse;
mod memory;
mod order;
mod place;
mod product;
mod program;
mod reads;
mod steps;
mod waits;

pub use program::{Coord, Inst, Level, Load, Program, Reg, Window};
pub use steps::{
    Block, Core, Group, Lifetime, Place, Refusal, Schedule, Step, Store, StoreShape, Value, ValueId, ValueKind,
};

use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::types::{CostTable, DeviceChoice, Limits};
use analyse::Facts;
use fuse::Builder;
use reads::Source;

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
    pub apart: Vec<NodeId>,
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
            apart: Vec::new(),
        }
    }
}

/// The schedule of a graph. Linear in the size of the graph but for bounded searches.
///
/// # Errors
/// Internal errors only: every well-formed graph has a schedule.
pub fn schedule(graph: &Graph, options: &ScheduleOptions) -> Result<Schedule> {
    let facts = Facts::of(graph);
    let source = Source { graph, facts: &facts };
    let limits = match options.device {
        DeviceChoice::Cpu => None,
        DeviceChoice::Gpu | DeviceChoice::Auto => options.limits.as_ref(),
    };
    let Some(limits) = limits else { return build(source, options, None, "") };
    if options.device == DeviceChoice::Gpu {
        return build(source, options, Some(limits), "");
    }
    if limits.software {
        return build(source, options, None, "the adapter runs on the CPU itself");
    }
    let cpu = build(source, options, None, "the graph is too small to be worth the transfers")?;
    let on_cpu = estimate::nanoseconds(&cpu, options);
    if on_cpu < options.gpu_costs.transfer_ns {
        return Ok(cpu);
    }
    let gpu = build(source, options, Some(limits), "")?;
    Ok(if estimate::nanoseconds(&gpu, options) < on_cpu { gpu } else { cpu })
}

fn build(source: Source<'_>, options: &ScheduleOptions, gpu: Option<&Limits>, because: &str) -> Result<Schedule> {
    let mut builder = Builder::new(source, options, gpu);
    builder.adopt_kernels();
    builder.decide_all()?;
    let mut schedule = order::assemble(&mut builder, because)?;
    memory::plan(&mut schedule);
    faulty::corrupt(&mut schedule);
    Ok(schedule)
}
