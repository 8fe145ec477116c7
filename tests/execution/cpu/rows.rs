//! Rows groups: every fold over any axes with prologues, phases and stores; and the tree that nothing changes.

use lazurite::inspect::graph::{ArgOp, BinaryOp, ReduceOp, UnaryOp, View};
use lazurite::inspect::program::{Inst, Reg, StoreShape};
use lazurite::inspect::{Core, Dims};
use lazurite::unstable::algorithms::{Random, SplitMix};
use lazurite::{DType, HostBuffer, Shape};

use super::r#gen::{Case, Maker, bits, buffer};

fn rows(axes: &[usize]) -> Core {
    Core::Rows { axes: Dims::from_slice(axes), split: 1 }
}

fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 2e-3,
        DType::F32 => 1e-6,
        _ => 1e-14,
    }
}

fn admits(op: ReduceOp, dtype: DType) -> bool {
    match op {
        ReduceOp::Any | ReduceOp::All => dtype == DType::Bool,
        ReduceOp::Sum | ReduceOp::Prod => dtype != DType::Bool,
        _ => true,
    }
}

#[test]
fn every_reduction_over_every_set_of_axes() {
    let shapes: [&[usize]; 7] = [&[5], &[3, 4], &[4, 3, 5], &[700, 2], &[2, 1100], &[2, 9, 300], &[1, 7, 1]];
    let mut seed = 0;
    for shape in shapes {
        let shape = Shape::new(shape);
        for set in 1..1usize << shape.rank() {
            let axes: Vec<usize> = (0..shape.rank()).filter(|a| set >> a & 1 == 1).collect();
            for dtype in DType::ALL.iter().copied() {
                for op in ReduceOp::ALL.iter().copied().filter(|&o| admits(o, dtype)) {
                    seed += 1;
                    // Long products and sums with infinities overflow midway or not by their order; small values do not.
                    let mut m = Maker::new(seed, shape.clone());
                    m.special = !matches!(op, ReduceOp::Sum | ReduceOp::Prod) || !dtype.is_float();
                    let a = if seed % 3 == 0 { m.load(dtype, false) } else { m.load(dtype, true) };
                    let r = m.program.push(Inst::Reduce(op, a), dtype);
                    let t = if op == ReduceOp::Prod { 1e-12 + tolerance(dtype) } else { tolerance(dtype) };
                    m.finish(rows(&axes), &[(r, StoreShape::Row)])
                        .check(&format!("{op:?} {dtype} {shape} {axes:?}"), Some(t));
                }
            }
        }
    }
}

#[test]
fn positions_of_extremes() {
    for (seed, shape) in [[40, 1, 3], [3, 70, 5], [2, 3, 1200], [2, 600, 1]].iter().enumerate() {
        let shape = Shape::new(shape);
        for axis in 0..3 {
            for dtype in DType::ALL.iter().copied() {
                for op in ArgOp::ALL.iter().copied() {
                    let mut m = Maker::new(seed as u64 * 31 + axis as u64, shape.clone());
                    let a = m.load(dtype, axis == 1);
                    let r = m.program.push(Inst::ArgReduce(op, a), DType::I32);
                    m.finish(rows(&[axis]), &[(r, StoreShape::Row)])
                        .check(&format!("{op:?} {dtype} {shape} {axis}"), None);
                }
            }
        }
    }
}

/// (x − mean) / √(var + ε), its largest element, and a count, in one group.
fn normalise(m: &mut Maker, x: Reg, n: usize, dtype: DType) -> (Reg, Reg, Reg) {
    let lit = |m: &mut Maker, v: f64| m.program.push(Inst::Literal(lazurite::Scalar::from_f64(dtype, v)), dtype);
    let count = lit(m, n as f64);
    let eps = lit(m, 1e-3);
    let sum = m.program.push(Inst::Reduce(ReduceOp::Sum, x), dtype);
    let mean = m.program.push(Inst::Binary(BinaryOp::Div, sum, count), dtype);
    let d = m.program.push(Inst::Binary(BinaryOp::Sub, x, mean), dtype);
    let sq = m.program.push(Inst::Unary(UnaryOp::Square, d), dtype);
    let ss = m.program.push(Inst::Reduce(ReduceOp::Sum, sq), dtype);
    let var = m.program.push(Inst::Binary(BinaryOp::Div, ss, count), dtype);
    let ve = m.program.push(Inst::Binary(BinaryOp::Add, var, eps), dtype);
    let sd = m.program.push(Inst::Unary(UnaryOp::Sqrt, ve), dtype);
    let y = m.program.push(Inst::Binary(BinaryOp::Div, d, sd), dtype);
    let top = m.program.push(Inst::Reduce(ReduceOp::Max, y), dtype);
    (y, top, var)
}

#[test]
fn several_phases_with_inner_and_row_stores() {
    for (seed, shape) in [&[6, 40][..], &[700, 33], &[3, 50, 70], &[2, 1000, 3], &[1, 5000]].iter().enumerate() {
        let shape = Shape::new(shape);
        for set in 1..1usize << shape.rank() {
            let axes: Vec<usize> = (0..shape.rank()).filter(|a| set >> a & 1 == 1).collect();
            for dtype in [DType::F32, DType::F64] {
                let mut m = Maker::new(seed as u64 + 100, shape.clone());
                m.special = false;
                let x = m.load(dtype, seed % 2 == 0);
                let n = axes.iter().map(|&a| shape[a]).product();
                let (y, top, var) = normalise(&mut m, x, n, dtype);
                let stores =
                    [(y, StoreShape::Full), (top, StoreShape::Row), (var, StoreShape::Row), (var, StoreShape::Full)];
                m.finish(rows(&axes), &stores)
                    .check(&format!("{shape} {axes:?} {dtype}"), Some(30.0 * tolerance(dtype)));
            }
        }
    }
}

#[test]
fn random_prologues_and_epilogues() {
    for seed in 0..200 {
        let mut random = SplitMix(seed + 5000);
        let rank = 1 + random.below(4);
        let domain: Shape = (0..rank).map(|_| random.pick(&[1, 2, 3, 7, 30])).collect();
        if domain.len() > 7000 {
            continue;
        }
        let axes: Vec<usize> = (0..rank).filter(|_| random.one_in(2)).collect();
        let axes = if axes.is_empty() { vec![random.below(rank)] } else { axes };
        let mut m = Maker::new(seed, domain);
        for _ in 0..4 {
            m.step();
        }
        // Integers and extremes: results are exact whatever the order.
        let dtype = random.pick(&[DType::I32, DType::U8, DType::I64, DType::U32]);
        let a = m.any(dtype);
        let sum = m.program.push(Inst::Reduce(random.pick(&[ReduceOp::Sum, ReduceOp::Prod]), a), dtype);
        let b = m.any(DType::F32);
        let top = m.program.push(Inst::Reduce(random.pick(&[ReduceOp::Max, ReduceOp::Fmin]), b), DType::F32);
        let level = [sum, top];
        let regs: Vec<Reg> = (0..4).map(|_| m.step()).collect();
        let stores = [
            (regs[3], StoreShape::Full),
            (random.pick(&level), StoreShape::Row),
            (random.pick(&regs), StoreShape::Full),
        ];
        m.finish(rows(&axes), &stores).check(&format!("seed {seed}"), None);
    }
}

/// A sum over `axes` of `data`, whose elements lie by `view`, with other work beside it or not.
fn sum_bits(shape: &Shape, axes: &[usize], view: &View, data: &HostBuffer, busy: bool) -> Vec<u64> {
    let mut m = Maker::new(3, shape.clone());
    m.special = false;
    let mut x = m.load_data(view.clone(), data.clone());
    let dtype = data.dtype();
    if busy {
        for _ in 0..3 {
            m.load(dtype, false);
        }
        x = m.program.push(Inst::Unary(UnaryOp::Neg, x), dtype);
        x = m.program.push(Inst::Unary(UnaryOp::Neg, x), dtype);
    }
    let r = m.program.push(Inst::Reduce(ReduceOp::Sum, x), dtype);
    let mut stores = vec![(r, StoreShape::Row)];
    if busy {
        let top = m.program.push(Inst::Reduce(ReduceOp::Max, x), dtype);
        let y = m.program.push(Inst::Binary(BinaryOp::Sub, x, top), dtype);
        stores.push((y, StoreShape::Full));
    }
    bits(&m.finish(rows(axes), &stores).run()[0])
}

#[test]
fn the_tree_of_a_sum_depends_on_the_rows_length_alone() {
    for dtype in [DType::F32, DType::F64] {
        for (r, l) in [(3, 5), (700, 40), (2, 70_000), (1, 200_001), (300, 1025), (65, 513)] {
            let mut random = SplitMix(l as u64);
            let data = buffer(&mut random, dtype, r * l, false);
            let across = Shape::new(&[r, l]);
            let down = Shape::new(&[l, r]);
            let inner = sum_bits(&across, &[1], &View::dense(&across), &data, false);
            // The same rows with the reduced axis outermost: walked down columns.
            let turned = View::dense(&across).permute(&[1, 0]).unwrap();
            let outer = sum_bits(&down, &[0], &turned, &data, false);
            assert_eq!(inner, outer, "{dtype} {r} rows of {l}");
            assert_eq!(inner, sum_bits(&across, &[1], &View::dense(&across), &data, true), "fused, {dtype} {r}×{l}");
            assert_eq!(inner, sum_bits(&down, &[0], &turned, &data, true), "fused down, {dtype} {r}×{l}");
            // Each row alone: a few long rows are divided among threads, many are not.
            for row in [0, r - 1] {
                let one = Shape::new(&[1, l]);
                let view = View::from_parts(one.clone(), &[0, 1], (row * l) as i64).unwrap();
                assert_eq!(inner[row], sum_bits(&one, &[1], &view, &data, false)[0], "alone, {dtype} {r}×{l}");
            }
        }
    }
}

#[test]
fn one_group_gives_the_bits_of_two() {
    for dtype in [DType::F32, DType::F64] {
        for (shape, axes) in [(&[40, 300][..], &[1][..]), (&[300, 40], &[0]), (&[5, 60, 7], &[1]), (&[2, 90_000], &[1])]
        {
            let shape = Shape::new(shape);
            let mut m = Maker::new(9, shape.clone());
            m.special = false;
            let x = m.load(dtype, true);
            let y = m.program.push(Inst::Unary(UnaryOp::Exp, x), dtype);
            let data = m.inputs[0].clone();
            let alone = m.finish(Core::Map, &[(y, StoreShape::Full)]).run();
            let mut m = Maker::new(9, shape.clone());
            let y = m.load_data(View::dense(&shape), alone[0].clone());
            let s = m.program.push(Inst::Reduce(ReduceOp::Sum, y), dtype);
            let two: Vec<HostBuffer> = m.finish(rows(axes), &[(s, StoreShape::Row)]).run();
            let mut m = Maker::new(9, shape.clone());
            let x = m.load_data(View::dense(&shape), data);
            let y = m.program.push(Inst::Unary(UnaryOp::Exp, x), dtype);
            let s = m.program.push(Inst::Reduce(ReduceOp::Sum, y), dtype);
            let one: Case = m.finish(rows(axes), &[(s, StoreShape::Row)]);
            assert_eq!(bits(&one.run()[0]), bits(&two[0]), "{shape} {axes:?} {dtype}");
        }
    }
}

#[test]
fn long_sums_stay_accurate() {
    let n = 3_000_000;
    let shape = Shape::new(&[n]);
    let data = HostBuffer::from_slice(&vec![0.1f32; n]).unwrap();
    let mut m = Maker::new(1, shape.clone());
    let x = m.load_data(View::dense(&shape), data);
    let s = m.program.push(Inst::Reduce(ReduceOp::Sum, x), DType::F32);
    let found = m.finish(rows(&[0]), &[(s, StoreShape::Row)]).run();
    assert_eq!(found[0].as_slice::<f32>().unwrap()[0], (f64::from(0.1f32) * n as f64) as f32);
}
