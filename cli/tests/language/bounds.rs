//! Untrusted scripts: bounds on statements, elements and work, and no files.

use std::path::Path;

use crate::support::scripts::{run_with, settings};
use lazurite::{DeviceChoice, Engine};
use lazurite_cli::script::settings::Bounds;

fn bounded() -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).memory_limit(1 << 20).work_limit(100_000).build().unwrap()
}

/// The first line of the error that a script ends with.
fn error_of(engine: &Engine, text: &str) -> String {
    let mut settings = settings(Path::new(""));
    settings.bounds = Bounds { files: false, statements: 300, elements: 5_000 };
    match run_with(engine, "t.m", text, &settings, &[]).result {
        Ok(_) => panic!("no error: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_a_script_may_use_is_bounded() {
    let engine = bounded();
    for (text, expected) in [
        ("while true, end", "executed 300 statements"),
        ("for k = 1:1e9, end", "executed 300 statements"),
        ("x = 0; while x < 1e9, x += 1; end", "executed 300 statements"),
        ("x = load('t.npy')", "files may not be used here"),
        ("x = 1; save('t.npy', 'x')", "files may not be used here"),
        ("x = ones(100, 100)", "out of memory"),
        ("disp(sum(ones(100, 100)(:)))", "too many elements"),
        (
            "x = rand(60); y = x; for k = 1:9, y = y * x; end, disp(y(1))",
            "steps of its inner loops; the limit is 100000",
        ),
    ] {
        let error = error_of(&engine, text);
        assert!(error.contains(expected), "{text}: {error}");
    }
    // What stays within the bounds runs.
    let mut settings = settings(Path::new(""));
    settings.bounds = Bounds { files: false, statements: 300, elements: 5_000 };
    let ran = run_with(&engine, "t.m", "s = 0; for k = 1:100, s += k; end, disp(s)", &settings, &[]);
    assert!(ran.result.is_ok());
    assert_eq!(ran.output, "5050\n");
}
