//! Golden files: a program and the dump of every evaluation it caused, stage by stage. `BLESS=1 cargo test -p lazurite-cli --test programs
//! golden` rewrites them; read the difference before you commit it.
//!
//! A file of `cli/tests/golden/evaluations/` starts with comment lines, of which `% device: gpu`, `% real: single` and `% numerics: strict`
//! are settings; then comes the program, or a line `% script: examples/NAME.m` that names one, a line `---`, and the dumps. Evaluations
//! with equal dumps are shown once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::support::scripts::{golden, repository, run_with, settings};
use lazurite::inspect::Plan;
use lazurite::{DeviceChoice, Engine, Numerics};
use lazurite_cli::script::classes::Class;

const RULE: &str = "---\n";

/// Rounds that every plan saturates within; the dumps say nothing of how a plan came about.
const MAX_ROUNDS: usize = 15;

fn setting<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().take_while(|l| l.starts_with('%'));
    let mut values =
        lines.filter_map(|l| l.trim_start_matches('%').trim().strip_prefix(name)?.trim().strip_prefix(':'));
    values.next().map(str::trim)
}

/// What shows that a plan did not come about as every plan of these programs must: saturated, within the limit, with no fallback.
fn why_unfinished(plan: &Plan) -> Option<String> {
    let finished = plan.saturated && plan.fallback.is_none() && plan.rounds <= MAX_ROUNDS;
    let Plan { saturated, rounds, fallback, .. } = plan;
    (!finished).then(|| format!("a plan of {rounds} rounds, saturated: {saturated}, fallback: {fallback:?}"))
}

/// The dumps of all evaluations of a program, or `None` when it needs a GPU and there is none.
fn dumps(path: &Path, program: &str) -> Option<String> {
    let device = match setting(program, "device") {
        Some("gpu") => DeviceChoice::Gpu,
        _ => DeviceChoice::Cpu,
    };
    let numerics = match setting(program, "numerics") {
        Some("strict") => Numerics::Strict,
        Some("fast") => Numerics::Fast,
        _ => Numerics::Standard,
    };
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let unfinished: Arc<Mutex<Vec<String>>> = Arc::default();
    let engine = Engine::builder().device(device).numerics(numerics).observe({
        let (seen, unfinished) = (seen.clone(), unfinished.clone());
        move |evaluation| {
            seen.lock().unwrap().push(evaluation.to_string());
            unfinished.lock().unwrap().extend(evaluation.prepared.plan.as_ref().and_then(why_unfinished));
        }
    });
    let engine = match engine.build() {
        Ok(engine) => engine,
        Err(error) if std::env::var("LAZURITE_REQUIRE_GPU").as_deref() == Ok("1") => {
            panic!("a GPU is required: {error}")
        }
        Err(_) => return None,
    };
    let script = setting(program, "script").map(|name| repository().join(name));
    let mut settings = settings(script.as_deref().unwrap_or(path).parent().unwrap());
    if setting(program, "real") == Some("single") {
        settings.real = Class::Single;
    }
    let ran = match &script {
        Some(script) => {
            let name = script.file_name().unwrap().to_string_lossy();
            let text = std::fs::read_to_string(script).unwrap_or_else(|e| panic!("{}: {e}", script.display()));
            run_with(&engine, &name, &text, &settings, &[])
        }
        None => run_with(&engine, "program", program, &settings, &[]),
    };
    if let Err(error) = ran.result {
        panic!("{}: {error}", path.display());
    }
    let unfinished = unfinished.lock().unwrap();
    assert!(unfinished.is_empty(), "{}: {unfinished:?}", path.display());
    let mut counts: HashMap<String, usize> = HashMap::new();
    let all = seen.lock().unwrap().clone();
    for dump in &all {
        *counts.entry(dump.clone()).or_default() += 1;
    }
    let mut text = String::new();
    for dump in &all {
        if let Some(n) = counts.remove(dump) {
            // How often a loop runs depends on the last bits of what it tests.
            let times = if n == 1 { "once" } else { "repeatedly" };
            text.push_str(&format!("######## evaluated {times}\n{dump}\n"));
        }
    }
    Some(text)
}

#[test]
fn programs_dump_what_their_golden_files_say() {
    let bless = std::env::var("BLESS").as_deref() == Ok("1");
    let files = golden("evaluations");
    assert!(files.len() >= 8, "expected the golden files, found {}", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (program, expected) = text.split_once(RULE).unwrap_or((&text, ""));
        let Some(found) = dumps(path, program) else {
            println!("{}: skipped, there is no GPU", path.display());
            continue;
        };
        if found == expected {
            continue;
        }
        if bless {
            std::fs::write(path, format!("{program}{RULE}{found}")).unwrap();
            continue;
        }
        let first = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
        let at = first.unwrap_or(found.lines().count().min(expected.lines().count()));
        wrong.push(format!(
            "{} differs from line {} of its dump on:\n  expected: {}\n  found:    {}",
            path.display(),
            at + 1,
            expected.lines().nth(at).unwrap_or("(the end)"),
            found.lines().nth(at).unwrap_or("(the end)")
        ));
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 writes the files anew; read the difference first.", wrong.join("\n"));
}
