//! The fuzz targets: bytes in, nothing out, and no panic, hang or unbounded memory for any bytes.
//!
//! Readers must refuse what they do not understand with an error that has a text. Scripts and graphs run with small limits. The results
//! of a graph must be within the oracle's bounds on the CPU, and on the GPU too with `LAZURITE_FUZZ_GPU=1`.

use std::path::PathBuf;
use std::sync::{LazyLock, Once};

use lazurite::{DeviceChoice, Engine, HostBuffer, Numerics, Rules};
use lazurite::check::{Allowance, Tally, compare, equivalence_of, evaluate, runs, with_other_data};
use lazurite::check::strategies::{Recipe, grow};
use lazurite::inspect::RunOptions;
use lazurite::inspect::dump::{Dump, self};
use lazurite::inspect::graph::Case;
use lazurite::unstable::cpu::reference;
use lazurite_cli::script::classes::Class;
use lazurite_cli::script::diagnostic::SourceText;
use lazurite_cli::script::io;
use lazurite_cli::script::settings::{Bounds, RunSettings};
use lazurite_cli::script::{on_deep_stack, run, run_and_read};

const PLAIN: RunOptions = RunOptions { plan: false, fuse: false };
const FUSED: RunOptions = RunOptions { plan: false, fuse: true };
const WHOLE: RunOptions = RunOptions { plan: true, fuse: true };

/// An engine that gives up early.
fn small_engine(numerics: Numerics) -> Engine {
    let engine =
        Engine::builder().numerics(numerics).device(DeviceChoice::Cpu).memory_limit(64 << 20).work_limit(20_000_000);
    engine.plan_cache(64).max_pending(500).build().expect("the CPU is always there")
}

static CPU: LazyLock<Engine> = LazyLock::new(|| small_engine(Numerics::Standard));
static STRICT: LazyLock<Engine> = LazyLock::new(|| small_engine(Numerics::Strict));
static FAST: LazyLock<Engine> = LazyLock::new(|| small_engine(Numerics::Fast));
static GPU: LazyLock<Option<Engine>> = LazyLock::new(|| {
    let wanted = std::env::var("LAZURITE_FUZZ_GPU").is_ok_and(|v| v == "1");
    wanted.then(|| Engine::builder().device(DeviceChoice::Gpu).plan_cache(64).build().expect("an adapter"))
});

/// Starts every thread of the pool before the first run. A thread that is still starting when leaks are searched for holds memory of
/// the sanitizer's own on a stack that is not searched yet, which would be reported as a leak of this run (fuzz/README.md).
fn pool_is_up() {
    static UP: Once = Once::new();
    UP.call_once(|| {
        rayon::broadcast(|_| ());
    });
}

/// A script, parsed and run without files for up to 2,000 statements; the variable it assigns last is evaluated and read.
pub fn script(data: &[u8]) {
    pool_is_up();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(source) = SourceText::new("fuzz.m", text) else { return };
    let settings = RunSettings {
        real: Class::Double,
        inputs: vec![],
        outputs: vec![],
        folder: PathBuf::new(),
        quiet: false,
        bounds: Bounds { files: false, statements: 2_000, elements: 1 << 18 },
    };
    let (mut out, mut warnings) = (Vec::new(), Vec::new());
    // Only what is read is evaluated, so the last result of a script that prints little is read here.
    let result = match last_assigned(text) {
        Some(name) => {
            let work = || run_and_read(&source, &settings, &CPU, &[name], &mut out, &mut warnings);
            on_deep_stack(work).and_then(|r| r).map(drop)
        }
        None => on_deep_stack(|| run(&source, &settings, &CPU, &mut out, &mut warnings)).and_then(|r| r),
    };
    if let Err(error) = result {
        let text = error.render(&source);
        assert!(!text.contains("this is a bug"), "{text}");
        assert!(!text.trim().is_empty());
    }
}

/// The name on the left of the last `name = …` that begins a line.
fn last_assigned(text: &str) -> Option<&str> {
    text.lines().rev().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let name = name.trim();
        let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
        (word && begins && !value.starts_with('=')).then_some(name)
    })
}

/// A rule file.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = Rules::none().with("fuzz.rules", text) {
        assert!(!error.message().is_empty());
    }
}

/// A dump: what can be read is written, and must read back the same.
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

/// A random graph, compared with the oracle: the reference node by node; the executor in every mode of the planner, with a fresh and a
/// cached plan; and the GPU where that is wanted. Strict results must have the bits of the graph as recorded.
pub fn graph(data: &[u8]) {
    pool_is_up();
    let words: Vec<u16> = data.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    let Some((head, rest)) = words.split_first_chunk::<6>() else { return };
    let steps: Vec<[u16; 8]> = rest.chunks_exact(8).filter_map(|c| c.try_into().ok()).take(40).collect();
    if steps.is_empty() {
        return;
    }
    let case = grow(&Recipe { head: *head, steps });
    by_the_reference(&case);
    let holds = |result: Result<Tally, String>| result.unwrap_or_else(|report| panic!("{report}"));
    holds(runs::check(&CPU, &case, PLAIN, Allowance::CPU));
    holds(runs::check(&CPU, &case, FUSED, Allowance::CPU));
    let planned = Allowance::new(false, true);
    holds(runs::check(&CPU, &case, WHOLE, planned));
    holds(runs::check(&CPU, &with_other_data(&case), WHOLE, planned));
    runs::check_bits(&STRICT, &case, PLAIN, WHOLE).unwrap_or_else(|report| panic!("{report}"));
    let fast = equivalence_of(&FAST, &case);
    assert!(fast.is_equivalent(), "{fast}");
    if let Some(gpu) = &*GPU {
        holds(runs::check(gpu, &case, WHOLE, Allowance::new(true, true)));
    }
}

fn by_the_reference(case: &Case) {
    let leaves: Vec<&HostBuffer> = case.leaves.iter().collect();
    let given = reference::eval_graph(&case.graph, &leaves, &case.slots);
    let given = given.unwrap_or_else(|e| panic!("the reference: {e}\n{case:?}"));
    let known = evaluate(case, Allowance::CPU);
    let known = known.unwrap_or_else(|e| panic!("the oracle: {e}\n{case:?}"));
    for (id, (known, given)) in case.graph.ids().zip(known.iter().zip(&given)) {
        compare(known, given).unwrap_or_else(|m| panic!("the reference of {id}: {m}\n{case:?}"));
    }
}
