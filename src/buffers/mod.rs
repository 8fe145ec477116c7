//! Who holds what memory: a size-class pool of reusable buffers, and where a stored array lives.
//!
//! In come byte counts, handles and host buffers; out go handles to reuse and handles to drop. The room is generic over the
//! handle and knows no device, so that all of it is tested without a GPU.

#[cfg(any(feature = "gpu", test))]
mod pool;
mod residency;

#[cfg(feature = "gpu")]
pub use pool::{Pool, PoolStats};
pub use residency::Residency;
