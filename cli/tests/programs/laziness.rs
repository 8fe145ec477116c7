//! When scripts are evaluated, by the engine's counters.

use std::path::Path;

use crate::support::scripts::{cpu, gpu, numbers, repository, run, run_with, settings};
use lazurite::Engine;

fn run_well(engine: &Engine, text: &str) -> String {
    let ran = run(engine, text);
    if let Err(error) = ran.result {
        panic!("{text}\n{error}");
    }
    ran.output
}

#[test]
fn scalars_known_here_never_become_nodes() {
    let engine = cpu();
    let text = "x = zeros(3, 4); [r, c] = size(x); s = 0;
        for k = 1:numel(x), if mod(k, 2) == 0, s += k * r - c; end, end
        n = 0; while n < 100, n = n + 1; end
        t = [r c 5]; m = t(2) + t(end); y = sqrt(m) + max(r, c) - min([], 1 > 2 && 3);
        printf('%d %g %g\\n', s, m, n)";
    let text = text.replace(" - min([], 1 > 2 && 3)", "");
    assert_eq!(run_well(&engine, &text), "102 9 100\n");
    let stats = engine.stats();
    assert_eq!(stats.evaluations, 0);
    assert_eq!(stats.recorded_nodes, 0, "{stats:?}");
}

#[test]
fn nothing_is_evaluated_before_it_is_looked_at() {
    let engine = cpu();
    let lazy = "x = rand(50); y = x * x' + 1; y(y > 3) = 0; z = sum(y(:)) / numel(y); w = [z, 1]; v = reshape(y, 25, 100)(3, :);";
    run_well(&engine, lazy);
    assert_eq!(engine.stats().evaluations, 0);
    // Nothing reads these variables any more, so nothing is left of them either.
    assert_eq!(engine.stats().recorded_nodes, 0);
    for (look, evaluations) in [
        ("disp(z)", 1),
        ("if z > 0, end", 1),
        ("printf('%g %g\\n', z, w)", 1),
        ("while z < 0, end", 1),
        ("for i = 1:3, z; end", 0),
        // Whether there is a NaN, which has no truth value, and then the mask.
        ("q = y(logical(y(:, 1)), :);", 2),
        ("k = find(y);", 1),
        ("tic; toc;", 1),
        ("n = size(z); m = numel(v);", 0),
    ] {
        let engine = cpu();
        // `z` and `y` must still be alive when they are looked at, also for `toc`.
        run_well(&engine, &format!("{lazy}\n{look}\nz; y;"));
        assert_eq!(engine.stats().evaluations, evaluations, "{look}");
    }
}

#[test]
fn conjugate_gradients_do_the_same_work_in_every_round() {
    let engine = cpu();
    let path = repository().join("examples/conjugate_gradient.m");
    let text = std::fs::read_to_string(&path).unwrap();
    let few = text.replace("steps < 500", "steps < 50");
    assert_ne!(few, text);
    let ops = |engine: &Engine, text: &str| {
        let before = engine.stats().evaluated_ops;
        let ran = run_with(engine, "cg.m", text, &settings(Path::new("")), &["steps"]);
        let steps = numbers(&ran.result.unwrap()[0])[0] as u64;
        (engine.stats().evaluated_ops - before, steps)
    };
    let (ops_of_50, fifty) = ops(&engine, &few);
    assert_eq!(fifty, 50);
    let fresh = cpu();
    let (all_ops, steps) = ops(&fresh, &text);
    assert_eq!(steps, 500);
    // Work grows with the steps, not with their square.
    let per_step = ops_of_50 as f64 / 50.0;
    assert!(
        all_ops as f64 <= 1.5 * per_step * steps as f64 + 100.0,
        "{all_ops} operations in {steps} steps, {per_step} at first"
    );
    let stats = fresh.stats();
    // What precedes the loop, its first round, and all later ones; what is printed behind it is known by then.
    assert!(stats.plans <= 3, "{stats:?}");
    assert!(stats.pending_nodes < 50, "{stats:?}");
}

#[test]
fn loops_without_a_look_do_not_grow_without_end() {
    let engine = cpu();
    let output = run_well(&engine, "x = ones(4, 1); for k = 1:20000, x = x * 0.5 + 1; end, printf('%.6f\\n', x(1))");
    assert_eq!(output, "2.000000\n");
    let stats = engine.stats();
    assert!(stats.evaluations > 5, "{stats:?}");
    assert!(stats.plans <= 4, "{stats:?}");
}

#[test]
fn rounds_share_a_plan_whatever_their_index() {
    let engine = cpu();
    let output = run_well(
        &engine,
        "x = rand(200, 1); s = 0; f = zeros(1, 200); for k = 1:200, f(k) = x(k) * 2; if f(k) < 0, s += 1; end, end, printf('%d\\n', s)",
    );
    assert_eq!(output, "0\n");
    assert!(engine.stats().plans <= 4, "{:?}", engine.stats());
}

#[test]
fn variables_are_dropped_after_their_last_read() {
    let engine = cpu();
    // A megabyte a round would add up to gigabytes if any of it were kept.
    run_well(&engine, "for k = 1:50, x = rand(360); y = x + k; z = sum(y(:)); if z < 0, disp(z), end, end");
    let stats = engine.stats();
    assert_eq!(stats.recorded_nodes, 0, "{stats:?}");
    assert_eq!(stats.evaluations, 50);
}

/// The data of pca.m: f32[1797, 64].
const DIGITS_BYTES: u64 = 1797 * 64 * 4;

#[test]
fn data_goes_to_the_gpu_once() {
    let Some(engine) = gpu() else { return };
    let folder = repository().join("examples");
    let text = std::fs::read_to_string(folder.join("pca.m")).unwrap();
    let few = text.replace("steps < 500", "steps < 5") + "\ndisp(mean(X(:))); disp(norm(Xc, 'fro'));";
    assert!(few.contains("steps < 5 "), "the loop has another bound");
    let ran = run_with(&engine, "pca.m", &few, &settings(&folder), &[]);
    assert!(ran.result.is_ok());
    let stats = engine.stats();
    assert!(stats.gpu_groups > 20 && stats.fallbacks == 0, "{stats:?}");
    // Besides the data only what the host made goes up: a basis of 4 KiB a round, vectors and indices.
    let rest = stats.device.upload_bytes - DIGITS_BYTES;
    assert!(rest < DIGITS_BYTES / 4, "{rest} bytes beside the data: {stats:?}");
}
