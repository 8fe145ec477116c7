//! The device itself: the adapter it was opened on, its queue, pools, pipelines and counters, shared by all handles.

use std::sync::{Arc, Mutex};

use super::adapter::{self, AdapterSummary};
use super::cache_file::CacheFile;
use super::health::Health;
use super::lock::lock;
use super::options::GpuOptions;
use super::pipelines::{self, Pipelines};
use super::ring::Ring;
use super::shared::Shared;
use super::spirv::SpirvWriter;
use super::stats::{Counters, DeviceStats};
use crate::buffers::{Pool, PoolStats};
use crate::error::Result;
use crate::types::Limits;

/// A device to allocate on, send kernels to and read from.
///
/// Cheap to clone; all clones are the same device. All methods may be called from any thread.
#[derive(Clone)]
pub struct Gpu {
    pub(super) inner: Arc<Inner>,
}

/// What the clones of a [`Gpu`] and the buffers made by it share.
pub(super) struct Inner {
    pub device: Shared<wgpu::Device>,
    pub queue: Shared<wgpu::Queue>,
    pub summary: AdapterSummary,
    /// The alignment of a binding's offset.
    pub offset_alignment: u64,
    pub timestamps: bool,
    pub options: GpuOptions,
    pub health: Arc<Health>,
    /// Storage buffers that were returned.
    pub pool: Mutex<Pool<Shared<wgpu::Buffer>>>,
    /// Readback buffers that were returned.
    pub staging: Mutex<Pool<Shared<wgpu::Buffer>>>,
    pub uploads: Ring,
    pub pipelines: Pipelines,
    pub counters: Counters,
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
        let health = Health::watch(&opened.device);
        let checked = options.checked_shaders.unwrap_or(limits.software || cfg!(debug_assertions));
        let cache = CacheFile::open(&opened, options.cache_dir.as_deref(), &health);
        let pooled = options.pool_bytes.unwrap_or(if limits.software { 1 << 30 } else { 8 << 30 });
        let most_pipelines = if limits.software { pipelines::MOST_IN_SOFTWARE } else { pipelines::MOST };
        let writer = opened.float_controls.map(|controls| SpirvWriter::new(controls, limits));
        // Every buffer's size is a multiple of 4, so that all of it can be bound and copied.
        let largest = limits.max_buffer_bytes & !3;
        Ok(Self {
            inner: Arc::new(Inner {
                pool: Mutex::new(Pool::new(pooled, largest)),
                staging: Mutex::new(Pool::new(256 << 20, largest)),
                uploads: Ring::default(),
                pipelines: Pipelines::new(checked, writer, most_pipelines, cache),
                counters: Counters::default(),
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

    /// Whether the device can still be used.
    ///
    /// # Errors
    /// Device lost.
    pub fn check(&self) -> Result<()> {
        self.inner.health.check()
    }

    /// Another device of the same adapter, which keeps no compiled pipelines: for work that may lose it.
    ///
    /// # Errors
    /// As [`Gpu::new`].
    pub async fn another(&self) -> Result<Self> {
        let options = self.inner.options.clone();
        Self::with_options(GpuOptions { adapter: Some(self.name().to_owned()), cache_dir: None, ..options }).await
    }

    /// Loses the device as a driver reset would, to test what happens then.
    pub fn destroy_for_tests(&self) {
        // The loss is recorded before it takes effect, as it is when wgpu reports one, so that no thread mistakes its consequences
        // for a defect.
        self.inner.health.lose("it was destroyed by a test");
        self.inner.device.destroy();
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gpu").field(&self.inner.summary.name).finish()
    }
}

impl Inner {
    fn stats(&self) -> DeviceStats {
        let PoolStats { created, reused, live_bytes, pooled_bytes, peak_live_bytes, .. } = lock(&self.pool).stats();
        let c = &self.counters;
        let (pipelines_created, pipelines_evicted) = self.pipelines.counts();
        DeviceStats {
            pipelines_created,
            pipelines_evicted,
            buffers_created: created,
            buffers_reused: reused,
            staging_created: lock(&self.staging).stats().created + c.upload_buffers.get(),
            live_bytes,
            peak_live_bytes,
            pooled_bytes,
            dispatches: c.dispatches.get(),
            submits: c.submits.get(),
            uploads: c.uploads.get(),
            upload_bytes: c.upload_bytes.get(),
            readbacks: c.readbacks.get(),
            readback_bytes: c.readback_bytes.get(),
            lost: self.health.is_lost(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(e) = self.pipelines.save() {
            tracing::warn!("the pipeline cache was not saved: {e}");
        }
    }
}
