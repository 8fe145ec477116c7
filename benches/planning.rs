//! What planning costs: cold plans of small and large graphs, recording, and evaluations whose plan is cached.
//!
//! `cargo bench --bench planning`; docs/performance.md holds the figures and what they are held against.

#[path = "../tests/planner/graphs.rs"]
mod graphs;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lazurite::planner::{PlanOptions, plan};
use lazurite::types::CostTable;

fn cold(c: &mut Criterion) {
    let options = PlanOptions::new(CostTable::cpu());
    let mut group = c.benchmark_group("cold plan");
    group.sample_size(10);
    let graphs = [
        ("pca", graphs::pca()),
        ("random 1000", graphs::random(1_000, 1)),
        ("transposes 1000", graphs::transposes(1_000)),
        ("random 10000", graphs::random(10_000, 1)),
        ("transposes 10000", graphs::transposes(10_000)),
    ];
    for (name, graph) in graphs {
        group.bench_function(name, |b| b.iter(|| plan(black_box(&graph), &options)));
    }
    group.finish();
}

criterion_group!(benches, cold);
criterion_main!(benches);
