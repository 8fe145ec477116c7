//! The GPU: adapter, buffers, pipelines, submission, readback, loss and out-of-memory. The only room that names wgpu.
//!
//! Kernels and bytes come in, bytes come out; this room knows no graph and no schedule. Every failure of the driver becomes an
//! [`Error`](crate::error::Error) and none causes a panic; after an out-of-memory error the device stays usable.

mod adapter;
mod cache_file;
mod float_controls;
mod gpu;
mod health;
mod lock;
mod memory;
mod options;
mod pipelines;
mod read;
mod ring;
mod shared;
mod spirv;
mod stats;
mod submit;
mod timing;
mod upload;

pub use adapter::{AdapterKind, AdapterSummary};
pub use gpu::Gpu;
pub use memory::DeviceBuffer;
pub use options::GpuOptions;
pub use stats::DeviceStats;
pub use submit::Dispatch;
