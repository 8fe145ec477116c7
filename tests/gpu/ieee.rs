//! What people write and check by hand: programs whose results IEEE decides, on the GPU as on the CPU, in every mode that promises it,
//! with planner and fusion and without.

use crate::support;
use lazurite::{Array, DType, DeviceChoice, Engine, HostBuffer, Numerics, Scalar};

const LEN: usize = 256;

/// Elements of `dtype` from a few numbers over and over.
fn numbers(e: &Engine, dtype: DType, few: &[f64]) -> Array {
    let mut data = HostBuffer::zeros(dtype, LEN).unwrap();
    (0..LEN).for_each(|i| data.set(i, Scalar::from_f64(dtype, few[i % few.len()])));
    e.from_buffer(data, &[LEN]).unwrap()
}

/// A program and the bits of its elements; NaN is NaN.
type Result = (String, Vec<u64>);

fn bits(data: &HostBuffer) -> Vec<u64> {
    let nan = |s: Scalar| s.dtype().is_float() && s.to_f64().is_nan();
    (0..data.len()).map(|i| data.get(i)).map(|s| if nan(s) { u64::MAX } else { s.bits() }).collect()
}

#[expect(clippy::eq_op, reason = "what a number minus itself is, is the question")]
fn programs(e: &Engine) -> Vec<(String, Array)> {
    let mut all: Vec<(String, Array)> = Vec::new();
    for dtype in [DType::F32, DType::F64, DType::F16] {
        let largest = match dtype {
            DType::F16 => 60_000.0,
            DType::F32 => 3e38,
            _ => 1.7e308,
        };
        let large = if dtype == DType::F16 { 2048.0 } else { 2f64.powi(if dtype == DType::F32 { 27 } else { 55 }) };
        let special = numbers(e, dtype, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.5, -2.0]);
        let (big, small) = (numbers(e, dtype, &[large, -large, 3.0]), numbers(e, dtype, &[1.2345, 0.75, -1.2345]));
        let edge = numbers(e, dtype, &[largest, -largest]);
        let two_sum = {
            let sum = &big + &small;
            let back = &sum - &big;
            (&big - (&sum - &back)) + (&small - &back)
        };
        let named = [
            ("x - x", &special - &special),
            ("0 x", 0.0 * &special),
            ("x 0", &special * 0.0),
            ("x + 0", &special + 0.0),
            ("0 - x", 0.0 - &special),
            ("x / x", &special / &special),
            ("1 / x", 1.0 / &special),
            ("x = x", special.eq(&special)),
            ("x != x", special.ne(&special)),
            ("(a + b) - a", (&big + &small) - &big),
            ("the error of a sum", two_sum),
            ("a + 1 + 1", (&big + 1.0) + 1.0),
            ("y/2 + y/2", 0.5 * &edge + 0.5 * &edge),
            ("a b + a c", &big * &small + &big * &edge),
            ("x y + z", &small * &small + &big),
            ("largest", special.amax(0, false)),
            ("where it is", special.argmin(0, false)),
        ];
        all.extend(named.into_iter().map(|(name, y)| (format!("{name} of {dtype}"), y)));
    }
    all
}

fn results(e: &Engine) -> Vec<Result> {
    programs(e).into_iter().map(|(name, y)| (name, bits(&y.to_host().unwrap()))).collect()
}

#[test]
fn what_ieee_decides_is_the_same_on_the_gpu() {
    let on = |device, numerics, fuse| Engine::builder().device(device).numerics(numerics).plan(fuse).fuse(fuse).build();
    if support::gpu().is_none() {
        return;
    }
    let expected = results(&on(DeviceChoice::Cpu, Numerics::Strict, true).unwrap());
    for (numerics, fuse) in [(Numerics::Strict, true), (Numerics::Strict, false), (Numerics::Standard, false)] {
        let gpu = on(DeviceChoice::Gpu, numerics, fuse).unwrap();
        let given = results(&gpu);
        let stats = gpu.stats();
        // Every adapter has f32.
        assert!(stats.gpu_groups as usize * 3 >= expected.len(), "programs ran elsewhere: {stats:?}");
        let wrong: Vec<_> = given
            .iter()
            .zip(&expected)
            .filter(|(g, e)| g != e)
            .map(|((name, g), (_, e))| {
                format!("{name}: {:x?}, expected {:x?}", &g[..7.min(g.len())], &e[..7.min(e.len())])
            })
            .collect();
        assert!(
            wrong.is_empty(),
            "{numerics}, fused {fuse}: {} of {}:\n{}",
            wrong.len(),
            given.len(),
            wrong.join("\n")
        );
    }
}
