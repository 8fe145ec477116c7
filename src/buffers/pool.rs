//! A pool of buffers in size classes, bounded in bytes, that evicts the least recently returned buffers first.
//!
//! A request comes in as a byte count and is answered with a pooled handle of its class, or with `None`: then the caller
//! creates a buffer of the class's size and reports it with [`Pool::created`]. The pool never creates or frees a handle itself,
//! and returns evicted handles, so that the caller drops them outside its lock.

use std::collections::BTreeMap;

/// The smallest class: requests below it share it.
const SMALLEST: u64 = 256;

/// The size of the class that serves a request of `bytes`: a power of two times 1, 1¼, 1½ or 1¾, and at least 256.
///
/// A quarter step wastes at most a fifth of a buffer, and the classes are few enough for buffers to be reused. Sizes
/// above 2^62 are returned unrounded: no device has them.
#[must_use]
pub fn size_class(bytes: u64) -> u64 {
    if bytes <= SMALLEST {
        return SMALLEST;
    }
    if bytes > 1 << 62 {
        return bytes;
    }
    // The largest power of two below the request; a quarter of it is the step.
    let base = 1u64 << (bytes - 1).ilog2();
    bytes.next_multiple_of(base / 4)
}

/// What a pool has done so far, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Handles that were created because no pooled one fitted.
    pub created: u64,
    /// Requests that a pooled handle answered.
    pub reused: u64,
    /// Handles evicted to keep within the budget.
    pub evicted: u64,
    /// Bytes handed out and not yet returned.
    pub live_bytes: u64,
    /// Bytes held for reuse.
    pub pooled_bytes: u64,
    /// The most bytes that were live at one time.
    pub peak_live_bytes: u64,
}

/// Returned buffers by size class.
#[derive(Debug)]
pub struct Pool<H> {
    /// Bytes that may wait for reuse.
    budget: u64,
    /// The largest class: devices limit the size of a buffer, and no class may round a legal request beyond that.
    largest: u64,
    /// Per class the returned handles with their return ticks, oldest first.
    classes: BTreeMap<u64, std::collections::VecDeque<(u64, H)>>,
    /// Return tick → class, so that the oldest handle of all is found at once.
    order: BTreeMap<u64, u64>,
    tick: u64,
    stats: PoolStats,
}

impl<H> Pool<H> {
    /// An empty pool that keeps at most `budget` bytes for reuse and has no class above `largest` bytes.
    #[must_use]
    pub fn new(budget: u64, largest: u64) -> Self {
        Self { budget, largest, classes: BTreeMap::new(), order: BTreeMap::new(), tick: 0, stats: PoolStats::default() }
    }

    /// The size of the buffer that serves `bytes`: its class, or the largest class if rounding would exceed it. A request
    /// above the largest class is returned as it is; the caller refuses it.
    #[must_use]
    pub fn class(&self, bytes: u64) -> u64 {
        if bytes > self.largest { bytes } else { size_class(bytes).min(self.largest.max(SMALLEST)) }
    }

    /// A pooled handle of the class of `bytes`, the most recently returned one, now live; `None` when there is none.
    pub fn take(&mut self, bytes: u64) -> Option<H> {
        let class = self.class(bytes);
        let (tick, handle) = self.classes.get_mut(&class)?.pop_back()?;
        self.order.remove(&tick);
        self.stats.pooled_bytes -= class;
        self.stats.reused += 1;
        self.live(class);
        Some(handle)
    }

    /// Reports that the caller created a handle for `bytes`, now live.
    pub fn created(&mut self, bytes: u64) {
        let class = self.class(bytes);
        self.stats.created += 1;
        self.live(class);
    }

    /// Withdraws a report of [`Pool::created`]: the handle could not be created.
    pub fn not_created(&mut self, bytes: u64) {
        self.stats.created -= 1;
        self.forget(bytes);
    }

    /// Returns a live handle that served `bytes` to the pool. The handles that it returns in turn are over the budget: drop them
    /// once no lock is held.
    #[must_use = "evicted handles are freed by dropping them outside any lock"]
    pub fn give(&mut self, bytes: u64, handle: H) -> Vec<H> {
        let class = self.class(bytes);
        self.stats.live_bytes = self.stats.live_bytes.saturating_sub(class);
        if class > self.budget {
            self.stats.evicted += 1;
            return vec![handle];
        }
        self.tick += 1;
        self.order.insert(self.tick, class);
        self.classes.entry(class).or_default().push_back((self.tick, handle));
        self.stats.pooled_bytes += class;
        self.trim(self.budget)
    }

    /// Reports that a live handle which served `bytes` was dropped instead of returned.
    pub fn forget(&mut self, bytes: u64) {
        self.stats.live_bytes = self.stats.live_bytes.saturating_sub(self.class(bytes));
    }

    /// Evicts the oldest handles until at most `bytes` are held for reuse.
    #[must_use = "evicted handles are freed by dropping them outside any lock"]
    pub fn trim(&mut self, bytes: u64) -> Vec<H> {
        let mut evicted = Vec::new();
        while self.stats.pooled_bytes > bytes {
            let Some((_, class)) = self.order.pop_first() else { break };
            // The oldest tick of all is the oldest of its class, which is that class's front.
            let Some((_, handle)) = self.classes.get_mut(&class).and_then(std::collections::VecDeque::pop_front) else {
                break;
            };
            self.stats.pooled_bytes -= class;
            self.stats.evicted += 1;
            evicted.push(handle);
        }
        self.classes.retain(|_, handles| !handles.is_empty());
        evicted
    }

    /// Counters and sizes.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.stats
    }

    fn live(&mut self, class: u64) {
        self.stats.live_bytes += class;
        self.stats.peak_live_bytes = self.stats.peak_live_bytes.max(self.stats.live_bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn classes_are_quarter_steps() {
        let table =
            [(0, 256), (1, 256), (256, 256), (257, 320), (320, 320), (321, 384), (449, 512), (513, 640), (1025, 1280)];
        for (bytes, class) in table {
            assert_eq!(size_class(bytes), class, "class of {bytes}");
        }
        assert_eq!(size_class((1 << 40) + 1), (1 << 40) + (1 << 38));
        assert_eq!(size_class(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_largest_class_is_the_devices() {
        let mut pool = Pool::<u32>::new(1 << 20, 1000);
        assert_eq!(pool.class(999), 1000);
        assert_eq!(pool.class(1001), 1001);
        pool.created(999);
        assert!(pool.give(999, 7).is_empty());
        assert_eq!(pool.take(960), Some(7), "960 rounds to 1024, past the largest, and so shares its class");
    }

    #[test]
    fn the_newest_is_taken_and_the_oldest_evicted() {
        let mut pool = Pool::new(600, u64::MAX);
        for handle in ["a", "b"] {
            pool.created(256);
            assert!(pool.give(256, handle).is_empty());
        }
        pool.created(300);
        assert_eq!(pool.give(300, "c"), ["a"], "832 bytes are over 600: the oldest goes");
        assert_eq!(pool.take(10), Some("b"));
        assert_eq!(pool.take(10), None);
        assert_eq!(pool.take(310), Some("c"));
        let stats = pool.stats();
        assert_eq!((stats.created, stats.reused, stats.evicted), (3, 2, 1));
        assert_eq!((stats.live_bytes, stats.pooled_bytes), (256 + 320, 0));
    }

    #[test]
    fn a_buffer_above_the_budget_is_never_kept() {
        let mut pool = Pool::new(1 << 10, u64::MAX);
        pool.created(1 << 12);
        assert_eq!(pool.give(1 << 12, 1), [1]);
        assert_eq!(pool.stats().pooled_bytes, 0);
        assert_eq!(pool.stats().live_bytes, 0);
    }

    #[test]
    fn a_handle_that_could_not_be_made_does_not_count() {
        let mut pool = Pool::<()>::new(1 << 10, u64::MAX);
        pool.created(700);
        pool.not_created(700);
        let stats = pool.stats();
        assert_eq!((stats.created, stats.live_bytes), (0, 0));
    }

    #[test]
    fn trimming_empties_the_pool() {
        let mut pool = Pool::new(u64::MAX, u64::MAX);
        for handle in 0..5 {
            pool.created(1000 * handle);
            assert!(pool.give(1000 * handle, handle).is_empty());
        }
        assert_eq!(pool.trim(0), [0, 1, 2, 3, 4], "in the order of their return");
        assert_eq!(pool.stats().pooled_bytes, 0);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Take(u64),
        Give(usize),
        Forget(usize),
        Trim(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u64..5000).prop_map(Step::Take),
            3 => any::<usize>().prop_map(Step::Give),
            1 => any::<usize>().prop_map(Step::Forget),
            1 => (0u64..8000).prop_map(Step::Trim),
        ]
    }

    proptest! {
        /// Whatever the order of requests and returns, a live handle is never handed out again, a handle is large enough
        /// for its request, and the byte counters are those of a plain list.
        #[test]
        fn no_handle_is_handed_out_twice(steps in prop::collection::vec(step(), 1..200), budget in 0u64..20_000) {
            let mut pool = Pool::new(budget, 4096);
            // A handle is its number and its true size; `live` holds what the pool handed out with the request.
            let mut live: Vec<((u64, u64), u64)> = Vec::new();
            let mut gone: Vec<u64> = Vec::new();
            let mut n_made = 0;
            for step in steps {
                match step {
                    Step::Take(bytes) => {
                        let handle = pool.take(bytes).unwrap_or_else(|| {
                            pool.created(bytes);
                            n_made += 1;
                            (n_made, pool.class(bytes))
                        });
                        prop_assert!(handle.1 >= bytes);
                        prop_assert!(live.iter().all(|(h, _)| h.0 != handle.0), "handle {} is live twice", handle.0);
                        prop_assert!(!gone.contains(&handle.0), "handle {} came back from the dead", handle.0);
                        live.push((handle, bytes));
                    }
                    Step::Give(i) if !live.is_empty() => {
                        let (handle, bytes) = live.swap_remove(i % live.len());
                        gone.extend(pool.give(bytes, handle).into_iter().map(|h| h.0));
                    }
                    Step::Forget(i) if !live.is_empty() => {
                        let (handle, bytes) = live.swap_remove(i % live.len());
                        pool.forget(bytes);
                        gone.push(handle.0);
                    }
                    Step::Trim(bytes) => {
                        gone.extend(pool.trim(bytes).into_iter().map(|h| h.0));
                        prop_assert!(pool.stats().pooled_bytes <= bytes);
                    }
                    Step::Give(_) | Step::Forget(_) => {}
                }
                let stats = pool.stats();
                prop_assert!(stats.pooled_bytes <= budget);
                prop_assert_eq!(stats.live_bytes, live.iter().map(|(h, _)| h.1).sum::<u64>());
                prop_assert_eq!(stats.created, n_made);
            }
            let pooled: Vec<_> = pool.trim(0);
            prop_assert_eq!(pooled.len() + live.len() + gone.len(), n_made as usize, "a handle was lost");
        }
    }
}
