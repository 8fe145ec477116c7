//! Elementwise groups, rows and scans: all dtypes through every kind of load, tails of tiles, and every kind of store.

use lazurite::inspect::graph::{BinaryOp, ReduceOp, ScanOp, UnaryOp, View};
use lazurite::inspect::program::{Inst, Reg, StoreShape};
use lazurite::inspect::{Core, Dims};
use lazurite::unstable::algorithms::{Random, SplitMix};
use lazurite::{DType, Scalar, Shape};

use super::{TILE, check};
use crate::cpu::r#gen::Maker;

fn rows(axes: &[usize]) -> Core {
    Core::Rows { axes: Dims::from_slice(axes), split: 1 }
}

#[test]
fn every_dtype_through_every_kind_of_load_and_store() {
    for (seed, dtype) in DType::ALL.iter().copied().enumerate() {
        let shapes = if cfg!(miri) { [&[2, 3][..], &[], &[]] } else { [&[3, 5][..], &[2, 1], &[]] };
        for shape in shapes.into_iter().take(if cfg!(miri) && seed > 0 { 1 } else { 3 }) {
            let shape = Shape::new(shape);
            let mut m = Maker::new(seed as u64, shape.clone());
            let dense = View::dense(&shape);
            let plain = m.load_view(dtype, dense.clone(), shape.len());
            let one = m.load_view(dtype, View::from_parts(shape.clone(), &vec![0; shape.rank()], 1).unwrap(), 2);
            let mut stores = vec![(plain, StoreShape::Full), (one, StoreShape::Full)];
            if shape.rank() == 2 {
                let flipped = dense.flip(0).unwrap().flip(1).unwrap();
                let flipped = m.load_view(dtype, flipped, shape.len());
                let turned = View::from_parts(shape.clone(), &[1, shape[0] as i64], 0).unwrap();
                let turned = m.load_view(dtype, turned, shape.len());
                let (window, gather) = (m.window(dtype), m.gather(dtype));
                let any = m.load(dtype, false);
                let result = BinaryOp::Maximum.result(dtype).unwrap();
                let most = m.program.push(Inst::Binary(BinaryOp::Maximum, flipped, turned), result);
                let all = [most, window, gather, any];
                stores.extend(all.map(|r| (r, StoreShape::Full)));
                if !cfg!(miri) || seed % 4 == 0 {
                    stores.extend(all.map(|r| (r, StoreShape::Diagonal)));
                }
            }
            check(&m.finish(Core::Map, &stores), &format!("{dtype} over {shape}"), None);
        }
    }
}

#[test]
fn random_programs() {
    for seed in 0..if cfg!(miri) { 8 } else { 200 } {
        let mut random = SplitMix(seed);
        let rank = random.below(4);
        let domain: Shape = (0..rank).map(|_| random.pick(&[1, 2, 3, 5])).collect();
        let mut m = Maker::new(seed * 7 + 1, domain);
        let n = 1 + random.below(10);
        let regs: Vec<Reg> = (0..n).map(|_| m.step()).collect();
        let mut stores = vec![(regs[n - 1], StoreShape::Full), (random.pick(&regs), StoreShape::Full)];
        if rank >= 2 {
            stores.push((random.pick(&regs), StoreShape::Diagonal));
        }
        check(&m.finish(Core::Map, &stores), &format!("seed {seed}"), None);
    }
}

#[test]
fn tails_of_tiles() {
    for (n, dtype) in [(TILE - 1, DType::U8), (TILE + 1, DType::F16), (2 * TILE + 7, DType::I64)] {
        let mut m = Maker::new(n as u64, Shape::new(&[n]));
        let dense = View::dense(&Shape::new(&[n]));
        let a = m.load_view(dtype, dense.flip(0).unwrap(), n);
        let b = m.load_view(dtype, View::from_parts(Shape::new(&[n]), &[1], 1).unwrap(), n + 1);
        let r = m.program.push(Inst::Binary(BinaryOp::Minimum, a, b), dtype);
        check(&m.finish(Core::Map, &[(r, StoreShape::Full)]), &format!("{n} {dtype}"), None);
    }
}

#[test]
fn folds_over_every_set_of_axes() {
    let mut seed = 0;
    for shape in [&[5][..], &[3, 4], &[2, 3, 5], &[1, 7, 1]] {
        let shape = Shape::new(shape);
        for set in 1..1usize << shape.rank() {
            let axes: Vec<usize> = (0..shape.rank()).filter(|a| set >> a & 1 == 1).collect();
            // Miri takes seconds for each: one dtype for each set, in turn.
            let dtypes = DType::ALL.iter().copied().enumerate().filter(|(i, _)| !cfg!(miri) || i % 8 == set % 8);
            for (_, dtype) in dtypes {
                seed += 1;
                let op = if dtype == DType::Bool {
                    [ReduceOp::Any, ReduceOp::All][seed % 2]
                } else {
                    [ReduceOp::Sum, ReduceOp::Max, ReduceOp::Fmin, ReduceOp::Prod][seed % 4]
                };
                let mut m = Maker::new(seed as u64, shape.clone());
                m.special = false;
                let a = m.load(dtype, seed % 3 > 0);
                let r = m.program.push(Inst::Reduce(op, a), dtype);
                check(
                    &m.finish(rows(&axes), &[(r, StoreShape::Row), (a, StoreShape::Full)]),
                    &format!("{op:?} {dtype} {shape} {axes:?}"),
                    Some(2e-3),
                );
            }
        }
    }
}

/// x less its mean, the largest of that, and where it is; more than a tile along rows, down columns, and in blocks of columns.
#[test]
fn several_phases_with_stores_of_elements_and_rows() {
    let (wide, narrow) = (if cfg!(miri) { 20 } else { 300 }, if cfg!(miri) { 6 } else { 60 });
    let walks: [(&[usize], usize, DType); 4] = [
        (&[2, TILE + 9], 1, DType::F32),
        (&[9, narrow], 0, DType::F64),
        (&[3, wide], 0, DType::F32),
        (&[2, 7, narrow], 1, DType::F32),
    ];
    for (shape, axis, dtype) in walks {
        let shape = Shape::new(shape);
        let mut m = Maker::new(100, shape.clone());
        m.special = false;
        let x = m.load(dtype, false);
        let count = Scalar::from_f64(dtype, shape[axis] as f64);
        let count = m.program.push(Inst::Literal(count), dtype);
        let sum = m.program.push(Inst::Reduce(ReduceOp::Sum, x), dtype);
        let mean = m.program.push(Inst::Binary(BinaryOp::Div, sum, count), dtype);
        let d = m.program.push(Inst::Binary(BinaryOp::Sub, x, mean), dtype);
        let top = m.program.push(Inst::Reduce(ReduceOp::Max, d), dtype);
        let y = m.program.push(Inst::Binary(BinaryOp::Sub, d, top), dtype);
        let place = m.program.push(Inst::ArgReduce(lazurite::inspect::graph::ArgOp::Max, x), DType::I32);
        let stores = [
            (y, StoreShape::Full),
            (top, StoreShape::Row),
            (place, StoreShape::Row),
            (d, StoreShape::Full),
            (mean, StoreShape::Full),
        ];
        check(&m.finish(rows(&[axis]), &stores), &format!("{shape} {axis} {dtype}"), Some(1e-5));
    }
}

#[test]
fn scans_along_every_axis() {
    let wide = if cfg!(miri) { 20 } else { 300 };
    for (seed, shape) in [&[1][..], &[TILE + 9], &[3, 4], &[3, 5, 2], &[3, wide]].into_iter().enumerate() {
        let shape = Shape::new(shape);
        for axis in 0..shape.rank() {
            let dtypes = [DType::F32, DType::I64, DType::U8, DType::F16, DType::F64, DType::I32, DType::U32];
            for dtype in dtypes.into_iter().skip(seed % 7).take(if cfg!(miri) || shape.len() > 500 { 1 } else { 7 }) {
                let mut m = Maker::new(seed as u64, shape.clone());
                m.special = false;
                let (x, y) = (m.load(dtype, true), m.load(dtype, false));
                let z = m.program.push(Inst::Binary(BinaryOp::Maximum, x, y), dtype);
                let s = m.program.push(Inst::Scan(z), dtype);
                let out = m.program.push(Inst::Unary(UnaryOp::Neg, s), dtype);
                let op = ScanOp::ALL[(seed + axis) % ScanOp::ALL.len()];
                let case = m.finish(Core::Scan { op, axis }, &[(s, StoreShape::Full), (out, StoreShape::Full)]);
                check(&case, &format!("{op:?} {dtype} {shape} axis {axis}"), Some(2e-3));
            }
        }
    }
}
