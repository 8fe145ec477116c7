//! A device segment of a run: kernels between two host steps, collected and submitted as one.

use std::sync::Arc;

use super::stored::Handle;
use super::{Engine, Stored};
use crate::buffers::Residency;
use crate::device::{Dispatch, Gpu};
use crate::error::{Error, Result};
use crate::kernels::{Lowered, Param, Source};
use crate::schedule::Block;
use crate::types::{DType, HostBuffer, Scalar};

/// Kernels that wait for their submission, and the memory blocks of the run.
pub(super) struct Segment<'a> {
    work: Vec<Dispatch<'a>>,
    blocks: Vec<Option<Arc<Handle>>>,
}

impl<'a> Segment<'a> {
    pub(super) fn new(n_blocks: usize) -> Self {
        Self { work: Vec::new(), blocks: vec![None; n_blocks] }
    }

    /// The memory of a block, taken from the pool at its first use; values outside the plan get memory of their own.
    pub(super) fn block(&mut self, gpu: &Gpu, block: Option<u32>, blocks: &[Block], bytes: u64) -> Result<Arc<Handle>> {
        let Some(block) = block else { return gpu.alloc(bytes) };
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
        lowered: &'a Lowered,
        values: &[Residency<Handle>],
        scalars: &[Scalar],
    ) -> Result<()> {
        let scratch = lowered.scratch.iter().map(|&b| gpu.alloc(b)).collect::<Result<Vec<_>>>()?;
        for kernel in &lowered.kernels {
            let mut buffers = smallvec::SmallVec::new();
            for binding in &kernel.bindings {
                buffers.push(match binding.source {
                    Source::Scratch(i) => scratch[i as usize].clone(),
                    Source::Value(v) => values[v.index()].device().cloned().ok_or_else(|| {
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

    /// Submits what waits.
    pub(super) fn flush(&mut self, gpu: &Gpu) -> Result<()> {
        if self.work.is_empty() {
            return Ok(());
        }
        gpu.submit(&std::mem::take(&mut self.work))
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
