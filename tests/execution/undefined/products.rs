//! Products: in place and with programs for operands, epilogues, diagonals, batches, symmetry, falling strides and windows.

use lazurite::inspect::graph::{BinaryOp, UnaryOp, View};
use lazurite::inspect::program::{Inst, Load, Program, StoreShape, Window};
use lazurite::inspect::{Core, ValueId};
use lazurite::{DType, HostBuffer, Scalar, Shape};

use super::check;
use crate::cpu::r#gen::{Case, Maker, buffer, view};

/// An operand that loads `view` of `data`, with arithmetic behind it that keeps every bit where it is `busy`.
fn load(m: &mut Maker, view: View, data: HostBuffer, busy: bool) -> Program {
    let dtype = data.dtype();
    m.inputs.push(data);
    let mut p = Program::default();
    p.loads.push(Load { value: ValueId(m.inputs.len() as u32 - 1), dtype, view });
    let x = p.push(Inst::Load(0), dtype);
    if busy {
        let y = p.push(Inst::Unary(UnaryOp::Neg, x), dtype);
        p.push(Inst::Unary(UnaryOp::Neg, y), dtype);
    }
    p
}

fn any(m: &mut Maker, shape: &Shape, dtype: DType, busy: bool) -> Program {
    let (v, n) = view(&mut m.random, shape, shape.is_empty());
    let data = buffer(&mut m.random, dtype, n, false);
    load(m, v, data, busy)
}

fn product(left: Program, right: Program, k: usize, dtype: DType) -> Core {
    Core::Contract { left, right, k, symmetric: false, dtype }
}

#[test]
fn extents_batches_views_and_epilogues() {
    let mut seed = 0;
    for (m_, n_, k) in [(1, 1, 1), (1, 4, 5), (4, 1, 5), (3, 4, 0), (3, 2, 2), (4, 5, 6), (9, 5, 20), (17, 16, 9)] {
        for dtype in [DType::F32, DType::F64, DType::F16, DType::I32] {
            seed += 1;
            if cfg!(miri) && seed % 5 > 0 {
                continue;
            }
            let batch: &[usize] = if seed % 3 == 0 { &[2] } else { &[] };
            let over = |r: usize, c: usize| batch.iter().copied().chain([r, c]).collect::<Shape>();
            let mut m = Maker::new(seed, over(m_, n_));
            m.special = false;
            let left = any(&mut m, &over(m_, k), dtype, seed % 2 == 0);
            let right = any(&mut m, &over(k, n_), dtype, seed % 3 == 0);
            let acc = m.program.push(Inst::Acc, dtype);
            let row = m.load(dtype, false);
            let out = m.program.push(Inst::Binary(BinaryOp::Add, acc, row), dtype);
            let stores = match seed % 4 {
                0 => vec![(acc, StoreShape::Full)],
                1 => vec![(out, StoreShape::Full), (acc, StoreShape::Full)],
                2 => vec![(out, StoreShape::Full), (out, StoreShape::Diagonal)],
                _ => vec![(out, StoreShape::Diagonal)],
            };
            let case = m.finish(product(left, right, k, dtype), &stores);
            check(&case, &format!("{batch:?} {m_}×{n_}×{k} {dtype} seed {seed}"), Some(2e-3));
        }
    }
}

#[test]
fn operands_that_fall_are_turned_or_windowed() {
    let (m_, n_, k) = (4, 3, 6);
    let dtype = DType::F64;
    for case in 0..3 {
        let mut m = Maker::new(21, Shape::new(&[m_, n_]));
        m.special = false;
        let (a, b) = (buffer(&mut m.random, dtype, m_ * k, false), buffer(&mut m.random, dtype, k * n_, false));
        let (across, down) = (View::dense(&Shape::new(&[m_, k])), View::dense(&Shape::new(&[k, n_])));
        let (across, down) = match case {
            0 => (across.flip(1).unwrap(), down.flip(0).unwrap()),
            1 => (across.flip(0).unwrap(), down.flip(1).unwrap()),
            _ => (View::from_parts(Shape::new(&[m_, k]), &[1, m_ as i64], 0).unwrap(), down),
        };
        let (mut left, right) = (load(&mut m, across, a, false), load(&mut m, down, b, false));
        if case == 2 {
            let inside = buffer(&mut m.random, dtype, 6, false);
            m.inputs.push(inside);
            let value = ValueId(m.inputs.len() as u32 - 1);
            left.loads.push(Load { value, dtype, view: View::dense(&Shape::new(&[2, 3])) });
            let start = [1, 2].into_iter().collect();
            let window = Window { start, step: [1, 1].into_iter().collect(), len: [2, 3].into_iter().collect() };
            left.push(Inst::Window { load: 1, window, otherwise: lazurite::inspect::program::Reg(0) }, dtype);
        }
        let acc = m.program.push(Inst::Acc, dtype);
        check(
            &m.finish(product(left, right, k, dtype), &[(acc, StoreShape::Full)]),
            &format!("case {case}"),
            Some(1e-14),
        );
    }
}

/// X'·X of whole numbers, by blocks of its lower half.
#[test]
fn symmetric_products_are_mirrored() {
    let d = if cfg!(miri) { 11 } else { 300 };
    for (n, d) in [(5, 6), (3, d)] {
        let dtype = DType::F32;
        let values: Vec<f32> = (0..n * d).map(|i| (i * i % 7) as f32 - 3.0).collect();
        let mut m = Maker::new(7, Shape::new(&[d, d]));
        let x = HostBuffer::from_slice(&values).unwrap();
        let (down, across) = (Shape::new(&[d, n]), Shape::new(&[n, d]));
        let left = load(&mut m, View::from_parts(down, &[1, d as i64], 0).unwrap(), x, false);
        let mut right = Program::default();
        right.loads.push(Load { value: ValueId(0), dtype, view: View::dense(&across) });
        right.push(Inst::Load(0), dtype);
        let acc = m.program.push(Inst::Acc, dtype);
        let half = m.program.push(Inst::Literal(Scalar::from_f64(dtype, 0.5)), dtype);
        let out = m.program.push(Inst::Binary(BinaryOp::Mul, acc, half), dtype);
        let core = Core::Contract { left, right, k: n, symmetric: true, dtype };
        let case: Case = m.finish(core, &[(out, StoreShape::Full), (acc, StoreShape::Diagonal)]);
        let found = case.run();
        let (full, diagonal) = (found[0].as_slice::<f32>().unwrap(), found[1].as_slice::<f32>().unwrap());
        for i in 0..d {
            let term = |j: usize| (0..n).map(|p| values[p * d + i] * values[p * d + j]).sum::<f32>();
            for j in 0..d {
                assert_eq!(full[i * d + j], 0.5 * term(j), "{n}×{d} at {i}, {j}");
            }
            assert_eq!(diagonal[i], term(i), "{n}×{d} at {i}");
        }
    }
}
