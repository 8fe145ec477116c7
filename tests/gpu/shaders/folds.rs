//! Cases for reductions, positions of extremes and running folds, in every shape of rows that lowering tells apart.

use lazurite::inspect::Core;
use lazurite::inspect::graph::{ArgOp, BinaryOp, ReduceOp, ScanOp, UnaryOp, View};
use lazurite::inspect::program::{Coord, Inst, StoreShape};
use lazurite::{DType, DTypeKind, HostBuffer, Scalar, Shape};

use super::case::Case;
use super::elementwise::numbers;

/// Data with NaN, infinities and equal extremes here and there.
fn spiked(dtype: DType, n: usize, seed: u64) -> HostBuffer {
    let mut data = numbers(dtype, n, -100.0, 100.0, seed);
    if dtype.is_float() {
        for i in (0..n).step_by(97) {
            data.set(i, Scalar::from_f64(dtype, [f64::NAN, f64::INFINITY, 100.0, 100.0, -0.0][i / 97 % 5]));
        }
    }
    data
}

fn has(op: ReduceOp, dtype: DType) -> bool {
    match (op, dtype.kind()) {
        (ReduceOp::Any | ReduceOp::All, kind) => kind == DTypeKind::Bool,
        (ReduceOp::Sum | ReduceOp::Prod, DTypeKind::Bool) => false,
        _ => true,
    }
}

/// Shapes and axes: long rows, short rows, columns long and short, everything, the middle axis, two axes, odd leftovers.
const SHAPES: [(&[usize], &[usize]); 10] = [
    (&[5, 3000], &[1]),
    (&[70, 40], &[1]),
    (&[300, 7], &[1]),
    (&[900, 33], &[0]),
    (&[9, 300], &[0]),
    (&[5000], &[0]),
    (&[6, 50, 20], &[1]),
    (&[4, 30, 50], &[1, 2]),
    (&[30, 4, 50], &[0, 2]),
    (&[3, 1, 1], &[1]),
];

fn tolerance(op: ReduceOp, dtype: DType) -> (f64, f64) {
    match (op, dtype) {
        (ReduceOp::Sum, DType::F64) => (0.0, 1e-14),
        (ReduceOp::Sum, DType::F16) => (2.0, 1e-3),
        (ReduceOp::Sum, DType::F32) => (2.0, 2e-6),
        (ReduceOp::Prod, DType::F64) => (0.0, 1e-13),
        (ReduceOp::Prod, DType::F16) => (2.0, 1e-3),
        (ReduceOp::Prod, DType::F32) => (0.0, 1e-5),
        _ => (0.0, 0.0),
    }
}

/// Every reduction of every dtype, over one shape each in turn, and over all shapes for sums and extremes of f32.
pub fn reductions() -> Vec<Case> {
    let mut all = Vec::new();
    let mut turn = 0;
    for dtype in DType::ALL.iter().copied() {
        for op in ReduceOp::ALL.iter().copied() {
            if !has(op, dtype) {
                continue;
            }
            let every = dtype == DType::F32 && matches!(op, ReduceOp::Sum | ReduceOp::Max | ReduceOp::Fmin);
            let shapes: Vec<_> = if every { SHAPES.to_vec() } else { vec![SHAPES[turn % SHAPES.len()]] };
            turn += 1;
            for (shape, axes) in shapes {
                for split in [1, 3] {
                    let n = Shape::new(shape).len();
                    let (ulp, rel) = tolerance(op, dtype);
                    let name = format!("{op:?} {dtype} {shape:?} over {axes:?} split {split}");
                    let mut c = Case::rows(name, shape, axes, split).within(ulp, rel).any_zero();
                    let data = match op {
                        // Products near 1, so that they neither overflow nor vanish.
                        ReduceOp::Prod if dtype.is_float() => numbers(dtype, n, 0.999, 1.001, 4),
                        ReduceOp::Sum => numbers(dtype, n, -1.0, 3.0, 5),
                        _ => spiked(dtype, n, 6),
                    };
                    let id = c.input(shape, data);
                    let x = c.load(id);
                    let r = c.push(Inst::Reduce(op, x), dtype);
                    c.store(r, StoreShape::Row);
                    all.push(c);
                }
            }
        }
    }
    all
}

/// Every arg-reduction of every dtype.
pub fn positions() -> Vec<Case> {
    let mut all = Vec::new();
    let shapes: [(&[usize], &[usize]); 5] =
        [(&[4, 700], &[1]), (&[50, 12], &[1]), (&[640, 9], &[0]), (&[5000], &[0]), (&[40, 5], &[1])];
    for (turn, (dtype, op)) in
        DType::ALL.iter().copied().flat_map(|d| ArgOp::ALL.iter().map(move |&o| (d, o))).enumerate()
    {
        let every = dtype == DType::F32;
        for (i, (shape, axes)) in shapes.into_iter().enumerate() {
            if !every && i != turn % shapes.len() {
                continue;
            }
            for split in [1, 4] {
                let n = Shape::new(shape).len();
                let mut c =
                    Case::rows(format!("{op:?} {dtype} {shape:?} over {axes:?} split {split}"), shape, axes, split);
                let mut data = spiked(dtype, n, 8);
                // A row of nothing but NaN.
                if dtype.is_float() && axes == [1] {
                    for j in 0..shape[1] {
                        data.set(j, Scalar::from_f64(dtype, f64::NAN));
                    }
                }
                let id = c.input(shape, data);
                let x = c.load(id);
                let r = c.push(Inst::ArgReduce(op, x), DType::I32);
                c.store(r, StoreShape::Row);
                all.push(c);
            }
        }
    }
    all
}

/// Softmax, the normalisation of rows and of columns, and a mean with what follows it.
pub fn chains() -> Vec<Case> {
    let mut all = Vec::new();
    for (shape, axes) in [(&[6usize, 500][..], 1usize), (&[300, 21], 0), (&[40, 20], 1), (&[8, 5], 0), (&[3, 2100], 1)]
    {
        let n = Shape::new(shape).len();
        let mut c = Case::rows(format!("softmax {shape:?} over {axes}"), shape, &[axes], 1).within(12.0, 0.0);
        let id = c.input(shape, numbers(DType::F32, n, -5.0, 5.0, 1));
        let x = c.load(id);
        let m = c.push(Inst::Reduce(ReduceOp::Max, x), DType::F32);
        let d = c.push(Inst::Binary(BinaryOp::Sub, x, m), DType::F32);
        let e = c.push(Inst::Unary(UnaryOp::Exp, d), DType::F32);
        let s = c.push(Inst::Reduce(ReduceOp::Sum, e), DType::F32);
        let y = c.push(Inst::Binary(BinaryOp::Div, e, s), DType::F32);
        c.store(y, StoreShape::Full);
        c.store(m, StoreShape::Row);
        all.push(c);

        let mut c = Case::rows(format!("normalise {shape:?} over {axes}"), shape, &[axes], 1).within(4.0, 4e-6);
        let id = c.input(shape, numbers(DType::F32, n, -5.0, 15.0, 2));
        let gain_shape: Vec<usize> = if axes == 1 { vec![1, shape[1]] } else { vec![shape[0], 1] };
        let gain = c.input(&gain_shape, numbers(DType::F32, shape[axes], 0.5, 1.5, 3));
        let count = c.scalar(Scalar::from_f64(DType::F32, 1.0 / shape[axes] as f64));
        let x = c.load(id);
        let s = c.push(Inst::Reduce(ReduceOp::Sum, x), DType::F32);
        let mean = c.push(Inst::Binary(BinaryOp::Mul, s, count), DType::F32);
        let d = c.push(Inst::Binary(BinaryOp::Sub, x, mean), DType::F32);
        let q = c.push(Inst::Unary(UnaryOp::Square, d), DType::F32);
        let v = c.push(Inst::Reduce(ReduceOp::Sum, q), DType::F32);
        let v = c.push(Inst::Binary(BinaryOp::Mul, v, count), DType::F32);
        let r = c.push(Inst::Unary(UnaryOp::Rsqrt, v), DType::F32);
        let y = c.push(Inst::Binary(BinaryOp::Mul, d, r), DType::F32);
        let g = c.load(gain);
        let y = c.push(Inst::Binary(BinaryOp::Mul, y, g), DType::F32);
        c.store(y, StoreShape::Full);
        c.store(v, StoreShape::Row);
        all.push(c);
    }
    // Two folds of one pass with an epilogue, in parts.
    for split in [1, 8] {
        let shape = &[20_000usize, 6];
        let mut c = Case::rows(format!("two folds split {split}"), shape, &[0], split).within(4.0, 1e-5);
        let id = c.input(shape, numbers(DType::F32, 120_000, 0.0, 1.0, 1));
        let shift = c.input(&[6], numbers(DType::F32, 6, 0.0, 1.0, 2));
        let x = c.load(id);
        let s = c.push(Inst::Reduce(ReduceOp::Sum, x), DType::F32);
        let at = c.push(Inst::ArgReduce(ArgOp::Max, x), DType::I32);
        let shift = c.load(shift);
        let y = c.push(Inst::Binary(BinaryOp::Add, s, shift), DType::F32);
        c.store(y, StoreShape::Row);
        c.store(at, StoreShape::Row);
        all.push(c);
    }
    // A position that what is stored of every element depends on, with rows few and long, and rows short.
    for shape in [&[3usize, 9000], &[50, 100]] {
        let mut c = Case::rows(format!("distance to the largest {shape:?}"), shape, &[1], 1);
        let id = c.input(shape, spiked(DType::F32, shape[0] * shape[1], 1));
        let x = c.load(id);
        let at = c.push(Inst::ArgReduce(ArgOp::Fmax, x), DType::I32);
        let view = View::from_parts(Shape::new(shape), &[0, 1], 0).unwrap();
        let here = c.push(Inst::Index(Coord { view }), DType::I32);
        let d = c.push(Inst::Binary(BinaryOp::Sub, here, at), DType::I32);
        let far = c.push(Inst::Reduce(ReduceOp::Max, d), DType::I32);
        c.store(d, StoreShape::Full);
        c.store(far, StoreShape::Row);
        all.push(c);
    }
    // The transposed operand: rows lie across memory.
    let mut c = Case::rows("transposed", &[45, 600], &[1], 1).within(2.0, 2e-6);
    let id = c.input(&[600, 45], numbers(DType::F32, 27_000, 0.0, 1.0, 1));
    let x = c.load_view(id, View::dense(&Shape::new(&[600, 45])).permute(&[1, 0]).unwrap());
    let s = c.push(Inst::Reduce(ReduceOp::Sum, x), DType::F32);
    c.store(s, StoreShape::Row);
    all.push(c);
    all
}

/// Every running fold, along lines of every kind.
pub fn scans() -> Vec<Case> {
    let mut all = Vec::new();
    let shapes: [(&[usize], usize); 5] =
        [(&[3, 700], 1), (&[200, 70], 0), (&[40, 9], 1), (&[513], 0), (&[4, 300, 3], 1)];
    for dtype in [DType::F32, DType::I32, DType::U32, DType::F64, DType::F16, DType::I64] {
        for op in ScanOp::ALL.iter().copied() {
            for (i, (shape, axis)) in shapes.into_iter().enumerate() {
                if dtype != DType::F32 && i % 2 == 0 && i > 0 {
                    continue;
                }
                let n = Shape::new(shape).len();
                let data = match op {
                    ScanOp::Prod if dtype.is_float() => numbers(dtype, n, 0.99, 1.01, 3),
                    ScanOp::Sum => numbers(dtype, n, 0.0, 2.0, 3),
                    _ => spiked(dtype, n, 3),
                };
                let rel = match dtype {
                    DType::F16 => 5e-3,
                    DType::F64 => 1e-13,
                    _ => 1e-5,
                };
                let mut c = Case::new(format!("{op:?} {dtype} {shape:?} along {axis}"), shape, Core::Scan { op, axis });
                if matches!(op, ScanOp::Sum | ScanOp::Prod) {
                    c = c.within(4.0, rel).any_zero();
                }
                let id = c.input(shape, data);
                let x = c.load(id);
                let s = c.push(Inst::Scan(x), dtype);
                let y = c.push(Inst::Unary(UnaryOp::Square, s), dtype);
                c.store(s, StoreShape::Full);
                if dtype == DType::F32 && op == ScanOp::Max {
                    c.store(y, StoreShape::Full);
                }
                all.push(c);
            }
        }
    }
    all
}
