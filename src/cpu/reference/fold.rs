//! Folds: reductions, positions of extremes, running folds and matrix products.
//!
//! Sums and products of f32 and f16 are accumulated in f64 and rounded once; f64 sums carry their rounding error along;
//! integers wrap.

use super::moves::positions;
use super::{float, integer, scalar};
use crate::error::Result;
use crate::graph::{ArgOp, BinaryOp, ReduceOp, ScanOp};
use crate::types::{DType, DTypeKind, HostBuffer, Scalar, Shape, View};

/// A fold in progress.
#[derive(Clone, Copy)]
enum Fold {
    Sum(float::Compensated),
    Product(f64),
    Integer(BinaryOp, i64),
    Extreme(BinaryOp, Option<Scalar>),
}

impl Fold {
    fn new(op: ReduceOp, dtype: DType) -> Self {
        match (op, dtype.kind()) {
            // −0 is the neutral element of floating sums, but the sum of nothing is +0; `finish` sees to that.
            (ReduceOp::Sum, DTypeKind::Float) => Self::Sum(float::Compensated::default()),
            (ReduceOp::Prod, DTypeKind::Float) => Self::Product(1.0),
            (ReduceOp::Sum, _) => Self::Integer(BinaryOp::Add, 0),
            (ReduceOp::Prod, _) => Self::Integer(BinaryOp::Mul, 1),
            (ReduceOp::Max, _) => Self::Extreme(BinaryOp::Maximum, None),
            (ReduceOp::Min, _) => Self::Extreme(BinaryOp::Minimum, None),
            (ReduceOp::Fmax, _) => Self::Extreme(BinaryOp::Fmax, None),
            (ReduceOp::Fmin, _) => Self::Extreme(BinaryOp::Fmin, None),
            (ReduceOp::Any, _) => Self::Integer(BinaryOp::Or, 0),
            (ReduceOp::All, _) => Self::Integer(BinaryOp::And, 1),
        }
    }

    fn add(&mut self, x: Scalar) {
        match self {
            Self::Sum(s) => s.add(x.to_f64()),
            Self::Product(p) => *p *= x.to_f64(),
            Self::Integer(op, v) => *v = integer::binary(*op, *v, x.to_i64()),
            Self::Extreme(op, best) => *best = Some(best.map_or(x, |b| scalar::binary(*op, b, x))),
        }
    }

    fn finish(&self, dtype: DType) -> Scalar {
        match self {
            Self::Sum(s) => scalar::from_f64(dtype, s.value()),
            Self::Product(p) => scalar::from_f64(dtype, *p),
            Self::Integer(_, v) => Scalar::from_i64(dtype, *v),
            Self::Extreme(op, best) => best.unwrap_or_else(|| match op {
                BinaryOp::Maximum | BinaryOp::Fmax => scalar::lowest(dtype),
                _ => scalar::highest(dtype),
            }),
        }
    }
}

/// Fold of some elements of one dtype, in order.
pub fn reduce(op: ReduceOp, dtype: DType, elements: impl Iterator<Item = Scalar>) -> Scalar {
    let mut fold = Fold::new(op, dtype);
    for x in elements {
        fold.add(x);
    }
    fold.finish(dtype)
}

/// Position of the element that an arg-reduction looks for; 0 when there is none. Zeros of both signs are equal.
pub fn arg_reduce(op: ArgOp, elements: impl Iterator<Item = Scalar>) -> i32 {
    let better = |x: Scalar, best: Scalar| {
        let nan = |s: Scalar| s.dtype().is_float() && s.to_f64().is_nan();
        match (nan(x), nan(best)) {
            (true, false) => matches!(op, ArgOp::Max | ArgOp::Min),
            (false, true) => matches!(op, ArgOp::Fmax | ArgOp::Fmin),
            (true, true) => false,
            (false, false) => {
                let test = if matches!(op, ArgOp::Max | ArgOp::Fmax) { BinaryOp::Gt } else { BinaryOp::Lt };
                scalar::binary(test, x, best).bits() != 0
            }
        }
    };
    let mut found: Option<(usize, Scalar)> = None;
    for (i, x) in elements.enumerate() {
        if found.is_none_or(|(_, best)| better(x, best)) {
            found = Some((i, x));
        }
    }
    found.map_or(0, |(i, _)| i as i32)
}

/// The sub-arrays of an array along some axes, all of one shape.
struct SubArrays {
    /// Where each begins.
    starts: Vec<usize>,
    /// Where its elements lie from there, in order.
    places: Vec<usize>,
}

/// The sub-arrays of `shape` along `axes`.
fn sub_arrays(shape: &Shape, axes: &[usize]) -> SubArrays {
    let dense = View::dense(shape);
    let part = |keep: &dyn Fn(usize) -> bool| {
        let dims: Shape = (0..shape.rank()).map(|a| if keep(a) { shape[a] } else { 1 }).collect();
        // The strides are those of the whole; an axis of extent 1 is never stepped along.
        let view = View::from_parts(dims, dense.strides(), 0).unwrap_or_else(|_| View::dense(&Shape::scalar()));
        positions(&view).collect::<Vec<_>>()
    };
    SubArrays { starts: part(&|a| !axes.contains(&a)), places: part(&|a| axes.contains(&a)) }
}

/// A reduction of a whole array over `axes`.
///
/// # Errors
/// Out of memory.
pub fn reduce_array(op: ReduceOp, axes: &[usize], x: &HostBuffer, shape: &Shape) -> Result<HostBuffer> {
    let mut out = HostBuffer::zeros(x.dtype(), shape.reduced(axes).len())?;
    if out.is_empty() {
        return Ok(out);
    }
    if x.is_empty() {
        for i in 0..out.len() {
            out.set(i, reduce(op, x.dtype(), std::iter::empty()));
        }
        return Ok(out);
    }
    let SubArrays { starts, places } = sub_arrays(shape, axes);
    for (i, start) in starts.into_iter().enumerate() {
        out.set(i, reduce(op, x.dtype(), places.iter().map(|p| x.get(start + p))));
    }
    Ok(out)
}

/// An arg-reduction of a whole array along `axis`.
///
/// # Errors
/// Out of memory.
pub fn arg_reduce_array(op: ArgOp, axis: usize, x: &HostBuffer, shape: &Shape) -> Result<HostBuffer> {
    let mut out = HostBuffer::zeros(DType::I32, shape.with_axis(axis, 1).len())?;
    if x.is_empty() {
        return Ok(out);
    }
    let SubArrays { starts, places } = sub_arrays(shape, &[axis]);
    for (i, start) in starts.into_iter().enumerate() {
        let at = arg_reduce(op, places.iter().map(|p| x.get(start + p)));
        out.set(i, Scalar::from_i64(DType::I32, i64::from(at)));
    }
    Ok(out)
}

/// The running fold of a whole array along `axis`.
///
/// # Errors
/// Out of memory.
pub fn scan_array(op: ScanOp, axis: usize, x: &HostBuffer, shape: &Shape) -> Result<HostBuffer> {
    let fold = match op {
        ScanOp::Sum => ReduceOp::Sum,
        ScanOp::Prod => ReduceOp::Prod,
        ScanOp::Max => ReduceOp::Max,
        ScanOp::Min => ReduceOp::Min,
    };
    let mut out = HostBuffer::zeros(x.dtype(), shape.len())?;
    if out.is_empty() {
        return Ok(out);
    }
    let SubArrays { starts, places } = sub_arrays(shape, &[axis]);
    for start in starts {
        let mut running = Fold::new(fold, x.dtype());
        for p in &places {
            running.add(x.get(start + p));
            out.set(start + p, running.finish(x.dtype()));
        }
    }
    Ok(out)
}

/// A batched matrix product; `shape` is that of the result.
///
/// # Errors
/// Out of memory, or a shape error when the operands do not broadcast to `shape`.
pub fn contract(a: (&HostBuffer, &Shape), b: (&HostBuffer, &Shape), shape: &Shape) -> Result<HostBuffer> {
    let dtype = a.0.dtype();
    let mut out = HostBuffer::zeros(dtype, shape.len())?;
    if out.is_empty() {
        return Ok(out);
    }
    let rank = shape.rank();
    let (m, n, k) = (shape[rank - 2], shape[rank - 1], a.1[a.1.rank() - 1]);
    let batch = Shape::new(&shape[..rank - 2]);
    let with = |r: usize, c: usize| batch.iter().copied().chain([r, c]).collect::<Shape>();
    let va = View::dense(a.1).broadcast_to(&with(m, k))?;
    let vb = View::dense(b.1).broadcast_to(&with(k, n))?;
    let starts = |v: &View| -> Vec<i64> {
        let outer = View::from_parts(batch.clone(), &v.strides()[..rank - 2], v.offset());
        outer.map(|o| positions(&o).map(|p| p as i64).collect()).unwrap_or_default()
    };
    let (sa, sb) = (&va.strides()[rank - 2..], &vb.strides()[rank - 2..]);
    for (i, (oa, ob)) in starts(&va).into_iter().zip(starts(&vb)).enumerate() {
        for row in 0..m {
            for col in 0..n {
                let terms = (0..k).map(|p| {
                    let x = a.0.get((oa + row as i64 * sa[0] + p as i64 * sa[1]) as usize);
                    let y = b.0.get((ob + p as i64 * sb[0] + col as i64 * sb[1]) as usize);
                    (x, y)
                });
                out.set((i * m + row) * n + col, dot(dtype, terms));
            }
        }
    }
    Ok(out)
}

/// Sum of products. The products of two f32 are exact in f64.
fn dot(dtype: DType, terms: impl Iterator<Item = (Scalar, Scalar)>) -> Scalar {
    if dtype.is_float() {
        let mut sum = float::Compensated::default();
        for (x, y) in terms {
            sum.add(x.to_f64() * y.to_f64());
        }
        return scalar::from_f64(dtype, sum.value());
    }
    let sum = terms.fold(0i64, |s, (x, y)| s.wrapping_add(x.to_i64().wrapping_mul(y.to_i64())));
    Scalar::from_i64(dtype, sum)
}
