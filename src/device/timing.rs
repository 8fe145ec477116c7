//! The same submission with a clock: how long each dispatch took on the device.

use super::gpu::Gpu;
use super::lock::lock;
use super::shared::Shared;
use super::submit::{Dispatch, describe};
use crate::error::{Error, Result};

/// Dispatches per query set: a set holds at most 4096 timestamps, two per dispatch.
const PER_SET: usize = 2048;

impl Gpu {
    /// As [`Gpu::submit`], with one pass per dispatch, and waits. Gives the nanoseconds that each dispatch took on the
    /// device, in order.
    ///
    /// # Errors
    /// Unsupported where the device has no timestamps ([`Gpu::can_time`]); else as [`Gpu::submit`].
    pub async fn submit_timed(&self, work: &[Dispatch<'_>]) -> Result<Vec<f64>> {
        if !self.can_time() {
            return Err(Error::unsupported(format!("{} has no timestamps", self.name())));
        }
        let mut times = Vec::with_capacity(work.len());
        for part in work.chunks(PER_SET) {
            times.extend(self.timed_part(part).await?);
        }
        Ok(times)
    }

    async fn timed_part(&self, work: &[Dispatch<'_>]) -> Result<Vec<f64>> {
        let inner = &self.inner;
        let batch = inner.prepare(work)?;
        let n_queries = 2 * work.len() as u32;
        let bytes = u64::from(n_queries) * 8;
        let resolve = wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: bytes,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        };
        let staging = inner.staging(bytes)?;
        let submission = inner.health.guard(
            &inner.device,
            || describe(work),
            || {
                let set = inner.device.create_query_set(&wgpu::QuerySetDescriptor {
                    label: None,
                    ty: wgpu::QueryType::Timestamp,
                    count: n_queries,
                });
                let resolved = inner.device.create_buffer(&resolve);
                let mut encoder = inner.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                for (i, dispatch) in batch.dispatches.iter().enumerate() {
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                        label: None,
                        timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                            query_set: &set,
                            beginning_of_pass_write_index: Some(2 * i as u32),
                            end_of_pass_write_index: Some(2 * i as u32 + 1),
                        }),
                    });
                    dispatch.encode(&mut pass);
                }
                encoder.resolve_query_set(&set, 0..n_queries, &resolved, 0);
                encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, bytes);
                Shared(inner.queue.submit([encoder.finish()]))
            },
        )?;
        inner.counters.submits.add(1);
        inner.counters.dispatches.add(work.len() as u64);
        let mut ticks = vec![0u64; n_queries as usize];
        inner.map(&staging, bytes, submission, bytemuck::cast_slice_mut(&mut ticks)).await?;
        let evicted = lock(&inner.staging).give(bytes, staging);
        drop(evicted);
        let period = f64::from(inner.queue.get_timestamp_period());
        Ok(ticks.chunks_exact(2).map(|t| t[1].saturating_sub(t[0]) as f64 * period).collect())
    }
}
