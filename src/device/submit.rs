//! Kernels with their buffers go in; one encoder, one compute pass and one submission come out.
//!
//! The parameters of all dispatches lie in one buffer that is written once. What wgpu would refuse for the submission as
//! a whole is checked for each dispatch first, so that the message names the kernel.

use std::sync::Arc;

use smallvec::SmallVec;

use super::gpu::{Gpu, Inner};
use super::memory::DeviceBuffer;
use super::pipelines::Pipeline;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::kernels::Kernel;

/// A kernel to run.
#[derive(Clone, Debug)]
pub struct Dispatch<'a> {
    /// What runs.
    pub kernel: &'a Kernel,
    /// A buffer for each of the kernel's bindings, in their order.
    pub buffers: SmallVec<[Arc<DeviceBuffer>; 8]>,
    /// The words of the parameter buffer, run-time scalars filled in.
    pub params: Vec<u32>,
}

/// A dispatch that can be encoded.
pub(super) struct EncodableDispatch {
    pub pipeline: Arc<Pipeline>,
    pub bindings: Shared<wgpu::BindGroup>,
    pub workgroups: [u32; 3],
}

/// Dispatches that can be encoded, with the buffer that holds their parameters until the submission.
pub(super) struct Batch {
    pub dispatches: Vec<EncodableDispatch>,
    _params: DeviceBuffer,
}

impl Gpu {
    /// Sends the dispatches to the device, to run in this order, each seeing what the earlier ones wrote. Returns without
    /// waiting for them; results are waited for by [`Gpu::read`].
    ///
    /// # Errors
    /// Internal when a kernel does not compile or its buffers do not fit its bindings (a buffer that a kernel writes may be
    /// bound only once); out of memory; device lost. Nothing has run then.
    pub fn submit(&self, work: &[Dispatch<'_>]) -> Result<()> {
        if work.is_empty() {
            return self.inner.health.check();
        }
        let inner = &self.inner;
        let batch = inner.prepare(work)?;
        inner.health.guard(
            &inner.device,
            || describe(work),
            || {
                let mut encoder = inner.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                for dispatch in &batch.dispatches {
                    dispatch.encode(&mut pass);
                }
                drop(pass);
                inner.queue.submit([encoder.finish()]);
            },
        )?;
        inner.counters.submits.add(1);
        inner.counters.dispatches.add(work.len() as u64);
        Ok(())
    }
}

impl EncodableDispatch {
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        let [x, y, z] = self.workgroups;
        pass.set_pipeline(&self.pipeline.raw);
        pass.set_bind_group(0, &*self.bindings, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}

impl Inner {
    /// Checks the dispatches, compiles their kernels, writes their parameters and binds their buffers.
    pub(super) fn prepare(self: &Arc<Self>, work: &[Dispatch<'_>]) -> Result<Batch> {
        self.health.check()?;
        let mut pipelines = Vec::with_capacity(work.len());
        for dispatch in work {
            self.check_dispatch(dispatch)?;
            pipelines.push(self.pipelines.get(&self.device, &self.health, &self.summary.limits, dispatch.kernel)?);
        }
        let packed = pack(work, self.offset_alignment);
        let params = self.alloc(packed.bytes.len() as u64)?;
        let params_raw = params.raw()?;
        let dispatches = self.health.guard(
            &self.device,
            || describe(work),
            || {
                self.queue.write_buffer(params_raw, 0, &packed.bytes);
                work.iter()
                    .zip(pipelines)
                    .zip(packed.ranges)
                    .map(|((dispatch, pipeline), range)| {
                        let bindings = self.bind(dispatch, &pipeline, params_raw, range)?;
                        Ok(EncodableDispatch { pipeline, bindings, workgroups: dispatch.kernel.workgroups })
                    })
                    .collect::<Result<Vec<_>>>()
            },
        )??;
        Ok(Batch { dispatches, _params: params })
    }

    fn bind(
        &self,
        dispatch: &Dispatch<'_>,
        pipeline: &Pipeline,
        params: &wgpu::Buffer,
        range: ParamRange,
    ) -> Result<Shared<wgpu::BindGroup>> {
        let entry = |binding, buffer, offset, size| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: wgpu::BufferSize::new(size),
            }),
        };
        let mut entries = SmallVec::<[_; 9]>::new();
        entries.push(entry(0, params, range.offset, range.size));
        for (i, buffer) in dispatch.buffers.iter().enumerate() {
            entries.push(entry(i as u32 + 1, buffer.raw()?, 0, buffer.bound_bytes()));
        }
        Ok(Shared(self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&dispatch.kernel.label),
            layout: &pipeline.layout,
            entries: &entries,
        })))
    }

    /// Refuses what wgpu would refuse later, with the kernel's name.
    fn check_dispatch(&self, dispatch: &Dispatch<'_>) -> Result<()> {
        let Dispatch { kernel, buffers, params } = dispatch;
        let refuse = |why: String| Err(Error::internal(format!("kernel '{}': {why}", kernel.label)));
        let limits = &self.summary.limits;
        if buffers.len() != kernel.bindings.len() {
            return refuse(format!("expected {} buffers, given {}", kernel.bindings.len(), buffers.len()));
        }
        if params.len() < kernel.params.len() {
            return refuse(format!("expected {} parameter words or more, given {}", kernel.params.len(), params.len()));
        }
        if let Some(n) = kernel.workgroups.iter().find(|&&n| n > limits.max_workgroups) {
            return refuse(format!("{n} workgroups along one dimension; the device has {}", limits.max_workgroups));
        }
        for (i, buffer) in buffers.iter().enumerate() {
            if !buffer.belongs_to(self) {
                return refuse(format!("buffer {i} belongs to another device"));
            }
            if buffer.bytes() > limits.max_binding_bytes {
                return refuse(format!(
                    "buffer {i} has {} bytes; a binding shows at most {}",
                    buffer.bytes(),
                    limits.max_binding_bytes
                ));
            }
            let twin = buffers[..i].iter().position(|other| Arc::ptr_eq(other, buffer));
            if let Some(j) = twin.filter(|&j| kernel.bindings[i].writable || kernel.bindings[j].writable) {
                return refuse(format!("bindings {j} and {i} show the same buffer, and one of them writes it"));
            }
        }
        Ok(())
    }
}

/// The parameters of all dispatches in one run of bytes.
struct PackedParams {
    bytes: Vec<u8>,
    /// Those of each dispatch.
    ranges: Vec<ParamRange>,
}

/// Bytes of the parameter buffer.
#[derive(Clone, Copy)]
struct ParamRange {
    offset: u64,
    size: u64,
}

/// Packs the parameters of all dispatches, each at a multiple of `alignment`. A dispatch without parameters still gets a word,
/// because a binding cannot be empty.
fn pack(work: &[Dispatch<'_>], alignment: u64) -> PackedParams {
    let mut bytes: Vec<u8> = Vec::with_capacity(work.len() * alignment as usize);
    let mut ranges = Vec::with_capacity(work.len());
    for dispatch in work {
        bytes.resize(bytes.len().next_multiple_of(alignment as usize), 0);
        let offset = bytes.len();
        bytes.extend_from_slice(bytemuck::cast_slice(&dispatch.params));
        bytes.resize(bytes.len().max(offset + 16).next_multiple_of(16), 0);
        ranges.push(ParamRange { offset: offset as u64, size: (bytes.len() - offset) as u64 });
    }
    PackedParams { bytes, ranges }
}

/// The dispatches for a message: the first few labels.
pub(super) fn describe(work: &[Dispatch<'_>]) -> String {
    let labels: Vec<_> = work.iter().take(4).map(|d| d.kernel.label.as_str()).collect();
    let rest = if work.len() > 4 { format!(" and {} more", work.len() - 4) } else { String::new() };
    format!("the submission of '{}'{rest}", labels.join("', '"))
}
