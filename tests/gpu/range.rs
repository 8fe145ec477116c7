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
