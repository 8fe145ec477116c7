//! What is fuzzed: bytes in, nothing out, and whatever the bytes are no panic, no hang and no memory without end.
//!
//! Readers must refuse what they do not understand with an error that has a text. Scripts and graphs run on small limits; a
//! graph must give the same as the oracle allows on the CPU, and on the GPU too where `LAZURITE_FUZZ_GPU=1`.

use std::path::PathBuf;
use std::sync::LazyLock;

use lazurite::check::Allowance;
use lazurite::check::runs;
use lazurite::check::strategies::{Recipe, grow};
use lazurite::dump::{self, Dump};
use lazurite::planner::Rules;
use lazurite::{DeviceChoice, Engine, RunOptions};
use lazurite_cli::script::classes::Class;
use lazurite_cli::script::diagnostic::Source;
use lazurite_cli::script::io;
use lazurite_cli::script::runtime::{Bounds, Settings};
use lazurite_cli::script::{on_deep_stack, run};

/// An engine that gives up early.
fn small_engine() -> Engine {
    let engine = Engine::builder().device(DeviceChoice::Cpu).memory_limit(64 << 20).work_limit(20_000_000);
    engine.plan_cache(64).max_pending(500).build().expect("the CPU is always there")
}

static CPU: LazyLock<Engine> = LazyLock::new(small_engine);
static GPU: LazyLock<Option<Engine>> = LazyLock::new(|| {
    let wanted = std::env::var("LAZURITE_FUZZ_GPU").is_ok_and(|v| v == "1");
    wanted.then(|| Engine::builder().device(DeviceChoice::Gpu).plan_cache(64).build().expect("an adapter"))
});

/// A script, parsed and run without files on a few thousand statements.
pub fn script(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(source) = Source::new("fuzz.m", text) else { return };
    let settings = Settings {
        real: Class::Double,
        inputs: vec![],
        outputs: vec![],
        folder: PathBuf::new(),
        quiet: false,
        bounds: Bounds { files: false, statements: 2_000, elements: 1 << 18 },
    };
    let (mut out, mut warnings) = (Vec::new(), Vec::new());
    let result = on_deep_stack(|| run(&source, &settings, &CPU, &mut out, &mut warnings)).and_then(|r| r);
    if let Err(error) = result {
        let text = error.render(&source);
        assert!(!text.contains("this is a bug"), "{text}");
        assert!(!text.trim().is_empty());
    }
}

/// A rule file.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = Rules::none().with("fuzz.rules", text) {
        assert!(!error.message().is_empty());
    }
}

/// A dump: what is read is written and read again alike.
pub fn dump(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Dump::read("fuzz.json", text, &dump::nothing_beside) {
        Ok(read) => {
            let written = read.write();
            let again = Dump::read("fuzz.json", &written, &dump::nothing_beside);
            assert!(again.is_ok_and(|again| again.write() == written), "{written}");
        }
        Err(error) => assert!(!error.message().is_empty()),
    }
}

/// An `.npy` file.
pub fn npy(data: &[u8]) {
    file(data, false);
}

/// A table of numbers.
pub fn csv(data: &[u8]) {
    file(data, true);
}

fn file(data: &[u8], csv: bool) {
    match io::parse("fuzz", data, csv) {
        Ok(contents) => assert_eq!(contents.dims.iter().product::<usize>(), contents.elements.len()),
        Err(text) => assert!(!text.is_empty()),
    }
}

/// A random graph on both executors, with and without planner and fusion, against the oracle.
pub fn graph(data: &[u8]) {
    let words: Vec<u16> = data.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    let Some((head, rest)) = words.split_first_chunk::<6>() else { return };
    let steps: Vec<[u16; 8]> = rest.chunks_exact(8).filter_map(|c| c.try_into().ok()).take(40).collect();
    if steps.is_empty() {
        return;
    }
    let case = grow(&Recipe { head: *head, steps });
    let fused = RunOptions { plan: true, fuse: true };
    for options in [fused, RunOptions { plan: false, fuse: false }] {
        let allow = Allowance::new(false, options.plan);
        runs::check(&CPU, &case, options, allow).unwrap_or_else(|report| panic!("{report}"));
    }
    if let Some(gpu) = &*GPU {
        let allow = Allowance::new(true, true);
        runs::check(gpu, &case, fused, allow).unwrap_or_else(|report| panic!("{report}"));
    }
}
