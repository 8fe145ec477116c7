//! Where the user's program is, per thread: the origin that recorded nodes and errors carry.

#[cfg(feature = "blocking")]
use std::cell::Cell;
use std::cell::RefCell;

use crate::types::Origin;

thread_local! {
    static STACK: RefCell<Vec<Origin>> = const { RefCell::new(Vec::new()) };
    #[cfg(feature = "blocking")]
    static FLUSHING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with `origin` as the innermost place.
pub(crate) fn with<T>(origin: Origin, work: impl FnOnce() -> T) -> T {
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            STACK.with_borrow_mut(Vec::pop);
        }
    }
    STACK.with_borrow_mut(|s| s.push(origin));
    let _pop = Pop;
    work()
}

/// The innermost place.
pub(crate) fn current() -> Option<Origin> {
    STACK.with_borrow(|s| s.last().cloned())
}

/// Runs `work` with the innermost place, which is not copied for it. `work` may not come back here.
pub(crate) fn with_current<T>(work: impl FnOnce(Option<&Origin>) -> T) -> T {
    STACK.with_borrow(|s| work(s.last()))
}

/// Whether this thread is evaluating ahead of demand, which must not nest.
#[cfg(feature = "blocking")]
pub(super) fn is_flushing() -> bool {
    FLUSHING.get()
}

/// Marks the thread as evaluating ahead of demand.
#[cfg(feature = "blocking")]
pub(super) fn while_flushing(work: impl FnOnce()) {
    FLUSHING.set(true);
    work();
    FLUSHING.set(false);
}
