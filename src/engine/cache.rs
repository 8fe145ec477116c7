//! The plan cache: plans by the graph they are for and everything else they depend on; least recently used goes first.
//!
//! Graphs are found by hash and compared in full, and so is the context: no collision hands out the plan of another graph. Bounded
//! by entries and by the bytes that plans hold on to. Finding, adding and evicting each take a time that does not depend on how
//! much is kept. This room knows nothing of what is in a plan but its size.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;

use super::prepare::{Context, Prepared};
use crate::graph::{Graph, Known};

/// What an engine may keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) entries: usize,
    pub(super) bytes: usize,
    /// The bits of hashes that are looked at: all of them, but for tests of collisions.
    pub(super) mask: u64,
}

/// Plans by graph and context.
pub(super) struct PlanCache {
    bounds: Bounds,
    /// Places of entries, by the hash of their graph.
    index: HashTable<u32>,
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// The ends of the list by last use.
    newest: Option<u32>,
    oldest: Option<u32>,
    bytes: usize,
}

struct Entry {
    hash: u64,
    graph: Arc<Graph>,
    context: Context,
    prepared: Arc<Prepared>,
    bytes: usize,
    /// Neighbours in the list by last use.
    newer: Option<u32>,
    older: Option<u32>,
}

/// A graph with its hash.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) graph: Arc<Graph>,
    pub(super) hash: u64,
}

impl Asked {
    /// A graph that comes from no recorder.
    pub(super) fn new(graph: Graph) -> Self {
        Self { hash: graph.hash_value(), graph: Arc::new(graph) }
    }
}

impl PlanCache {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds: Bounds { entries: bounds.entries.clamp(1, u32::MAX as usize), ..bounds },
            index: HashTable::new(),
            entries: Vec::new(),
            free: Vec::new(),
            newest: None,
            oldest: None,
            bytes: 0,
        }
    }

    /// How many plans are kept, and how many bytes they hold on to.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.index.len(), self.bytes)
    }

    fn entry(&self, at: u32) -> Option<&Entry> {
        self.entries.get(at as usize).and_then(Option::as_ref)
    }

    fn entry_mut(&mut self, at: u32) -> Option<&mut Entry> {
        self.entries.get_mut(at as usize).and_then(Option::as_mut)
    }

    /// The place of the plan for this graph in this context.
    fn place(&self, asked: &Asked, context: &Context) -> Option<u32> {
        let hash = asked.hash & self.bounds.mask;
        let same = |e: &Entry| {
            e.hash == hash && e.context == *context && (Arc::ptr_eq(&e.graph, &asked.graph) || *e.graph == *asked.graph)
        };
        self.index.find(hash, |&at| self.entry(at).is_some_and(same)).copied()
    }

    pub(super) fn get(&mut self, asked: &Asked, context: &Context) -> Option<Arc<Prepared>> {
        let at = self.place(asked, context)?;
        if self.newest != Some(at) {
            self.unlink(at);
            self.link(at);
        }
        self.entry(at).map(|e| e.prepared.clone())
    }

    /// Keeps a plan and gives back what had to go for it, to be dropped outside the lock. The newest plan stays, however large.
    pub(super) fn insert(&mut self, asked: Asked, context: Context, prepared: Arc<Prepared>) -> Vec<Arc<Prepared>> {
        let mut gone = Vec::new();
        if let Some(at) = self.place(&asked, &context) {
            gone.extend(self.remove(at));
        }
        let bytes = asked.graph.bytes() + context.bytes() + prepared.bytes() + size_of::<Entry>();
        let hash = asked.hash & self.bounds.mask;
        let entry = Entry { hash, graph: asked.graph, context, prepared, bytes, newer: None, older: None };
        let at = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() as u32 - 1
        });
        self.entries[at as usize] = Some(entry);
        let entries = &self.entries;
        self.index.insert_unique(hash, at, |&i| entries[i as usize].as_ref().map_or(0, |e| e.hash));
        self.bytes += bytes;
        self.link(at);
        while self.index.len() > self.bounds.entries || self.bytes > self.bounds.bytes {
            let Some(oldest) = self.oldest.filter(|&o| o != at) else { break };
            gone.extend(self.remove(oldest));
        }
        gone
    }

    fn remove(&mut self, at: u32) -> Option<Arc<Prepared>> {
        self.unlink(at);
        let entry = self.entries.get_mut(at as usize)?.take()?;
        if let Ok(found) = self.index.find_entry(entry.hash, |&i| i == at) {
            found.remove();
        }
        self.free.push(at);
        self.bytes -= entry.bytes;
        Some(entry.prepared)
    }

    /// Takes an entry out of the list by last use.
    fn unlink(&mut self, at: u32) {
        let Some((newer, older)) = self.entry_mut(at).map(|e| (e.newer.take(), e.older.take())) else { return };
        match newer.and_then(|n| self.entry_mut(n)) {
            Some(n) => n.older = older,
            None => self.newest = older,
        }
        match older.and_then(|o| self.entry_mut(o)) {
            Some(o) => o.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Puts an entry at the new end of the list.
    fn link(&mut self, at: u32) {
        let before = self.newest.replace(at);
        if let Some(e) = self.entry_mut(at) {
            e.older = before;
        }
        match before.and_then(|b| self.entry_mut(b)) {
            Some(b) => b.newer = Some(at),
            None => self.oldest = Some(at),
        }
    }
}

impl Known for Mutex<PlanCache> {
    fn find(&self, hash: u64, same: &mut dyn FnMut(&Graph) -> bool) -> Option<Arc<Graph>> {
        let cache = self.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = hash & cache.bounds.mask;
        let mut found = |at: &u32| cache.entry(*at).is_some_and(|e| e.hash == hash && same(&e.graph));
        let at = cache.index.find(hash, |at| found(at)).copied()?;
        cache.entry(at).map(|e| e.graph.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::RunOptions;
    use crate::graph::{Op, UnaryOp};
    use crate::types::{DType, Shape};

    fn graph(n: usize) -> Graph {
        let leaf = crate::graph::LeafInfo { shape: Shape::new(&[n]), dtype: DType::F32 };
        let mut graph = Graph { leaves: vec![leaf], ..Graph::default() };
        let x = graph.add(Op::Leaf(0), &[]).unwrap();
        let y = graph.add(Op::Unary(UnaryOp::Exp), &[x]).unwrap();
        graph.roots = vec![y];
        graph
    }

    /// The cache held against a list that is searched in full, with hashes cut down to few bits and entries of several contexts.
    #[test]
    fn it_keeps_what_a_plain_list_would_keep() {
        let engine = crate::Engine::builder().device(crate::types::DeviceChoice::Cpu).build().unwrap();
        for mask in [u64::MAX, 7, 0] {
            let bounds = Bounds { entries: 5, bytes: usize::MAX, mask };
            let mut cache = PlanCache::new(bounds);
            let mut list: Vec<((usize, bool), Arc<Prepared>)> = Vec::new();
            let mut state = 1u64;
            for _ in 0..400 {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                let key = ((state >> 40) as usize % 8 + 1, state >> 63 == 0);
                let asked = Asked::new(graph(key.0));
                let context = Context::plain(RunOptions { plan: key.1, fuse: true });
                let at = list.iter().position(|(k, _)| *k == key);
                let found = cache.get(&asked, &context);
                match (at, found) {
                    (Some(at), Some(found)) => {
                        assert!(Arc::ptr_eq(&found, &list[at].1));
                        let entry = list.remove(at);
                        list.push(entry);
                    }
                    (None, None) => {
                        let made = Arc::new(engine.make(&asked.graph, &context).unwrap());
                        let gone = cache.insert(asked, context, made.clone());
                        list.push((key, made));
                        if list.len() > 5 {
                            assert!(Arc::ptr_eq(&gone[0], &list.remove(0).1) && gone.len() == 1);
                        }
                    }
                    (at, found) => panic!("{key:?}: expected at {at:?}, found {}", found.is_some()),
                }
                assert_eq!(cache.size().0, list.len());
            }
            while let Some(oldest) = cache.oldest {
                cache.remove(oldest);
            }
            assert_eq!((cache.size(), cache.newest), ((0, 0), None), "bytes are counted back to nothing");
        }
    }
}
