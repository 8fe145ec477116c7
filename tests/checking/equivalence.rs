//! Fusion changes nothing: random graphs with the planner on and off, fused and node by node, on GPU and CPU, against an oracle
//! that carries every value with an error bound in higher precision.
//!
//! `LAZURITE_CASES=20000` runs longer, `LAZURITE_SEED=7` runs other cases, `LAZURITE_REQUIRE_GPU=1` fails without an adapter.
//! A failing case is shrunk and printed with the first node that differs.

use std::collections::BTreeMap;
use std::sync::Mutex;

use lazurite::check::runs::{check, check_bits, report, report_bits};
use lazurite::check::strategies::cases;
use lazurite::check::{Allowance, ROUTINES, Tally, operation_names};
use lazurite::inspect::graph::Case;
use lazurite::inspect::{Place, RunOptions, Step};
use lazurite::{DeviceChoice, Engine, Evaluation, Numerics};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Planner on and off, fused and not.
const WAYS: [RunOptions; 4] = [
    RunOptions { plan: false, fuse: false },
    RunOptions { plan: false, fuse: true },
    RunOptions { plan: true, fuse: false },
    RunOptions { plan: true, fuse: true },
];

fn number(name: &str) -> Option<u32> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

/// How many threads share the cases of a test: shaders compile on the thread that asks for them.
const SHARDS: u32 = 2;

type Test<'a> = &'a (dyn Fn(&Case) -> Result<(), String> + Sync);
type Explain<'a> = &'a (dyn Fn(&Case) -> String + Sync);

/// Runs random cases through `test`; the smallest failing one is made smaller still by `explain` and printed.
fn for_cases(salt: u8, default: u32, test: Test<'_>, explain: Explain<'_>) {
    std::thread::scope(|scope| {
        let shards: Vec<_> =
            (0..SHARDS).map(|i| scope.spawn(move || shard(salt + i as u8, default, test, explain))).collect();
        for shard in shards {
            if let Err(panic) = shard.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

fn shard(salt: u8, default: u32, test: Test<'_>, explain: Explain<'_>) {
    let mut seed = [salt; 32];
    seed[..4].copy_from_slice(&number("LAZURITE_SEED").unwrap_or(1).to_le_bytes());
    let n = number("LAZURITE_CASES").unwrap_or(default).div_ceil(SHARDS);
    let config = Config { cases: n, max_shrink_iters: 400, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let result = runner.run(&cases(), |case| test(&case).map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => panic!("{}\nas found: {reason}", explain(&case)),
        Err(e) => panic!("{e}"),
    }
}

/// What was compared, over all cases.
#[derive(Default)]
struct Coverage {
    tally: Tally,
    seen: BTreeMap<&'static str, u32>,
}

impl Coverage {
    fn count(&mut self, case: &Case) {
        for node in &case.graph.nodes {
            *self.seen.entry(node.op.name()).or_default() += 1;
        }
    }

    /// Most elements were compared tightly, and no operation was left out.
    fn hold(&self) {
        let Tally { elements, tight, loose } = self.tally;
        println!("{elements} elements, {tight} tight, {loose} loose; {:?}", self.seen);
        assert!(tight as f64 >= 0.9 * elements as f64, "only {tight} of {elements} elements were compared tightly");
        let routines: &[&str] = if cfg!(feature = "linalg") { &ROUTINES } else { &[] };
        let wanted = operation_names();
        let missing: Vec<&&str> =
            wanted.iter().chain(routines).filter(|name| !self.seen.contains_key(**name)).collect();
        assert!(missing.is_empty(), "never ran: {missing:?}");
    }
}

fn against_the_oracle(engine: &Engine, gpu: bool, default: u32) {
    let coverage = Mutex::new(Coverage::default());
    let allow = |options: RunOptions| Allowance::new(gpu, options.plan);
    let test = |case: &Case| {
        let mut tally = Tally::default();
        for options in ways(case, gpu) {
            tally.add(check(engine, case, *options, allow(*options))?);
        }
        let mut coverage = coverage.lock().unwrap();
        coverage.tally.add(tally);
        coverage.count(case);
        Ok(())
    };
    let failing = |case: &Case| WAYS.into_iter().find(|o| check(engine, case, *o, allow(*o)).is_err());
    let explain = |case: &Case| match failing(case) {
        Some(options) => report(engine, case, options, allow(options)),
        None => String::from("did not fail again"),
    };
    for_cases(3, default, &test, &explain);
    coverage.lock().unwrap().hold();
}

/// All ways; on a GPU, where compiling takes the time, every other case only plain and with everything on.
fn ways(case: &Case, gpu: bool) -> &'static [RunOptions] {
    const ENDS: [RunOptions; 2] = [WAYS[0], WAYS[3]];
    if gpu && case.graph.nodes.len() % 2 == 1 { &ENDS } else { &WAYS }
}

#[test]
fn on_the_cpu_every_way_to_run_agrees_with_the_oracle() {
    let engine = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    against_the_oracle(&engine, false, 250);
}

/// One tree for each sum, one rounding for each operation: strict results do not depend on grouping.
#[test]
fn strict_results_have_the_same_bits_fused_and_unfused() {
    let engine = Engine::builder().device(DeviceChoice::Cpu).numerics(Numerics::Strict).build().unwrap();
    let differ = |case: &Case| WAYS[1..].iter().find(|o| check_bits(&engine, case, WAYS[0], **o).is_err());
    let test = |case: &Case| WAYS[1..].iter().try_for_each(|o| check_bits(&engine, case, WAYS[0], *o));
    let explain = |case: &Case| match differ(case) {
        Some(options) => report_bits(&engine, case, WAYS[0], *options),
        None => String::from("did not fail again"),
    };
    for_cases(5, 250, &test, &explain);
}

/// Why a step of an engine with a GPU may run on the CPU all the same, `*` standing for any word or number. Whatever else is
/// given as a reason is a gap nobody knows of, and fails the test.
const EXPECTED: [&str; 9] = [
    // Sorting, scattering and the routines of linear algebra have no kernels.
    "* is a host routine",
    // What this adapter lacks.
    "the adapter has no f16 in kernels",
    "the adapter has no f64 in kernels",
    "the adapter has no i64 in kernels",
    "u8 is read and cast on GPUs, not computed with",
    "conversions between f16 and 64-bit dtypes are not in kernels",
    // WGSL has no transcendental functions of f64.
    "* of f64 does not exist on GPUs",
    "normal random elements of f64 do not exist on GPUs",
    // Pieces of a concatenation are bound one by one.
    "concat binds * buffers, the adapter allows * with the parameters",
];

/// The reasons that random graphs must meet on any adapter.
const CERTAIN: [&str; 2] = [EXPECTED[0], EXPECTED[4]];

/// Whether `text` is `pattern` with words in place of its stars.
fn is_like(pattern: &str, text: &str) -> bool {
    let (words, known): (Vec<&str>, Vec<&str>) = (text.split(' ').collect(), pattern.split(' ').collect());
    words.len() == known.len() && words.iter().zip(known).all(|(w, k)| k == "*" || *w == k)
}

/// The reason of every step that an engine with a GPU ran on the CPU, without the node it begins with.
type Reasons = std::sync::Arc<Mutex<BTreeMap<String, u32>>>;

fn note_reasons(evaluation: &Evaluation, reasons: &Reasons) {
    for step in &evaluation.prepared.schedule.steps {
        let reason = match step {
            Step::Run(group) if group.place == Place::Cpu => &group.reason,
            Step::Host { reason, .. } => reason,
            _ => continue,
        };
        let words = reason.split_once(": ").filter(|(node, _)| !node.contains(' ')).map_or(&**reason, |(_, why)| why);
        *reasons.lock().unwrap().entry(words.to_string()).or_default() += 1;
    }
}

#[test]
fn reasons_are_compared_word_for_word() {
    assert!(is_like("* of f64 does not exist on GPUs", "exp of f64 does not exist on GPUs"));
    assert!(!is_like("* of f64 does not exist on GPUs", "exp of f32 does not exist on GPUs"));
    assert!(!is_like("* is a host routine", "no kernel: sort is a host routine"));
    assert!(!is_like("* is a host routine", ""));
}

#[test]
fn on_the_gpu_every_way_to_run_agrees_with_the_oracle() {
    let reasons = Reasons::default();
    let seen = reasons.clone();
    let builder = Engine::builder().device(DeviceChoice::Gpu).observe(move |e| note_reasons(e, &seen));
    let engine = match builder.build() {
        Ok(engine) => engine,
        Err(e) => {
            assert!(std::env::var("LAZURITE_REQUIRE_GPU").as_deref() != Ok("1"), "a GPU is required: {e}");
            eprintln!("no GPU adapter, only the CPU was tested: {e}");
            return;
        }
    };
    against_the_oracle(&engine, true, 250);
    let stats = engine.stats();
    println!("{stats:?}");
    assert!(stats.gpu_groups > 0, "nothing ran on the GPU: {stats:?}");
    assert_eq!(stats.fallbacks, 0, "evaluations failed on the GPU and were repeated on the CPU: {stats:?}");
    let reasons = reasons.lock().unwrap();
    println!("on the CPU because: {reasons:?}");
    let known = |why: &&String| EXPECTED.iter().any(|e| is_like(e, why));
    let unknown: Vec<&String> = reasons.keys().filter(|why| !known(why)).collect();
    assert!(unknown.is_empty(), "steps ran on the CPU for reasons that are not expected: {unknown:?}");
    let unmet: Vec<_> = CERTAIN.iter().filter(|e| !reasons.keys().any(|why| is_like(e, why))).collect();
    assert!(unmet.is_empty(), "reasons that should have been met: {unmet:?}");
}
