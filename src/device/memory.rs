//! Storage buffers: taken from the pool or created, and returned to the pool when the last handle is dropped.

use std::sync::Arc;

use super::gpu::{Gpu, Inner};
use super::lock::lock;
use super::shared::Shared;
use crate::buffers::Pool;
use crate::error::{Error, Result};

/// What kernels, uploads and readbacks need of a buffer.
const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

/// A storage buffer on a device. Dropping it, from any thread and even with work in flight, returns it to the device's pool:
/// all work goes through one queue, so the next user of the buffer runs later there too.
pub struct DeviceBuffer {
    /// `None` only while it is dropped.
    raw: Option<Shared<wgpu::Buffer>>,
    bytes: u64,
    owner: Arc<Inner>,
}

impl DeviceBuffer {
    /// The bytes that were asked for; the buffer itself may be larger.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes that a binding shows: what was asked for, rounded up so that whole vectors can be read at the end.
    pub(super) fn bound_bytes(&self) -> u64 {
        let capacity = self.raw().map_or(0, wgpu::Buffer::size);
        self.bytes.max(1).next_multiple_of(64).min(capacity).min(self.owner.summary.limits.max_binding_bytes)
    }

    /// The buffer of wgpu; the error cannot occur outside of `drop`.
    pub(super) fn raw(&self) -> Result<&wgpu::Buffer> {
        self.raw.as_deref().ok_or_else(|| Error::internal("a device buffer was used after it was dropped"))
    }

    /// Whether the buffer was made by this device.
    pub(super) fn belongs_to(&self, inner: &Inner) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.owner), inner)
    }
}

impl std::fmt::Debug for DeviceBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceBuffer({} bytes)", self.bytes)
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        let Some(raw) = self.raw.take() else { return };
        if self.owner.health.is_lost() {
            lock(&self.owner.pool).forget(self.bytes);
            return;
        }
        // The lock ends with the statement, so evicted buffers are freed outside of it.
        let evicted = lock(&self.owner.pool).give(self.bytes, raw);
        drop(evicted);
    }
}

impl Gpu {
    /// A buffer of at least `bytes` bytes, from the pool if one fits. Its contents are whatever was left there.
    ///
    /// # Errors
    /// Out of memory when it is larger than the device's largest buffer, when the options' limit would be passed, or when
    /// the driver refuses even after all pooled buffers were given back; the device stays usable. Device lost.
    pub fn alloc(&self, bytes: u64) -> Result<Arc<DeviceBuffer>> {
        self.inner.alloc(bytes).map(Arc::new)
    }

    /// Gives all pooled memory back to the driver.
    pub fn trim(&self) {
        self.inner.trim();
    }
}

impl Inner {
    pub(super) fn alloc(self: &Arc<Self>, bytes: u64) -> Result<DeviceBuffer> {
        self.health.check()?;
        let largest = self.summary.limits.max_buffer_bytes & !3;
        if bytes > largest {
            return Err(Error::out_of_memory(format!(
                "a buffer of {bytes} bytes was asked for, and the device's largest has {largest}"
            )));
        }
        let raw = self.pooled_or_created(bytes)?;
        Ok(DeviceBuffer { raw: Some(raw), bytes, owner: self.clone() })
    }

    fn pooled_or_created(&self, bytes: u64) -> Result<Shared<wgpu::Buffer>> {
        let class = {
            let mut pool = lock(&self.pool);
            if let Some(raw) = pool.take(bytes) {
                return Ok(raw);
            }
            let class = pool.class(bytes);
            let evicted = self.make_room(&mut pool, class)?;
            // Counted before it exists, so that two threads cannot both pass the limit.
            pool.created(bytes);
            drop(pool);
            drop(evicted);
            class
        };
        let created = self.create(class).or_else(|e| {
            if !e.is_out_of_memory() {
                return Err(e);
            }
            self.trim();
            self.create(class)
        });
        if created.is_err() {
            lock(&self.pool).not_created(bytes);
        }
        created
    }

    /// Pooled buffers to drop so that `class` more bytes stay within the configured limit.
    fn make_room(&self, pool: &mut Pool<Shared<wgpu::Buffer>>, class: u64) -> Result<Vec<Shared<wgpu::Buffer>>> {
        let Some(limit) = self.options.memory_limit else { return Ok(Vec::new()) };
        let live = pool.stats().live_bytes;
        let Some(room) = limit.checked_sub(live.saturating_add(class)) else {
            return Err(Error::out_of_memory(format!(
                "{class} bytes of device memory were asked for; {live} are in use and the limit is {limit}"
            )));
        };
        Ok(pool.trim(room))
    }

    fn create(&self, size: u64) -> Result<Shared<wgpu::Buffer>> {
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage: STORAGE, mapped_at_creation: false };
        self.health.guard(
            &self.device,
            || format!("a buffer of {size} bytes"),
            || Shared(self.device.create_buffer(&descriptor)),
        )
    }

    /// Gives all pooled memory back to the driver, which happens only once the work that used it is done.
    pub(super) fn trim(&self) {
        let evicted = lock(&self.pool).trim(0);
        let staging = lock(&self.staging).trim(0);
        drop((evicted, staging));
        #[cfg(not(target_arch = "wasm32"))]
        if let Err(e) = self.health.wait(&self.device, None) {
            tracing::warn!("memory was given back without waiting for the device: {e}");
        }
    }
}
