//! The plan cache keeps its limits, and the memory of the process with it, over ten thousand graphs.

use super::alone;
use lazurite::{Array, DeviceChoice, Engine};

/// Memory of this process that is not given back, in bytes.
fn resident() -> Option<usize> {
    let told = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = told.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<usize>().ok().map(|kib| kib << 10)
}

#[test]
fn ten_thousand_distinct_graphs_take_bounded_memory() {
    let _alone = alone();
    let (entries, bytes) = (64, 1 << 20);
    let build = || Engine::builder().device(DeviceChoice::Cpu).plan(false);
    let e = build().plan_cache(entries).plan_cache_bytes(bytes).build().unwrap();
    // Graphs differ in their operations, by the digits of their number; planner off, so that 10,000 of them take a second.
    let graph = |x: &Array, number: usize| {
        (0..5).fold(x.clone(), |a, place| match number / 7usize.pow(place) % 7 {
            0 => &a + x,
            1 => x - &a,
            2 => a.neg(),
            3 => a.abs(),
            4 => a.maximum(x),
            5 => a.minimum(x),
            _ => &a * x,
        })
    };
    let expected = |v: f32, number: usize| {
        (0..5).fold(v, |a, place| match number / 7usize.pow(place) % 7 {
            0 => a + v,
            1 => v - a,
            2 => -a,
            3 => a.abs(),
            4 => a.max(v),
            5 => a.min(v),
            _ => a * v,
        })
    };
    let x = e.from_slice(&[0.75f32, -1.5, 2.0], &[3]).unwrap();
    let mut settled = None;
    for number in 0..10_000 {
        let got = graph(&x, number).to_vec::<f32>().unwrap();
        assert_eq!(got, [0.75, -1.5, 2.0].map(|v| expected(v, number)), "graph {number}");
        let stats = e.stats();
        assert!(stats.kept_plans <= entries && stats.kept_plan_bytes <= bytes, "after {number}: {stats:?}");
        if number == 2_000 {
            settled = resident();
        }
    }
    let stats = e.stats();
    assert!(stats.schedules > 9_000, "the graphs are distinct: {stats:?}");
    assert_eq!(stats.recorded_nodes, 1, "nothing but the leaf is left");
    if let (Some(before), Some(after)) = (settled, resident()) {
        // 8,000 plans that were kept would take several hundred megabytes.
        assert!(after < before + (96 << 20), "grew from {before} to {after} bytes");
    }
    // The newest are still there, the oldest are not.
    let before = e.stats();
    let _ = graph(&x, 9_999).to_vec::<f32>().unwrap();
    assert_eq!(e.stats().plan_hits, before.plan_hits + 1);
    let _ = graph(&x, 1).to_vec::<f32>().unwrap();
    assert_eq!(e.stats().schedules, before.schedules + 1);
}
