//! `lazurite replay`: runs a dump's programs again on its data, checks them against the oracle, and bisects wrong results.
//!
//! In: an untrusted dump. Out: the values of its roots, whether they are right, and if not, which rules and groups are at fault. Exit
//! codes: 0 when everything is right, 1 for a wrong result or a failure of the engine, 2 for a file that is not a dump.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use lazurite::check::{Allowance, compare_roots, equivalence_of, evaluate};
use lazurite::inspect::RunOptions;
use lazurite::inspect::dump::{Bisection, Dump, Outcome, RuleFile, Settings, bisect};
use lazurite::inspect::graph::{Case, Graph, Op};
use lazurite::{Engine, Error, Evaluation, HostBuffer, Numerics};

use super::engines::builder;
use crate::arguments::ReplayArguments;
use crate::exit::{Exit, Failure};

/// The most element operations that are checked: the oracle is about a hundred times slower than the engine.
const MAX_CHECKED: f64 = 2e9;
/// How many elements of a root are shown.
const SHOWN: usize = 6;

/// Runs the dump.
pub(super) fn execute(arguments: &ReplayArguments, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut text = String::new();
    let result = read_dump(&arguments.file).and_then(|dump| all(arguments, &dump, &mut text));
    // The output before an error is shown too. The reader may close the stream early.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match result {
        Ok(true) => Ok(Exit::Success),
        Ok(false) => Ok(Exit::EngineFailed),
        Err(error) if error.is_argument() || error.is_rules() => Err(Failure::bad_input(error)),
        Err(error) => Err(Failure::engine(error)),
    }
}

/// Reads a dump and the files beside it.
///
/// # Errors
/// The file cannot be read, or is not a dump; the message says where and why.
pub(super) fn read_dump(path: &Path) -> lazurite::Result<Dump> {
    let name = path.display().to_string();
    let wrong = |what: String| Error::argument(format!("{name}: {what}"));
    let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    let text =
        String::from_utf8(bytes).map_err(|e| wrong(format!("byte {} is not UTF-8", e.utf8_error().valid_up_to())))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Dump::read(&name, &text, &|file| {
        std::fs::read(folder.join(file)).map_err(|e| Error::argument(format!("{file}: {e}")))
    })
}

/// The engine that the dump's settings and the command line ask for. Rules are trusted, because finding a wrong one is
/// what a replay is for.
fn engine(arguments: &ReplayArguments, settings: &Settings) -> lazurite::Result<Engine> {
    let device = arguments.device.map_or(settings.device, Into::into);
    let numerics = arguments.numerics.map_or(settings.numerics, Into::into);
    let mut builder = builder().device(device).numerics(numerics).plan(settings.plan).fuse(settings.fuse);
    for RuleFile { name, text } in &settings.rules {
        builder = builder.rules_on_trust(name, text);
    }
    for path in &arguments.rules {
        let text = std::fs::read_to_string(path).map_err(|e| Error::argument(format!("{}: {e}", path.display())))?;
        builder = builder.rules_on_trust(path.file_name().unwrap_or_default().to_string_lossy(), text);
    }
    builder.build()
}

fn all(arguments: &ReplayArguments, dump: &Dump, text: &mut String) -> lazurite::Result<bool> {
    let engine = engine(arguments, &dump.settings)?;
    let runs = match arguments.run {
        Some(run) if run >= dump.runs.len() => {
            return Err(Error::argument(format!("expected a run below {}, given {run}", dump.runs.len())));
        }
        Some(run) => run..run + 1,
        None => 0..dump.runs.len(),
    };
    for line in dump.about.lines() {
        let _ = writeln!(text, "# {line}");
    }
    let mut right = true;
    for run in runs {
        right &= one(arguments, dump, run, &engine, text)?;
    }
    Ok(right)
}

fn one(
    arguments: &ReplayArguments,
    dump: &Dump,
    run: usize,
    engine: &Engine,
    text: &mut String,
) -> lazurite::Result<bool> {
    let case = dump.case(run)?;
    let asked = dump.runs[run].asked_at.as_ref().map_or_else(String::new, |at| format!(", asked for at {at}"));
    let _ = writeln!(text, "=== run {run}{asked}");
    let Case { graph, leaves, slots } = case.clone();
    let results = engine.run_graph(graph, leaves, &slots, RunOptions::default())?;
    for (root, result) in case.graph.roots.iter().zip(&results) {
        let node = case.graph.node(*root);
        let _ = writeln!(text, "root {root} : {}{} = {}", node.dtype, node.shape, shown(result));
    }
    if let Some(ran) = engine.last_evaluation() {
        for line in ran.kernel_list() {
            let _ = writeln!(text, "ran {line}");
        }
        if let Some(said) = compared(dump, run, &ran) {
            let _ = writeln!(text, "{said}");
        }
    }
    let mut right = true;
    if arguments.check {
        right &= checked(engine, &case, text)?;
    }
    if arguments.bisect {
        right &= searched(engine, &case, text)?;
    }
    Ok(right)
}

fn shown(buffer: &HostBuffer) -> String {
    let some: Vec<String> = (0..buffer.len().min(SHOWN)).map(|i| buffer.get(i).to_string()).collect();
    format!("[{}{}]", some.join(", "), if buffer.len() > SHOWN { ", …" } else { "" })
}

/// Whether the plan is the one that the dump recorded, if it recorded one.
fn compared(dump: &Dump, run: usize, ran: &Evaluation) -> Option<String> {
    let record = dump.programs[dump.runs[run].program].record.as_ref()?;
    let now = lazurite::inspect::dump::Record::of(&ran.prepared);
    if record.graph != now.graph {
        return Some("plan: another than the recorded one".into());
    }
    let groups = |r: &lazurite::inspect::dump::Record| -> Vec<(String, String)> {
        r.groups().map(|(_, _, g)| (g.core.clone(), g.program.clone())).collect()
    };
    let same = groups(record) == groups(&now);
    Some(if same { "plan and groups: as recorded" } else { "plan: as recorded, in other groups" }.into())
}

/// The element operations of a graph, with all multiplications of its products: the oracle's work.
fn work(graph: &Graph) -> f64 {
    let of = |node: &lazurite::inspect::graph::Node| {
        let elements = node.shape.len() as f64;
        let inner = match (&node.op, node.operands.first()) {
            (Op::Contract { .. }, Some(&a)) => graph.node(a).shape.last().map_or(1.0, |&k| k as f64),
            (Op::Reduce { .. } | Op::ArgReduce { .. }, Some(&a)) => {
                graph.node(a).shape.len() as f64 / elements.max(1.0)
            }
            (Op::Host { .. }, Some(&a)) => graph.node(a).shape.len() as f64,
            _ => 1.0,
        };
        elements * inner.max(1.0)
    };
    graph.nodes.iter().map(of).sum()
}

fn too_large(graph: &Graph, text: &mut String) -> lazurite::Result<()> {
    let work = work(graph);
    if work <= MAX_CHECKED {
        return Ok(());
    }
    let _ = writeln!(text, "check: not done");
    Err(Error::unsupported(format!(
        "the oracle carries every element with an error bound, and this program has {work:.1e} operations; at most {MAX_CHECKED:.0e} are checked"
    )))
}

fn checked(engine: &Engine, case: &Case, text: &mut String) -> lazurite::Result<bool> {
    too_large(&case.graph, text)?;
    let report = equivalence_of(engine, case);
    match &report.divergence {
        None => {
            let tally = report.coverage.tally;
            let _ = writeln!(
                text,
                "check: right, {} elements, {} of them tightly, {} with any value allowed",
                tally.elements, tally.tight, tally.loose
            );
            Ok(true)
        }
        Some(d) => {
            let _ = writeln!(
                text,
                "check: WRONG\nfirst node that differs: {} = {}: {}\nallowed: {:e} ({})\nby {}",
                d.node,
                d.case.graph.node(d.node).op,
                d.mismatch,
                d.tolerance.radius,
                d.tolerance.because,
                d.blame
            );
            Ok(false)
        }
    }
}

fn searched(engine: &Engine, case: &Case, text: &mut String) -> lazurite::Result<bool> {
    too_large(&case.graph, text)?;
    // Any reordering that a plan may do is allowed: the search is for errors that no numerics class allows.
    let allow = Allowance::new(engine.device_name().is_some(), engine.numerics() != Numerics::Strict);
    let known = evaluate(case, allow)?;
    let judge = |results: &[Arc<HostBuffer>]| {
        compare_roots(&case.graph, &known, results).map(drop).map_err(|wrong| wrong.to_string())
    };
    let Bisection { outcome, runs } = bisect(engine, case, &judge);
    let _ = write!(text, "bisect: ");
    match &outcome {
        Outcome::Right => {
            let _ = writeln!(text, "the results are right as they are");
        }
        Outcome::WrongUnfused(why) => {
            let _ = writeln!(text, "wrong without planner and fusion too ({runs} runs): {why}");
        }
        Outcome::Culprits { rules, groups } => {
            let _ = writeln!(text, "right without, and with nothing less left out ({runs} runs):");
            for rule in rules {
                let note = engine
                    .rules()
                    .iter()
                    .find(|r| r.name == rule)
                    .map(|r| format!(" ({}, {}.rules)", r.class, r.subject));
                let _ = writeln!(text, "  rule {rule}{}", note.unwrap_or_default());
            }
            for group in groups {
                let _ = writeln!(text, "  group {}", group.name);
            }
        }
    }
    Ok(outcome == Outcome::Right)
}
