//! Contractions: extents, batches, prologues, epilogues, symmetry, diagonals; and accumulators that no prologue changes.

use lazurite::inspect::graph::{BinaryOp, UnaryOp, View};
use lazurite::inspect::program::{Inst, Load, Program, Reg, StoreShape};
use lazurite::inspect::{Core, ValueId};
use lazurite::unstable::algorithms::SplitMix;
use lazurite::{DType, HostBuffer, Scalar, Shape};

use super::r#gen::{Case, Maker, bits, buffer, view};

/// A side of a product: a load of a random view, alone or with arithmetic behind it.
fn side(m: &mut Maker, shape: &Shape, dtype: DType, plain: bool, busy: bool) -> Program {
    let (v, n) = view(&mut m.random, shape, plain || shape.is_empty());
    let data = buffer(&mut m.random, dtype, n, false);
    load_side(m, v, data, busy)
}

fn load_side(m: &mut Maker, v: View, data: HostBuffer, busy: bool) -> Program {
    let dtype = data.dtype();
    m.inputs.push(data);
    let mut p = Program::default();
    p.loads.push(Load { value: ValueId(m.inputs.len() as u32 - 1), dtype, view: v });
    let x = p.push(Inst::Load(0), dtype);
    if busy {
        // −(−x) keeps every bit and is no plain load.
        let y = p.push(Inst::Unary(UnaryOp::Neg, x), dtype);
        p.push(Inst::Unary(UnaryOp::Neg, y), dtype);
    }
    p
}

fn core(left: Program, right: Program, k: usize, symmetric: bool, dtype: DType) -> Core {
    Core::Contract { left, right, k, symmetric, dtype }
}

/// out = (acc · scale + row) and the accumulator itself.
fn epilogue(m: &mut Maker, dtype: DType) -> (Reg, Reg) {
    let acc = m.program.push(Inst::Acc, dtype);
    let two = m.program.push(Inst::Literal(Scalar::from_i64(dtype, 2)), dtype);
    let scaled = m.program.push(Inst::Binary(BinaryOp::Mul, acc, two), dtype);
    let row = m.load(dtype, false);
    (acc, m.program.push(Inst::Binary(BinaryOp::Add, scaled, row), dtype))
}

fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 2e-3,
        DType::F32 => 2e-5,
        _ => 1e-13,
    }
}

#[test]
fn extents_batches_views_and_epilogues() {
    let extents =
        [(1, 1, 1), (1, 7, 5), (7, 1, 5), (3, 4, 0), (2, 2, 2), (3, 5, 1), (13, 9, 33), (17, 31, 20), (40, 3, 600)];
    let mut seed = 0;
    for (m_, n_, k) in extents {
        for batch in [&[][..], &[3], &[2, 2]] {
            for dtype in [DType::F32, DType::F64, DType::F16, DType::I32, DType::U8, DType::I64, DType::U32] {
                for busy in [false, true] {
                    seed += 1;
                    let over = |r: usize, c: usize| batch.iter().copied().chain([r, c]).collect::<Shape>();
                    let mut m = Maker::new(seed, over(m_, n_));
                    m.special = false;
                    let plain = seed % 4 == 0;
                    let left = side(&mut m, &over(m_, k), dtype, plain, busy);
                    let right = side(&mut m, &over(k, n_), dtype, plain, !busy && seed % 3 == 0);
                    let (acc, out) = epilogue(&mut m, dtype);
                    let stores = match seed % 4 {
                        0 => vec![(acc, StoreShape::Full)],
                        1 => vec![(out, StoreShape::Full), (acc, StoreShape::Full)],
                        2 => vec![(out, StoreShape::Full), (out, StoreShape::Diagonal)],
                        _ => vec![(out, StoreShape::Diagonal)],
                    };
                    let case = m.finish(core(left, right, k, false, dtype), &stores);
                    case.check(&format!("{batch:?} {m_}×{n_}×{k} {dtype} seed {seed}"), Some(tolerance(dtype)));
                }
            }
        }
    }
}

/// The bits of X'·X-like products of the same numbers under different layouts and prologues.
fn product_bits(
    data: &HostBuffer,
    (m_, n_, k): (usize, usize, usize),
    turned: bool,
    busy: bool,
    extra: bool,
) -> Vec<u64> {
    let dtype = data.dtype();
    let mut m = Maker::new(5, Shape::new(&[m_, n_]));
    m.special = false;
    let a = if turned {
        // The same matrix stored by columns.
        let mut copy = HostBuffer::zeros(dtype, m_ * k).unwrap();
        for i in 0..m_ {
            for p in 0..k {
                copy.set(p * m_ + i, data.get(i * k + p));
            }
        }
        load_side(&mut m, View::from_parts(Shape::new(&[m_, k]), &[1, m_ as i64], 0).unwrap(), copy, busy)
    } else {
        load_side(&mut m, View::dense(&Shape::new(&[m_, k])), data.clone(), busy)
    };
    let b = buffer(&mut SplitMix(99), dtype, k * n_, false);
    let b = load_side(&mut m, View::dense(&Shape::new(&[k, n_])), b, false);
    let (acc, out) = epilogue(&mut m, dtype);
    let mut stores = vec![(acc, StoreShape::Full)];
    if extra {
        stores.push((out, StoreShape::Full));
    }
    bits(&m.finish(core(a, b, k, false, dtype), &stores).run()[0])
}

#[test]
fn prologues_layouts_and_epilogues_do_not_change_the_accumulator() {
    for dtype in [DType::F32, DType::F64] {
        for e in [(1, 40, 900), (40, 1, 900), (1, 1, 5000), (5, 6, 700), (16, 16, 3), (100, 90, 5000), (130, 3, 17)] {
            let data = buffer(&mut SplitMix(e.2 as u64), dtype, e.0 * e.2, false);
            let first = product_bits(&data, e, false, false, false);
            for (turned, busy, extra) in
                [(true, false, false), (false, true, false), (true, true, true), (false, false, true)]
            {
                assert!(first == product_bits(&data, e, turned, busy, extra), "{dtype} {e:?} {turned} {busy} {extra}");
            }
        }
    }
}

/// Xᵀ·X with the columns' means taken off, and the promise of symmetry.
fn gram(n: usize, d: usize, dtype: DType, symmetric: bool) -> Case {
    let mut m = Maker::new(77, Shape::new(&[d, d]));
    m.special = false;
    let (x, mean) = (buffer(&mut m.random, dtype, n * d, false), buffer(&mut m.random, dtype, d, false));
    m.inputs.extend([x, mean]);
    let centred = |rows: bool| {
        let shape = if rows { Shape::new(&[d, n]) } else { Shape::new(&[n, d]) };
        let (sx, sm) = if rows { ([1, d as i64], [1, 0]) } else { ([d as i64, 1], [0, 1]) };
        let mut p = Program::default();
        for (value, strides) in [(0, sx), (1, sm)] {
            let view = View::from_parts(shape.clone(), &strides, 0).unwrap();
            p.loads.push(Load { value: ValueId(value), dtype, view });
        }
        let (a, b) = (p.push(Inst::Load(0), dtype), p.push(Inst::Load(1), dtype));
        p.push(Inst::Binary(BinaryOp::Sub, a, b), dtype);
        p
    };
    let (left, right) = (centred(true), centred(false));
    let acc = m.program.push(Inst::Acc, dtype);
    let count = m.program.push(Inst::Literal(Scalar::from_f64(dtype, n as f64 - 1.0)), dtype);
    let out = m.program.push(Inst::Binary(BinaryOp::Div, acc, count), dtype);
    m.finish(core(left, right, n, symmetric, dtype), &[(out, StoreShape::Full), (out, StoreShape::Diagonal)])
}

#[test]
fn symmetric_products_are_symmetric_and_right() {
    for dtype in [DType::F32, DType::F64] {
        for (n, d) in [(50, 7), (9, 40), (4, 300), (4200, 5)] {
            let case = gram(n, d, dtype, true);
            case.check(&format!("{n}×{d} {dtype}"), Some(tolerance(dtype)));
            let found = &case.run()[0];
            for i in 0..d {
                for j in 0..i {
                    assert_eq!(found.get(i * d + j), found.get(j * d + i));
                }
            }
        }
    }
}

#[test]
fn a_windowed_operand_is_zero_outside() {
    let (m_, n_, k) = (20, 18, 5000);
    let dtype = DType::F64;
    let mut m = Maker::new(21, Shape::new(&[m_, n_]));
    m.special = false;
    let inside = buffer(&mut m.random, dtype, 10 * 3000, false);
    m.inputs.push(inside);
    let mut left = Program::default();
    left.loads.push(Load { value: ValueId(0), dtype, view: View::dense(&Shape::new(&[10, 3000])) });
    let zero = left.push(Inst::Literal(Scalar::from_f64(dtype, 0.0)), dtype);
    let window = lazurite::inspect::program::Window {
        start: [3, 1500].into_iter().collect(),
        step: [1, 1].into_iter().collect(),
        len: [10, 3000].into_iter().collect(),
    };
    left.push(Inst::Window { load: 0, window, otherwise: zero }, dtype);
    let right = side(&mut m, &Shape::new(&[k, n_]), dtype, true, false);
    let acc = m.program.push(Inst::Acc, dtype);
    m.finish(core(left, right, k, false, dtype), &[(acc, StoreShape::Full)]).check("windowed", Some(1e-12));
}
