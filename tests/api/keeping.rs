//! What an evaluation leaves behind besides what was asked for: values that were stored anyway and that somebody can still ask
//! for, with the same elements as if they had been asked for alone; and evaluation ahead of demand when pending nodes keep too
//! much alive.

use crate::support::{gpu, vector};
use lazurite::{Array, DeviceChoice, Engine, Order};

/// An engine for each device there is.
fn engines() -> Vec<Engine> {
    let mut devices = vec![DeviceChoice::Cpu];
    devices.extend(gpu().map(|_| DeviceChoice::Gpu));
    devices.into_iter().map(|d| Engine::builder().device(d).build().unwrap()).collect()
}

fn matrix(e: &Engine, rows: usize, columns: usize, seed: u64) -> Array {
    e.from_slice(&vector(rows * columns, seed), &[rows, columns]).unwrap()
}

fn values(a: &Array) -> Vec<f32> {
    a.to_vec::<f32>().unwrap()
}

fn near(found: &[f32], expected: &[f32]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-4 * (1.0 + b.abs()))
}

#[test]
fn a_held_value_that_was_stored_anyway_is_kept() {
    for e in engines() {
        let (a, b) = (matrix(&e, 12, 7, 1), matrix(&e, 7, 9, 2));
        let product = a.matmul(&b);
        let sorted = product.sort(1, false);
        e.eval(&[&sorted]).unwrap();
        assert!(product.is_evaluated(), "sorting reads a stored product");
        let before = e.stats();
        let expected = matrix(&e, 12, 7, 1).matmul(&matrix(&e, 7, 9, 2));
        assert!(near(&values(&(&product * 2.0)), &values(&(expected * 2.0))));
        let multiplied = e.stats().evaluated_ops - before.evaluated_ops;
        assert_eq!(multiplied, 1 + 2, "one product is read, the other computed: {multiplied} operations");
    }
}

#[test]
fn what_a_view_was_taken_of_is_kept_with_it() {
    for e in engines() {
        let x = matrix(&e, 30, 40, 3);
        let mean = x.mean(1, true);
        let flat = mean.reshape(&[30], Order::C);
        e.eval(&[&flat]).unwrap();
        assert!(mean.is_evaluated());
        let centred = &x - &mean;
        let before = e.stats().evaluated_ops;
        let found = values(&centred);
        assert_eq!(e.stats().evaluated_ops - before, 1, "only the difference is left to compute");
        let means = values(&flat);
        let expected: Vec<f32> = values(&x).iter().enumerate().map(|(i, v)| v - means[i / 40]).collect();
        assert!(near(&found, &expected));
    }
}

#[test]
fn a_held_value_that_stays_in_registers_stays_pending() {
    for e in engines() {
        let x = matrix(&e, 50, 60, 4);
        let inner = x.exp();
        let sum = inner.sum(.., false);
        e.eval(&[&sum]).unwrap();
        assert!(!inner.is_evaluated());
        let expected: Vec<f32> = values(&x).iter().map(|v| v.exp()).collect();
        assert!(near(&values(&inner), &expected));
    }
}

#[test]
fn single_elements_on_the_way_are_stored() {
    for e in engines() {
        let x = matrix(&e, 50, 60, 5);
        let norm = (&x * &x).sum(.., false).sqrt();
        let small = norm.lt(1e-3);
        assert_eq!(small.item().unwrap().to_f64(), 0.0);
        assert!(norm.is_evaluated());
        let expected = values(&x).iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        assert!((norm.item().unwrap().to_f64() - expected).abs() < 1e-3);
    }
}

#[test]
fn kept_values_are_not_overwritten_by_later_scratch() {
    for e in engines() {
        let x = matrix(&e, 16, 16, 6);
        let mut held = Vec::new();
        let mut last = x.clone();
        for _ in 0..6 {
            // Each round stores a product and its sorted rows; every second product is held.
            let product = last.matmul(&x) * 0.25;
            last = product.sort(1, true);
            held.push(product);
        }
        let odd: Vec<Array> = held.into_iter().step_by(2).collect();
        e.eval(&[&last]).unwrap();
        let plain = Engine::builder().device(DeviceChoice::Cpu).plan(false).fuse(false).build().unwrap();
        let y = matrix(&plain, 16, 16, 6);
        let mut other = y.clone();
        for round in 0..6 {
            let product = other.matmul(&y) * 0.25;
            other = product.sort(1, true);
            if round % 2 == 0 {
                assert!(odd[round / 2].is_evaluated(), "round {round}");
                assert!(near(&values(&odd[round / 2]), &values(&product)), "round {round}");
            }
        }
        assert!(near(&values(&last), &values(&other)));
    }
}

#[test]
fn rounds_of_a_loop_that_holds_its_intermediates_share_a_plan() {
    for e in engines() {
        let a = matrix(&e, 8, 8, 7);
        let mut x = matrix(&e, 8, 1, 8);
        for _ in 0..20 {
            let y = a.matmul(&x);
            let norm = (&y * &y).sum(.., false).sqrt();
            x = &y / &norm;
            assert!(norm.item().unwrap().to_f64() > 0.0);
        }
        assert!(e.stats().plans <= 3, "{:?}", e.stats());
    }
}

#[test]
fn inputs_that_only_pending_nodes_keep_are_bounded() {
    const EACH: usize = 10_000;
    let limit = 20 * EACH as u64 * 8;
    let e = Engine::builder().device(DeviceChoice::Cpu).max_pending_bytes(limit).build().unwrap();
    let input = |k: usize| e.from_slice(&vec![k as f64; EACH], &[EACH]).unwrap();
    let mut sum = e.zeros(&[EACH], lazurite::DType::F64);
    for k in 0..100 {
        sum = &sum + &input(k);
        // An input is let go of after the addition that reads it was recorded.
        assert!(e.stats().pending_input_bytes <= limit + EACH as u64 * 8, "after {k}: {:?}", e.stats());
    }
    let evaluations = e.stats().evaluations;
    assert!((3..=6).contains(&evaluations), "{evaluations} evaluations");
    assert_eq!(sum.to_vec::<f64>().unwrap()[77], 4950.0);
    drop(sum);
    assert_eq!(e.stats().pending_input_bytes, 0);
    // What the user holds costs nothing more by being pending.
    let held: Vec<Array> = (0..40).map(input).collect();
    let before = e.stats().evaluations;
    let total = held.iter().skip(1).fold(held[0].clone(), |t, x| &t + x);
    assert_eq!(e.stats().evaluations, before);
    assert_eq!(e.stats().pending_input_bytes, 0);
    assert_eq!(total.to_vec::<f64>().unwrap()[0], 780.0);
}
