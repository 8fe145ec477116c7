//! Where the value of a stored array lives: on the host, on the device, or on both.
//!
//! In come copies as they are made, out go shared handles to them. Values never change once stored, so two copies are
//! always equal and there is no dirty bit; all that can happen to a copy is to appear and to go away.

use std::sync::Arc;

use crate::types::HostBuffer;

/// Where a value can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Nowhere: not computed yet, or lost with its device.
    Nowhere,
    /// In host memory only.
    Host,
    /// In device memory only.
    Device,
    /// In both.
    Both,
}

/// The copies of one stored value.
#[derive(Debug)]
pub struct Residency<H> {
    host: Option<Arc<HostBuffer>>,
    device: Option<Arc<H>>,
}

impl<H> Residency<H> {
    /// A value that nobody holds yet.
    #[must_use]
    pub fn nowhere() -> Self {
        Self { host: None, device: None }
    }

    /// A value in host memory.
    #[must_use]
    pub fn on_host(copy: Arc<HostBuffer>) -> Self {
        Self { host: Some(copy), device: None }
    }

    /// A value in device memory.
    #[must_use]
    pub fn on_device(copy: Arc<H>) -> Self {
        Self { host: None, device: Some(copy) }
    }

    /// Where the value is.
    #[must_use]
    pub fn place(&self) -> Place {
        match (&self.host, &self.device) {
            (None, None) => Place::Nowhere,
            (Some(_), None) => Place::Host,
            (None, Some(_)) => Place::Device,
            (Some(_), Some(_)) => Place::Both,
        }
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
    pub fn add_device(&mut self, copy: Arc<H>) {
        self.device.get_or_insert(copy);
    }

    /// Gives the device copy up when the host has one too; the handle comes back to be dropped outside any lock. The last
    /// copy of a value never goes this way.
    pub fn release_device(&mut self) -> Option<Arc<H>> {
        if self.host.is_some() { self.device.take() } else { None }
    }

    /// Gives the host copy up when the device has one too; it comes back to be dropped outside any lock.
    pub fn release_host(&mut self) -> Option<Arc<HostBuffer>> {
        if self.device.is_some() { self.host.take() } else { None }
    }

    /// The device is gone: takes its copy away even if it was the only one. [`Residency::place`] then tells whether the
    /// value survived.
    pub fn lose_device(&mut self) -> Option<Arc<H>> {
        self.device.take()
    }
}

impl<H> Clone for Residency<H> {
    /// Shares the copies; needs no `H: Clone`.
    fn clone(&self) -> Self {
        Self { host: self.host.clone(), device: self.device.clone() }
    }
}

impl<H> Default for Residency<H> {
    fn default() -> Self {
        Self::nowhere()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(value: f32) -> Arc<HostBuffer> {
        Arc::new(HostBuffer::from_slice(&[value]).unwrap())
    }

    #[test]
    fn the_last_copy_is_never_released() {
        let mut r = Residency::on_device(Arc::new("d"));
        assert!(r.release_device().is_none());
        r.add_host(host(1.0));
        assert_eq!(r.place(), Place::Both);
        assert_eq!(r.release_device().as_deref(), Some(&"d"));
        assert_eq!(r.place(), Place::Host);
        assert!(r.release_host().is_none());
    }

    #[test]
    fn the_first_copy_stays() {
        let first = host(1.0);
        let mut r = Residency::<()>::on_host(first.clone());
        r.add_host(host(1.0));
        assert!(Arc::ptr_eq(r.host().unwrap(), &first));
    }

    #[test]
    fn a_lost_device_takes_what_only_it_had() {
        let mut both = Residency::on_host(host(2.0));
        both.add_device(Arc::new(1u8));
        let mut only = Residency::on_device(Arc::new(2u8));
        assert!(both.lose_device().is_some() && only.lose_device().is_some());
        assert_eq!((both.place(), only.place()), (Place::Host, Place::Nowhere));
    }
}
