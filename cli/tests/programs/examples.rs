//! The examples give Octave's numbers, on the CPU and on the GPU, in double and in single precision.

use crate::support::recorded::example_results;
use crate::support::scripts::{cpu, distance, gpu, is_single, numbers, repository, run_file};
use lazurite::Engine;
use lazurite_cli::script::classes::Class;

const EXAMPLES: &[&str] = &["pca", "normalise", "correlation", "least_squares", "epilogue", "conjugate_gradient"];

/// The iteration of pca.m ends by a residual whose last bits differ: how far its number of steps may be off.
const STEPS_MAY_DIFFER_BY: f64 = 5.0;

fn check(engine: &Engine, name: &str) {
    let path = repository().join("examples").join(format!("{name}.m"));
    let written = example_results(name, "written");
    let double = example_results(name, "double");
    let wanted: Vec<&str> = written.iter().map(|(variable, _)| variable.as_str()).collect();
    let (values, output) = run_file(engine, &path, Class::Double, &wanted);
    assert!(!output.is_empty(), "{name} prints nothing");
    for ((value, (variable, expected)), (_, in_double)) in values.iter().zip(&written).zip(&double) {
        assert_eq!(value.dims, expected.dims, "{name}: {variable}");
        assert_eq!(value.data.class_name(), expected.data.class_name(), "{name}: {variable}");
        if name == "pca" && variable == "steps" {
            let difference = (numbers(value)[0] - numbers(expected)[0]).abs();
            assert!(difference <= STEPS_MAY_DIFFER_BY, "{name}: {} steps", numbers(value)[0]);
            continue;
        }
        let (reference, tolerance) = if is_single(value) { (in_double, 1e-5) } else { (expected, 1e-9) };
        let found = distance(&numbers(value), &numbers(reference));
        assert!(found <= tolerance, "{name}: {variable} is off by {found:e}");
    }
}

/// With `--real single` the same scripts run in 32 bits and still come near what Octave gives in 64.
fn check_single(engine: &Engine, name: &str) {
    let path = repository().join("examples").join(format!("{name}.m"));
    let double = example_results(name, "double");
    let wanted: Vec<&str> = double.iter().map(|(variable, _)| variable.as_str()).collect();
    let (values, _) = run_file(engine, &path, Class::Single, &wanted);
    for (value, (variable, expected)) in values.iter().zip(&double) {
        assert_eq!(value.dims, expected.dims, "{name}: {variable}");
        if variable == "steps" {
            assert_eq!(numbers(value)[0], if name == "pca" { 500.0 } else { numbers(expected)[0] }, "{name}");
            continue;
        }
        assert!(is_single(value), "{name}: {variable} is {}", value.data.class_name());
        let found = distance(&numbers(value), &numbers(expected));
        assert!(found <= 1e-5, "{name}: {variable} is off by {found:e} in single precision");
    }
}

#[test]
fn on_the_cpu() {
    let engine = cpu();
    EXAMPLES.iter().for_each(|name| check(&engine, name));
}

#[test]
fn on_the_gpu() {
    let Some(engine) = gpu() else { return };
    EXAMPLES.iter().for_each(|name| check(&engine, name));
}

#[test]
fn in_single_precision_on_the_cpu() {
    let engine = cpu();
    EXAMPLES.iter().for_each(|name| check_single(&engine, name));
}

#[test]
fn in_single_precision_on_the_gpu() {
    let Some(engine) = gpu() else { return };
    EXAMPLES.iter().for_each(|name| check_single(&engine, name));
}

/// The three leading shares of variance against an eigen-decomposition made outside.
#[test]
fn components_are_the_leading_ones() {
    let path = repository().join("examples/pca.m");
    let outside = example_results("pca", "outside");
    let (_, expected) = outside.iter().find(|(variable, _)| variable == "share").expect("a recorded share");
    let (values, _) = run_file(&cpu(), &path, Class::Double, &["share"]);
    for (found, expected) in numbers(&values[0]).iter().zip(numbers(expected)).take(3) {
        assert!(((found - expected) / expected).abs() < 1e-6, "{found} is not {expected}");
    }
}
