//! What planning costs: cold plans of small and large graphs, recording, and evaluations whose plan is cached.
//!
//! `cargo bench --bench planning`; `cargo bench --bench planning -- least` gives the least times of what a cached evaluation is made
//! of and of cold plans in every mode, further words which of them. docs/performance.md holds the figures and what they are held against.

#[path = "../tests/planning/planner/graphs.rs"]
mod graphs;

use std::hint::black_box;
use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use lazurite::inspect::PlanOptions;
use lazurite::inspect::graph::Graph;
use lazurite::unstable::planner::plan;
use lazurite::{Array, CostTable, DeviceChoice, Engine, Numerics};

/// Graphs to plan, and how often to take the time of each for a least one.
fn cold_graphs() -> [(&'static str, usize, Graph); 7] {
    [
        ("pca", 200, graphs::pca()),
        ("random 100", 100, graphs::random(100, 1)),
        ("random 1000", 40, graphs::random(1_000, 1)),
        ("transposes 1000", 40, graphs::transposes(1_000)),
        ("statements 300", 40, graphs::statements(300)),
        ("random 10000", 9, graphs::random(10_000, 1)),
        ("transposes 10000", 9, graphs::transposes(10_000)),
    ]
}

fn cold(c: &mut Criterion) {
    let options = PlanOptions::new(CostTable::cpu());
    let mut group = c.benchmark_group("cold plan");
    group.sample_size(10);
    for (name, _, graph) in cold_graphs() {
        group.bench_function(name, |b| b.iter(|| plan(black_box(&graph), &options)));
    }
    group.finish();
}

fn engine() -> Engine {
    Engine::builder()
        .device(DeviceChoice::Cpu)
        .max_pending(1_000_000)
        .build()
        .expect("an engine on the CPU needs no device")
}

fn vector(e: &Engine, n: usize) -> Array {
    let values: Vec<f32> = (0..n).map(|i| 0.5 + i as f32 / n as f32).collect();
    e.from_slice(&values, &[n]).expect("as many values as elements")
}

/// `n` operations of several kinds that merge with nothing: sums, products, functions and numbers that are no part of plans.
fn operations(x: &Array, y: &Array, n: usize) -> Array {
    let mut a = x.clone();
    for i in 0..n {
        a = match i % 5 {
            0 => &a + y,
            1 => &a * x,
            2 => a.abs(),
            3 => a.maximum(x),
            _ => &a - y,
        };
    }
    a
}

/// Ten operations, two of them with a number.
fn ten(x: &Array, y: &Array, number: f64) -> Array {
    let a = (x * number + y).tanh();
    let b = (&a - x).abs().sqrt();
    (&b * &a).maximum(y) / x + 0.25
}

fn recording(c: &mut Criterion) {
    let e = engine();
    let (x, y) = (vector(&e, 16), vector(&e, 16));
    let mut group = c.benchmark_group("recording");
    let n = 1_000;
    group.throughput(Throughput::Elements(n as u64));
    // The handle on the last operation goes outside the measurement, and the graph with it.
    group.bench_function("1000 operations", |b| {
        b.iter_batched(|| (), |()| operations(&x, &y, n), BatchSize::PerIteration);
    });
    group.bench_function("1000 operations and their release", |b| b.iter(|| drop(operations(&x, &y, n))));
    let all = operations(&x, &y, n);
    group.bench_function("1000 operations that are there already", |b| b.iter(|| drop(operations(&x, &y, n))));
    drop(all);
    group.finish();
}

fn cached(c: &mut Criterion) {
    let e = engine();
    let (x, y) = (vector(&e, 16), vector(&e, 16));
    let mut group = c.benchmark_group("cached");
    let mut number = 1.1;
    group.bench_function("10 operations, 16 elements: recorded, evaluated, read, released", |b| {
        b.iter(|| {
            number = if number > 2.9 { 1.1 } else { number + 0.001 };
            let a = ten(&x, &y, number);
            e.eval(&[&a]).expect("an evaluation on the CPU");
            a.to_host().expect("a stored value")
        });
    });
    group.bench_function("10 operations, 16 elements: the evaluation alone", |b| {
        b.iter_batched(
            || ten(&x, &y, 1.7),
            |a| {
                e.eval(&[&a]).expect("an evaluation on the CPU");
                a
            },
            BatchSize::PerIteration,
        );
    });
    for n in [10, 100, 1_000, 10_000] {
        let a = operations(&x, &y, n);
        e.eval(&[&a]).expect("an evaluation on the CPU");
        drop(a);
        let a = operations(&x, &y, n);
        assert!(e.look_up(&[&a]).expect("a lookup"), "the plan of {n} operations is cached");
        group.bench_function(format!("{n} operations, to the first kernel"), |b| b.iter(|| e.look_up(&[&a])));
    }
    group.bench_function("1000 operations, 16 elements: recorded, evaluated, released", |b| {
        b.iter(|| {
            let a = operations(&x, &y, 1_000);
            e.eval(&[&a]).expect("an evaluation on the CPU");
            a
        });
    });
    group.finish();
}

/// The least time of `work` in many batches of `n`, in nanoseconds for each: what it costs when nothing else disturbs it.
/// Criterion's means are for comparing; on a machine that does other things besides, these are what can be held against a target.
fn least<T>(what: &str, n: usize, per: usize, work: impl FnMut() -> T) {
    least_of(400, what, n, per, work);
}

/// As [`least`], of so many batches.
fn least_of<T>(batches: usize, what: &str, n: usize, per: usize, mut work: impl FnMut() -> T) {
    if !std::env::args().skip_while(|a| a != "least").skip(1).all(|part| what.contains(&part) || part == "--bench") {
        return;
    }
    let mut times: Vec<f64> = (0..batches)
        .map(|_| {
            // What the work gives is dropped outside the measurement, before the next.
            let mut given = Vec::with_capacity(n);
            let began = Instant::now();
            (0..n).for_each(|_| given.push(work()));
            began.elapsed().as_nanos() as f64 / (n * per) as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (quarter, median) = (times[batches / 4], times[batches / 2]);
    println!("{what}: least {:.1} ns, quarter {quarter:.1} ns, median {median:.1} ns", times[0]);
}

fn minima() {
    let e = engine();
    let (x, y) = (vector(&e, 16), vector(&e, 16));
    least("recording, for each of 1000 operations", 1, 1000, || operations(&x, &y, 1000));
    least("recording and releasing, for each of 1000 operations", 1, 1000, || drop(operations(&x, &y, 1000)));
    least("10 operations on 16 elements: recorded and released", 20, 1, || drop(ten(&x, &y, 1.3)));
    let mut number = 1.1;
    least("10 operations on 16 elements: recorded, evaluated, read, released", 20, 1, || {
        number = if number > 2.9 { 1.1 } else { number + 0.001 };
        let a = ten(&x, &y, number);
        e.eval(&[&a]).expect("an evaluation on the CPU");
        drop(a.to_host());
    });
    for n in [10, 100, 1_000, 10_000] {
        e.eval(&[&operations(&x, &y, n)]).expect("an evaluation on the CPU");
        let a = operations(&x, &y, n);
        let what = format!("{n} operations, cached: to the first kernel");
        least(&what, (1000 / n).max(1), 1, || assert!(e.look_up(&[&a]).expect("a lookup")));
    }
    least("1000 operations on 16 elements: recorded, evaluated, released", 1, 1, || {
        e.eval(&[&operations(&x, &y, 1_000)]).expect("an evaluation on the CPU");
    });
    for numerics in [Numerics::Strict, Numerics::Standard, Numerics::Fast] {
        let options = PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) };
        for (name, batches, graph) in cold_graphs() {
            least_of(batches, &format!("cold plan, {numerics}, {name}"), 1, 1, || plan(black_box(&graph), &options));
        }
    }
}

criterion_group!(benches, recording, cached, cold);

fn main() {
    if std::env::args().any(|a| a == "least") {
        return minima();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
