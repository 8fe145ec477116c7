//! What work costs on a device, as data. The planner's extraction, the schedule's placement and the rooflines of dumps use the
//! same table.

use std::borrow::Cow;
use std::fmt;

/// Costs in nanoseconds. One table for the CPU and one for a GPU; tables are versioned because plans depend on them.
#[derive(Clone, Debug, PartialEq)]
pub struct CostTable {
    /// Part of every plan key.
    pub version: u32,
    /// In words, which device the costs are of and where they come from.
    pub of: Cow<'static, str>,
    /// Starting one kernel or one pass over tiles.
    pub launch_ns: f64,
    /// Moving one byte between memory and the cores.
    pub byte_ns: f64,
    /// One cheap elementwise operation on one element.
    pub op_ns: f64,
    /// One transcendental operation on one element.
    pub transcendental_ns: f64,
    /// One multiply-add of a matrix product in 32-bit floats.
    pub fma_ns: f64,
    /// How many times slower 64-bit floats are.
    pub f64_factor: f64,
    /// Moving one byte between host and device; 0 on the CPU.
    pub transfer_byte_ns: f64,
    /// Starting a transfer or a submit and waiting for it; 0 on the CPU.
    pub transfer_ns: f64,
}

impl CostTable {
    /// A few cores with wide vectors, in round numbers; docs/performance.md compares them with measured machines.
    #[must_use]
    pub fn cpu() -> Self {
        Self {
            version: 1,
            of: Cow::Borrowed("a CPU of a few cores, in round numbers"),
            launch_ns: 300.0,
            byte_ns: 0.05,
            op_ns: 0.05,
            transcendental_ns: 0.5,
            fma_ns: 0.01,
            f64_factor: 2.0,
            transfer_byte_ns: 0.0,
            transfer_ns: 0.0,
        }
    }

    /// A large discrete GPU behind PCI Express: an H200 in round numbers, which docs/performance.md compares with measured ones.
    #[must_use]
    pub fn gpu() -> Self {
        Self {
            version: 1,
            of: Cow::Borrowed("a large GPU (H200), in round numbers"),
            launch_ns: 2_000.0,
            byte_ns: 0.000_25,
            op_ns: 0.000_03,
            transcendental_ns: 0.000_2,
            fma_ns: 0.000_04,
            f64_factor: 4.0,
            transfer_byte_ns: 0.1,
            transfer_ns: 60_000.0,
        }
    }
}

impl fmt::Display for CostTable {
    /// One line: the device, and the rates that a roofline uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {:.1} GB/s, {:.1} G operations/s, {:.2} G transcendental functions/s, {:.1} G multiply-adds/s",
            self.of,
            1.0 / self.byte_ns,
            1.0 / self.op_ns,
            1.0 / self.transcendental_ns,
            1.0 / self.fma_ns
        )
    }
}
