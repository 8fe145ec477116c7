//! The plan cache: plans by the graph they are for and everything else they depend on; the least recently used is dropped first.
//!
//! Graphs are found by hash and compared in full, and so is the context: no collision hands out the plan of another graph. Bounded
//! by entries and by the bytes that plans hold on to. This file knows nothing of what is in a plan but its size.

use std::sync::{Arc, Mutex, PoisonError};

use super::prepared::{Context, Prepared};
use crate::algorithms::{Lru, Position};
use crate::graph::{Graph, GraphLookup};

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
    plans: Lru<Entry>,
}

struct Entry {
    graph: Arc<Graph>,
    context: Context,
    prepared: Arc<Prepared>,
}

/// A graph with its hash.
#[derive(Clone, Debug)]
pub(super) struct HashedGraph {
    pub(super) graph: Arc<Graph>,
    pub(super) hash: u64,
}

impl HashedGraph {
    /// A graph that comes from no recorder.
    pub(super) fn new(graph: Graph) -> Self {
        Self { hash: graph.hash_value(), graph: Arc::new(graph) }
    }
}

/// What a plan is kept under.
#[derive(Clone, Debug)]
pub(super) struct PlanKey {
    pub(super) graph: HashedGraph,
    pub(super) context: Context,
}

impl PlanCache {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, plans: Lru::default() }
    }

    /// How many plans are kept, and how many bytes they hold on to.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.plans.len(), self.plans.weight())
    }

    /// The place of the plan for this graph in this context.
    fn place(&self, graph: &HashedGraph, context: &Context) -> Option<Position> {
        self.plans.find(graph.hash & self.bounds.mask, |e| {
            e.context == *context && (Arc::ptr_eq(&e.graph, &graph.graph) || *e.graph == *graph.graph)
        })
    }

    pub(super) fn get(&mut self, graph: &HashedGraph, context: &Context) -> Option<Arc<Prepared>> {
        let place = self.place(graph, context)?;
        self.plans.touch(place).map(|e| e.prepared.clone())
    }

    /// Keeps a plan and gives back those it displaced, to be dropped outside the lock. The newest plan stays, however large.
    pub(super) fn insert(&mut self, key: PlanKey, prepared: Arc<Prepared>) -> Vec<Arc<Prepared>> {
        let PlanKey { graph, context } = key;
        let known = self.place(&graph, &context);
        let mut displaced: Vec<_> = known.and_then(|place| self.plans.remove(place)).into_iter().collect();
        let bytes = graph.graph.bytes() + context.bytes() + prepared.bytes() + size_of::<Entry>();
        let entry = Entry { graph: graph.graph, context, prepared };
        self.plans.insert(graph.hash & self.bounds.mask, bytes, entry);
        while self.plans.len() > self.bounds.entries || self.plans.weight() > self.bounds.bytes {
            let Some(oldest) = self.plans.remove_oldest() else { break };
            displaced.push(oldest);
        }
        displaced.into_iter().map(|e| e.prepared).collect()
    }
}

impl GraphLookup for Mutex<PlanCache> {
    fn find(&self, hash: u64, same: &mut dyn FnMut(&Graph) -> bool) -> Option<Arc<Graph>> {
        let cache = self.lock().unwrap_or_else(PoisonError::into_inner);
        let place = cache.plans.find(hash & cache.bounds.mask, |e| same(&e.graph))?;
        cache.plans.get(place).map(|e| e.graph.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::{Lcg, Random};
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
            let mut random = Lcg(1);
            for _ in 0..400 {
                let key = (random.below(8) + 1, random.one_in(2));
                let asked = HashedGraph::new(graph(key.0));
                let context = Context::on_cpu(&engine.0.settings, RunOptions { plan: key.1, fuse: true }, &[]);
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
                        let gone = cache.insert(PlanKey { graph: asked, context }, made.clone());
                        list.push((key, made));
                        if list.len() > 5 {
                            assert!(Arc::ptr_eq(&gone[0], &list.remove(0).1) && gone.len() == 1);
                        }
                    }
                    (at, found) => panic!("{key:?}: expected at {at:?}, found {}", found.is_some()),
                }
                assert_eq!(cache.size().0, list.len());
            }
        }
    }
}
