//! A whole engine without the planner: recording, schedules, buffers that are used again, and arrays on two threads.

use lazurite::{DeviceChoice, Engine};

fn engine() -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).plan(false).build().unwrap()
}

#[test]
fn a_sum_is_made_and_taken_from_the_cache_again() {
    let engine = engine();
    let x = engine.from_slice(&[1.0f32, 2.0, 3.0, 5.0], &[2, 2]).unwrap();
    for k in [1.0f32, 7.0] {
        let y = (&x * (k + 0.1f32)).sum(0, false).to_vec::<f32>().unwrap();
        assert!(y.iter().zip([4.0, 7.0]).all(|(y, s)| (y - s * (k + 0.1)).abs() < 1e-4), "{y:?}");
    }
    assert_eq!(engine.stats().plan_hits, 1);
}

#[test]
fn two_threads_share_a_pending_node() {
    let engine = engine();
    let shared = engine.from_slice(&[1.0f64, -2.0, 3.0], &[3]).unwrap().abs();
    drop(engine);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let shared = shared.clone();
            scope.spawn(move || assert_eq!(shared.to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0]));
        }
    });
}
