//! Quarantine: with `Verify::Sampled` a plan whose first results are wrong is never kept, its results are those of the graph as
//! recorded, and the engine says so. Faults are seeded into planner and schedule to make such plans.

use super::alone;
use lazurite::check::strategies::{Recipe, grow};
use lazurite::inspect::RunOptions;
use lazurite::unstable::types::Fault;
use lazurite::{Array, DeviceChoice, Engine, Numerics, Verify};

fn engine(verify: Verify) -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).verify(verify).build().unwrap()
}

fn data(seed: usize) -> Vec<f32> {
    (0..64).map(|i| ((i * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect()
}

/// A product with a prologue and an epilogue, and a fold of it.
fn program(e: &Engine, seed: usize) -> Array {
    let a = e.from_slice(&data(seed), &[8, 8]).unwrap();
    let b = e.from_slice(&data(seed + 1), &[8, 8]).unwrap();
    let r = e.from_slice(&data(seed + 2)[..8], &[1, 8]).unwrap();
    let product = (a.exp() - 0.3).matmul(&b.t());
    ((r - product) / 1.7 - 0.9).sum(1, false)
}

fn expected(seed: usize) -> Vec<f32> {
    let e = Engine::builder().device(DeviceChoice::Cpu).plan(false).fuse(false).build().unwrap();
    program(&e, seed).to_vec().unwrap()
}

fn near(given: &[f32], expected: &[f32]) -> bool {
    given.iter().zip(expected).all(|(x, y)| (x - y).abs() <= 1e-4 * y.abs().max(1.0))
}

/// Faults of fusion and planning, which leave the graph as recorded right.
const FAULTS: [Fault; 3] = [Fault::EpilogueDropped, Fault::PrologueDropped, Fault::OperandsExchanged];

#[test]
fn a_wrong_plan_is_quarantined_and_its_results_are_not_given() {
    let _alone = alone();
    for fault in FAULTS {
        let (unguarded, guarded) = (engine(Verify::Off), engine(Verify::Sampled));
        let seeded = fault.seed();
        let wrong: Vec<f32> = program(&unguarded, 1).to_vec().unwrap();
        assert!(!near(&wrong, &expected(1)), "{}: the fault shows without a guard", fault.name());
        let given: Vec<f32> = program(&guarded, 1).to_vec().unwrap();
        assert!(near(&given, &expected(1)), "{}: {given:?}", fault.name());
        let evaluation = guarded.last_evaluation().unwrap();
        let why = evaluation.quarantined().expect("the evaluation says so").to_string();
        assert!(why.contains("the graph as recorded"), "{why}");
        assert!(evaluation.to_string().contains("== quarantined, and run as recorded: root 0"), "{evaluation}");
        let stats = guarded.stats();
        assert_eq!((stats.verified, stats.quarantined, stats.plan_hits), (1, 1, 0), "{}", fault.name());
        // What stands in the cache now is the graph as recorded, which needs no comparison.
        let again: Vec<f32> = program(&guarded, 5).to_vec().unwrap();
        assert!(near(&again, &expected(5)), "{}: {again:?}", fault.name());
        let stats = guarded.stats();
        assert_eq!((stats.verified, stats.quarantined, stats.plan_hits), (1, 1, 1), "{}", fault.name());
        assert!(guarded.last_evaluation().unwrap().quarantined().is_some());
        drop(seeded);
    }
}

#[test]
fn a_sound_plan_is_compared_once_and_kept() {
    let _alone = alone();
    let e = engine(Verify::Sampled);
    for (i, seed) in [1, 5, 9].into_iter().enumerate() {
        assert!(near(&program(&e, seed).to_vec::<f32>().unwrap(), &expected(seed)));
        let (stats, evaluation) = (e.stats(), e.last_evaluation().unwrap());
        assert_eq!((stats.verified, stats.quarantined, stats.plan_hits), (1, 0, i as u64));
        assert!(evaluation.quarantined().is_none() && evaluation.cached == (i > 0));
    }
    let plain = Engine::builder().device(DeviceChoice::Cpu).plan(false).fuse(false).verify(Verify::Sampled);
    let plain = plain.build().unwrap();
    program(&plain, 1).to_vec::<f32>().unwrap();
    assert_eq!(plain.stats().verified, 0, "there is nothing to compare a graph with that runs as recorded");
}

/// Rounding alone never quarantines: random graphs of every family, in every mode.
#[test]
fn random_graphs_are_not_quarantined() {
    let _alone = alone();
    let n = std::env::var("LAZURITE_CASES").ok().and_then(|v| v.parse().ok()).unwrap_or(60);
    for numerics in [Numerics::Strict, Numerics::Standard] {
        let builder = Engine::builder().device(DeviceChoice::Cpu).verify(Verify::Sampled).numerics(numerics);
        let e = builder.build().unwrap();
        for index in 0..n {
            let case = grow(&Recipe::random(3, index, 24));
            e.run_graph(case.graph.clone(), case.leaves.clone(), &case.slots, RunOptions::default()).unwrap();
            let evaluation = e.last_evaluation().unwrap();
            assert!(evaluation.quarantined().is_none(), "case {index} ({numerics}): {evaluation}\n{case:?}");
        }
        assert!(e.stats().verified > n / 2 && e.stats().quarantined == 0, "{:?}", e.stats());
    }
}

/// The comparison catches the faults of fusion and planning in random graphs too, where they show.
#[test]
fn faults_in_random_graphs_are_quarantined() {
    let _alone = alone();
    for fault in [Fault::EpilogueDropped, Fault::StoresExchanged, Fault::RightSideSwapped] {
        let e = engine(Verify::Sampled);
        let _seeded = fault.seed();
        let quarantined = (0..60).any(|index| {
            let case = grow(&Recipe::random(3, index, 24));
            // A wrong plan may also fail: that is no wrong result.
            let _ = e.run_graph(case.graph.clone(), case.leaves.clone(), &case.slots, RunOptions::default());
            e.stats().quarantined > 0
        });
        assert!(quarantined, "{} was never quarantined", fault.name());
    }
}
