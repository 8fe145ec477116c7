//! A device segment of a run: the kernels between two host steps, collected and submitted together.

use std::sync::Arc;

use super::Engine;
use super::inspect::KernelTime;
use super::stored::{Handle, Stored};
use crate::buffers::Residency;
use crate::device::{Dispatch, Gpu};
use crate::error::{Error, Result};
use crate::kernels::{BindingSource, Lowered, Param};
use crate::schedule::Block;
use crate::types::{DType, HostBuffer, Scalar};

/// Kernels that wait for their submission, and the memory blocks of the run.
pub(super) struct Segment<'a> {
    work: Vec<Dispatch<'a>>,
    blocks: Vec<Option<Arc<Handle>>>,
    /// The step and the number within it of every kernel that waits.
    places: Vec<(u32, u32)>,
    times: Vec<KernelTime>,
}

impl<'a> Segment<'a> {
    pub(super) fn new() -> Self {
        Self { work: Vec::new(), blocks: Vec::new(), places: Vec::new(), times: Vec::new() }
    }

    /// The memory of a block, taken from the pool at its first use; values outside the plan get memory of their own.
    pub(super) fn block(&mut self, gpu: &Gpu, block: Option<u32>, blocks: &[Block], bytes: u64) -> Result<Arc<Handle>> {
        let Some(block) = block else { return gpu.alloc(bytes) };
        if self.blocks.is_empty() {
            self.blocks.resize(blocks.len(), None);
        }
        let slot = &mut self.blocks[block as usize];
        if let Some(buffer) = slot {
            return Ok(buffer.clone());
        }
        let buffer = gpu.alloc(blocks[block as usize].bytes.max(bytes))?;
        *slot = Some(buffer.clone());
        Ok(buffer)
    }

    /// Adds the kernels of a group.
    pub(super) fn push(
        &mut self,
        gpu: &Gpu,
        step: u32,
        lowered: &'a Lowered,
        values: &[Residency<Handle>],
        scalars: &[Scalar],
    ) -> Result<()> {
        let scratch = lowered.scratch.iter().map(|&b| gpu.alloc(b)).collect::<Result<Vec<_>>>()?;
        for (i, kernel) in lowered.kernels.iter().enumerate() {
            self.places.push((step, i as u32));
            let mut buffers = smallvec::SmallVec::new();
            for binding in &kernel.bindings {
                buffers.push(match binding.source {
                    BindingSource::Scratch(i) => scratch[i as usize].clone(),
                    BindingSource::Value(v) => values[v.index()].device().cloned().ok_or_else(|| {
                        Error::internal(format!("{v} is bound by {} and not on the device", kernel.label))
                    })?,
                });
            }
            let mut params = Vec::with_capacity(kernel.params.len());
            for p in &kernel.params {
                match p {
                    Param::Word(w) => params.push(*w),
                    Param::Scalar(i) => {
                        let s = scalars[*i as usize];
                        params.push(s.bits() as u32);
                        if matches!(s.dtype(), DType::I64 | DType::F64) {
                            params.push((s.bits() >> 32) as u32);
                        }
                    }
                }
            }
            self.work.push(Dispatch { kernel, buffers, params });
        }
        Ok(())
    }

    /// Submits what waits; `timed` runs every kernel by itself and waits for all, where the device has timestamps.
    pub(super) async fn flush(&mut self, gpu: &Gpu, timed: bool) -> Result<()> {
        let (work, places) = (std::mem::take(&mut self.work), std::mem::take(&mut self.places));
        if work.is_empty() {
            return Ok(());
        }
        if !timed || !gpu.can_time() {
            return gpu.submit(&work);
        }
        let times = gpu.submit_timed(&work).await?;
        let of = |((step, kernel), ns): ((u32, u32), f64)| KernelTime { step, kernel, ns: ns as u64 };
        self.times.extend(places.into_iter().zip(times).map(of));
        Ok(())
    }

    /// Takes the times of the kernels that were timed.
    pub(super) fn times(&mut self) -> Vec<KernelTime> {
        std::mem::take(&mut self.times)
    }
}

impl Engine {
    /// The GPU, if the engine has one.
    pub(super) fn gpu(&self) -> Option<&Gpu> {
        self.0.gpu.as_ref()
    }

    /// The host copy of a stored value, read back and kept if it was on the device only.
    pub(super) async fn host_copy(&self, stored: &Stored, dtype: DType, len: usize) -> Result<Arc<HostBuffer>> {
        let copies = stored.copies();
        if let Some(host) = copies.host() {
            return Ok(host.clone());
        }
        match (self.gpu(), copies.device()) {
            (Some(gpu), Some(device)) => {
                let copy = Arc::new(gpu.read(device, dtype, len).await?);
                stored.add_host(copy.clone());
                Ok(copy)
            }
            _ => Err(Error::internal("a stored value that is nowhere")),
        }
    }
}
