//! One node's operation in a dump: its name as dumps show it, and its attributes as further fields.

use super::json::{At, Object, list, shortened};
use super::scalar;
use super::version::Version;
use crate::error::Result;
use crate::graph::{ArgOp, BinaryOp, CastMode, HostOp, Node, Op, ReduceOp, RngDist, ScanOp, UnaryOp};
use crate::types::{DType, Dims, Shape, View};

/// No extent, stride, offset or element count of a dump is beyond this, so that index arithmetic cannot overflow.
pub(super) const MOST: u64 = 1 << 48;
/// No array has more axes.
pub(super) const MAX_RANK: usize = 32;

/// The fields `op` and whatever the operation has besides.
pub(super) fn write(object: Object, node: &Node) -> Object {
    let object = object.text("op", node.op.name());
    match &node.op {
        Op::Leaf(i) => object.field("leaf", i),
        Op::Literal(s) => object.field("value", scalar::write(*s)),
        Op::Slot(i) => object.field("slot", i),
        Op::Iota { axis, .. }
        | Op::ArgReduce { axis, .. }
        | Op::Scan { axis, .. }
        | Op::Gather { axis }
        | Op::Scatter { axis }
        | Op::Concat { axis } => object.field("axis", axis),
        Op::Unary(UnaryOp::Powi(n)) => object.field("exponent", n),
        Op::View(view) => object.field("strides", list(view.strides())).field("offset", view.offset()),
        Op::Reduce { axes, .. } => object.field("axes", list(axes)),
        Op::SliceUpdate { start, step } => object.field("start", list(start)).field("step", list(step)),
        Op::Pad { before, after } => object.field("before", list(before)).field("after", list(after)),
        Op::Sort { axis, descending, .. } => object.field("axis", axis).field("descending", descending),
        Op::Host { output, .. } => object.field("output", output),
        Op::Cast { to, .. } => object.text("to", to.name()),
        Op::Rng { .. } | Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Contract { .. } => object,
    }
}

/// The operation of a node whose shape and dtype were read: those of an array that is counted, random or viewed are its own.
///
/// # Errors
/// An unknown name, an attribute that is missing or out of range. Whether operands fit is for inference to say.
pub(super) fn read(at: &At<'_>, shape: &Shape, dtype: DType, version: Version) -> Result<Op> {
    let field = at.field("op")?;
    let name = field.text()?;
    let axis = || -> Result<usize> {
        let at = at.field("axis")?;
        match at.int::<usize>()? {
            axis if axis < MAX_RANK => Ok(axis),
            axis => Err(at.error(format!("expected an axis below {MAX_RANK}, given {axis}"))),
        }
    };
    let dims = |name| dims(&at.field(name)?);
    let cast = |mode| -> Result<Op> {
        let to = match version {
            Version::Two => dtype,
            Version::Three => scalar::dtype(&at.field("to")?)?,
        };
        Ok(Op::Cast { to, mode })
    };
    let dist = |dist| Op::Rng { dist, shape: shape.clone(), dtype };
    Ok(match name {
        "leaf" => Op::Leaf(at.field("leaf")?.int()?),
        "literal" => Op::Literal(scalar::read(&at.field("value")?, dtype)?),
        "slot" => Op::Slot(at.field("slot")?.int()?),
        "iota" => Op::Iota { shape: shape.clone(), axis: axis()?, dtype },
        "rng_bits" => dist(RngDist::Bits),
        "rng_uniform" => dist(RngDist::Uniform),
        "rng_normal" => dist(RngDist::Normal),
        "powi" => Op::Unary(UnaryOp::Powi(at.field("exponent")?.int()?)),
        "select" => Op::Select,
        "cast" => cast(CastMode::Wrap)?,
        "cast_round_saturate" => cast(CastMode::RoundSaturate)?,
        "view" => {
            let strides = at.field("strides")?;
            let offset = at.field("offset")?;
            let bounded = |at: &At<'_>| -> Result<i64> {
                match at.int::<i64>()? {
                    i if i.unsigned_abs() <= MOST => Ok(i),
                    i => Err(at.error(format!("expected a number within ±{MOST}, given {i}"))),
                }
            };
            let parts = strides.items(|_, s| bounded(s))?;
            Op::View(
                View::from_parts(shape.clone(), &parts, bounded(&offset)?).map_err(|e| strides.error(e.message()))?,
            )
        }
        "contract" => Op::Contract { symmetric: false },
        "contract_symmetric" => Op::Contract { symmetric: true },
        "gather" => Op::Gather { axis: axis()? },
        "scatter" => Op::Scatter { axis: axis()? },
        "slice_update" => Op::SliceUpdate { start: dims("start")?, step: dims("step")? },
        "concat" => Op::Concat { axis: axis()? },
        "pad" => Op::Pad { before: dims("before")?, after: dims("after")? },
        "sort" | "argsort" => {
            Op::Sort { axis: axis()?, descending: at.field("descending")?.bool()?, indices: name == "argsort" }
        }
        _ => {
            if let Some(op) = UnaryOp::ALL.iter().copied().find(|o| o.name() == name) {
                Op::Unary(op)
            } else if let Some(op) = BinaryOp::ALL.iter().copied().find(|o| o.name() == name) {
                Op::Binary(op)
            } else if let Some(op) = ReduceOp::ALL.iter().copied().find(|o| o.name() == name) {
                Op::Reduce { op, axes: dims("axes")? }
            } else if let Some(op) = ArgOp::ALL.iter().copied().find(|o| o.name() == name) {
                Op::ArgReduce { op, axis: axis()? }
            } else if let Some(op) = ScanOp::ALL.iter().copied().find(|o| o.name() == name) {
                Op::Scan { op, axis: axis()? }
            } else if let Some(op) = ROUTINES.into_iter().find(|o| o.name() == name) {
                Op::Host { op, output: at.field("output")?.int()? }
            } else {
                return Err(field.error(format!("there is no operation {:?}", shortened(name))));
            }
        }
    })
}

const ROUTINES: [HostOp; 8] = [
    HostOp::Qr { complete: false },
    HostOp::Qr { complete: true },
    HostOp::Solve,
    HostOp::Inv,
    HostOp::Cholesky,
    HostOp::Det,
    HostOp::Eigh,
    HostOp::Svd,
];

/// A short list of extents or coordinates.
fn dims(at: &At<'_>) -> Result<Dims> {
    if at.len()? > MAX_RANK {
        return Err(at.error(format!("expected at most {MAX_RANK} entries, given {}", at.len()?)));
    }
    let bounded = |_, item: &At<'_>| match item.int::<usize>()? {
        d if d as u64 <= MOST => Ok(d),
        d => Err(item.error(format!("expected at most {MOST}, given {d}"))),
    };
    Ok(at.items(bounded)?.into_iter().collect())
}

/// A shape whose element count, with empty axes left out, is one that index arithmetic can hold.
pub(super) fn shape(at: &At<'_>) -> Result<Shape> {
    let dims = dims(at)?;
    let count = dims.iter().filter(|&&d| d > 0).try_fold(1u64, |n, &d| n.checked_mul(d as u64));
    match count {
        Some(n) if n <= MOST => Ok(Shape::new(&dims)),
        _ => Err(at.error(format!("expected at most {MOST} elements, given {:?}", dims.as_slice()))),
    }
}
