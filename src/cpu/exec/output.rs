//! Results under construction, written by several threads at once in disjoint places.

use std::marker::PhantomData;

use crate::types::{DType, Element, HostBuffer};

/// A buffer that many tasks fill.
pub(crate) struct SharedOutput<'a> {
    data: *mut u8,
    len: usize,
    dtype: DType,
    buffer: PhantomData<&'a mut HostBuffer>,
}

// SAFETY: the pointer is to memory borrowed exclusively for 'a, and callers of the unsafe `slice` promise disjoint ranges.
unsafe impl Send for SharedOutput<'_> {}
// SAFETY: as above; there is no access but through `slice`.
unsafe impl Sync for SharedOutput<'_> {}

impl<'a> SharedOutput<'a> {
    /// An output that fills a buffer.
    pub(crate) fn new(buffer: &'a mut HostBuffer) -> Self {
        let (len, dtype) = (buffer.len(), buffer.dtype());
        Self { data: buffer.bytes_mut().as_mut_ptr(), len, dtype, buffer: PhantomData }
    }

    /// Elements `start .. start + n`, to write. Out of range or another type gives an empty slice: nothing is written.
    ///
    /// # Safety
    /// No other slice alive at the same time may overlap this one.
    #[expect(clippy::mut_from_ref, reason = "disjointness is the caller's promise, as with a split slice")]
    pub(crate) unsafe fn slice<T: Element>(&self, start: usize, n: usize) -> &mut [T] {
        if start.checked_add(n).is_none_or(|end| end > self.len) || size_of::<T>() != self.dtype.size() {
            debug_assert!(false, "a store of {n} at {start} outside {} elements of {}", self.len, self.dtype);
            return &mut [];
        }
        // SAFETY: the range lies inside the buffer, whose memory is aligned to 8 bytes and lives for 'a; element types are
        // plain data of the dtype's size; the caller promises that no other slice overlaps.
        unsafe { std::slice::from_raw_parts_mut(self.data.cast::<T>().add(start), n) }
    }
}
