//! `lazurite check`: runs many cases with a progress bar, reports their coverage, and writes a file for each mismatch.
//!
//! In: parsed arguments and the two output streams. Out: exit code 0 when nothing diverged, 1 when something did or the engine
//! failed, 2 for bad input. The library does the checking.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lazurite::check::{Finding, Session, SessionOptions};

use super::engines::cache_folder;
use super::scripts::read_rules;
use crate::arguments::CheckArguments;
use crate::exit::{Exit, Failure};

/// The check stops after this many mismatches.
const MOST_FINDINGS: usize = 20;

/// Runs the cases.
pub(super) fn execute(
    arguments: &CheckArguments,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    match run(arguments, out, errors)? {
        0 => Ok(Exit::Success),
        _ => Ok(Exit::EngineFailed),
    }
}

fn options(arguments: &CheckArguments) -> Result<SessionOptions, Failure> {
    let rules = read_rules(&arguments.rules)?;
    let plain = SessionOptions::new(arguments.device.into(), arguments.seed);
    let rule_every = if arguments.only_rules { 1 } else { plain.rule_every };
    Ok(SessionOptions { rule_every, rules, certificates: cache_folder(), ..plain })
}

/// How long a case took; the longest is the greatest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct CaseTime {
    took: Duration,
    case: u64,
}

/// The number of mismatches.
fn run(arguments: &CheckArguments, out: &mut dyn Write, errors: &mut dyn Write) -> Result<usize, Failure> {
    let mut session = Session::new(options(arguments)?)
        .map_err(|error| if error.is_rules() { Failure::bad_input(error) } else { Failure::engine(error) })?;
    let bar = bar(arguments.cases);
    let started = Instant::now();
    let mut findings = 0;
    let mut slowest = CaseTime { took: Duration::ZERO, case: arguments.first };
    for index in arguments.first..arguments.first.saturating_add(arguments.cases) {
        let began = Instant::now();
        let result = session.check(index);
        slowest = slowest.max(CaseTime { took: began.elapsed(), case: index });
        if let Err(finding) = result {
            findings += 1;
            bar.suspend(|| keep(&finding, arguments, errors))?;
        }
        bar.set_message(format!("{findings} mismatches"));
        bar.inc(1);
        if findings >= MOST_FINDINGS {
            break;
        }
    }
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    let n = session.coverage.cases;
    let summary = format!(
        "checked     {n} cases of seed {} on {} in {seconds:.1} s ({:.1} a second; case {} took {:.1} s)\n\
         {}mismatches  {findings}\n",
        arguments.seed,
        session.device(),
        n as f64 / seconds.max(1e-9),
        slowest.case,
        slowest.took.as_secs_f64(),
        session.coverage.summary(session.rules())
    );
    let written = out.write_all(summary.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| Failure::engine(format!("the summary cannot be written: {e}")))?;
    Ok(findings)
}

/// A progress bar, hidden where stderr is not a terminal.
fn bar(cases: u64) -> ProgressBar {
    let visible = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(cases), target);
    match ProgressStyle::with_template("{bar:32} {pos}/{len} cases, {per_sec}, {eta} left, {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Writes the file of a mismatch and reports it.
fn keep(finding: &Finding, arguments: &CheckArguments, errors: &mut dyn Write) -> Result<(), Failure> {
    let name = format!("mismatch-{}-{}.json", arguments.seed, finding.index);
    let path = arguments.out.join(name);
    let dump = finding.dump().map_err(Failure::engine)?;
    write(&path, &dump.write()).map_err(|e| Failure::engine(format!("{}: {e}", path.display())))?;
    let text = format!("case {}: {}\nkept as {}\n\n", finding.index, finding, path.display());
    let _ = errors.write_all(text.as_bytes());
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}
