//! Composites at the edges of their dtypes: what they are over the reals, rounded once, though squares, sums or exponentials leave the
//! dtype midway. Every case runs on the CPU and the GPU, in Strict and Standard.

use lazurite::inspect::{Place, Step};
use lazurite::{Array, DType, DeviceChoice, Engine, Numerics};

use crate::support::fresh_gpu;

type Composite = fn(&Array) -> Array;

/// A name, a dtype, the input, the composite, and its elements.
struct Case(&'static str, DType, Vec<f64>, Composite, Vec<f64>);

const INF: f64 = f64::INFINITY;

fn engines() -> Vec<(String, Engine)> {
    let mut engines = Vec::new();
    let devices =
        if fresh_gpu().is_some() { vec![DeviceChoice::Cpu, DeviceChoice::Gpu] } else { vec![DeviceChoice::Cpu] };
    for device in devices {
        for numerics in [Numerics::Strict, Numerics::Standard] {
            let engine = Engine::builder().device(device).numerics(numerics).build().unwrap();
            engines.push((format!("{device:?} {numerics:?}"), engine));
        }
    }
    engines
}

fn hold(cases: &[Case]) {
    for (device, engine) in engines() {
        for Case(name, dtype, input, composite, expected) in cases {
            let x = engine.from_slice(input, &[input.len()]).unwrap().cast(*dtype);
            // Stored, so that the cast is no part of the graph that is tested.
            engine.eval(&[&x]).unwrap();
            let y = composite(&x);
            assert_eq!(y.dtype().unwrap(), *dtype, "{name}");
            engine.eval(&[&y]).unwrap();
            // Exponentials of f64 are no kernels.
            if engine.device_name().is_some() && *dtype != DType::F64 {
                let ran = engine.last_evaluation().unwrap();
                let on_gpu = |s: &Step| matches!(s, Step::Run(group) if group.place == Place::Gpu);
                assert!(ran.prepared.schedule.steps.iter().any(on_gpu), "{device}: {name} of {dtype} ran on the CPU");
            }
            let y = y.cast(DType::F64).to_vec::<f64>().unwrap();
            let u = dtype.unit_roundoff();
            let close = |a: f64, e: f64| {
                (a.is_nan() && e.is_nan()) || a == e || (a - e).abs() <= 16.0 * u * e.abs() + dtype.smallest_positive()
            };
            let all = y.len() == expected.len() && y.iter().zip(expected).all(|(&a, &e)| close(a, e));
            assert_eq!(engine.stats().fallbacks, 0, "{device}: {name}");
            assert!(all, "{device}: {name} of {dtype}: expected {expected:?}, given {:?}", &y[..y.len().min(8)]);
        }
    }
}

fn alternating(size: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| if i % 2 == 0 { size } else { -size }).collect()
}

#[test]
fn half_precision_is_widened_and_narrowed_once() {
    use DType::F16;
    let each: Composite = |x| x.softmax(0).amax(0, true);
    let layer: Composite = |x| &(x - &x.mean(0, true)) / &x.std(0, 0, true);
    let small = |x: f64| 1.0 / (1.0 + (-x).exp());
    hold(&[
        Case("mean of large", F16, vec![100.0; 1000], |x| x.mean(.., true), vec![100.0]),
        Case("mean of many", F16, vec![1.0; 70_000], |x| x.mean(0, true), vec![1.0]),
        Case("std", F16, alternating(100.0, 1000), |x| x.std(.., 0, true), vec![100.0]),
        Case("std whose variance overflows", F16, alternating(300.0, 64), |x| x.std(.., 0, true), vec![300.0]),
        Case("var", F16, alternating(200.0, 1000), |x| x.var(.., 0, true), vec![40_000.0]),
        Case("norm", F16, vec![300.0, 400.0], |x| x.norm(.., true), vec![500.0]),
        Case("norm of subnormals", F16, vec![3e-7, 4e-7], |x| x.norm(.., true), vec![4.77e-7]),
        Case("softmax of many", F16, vec![0.0; 70_000], each, vec![1.0 / 70_000.0]),
        Case("logsumexp of many", F16, vec![1.0; 70_000], |x| x.logsumexp(.., true), vec![1.0 + 70_000f64.ln()]),
        Case("sigmoid", F16, vec![-12.0, 0.0, 12.0], |x| x.sigmoid(), [-12.0, 0.0, 12.0].map(small).to_vec()),
        Case("layer norm", F16, alternating(60.0, 512), layer, alternating(1.0, 512)),
        Case("dot", F16, vec![300.0, -300.0], |x| x.dot(&x.abs()).reshape(&[1], lazurite::Order::C), vec![0.0]),
        Case("silu", F16, vec![-12.0], |x| x * &x.sigmoid(), vec![-12.0 * small(-12.0)]),
    ]);
}

#[test]
fn half_precision_ends_at_its_own_range() {
    use DType::F16;
    hold(&[
        Case("var", F16, alternating(300.0, 64), |x| x.var(.., 0, true), vec![INF]),
        Case("norm", F16, vec![6e4, 6e4], |x| x.norm(.., true), vec![INF]),
        Case("mean of nothing", F16, vec![], |x| x.mean(.., true), vec![f64::NAN]),
        Case("norm of nothing", F16, vec![], |x| x.norm(.., true), vec![0.0]),
    ]);
}

#[test]
fn half_precision_counts_in_single() {
    for (device, engine) in engines() {
        let x = engine.linspace(0.0, 1.0, 5001, DType::F16).unwrap().cast(DType::F64).to_vec::<f64>().unwrap();
        for (i, x) in x.iter().enumerate() {
            let exact = i as f64 / 5000.0;
            assert!((x - exact).abs() <= 2f64.powi(-11) * exact + 2f64.powi(-24), "{device}: element {i} is {x}");
        }
    }
}

#[test]
fn norms_neither_overflow_nor_vanish() {
    use DType::{F32, F64};
    let norm: Composite = |x| x.norm(.., true);
    for (dtype, big, tiny, max) in [(F32, 1e30, 1e-30, f64::from(f32::MAX)), (F64, 1e200, 1e-200, f64::MAX)] {
        hold(&[
            Case("large", dtype, vec![3.0 * big, 4.0 * big], norm, vec![5.0 * big]),
            Case("tiny", dtype, vec![3.0 * tiny, 4.0 * tiny], norm, vec![5.0 * tiny]),
            Case("ordinary", dtype, vec![3.0, -4.0, 12.0], norm, vec![13.0]),
            Case("mixed", dtype, vec![3.0 * big, tiny, 1.0, 4.0 * big], norm, vec![5.0 * big]),
            Case("ordinary beside tiny", dtype, vec![3.0, tiny, 4.0], norm, vec![5.0]),
            Case("the largest number", dtype, vec![max], norm, vec![max]),
            Case("beyond the range", dtype, vec![max, max], norm, vec![INF]),
            Case("zeros", dtype, vec![0.0, -0.0], norm, vec![0.0]),
            Case("infinite", dtype, vec![1.0, -INF], norm, vec![INF]),
            Case("NaN", dtype, vec![f64::NAN, 1.0], norm, vec![f64::NAN]),
            Case("nothing", dtype, vec![], norm, vec![0.0]),
            Case("many large", dtype, vec![big; 10_000], norm, vec![100.0 * big]),
            Case("many tiny", dtype, vec![tiny; 10_000], norm, vec![100.0 * tiny]),
        ]);
    }
    // At both ends of the range in which the plain sum of squares counts.
    let at = |e: i32| vec![3.0 * 2f64.powi(e), 4.0 * 2f64.powi(e)];
    for (dtype, low, high) in [(F32, -30, 60), (F64, -465, 500)] {
        let cases = (low - 6..low + 3).chain(high - 6..high + 3);
        hold(&cases.map(|e| Case("edge", dtype, at(e), norm, vec![5.0 * 2f64.powi(e)])).collect::<Vec<_>>());
    }
}

#[test]
fn exponentials_of_infinities() {
    let sum: Composite = |x| x.logsumexp(.., true);
    for dtype in [DType::F16, DType::F32, DType::F64] {
        hold(&[
            Case("logsumexp of +Inf", dtype, vec![INF, 2.0, 3.0], sum, vec![INF]),
            Case("logsumexp of two +Inf", dtype, vec![INF, INF], sum, vec![INF]),
            Case("logsumexp of both", dtype, vec![INF, -INF], sum, vec![INF]),
            Case("logsumexp of -Inf", dtype, vec![-INF, -INF], sum, vec![-INF]),
            Case("logsumexp of nothing", dtype, vec![], sum, vec![-INF]),
            Case("logsumexp beside -Inf", dtype, vec![-INF, 2.0], sum, vec![2.0]),
            Case("logsumexp of NaN", dtype, vec![f64::NAN, INF], sum, vec![f64::NAN]),
            Case("softmax of +Inf", dtype, vec![INF, 2.0, 3.0], |x| x.softmax(0), vec![f64::NAN; 3]),
            Case("softmax of -Inf", dtype, vec![-INF, -INF], |x| x.softmax(0), vec![f64::NAN; 2]),
            Case("softmax beside -Inf", dtype, vec![-INF, 7.0], |x| x.softmax(0), vec![0.0, 1.0]),
        ]);
    }
}

const EXPONENTIALS: [&str; 3] = ["softmax", "logsumexp", "sigmoid"];

/// What a composite of rows costs: the cores of its groups. A cast is part of the kernel that needs it.
#[test]
fn composites_are_one_kernel() {
    let composites: [(&str, Composite); 8] = [
        ("mean", |x| x.mean(1, true)),
        ("var", |x| x.var(1, 1, false)),
        ("std", |x| x.std(1, 0, true)),
        ("norm", |x| x.norm(1, true)),
        ("softmax", |x| x.softmax(1)),
        ("logsumexp", |x| x.logsumexp(1, false)),
        ("sigmoid", |x| x.sigmoid()),
        ("unit rows", |x| x / &x.norm(1, true)),
    ];
    for (device, engine) in engines() {
        for dtype in [DType::F16, DType::F32, DType::F64] {
            let x = engine.from_slice(&[1.0f64; 60], &[6, 10]).unwrap().cast(dtype);
            engine.eval(&[&x]).unwrap();
            // A GPU computes no exponentials of f64.
            let exponentials = dtype != DType::F64 || device.starts_with("Cpu");
            for (name, composite) in composites.iter().filter(|(name, _)| exponentials || !EXPONENTIALS.contains(name))
            {
                engine.eval(&[&composite(&x)]).unwrap();
                let kernels = engine.last_evaluation().unwrap().kernel_list();
                assert_eq!(kernels.len(), 1, "{device}: {name} of {dtype}: {kernels:?}");
            }
        }
    }
}

#[test]
fn arrays_that_cannot_be_addressed_are_refused_when_recorded() {
    let engine = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    let line = engine.zeros(&[1 << 40], DType::F32);
    let refused: Vec<(&str, Array)> = vec![
        ("full", engine.full(&[1 << 33, 1 << 31], 2.5, DType::F32).sum(.., false)),
        ("ones", engine.ones(&[16, (1 << 60) + 1], DType::F64).sum(.., false)),
        ("zeros of one byte", engine.zeros(&[usize::MAX], DType::U8)),
        ("zeros beside none", engine.zeros(&[1 << 40, 0, 1 << 40], DType::F32)),
        ("broadcast", line.broadcast_to(&[1 << 30, 1 << 40])),
        ("outer", line.reshape(&[1 << 40, 1], lazurite::Order::C).add(&line)),
        (
            "product",
            line.reshape(&[1 << 40, 1], lazurite::Order::C).matmul(&line.reshape(&[1, 1 << 40], lazurite::Order::C)),
        ),
        ("pad", line.pad(&[0], &[usize::MAX], 0.0)),
        ("eye", engine.eye(1 << 31, 1 << 31, DType::F32)),
    ];
    let bytes = engine.zeros(&[1 << 62], DType::U8);
    let error = Array::concat(&[&bytes, &bytes], 0).unwrap_err();
    assert!(error.is_shape() && error.message().starts_with("concat: expected at most"), "{error}");
    let error = engine.rng_bits(1, 2, &[1 << 40, 1 << 40]).unwrap_err();
    assert!(error.is_shape() && error.message().starts_with("rng_bits: expected at most"), "{error}");
    assert!(engine.from_slice::<f32>(&[], &[1 << 40, 0, 1 << 40]).unwrap_err().is_shape());
    for (name, array) in refused {
        let error = array.error().unwrap_or_else(|| panic!("{name} was recorded"));
        assert!(error.is_shape() && error.message().contains("expected at most"), "{name}: {error}");
    }
}

#[test]
fn coordinates_past_their_dtype_are_refused_when_recorded() {
    let engine = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    for (n, dtype) in [(3_000_000_000, DType::I32), (300, DType::U8), (70_000, DType::F16), (5_000_000_000, DType::U32)]
    {
        let error = engine.iota(&[n], 0, dtype).unwrap_err();
        assert!(error.is_dtype() && error.message().contains(&format!("given {} on axis 0", n - 1)), "{error}");
    }
    let last = engine.iota(&[256], 0, DType::U8).unwrap().to_vec::<u8>().unwrap()[255];
    assert_eq!(last, 255);
    // Floats round, as in NumPy.
    assert_eq!(engine.iota(&[2050], 0, DType::F16).unwrap().cast(DType::F32).to_vec::<f32>().unwrap()[2049], 2048.0);
}
