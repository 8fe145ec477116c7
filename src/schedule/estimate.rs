//! What a schedule costs by the tables: under `auto` it decides between a GPU and staying on the CPU whole.

use super::options::ScheduleOptions;
use super::program::{Inst, Program};
use super::steps::{Core, Group, Place, Schedule, Step, StoreShape};
use crate::types::{CostTable, DType};

/// Nanoseconds of a run, the roots' way back to the host included. Host steps cost the same everywhere and are left out.
pub(super) fn nanoseconds(schedule: &Schedule, options: &ScheduleOptions) -> f64 {
    let gpu = &options.gpu_costs;
    let mut total = 0.0;
    let mut side = vec![Place::Cpu; schedule.values.len()];
    let mut in_segment = false;
    for step in &schedule.steps {
        if let Some(touched) = step.touched() {
            for v in touched.writes {
                side[v.index()] = touched.place;
            }
        }
        match step {
            Step::Run(group) => {
                total += run(schedule, group, if group.place == Place::Gpu { gpu } else { &options.cpu_costs });
                if group.place == Place::Gpu && !in_segment {
                    total += gpu.transfer_ns;
                }
                in_segment = group.place == Place::Gpu || in_segment;
            }
            Step::Upload(v) => total += schedule.value(*v).device_bytes() as f64 * gpu.transfer_byte_ns,
            Step::Readback(v) => {
                total += gpu.transfer_ns + schedule.value(*v).device_bytes() as f64 * gpu.transfer_byte_ns;
                in_segment = false;
            }
            _ => {}
        }
    }
    let back: f64 = schedule
        .roots
        .iter()
        .filter(|v| side[v.index()] == Place::Gpu)
        .map(|v| schedule.value(*v).device_bytes() as f64 * gpu.transfer_byte_ns)
        .sum();
    total + back
}

fn run(schedule: &Schedule, group: &Group, costs: &CostTable) -> f64 {
    let domain = group.domain.len() as f64;
    let mut total = costs.launch_ns + program(&group.body, domain, costs);
    for load in &group.body.loads {
        total += touched(load.view.shape().len(), schedule.value(load.value).bytes()) * costs.byte_ns;
    }
    for s in &group.stores {
        total += schedule.value(s.value).bytes() as f64 * costs.byte_ns;
        debug_assert!(s.shape != StoreShape::Full || schedule.value(s.value).shape.len() == group.domain.len());
    }
    if let Core::Contract { left, right, k, symmetric, dtype } = &group.core {
        let rank = group.domain.rank();
        let n = group.domain[rank - 1].max(1) as f64;
        let m = group.domain[rank - 2].max(1) as f64;
        let half = if *symmetric { 0.5 } else { 1.0 };
        total += domain * *k as f64 * costs.fma_ns * half * factor(*dtype, costs);
        for (side, elements) in [(left, domain / n * *k as f64), (right, domain / m * *k as f64)] {
            total += program(side, elements, costs);
            for load in &side.loads {
                total += touched(elements as usize, schedule.value(load.value).bytes()) * costs.byte_ns;
            }
        }
    }
    total
}

/// A broadcast value is read from memory once.
fn touched(elements: usize, bytes: u64) -> f64 {
    (elements as f64 * 8.0).min(bytes as f64)
}

fn program(program: &Program, elements: f64, costs: &CostTable) -> f64 {
    let mut each = 0.0;
    for (inst, &dtype) in program.insts.iter().zip(&program.dtypes) {
        let heavy = match inst {
            Inst::Unary(op, _) => op.is_transcendental(),
            Inst::Binary(op, ..) => op.is_transcendental(),
            Inst::Rng { .. } => true,
            _ => false,
        };
        let cheap = !matches!(inst, Inst::Load(_) | Inst::Literal(_) | Inst::Scalar(_) | Inst::Acc);
        let cost = if heavy {
            costs.transcendental_ns
        } else if cheap {
            costs.op_ns
        } else {
            0.0
        };
        each += cost * factor(dtype, costs);
    }
    each * elements
}

fn factor(dtype: DType, costs: &CostTable) -> f64 {
    if dtype == DType::F64 { costs.f64_factor } else { 1.0 }
}
