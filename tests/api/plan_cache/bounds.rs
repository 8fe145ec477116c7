//! What the cache saves and what it may hold: counters show that a cached evaluation plans, compiles and allocates nothing, and that no
//! collision of hashes hands out another graph's plan.

use lazurite::{Array, DeviceChoice, Engine};

use crate::support::{gpu, vector};

fn array(e: &Engine, shape: &[usize], seed: u64) -> Array {
    e.from_slice(&vector(shape.iter().product(), seed), shape).unwrap()
}

/// One evaluation of a program with a slot, two leaves, a product and a reduction.
fn step(e: &Engine, seed: u64, factor: f64) -> Vec<f32> {
    let (a, b) = (array(e, &[33, 17], seed), array(e, &[17, 9], seed + 1));
    let c = (&(&a * factor).matmul(&b) + 0.3).maximum(0.0);
    (&c - &c.mean(0, true)).to_vec::<f32>().unwrap()
}

/// What an evaluation from the cache makes none of: e-graphs saturated, plans, schedules, pipelines, buffers, staging buffers.
fn made(s: &lazurite::Stats) -> [u64; 6] {
    let d = &s.device;
    [s.egg_runs, s.plans, s.schedules, d.pipelines_created, d.buffers_created, d.staging_created]
}

#[test]
fn a_cached_evaluation_makes_nothing_anew() {
    let devices: &[DeviceChoice] =
        if gpu().is_some() { &[DeviceChoice::Cpu, DeviceChoice::Gpu] } else { &[DeviceChoice::Cpu] };
    for &device in devices {
        let e = Engine::builder().device(device).build().unwrap();
        let first = step(&e, 30, 1.37);
        let _ = step(&e, 32, 1.41);
        let before = e.stats();
        assert!(before.egg_runs >= 1 && before.plans >= 1 && before.schedules >= 1, "{before:?}");
        for i in 0..5 {
            // The same again; other scalars; other contents of the leaves; both.
            let (seed, factor) = [(30, 1.37), (30, 1.1), (41, 1.37), (42, 1.2), (43, -0.7)][i];
            let _ = step(&e, seed, factor);
            assert_eq!(made(&e.stats()), made(&before), "on {device:?}, evaluation {i}");
        }
        let after = e.stats();
        assert_eq!(after.plan_hits, before.plan_hits + after.evaluations - before.evaluations, "on {device:?}");
        if device == DeviceChoice::Gpu {
            assert!(after.device.dispatches > before.device.dispatches, "nothing ran on the GPU: {after:?}");
        }
        assert_eq!(step(&e, 30, 1.37), first, "on {device:?}: a warm plan gives what the cold one gave");
    }
}

#[test]
fn a_gram_matrix_and_a_product_never_share_a_plan() {
    // Also where every graph has the same hash.
    for bits in [64, 0] {
        let e = Engine::builder().device(DeviceChoice::Cpu).plan_hash_bits(bits).build().unwrap();
        let (x, y) = (array(&e, &[40, 7], 60), array(&e, &[40, 7], 61));
        let product = |a: &Array, b: &Array| a.t().matmul(b).to_vec::<f32>().unwrap();
        let gram = product(&x, &x);
        let one = e.stats();
        let mixed = product(&x, &y);
        let two = e.stats();
        assert_eq!((two.plans - one.plans, two.plan_hits - one.plan_hits), (1, 0), "X'Y by a plan of its own");
        assert_ne!(gram, mixed);
        assert_eq!((product(&y, &y), product(&y, &x)), (product(&y, &y), product(&y, &x)));
        assert_eq!(product(&x, &x), gram);
        assert_eq!(product(&x, &y), mixed);
        let end = e.stats();
        assert_eq!(end.plans, two.plans, "both plans were kept");
        let core = |i: usize| e.last_evaluation().unwrap().kernel_list()[i].clone();
        let _ = product(&y, &y);
        assert!(core(0).contains("syrk"), "{}", core(0));
        let _ = product(&y, &x);
        assert!(core(0).contains("gemm"), "{}", core(0));
    }
}

#[test]
fn a_degenerate_hash_never_hands_out_the_plan_of_another() {
    // With no bits of the hash left every lookup meets every plan: only comparing in full tells them apart.
    let plain = Engine::builder().device(DeviceChoice::Cpu).plan(false).fuse(false).build().unwrap();
    let colliding = Engine::builder().device(DeviceChoice::Cpu).plan_hash_bits(0).build().unwrap();
    type Use = fn(&Array, &Array, f64) -> Array;
    let uses: [Use; 10] = [
        |x, y, c| &(x * c) + y,
        |x, y, c| &(x * c) - y,
        |x, y, c| &(y * c) - x,
        |x, _, c| &(x * c) - x,
        |x, y, c| (x + c).matmul(&y.t()),
        |x, y, c| x.t().matmul(&(y + c)),
        |x, _, c| (x + c).sum(0, true),
        |x, _, c| (x + c).sum(1, true),
        |x, _, c| (x + c).pow(2),
        |x, _, c| (x + c).pow(3),
    ];
    for round in 0..2 {
        for (i, f) in uses.iter().enumerate() {
            for c in [0.0, -0.0, 1.0, 2.0, 0.3, 0.7] {
                for shape in [&[4, 6][..], &[6, 4], &[4, 6, 1]] {
                    if shape.len() == 3 && (4..6).contains(&i) {
                        continue;
                    }
                    let run = |e: &Engine| {
                        f(&array(e, shape, 70), &array(e, shape, 71), c).to_host().unwrap().bytes().to_vec()
                    };
                    let (given, expected) = (run(&colliding), run(&plain));
                    let floats = |b: &[u8]| -> Vec<f32> {
                        b.chunks_exact(4).map(|w| f32::from_le_bytes(w.try_into().unwrap())).collect()
                    };
                    for (g, w) in floats(&given).iter().zip(&floats(&expected)) {
                        assert!((g - w).abs() <= 1e-5, "round {round}, use {i} with {c} on {shape:?}: {g} and {w}");
                    }
                    assert_eq!(given.len(), expected.len());
                }
            }
        }
        let stats = colliding.stats();
        assert_eq!(stats.kept_plans as u64, stats.plans, "round {round}: every structure is planned once");
    }
}

#[test]
fn bytes_bound_the_cache_but_the_newest_plan_stays() {
    let e = Engine::builder().device(DeviceChoice::Cpu).plan_cache_bytes(1).build().unwrap();
    let run = |n: usize| array(&e, &[n], 80).exp().to_vec::<f32>().unwrap();
    for n in [3, 4, 3, 4] {
        let _ = run(n);
        assert_eq!(e.stats().kept_plans, 1);
    }
    assert_eq!(e.stats().plans, 4);
    let _ = run(4);
    assert_eq!(e.stats().plans, 4, "the newest plan is there");
    // A larger graph is worth more bytes.
    let small = e.stats().kept_plan_bytes;
    let x = array(&e, &[5], 81);
    let _ = (0..40).fold(x.clone(), |a, i| if i % 2 == 0 { &a.sin() + &x } else { &a.cos() * &x }).to_vec::<f32>();
    assert!(e.stats().kept_plan_bytes > 4 * small, "{small} then {}", e.stats().kept_plan_bytes);
}

#[test]
fn a_new_shape_plans_again_and_a_new_value_does_not() {
    let e = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    let run = |n: usize, c: f64| (&(&array(&e, &[n], 50) * c) + 0.7).to_vec::<f32>().unwrap();
    let plans = || e.stats().plans;
    let _ = run(10, 1.3);
    let one = plans();
    let _ = run(10, 1.4);
    assert_eq!(plans(), one, "another value of a slot is the same plan");
    let _ = run(11, 1.4);
    assert_eq!(plans(), one + 1, "another shape is another plan");
    let _ = run(10, 2.0);
    assert_eq!(plans(), one + 2, "a value that rules may test is part of the plan");
    let _ = run(10, 1.5);
    let _ = run(11, 1.6);
    let _ = run(10, 2.0);
    assert_eq!(plans(), one + 2);
}
