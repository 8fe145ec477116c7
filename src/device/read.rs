//! Reading back: device bytes through reused mappable buffers into a host buffer.
//!
//! Large arrays are read in chunks, and the copy of one overlaps the device's work on the next. A device keeps truth values as
//! 32-bit words; they become bytes here.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::gpu::{Gpu, Inner};
use super::lock::lock;
use super::memory::DeviceBuffer;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::types::{DType, HostBuffer};

/// Bytes of a chunk; a multiple of every element's size.
const CHUNK: u64 = 32 << 20;
/// Chunks in flight.
const IN_FLIGHT: usize = 2;

/// A chunk that is being copied.
struct Pending {
    staging: Shared<wgpu::Buffer>,
    offset: u64,
    bytes: u64,
    submission: Shared<wgpu::SubmissionIndex>,
}

impl Gpu {
    /// The first `len` elements of a buffer, once all work that was submitted before is done.
    ///
    /// # Errors
    /// Internal when the buffer is smaller than that; out of memory on the host or for the buffer to read through; device
    /// lost.
    pub async fn read(&self, buffer: &DeviceBuffer, dtype: DType, len: usize) -> Result<HostBuffer> {
        let inner = &self.inner;
        inner.health.check()?;
        let total = (len as u64).saturating_mul(dtype.device_size() as u64);
        if total > buffer.bytes() || !buffer.belongs_to(inner) {
            return Err(Error::internal(format!(
                "{total} bytes were to be read from a buffer of {} bytes{}",
                buffer.bytes(),
                if buffer.belongs_to(inner) { "" } else { " of another device" }
            )));
        }
        let mut out = HostBuffer::zeros(dtype, len)?;
        let mut words = Vec::new();
        let mut pending = VecDeque::with_capacity(IN_FLIGHT);
        let mut next = 0;
        while next < total || !pending.is_empty() {
            while next < total && pending.len() < IN_FLIGHT {
                let bytes = CHUNK.min(total - next);
                pending.push_back(inner.copy_out(buffer, next, bytes)?);
                next += bytes;
            }
            let Some(chunk) = pending.pop_front() else { break };
            let Pending { staging, offset, bytes, submission } = chunk;
            let (offset, n) = (offset as usize, bytes as usize);
            if dtype == DType::Bool {
                words.resize(n / 4, 0u32);
                inner.map(&staging, bytes, submission, bytemuck::cast_slice_mut(&mut words)).await?;
                for (to, &word) in out.bytes_mut()[offset / 4..].iter_mut().zip(&words) {
                    *to = u8::from(word != 0);
                }
            } else {
                inner.map(&staging, bytes, submission, &mut out.bytes_mut()[offset..offset + n]).await?;
            }
            let evicted = lock(&inner.staging).give(bytes.next_multiple_of(4), staging);
            drop(evicted);
        }
        inner.counters.readbacks.add(1);
        inner.counters.readback_bytes.add(total);
        Ok(out)
    }
}

impl Inner {
    /// A buffer to read `bytes` bytes through, pooled or new. On an error later on it is dropped, not returned.
    pub(super) fn staging(&self, bytes: u64) -> Result<Shared<wgpu::Buffer>> {
        let size = {
            let mut pool = lock(&self.staging);
            if let Some(buffer) = pool.take(bytes) {
                return Ok(buffer);
            }
            pool.created(bytes);
            pool.class(bytes)
        };
        let descriptor = wgpu::BufferDescriptor {
            label: Some("readback"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        let create = || Shared(self.device.create_buffer(&descriptor));
        let created = self.health.guard(&self.device, || "a buffer to read back through".into(), create);
        if created.is_err() {
            lock(&self.staging).not_created(bytes);
        }
        created
    }

    /// Starts the copy of a range into a readback buffer.
    fn copy_out(&self, buffer: &DeviceBuffer, offset: u64, bytes: u64) -> Result<Pending> {
        // Copies are in whole words; every buffer has them, because sizes are rounded up when it is made.
        let padded = bytes.next_multiple_of(4);
        let staging = self.staging(padded)?;
        let raw = buffer.raw()?;
        let submission = self.health.guard(
            &self.device,
            || "a readback".into(),
            || {
                let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                encoder.copy_buffer_to_buffer(raw, offset, &staging, 0, padded);
                Shared(self.queue.submit([encoder.finish()]))
            },
        )?;
        Ok(Pending { staging, offset, bytes, submission })
    }

    /// Waits for `submission`, copies the first `bytes` bytes of `staging` into `to` and unmaps it.
    pub(super) async fn map(
        &self,
        staging: &Shared<wgpu::Buffer>,
        bytes: u64,
        submission: Shared<wgpu::SubmissionIndex>,
        to: &mut [u8],
    ) -> Result<()> {
        let range = ..bytes.next_multiple_of(4);
        let signal = Signal::default();
        let done = signal.clone();
        self.health.guard(
            &self.device,
            || "a readback".into(),
            || {
                staging.map_async(wgpu::MapMode::Read, range, move |result| done.set(result.is_ok()));
            },
        )?;
        if !self.settle(&signal, submission).await? {
            self.health.check()?;
            return Err(Error::internal("a readback buffer could not be mapped"));
        }
        let copied = match staging.get_mapped_range(range) {
            Ok(view) => {
                to.copy_from_slice(&view[..to.len()]);
                Ok(())
            }
            // The device may have gone between the callback and here.
            Err(e) => self
                .health
                .check()
                .and_then(|()| Err(Error::internal(format!("a readback buffer could not be seen: {e}")))),
        };
        // If the device is gone, the error above says so and this one adds nothing.
        let unmapped = self.health.guard(&self.device, || "a readback".into(), || staging.unmap());
        copied.and(unmapped)
    }

    /// Waits until a callback of the device has fired.
    #[cfg(not(target_arch = "wasm32"))]
    async fn settle(&self, signal: &Signal, submission: Shared<wgpu::SubmissionIndex>) -> Result<bool> {
        let mut submission = Some(submission.0);
        loop {
            self.health.wait(&self.device, submission.take())?;
            // The wait may end before the callback has run: another thread's wait can have collected it first, and is
            // about to fire it. So this thread sleeps on the signal, and waits again if it was not set.
            if let Some(result) = signal.wait_briefly() {
                return Ok(result);
            }
            self.health.check()?;
        }
    }

    /// Waits until a callback of the device has fired; in a browser the event loop fires it.
    #[cfg(target_arch = "wasm32")]
    async fn settle(&self, signal: &Signal, _submission: Shared<wgpu::SubmissionIndex>) -> Result<bool> {
        Ok(signal.clone().await)
    }
}

/// A one-time signal from a callback, to sleep on or to await.
#[derive(Clone, Default)]
struct Signal(Arc<SharedSignal>);

#[derive(Default)]
struct SharedSignal {
    state: Mutex<SignalState>,
    #[cfg(not(target_arch = "wasm32"))]
    changed: std::sync::Condvar,
}

#[derive(Default)]
struct SignalState {
    result: Option<bool>,
    /// Whom to wake once there is a result.
    waker: Option<Waker>,
}

impl Signal {
    fn set(&self, result: bool) {
        let waker = {
            let mut state = lock(&self.0.state);
            state.result = Some(result);
            state.waker.take()
        };
        #[cfg(not(target_arch = "wasm32"))]
        self.0.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn wait_briefly(&self) -> Option<bool> {
        let state = lock(&self.0.state);
        let (state, _) = self
            .0
            .changed
            .wait_timeout_while(state, std::time::Duration::from_millis(20), |s| s.result.is_none())
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        state.result
    }
}

impl Future for Signal {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut state = lock(&self.0.state);
        if let Some(result) = state.result {
            return Poll::Ready(result);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
