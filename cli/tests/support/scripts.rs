//! Runs scripts in the test's own process, each on a thread of its own.

use std::path::{Path, PathBuf};

use lazurite::{DeviceChoice, Engine};
use lazurite_cli::script::classes::Class;
use lazurite_cli::script::diagnostic::{Diagnostic, SourceText};
use lazurite_cli::script::host::{HostData, HostValue};
use lazurite_cli::script::settings::{Bounds, RunSettings};
use lazurite_cli::script::{on_deep_stack, run_and_read};

/// What a script did.
pub struct Ran {
    pub output: String,
    pub warnings: String,
    pub result: Result<Vec<HostValue>, Diagnostic>,
}

pub fn settings(folder: &Path) -> RunSettings {
    let folder = folder.to_path_buf();
    RunSettings {
        real: Class::Double,
        inputs: vec![],
        outputs: vec![],
        folder,
        quiet: false,
        bounds: Bounds::default(),
    }
}

/// Runs a text and reads `wanted` at its end.
pub fn run_with(engine: &Engine, name: &str, text: &str, settings: &RunSettings, wanted: &[&str]) -> Ran {
    let source = SourceText::new(name, text).unwrap();
    let (mut out, mut warnings) = (Vec::new(), Vec::new());
    let result = on_deep_stack(|| run_and_read(&source, settings, engine, wanted, &mut out, &mut warnings));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { output: text(out), warnings: text(warnings), result: result.and_then(|result| result) }
}

/// Runs a text that needs no files.
pub fn run(engine: &Engine, text: &str) -> Ran {
    run_with(engine, "t.m", text, &settings(Path::new("")), &[])
}

/// Runs a file and reads `wanted`, which must go well.
pub fn run_file(engine: &Engine, path: &Path, real: Class, wanted: &[&str]) -> (Vec<HostValue>, String) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut settings = settings(path.parent().unwrap());
    settings.real = real;
    let name = path.display().to_string();
    let ran = run_with(engine, &name, &text, &settings, wanted);
    match ran.result {
        Ok(values) => (values, ran.output),
        Err(error) => panic!("{}", error.render(&SourceText::new(name, text).unwrap())),
    }
}

pub fn cpu() -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).build().unwrap()
}

/// The GPU's engine. Without an adapter this fails when `LAZURITE_REQUIRE_GPU=1`, and is `None` otherwise.
pub fn gpu() -> Option<Engine> {
    match Engine::builder().device(DeviceChoice::Gpu).build() {
        Ok(engine) => Some(engine),
        Err(error) if std::env::var("LAZURITE_REQUIRE_GPU").as_deref() == Ok("1") => {
            panic!("a GPU is required here: {error}")
        }
        Err(_) => None,
    }
}

pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The golden files in a folder of `tests/golden`, in order.
pub fn golden(folder: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    files.sort();
    files
}

/// All elements as doubles.
pub fn numbers(value: &HostValue) -> Vec<f64> {
    (0..value.numel()).filter_map(|i| value.data.get_f64(i)).collect()
}

pub fn is_single(value: &HostValue) -> bool {
    matches!(value.data, HostData::F32(_))
}

/// The largest difference between two arrays, relative to the largest magnitude of the second.
pub fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let difference = found.iter().zip(expected).fold(0.0f64, |m, (a, b)| {
        let equal = a == b || (a.is_nan() && b.is_nan());
        if equal { m } else { m.max(if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() }) }
    });
    if largest > 0.0 { difference / largest } else { difference }
}
