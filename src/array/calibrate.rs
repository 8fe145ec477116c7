//! Measuring a device's cost table: a few evaluations of known work, each the quickest of several.
//!
//! A device choice comes in, a [`CostTable`] comes out. Rates are slopes between two sizes of the same work wherever something
//! else would be measured with it. What the device cannot do keeps the number of the table that comes with the engine.

use std::time::Instant;

use super::Array;
use crate::engine::{Engine, Evaluation};
use crate::error::{Error, Result};
use crate::types::{CostTable, DType, DeviceChoice};

/// Runs of each piece of work.
const RUNS: usize = 9;

/// How much work is measured.
struct Sizes {
    /// Elements of work that should stay in caches.
    near: usize,
    /// Elements of work that should not.
    far: usize,
    /// Rows and columns of matrices.
    side: usize,
}

/// Measures what work costs on the CPU, or on the GPU for [`DeviceChoice::Gpu`]. Takes a few seconds and some 300 MB; other work
/// on the machine shows in the numbers.
///
/// # Errors
/// No device; what the evaluations say.
pub fn calibrate(device: DeviceChoice) -> Result<CostTable> {
    measure(device, &Sizes { near: 1 << 20, far: 1 << 24, side: 1024 })
}

fn measure(device: DeviceChoice, sizes: &Sizes) -> Result<CostTable> {
    let Sizes { near, far, side } = *sizes;
    let gpu = device == DeviceChoice::Gpu;
    let device = if gpu { DeviceChoice::Gpu } else { DeviceChoice::Cpu };
    let engine = Engine::builder().device(device).plan(false).inspect(true).build()?;
    let table = if gpu { CostTable::gpu() } else { CostTable::cpu() };
    let bench = Bench { engine: &engine, gpu };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let whose = engine.device_name().unwrap_or_else(|| format!("a CPU of {threads} threads"));
    let mut measured = CostTable { of: format!("{whose}, measured").into(), version: table.version + 1, ..table };

    let few = bench.vector(16, DType::F32)?;
    measured.launch_ns = bench.least(|| Ok(few.neg()))?;
    let long = bench.vector(far, DType::F32)?;
    measured.byte_ns = bench.least(|| Ok(long.neg()))? / (8 * far) as f64;
    drop(long);
    let (x, y) = (bench.vector(near, DType::F32)?, bench.vector(near, DType::F32)?);
    let slope = |chain: &dyn Fn(usize) -> Array, short: usize, long: usize| -> Result<f64> {
        let time = |n: usize| bench.least(|| Ok(chain(n)));
        Ok((time(long)? - time(short)?).max(0.0) / ((long - short) * near) as f64)
    };
    let cheap = |n: usize| (0..n).fold(x.clone(), |a, i| if i % 2 == 0 { a.mul(&y) } else { a.sub(&x) });
    let dear = |n: usize| {
        (0..n).fold(x.clone(), |a, i| match i % 4 {
            0 => a.tanh(),
            1 => a.exp(),
            2 => a.log1p(),
            _ => a.sin(),
        })
    };
    let or = |new: f64, old: f64| if new > 0.0 { new } else { old };
    measured.op_ns = or(slope(&cheap, 4, 20)?, measured.op_ns);
    measured.transcendental_ns = or(slope(&dear, 2, 10)?, measured.transcendental_ns);
    let product = |dtype: DType| -> Result<f64> {
        let a = bench.vector(side * side, dtype)?.reshape(&[side, side], crate::types::Order::C);
        Ok(bench.least(|| Ok(a.matmul(&a)))? / (side * side * side) as f64)
    };
    measured.fma_ns = product(DType::F32)?;
    if let Ok(double) = product(DType::F64) {
        measured.f64_factor = (double / measured.fma_ns).max(1.0);
    }
    if gpu {
        let sent = bench.least_of(Evaluation::uploads_ns, || Ok(bench.vector(far, DType::F32)?.neg()))?;
        measured.transfer_byte_ns = sent / (4 * far) as f64;
        measured.transfer_ns = bench.least_wall(|| few.neg().to_host().map(drop))?;
    }
    Ok(measured)
}

struct Bench<'a> {
    engine: &'a Engine,
    gpu: bool,
}

impl Bench<'_> {
    /// Numbers between ½ and 1½, which repeated operations neither blow up nor let vanish at once.
    fn vector(&self, n: usize, dtype: DType) -> Result<Array> {
        let values: Vec<f32> = (0..n).map(|i| 0.5 + (i % 1021) as f32 / 1021.0).collect();
        let x = self.engine.from_slice(&values, &[n])?.cast(dtype);
        self.engine.eval(&[&x])?;
        Ok(x)
    }

    /// The least time that the groups of an evaluation take, by the device's clock where it has one.
    fn least(&self, work: impl Fn() -> Result<Array>) -> Result<f64> {
        self.least_of(|evaluation| evaluation.groups_ns(self.gpu), work)
    }

    fn least_of(&self, time: impl Fn(&Evaluation) -> Option<u64>, work: impl Fn() -> Result<Array>) -> Result<f64> {
        let mut least = f64::INFINITY;
        for _ in 0..RUNS {
            self.engine.eval(&[&work()?])?;
            let evaluation = self.engine.last_evaluation();
            let ns = evaluation.as_deref().and_then(&time);
            least = least.min(ns.ok_or_else(|| Error::unsupported("this work does not run on the device"))? as f64);
        }
        Ok(least)
    }

    fn least_wall(&self, work: impl Fn() -> Result<()>) -> Result<f64> {
        let mut least = f64::INFINITY;
        for _ in 0..RUNS {
            let began = Instant::now();
            work()?;
            least = least.min(began.elapsed().as_nanos() as f64);
        }
        Ok(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_table_has_a_number_for_everything() {
        let table = measure(DeviceChoice::Cpu, &Sizes { near: 1 << 12, far: 1 << 14, side: 48 }).unwrap();
        let numbers = [table.launch_ns, table.byte_ns, table.op_ns, table.transcendental_ns, table.fma_ns];
        assert!(numbers.iter().all(|n| n.is_finite() && *n > 0.0), "{table:?}");
        assert!(table.f64_factor >= 1.0 && table.transfer_ns == 0.0, "{table:?}");
        assert!(table.to_string().contains("measured"), "{table}");
        // A plan made by it is a plan.
        let engine = Engine::builder().device(DeviceChoice::Cpu).cpu_costs(table).build().unwrap();
        let x = engine.from_slice(&[1.0f32, 2.0], &[2]).unwrap();
        assert_eq!((&x + &x).to_vec::<f32>().unwrap(), [2.0, 4.0]);
    }
}
