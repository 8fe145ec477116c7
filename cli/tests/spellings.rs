//! Other ways to write the acceptance graphs give Octave's values, on the CPU and on the GPU. Which kernels they become is a
//! matter of the golden files; here only the values count, because a wrong match shows in them.

mod common;
mod recorded;

use common::{cpu, distance, gpu, numbers, run_file};
use lazurite::Engine;
use lazurite_cli::script::classes::Class;
use recorded::spellings;

fn check(engine: &Engine) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spellings");
    for group in ["pca", "explained", "epilogue", "normalise"] {
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
