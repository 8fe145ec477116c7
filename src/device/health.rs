//! Whether the device is still there, and how wgpu's errors become ours.
//!
//! wgpu panics on an error that nobody catches, and reports nothing at all once a device is destroyed. So every call that
//! can fail runs inside error scopes, a handler catches what slips past them, and the loss of the device is remembered here.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::lock::lock;
use crate::error::{Error, Result};

/// The state of a device, shared with the callbacks it was given.
#[derive(Default)]
pub(super) struct Health {
    lost: AtomicBool,
    reason: Mutex<String>,
    /// The first error that no scope caught; the next call that can fail reports it.
    uncaught: Mutex<Option<Error>>,
}

impl Health {
    /// Installs the callbacks of a new device.
    pub fn watch(device: &wgpu::Device) -> Arc<Self> {
        let health = Arc::new(Self::default());
        let on_loss = health.clone();
        device.set_device_lost_callback(move |reason, message| {
            on_loss.lose(&if message.is_empty() { format!("{reason:?}") } else { message });
        });
        let on_error = health.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            tracing::error!("an error of the device came outside of any call: {error}");
            lock(&on_error.uncaught).get_or_insert_with(|| translate(error, "work in the background"));
        }));
        health
    }

    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Remembers that the device is gone; the first reason stays.
    pub fn lose(&self, reason: &str) {
        let mut text = lock(&self.reason);
        if text.is_empty() {
            reason.clone_into(&mut text);
        }
        self.lost.store(true, Ordering::Release);
    }

    /// An error when the device is gone, or when something failed since the last call.
    pub fn check(&self) -> Result<()> {
        if self.is_lost() {
            return Err(Error::device_lost(format!("the device was lost: {}", lock(&self.reason))));
        }
        lock(&self.uncaught).take().map_or(Ok(()), Err)
    }

    /// Runs `work` so that every error it causes is returned. `what` names the work, and is asked only for a message.
    ///
    /// Scopes belong to the thread, so `work` must do all its calls here and now.
    pub fn guard<T>(
        &self,
        device: &wgpu::Device,
        what: impl FnOnce() -> String,
        work: impl FnOnce() -> T,
    ) -> Result<T> {
        self.check()?;
        // A browser resolves a scope only later: there errors reach the handler of `watch` instead.
        if cfg!(target_arch = "wasm32") {
            let out = work();
            return self.check().map(|()| out);
        }
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let out = work();
        // Scopes close in reverse order. Out of memory goes before all that follows from it.
        let (internal, memory, validation) =
            (at_once(internal.pop()), at_once(memory.pop()), at_once(validation.pop()));
        if self.is_lost() {
            self.check()?;
        }
        match memory.or(validation).or(internal) {
            Some(error) => Err(translate(error, &what())),
            None => Ok(out),
        }
    }

    /// Waits until the device has finished `submission` (or all it was sent) and ran the callbacks of finished work.
    ///
    /// wgpu panics when a device is lost while it waits; that panic ends here.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(&self, device: &wgpu::Device, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let poll = || device.poll(wgpu::PollType::Wait { submission_index: submission, timeout: None });
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => {
                self.check()?;
                Err(Error::internal(format!("waiting for the device failed: {e}")))
            }
            Err(_) => {
                self.lose("it stopped responding while it was waited for");
                self.check()
            }
        }
    }
}

/// The error of lazurite that stands for one of wgpu's.
pub(super) fn translate(error: wgpu::Error, what: &str) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::out_of_memory(format!("the device has no memory left for {what}")),
        wgpu::Error::Validation { description, .. } => {
            Error::internal(format!("{what} was refused by the device's validation: {}", description.trim()))
        }
        wgpu::Error::Internal { description, .. } => {
            Error::internal(format!("{what} failed inside the driver: {}", description.trim()))
        }
    }
}

/// The result of a future that is known to be ready: on native platforms a closed scope has its error at hand.
fn at_once<T>(future: impl Future<Output = Option<T>>) -> Option<T> {
    let future = std::pin::pin!(future);
    match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(out) => out,
        std::task::Poll::Pending => None,
    }
}
