//! Building an engine: what can be chosen, with the defaults.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::cache::{Bounds, PlanCache};
use super::evaluation::{Evaluation, Observer};
use super::inspect::Clock;
use super::options::Verify;
use super::settings::{RuleSet, Settings};
use super::{Engine, Inner, stats};
use crate::error::Result;
use crate::graph::Recorder;
use crate::planner::Rules;
use crate::types::{CostTable, DeviceChoice, Numerics};

/// Builds an [`Engine`]: `Engine::builder().device(DeviceChoice::Cpu).numerics(Numerics::Strict).build()`.
#[derive(Clone, Debug)]
pub struct EngineBuilder {
    device: DeviceChoice,
    numerics: Numerics,
    plan: bool,
    verify: Verify,
    fuse: bool,
    rule_files: Vec<RuleFile>,
    max_pending: usize,
    max_pending_bytes: u64,
    memory_limit: u64,
    work_limit: u64,
    plan_bounds: Bounds,
    cpu_costs: CostTable,
    gpu_costs: CostTable,
    observer: Option<Observer>,
    inspect: bool,
    #[cfg(feature = "gpu")]
    certificates: Option<PathBuf>,
}

/// Rules that the embedder adds.
#[derive(Clone, Debug)]
enum RuleFile {
    Text { name: String, text: String, tried: bool },
    Path(PathBuf),
}

impl RuleFile {
    fn add_to(&self, base: &Rules) -> Result<Rules> {
        let (rules, tried) = match self {
            Self::Text { name, text, tried } => (base.with(name, text)?, *tried),
            Self::Path(path) => (base.with_file(path)?, false),
        };
        if !tried {
            for warning in crate::soundness::admit(&rules, base)? {
                tracing::warn!(%warning, "a rule that was added");
            }
        }
        Ok(rules)
    }
}

impl Default for EngineBuilder {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            numerics: Numerics::Standard,
            plan: true,
            verify: Verify::Off,
            fuse: true,
            rule_files: Vec::new(),
            max_pending: 20_000,
            max_pending_bytes: 1 << 30,
            memory_limit: physical_memory(),
            work_limit: u64::MAX,
            plan_bounds: Bounds { entries: 1024, bytes: 256 << 20, mask: u64::MAX },
            cpu_costs: CostTable::cpu(),
            gpu_costs: CostTable::gpu(),
            observer: None,
            inspect: false,
            #[cfg(feature = "gpu")]
            certificates: crate::device::GpuOptions::from_env().cache_dir,
        }
    }
}

impl EngineBuilder {
    /// Where to evaluate; the default is [`DeviceChoice::Auto`].
    #[must_use]
    pub fn device(mut self, device: DeviceChoice) -> Self {
        self.device = device;
        self
    }

    /// Which rewrites are allowed; the default is [`Numerics::Standard`].
    #[must_use]
    pub fn numerics(mut self, numerics: Numerics) -> Self {
        self.numerics = numerics;
        self
    }

    /// Whether the planner rewrites graphs; on by default.
    #[must_use]
    pub fn plan(mut self, plan: bool) -> Self {
        self.plan = plan;
        self
    }

    /// Whether a new plan's first results are compared with the recorded graph's before the plan is kept; off by default.
    #[must_use]
    pub fn verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }

    /// Whether nodes run together; on by default. Off, every node is a step of its own.
    #[must_use]
    pub fn fuse(mut self, fuse: bool) -> Self {
        self.fuse = fuse;
        self
    }

    /// Rules to use beside the built-in ones: a name for messages, and their text. Each rule is tried on small shapes and on
    /// ordinary and special values when the engine is built; one that does not keep what its class promises is refused.
    #[must_use]
    pub fn rules(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.rule_files.push(RuleFile::Text { name: name.into(), text: text.into(), tried: false });
        self
    }

    /// As [`rules`](Self::rules), with the text of a file, which is read when the engine is built.
    #[must_use]
    pub fn rules_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.rule_files.push(RuleFile::Path(path.into()));
        self
    }

    /// As [`rules`](Self::rules), without trying the rules: for rules that were tried before, and for tests that need wrong ones.
    #[must_use]
    pub fn rules_on_trust(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.rule_files.push(RuleFile::Text { name: name.into(), text: text.into(), tried: true });
        self
    }

    /// How many nodes may be pending before recording evaluates by itself; 20,000 by default.
    #[must_use]
    pub fn max_pending(mut self, nodes: usize) -> Self {
        self.max_pending = nodes;
        self
    }

    /// How many bytes of inputs without other handles pending nodes may keep alive before recording evaluates by itself; 1 GiB by
    /// default. A loop over `x = x + load(k)` is then computed in pieces instead of holding everything that was loaded.
    #[must_use]
    pub fn max_pending_bytes(mut self, bytes: u64) -> Self {
        self.max_pending_bytes = bytes;
        self
    }

    /// How many bytes of host memory the results and scratch of one evaluation may take; by default what the machine has, where the
    /// system tells. An evaluation that needs more fails with an out-of-memory error before any work is done.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// How many steps of inner loops one evaluation may take: elements that its groups visit, and for products multiply-adds. A sum
    /// over 10¹² computed elements needs no memory but minutes. An evaluation that needs more fails with an out-of-memory error
    /// before any work is done; there is no limit by default.
    #[must_use]
    pub fn work_limit(mut self, steps: u64) -> Self {
        self.work_limit = steps;
        self
    }

    /// How many plans are kept; the least recently used is dropped first. 1024 by default.
    #[must_use]
    pub fn plan_cache(mut self, entries: usize) -> Self {
        self.plan_bounds.entries = entries;
        self
    }

    /// How many bytes kept plans may hold: their graphs, schedules and kernel text together. Beyond that the least recently used are
    /// dropped, except the newest. 256 MiB by default. [`Stats::kept_plan_bytes`](crate::Stats) counts them.
    #[must_use]
    pub fn plan_cache_bytes(mut self, bytes: usize) -> Self {
        self.plan_bounds.bytes = bytes;
        self
    }

    /// Uses only this many low bits of the hashes of graphs, so that different graphs collide: for tests of collisions.
    #[cfg(feature = "check")]
    #[must_use]
    pub fn plan_hash_bits(mut self, bits: u32) -> Self {
        self.plan_bounds.mask = u64::MAX.checked_shr(64 - bits.min(64)).unwrap_or(0);
        self
    }

    /// What work costs on the CPU; by default [`CostTable::cpu`]. [`calibrate`](crate::calibrate) measures a table.
    #[must_use]
    pub fn cpu_costs(mut self, costs: CostTable) -> Self {
        self.cpu_costs = costs;
        self
    }

    /// What work costs on the GPU; by default [`CostTable::gpu`].
    #[must_use]
    pub fn gpu_costs(mut self, costs: CostTable) -> Self {
        self.gpu_costs = costs;
        self
    }

    /// Calls `observer` with every evaluation that succeeded: for explaining, counting and logging.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Arc<Evaluation>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer(Arc::new(observer)));
        self
    }

    /// Whether evaluations keep their inputs and the duration of every step; off by default, because inputs take memory and timing
    /// runs every kernel by itself.
    #[must_use]
    pub fn inspect(mut self, inspect: bool) -> Self {
        self.inspect = inspect;
        self
    }

    /// A folder to keep certificates of devices in. Before the first evaluation that uses a GPU of a driver that lazurite does not
    /// know, small programs find out what it computes as the CPU does; that takes about a second, unless the folder holds what an
    /// earlier run found. By default the folder that `LAZURITE_CACHE_DIR` names; without one every process finds out anew.
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn certificates(mut self, folder: impl Into<PathBuf>) -> Self {
        self.certificates = Some(folder.into());
        self
    }

    /// Builds the engine.
    ///
    /// # Errors
    /// A rules error for a rule file that is refused; no device when [`DeviceChoice::Gpu`] was asked for and there is none.
    #[cfg(feature = "blocking")]
    pub fn build(self) -> Result<Engine> {
        pollster::block_on(self.build_async())
    }

    /// As [`build`](Self::build), without blocking.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub async fn build_async(self) -> Result<Engine> {
        let mut rules = RuleSet::Builtin;
        for file in &self.rule_files {
            rules = RuleSet::Own(Arc::new(file.add_to(rules.get())?));
        }
        #[cfg(feature = "gpu")]
        let gpu = match self.device {
            DeviceChoice::Cpu => None,
            DeviceChoice::Gpu => Some(crate::device::Gpu::new().await?),
            // A software adapter is slower than the CPU executor: it is used on demand only.
            DeviceChoice::Auto => crate::device::Gpu::new().await.ok().filter(|g| !g.limits().software),
        };
        #[cfg(not(feature = "gpu"))]
        if self.device == DeviceChoice::Gpu {
            return Err(crate::error::Error::no_device("this build has no GPU support: enable the feature `gpu`"));
        }
        let settings = Settings {
            device: self.device,
            numerics: self.numerics,
            plan: self.plan,
            verify: self.verify,
            fuse: self.fuse,
            rules,
            cpu_costs: self.cpu_costs,
            gpu_costs: self.gpu_costs,
            memory_limit: self.memory_limit,
            work_limit: self.work_limit,
            inspect: self.inspect.then(Clock::start),
            #[cfg(feature = "gpu")]
            certificates: self.certificates,
        };
        let engine = Engine(Arc::new(Inner {
            recorder: Recorder::new(self.max_pending, self.max_pending_bytes),
            settings,
            #[cfg(feature = "gpu")]
            device_name: gpu.as_ref().map(|g| g.describe().into()),
            #[cfg(not(feature = "gpu"))]
            device_name: None,
            #[cfg(feature = "gpu")]
            gpu,
            #[cfg(feature = "gpu")]
            certified: std::sync::OnceLock::new(),
            plans: Mutex::new(PlanCache::new(self.plan_bounds)),
            counters: stats::Counters::default(),
            observer: self.observer,
            last: Mutex::new(None),
        }));
        #[cfg(feature = "gpu")]
        engine.recall_certificate();
        Ok(engine)
    }
}

/// Bytes of memory of this machine, or `u64::MAX` where the system does not tell.
fn physical_memory() -> u64 {
    let told = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = told.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map_or(u64::MAX, |k| k.saturating_mul(1024))
}
