//! The README's example, run; and a check that the README shows exactly this text and names commands that exist.

use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[cfg(feature = "blocking")]
#[test]
fn the_example_runs() -> lazurite::Result<()> {
    // [example]
    use lazurite::Engine;

    let engine = Engine::new()?;
    let x = engine.from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 9.0], &[3, 2])?;

    // Nothing is computed here: operations only record a graph.
    let centred = &x - &x.mean(0, true);
    let covariance = centred.t().matmul(&centred) / 2.0;

    // One evaluation: planned, fused and run as a whole.
    assert_eq!(covariance.shape()?.dims(), [2, 2]);
    assert_eq!(covariance.to_vec::<f64>()?, [4.0, 7.0, 7.0, 13.0]);

    // A mistake is an error at the end, not a panic in the middle.
    let wrong = &x + &engine.from_slice(&[1.0f64; 5], &[5])?;
    assert!(wrong.to_vec::<f64>().unwrap_err().is_shape());
    // [end]
    Ok(())
}

#[test]
fn the_readme_shows_the_example() {
    let source = read("tests/api/readme.rs");
    let (_, rest) = source.split_once("    // [example]\n").unwrap();
    let (example, _) = rest.split_once("    // [end]\n").unwrap();
    let shown: String =
        example.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect();
    assert!(
        read("README.md").contains(&format!("```rust\n{shown}```\n")),
        "README.md does not show the example of tests/api/readme.rs, which is:\n\n```rust\n{shown}```"
    );
}

#[test]
fn the_files_that_the_readme_names_exist() {
    let readme = read("README.md");
    let mut n_links = 0;
    for target in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !target.starts_with("http") {
            n_links += 1;
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target.split('#').next().unwrap());
            assert!(path.exists(), "README.md links to {target}, which does not exist");
        }
    }
    assert!(n_links > 4, "only {n_links} links were found");
    for script in readme.split_whitespace().filter(|word| word.starts_with("examples/") && word.ends_with(".m")) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(script).exists(), "README.md runs {script}");
    }
}
