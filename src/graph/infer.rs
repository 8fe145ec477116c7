//! Shape and dtype of a node from its operands: the only door through which nodes come into being.
//!
//! Messages say what was expected and what was given; the array room adds where the user wrote the operation.

use super::{BinaryOp, HostOp, Op, ReduceOp, RngDist, UnaryOp};
use crate::error::{Error, Result};
use crate::types::{DType, Dims, Shape, View};

/// Shape and dtype of an operand.
#[derive(Clone, Copy, Debug)]
pub struct OperandType<'a> {
    /// Its shape.
    pub shape: &'a Shape,
    /// Its dtype.
    pub dtype: DType,
}

/// Shape and dtype of `op` applied to `operands`. Leaves and slots are described by their graph and not inferred here.
///
/// # Errors
/// A shape, dtype or argument error when the operands do not fit the operation.
pub fn infer(op: &Op, operands: &[OperandType<'_>]) -> Result<(Shape, DType)> {
    // The most common cases first; whatever does not fit takes the long way, which says why.
    match (op, operands) {
        (Op::Unary(u), &[x]) => {
            if let Some(dtype) = u.result(x.dtype) {
                return Ok((x.shape.clone(), dtype));
            }
        }
        (Op::Binary(b), &[x, y]) if x.dtype == y.dtype && x.shape == y.shape => {
            if let Some(dtype) = b.result(x.dtype) {
                return Ok((x.shape.clone(), dtype));
            }
        }
        _ => {}
    }
    check_arity(op, operands.len())?;
    let (shape, dtype) = infer_new(op, operands)?;
    shape.check_size(dtype, op.name())?;
    Ok((shape, dtype))
}

/// As [`infer`], for the right number of operands and without a look at the size of the result.
fn infer_new(op: &Op, operands: &[OperandType<'_>]) -> Result<(Shape, DType)> {
    let name = op.name();
    match op {
        Op::Leaf(_) | Op::Slot(_) => Err(Error::internal(format!("{name}: described by its graph, not inferred"))),
        Op::Literal(s) => Ok((Shape::scalar(), s.dtype())),
        Op::Iota { shape, axis, dtype } => iota(shape, *axis, *dtype),
        Op::Rng { dist, shape, dtype } => rng(name, *dist, shape, *dtype, operands),
        Op::Unary(u) => unary(*u, operands[0]),
        Op::Binary(b) => binary(*b, operands[0], operands[1]),
        Op::Select => select(operands[0], operands[1], operands[2]),
        Op::Cast { to, .. } => Ok((operands[0].shape.clone(), *to)),
        Op::View(v) => view(v, operands[0]),
        Op::Reduce { op, axes } => reduce(*op, axes, operands[0]),
        Op::ArgReduce { axis, .. } => arg_reduce(name, *axis, operands[0]),
        Op::Scan { axis, .. } => scan(name, *axis, operands[0]),
        Op::Contract { .. } => contract(operands[0], operands[1]),
        Op::Gather { axis } => gather(*axis, operands[0], operands[1]),
        Op::Scatter { axis } => scatter(*axis, operands[0], operands[1], operands[2]),
        Op::SliceUpdate { start, step } => slice_update(start, step, operands[0], operands[1]),
        Op::Concat { axis } => concat(*axis, operands),
        Op::Pad { before, after } => pad(before, after, operands[0], operands[1]),
        Op::Sort { axis, indices, .. } => sort(name, *axis, *indices, operands[0]),
        Op::Host { op, output } => host(*op, *output, operands),
    }
}

fn check_arity(op: &Op, given: usize) -> Result<()> {
    let expected = arity(op);
    if expected.map_or(given > 0, |n| n == given) {
        return Ok(());
    }
    Err(Error::argument(format!("{}: expected {} operands, given {given}", op.name(), expected.unwrap_or(1))))
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

// Arrays without array operands.

fn iota(shape: &Shape, axis: usize, dtype: DType) -> Result<(Shape, DType)> {
    in_rank("iota", axis, shape)?;
    if dtype == DType::Bool {
        return Err(Error::dtype("iota: expected a numeric dtype, given bool"));
    }
    if let Some(last) = shape[axis].checked_sub(1).filter(|&last| last > dtype.largest_coordinate()) {
        return Err(Error::dtype(format!(
            "iota: expected coordinates up to {}, the largest of {dtype}, given {last} on axis {axis} of {shape}",
            dtype.largest_coordinate()
        )));
    }
    Ok((shape.clone(), dtype))
}

fn rng(name: &str, dist: RngDist, shape: &Shape, dtype: DType, operands: &[OperandType<'_>]) -> Result<(Shape, DType)> {
    for o in operands {
        if o.shape.rank() != 0 || o.dtype != DType::U32 {
            return Err(Error::dtype(format!(
                "{name}: expected a 0-d u32 key and stream, given {}{}",
                o.dtype, o.shape
            )));
        }
    }
    let fits = match dist {
        RngDist::Bits => dtype == DType::U32,
        RngDist::Uniform | RngDist::Normal => matches!(dtype, DType::F32 | DType::F64),
    };
    if fits { Ok((shape.clone(), dtype)) } else { Err(undefined_for(name, dtype)) }
}

// Elementwise.

fn unary(op: UnaryOp, x: OperandType<'_>) -> Result<(Shape, DType)> {
    let dtype = op.result(x.dtype).ok_or_else(|| undefined_for(op.name(), x.dtype))?;
    Ok((x.shape.clone(), dtype))
}

fn binary(op: BinaryOp, x: OperandType<'_>, y: OperandType<'_>) -> Result<(Shape, DType)> {
    let name = op.name();
    same_dtype(name, x.dtype, y.dtype)?;
    let dtype = op.result(x.dtype).ok_or_else(|| undefined_for(name, x.dtype))?;
    Ok((x.shape.broadcast(y.shape).map_err(|e| prefixed(name, &e))?, dtype))
}

fn select(condition: OperandType<'_>, x: OperandType<'_>, y: OperandType<'_>) -> Result<(Shape, DType)> {
    if condition.dtype != DType::Bool {
        return Err(Error::dtype(format!("select: expected a bool condition, given {}", condition.dtype)));
    }
    same_dtype("select", x.dtype, y.dtype)?;
    let shape = x.shape.broadcast(y.shape).and_then(|s| s.broadcast(condition.shape));
    Ok((shape.map_err(|e| prefixed("select", &e))?, x.dtype))
}

// Along axes.

fn reduce(op: ReduceOp, axes: &Dims, x: OperandType<'_>) -> Result<(Shape, DType)> {
    let name = op.name();
    if axes.is_empty() || axes.windows(2).any(|w| w[0] >= w[1]) {
        return Err(Error::argument(format!("{name}: expected ascending axes, given {:?}", axes.as_slice())));
    }
    for &axis in axes {
        in_rank(name, axis, x.shape)?;
    }
    let logical = matches!(op, ReduceOp::Any | ReduceOp::All);
    let additive = matches!(op, ReduceOp::Sum | ReduceOp::Prod);
    if logical != (x.dtype == DType::Bool) && (logical || additive) {
        return Err(undefined_for(name, x.dtype));
    }
    Ok((x.shape.reduced(axes), x.dtype))
}

fn arg_reduce(name: &str, axis: usize, x: OperandType<'_>) -> Result<(Shape, DType)> {
    in_rank(name, axis, x.shape)?;
    if x.shape[axis] == 0 || i32::try_from(x.shape[axis]).is_err() {
        return Err(Error::argument(format!(
            "{name}: expected 1 to {} elements along axis {axis}, given {}",
            i32::MAX,
            x.shape
        )));
    }
    Ok((x.shape.with_axis(axis, 1), DType::I32))
}

fn scan(name: &str, axis: usize, x: OperandType<'_>) -> Result<(Shape, DType)> {
    in_rank(name, axis, x.shape)?;
    if x.dtype == DType::Bool { Err(undefined_for(name, x.dtype)) } else { Ok((x.shape.clone(), x.dtype)) }
}

fn sort(name: &str, axis: usize, indices: bool, x: OperandType<'_>) -> Result<(Shape, DType)> {
    in_rank(name, axis, x.shape)?;
    if indices && i32::try_from(x.shape[axis]).is_err() {
        return Err(Error::argument(format!(
            "argsort: expected at most {} elements along axis {axis}, given {}",
            i32::MAX,
            x.shape
        )));
    }
    Ok((x.shape.clone(), if indices { DType::I32 } else { x.dtype }))
}

// Moves.

fn view(view: &View, x: OperandType<'_>) -> Result<(Shape, DType)> {
    if !view.fits(x.shape.len()) {
        return Err(Error::shape(format!("view {view} reaches outside its operand {}", x.shape)));
    }
    Ok((view.shape().clone(), x.dtype))
}

fn gather(axis: usize, x: OperandType<'_>, positions: OperandType<'_>) -> Result<(Shape, DType)> {
    in_rank("gather", axis, x.shape)?;
    position_vector("gather", positions)?;
    if x.shape[axis] == 0 && !positions.shape.is_empty() {
        return Err(Error::argument(format!("gather: expected elements along axis {axis}, given {}", x.shape)));
    }
    Ok((x.shape.with_axis(axis, positions.shape[0]), x.dtype))
}

fn scatter(
    axis: usize,
    x: OperandType<'_>,
    positions: OperandType<'_>,
    updates: OperandType<'_>,
) -> Result<(Shape, DType)> {
    in_rank("scatter", axis, x.shape)?;
    position_vector("scatter", positions)?;
    same_dtype("scatter", x.dtype, updates.dtype)?;
    let expected = x.shape.with_axis(axis, positions.shape[0]);
    if *updates.shape != expected {
        return Err(Error::shape(format!("scatter: expected updates of shape {expected}, given {}", updates.shape)));
    }
    Ok((x.shape.clone(), x.dtype))
}

fn slice_update(start: &Dims, step: &Dims, x: OperandType<'_>, update: OperandType<'_>) -> Result<(Shape, DType)> {
    same_dtype("slice_update", x.dtype, update.dtype)?;
    let (shape, rank) = (x.shape, x.shape.rank());
    let within = |i: usize| {
        let n = update.shape[i];
        let last = || start[i].checked_add(step[i].saturating_mul(n - 1));
        step[i] >= 1 && (n == 0 || last().is_some_and(|last| last < shape[i]))
    };
    let ranks = [start.len(), step.len(), update.shape.rank()];
    if ranks.iter().any(|&r| r != rank) || !(0..rank).all(within) {
        return Err(Error::shape(format!(
            "slice_update: expected an update within {shape}, given {} at {:?} step {:?}",
            update.shape,
            start.as_slice(),
            step.as_slice()
        )));
    }
    Ok((shape.clone(), x.dtype))
}

fn concat(axis: usize, operands: &[OperandType<'_>]) -> Result<(Shape, DType)> {
    let first = operands[0];
    in_rank("concat", axis, first.shape)?;
    let mut total = 0usize;
    for o in operands {
        same_dtype("concat", first.dtype, o.dtype)?;
        if o.shape.rank() != first.shape.rank() || o.shape.with_axis(axis, 0) != first.shape.with_axis(axis, 0) {
            return Err(Error::shape(format!(
                "concat: expected shapes equal to {} but for axis {axis}, given {}",
                first.shape, o.shape
            )));
        }
        total = total.saturating_add(o.shape[axis]);
    }
    Ok((first.shape.with_axis(axis, total), first.dtype))
}

fn pad(before: &Dims, after: &Dims, x: OperandType<'_>, fill: OperandType<'_>) -> Result<(Shape, DType)> {
    same_dtype("pad", x.dtype, fill.dtype)?;
    let rank = x.shape.rank();
    if fill.shape.rank() != 0 || before.len() != rank || after.len() != rank {
        return Err(Error::shape(format!(
            "pad: expected a 0-d fill and {rank} pairs, given a fill of shape {}, {} before and {} after",
            fill.shape,
            before.len(),
            after.len()
        )));
    }
    let grown = (0..rank).map(|i| before[i].saturating_add(x.shape[i]).saturating_add(after[i])).collect();
    Ok((grown, x.dtype))
}

// Linear algebra.

fn contract(a: OperandType<'_>, b: OperandType<'_>) -> Result<(Shape, DType)> {
    same_dtype("contract", a.dtype, b.dtype)?;
    if a.dtype == DType::Bool {
        return Err(undefined_for("contract", a.dtype));
    }
    let (left, right) = (a.shape, b.shape);
    let (Some((left_batch, &[m, inner])), Some((right_batch, &[rows, n]))) =
        (left.split_last_chunk(), right.split_last_chunk())
    else {
        return Err(Error::shape(format!(
            "contract: expected at least 2 axes on both sides, given {left} and {right}"
        )));
    };
    if inner != rows {
        return Err(Error::shape(format!(
            "contract: expected equal inner extents, given {left} (columns {inner}) and {right} (rows {rows})"
        )));
    }
    let batch = Shape::new(left_batch).broadcast(&Shape::new(right_batch)).map_err(|e| prefixed("contract", &e))?;
    Ok((batch.iter().copied().chain([m, n]).collect(), a.dtype))
}

fn host(op: HostOp, output: u8, operands: &[OperandType<'_>]) -> Result<(Shape, DType)> {
    let (name, a) = (op.name(), operands[0]);
    if !matches!(a.dtype, DType::F32 | DType::F64) {
        return Err(undefined_for(name, a.dtype));
    }
    if a.shape.rank() != 2 {
        return Err(Error::shape(format!("{name}: expected a matrix, given {}", a.shape)));
    }
    let (m, n) = (a.shape[0], a.shape[1]);
    let square = !matches!(op, HostOp::Qr { .. } | HostOp::Solve | HostOp::Svd);
    if square && m != n {
        return Err(Error::shape(format!("{name}: expected a square matrix, given {}", a.shape)));
    }
    let k = m.min(n);
    let shape = match (op, output) {
        (HostOp::Qr { complete }, 0) => Shape::from([m, if complete { m } else { k }]),
        (HostOp::Qr { complete }, 1) => Shape::from([if complete { m } else { k }, n]),
        (HostOp::Solve, 0) => {
            let b = operands[1];
            same_dtype(name, a.dtype, b.dtype)?;
            if b.shape.rank() != 2 || b.shape[0] != m {
                return Err(Error::shape(format!("solve: expected a right side of {m} rows, given {}", b.shape)));
            }
            Shape::from([n, b.shape[1]])
        }
        (HostOp::Solve | HostOp::Inv, 1) | (HostOp::Det, 0) => Shape::scalar(),
        (HostOp::Inv | HostOp::Cholesky, 0) | (HostOp::Eigh, 1) => a.shape.clone(),
        (HostOp::Eigh, 0) | (HostOp::Svd, 0) => Shape::from([k]),
        (HostOp::Svd, 1) => Shape::from([m, k]),
        (HostOp::Svd, 2) => Shape::from([n, k]),
        _ => return Err(Error::argument(format!("{name}: there is no output {output}"))),
    };
    Ok((shape, a.dtype))
}

// What they share.

fn in_rank(name: &str, axis: usize, shape: &Shape) -> Result<()> {
    if axis < shape.rank() {
        return Ok(());
    }
    Err(Error::argument(format!("{name}: expected an axis below {}, given {axis} for {shape}", shape.rank())))
}

fn position_vector(name: &str, positions: OperandType<'_>) -> Result<()> {
    if positions.shape.rank() == 1 && positions.dtype == DType::I32 {
        return Ok(());
    }
    Err(Error::shape(format!("{name}: expected 1-d i32 positions, given {}{}", positions.dtype, positions.shape)))
}

fn same_dtype(name: &str, a: DType, b: DType) -> Result<()> {
    if a == b {
        return Ok(());
    }
    Err(Error::dtype(format!("{name}: expected operands of one dtype, given {a} and {b}; cast one of them")))
}

fn undefined_for(name: &str, dtype: DType) -> Error {
    Error::dtype(format!("{name}: not defined for {dtype}"))
}

fn prefixed(name: &str, error: &Error) -> Error {
    Error::shape(format!("{name}: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_broadcast_their_batches() {
        let (a, b) = (Shape::new(&[5, 1, 2, 3]), Shape::new(&[4, 3, 7]));
        let operands = [&a, &b].map(|shape| OperandType { shape, dtype: DType::F32 });
        let (shape, _) = infer(&Op::Contract { symmetric: false }, &operands).unwrap();
        assert_eq!(shape, Shape::new(&[5, 4, 2, 7]));
    }

    #[test]
    fn coordinates_end_where_their_dtype_does() {
        let largest =
            [(DType::U8, 255), (DType::I32, i32::MAX as usize), (DType::U32, u32::MAX as usize), (DType::F16, 65_519)];
        for (dtype, last) in largest {
            let iota = |n| infer(&Op::Iota { shape: Shape::new(&[2, n]), axis: 1, dtype }, &[]);
            assert!(iota(last + 1).is_ok(), "{dtype}");
            let e = iota(last + 2).unwrap_err();
            assert!(e.is_dtype() && e.message().contains(&format!("given {} on axis 1", last + 1)), "{e}");
        }
        assert!(infer(&Op::Iota { shape: Shape::new(&[1 << 40, 0]), axis: 0, dtype: DType::F32 }, &[]).is_ok());
    }

    #[test]
    fn messages_say_expected_and_given() {
        let shape = &Shape::new(&[2, 3]);
        let [x, y] = [DType::F32, DType::F64].map(|dtype| OperandType { shape, dtype });
        let e = infer(&Op::Contract { symmetric: false }, &[x, x]).unwrap_err();
        assert!(e.is_shape() && e.message().contains("expected equal inner extents"), "{e}");
        let e = infer(&Op::Binary(BinaryOp::Add), &[x, y]).unwrap_err();
        assert!(e.is_dtype() && e.message().contains("f32 and f64"), "{e}");
    }
}
