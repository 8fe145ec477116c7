//! Where the value of a stored array lives: on the host, on the device, or on both.
//!
//! In come copies as they are made, out go shared handles to them. Values never change once stored, so two copies are
//! always equal and there is no dirty bit: copies are only added.

use std::sync::Arc;

use crate::types::HostBuffer;

/// The copies of one stored value.
#[derive(Debug)]
pub struct Residency<H> {
    host: Option<Arc<HostBuffer>>,
    device: Option<Arc<H>>,
}

impl<H> Residency<H> {
    /// A value without a copy.
    #[must_use]
    pub fn nowhere() -> Self {
        Self { host: None, device: None }
    }

    /// A value in host memory.
    #[must_use]
    pub fn on_host(copy: Arc<HostBuffer>) -> Self {
        Self { host: Some(copy), device: None }
    }

    /// Whether there is no copy: the value is not computed yet.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        self.host.is_none() && self.device.is_none()
    }

    /// The host copy.
    #[must_use]
    pub fn host(&self) -> Option<&Arc<HostBuffer>> {
        self.host.as_ref()
    }

    /// The device copy.
    #[must_use]
    pub fn device(&self) -> Option<&Arc<H>> {
        self.device.as_ref()
    }

    /// Adds a host copy. A copy that is already there stays: others may share it, and the two are equal.
    pub fn add_host(&mut self, copy: Arc<HostBuffer>) {
        self.host.get_or_insert(copy);
    }

    /// Adds a device copy. A copy that is already there stays.
    #[cfg(feature = "gpu")]
    pub fn add_device(&mut self, copy: Arc<H>) {
        self.device.get_or_insert(copy);
    }
}

impl<H> Clone for Residency<H> {
    /// Shares the copies; needs no `H: Clone`.
    fn clone(&self) -> Self {
        Self { host: self.host.clone(), device: self.device.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(value: f32) -> Arc<HostBuffer> {
        Arc::new(HostBuffer::from_slice(&[value]).unwrap())
    }

    #[test]
    fn the_first_copy_stays() {
        let first = host(1.0);
        let mut r = Residency::<()>::on_host(first.clone());
        r.add_host(host(1.0));
        assert!(Arc::ptr_eq(r.host().unwrap(), &first));
    }
}
