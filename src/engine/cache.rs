//! The plan cache: least recently used goes first, bounded by entries and by bytes.

use std::sync::Arc;

use hashbrown::HashMap;

use super::prepare::Prepared;
use crate::graph::PlanKey;

/// Bytes of graphs, schedules and kernel text that the cache may hold on to.
const MAX_BYTES: usize = 256 << 20;

/// Plans by key.
pub(super) struct PlanCache {
    plans: HashMap<PlanKey, Entry>,
    max_entries: usize,
    bytes: usize,
    clock: u64,
}

struct Entry {
    prepared: Arc<Prepared>,
    used: u64,
    bytes: usize,
}

impl PlanCache {
    pub(super) fn new(max_entries: usize) -> Self {
        Self { plans: HashMap::new(), max_entries: max_entries.max(1), bytes: 0, clock: 0 }
    }

    pub(super) fn get(&mut self, key: &PlanKey) -> Option<Arc<Prepared>> {
        self.clock += 1;
        let entry = self.plans.get_mut(key)?;
        entry.used = self.clock;
        Some(entry.prepared.clone())
    }

    /// Keeps a plan and gives back what had to go for it, to be dropped outside the lock.
    pub(super) fn insert(&mut self, key: PlanKey, prepared: Arc<Prepared>) -> Vec<Arc<Prepared>> {
        self.clock += 1;
        let bytes = key.bytes() + prepared.bytes();
        self.bytes += bytes;
        let mut gone = Vec::new();
        if let Some(old) = self.plans.insert(key, Entry { prepared, used: self.clock, bytes }) {
            self.bytes -= old.bytes;
            gone.push(old.prepared);
        }
        while self.plans.len() > self.max_entries || (self.bytes > MAX_BYTES && self.plans.len() > 1) {
            let Some(oldest) = self.plans.iter().min_by_key(|(_, e)| e.used).map(|(k, _)| k.clone()) else { break };
            if let Some(old) = self.plans.remove(&oldest) {
                self.bytes -= old.bytes;
                gone.push(old.prepared);
            }
        }
        gone
    }
}
