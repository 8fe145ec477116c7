//! Counters of what an engine did since it was built. Tests assert by these, never by timers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of what an engine did since it was built.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Evaluations that had something to do.
    pub evaluations: u64,
    /// Runs of the planner: one for each structure that was not cached.
    pub plans: u64,
    /// E-graphs that were saturated for them.
    pub egg_runs: u64,
    /// Schedules made: one for each plan.
    pub schedules: u64,
    /// Evaluations served by a cached plan.
    pub plan_hits: u64,
    /// Groups that ran as kernels.
    pub gpu_groups: u64,
    /// Groups that ran in the CPU executor.
    pub cpu_groups: u64,
    /// Library routines and single nodes that ran on the host.
    pub host_steps: u64,
    /// Evaluations that failed on the GPU and were repeated on the CPU.
    pub fallbacks: u64,
    /// New plans whose first results were compared with the recorded graph's.
    pub verified: u64,
    /// Plans among them that gave something else and were not kept.
    pub quarantined: u64,
    /// Operations in evaluated graphs that are neither leaf nor scalar nor view.
    pub evaluated_ops: u64,
    /// Nodes alive.
    pub recorded_nodes: usize,
    /// Nodes alive without a value.
    pub pending_nodes: usize,
    /// Bytes of inputs that nobody holds and that pending nodes keep alive.
    pub pending_input_bytes: u64,
    /// Plans that are kept.
    pub kept_plans: usize,
    /// Bytes that kept plans hold on to: graphs, schedules, kernels and their text.
    pub kept_plan_bytes: usize,
    /// What the device did.
    #[cfg(feature = "gpu")]
    pub device: crate::device::DeviceStats,
}

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        #[derive(Default)]
        pub(super) struct Counters { $(pub(super) $name: Count,)* }

        impl Counters {
            pub(super) fn read(&self) -> Stats {
                Stats { $($name: self.$name.get(),)* ..Stats::default() }
            }
        }
    };
}
counters!(
    evaluations,
    plans,
    egg_runs,
    schedules,
    plan_hits,
    gpu_groups,
    cpu_groups,
    host_steps,
    fallbacks,
    verified,
    quarantined,
    evaluated_ops
);

/// A counter that threads share; only its total means something, so no ordering is asked for.
#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
