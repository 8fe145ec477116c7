//! Random graphs of every operation, scheduled with fusion and without and run by the tiled executor, against the reference.

use lazurite::unstable::schedule::{ScheduleOptions, schedule};
use lazurite::{DeviceChoice, HostBuffer};

use crate::schedule::interpret::{self, alike};
use crate::schedule::random as cases;

#[test]
fn random_graphs_fused_and_node_by_node() {
    for seed in 1..=if cfg!(miri) { 3 } else { 100 } {
        let size = if cfg!(miri) { 8 } else { 6 + (seed as usize * 7) % 30 };
        let case = cases::case(3_000_000 + seed, size, true);
        let leaves: Vec<&HostBuffer> = case.leaves.iter().collect();
        let options = |fuse| ScheduleOptions { device: DeviceChoice::Cpu, fuse, ..ScheduleOptions::default() };
        if cfg!(miri) {
            for fuse in [true, false] {
                interpret::run_tiled(
                    &case.graph,
                    &schedule(&case.graph, &options(fuse)).unwrap(),
                    &leaves,
                    &case.slots,
                );
            }
            continue;
        }
        let expected = lazurite::unstable::cpu::reference::eval_graph(&case.graph, &leaves, &case.slots).unwrap();
        for fuse in [true, false] {
            let s = schedule(&case.graph, &options(fuse)).unwrap();
            let plain = interpret::run(&case.graph, &s, &leaves, &case.slots);
            let tiled = interpret::run_tiled(&case.graph, &s, &leaves, &case.slots);
            for (got, root) in plain.iter().chain(&tiled).zip(case.graph.roots.iter().chain(&case.graph.roots)) {
                let want = &expected[root.index()];
                assert!(alike(got, want), "seed {seed}: {root} is {got:?}, expected {want:?}\n{}\n{s}", case.graph);
            }
        }
    }
}
