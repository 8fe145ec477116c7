//! Shape and dtype of a node from its operands: the only door through which nodes come into being.
//!
//! Messages say what was expected and what was given; the array room adds where the user wrote the operation.

use super::{HostOp, Op, RngDist};
use crate::error::{Error, Result};
use crate::types::{DType, Shape};

/// Shape and dtype of `op` applied to `operands`. Leaves and slots are described by their graph and not inferred here.
///
/// # Errors
/// A shape, dtype or argument error when the operands do not fit the operation.
pub fn infer(op: &Op, operands: &[(&Shape, DType)]) -> Result<(Shape, DType)> {
    // The commonest ones by hand; what does not fit goes the long way, which says why.
    match (op, operands) {
        (Op::Unary(u), &[(shape, dtype)]) => {
            if let Some(result) = u.result(dtype) {
                return Ok((shape.clone(), result));
            }
        }
        (Op::Binary(b), &[(x, dtype), (y, other)]) if dtype == other && x == y => {
            if let Some(result) = b.result(dtype) {
                return Ok((x.clone(), result));
            }
        }
        _ => {}
    }
    let name = op.name();
    let want = arity(op);
    if want.is_some_and(|n| n != operands.len()) || operands.is_empty() && want.is_none() {
        return Err(Error::argument(format!(
            "{name}: expected {} operands, given {}",
            want.unwrap_or(1),
            operands.len()
        )));
    }
    match op {
        Op::Leaf(_) | Op::Slot(_) => Err(Error::internal(format!("{name}: described by its graph, not inferred"))),
        Op::Literal(s) => Ok((Shape::scalar(), s.dtype())),
        Op::Iota { shape, axis, dtype } => {
            in_rank(name, *axis, shape)?;
            if *dtype == DType::Bool {
                return Err(Error::dtype("iota: expected a numeric dtype, given bool"));
            }
            Ok((shape.clone(), *dtype))
        }
        Op::Rng { dist, shape, dtype } => {
            rng(name, *dist, *dtype, operands)?;
            Ok((shape.clone(), *dtype))
        }
        Op::Unary(u) => {
            let (shape, dtype) = operands[0];
            Ok((shape.clone(), u.result(dtype).ok_or_else(|| not_for(name, dtype))?))
        }
        Op::Binary(b) => {
            let (a, b_) = (operands[0], operands[1]);
            same_dtype(name, a.1, b_.1)?;
            let dtype = b.result(a.1).ok_or_else(|| not_for(name, a.1))?;
            Ok((a.0.broadcast(b_.0).map_err(|e| prefix(name, &e))?, dtype))
        }
        Op::Select => {
            let (c, a, b) = (operands[0], operands[1], operands[2]);
            if c.1 != DType::Bool {
                return Err(Error::dtype(format!("select: expected a bool condition, given {}", c.1)));
            }
            same_dtype(name, a.1, b.1)?;
            let shape = a.0.broadcast(b.0).and_then(|s| s.broadcast(c.0)).map_err(|e| prefix(name, &e))?;
            Ok((shape, a.1))
        }
        Op::Cast { to, .. } => Ok((operands[0].0.clone(), *to)),
        Op::View(view) => {
            let (shape, dtype) = operands[0];
            if !view.fits(shape.len()) {
                return Err(Error::shape(format!("view {view} reaches outside its operand {shape}")));
            }
            Ok((view.shape().clone(), dtype))
        }
        Op::Reduce { op: r, axes } => {
            let (shape, dtype) = operands[0];
            if axes.is_empty() || axes.windows(2).any(|w| w[0] >= w[1]) {
                return Err(Error::argument(format!("{name}: expected ascending axes, given {:?}", axes.as_slice())));
            }
            for &axis in axes {
                in_rank(name, axis, shape)?;
            }
            let logical = matches!(r, super::ReduceOp::Any | super::ReduceOp::All);
            let additive = matches!(r, super::ReduceOp::Sum | super::ReduceOp::Prod);
            if logical != (dtype == DType::Bool) && (logical || additive) {
                return Err(not_for(name, dtype));
            }
            Ok((shape.reduced(axes), dtype))
        }
        Op::ArgReduce { axis, .. } => {
            let (shape, _) = operands[0];
            in_rank(name, *axis, shape)?;
            if shape[*axis] == 0 || i32::try_from(shape[*axis]).is_err() {
                return Err(Error::argument(format!(
                    "{name}: expected 1 to {} elements along axis {axis}, given {shape}",
                    i32::MAX
                )));
            }
            Ok((shape.with_axis(*axis, 1), DType::I32))
        }
        Op::Scan { axis, .. } => {
            let (shape, dtype) = operands[0];
            in_rank(name, *axis, shape)?;
            if dtype == DType::Bool { Err(not_for(name, dtype)) } else { Ok((shape.clone(), dtype)) }
        }
        Op::Contract { .. } => contract(operands[0], operands[1]),
        Op::Gather { axis } => {
            let ((shape, dtype), (index, index_dtype)) = (operands[0], operands[1]);
            in_rank(name, *axis, shape)?;
            index_vector(name, index, index_dtype)?;
            if shape[*axis] == 0 && !index.is_empty() {
                return Err(Error::argument(format!("gather: expected elements along axis {axis}, given {shape}")));
            }
            Ok((shape.with_axis(*axis, index[0]), dtype))
        }
        Op::Scatter { axis } => {
            let ((shape, dtype), (index, index_dtype), (update, update_dtype)) =
                (operands[0], operands[1], operands[2]);
            in_rank(name, *axis, shape)?;
            index_vector(name, index, index_dtype)?;
            same_dtype(name, dtype, update_dtype)?;
            let expected = shape.with_axis(*axis, index[0]);
            if *update != expected {
                return Err(Error::shape(format!("scatter: expected updates of shape {expected}, given {update}")));
            }
            Ok((shape.clone(), dtype))
        }
        Op::SliceUpdate { start, step } => {
            let ((shape, dtype), (update, update_dtype)) = (operands[0], operands[1]);
            same_dtype(name, dtype, update_dtype)?;
            let fits = start.len() == shape.rank()
                && step.len() == shape.rank()
                && update.rank() == shape.rank()
                && (0..shape.rank()).all(|i| {
                    step[i] >= 1
                        && (update[i] == 0
                            || start[i]
                                .checked_add(step[i].saturating_mul(update[i] - 1))
                                .is_some_and(|last| last < shape[i]))
                });
            if !fits {
                return Err(Error::shape(format!(
                    "slice_update: expected an update within {shape}, given {update} at {:?} step {:?}",
                    start.as_slice(),
                    step.as_slice()
                )));
            }
            Ok((shape.clone(), dtype))
        }
        Op::Concat { axis } => concat(*axis, operands),
        Op::Pad { before, after } => {
            let ((shape, dtype), (fill, fill_dtype)) = (operands[0], operands[1]);
            same_dtype(name, dtype, fill_dtype)?;
            if fill.rank() != 0 || before.len() != shape.rank() || after.len() != shape.rank() {
                return Err(Error::shape(format!(
                    "pad: expected a 0-d fill and {} pairs, given a fill of shape {fill}, {} before and {} after",
                    shape.rank(),
                    before.len(),
                    after.len()
                )));
            }
            let grown =
                (0..shape.rank()).map(|i| before[i].saturating_add(shape[i]).saturating_add(after[i])).collect();
            Ok((grown, dtype))
        }
        Op::Sort { axis, indices, .. } => {
            let (shape, dtype) = operands[0];
            in_rank(name, *axis, shape)?;
            if *indices && i32::try_from(shape[*axis]).is_err() {
                return Err(Error::argument(format!(
                    "argsort: expected at most {} elements along axis {axis}, given {shape}",
                    i32::MAX
                )));
            }
            Ok((shape.clone(), if *indices { DType::I32 } else { dtype }))
        }
        Op::Host { op, output } => host(*op, *output, operands),
    }
}

/// How many operands an operation takes; `None` for any number from one on.
fn arity(op: &Op) -> Option<usize> {
    Some(match op {
        Op::Leaf(_) | Op::Literal(_) | Op::Slot(_) | Op::Iota { .. } => 0,
        Op::Unary(_)
        | Op::Cast { .. }
        | Op::View(_)
        | Op::Reduce { .. }
        | Op::ArgReduce { .. }
        | Op::Scan { .. }
        | Op::Sort { .. } => 1,
        Op::Host { op: HostOp::Solve, .. } => 2,
        Op::Host { .. } => 1,
        Op::Binary(_)
        | Op::Contract { .. }
        | Op::Gather { .. }
        | Op::SliceUpdate { .. }
        | Op::Pad { .. }
        | Op::Rng { .. } => 2,
        Op::Select | Op::Scatter { .. } => 3,
        Op::Concat { .. } => return None,
    })
}

fn rng(name: &str, dist: RngDist, dtype: DType, operands: &[(&Shape, DType)]) -> Result<()> {
    for (s, d) in operands {
        if s.rank() != 0 || *d != DType::U32 {
            return Err(Error::dtype(format!("{name}: expected a 0-d u32 key and stream, given {d}{s}")));
        }
    }
    let fits = match dist {
        RngDist::Bits => dtype == DType::U32,
        RngDist::Uniform | RngDist::Normal => matches!(dtype, DType::F32 | DType::F64),
    };
    if fits { Ok(()) } else { Err(not_for(name, dtype)) }
}

fn contract(a: (&Shape, DType), b: (&Shape, DType)) -> Result<(Shape, DType)> {
    same_dtype("contract", a.1, b.1)?;
    if a.1 == DType::Bool {
        return Err(not_for("contract", a.1));
    }
    let (ra, rb) = (a.0.rank(), b.0.rank());
    if ra < 2 || rb < 2 {
        return Err(Error::shape(format!(
            "contract: expected at least 2 axes on both sides, given {} and {}",
            a.0, b.0
        )));
    }
    if a.0[ra - 1] != b.0[rb - 2] {
        return Err(Error::shape(format!(
            "contract: expected equal inner extents, given {} (columns {}) and {} (rows {})",
            a.0,
            a.0[ra - 1],
            b.0,
            b.0[rb - 2]
        )));
    }
    let batch =
        Shape::new(&a.0[..ra - 2]).broadcast(&Shape::new(&b.0[..rb - 2])).map_err(|e| prefix("contract", &e))?;
    Ok((batch.iter().copied().chain([a.0[ra - 2], b.0[rb - 1]]).collect(), a.1))
}

fn concat(axis: usize, operands: &[(&Shape, DType)]) -> Result<(Shape, DType)> {
    let (first, dtype) = operands[0];
    in_rank("concat", axis, first)?;
    let mut total = 0usize;
    for (shape, d) in operands {
        same_dtype("concat", dtype, *d)?;
        if shape.rank() != first.rank() || shape.with_axis(axis, 0) != first.with_axis(axis, 0) {
            return Err(Error::shape(format!(
                "concat: expected shapes equal to {first} but for axis {axis}, given {shape}"
            )));
        }
        total = total.saturating_add(shape[axis]);
    }
    Ok((first.with_axis(axis, total), dtype))
}

fn host(op: HostOp, output: u8, operands: &[(&Shape, DType)]) -> Result<(Shape, DType)> {
    let name = op.name();
    let (a, dtype) = operands[0];
    if !matches!(dtype, DType::F32 | DType::F64) {
        return Err(not_for(name, dtype));
    }
    if a.rank() != 2 {
        return Err(Error::shape(format!("{name}: expected a matrix, given {a}")));
    }
    let (m, n) = (a[0], a[1]);
    let square = !matches!(op, HostOp::Qr { .. } | HostOp::Solve | HostOp::Svd);
    if square && m != n {
        return Err(Error::shape(format!("{name}: expected a square matrix, given {a}")));
    }
    let k = m.min(n);
    let shape = match (op, output) {
        (HostOp::Qr { complete }, 0) => Shape::from([m, if complete { m } else { k }]),
        (HostOp::Qr { complete }, 1) => Shape::from([if complete { m } else { k }, n]),
        (HostOp::Solve, 0) => {
            let (b, b_dtype) = operands[1];
            same_dtype(name, dtype, b_dtype)?;
            if b.rank() != 2 || b[0] != m {
                return Err(Error::shape(format!("solve: expected a right side of {m} rows, given {b}")));
            }
            Shape::from([n, b[1]])
        }
        (HostOp::Solve | HostOp::Inv, 1) | (HostOp::Det, 0) => Shape::scalar(),
        (HostOp::Inv | HostOp::Cholesky, 0) | (HostOp::Eigh, 1) => a.clone(),
        (HostOp::Eigh, 0) | (HostOp::Svd, 0) => Shape::from([k]),
        (HostOp::Svd, 1) => Shape::from([m, k]),
        (HostOp::Svd, 2) => Shape::from([n, k]),
        _ => return Err(Error::argument(format!("{name}: there is no output {output}"))),
    };
    Ok((shape, dtype))
}

fn in_rank(name: &str, axis: usize, shape: &Shape) -> Result<()> {
    if axis < shape.rank() {
        return Ok(());
    }
    Err(Error::argument(format!("{name}: expected an axis below {}, given {axis} for {shape}", shape.rank())))
}

fn index_vector(name: &str, shape: &Shape, dtype: DType) -> Result<()> {
    if shape.rank() == 1 && dtype == DType::I32 {
        return Ok(());
    }
    Err(Error::shape(format!("{name}: expected 1-d i32 positions, given {dtype}{shape}")))
}

fn same_dtype(name: &str, a: DType, b: DType) -> Result<()> {
    if a == b {
        return Ok(());
    }
    Err(Error::dtype(format!("{name}: expected operands of one dtype, given {a} and {b}; cast one of them")))
}

fn not_for(name: &str, dtype: DType) -> Error {
    Error::dtype(format!("{name}: not defined for {dtype}"))
}

fn prefix(name: &str, error: &Error) -> Error {
    Error::shape(format!("{name}: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::BinaryOp;

    #[test]
    fn products_broadcast_their_batches() {
        let (a, b) = (Shape::new(&[5, 1, 2, 3]), Shape::new(&[4, 3, 7]));
        let (shape, _) = infer(&Op::Contract { symmetric: false }, &[(&a, DType::F32), (&b, DType::F32)]).unwrap();
        assert_eq!(shape, Shape::new(&[5, 4, 2, 7]));
    }

    #[test]
    fn messages_say_expected_and_given() {
        let a = Shape::new(&[2, 3]);
        let e = infer(&Op::Contract { symmetric: false }, &[(&a, DType::F32), (&a, DType::F32)]).unwrap_err();
        assert!(e.is_shape() && e.message().contains("expected equal inner extents"), "{e}");
        let e = infer(&Op::Binary(BinaryOp::Add), &[(&a, DType::F32), (&a, DType::F64)]).unwrap_err();
        assert!(e.is_dtype() && e.message().contains("f32 and f64"), "{e}");
    }
}
