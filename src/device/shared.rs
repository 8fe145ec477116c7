//! wgpu's objects as fields and locals whose thread safety the compiler need not work out.
//!
//! Whether a type is `Send` is decided field by field, and wgpu's objects nest deeper than the compiler's default recursion limit. A
//! crate that spawns a future which holds one would have to raise that limit. [`Shared`] ends the search: every object of
//! wgpu in a struct, or alive while a future waits, is held in it.

use std::ops::Deref;

/// An object of wgpu.
#[derive(Clone, Debug)]
pub(super) struct Shared<T>(pub(super) T);

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Compiles only for what may cross threads.
#[cfg(not(target_arch = "wasm32"))]
const fn crosses_threads<T: Send + Sync>() {}

/// Declares that objects cross threads. On wasm32 wgpu's do not, and then neither do these.
macro_rules! cross_threads {
    ($($object:ident),* $(,)?) => { $(
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = crosses_threads::<wgpu::$object>();
        // SAFETY: the line above compiles only if the object is `Send`.
        #[cfg(not(target_arch = "wasm32"))]
        unsafe impl Send for Shared<wgpu::$object> {}
        // SAFETY: as above, for `Sync`.
        #[cfg(not(target_arch = "wasm32"))]
        unsafe impl Sync for Shared<wgpu::$object> {}
    )* };
}
cross_threads!(
    Adapter,
    BindGroup,
    BindGroupLayout,
    Buffer,
    ComputePipeline,
    Device,
    PipelineCache,
    PipelineLayout,
    Queue,
    SubmissionIndex,
);
