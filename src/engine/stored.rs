//! The payload of a recorded value, which says where its elements are, and the data that a run starts from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::buffers::Residency;
use crate::types::{HostBuffer, Scalar};

/// The handle of device memory: the device room's buffer, or a type without values in a build without a GPU.
#[cfg(feature = "gpu")]
pub(crate) type Handle = crate::device::DeviceBuffer;
#[cfg(not(feature = "gpu"))]
pub(crate) type Handle = std::convert::Infallible;

/// A stored value. Its elements never change; copies appear and go away.
pub(crate) struct Stored(Mutex<Residency<Handle>>);

impl Stored {
    pub(crate) fn on_host(buffer: Arc<HostBuffer>) -> Self {
        Self(Mutex::new(Residency::on_host(buffer)))
    }

    pub(super) fn from_residency(residency: Residency<Handle>) -> Self {
        Self(Mutex::new(residency))
    }

    fn lock(&self) -> MutexGuard<'_, Residency<Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The copies there are now.
    pub(super) fn copies(&self) -> Residency<Handle> {
        self.lock().clone()
    }

    /// The host copy, if there is one now.
    #[cfg(feature = "blocking")]
    pub(super) fn host(&self) -> Option<Arc<HostBuffer>> {
        self.lock().host().cloned()
    }

    #[cfg(feature = "gpu")]
    pub(super) fn add_host(&self, copy: Arc<HostBuffer>) {
        self.lock().add_host(copy);
    }

    #[cfg(feature = "gpu")]
    pub(super) fn add_device(&self, copy: Arc<Handle>) {
        self.lock().add_device(copy);
    }
}

/// The data of a run: a stored value for each leaf of its graph, a scalar for each slot.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) leaves: &'a [Arc<Stored>],
    pub(super) slots: &'a [Scalar],
}
