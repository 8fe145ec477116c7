//! What a group cannot do without: operations, and bytes that must move; and how long that takes at least by a cost table.
//!
//! The share of this roofline that a kernel reaches is what the pages of explain show. Bytes count every stored value that a
//! group reads or writes once, however often its program names it.

use crate::graph::{BinaryOp, UnaryOp};
use crate::schedule::{Core, Group, Inst, Level, Program, Schedule};
use crate::types::{CostTable, DType};

/// What a group costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
    /// Arithmetic operations; a multiply-add of a product is two.
    pub flops: f64,
    /// Nanoseconds that the slower of arithmetic and memory takes by the cost table.
    pub least_ns: f64,
}

/// The work of a group of a schedule.
pub(super) fn of_group(schedule: &Schedule, group: &Group, costs: &CostTable) -> Work {
    let mut reads: Vec<_> = crate::engine::loads(group).map(|l| l.value).collect();
    reads.sort_unstable();
    reads.dedup();
    // A view may touch a small part of what is stored.
    let touched = |v: crate::schedule::ValueId| -> u64 {
        let most = crate::engine::loads(group).filter(|l| l.value == v).fold(0u64, |most, l| {
            let spread = l.view.shape().iter().zip(l.view.strides()).filter(|(_, s)| **s != 0);
            most.max(spread.fold(1u64, |n, (&d, _)| n.saturating_mul(d as u64)))
        });
        let value = schedule.value(v);
        most.saturating_mul(value.dtype.size() as u64).min(value.bytes())
    };
    let read = reads.iter().fold(0u64, |n, v| n.saturating_add(touched(*v)));
    let written = group.stores.iter().fold(0u64, |n, s| n.saturating_add(schedule.value(s.value).bytes()));
    let domain = group.domain.len() as f64;
    let mut flops = 0.0;
    let mut ns = 0.0;
    let mut add = |(count, time): (f64, f64)| {
        flops += count;
        ns += time;
    };
    match &group.core {
        Core::Rows { axes, .. } => {
            let rows = group.domain.reduced(axes).len() as f64;
            add(program(&group.body, domain, rows, axes, costs));
        }
        Core::Map | Core::Scan { .. } => add(program(&group.body, domain, domain, &[], costs)),
        Core::Contract { left, right, k, symmetric, dtype } => {
            let rank = group.domain.rank();
            let (m, n) = (group.domain[rank - 2].max(1) as f64, group.domain[rank - 1].max(1) as f64);
            let half = if *symmetric { 0.5 } else { 1.0 };
            let fma = domain * *k as f64 * half;
            add((2.0 * fma, fma * costs.fma_ns * factor(*dtype, costs)));
            add(program(&group.body, domain, domain, &[], costs));
            for (side, elements) in [(left, domain / n * *k as f64), (right, domain / m * *k as f64)] {
                add(program(side, elements, elements, &[], costs));
            }
        }
    }
    let memory = (read as f64 + written as f64) * costs.byte_ns;
    Work { read, written, flops, least_ns: ns.max(memory) }
}

/// Operations and nanoseconds of a program over so many elements; what is one value for a row counts once a row.
fn program(program: &Program, elements: f64, rows: f64, axes: &[usize], costs: &CostTable) -> (f64, f64) {
    let levels = program.levels(axes);
    let (mut flops, mut ns) = (0.0, 0.0);
    for ((inst, &dtype), level) in program.insts.iter().zip(&program.dtypes).zip(levels) {
        let heavy = match inst {
            Inst::Unary(op, _) => UnaryOp::is_transcendental(*op),
            Inst::Binary(op, ..) => BinaryOp::is_transcendental(*op),
            Inst::Rng { .. } => true,
            Inst::Load(_) | Inst::Literal(_) | Inst::Scalar(_) | Inst::Acc | Inst::Window { .. } => continue,
            Inst::Gather { .. } | Inst::Index(_) => continue,
            _ => false,
        };
        let folds = matches!(inst, Inst::Reduce(..) | Inst::ArgReduce(..));
        let times = if level == Level::Row && !folds && !axes.is_empty() { rows } else { elements };
        flops += times;
        let each = if heavy { costs.transcendental_ns } else { costs.op_ns };
        ns += times * each * factor(dtype, costs);
    }
    (flops, ns)
}

fn factor(dtype: DType, costs: &CostTable) -> f64 {
    if dtype == DType::F64 { costs.f64_factor } else { 1.0 }
}
