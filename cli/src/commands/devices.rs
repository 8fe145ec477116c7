//! `lazurite devices`: the devices that can evaluate, what work costs on them, and what they compute as the CPU does.

use std::io::Write;

use std::time::Instant;

use lazurite::{CostTable, DeviceChoice, Engine};

use super::engines::builder;
use super::output::write;
use crate::exit::{Exit, Failure};

/// Lists the devices; with `calibrate`, measures what work costs on each of them.
pub(super) fn execute(calibrate: bool, out: &mut dyn Write) -> Result<Exit, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut text = format!("cpu: {threads} threads\n");
    if calibrate {
        text += &calibrated(DeviceChoice::Cpu, &CostTable::cpu());
    }
    match Engine::builder().device(DeviceChoice::Gpu).build() {
        Ok(engine) => {
            text += &format!("gpu: {}\n", engine.device_name().unwrap_or_default());
            if calibrate {
                text += &calibrated(DeviceChoice::Gpu, &CostTable::gpu());
            }
        }
        Err(error) => text += &format!("gpu: none ({error})\n"),
    }
    write(&text, out)
}

/// Prints the certificate of the GPU, and on `errors` how long the probe took.
pub(super) fn certify(out: &mut dyn Write, errors: &mut dyn Write) -> Result<Exit, Failure> {
    let engine = builder().device(DeviceChoice::Gpu).build().map_err(Failure::engine)?;
    let began = Instant::now();
    let certificate = engine.certify().map_err(Failure::engine)?;
    let _ = writeln!(errors, "probed in {:.2} s", began.elapsed().as_secs_f64());
    write(&certificate.to_string(), out)
}

/// The costs that plans assume of a device beside those measured on it.
fn calibrated(device: DeviceChoice, assumed: &CostTable) -> String {
    match lazurite::calibrate(device) {
        Ok(measured) => table(assumed, &measured),
        Err(error) => format!("  not measured: {error}\n"),
    }
}

/// Two cost tables side by side, a line for each cost.
fn table(assumed: &CostTable, measured: &CostTable) -> String {
    let of = |t: &CostTable| {
        [
            ("launch_ns", t.launch_ns),
            ("byte_ns", t.byte_ns),
            ("op_ns", t.op_ns),
            ("transcendental_ns", t.transcendental_ns),
            ("fma_ns", t.fma_ns),
            ("f64_factor", t.f64_factor),
            ("transfer_byte_ns", t.transfer_byte_ns),
            ("transfer_ns", t.transfer_ns),
        ]
    };
    let mut text = format!("  {assumed}\n  {measured}\n  {:18} {:>14} {:>14}\n", "", "plans go by", "measured");
    for ((name, a), (_, m)) in of(assumed).into_iter().zip(of(measured)) {
        text.push_str(&format!("  {name:18} {a:>14.6} {m:>14.6}\n"));
    }
    text
}
