//! Elementwise groups: all operations on all dtypes with special values, and random programs through all kinds of loads.

use lazurite::inspect::Core;
use lazurite::inspect::graph::{BinaryOp, CastMode, UnaryOp, View};
use lazurite::inspect::program::{Inst, Reg, StoreShape};
use lazurite::unstable::algorithms::{Random, SplitMix};
use lazurite::{DType, HostBuffer, Scalar, Shape};

use super::r#gen::Maker;

/// Distance in units of the last place of `want`.
fn ulps(got: Scalar, want: Scalar) -> f64 {
    if got.is_same(want) {
        return 0.0;
    }
    let (g, w) = (got.to_f64(), want.to_f64());
    if !want.dtype().is_float() || !g.is_finite() || !w.is_finite() {
        return f64::INFINITY;
    }
    let (least, digits) = match want.dtype() {
        DType::F16 => (-24, 10),
        DType::F32 => (-149, 23),
        _ => (-1074, 52),
    };
    let exponent = if w == 0.0 { least } else { (w.abs().log2().floor() as i32 - digits).max(least) };
    (g - w).abs() / f64::from(exponent.max(-1074)).exp2()
}

#[test]
fn every_unary_operation_on_every_dtype() {
    for dtype in DType::ALL.iter().copied() {
        for op in UnaryOp::ALL.iter().copied().chain([0, 1, 2, 3, -1, -3, 7, i32::MIN].map(UnaryOp::Powi)) {
            let Some(result) = op.result(dtype) else { continue };
            let mut m = Maker::new(7, Shape::new(&[1500]));
            let a = m.load(dtype, true);
            let r = m.program.push(Inst::Unary(op, a), result);
            let case = m.finish(Core::Map, &[(r, StoreShape::Full)]);
            let found = case.run();
            for i in 0..1500 {
                let x = case.inputs[0].get(i);
                let want = lazurite::unstable::cpu::reference::unary(op, x);
                let distance = ulps(found[0].get(i), want);
                assert!(distance <= 2.5, "{op:?} of {x:?}: expected {want:?}, found {:?}", found[0].get(i));
            }
        }
    }
}

/// Numbers of all sizes: near 0, near 1, near multiples of π/2, and of random exponents.
fn wide(random: &mut SplitMix, dtype: DType, n: usize) -> HostBuffer {
    let mut b = HostBuffer::zeros(dtype, n).unwrap();
    for i in 0..n {
        let sign = if random.one_in(2) { -1.0 } else { 1.0 };
        let x = match random.below(6) {
            0 => 1.0 + (random.unit() - 0.5) * 2f64.powi(-(random.below(50) as i32)),
            1 => random.unit() * 800.0,
            2 => (random.below(200_000) as f64) * std::f64::consts::FRAC_PI_2,
            3 => 2f64.powf(random.unit() * 2.0 - 1.0),
            4 => random.unit() * (random.below(2000) as f64 - 1000.0).exp2(),
            _ => random.unit() * 2f64.powi(random.below(60) as i32 - 40),
        };
        b.set(i, lazurite::unstable::cpu::reference::scalar::from_f64(dtype, sign * x));
    }
    b
}

#[test]
fn transcendental_functions_on_numbers_of_all_sizes() {
    let n = 20_000;
    let shape = Shape::new(&[n]);
    for dtype in [DType::F32, DType::F64] {
        for op in UnaryOp::ALL.iter().copied().filter(|o| o.is_transcendental() || *o == UnaryOp::Rsqrt) {
            let mut m = Maker::new(1, shape.clone());
            let data = wide(&mut m.random, dtype, n);
            let x = m.load_data(View::dense(&shape), data.clone());
            let r = m.program.push(Inst::Unary(op, x), dtype);
            let found = m.finish(Core::Map, &[(r, StoreShape::Full)]).run();
            let mut worst = (0.0, 0);
            for i in 0..n {
                let distance = ulps(found[0].get(i), lazurite::unstable::cpu::reference::unary(op, data.get(i)));
                worst = if distance > worst.0 { (distance, i) } else { worst };
            }
            let (x, limit) = (data.get(worst.1), if dtype == DType::F32 { 1.0 } else { 2.5 });
            let want = lazurite::unstable::cpu::reference::unary(op, x);
            assert!(worst.0 <= limit, "{op:?} of {x:?}: {} ulp, {want:?}, {:?}", worst.0, found[0].get(worst.1));
        }
        for op in [BinaryOp::Pow, BinaryOp::Hypot, BinaryOp::Atan2, BinaryOp::Mod, BinaryOp::Rem] {
            let mut m = Maker::new(2, shape.clone());
            let (x, mut y) = (wide(&mut m.random, dtype, n), wide(&mut m.random, dtype, n));
            // Exponents that keep the power in range, among others.
            for i in (0..n).filter(|i| i % 3 > 0) {
                let small = m.random.unit() * 20.0 - 10.0;
                y.set(i, Scalar::from_f64(dtype, if i % 3 == 1 { small } else { small.round() }));
            }
            let (a, b) = (m.load_data(View::dense(&shape), x.clone()), m.load_data(View::dense(&shape), y.clone()));
            let r = m.program.push(Inst::Binary(op, a, b), dtype);
            let found = m.finish(Core::Map, &[(r, StoreShape::Full)]).run();
            for i in 0..n {
                let want = lazurite::unstable::cpu::reference::binary(op, x.get(i), y.get(i));
                let distance = ulps(found[0].get(i), want);
                let got = found[0].get(i);
                assert!(distance <= 1.0, "{op:?} of {:?}, {:?}: {want:?}, {got:?}", x.get(i), y.get(i));
            }
        }
    }
}

#[test]
fn every_binary_operation_on_every_dtype() {
    for dtype in DType::ALL.iter().copied() {
        for op in BinaryOp::ALL.iter().copied() {
            let Some(result) = op.result(dtype) else { continue };
            let mut m = Maker::new(11, Shape::new(&[2000]));
            let (a, b) = (m.load(dtype, true), m.load(dtype, true));
            let r = m.program.push(Inst::Binary(op, a, b), result);
            let case = m.finish(Core::Map, &[(r, StoreShape::Full)]);
            let found = case.run();
            for i in 0..2000 {
                let (x, y) = (case.inputs[0].get(i), case.inputs[1].get(i));
                let want = lazurite::unstable::cpu::reference::binary(op, x, y);
                let distance = ulps(found[0].get(i), want);
                assert!(distance <= 2.5, "{op:?} of {x:?}, {y:?}: expected {want:?}, found {:?}", found[0].get(i));
            }
        }
    }
}

#[test]
fn every_cast() {
    for from in DType::ALL.iter().copied() {
        for to in DType::ALL.iter().copied() {
            for mode in [CastMode::Wrap, CastMode::RoundSaturate] {
                let mut m = Maker::new(13, Shape::new(&[700]));
                let a = m.load(from, true);
                let r = m.program.push(Inst::Cast(mode, a), to);
                m.finish(Core::Map, &[(r, StoreShape::Full)]).check(&format!("{from} to {to}"), None);
            }
        }
    }
}

#[test]
fn random_programs_over_random_views() {
    for seed in 0..400 {
        let mut random = SplitMix(seed);
        let rank = random.below(5);
        let domain: Shape = (0..rank).map(|_| random.pick(&[1, 2, 3, 5, 9, 17])).collect();
        if domain.len() > 6000 {
            continue;
        }
        let mut m = Maker::new(seed * 7 + 1, domain);
        let n = 1 + random.below(12);
        let regs: Vec<Reg> = (0..n).map(|_| m.step()).collect();
        let mut stores = vec![(regs[n - 1], StoreShape::Full), (random.pick(&regs), StoreShape::Full)];
        if rank >= 2 && random.one_in(2) {
            stores.push((random.pick(&regs), StoreShape::Diagonal));
        }
        m.finish(Core::Map, &stores).check(&format!("seed {seed}"), None);
    }
}

#[test]
fn tiles_meet_at_their_seams() {
    for n in [1, 511, 512, 513, 32768, 32769, 100_003] {
        for flip in [false, true] {
            let mut m = Maker::new(n as u64, Shape::new(&[n]));
            let dense = View::dense(&Shape::new(&[n]));
            let v = if flip { dense.flip(0).unwrap() } else { dense };
            let a = m.load_view(DType::F32, v, n);
            let b = m.load_view(DType::F32, View::from_parts(Shape::new(&[n]), &[2], 1).unwrap(), 2 * n);
            let r = m.program.push(Inst::Binary(BinaryOp::Add, a, b), DType::F32);
            m.finish(Core::Map, &[(r, StoreShape::Full)]).check(&format!("{n} flip {flip}"), None);
        }
    }
}

#[test]
fn a_group_that_contradicts_itself_is_an_error() {
    let mut m = Maker::new(1, Shape::new(&[4]));
    let a = m.load(DType::F32, true);
    let mut case = m.finish(Core::Map, &[(a, StoreShape::Full)]);
    case.group.body.loads[0].view = View::from_parts(Shape::new(&[4]), &[2], 0).unwrap();
    assert!(case.try_run().unwrap_err().is_internal());
    let mut m = Maker::new(1, Shape::new(&[4]));
    let a = m.load(DType::F32, true);
    m.program.push(Inst::Reduce(lazurite::inspect::graph::ReduceOp::Sum, a), DType::F32);
    let mut case = m.finish(Core::Map, &[(a, StoreShape::Full)]);
    assert!(case.try_run().unwrap_err().is_internal());
    case.group.body.insts.pop();
    case.group.body.dtypes.pop();
    assert!(case.try_run().is_ok());
    case.values[1].shape = Shape::new(&[5]);
    assert!(case.try_run().unwrap_err().is_internal());
}

#[test]
fn memory_that_cannot_be_had_is_an_error() {
    let huge = Shape::new(&[1 << 30, 1 << 30]);
    let mut m = Maker::new(1, huge);
    let one = m.program.push(Inst::Literal(Scalar::from_f64(DType::F64, 1.0)), DType::F64);
    let case = m.finish(Core::Map, &[(one, StoreShape::Full)]);
    assert!(case.try_run().unwrap_err().is_out_of_memory());
}
