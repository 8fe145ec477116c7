//! Nothing overflows or vanishes that does not as it is written: programs at the edges of the range whose author divided, scaled
//! or bracketed so that they stay inside, in every mode that promises it.

use lazurite::{Array, DType, DeviceChoice, Engine, Numerics};

use crate::support::gpu;

/// A program over an array of [4, 6] filled with a number, the number, and what every element of the result is.
type Program = (&'static str, fn(&Array) -> Array, f64, f64);

/// The largest numbers of f32 and f64 are near 3.4e38 and 1.8e308.
const SINGLE: &[Program] = &[
    ("a total of quarters", |x| (x / 48.0).sum([0, 1], false), 3e38, 1.5e38),
    ("a total of quarters, by a literal", |x| (x / 4.0).sum(0, false), 3e38, 3e38),
    ("row sums", |x| (x / 12.0).sum(1, false), 3e38, 1.5e38),
    ("column sums", |x| (x * 0.125).sum(0, false), 3e38, 1.5e38),
    ("a mean by hand", |x| (x / 24.0).sum([0, 1], false), 3e38, 3e38),
    ("a mean of quarters", |x| (x / 32.0).mean([0, 1], false), 3e38, 9.375e36),
    ("a mean of squares", |x| (x / 1e30).pow(2).mean(1, false), 3e38, 9e16),
    ("a divided left factor", |x| (x / 12.0).matmul(&x.t().sign()), 3e38, 1.5e38),
    ("a divided right factor", |x| x.sign().matmul(&(x.t() / 12.0)), 3e38, 1.5e38),
    ("a divided matrix times a vector", |x| (x / 12.0).matmul(&x.t().sign().amax(1, true)), 3e38, 1.5e38),
    ("a scaled left factor", |x| (x * 1e30).matmul(&(x.t() * 1.0)), 1e-25, 6e-20),
    ("a gram of a scaled factor", |x| (x * 1e-30).matmul(&x.t()), 1e30, 6e30),
    ("a gram of a divided factor", |x| x.matmul(&(x / 1e30).t()), 1e30, 6e30),
    ("a product with one number everywhere", |x| (x.sign() * 0.125).matmul(&x.t()), 3e38, 2.25e38),
    ("two factors", |x| x * 1e30 * 1e30, 1e-30, 1e30),
    ("two divisors", |x| x / 1e30 / 1e30, 3e38, 3e-22),
    ("a factor and a divisor", |x| x * 1e-30 / 1e20, 1e35, 1e-15),
    ("a divisor and a factor", |x| x / 1e30 * 1e25, 1e30, 1e25),
    ("two terms", |x| x + 3e38 + 3e38, -3e38, 3e38),
    ("a square under a root", |x| x.pow(2).sum(1, false).sqrt(), 1e18, 2.449_489_7e18),
    ("a difference of halves", |x| (x / 2.0 - -x / 2.0).sum(0, false) / 4.0, 0.8e38, 0.8e38),
];

const DOUBLE: &[Program] = &[
    ("a total of quarters", |x| (x / 48.0).sum([0, 1], false), 1e308, 5e307),
    ("row sums", |x| (x / 12.0).sum(1, false), 1e308, 5e307),
    ("a mean by hand", |x| (x / 24.0).sum([0, 1], false), 1e308, 1e308),
    ("a divided left factor", |x| (x / 12.0).matmul(&x.t().sign()), 1e308, 5e307),
    ("a scaled left factor", |x| (x * 1e200).matmul(&x.t()), 1e-170, 6e-140),
    ("two divisors", |x| x / 1e200 / 1e200, 1e308, 1e-92),
    ("two terms", |x| x + 1e308 + 1e308, -1e308, 1e308),
];

const HALF: &[Program] = &[
    ("a total of quarters", |x| (x / 48.0).sum([0, 1], false), 60_000.0, 30_000.0),
    ("a divided left factor", |x| (x / 12.0).matmul(&x.t().sign()), 60_000.0, 30_000.0),
];

fn fault(engine: &Engine, dtype: DType, program: &Program) -> Option<String> {
    let (what, run, input, expected) = *program;
    // Data, not a number that the planner knows.
    let x = engine.from_slice(&[input; 24], &[4, 6]).unwrap().cast(dtype);
    engine.eval(&[&x]).unwrap();
    let given: Vec<f64> = run(&x).cast(DType::F64).to_vec().unwrap();
    let rounding = 64.0 * dtype.unit_roundoff() * expected.abs();
    let wrong = given.iter().find(|v| (*v - expected).abs() > rounding || v.is_nan())?;
    Some(format!(
        "{what} of {dtype} on {:?} in {}: {wrong} instead of {expected}",
        engine.device_name(),
        engine.numerics()
    ))
}

#[test]
fn nothing_overflows_or_vanishes_that_does_not_as_written() {
    let mut wrong = Vec::new();
    for device in [DeviceChoice::Cpu, DeviceChoice::Gpu] {
        if device == DeviceChoice::Gpu && gpu().is_none() {
            continue;
        }
        for numerics in [Numerics::Strict, Numerics::Standard] {
            let engine = Engine::builder().device(device).numerics(numerics).build().unwrap();
            for (dtype, programs) in [(DType::F32, SINGLE), (DType::F64, DOUBLE), (DType::F16, HALF)] {
                wrong.extend(programs.iter().filter_map(|p| fault(&engine, dtype, p)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

type Step = fn(&Array, &Array) -> Array;

/// What two arrays of [4, 6] are made into, whatever they hold.
const STEPS: &[(&str, Step)] = &[
    ("x + y", |x, y| x + y),
    ("x - y", |x, y| x - y),
    ("x * y", |x, y| x * y),
    ("x / y", |x, y| x / y),
    ("y / x", |x, y| y / x),
    ("x * 3", |x, _| x * 3.0),
    ("x * 1e20", |x, _| x * 1e20),
    ("x / 1e20", |x, _| x / 1e20),
    ("x / 4", |x, _| x / 4.0),
    ("1 / x", |x, _| x.recip()),
    ("-x", |x, _| -x),
    ("|x|", |x, _| x.abs()),
    ("x^2", |x, _| x.pow(2)),
    ("x^3", |x, _| x.pow(3)),
    ("x^-1", |x, _| x.pow(-1)),
    ("x^-2", |x, _| x.pow(-2)),
    ("x^1/2", |x, _| x.pow(0.5)),
    ("x^2.5", |x, _| x.pow(2.5)),
    ("sqrt", |x, _| x.sqrt()),
    ("rsqrt", |x, _| x.rsqrt()),
    ("exp", |x, _| x.exp()),
    ("log", |x, _| x.log()),
    ("expm1", |x, _| x.expm1()),
    ("log1p", |x, _| x.log1p()),
    ("tanh", |x, _| x.tanh()),
    ("hypot", |x, y| x.hypot(y)),
    ("maximum", |x, y| x.maximum(y)),
    ("minimum", |x, y| x.minimum(y)),
    ("floor", |x, _| x.floor()),
    ("product", |x, y| x.matmul(&y.t().sign())),
    ("total", |x, y| y * x.sum([0, 1], true)),
    ("row sums", |x, y| y * x.sum(1, true)),
    ("column means", |x, y| y + x.mean(0, true)),
    ("products of rows", |x, y| y * x.prod(1, true)),
    ("variance", |x, y| y + x.var(1, 0, true)),
    ("deviation", |x, y| y + x.std(0, 1, true)),
    ("softmax", |x, _| x.softmax(1)),
    ("logsumexp", |x, y| y + x.logsumexp(1, true)),
    ("gram", |x, y| y * x.t().matmul(x).amax([0, 1], true)),
    ("weighted gram", |x, y| y * (x / 1e10).t().matmul(x).amax([0, 1], true)),
    ("scan", |x, _| x.cumsum(1)),
];

/// Numbers above zero from one end of single precision to the other.
fn edges(turn: usize) -> Vec<f64> {
    let all = [3e38, 1e-37, 1.0, 2e30, 5e-30, 7.0, 1.5e19, 3e-19, 1e37, 1e-36, 80.0, 0.25];
    (0..24).map(|i| f64::from((all[(i * 5 + turn) % 12] * (1.0 + 0.01 * i as f64)) as f32)).collect()
}

/// Every step after every step: where the program as written is right in single precision, so is its plan. No step is a chain of
/// products, whose brackets are the planner's.
#[test]
fn plans_are_right_at_the_edges_where_the_program_is() {
    let engine = |plan| Engine::builder().device(DeviceChoice::Cpu).plan(plan).fuse(plan).build().unwrap();
    let (planned, plain) = (engine(true), engine(false));
    let results = |engine: &Engine, dtype: DType, first: Step| -> Vec<Vec<f64>> {
        let given = |turn| engine.from_slice(&edges(turn), &[4, 6]).unwrap().cast(dtype);
        let (x, y) = (given(0), given(7));
        engine.eval(&[&x, &y]).unwrap();
        let all: Vec<Array> = STEPS
            .iter()
            .map(|(_, step)| {
                let inner = first(&x, &y);
                let inner =
                    if inner.shape().unwrap() == x.shape().unwrap() { inner } else { &y * inner.amax([0, 1], true) };
                step(&inner, &y).cast(DType::F64)
            })
            .collect();
        engine.eval(&all.iter().collect::<Vec<_>>()).unwrap();
        all.iter().map(|a| a.to_vec().unwrap()).collect()
    };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (inner, first) in STEPS {
        let truth = results(&plain, DType::F64, *first);
        let written = results(&plain, DType::F32, *first);
        let found = results(&planned, DType::F32, *first);
        for (s, (outer, _)) in STEPS.iter().enumerate() {
            for ((t, w), p) in truth[s].iter().zip(&written[s]).zip(&found[s]) {
                let near = |v: &f64| (v - t).abs() <= 1e-4 * t.abs();
                // Of a zero nothing tells what a rule that removes a cancellation may find in its place.
                if *t != 0.0 && near(w) {
                    compared += 1;
                    if !near(p) {
                        wrong.push(format!("{outer} of {inner}: {p:e} instead of {w:e}, which is {t:e}"));
                    }
                }
            }
        }
    }
    assert!(compared > 15_000, "{compared} elements");
    wrong.dedup_by(|a, b| a.split(':').next() == b.split(':').next());
    assert!(wrong.is_empty(), "{} of {compared}\n{}", wrong.len(), wrong.join("\n"));
}
