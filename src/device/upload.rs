//! Uploading: host bytes into a device buffer.
//!
//! Small arrays go through the queue, large ones through a few reused mapped buffers, which is twice as fast and bounds the memory in
//! flight.
//!
//! A device keeps truth values as 32-bit words; the bytes of the host become words here.

use std::sync::Arc;

use super::gpu::{Gpu, Inner};
use super::memory::DeviceBuffer;
use super::ring::{CHUNK, Taken};
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::types::{DType, HostBuffer};

/// Below this many bytes the queue's own staging is used.
const SMALL: usize = 1 << 20;

impl Gpu {
    /// The array in a new device buffer, ready for whatever is submitted afterwards.
    ///
    /// # Errors
    /// As [`Gpu::alloc`].
    pub fn upload(&self, data: &HostBuffer) -> Result<Arc<DeviceBuffer>> {
        let inner = &self.inner;
        let bytes = data.len() as u64 * data.dtype().device_size() as u64;
        let buffer = inner.alloc(bytes)?;
        if data.dtype() == DType::Bool {
            let mut words = Vec::with_capacity(data.len().min(CHUNK / 4));
            for (i, part) in data.bytes().chunks(CHUNK / 4).enumerate() {
                words.clear();
                words.extend(part.iter().map(|&b| u32::from(b != 0)));
                inner.write(&buffer, (i * CHUNK) as u64, bytemuck::cast_slice(&words))?;
            }
        } else {
            inner.write(&buffer, 0, data.bytes())?;
        }
        inner.counters.uploads.add(1);
        inner.counters.upload_bytes.add(bytes);
        Ok(Arc::new(buffer))
    }
}

impl Inner {
    /// Writes `data` at `offset`, a multiple of 4; the bytes up to the next multiple of 4 behind it become zero.
    fn write(&self, buffer: &DeviceBuffer, offset: u64, data: &[u8]) -> Result<()> {
        let raw = buffer.raw()?;
        if data.len() < SMALL || cfg!(target_arch = "wasm32") {
            return self.write_through_queue(raw, offset, data);
        }
        for (i, part) in data.chunks(CHUNK).enumerate() {
            let at = offset + (i * CHUNK) as u64;
            match self.mapped_chunk()? {
                Some(staging) => self.write_through(staging, raw, at, part)?,
                None => self.write_through_queue(raw, at, part)?,
            }
        }
        Ok(())
    }

    fn write_through_queue(&self, raw: &wgpu::Buffer, offset: u64, data: &[u8]) -> Result<()> {
        let whole = data.len() & !3;
        let mut tail = [0u8; 4];
        tail[..data.len() - whole].copy_from_slice(&data[whole..]);
        self.health.guard(
            &self.device,
            || format!("an upload of {} bytes", data.len()),
            || {
                if whole > 0 {
                    self.queue.write_buffer(raw, offset, &data[..whole]);
                }
                if whole < data.len() {
                    self.queue.write_buffer(raw, offset + whole as u64, &tail);
                }
            },
        )
    }

    /// A mapped buffer, waited for when all of them are in flight; `None` when other threads keep taking them away.
    fn mapped_chunk(&self) -> Result<Option<Shared<wgpu::Buffer>>> {
        for _ in 0..8 {
            match self.uploads.take() {
                Taken::Mapped(buffer) => return Ok(Some(buffer)),
                Taken::Room => return self.create_chunk().map(Some),
                #[cfg(not(target_arch = "wasm32"))]
                Taken::Busy => self.health.wait(&self.device, None)?,
                #[cfg(target_arch = "wasm32")]
                Taken::Busy => {}
            }
        }
        Ok(None)
    }

    fn create_chunk(&self) -> Result<Shared<wgpu::Buffer>> {
        let descriptor = wgpu::BufferDescriptor {
            label: Some("upload"),
            size: CHUNK as u64,
            usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: true,
        };
        let create = || Shared(self.device.create_buffer(&descriptor));
        let created = self.health.guard(&self.device, || "a buffer to upload through".into(), create);
        match created {
            Ok(_) => self.counters.upload_buffers.add(1),
            Err(_) => self.uploads.removed(),
        }
        created
    }

    /// Writes one chunk and sends it off; the mapped buffer comes back to the ring once the device has copied it.
    fn write_through(&self, staging: Shared<wgpu::Buffer>, to: &wgpu::Buffer, offset: u64, part: &[u8]) -> Result<()> {
        let padded = part.len().next_multiple_of(4);
        if let Err(e) = self.fill(&staging, part, padded) {
            self.uploads.removed();
            return Err(e);
        }
        // If the submission fails, it is unknown whether the callback will run, and the ring may count one buffer too many
        // from then on; if it ever runs dry, uploads go through the queue.
        self.health.guard(
            &self.device,
            || format!("an upload of {} bytes", part.len()),
            || {
                let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                encoder.copy_buffer_to_buffer(&staging, 0, to, offset, padded as u64);
                self.queue.submit([encoder.finish()]);
                let ring = self.uploads.clone();
                let returning = staging.clone();
                staging.map_async(wgpu::MapMode::Write, .., move |result| match result {
                    Ok(()) => ring.put_back(returning),
                    Err(_) => ring.removed(),
                });
            },
        )
    }

    fn fill(&self, staging: &wgpu::Buffer, part: &[u8], padded: usize) -> Result<()> {
        let filled = match staging.get_mapped_range_mut(..padded as u64) {
            Ok(mut view) => {
                view.slice(..part.len()).copy_from_slice(part);
                view.slice(part.len()..).copy_from_slice(&[0u8; 4][..padded - part.len()]);
                Ok(())
            }
            Err(e) => self
                .health
                .check()
                .and_then(|()| Err(Error::internal(format!("an upload buffer could not be written: {e}")))),
        };
        let unmapped = self.health.guard(&self.device, || "an upload".into(), || staging.unmap());
        filled.and(unmapped)
    }
}
