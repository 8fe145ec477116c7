//! What a device can do, as plain numbers: the schedule places nodes by them without asking a device.

use super::conformance::{Conformance, Workaround};
use super::tuning::Tuning;

/// Limits and features of a GPU as the schedule and the kernels need them.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Largest buffer in bytes.
    pub max_buffer_bytes: u64,
    /// Largest range of a buffer that one binding may cover, in bytes.
    pub max_binding_bytes: u64,
    /// Storage buffers that one kernel may bind (the parameter buffer counts).
    pub max_storage_buffers: u32,
    /// Shared memory of a workgroup in bytes.
    pub max_workgroup_bytes: u32,
    /// Invocations of a workgroup.
    pub max_workgroup_invocations: u32,
    /// Workgroups along one dimension of a dispatch.
    pub max_workgroups: u32,
    /// Smallest size of a subgroup; 0 when there are no subgroup operations.
    pub subgroup_size: u32,
    /// 64-bit floats in kernels.
    pub f64: bool,
    /// 16-bit floats in kernels.
    pub f16: bool,
    /// 64-bit integers in kernels.
    pub i64: bool,
    /// Rounds that the loops of a kernel may take, all of them together: some drivers leave them after that many, without a word.
    pub max_rounds: u64,
    /// A software adapter: correct, and slower than the CPU executor.
    pub software: bool,
    /// How the device chooses between kernels.
    pub tuning: Tuning,
    /// What is known of its arithmetic.
    pub conformance: Conformance,
}

/// Rounds of loops in a kernel that software adapters run: Mesa's (22.3) leaves a kernel's loops after one counter of so many.
const SOFTWARE_ROUNDS: u64 = 65_535;

impl Limits {
    /// WebGPU's guaranteed limits: what any conforming adapter can do.
    #[must_use]
    pub fn webgpu() -> Self {
        Self {
            max_buffer_bytes: 256 << 20,
            max_binding_bytes: 128 << 20,
            max_storage_buffers: 8,
            max_workgroup_bytes: 16 << 10,
            max_workgroup_invocations: 256,
            max_workgroups: 65535,
            subgroup_size: 0,
            f64: false,
            f16: false,
            i64: false,
            max_rounds: u64::MAX,
            software: false,
            tuning: Tuning::gpu(),
            conformance: Conformance::careful(),
        }
    }

    /// The same device with what was found of its arithmetic and its loops.
    #[must_use]
    pub fn certified(self, conformance: Conformance) -> Self {
        let max_rounds = if conformance.needs(Workaround::ShortLoops) { SOFTWARE_ROUNDS } else { u64::MAX };
        Self { max_rounds, conformance, ..self }
    }

    /// The same device as a software adapter, with its tuning data.
    #[must_use]
    pub fn into_software(self) -> Self {
        Self { software: true, max_rounds: SOFTWARE_ROUNDS, tuning: Tuning::software(), ..self }
    }
}
