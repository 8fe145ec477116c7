//! The schedule: which nodes run together, where, in what order and in which memory.
//!
//! [`schedule`] turns a graph (planned or not) into a [`Schedule`]: values, groups, host steps, transfers, frees and
//! the memory plan, with every refusal kept as text. It reads plain [`Limits`] and cost tables and knows
//! no kernel text, no device and no buffer.

mod accept;
mod analyse;
mod build;
mod decide;
mod display;
mod emit;
mod estimate;
mod faulty;
mod fusion;
mod memory;
mod options;
mod order;
mod place;
mod planned;
mod program;
mod reads;
mod steps;
mod value;
mod waits;

pub use options::ScheduleOptions;
pub use program::{Coord, Inst, Level, Load, Program, Reg, Window};
pub use steps::{Block, Core, Group, Lifetime, Place, Refusal, Schedule, Step, Store, StoreShape};
pub use value::{Value, ValueId, ValueKind};

use crate::error::Result;
use crate::graph::Graph;
use crate::types::{DeviceChoice, Limits};
use analyse::Analysis;
use fusion::Fusion;
use reads::Analysed;

/// The schedule of a graph, in time linear in its size apart from searches with a fixed bound.
///
/// # Errors
/// Internal errors only: every well-formed graph has a schedule.
pub fn schedule(graph: &Graph, options: &ScheduleOptions) -> Result<Schedule> {
    let analysis = Analysis::of(graph);
    let input = Analysed { graph, analysis: &analysis };
    let limits = match options.device {
        DeviceChoice::Cpu => None,
        DeviceChoice::Gpu | DeviceChoice::Auto => options.limits.as_ref(),
    };
    let Some(limits) = limits else { return build(input, options, None, "") };
    if options.device == DeviceChoice::Gpu {
        return build(input, options, Some(limits), "");
    }
    if limits.software {
        return build(input, options, None, "the adapter runs on the CPU itself");
    }
    let cpu = build(input, options, None, "the graph is too small to be worth the transfers")?;
    let on_cpu = estimate::nanoseconds(&cpu, options);
    if on_cpu < options.gpu_costs.transfer_ns {
        return Ok(cpu);
    }
    let gpu = build(input, options, Some(limits), "")?;
    Ok(if estimate::nanoseconds(&gpu, options) < on_cpu { gpu } else { cpu })
}

fn build(input: Analysed<'_>, options: &ScheduleOptions, gpu: Option<&Limits>, because: &str) -> Result<Schedule> {
    let mut fusion = Fusion::new(input, options, gpu);
    fusion.adopt_kernels();
    fusion.decide_all()?;
    let mut schedule = order::assemble(&mut fusion, because)?;
    memory::plan(&mut schedule);
    faulty::corrupt(&mut schedule);
    Ok(schedule)
}
