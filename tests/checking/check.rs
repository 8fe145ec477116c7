//! The checking room as its users see it: arrays and rule files of their own, and sessions of many cases that cover every rule.
//!
//! `LAZURITE_CASES=20000` runs longer, `LAZURITE_SEED=7` runs other cases.

use lazurite::check::{Blame, Coverage, Session, SessionOptions, case_of, equivalence};
use lazurite::{Array, DeviceChoice, Engine, Numerics, Rules, SliceSpec};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

fn engine(rules: Option<&str>) -> Engine {
    let builder = Engine::builder().device(DeviceChoice::Cpu);
    let builder = rules.iter().fold(builder, |b, text| b.rules_on_trust("mine.rules", *text));
    builder.build().unwrap()
}

/// How many threads share the cases.
const SHARDS: u64 = 2;

/// Cases `first`, `first + SHARDS`, … below `n`, and what they met.
fn shard(options: SessionOptions, first: u64, n: u64) -> Coverage {
    let mut session = Session::new(options).unwrap();
    for index in (first..n).step_by(SHARDS as usize) {
        if let Err(finding) = session.check(index) {
            panic!("case {} ({}): {}", finding.index, finding.configuration, finding.divergence);
        }
    }
    session.coverage
}

/// Every rule in turn, whole and with an edit. `LAZURITE_CASES` adds random graphs.
#[test]
fn every_rule_fires_under_check_and_nothing_diverges() {
    let asked = number("LAZURITE_CASES");
    let seed = number("LAZURITE_SEED").unwrap_or(1);
    let rule_every = if asked.is_some() { 3 } else { 1 };
    let options = SessionOptions { rule_every, ..SessionOptions::new(DeviceChoice::Cpu, seed) };
    let rules = Rules::builtin();
    let n = asked.unwrap_or(rules.checks().count() as u64 + NEAR_MISSES);
    let mut coverage = Coverage::default();
    std::thread::scope(|scope| {
        let shards: Vec<_> = (0..SHARDS)
            .map(|first| {
                let options = options.clone();
                scope.spawn(move || shard(options, first, n))
            })
            .collect();
        for shard in shards {
            match shard.join() {
                Ok(met) => coverage.merge(&met),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    println!("{}", coverage.summary(rules));
    let silent = coverage.silent_rules(rules);
    assert!(silent.is_empty(), "never fired in {n} cases: {silent:?}");
    let tally = coverage.tally;
    assert!(tally.tight as f64 >= 0.9 * tally.elements as f64, "most elements are compared tightly: {tally:?}");
    for kind in ["cpu map", "cpu rows", "cpu gemm", "cpu syrk", "host"] {
        assert!(coverage.groups.contains_key(kind), "no group of this kind ran: {kind}");
    }
}

/// Cases with an edit, beside one as it is written for every direction of every rule.
const NEAR_MISSES: u64 = 60;

#[test]
fn arrays_of_a_program_are_checked_and_stay_pending() {
    let engine = engine(None);
    let data: Vec<f32> = (0..480).map(|i| (i * 7 % 17) as f32 * 0.25 - 2.0).collect();
    let x = engine.from_slice(&data, &[96, 5]).unwrap();
    let centred = &x - x.mean(0, true);
    let covariance = centred.t().matmul(&centred) / 95.0;
    let report = equivalence(&engine, &[&covariance]).unwrap();
    assert!(report.is_equivalent(), "{report}");
    assert!(!covariance.is_evaluated());
    assert!(report.coverage.rules.keys().any(|r| r.starts_with("gram")), "{report}");
    assert_eq!(report.coverage.tally.elements, 25);
    engine.eval(&[&covariance]).unwrap();
    assert!(equivalence(&engine, &[&covariance]).unwrap_err().is_argument());
}

/// Extents may be long beside one of 0: nothing may walk them. (A walk over these would not end.)
#[test]
fn arrays_without_elements_cost_nothing_however_long_their_axes_are() {
    const LONG: usize = 1 << 28;
    let engine = engine(None);
    let x = engine.from_slice::<f32>(&[], &[LONG, 0, LONG]).unwrap();
    let none = engine.from_slice::<i32>(&[], &[0]).unwrap();
    let first = engine.from_slice(&[0i32], &[1]).unwrap();
    let beside = engine.from_slice::<f32>(&[], &[LONG, 0, 1]).unwrap();
    let mut roots = vec![x.exp() + 1.0, x.t().sqrt(), x.flip(0).flip(2), x.pad(&[0, 0, 1], &[2, 0, 0], 3.0)];
    for axis in 0..3 {
        roots.extend([x.sort(axis, true), x.argsort(axis, false), x.cumsum(axis), x.cummax(axis)]);
        roots.push(Array::concat(&[&x, &x], axis).unwrap());
        roots.push(x.take(&none, axis));
        let mut part = [SliceSpec::range(0, LONG), SliceSpec::range(0, 0), SliceSpec::range(0, LONG)];
        part[axis] = SliceSpec::range(0, 0);
        let update = x.slice(&part);
        roots.extend([x.scatter(axis, &none, &update), x.slice_update(&part, &update)]);
    }
    roots.extend([
        x.sum(0, true),
        x.prod(2, false),
        x.argmax(0, true),
        x.take(&first, 2),
        x.scatter(2, &first, &beside),
    ]);
    // What replaces all is the update itself.
    roots.retain(|root| !root.is_evaluated());
    assert_eq!(roots.len(), 4 + 3 * 8 + 5 - 1);
    for root in &roots {
        let report = equivalence(&engine, &[root]).unwrap_or_else(|e| panic!("{e}"));
        assert!(report.is_equivalent(), "{report}");
        assert!(root.to_host().unwrap().is_empty());
    }
}

/// Wrong rules as an embedder might add them, with the operation that first diverges.
const WRONG: [(&str, &str, &str); 3] = [
    ("forgets-exp", "rule forgets-exp : exact A @ exp(B) => A @ B", "contract"),
    ("forgets-one", "rule forgets-one : exact 1 + square(x) => square(x)", "add"),
    ("drops-sign", "rule drops-sign : exact tanh(-x) => tanh(x)", "tanh"),
];

#[test]
fn a_wrong_rule_of_ones_own_is_named_with_the_node_it_spoils() {
    for (name, text, op) in WRONG {
        let engine = engine(Some(text));
        let data: Vec<f32> = (0..36).map(|i| (i * 7 % 11) as f32 * 0.25 - 1.0).collect();
        let (a, b) = (engine.from_slice(&data, &[6, 6]).unwrap(), engine.from_slice(&data, &[6, 6]).unwrap());
        let before = &a * 0.5 + &b;
        let result = match op {
            "contract" => before.matmul(&b.exp()),
            "add" => 1.0 + before.square(),
            _ => (-before).tanh(),
        };
        let last = (result * 2.0).sum(1, false);
        let report = equivalence(&engine, &[&last, &a.cos()]).unwrap();
        let found = report.divergence.unwrap_or_else(|| panic!("{name} was not caught"));
        assert!(found.blame.names_rule(name) && matches!(&found.blame, Blame::Rules(all) if all.len() == 1), "{found}");
        assert_eq!(found.case.graph.node(found.node).op.name(), op, "{found}");
        assert_eq!(found.root, 0);
        assert!(found.mismatch.given.is_some() && found.mismatch.expected.is_some(), "{found}");
        assert!(found.tolerance.radius > 0.0 && found.tolerance.own <= found.tolerance.radius, "{found}");
        let text = found.to_string();
        assert!(text.contains(name) && text.contains("tolerance: ") && text.contains("carried over"), "{text}");
        // The case by itself diverges in the same way, on an engine that holds nothing else.
        let again = lazurite::check::equivalence_of(&engine, &found.case);
        assert!(again.divergence.is_some_and(|d| d.blame.names_rule(name)));
    }
}

/// A wrong rule that no plan shows, because a right one takes its result away at once: both are needed for the fault.
#[test]
fn rules_that_are_wrong_only_together_are_found() {
    let engine = engine(Some("rule hidden : exact 1 + square(x) => square(x) * 1"));
    let x = engine.from_slice(&[1.5f32, 2.0, -3.0], &[3]).unwrap();
    let found = equivalence(&engine, &[&(1.0 + x.square())]).unwrap().divergence.unwrap();
    assert!(found.blame.names_rule("hidden"), "{found}");
    assert!(matches!(&found.blame, Blame::Rules(all) if all.len() <= 2), "{found}");
}

/// Fast plans are held to the roundings of what they compute: a rule that is off by forty units in the last place is found, one that
/// means the same is not. Where infinities may occur nothing is promised, beside them everything.
#[test]
fn an_approximate_rule_is_held_to_what_it_means() {
    let fast = |rule: &str| {
        let builder = Engine::builder().device(DeviceChoice::Cpu).numerics(Numerics::Fast);
        builder.rules_on_trust("mine.rules", rule).build().unwrap()
    };
    let report = |engine: &Engine, data: &[f32]| {
        let x = engine.from_slice(data, &[data.len()]).unwrap();
        equivalence(engine, &[&((x.cosh() + x.sinh()) * 3.0)]).unwrap()
    };
    let data: Vec<f32> = (0..40).map(|i| i as f32 * 0.125).collect();
    let sound = report(&fast("rule hyperbolic : approximate cosh(x) + sinh(x) => exp(x)"), &data);
    assert!(sound.is_equivalent() && sound.coverage.rules.contains_key("hyperbolic"), "{sound}");
    assert_eq!(sound.coverage.tally.tight, 40);
    let coarse = fast("rule coarse : approximate cosh(x) + sinh(x) => exp(x) * 1.0000050067901611328125");
    let found = report(&coarse, &data).divergence.expect("forty units in the last place");
    assert!(found.blame.names_rule("coarse"), "{found}");
    assert!(found.tolerance.radius < 1e-5, "{found}");
    // One element without a promise hides no other.
    let odd = report(&coarse, &[f32::INFINITY, f32::NAN, 1.0]);
    assert!(odd.divergence.is_some_and(|d| d.mismatch.index == 2));
    let odd = report(&coarse, &[f32::INFINITY, f32::NAN]);
    assert!(odd.is_equivalent(), "{odd}");
}

#[test]
fn arrays_of_another_engine_are_refused() {
    let (one, other) = (engine(None), engine(None));
    let x = one.from_slice(&[1.0f32, 2.0], &[2]).unwrap();
    assert!(case_of(&other, &[&x]).unwrap_err().is_argument());
}

/// The least share of nodes that have the same bits on every device and must stay on a GPU, by what its name holds: sending all to
/// the CPU would keep the promise too. Without f16 and f64 in kernels (the last line) there is less to keep.
const FLOORS: [(&str, f64); 3] = [("llvmpipe", 0.85), ("NVIDIA", 0.85), ("", 0.4)];

#[test]
fn what_has_the_same_bits_on_every_device_stays_on_the_gpu() {
    let mut session = match Session::new(SessionOptions::new(DeviceChoice::Gpu, 3)) {
        Ok(session) => session,
        Err(e) => {
            assert!(std::env::var("LAZURITE_REQUIRE_GPU").as_deref() != Ok("1"), "a GPU is required: {e}");
            eprintln!("no GPU adapter, no share was measured: {e}");
            return;
        }
    };
    for index in (0..60).step_by(2) {
        if let Err(finding) = session.check(index) {
            panic!("case {index}: {finding}");
        }
    }
    let promised = &session.coverage.promised;
    println!("{}: {promised:?}", session.device());
    let (device, floor) = FLOORS.into_iter().find(|(name, _)| session.device().contains(name)).unwrap();
    let share = promised.share().unwrap();
    assert!(share >= floor, "{device}: {share} of {promised:?} stayed on the GPU, at least {floor} must");
}
