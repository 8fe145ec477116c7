//! What the device did, as numbers. Tests use them to prove that a cached run creates nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of a device since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceStats {
    /// Pipelines compiled (or taken from the driver's cache).
    pub pipelines_created: u64,
    /// Pipelines removed because too many were held.
    pub pipelines_evicted: u64,
    /// Storage buffers made, those for parameters included.
    pub buffers_created: u64,
    /// Requests for a storage buffer that the pool answered.
    pub buffers_reused: u64,
    /// Buffers made to read back or upload through.
    pub staging_created: u64,
    /// Bytes of storage buffers in use.
    pub live_bytes: u64,
    /// The most bytes in use at one time.
    pub peak_live_bytes: u64,
    /// Bytes of storage buffers that wait for reuse.
    pub pooled_bytes: u64,
    /// Kernels dispatched.
    pub dispatches: u64,
    /// Submissions of kernels to the queue.
    pub submits: u64,
    /// Arrays uploaded.
    pub uploads: u64,
    /// Bytes uploaded.
    pub upload_bytes: u64,
    /// Arrays read back.
    pub readbacks: u64,
    /// Bytes read back.
    pub readback_bytes: u64,
    /// Whether the device is gone.
    pub lost: bool,
}

/// The counters that are not the pools' own.
#[derive(Default)]
pub(super) struct Counters {
    pub dispatches: Counter,
    pub submits: Counter,
    pub uploads: Counter,
    pub upload_bytes: Counter,
    pub readbacks: Counter,
    pub readback_bytes: Counter,
    pub upload_buffers: Counter,
}

/// A count that any thread may raise.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
