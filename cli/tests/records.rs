//! The records themselves: that every recorded program, example and spelling can be read by the parser, and that the spellings
//! mean what their names say.

mod recorded;

use lazurite_cli::script::{diagnostic::Source, parser};
use recorded::{folder, record, sections};
use std::path::{Path, PathBuf};

fn assert_parses(name: &str, text: &str) {
    let source = Source::new(name, text).expect("a source");
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
    let cases = sections(&text);
    assert!(cases.len() >= 200, "the record holds {} programs", cases.len());
    for case in &cases {
        let (program, output) = case.body.split_once("--- output\n").expect("an output part");
        assert!(output.is_empty() || output.ends_with('\n'), "{}: the output must end a line", case.name);
        assert_parses(case.name, program);
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

/// The recorded elements of a spelling, with its head line.
fn values(body: &str) -> (&str, Vec<f64>) {
    let (head, elements) = body.split_once('\n').expect("a head");
    (head, elements.split_whitespace().map(|x| x.parse().expect("a number")).collect())
}

#[test]
fn other_spellings_have_the_value_of_the_first_and_near_misses_do_not() {
    for group in ["pca", "explained", "epilogue", "normalise"] {
        let text = record(&format!("spellings/{group}.txt"));
        let cases = sections(&text);
        let base = cases.iter().find(|case| case.name == "base").expect("a base");
        let (head, want) = values(base.body);
        let dims = head.split(' ').next();
        let largest = want.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let (mut n_same, mut n_different) = (0, 0);
        for case in &cases {
            let (head, got) = values(case.body);
            let far = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0f64, f64::max) / largest;
            let equal = head.split(' ').next() == dims && got.len() == want.len() && far < 1e-8;
            if case.name.starts_with("same_") {
                n_same += 1;
                assert!(equal, "{group}/{}: off by {far:e}", case.name);
            } else if case.name.starts_with("different_") {
                n_different += 1;
                assert!(!equal || far > 1e-4, "{group}/{}: a near-miss has the value of the base", case.name);
            }
        }
        assert!(n_same >= 6 && n_different >= 6, "{group}: {n_same} spellings, {n_different} near-misses");
        assert_eq!(
            cases.len(),
            scripts_in(&folder().join("../spellings").join(group)).len(),
            "{group}: every script is recorded"
        );
    }
}

#[test]
fn orthogonal_iteration_and_eigenvalues_agree_in_the_record() {
    let text = record("examples/pca.txt");
    let shares: Vec<Vec<f64>> = text
        .lines()
        .zip(text.lines().skip(1))
        .filter(|(head, _)| head.starts_with("share "))
        .map(|(_, elements)| elements.split_whitespace().map(|x| x.parse().expect("a number")).collect())
        .collect();
    let [iterated, outside] = &shares[..] else { panic!("{} shares", shares.len()) };
    for (a, b) in iterated.iter().zip(outside).take(3) {
        assert!((a - b).abs() < 1e-6, "{a} against {b}");
    }
}
