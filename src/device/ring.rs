//! The mapped buffers that large uploads go through: a few that are written, sent and mapped again in turn.

use std::sync::{Arc, Mutex};

use super::lock::lock;
use super::shared::Shared;

/// Bytes of a mapped buffer.
pub(super) const CHUNK: usize = 16 << 20;
/// Mapped buffers at most.
const MAX_CHUNKS: usize = 4;

/// Mapped buffers of [`CHUNK`] bytes, ready to be written. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Ring(Arc<Mutex<RingState>>);

#[derive(Default)]
struct RingState {
    mapped: Vec<Shared<wgpu::Buffer>>,
    /// Buffers that exist: mapped, being written, or on their way back.
    n_alive: usize,
}

/// What the ring has to offer.
pub(super) enum Taken {
    /// A mapped buffer.
    Mapped(Shared<wgpu::Buffer>),
    /// Room for one more buffer, which the caller creates; if that fails it says so by [`Ring::removed`].
    Room,
    /// All buffers are in flight.
    Busy,
}

impl Ring {
    /// Takes a mapped buffer, or the right to create one.
    pub fn take(&self) -> Taken {
        let mut ring = lock(&self.0);
        if let Some(buffer) = ring.mapped.pop() {
            return Taken::Mapped(buffer);
        }
        if ring.n_alive < MAX_CHUNKS {
            ring.n_alive += 1;
            return Taken::Room;
        }
        Taken::Busy
    }

    /// Takes back a buffer that is mapped again.
    pub fn put_back(&self, buffer: Shared<wgpu::Buffer>) {
        lock(&self.0).mapped.push(buffer);
    }

    /// Counts a buffer that was lost, or could not be created.
    pub fn removed(&self) {
        lock(&self.0).n_alive -= 1;
    }
}
