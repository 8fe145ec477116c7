//! Cases for how elements are found: views, windows, gathers, indices, random numbers, scalars and literals, many stores.

use lazurite::inspect::graph::{BinaryOp, CastMode, RngDist, UnaryOp, View};
use lazurite::inspect::program::{Coord, Inst, Load, Reg, StoreShape, Window};
use lazurite::{DType, Scalar, Shape};

use super::case::Case;
use super::elementwise::numbers;

fn f32s(n: usize, seed: u64) -> lazurite::HostBuffer {
    numbers(DType::F32, n, -3.0, 3.0, seed)
}

fn add(c: &mut Case, a: Reg, b: Reg) -> Reg {
    c.push(Inst::Binary(BinaryOp::Add, a, b), DType::F32)
}

/// All of them.
pub fn all() -> Vec<Case> {
    let mut all = vec![views(), flips(), windows(), concat(), gathers(), indices(), scalars(), many_stores(), zero_d()];
    all.extend(random());
    all.push(large());
    all
}

/// Broadcast row and column against a transposed matrix.
fn views() -> Case {
    let (m, n) = (37, 53);
    let mut c = Case::map("views", &[3, m, n]);
    let a = c.input(&[3, n, m], f32s(3 * m * n, 1));
    let row = c.input(&[n], f32s(n, 2));
    let col = c.input(&[m, 1], f32s(m, 3));
    let t = View::dense(&Shape::new(&[3, n, m])).permute(&[0, 2, 1]).unwrap();
    let a = c.load_view(a, t);
    let (row, col) = (c.load(row), c.load(col));
    let s = add(&mut c, a, row);
    let s = add(&mut c, s, col);
    c.store(s, StoreShape::Full);
    c
}

/// Negative strides, steps and offsets.
fn flips() -> Case {
    let mut c = Case::map("flips", &[20, 15]);
    let a = c.input(&[40, 31], f32s(40 * 31, 1));
    let dense = View::dense(&Shape::new(&[40, 31]));
    let x = dense.slice(0, 1, 2, 20).unwrap().slice(1, 30, -2, 15).unwrap();
    let y = dense.flip(0).unwrap().slice(0, 3, 1, 20).unwrap().slice(1, 5, 1, 15).unwrap();
    let (x, y) = (c.load_view(a, x), c.load_view(a, y));
    let s = add(&mut c, x, y);
    c.store(s, StoreShape::Full);
    c
}

fn window(
    c: &mut Case,
    id: lazurite::inspect::ValueId,
    view: View,
    window: (&[i64], &[i64], &[i64]),
    other: Reg,
) -> Reg {
    let dtype = c.values[id.index()].dtype;
    c.group.body.loads.push(Load { value: id, dtype, view });
    let (start, step, len) = window;
    let window = Window {
        start: start.iter().copied().collect(),
        step: step.iter().copied().collect(),
        len: len.iter().copied().collect(),
    };
    let load = c.group.body.loads.len() as u32 - 1;
    c.push(Inst::Window { load, window, otherwise: other }, dtype)
}

/// A strided update inside a larger array, padded all around.
fn windows() -> Case {
    let mut c = Case::map("windows", &[12, 17]);
    let base = c.input(&[12, 17], f32s(12 * 17, 1));
    let patch = c.input(&[4, 5], f32s(20, 2));
    let b = c.load(base);
    let view = View::dense(&Shape::new(&[4, 5]));
    let w = window(&mut c, patch, view, (&[1, 2], &[3, 2], &[4, 5]), b);
    c.store(w, StoreShape::Full);
    c
}

/// Three arrays one after the other along the first axis.
fn concat() -> Case {
    let mut c = Case::map("concat", &[9, 5]);
    let ids: Vec<_> = [2, 3, 4].into_iter().map(|n| c.input(&[n, 5], f32s(n * 5, n as u64))).collect();
    let mut r = c.push(Inst::Literal(Scalar::from_f64(DType::F32, 0.0)), DType::F32);
    let mut start = 0;
    for (id, n) in ids.into_iter().zip([2usize, 3, 4]) {
        let view = View::dense(&Shape::new(&[n, 5]));
        r = window(&mut c, id, view, (&[start, 0], &[1, 1], &[n as i64, 5]), r);
        start += n as i64;
    }
    c.store(r, StoreShape::Full);
    c
}

/// Rows of a matrix picked by indices, some of them outside.
fn gathers() -> Case {
    let mut c = Case::map("gathers", &[8, 6]);
    let a = c.input(&[5, 6], f32s(30, 1));
    let i = c.input(&[8, 1], numbers(DType::I32, 8, -3.0, 9.0, 2));
    let index = c.load(i);
    let view = View::from_parts(Shape::new(&[8, 6]), &[0, 1], 0).unwrap();
    c.group.body.loads.push(Load { value: a, dtype: DType::F32, view });
    let load = c.group.body.loads.len() as u32 - 1;
    let g = c.push(Inst::Gather { load, index, stride: 6, extent: 5 }, DType::F32);
    c.store(g, StoreShape::Full);
    c
}

/// Coordinates as numbers of every dtype.
fn indices() -> Case {
    let mut c = Case::map("indices", &[7, 11]);
    let view = View::from_parts(Shape::new(&[7, 11]), &[-3, 2], 40).unwrap();
    for dtype in [DType::F32, DType::I32, DType::U32, DType::F64, DType::I64, DType::F16] {
        let i = c.push(Inst::Index(Coord { view: view.clone() }), dtype);
        c.store(i, StoreShape::Full);
    }
    c
}

/// Run-time scalars of every dtype beside literals that WGSL cannot write.
fn scalars() -> Case {
    let mut c = Case::map("scalars and literals", &[5]);
    for (dtype, v) in [
        (DType::F32, 1.25),
        (DType::F64, -0.1),
        (DType::I32, -7.0),
        (DType::U32, 4e9),
        (DType::I64, -5e12),
        (DType::F16, 0.333),
        (DType::Bool, 1.0),
    ] {
        let s = c.scalar(Scalar::from_f64(dtype, v));
        c.store(s, StoreShape::Full);
    }
    for dtype in [DType::F32, DType::F64, DType::F16] {
        for v in [f64::NAN, f64::NEG_INFINITY, -0.0, 0.5, -2.0, 0.1, 1e-30] {
            let l = c.push(Inst::Literal(Scalar::from_f64(dtype, v)), dtype);
            c.store(l, StoreShape::Full);
        }
    }
    for (dtype, v) in [(DType::I32, i64::from(i32::MIN)), (DType::I64, i64::MIN), (DType::U32, 3), (DType::I64, -1)] {
        let l = c.push(Inst::Literal(Scalar::from_i64(dtype, v)), dtype);
        c.store(l, StoreShape::Full);
    }
    c
}

/// Several results of several dtypes from one kernel.
fn many_stores() -> Case {
    let mut c = Case::map("many stores", &[1000]).within(4.0, 0.0);
    let a = c.input(&[1000], f32s(1000, 1));
    let x = c.load(a);
    let e = c.push(Inst::Unary(UnaryOp::Exp, x), DType::F32);
    let i = c.push(Inst::Cast(CastMode::Wrap, x), DType::I32);
    let b = c.push(Inst::Binary(BinaryOp::Gt, e, x), DType::Bool);
    let u = c.push(Inst::Cast(CastMode::RoundSaturate, e), DType::U8);
    for r in [e, i, b, u] {
        c.store(r, StoreShape::Full);
    }
    c
}

fn zero_d() -> Case {
    let mut c = Case::map("0-d", &[]);
    let a = c.input(&[], f32s(1, 1));
    let x = c.load(a);
    let y = add(&mut c, x, x);
    c.store(y, StoreShape::Full);
    c
}

/// More than one row of workgroups would not be small; this passes several workgroups and a ragged end.
fn large() -> Case {
    let n = 10_007;
    let mut c = Case::map("ragged end", &[n]);
    let a = c.input(&[n], f32s(n, 1));
    let x = c.load(a);
    let y = add(&mut c, x, x);
    c.store(y, StoreShape::Full);
    c
}

fn random() -> Vec<Case> {
    [
        (RngDist::Bits, DType::U32, 0.0, 0.0),
        (RngDist::Uniform, DType::F32, 0.0, 0.0),
        (RngDist::Normal, DType::F32, 8.0, 1e-7),
        (RngDist::Uniform, DType::F64, 0.0, 0.0),
    ]
    .into_iter()
    .map(|(dist, dtype, ulp, rel)| {
        let mut c = Case::map(format!("random {dist:?} {dtype}"), &[41, 50]).within(ulp, rel).any_zero();
        let key = c.scalar(Scalar::from_i64(DType::U32, 0x1234_5678));
        let stream = c.scalar(Scalar::from_i64(DType::U32, 9));
        let index = Coord { view: View::dense(&Shape::new(&[41, 50])) };
        let r = c.push(Inst::Rng { dist, key, stream, index }, dtype);
        c.store(r, StoreShape::Full);
        c
    })
    .collect()
}
