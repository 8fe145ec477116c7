//! What may be chosen about a device, by its embedder or through the environment.

use std::path::PathBuf;

/// How a [`Gpu`](super::Gpu) is opened. `Default` chooses everything by itself and reads nothing from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpuOptions {
    /// Part of the adapter's name, backend or driver, in any case: only such an adapter is taken (`LAZURITE_ADAPTER`).
    pub adapter: Option<String>,
    /// Whether shaders check every index at run time. By default they do on software adapters and in debug builds; on real
    /// GPUs in release builds the kernels' own masks are trusted, which makes products 15 % faster.
    pub checked_shaders: Option<bool>,
    /// Whether kernels that keep IEEE's rules reach the driver as SPIR-V of our own; by default wherever it takes that, which is on
    /// Vulkan. Otherwise their text holds the driver to the rules as far as it can.
    pub own_spirv: Option<bool>,
    /// Bytes that returned buffers may keep for reuse; by default 8 GiB, and 1 GiB on a software adapter.
    pub pool_bytes: Option<u64>,
    /// Bytes that all storage buffers together may take; a request past it is an out-of-memory error.
    pub memory_limit: Option<u64>,
    /// A folder to keep compiled pipelines in between runs (`LAZURITE_CACHE_DIR`); none by default.
    pub cache_dir: Option<PathBuf>,
}

impl GpuOptions {
    /// The defaults, with `LAZURITE_ADAPTER` and `LAZURITE_CACHE_DIR` where they are set and not empty.
    #[must_use]
    pub fn from_env() -> Self {
        let set = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
        Self {
            adapter: set("LAZURITE_ADAPTER"),
            cache_dir: set("LAZURITE_CACHE_DIR").map(PathBuf::from),
            ..Self::default()
        }
    }
}
