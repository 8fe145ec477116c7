//! Whole evaluations on the CPU device: recording, a cached plan, and the executor. `cargo bench --bench evaluate`.
//!
//! Compare ratios within one run only; docs/performance.md says with what.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lazurite::{Array, DType, DeviceChoice, Engine};

fn engine() -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).build().expect("an engine on the CPU needs no device")
}

fn uniform(e: &Engine, shape: &[usize]) -> Array {
    let a = e.rng_uniform(1, 0, shape, DType::F32).expect("f32 is a dtype of the generator");
    e.eval(&[&a]).expect("random elements");
    a
}

/// `max(tanh(x·1.1 + 0.3)·0.5 + √|x|, 0)^1.5 − z`
fn chain(x: &Array, z: &Array) -> Array {
    (((x * 1.1 + 0.3).tanh() * 0.5 + x.abs().sqrt()).maximum(0).pow(1.5)) - z
}

fn evaluate(c: &mut Criterion) {
    let e = engine();
    let run = |a: Array| e.eval(&[&a]).expect("an evaluation on the CPU");

    let (x, z) = (uniform(&e, &[16]), uniform(&e, &[16]));
    c.bench_function("chain of 8 operations, 16 elements, cached plan", |b| b.iter(|| run(chain(&x, &z))));

    let n = 1 << 22;
    let (x, z) = (uniform(&e, &[n]), uniform(&e, &[n]));
    let mut g = c.benchmark_group("memory");
    g.throughput(Throughput::Elements(n as u64));
    g.bench_function("chain of 8 operations, 4M", |b| b.iter(|| run(chain(&x, &z))));
    g.bench_function("sum, 4M", |b| b.iter(|| run(x.sum(.., false))));
    let m = uniform(&e, &[4096, 1024]);
    g.bench_function("softmax rows, 4096x1024", |b| b.iter(|| run(m.softmax(1))));
    g.bench_function("normalise rows, 4096x1024", |b| {
        b.iter(|| run((&m - &m.mean(1, true)) / &(m.var(1, 0, true) + 1e-6).sqrt()));
    });
    g.finish();

    let mut g = c.benchmark_group("products");
    let (a, other) = (uniform(&e, &[1024, 1024]), uniform(&e, &[1024, 1024]));
    g.bench_function("matmul 1024", |b| b.iter(|| run(a.matmul(&other))));
    let x = uniform(&e, &[8192, 256]);
    g.bench_function("centred covariance 8192x256", |b| {
        b.iter(|| {
            let xc = &x - &x.mean(0, true);
            run(xc.t().matmul(&xc) / 8191.0);
        });
    });
    g.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = evaluate
}
criterion_main!(benches);
