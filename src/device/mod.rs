//! The GPU: adapter, buffers, pipelines, submission, readback, loss and out-of-memory. The only room that names wgpu.
//!
//! In go kernels and bytes, out come bytes; no graph and no schedule is known here. Every failure of the driver becomes an
//! [`Error`](crate::error::Error).
