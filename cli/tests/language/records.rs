//! The records themselves: the parser reads every recorded program, example and spelling, and the spellings have the values that their
//! names promise.

use crate::support::recorded::{example_results, folder, programs, record, spellings};
use lazurite_cli::script::{diagnostic::SourceText, host::HostValue, parser};
use std::path::{Path, PathBuf};

fn assert_parses(name: &str, text: &str) {
    let source = SourceText::new(name, text).expect("a source");
    if let Err(error) = parser::parse(&source) {
        panic!("{}", error.render(&source));
    }
}

fn scripts_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut scripts: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "m")).collect();
    scripts.sort();
    scripts
}

#[test]
fn every_recorded_program_parses() {
    let text = record("language.txt");
    let programs = programs(&text);
    assert!(programs.len() >= 250, "the record holds {} programs", programs.len());
    for program in &programs {
        assert!(program.output.is_empty() || program.output.ends_with('\n'), "{}: cut output", program.name);
        assert_parses(program.name, program.text);
    }
}

#[test]
fn every_example_and_spelling_parses() {
    let cli = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![cli.join("../examples")];
    folders.extend(["pca", "explained", "epilogue", "normalise"].map(|group| cli.join("tests/spellings").join(group)));
    let mut n_scripts = 0;
    for script in folders.iter().flat_map(|folder| scripts_in(folder)) {
        let text = std::fs::read_to_string(&script).expect("a script");
        assert_parses(&script.display().to_string(), &text);
        n_scripts += 1;
    }
    assert!(n_scripts >= 60, "only {n_scripts} scripts");
}

#[test]
fn other_spellings_have_the_value_of_the_first_and_near_misses_do_not() {
    for group in ["pca", "explained", "epilogue", "normalise"] {
        let all = spellings(group);
        let base = all.iter().find(|s| s.name == "base").expect("a base");
        let (mut n_same, mut n_different) = (0, 0);
        for spelling in &all {
            let pairs = spelling.elements.iter().zip(&base.elements);
            let off = pairs.map(|(a, b)| (a - b).abs()).fold(0.0f64, f64::max) / base.largest;
            let same_shape = spelling.dims == base.dims && spelling.elements.len() == base.elements.len();
            // `equal_` ones have the value too, and by intent other kernels.
            if spelling.name.starts_with("same_") || spelling.name.starts_with("equal_") {
                n_same += 1;
                assert!(same_shape && off < 1e-8, "{group}/{}: off by {off:e}", spelling.name);
            } else if spelling.name.starts_with("different_") {
                n_different += 1;
                assert!(!same_shape || off > 1e-4, "{group}/{}: has the value of the base", spelling.name);
            }
            let numel: usize = spelling.dims.iter().product();
            assert_eq!(spelling.elements.len(), numel.div_ceil(spelling.stride), "{group}/{}", spelling.name);
        }
        assert!(n_same >= 6 && n_different >= 6, "{group}: {n_same} spellings, {n_different} near-misses");
        let n_scripts = scripts_in(&folder().join("../spellings").join(group)).len();
        assert_eq!(all.len(), n_scripts, "{group}: scripts and records");
    }
}

#[test]
fn every_example_is_recorded_and_singles_are_near_doubles() {
    let examples = scripts_in(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples"));
    assert!(examples.len() >= 6);
    for example in examples {
        let name = example.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
        let written = example_results(&name, "written");
        let double = example_results(&name, "double");
        assert!(!written.is_empty(), "{name} has results");
        for ((variable, a), (other, b)) in written.iter().zip(&double) {
            assert_eq!((variable, &a.dims), (other, &b.dims), "{name}");
            let element = |v: &HostValue, i| v.data.get_f64(i).expect("an element");
            let largest = (0..b.numel()).map(|i| element(b, i).abs()).fold(0.0, f64::max);
            for i in 0..a.numel() {
                // Octave's own single precision sums are this far off.
                assert!((element(a, i) - element(b, i)).abs() <= 2e-4 * largest, "{name}: {variable}");
            }
        }
    }
}

#[test]
fn orthogonal_iteration_and_eigenvalues_agree_in_the_record() {
    let share = |section| {
        let results = example_results("pca", section);
        results.into_iter().find(|(name, _)| name == "share").expect("the shares").1
    };
    let (iterated, outside) = (share("written"), share("outside"));
    for i in 0..3 {
        let (a, b) = (iterated.data.get_f64(i).expect("a share"), outside.data.get_f64(i).expect("a share"));
        assert!((a - b).abs() < 1e-6, "{a} against {b}");
    }
}
