//! The GPU: adapter, buffers, pipelines, submission, readback, loss and out-of-memory. The only room that names wgpu.
//!
//! In go kernels and bytes, out come bytes; no graph and no schedule is known here. Every failure of the driver becomes an
//! [`Error`]; nothing here panics because of one, and after an out-of-memory the device stays usable.

mod adapter;
mod cache_file;
mod health;
mod memory;
mod options;
mod pipelines;
mod read;
mod shared;
mod stats;
mod submit;
mod timing;
mod upload;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use adapter::AdapterSummary;
pub use memory::DeviceBuffer;
pub use options::GpuOptions;
pub use stats::DeviceStats;
pub use submit::Dispatch;

use crate::buffers::Pool;
use crate::error::{Error, Result};
use crate::types::Limits;
use shared::Shared;

/// A device to allocate on, send kernels to and read from.
///
/// Cheap to clone; all clones are the same device. All methods may be called from any thread.
#[derive(Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

/// What the clones of a [`Gpu`] and the buffers made by it share.
struct Inner {
    device: Shared<wgpu::Device>,
    queue: Shared<wgpu::Queue>,
    summary: AdapterSummary,
    /// The alignment of a binding's offset.
    offset_alignment: u64,
    timestamps: bool,
    options: GpuOptions,
    health: Arc<health::Health>,
    /// Storage buffers that were returned.
    pool: Mutex<Pool<Shared<wgpu::Buffer>>>,
    /// Readback buffers that were returned.
    staging: Mutex<Pool<Shared<wgpu::Buffer>>>,
    uploads: upload::Ring,
    pipelines: pipelines::Pipelines,
    counters: stats::Counters,
}

impl Gpu {
    /// The best adapter of this machine with the options of the environment ([`GpuOptions::from_env`]).
    ///
    /// # Errors
    /// No device when there is no adapter, or none that the options allow; the message says what was searched and what to
    /// install.
    pub async fn new() -> Result<Self> {
        Self::with_options(GpuOptions::from_env()).await
    }

    /// The best adapter of this machine: a discrete GPU before an integrated one before a software one, unless the options
    /// name another. All limits of the adapter are requested, and those features that kernels can use.
    ///
    /// # Errors
    /// As [`Gpu::new`].
    pub async fn with_options(options: GpuOptions) -> Result<Self> {
        let opened = adapter::open(&options).await?;
        let limits = &opened.summary.limits;
        let health = health::Health::watch(&opened.device);
        let checked = options.checked_shaders.unwrap_or(limits.software || cfg!(debug_assertions));
        let cache = cache_file::CacheFile::open(&opened, options.cache_dir.as_deref(), &health);
        let pooled = options.pool_bytes.unwrap_or(if limits.software { 1 << 30 } else { 8 << 30 });
        let pipelines = if limits.software { pipelines::MOST_IN_SOFTWARE } else { pipelines::MOST };
        // Every buffer's size is a multiple of 4, so that all of it can be bound and copied.
        let largest = limits.max_buffer_bytes & !3;
        Ok(Self {
            inner: Arc::new(Inner {
                pool: Mutex::new(Pool::new(pooled, largest)),
                staging: Mutex::new(Pool::new(256 << 20, largest)),
                uploads: upload::Ring::default(),
                pipelines: pipelines::Pipelines::new(checked, pipelines, cache),
                counters: stats::Counters::default(),
                offset_alignment: opened.offset_alignment,
                timestamps: opened.timestamps,
                device: opened.device,
                queue: opened.queue,
                summary: opened.summary,
                options,
                health,
            }),
        })
    }

    /// Every adapter that can compute, the one that [`Gpu::new`] prefers first.
    pub async fn list() -> Vec<AdapterSummary> {
        adapter::find().await.into_iter().map(|(_, summary)| summary).collect()
    }

    /// What the device can do.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.summary.limits
    }

    /// The adapter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.summary.name
    }

    /// The adapter as a line for dumps: name, kind, backend, driver.
    #[must_use]
    pub fn describe(&self) -> String {
        self.inner.summary.headline()
    }

    /// All that is known about the adapter.
    #[must_use]
    pub fn summary(&self) -> &AdapterSummary {
        &self.inner.summary
    }

    /// Whether [`Gpu::submit_timed`] works here.
    #[must_use]
    pub fn can_time(&self) -> bool {
        self.inner.timestamps
    }

    /// Counters since the device was opened, and what its pool holds.
    #[must_use]
    pub fn stats(&self) -> DeviceStats {
        self.inner.stats()
    }

    /// Whether the device went away. Everything that lived only there is lost, and every further call says so.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.inner.health.is_lost()
    }

    /// Gives all pooled memory back to the driver.
    pub fn trim(&self) {
        self.inner.trim();
    }

    /// Loses the device as a driver reset would, to test what happens then.
    pub fn destroy_for_tests(&self) {
        // The loss is known before it has effects, as it is when wgpu reports one: no thread may take the ruins for a defect.
        self.inner.health.lose("it was destroyed by a test");
        self.inner.device.destroy();
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gpu").field(&self.inner.summary.name).finish()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(e) = self.pipelines.save() {
            tracing::warn!("the pipeline cache was not saved: {e}");
        }
    }
}

/// Locks whatever the state of the mutex: no invariant here spans a panic, and a panic in one thread must not spread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of a request that a limit of the device refuses.
fn over_limit(what: &str, given: u64, limit: u64) -> Error {
    Error::out_of_memory(format!("{what} of {given} bytes was asked for, and the device's largest has {limit}"))
}
