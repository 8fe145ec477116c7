//! Other spellings of the acceptance graphs give Octave's values on the CPU and the GPU, and the same kernels on the GPU; graphs that
//! only look similar give other kernels.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::support::recorded::spellings;
use crate::support::scripts::{cpu, distance, gpu, numbers, run_file};
use lazurite::{DeviceChoice, Engine};
use lazurite_cli::script::classes::Class;

const GROUPS: [&str; 4] = ["pca", "explained", "epilogue", "normalise"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/spellings")
}

fn check(engine: &Engine) {
    let folder = folder();
    for group in GROUPS {
        let all = spellings(group);
        assert!(all.len() >= 13, "{group} has {} spellings", all.len());
        for spelling in all {
            let path = folder.join(group).join(format!("{}.m", spelling.name));
            let (values, _) = run_file(engine, &path, Class::Double, &["out"]);
            let name = format!("{group}/{}", spelling.name);
            assert_eq!(values[0].dims, spelling.dims, "{name}");
            let found: Vec<f64> = numbers(&values[0]).into_iter().step_by(spelling.stride).collect();
            let largest = spelling.elements.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            // Relative to the largest of all elements, of which only some are recorded.
            let difference = distance(&found, &spelling.elements) * largest / spelling.largest;
            assert!(difference <= 2e-5, "{name} is off by {difference:e}");
        }
    }
}

#[test]
fn on_the_cpu() {
    check(&cpu());
}

#[test]
fn on_the_gpu() {
    let Some(engine) = gpu() else { return };
    check(&engine);
}

/// What ran for the last evaluation of a script on the GPU: kernels, and the plan that they came from.
struct Ran {
    kernels: Vec<String>,
    plan: String,
}

/// A kernel over [3, 1] is one over [3], and a product is the kernel of its transpose with the operands exchanged.
fn orientation_aside(kernel: &str) -> String {
    let (name, domain) = kernel.split_once('[').unwrap_or((kernel, ""));
    let mut extents: Vec<&str> = domain.trim_end_matches(']').split(", ").filter(|&e| e != "1").collect();
    extents.sort_unstable();
    format!("{name}{extents:?}")
}

/// Runs every script of a group on the GPU, if there is one.
fn kernels(group: &str) -> Option<Vec<(String, Ran)>> {
    gpu()?;
    let last: Arc<Mutex<Option<Ran>>> = Arc::default();
    let engine = Engine::builder().device(DeviceChoice::Gpu).observe({
        let last = last.clone();
        move |evaluation| {
            let plan = evaluation.prepared.graph.to_string();
            let kernels = evaluation.kernel_list().iter().map(|k| orientation_aside(k)).collect();
            *last.lock().unwrap() = Some(Ran { kernels, plan });
        }
    });
    let engine = engine.build().unwrap();
    let mut all = Vec::new();
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder().join(group)).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|p| p.extension().is_some_and(|e| e == "m")) {
        run_file(&engine, path, Class::Double, &["out"]);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let ran = last.lock().unwrap().take();
        all.push((name, ran.expect("an evaluation")));
    }
    Some(all)
}

#[test]
fn spellings_become_the_same_kernels_and_others_do_not() {
    let mut wrong = Vec::new();
    for group in GROUPS {
        let Some(all) = kernels(group) else { return };
        let (_, base) = all.iter().find(|(name, _)| name == "base").expect("a base");
        let (mut same, mut different) = (0, 0);
        for (name, ran) in &all {
            if name.starts_with("same") {
                same += 1;
                if ran.kernels != base.kernels {
                    wrong.push(format!("{group}/{name} becomes {:#?}, the base {:#?}", ran.kernels, base.kernels));
                }
            }
            // Spellings called `equal` have the value of the base, and keep steps whose rounding or range is their own.
            if name.starts_with("different") || name.starts_with("equal") {
                different += 1;
                if ran.plan == base.plan {
                    wrong.push(format!("{group}/{name} has the plan of the base"));
                }
            }
        }
        assert!(same >= 6 && different >= 6, "{group}: {same} spellings and {different} near-misses");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
