//! What a term costs by itself, in nanoseconds of the device's cost table.
//!
//! The schedule fuses elementwise work with the work that reads or produces it, so an elementwise term pays for its operations, a
//! share of a launch and half of its bytes; products, reductions and library routines pay in full for what they read. The core of
//! a product is charged where the kernel begins, so several results of one core charge it once.

use super::class_facts::Facts;
use super::language::EOp;
use super::properties::Property;
use crate::graph::{HostOp, Op};
use crate::types::{CostTable, DType, Shape};

/// Every term costs a little, which keeps choices free of circles and prefers fewer terms.
const FLOOR_NS: f64 = 0.01;

/// The share of its multiply-adds that a product costs if it equals its transpose. Half of the result is computed; mirroring it
/// costs a little more.
const GRAM_SHARE: f64 = 0.6;

/// The shape of a matrix product; `None` where the operands do not fit.
pub(super) fn product_shape(a: &Shape, b: &Shape) -> Option<Shape> {
    let (ra, rb) = (a.rank(), b.rank());
    if ra < 2 || rb < 2 || a[ra - 1] != b[rb - 2] {
        return None;
    }
    let batch = Shape::new(&a[..ra - 2]).broadcast(&Shape::new(&b[..rb - 2])).ok()?;
    Some(batch.iter().copied().chain([a[ra - 2], b[rb - 1]]).collect())
}

/// A matrix product that was weighed.
pub(super) struct ProductCost {
    pub(super) ns: f64,
    pub(super) shape: Shape,
}

/// The cost of one matrix product, stored; `None` where the operands do not fit. A `gram` equals its transpose.
pub(super) fn product(a: &Shape, b: &Shape, gram: bool, dtype: DType, costs: &CostTable) -> Option<ProductCost> {
    let shape = product_shape(a, b)?;
    let factor = if dtype == DType::F64 { costs.f64_factor } else { 1.0 };
    let bytes = (a.len() as f64 + b.len() as f64 + 0.5 * shape.len() as f64) * dtype.size() as f64;
    let factor = if gram { GRAM_SHARE * factor } else { factor };
    let work = shape.len() as f64 * a[a.rank() - 1] as f64 * costs.fma_ns * factor;
    Some(ProductCost { ns: 1.05 * costs.launch_ns + bytes * costs.byte_ns + work, shape })
}

/// The cost of a term with these facts, over children with those facts.
pub(super) fn term_ns(op: &EOp, facts: &Facts, children: &[&Facts], opaques: &[Op], costs: &CostTable) -> f64 {
    let bytes = |f: &Facts| f.shape.len() as f64 * f.dtype.size() as f64 * costs.byte_ns;
    let n = facts.shape.len() as f64;
    let read: f64 = children.iter().filter(|f| f.is_tensor()).map(|f| bytes(f)).sum();
    let factor = if facts.dtype == DType::F64 { costs.f64_factor } else { 1.0 };
    let share = 0.1 * costs.launch_ns;
    let per_op = |op: &EOp| {
        let slow = match op {
            EOp::Unary(u) => u.is_transcendental(),
            EOp::Binary(b) => b.is_transcendental(),
            _ => false,
        };
        if slow { costs.transcendental_ns } else { costs.op_ns }
    };
    let product = || {
        let k = children.first().map_or(1, |f| f.shape.last().copied().unwrap_or(1));
        n * k as f64 * costs.fma_ns * factor
    };
    FLOOR_NS
        + match op {
            _ if op.is_attribute() => 0.0,
            EOp::Roots | EOp::Literal(_) | EOp::Slot(_) | EOp::Leaf(_) => 0.0,
            // After a product the diagonal is a pass of its own.
            EOp::Diagonal => share + 0.5 * bytes(facts),
            // Views move nothing; fewer of them are nicer to read.
            _ if op.is_view() => 0.001 * costs.launch_ns,
            _ if op.is_elementwise() && facts.is(Property::Constant) => 0.000_1 * costs.launch_ns,
            _ if op.is_elementwise() && facts.is_kernel() => 0.05 * n * per_op(op) * factor + read + 0.01 * share,
            _ if op.is_elementwise() => n * per_op(op) * factor + 0.5 * bytes(facts) + share,
            EOp::Reduce(_) => {
                let len = children.first().map_or(0.0, |f| f.shape.len() as f64);
                // Rows along the last axis read neighbours together. Of two equal choices this one is taken, but not at the
                // price of a view.
                let strided = children.first().is_some_and(|f| f.shape.last() == facts.shape.last());
                let strided = if strided { 0.000_8 * costs.launch_ns } else { 0.0 };
                costs.launch_ns + read + len * costs.op_ns * factor + strided
            }
            EOp::Gemm => costs.launch_ns + read + product(),
            EOp::Syrk => costs.launch_ns + read + GRAM_SHARE * product(),
            // A store is cheaper than one more elementwise pass.
            EOp::Run => 0.5 * share + 0.5 * bytes(facts),
            EOp::RunDiag => 0.25 * bytes(facts),
            EOp::Contract => 1.5 * costs.launch_ns + read + product() + bytes(facts),
            EOp::Host(host, _) => {
                let len = children.first().map_or(0.0, |f| f.shape.len() as f64);
                let effort = match host {
                    HostOp::Inv => 2.0,
                    HostOp::Solve | HostOp::Det | HostOp::Cholesky => 0.7,
                    _ => 4.0,
                };
                10.0 * costs.launch_ns + read + effort * len * len.sqrt() * costs.fma_ns * factor
            }
            EOp::Opaque(i) => match opaques.get(*i as usize) {
                Some(Op::Iota { .. }) => share + n * costs.op_ns,
                Some(Op::Rng { .. }) => share + n * costs.transcendental_ns * 2.0,
                _ => costs.launch_ns + read + bytes(facts),
            },
            _ => 0.0,
        }
}
