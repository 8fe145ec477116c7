//! `lazurite explain`: explains the evaluations of a script, or those that a dump recorded.

use std::io::Write;

use lazurite::inspect::dump;

use super::replay::read_dump;
use super::scripts::{Results, dump_settings, read_rules, run_script};
use crate::arguments::{ExplainArguments, Format, NodeQuery};
use crate::exit::{Exit, Failure};
use crate::explanations::{Explanations, Proofs};
use crate::terminal::Terminal;

/// Explains. `terminal` says how explanations look on `out`.
pub(super) fn execute(
    arguments: &ExplainArguments,
    terminal: Terminal,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    if arguments.script.script.extension().is_some_and(|extension| extension == "json") {
        return from_dump(arguments, out);
    }
    match &arguments.why {
        Some(query) if arguments.format == Format::Text => why(arguments, query, terminal, out, errors),
        Some(_) => Err(Failure::bad_input("--why is answered as text: leave --format out")),
        None => evaluations(arguments, terminal, out, errors),
    }
}

/// Explains every evaluation; if the script fails, those before the failure.
fn evaluations(
    arguments: &ExplainArguments,
    terminal: Terminal,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let rules = read_rules(&arguments.script.rules)?;
    let explanations = Explanations::new(Some(arguments.format), dump_settings(&arguments.script, rules));
    let ran = run_script(&arguments.script, &QUIET, |builder| explanations.watch(builder), out, errors);
    let exit = ran.result.map_or_else(|failure| failure.report(errors), |()| Exit::Success);
    match &arguments.out {
        None => explanations.write(ran.source.as_ref(), terminal, out),
        Some(path) => explanations
            .write_to(path, arguments.beside, ran.source.as_ref())
            .map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))?,
    }
    Ok(exit)
}

const QUIET: Results = Results { saved: &[], quiet: true };

/// Explains why one node is computed the way it is.
fn why(
    arguments: &ExplainArguments,
    query: &NodeQuery,
    terminal: Terminal,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let proofs = Proofs::default();
    let ran = run_script(&arguments.script, &QUIET, |builder| proofs.watch(builder), out, errors);
    ran.result?;
    let text = proofs.why(query, ran.source.as_ref()).map_err(|error| Failure::from(&error))?;
    // The reader may close the stream early.
    let _ = out.write_all(terminal.show(&text).as_bytes()).and_then(|()| out.flush());
    Ok(Exit::Success)
}

/// Makes a page, a trace or a dump of what a dump recorded, without evaluating anything.
fn from_dump(arguments: &ExplainArguments, out: &mut dyn Write) -> Result<Exit, Failure> {
    let dump = read_dump(&arguments.script.script).map_err(Failure::bad_input)?;
    let text = match arguments.format {
        Format::Html => dump::page(&dump),
        Format::Trace => dump::trace(&dump),
        Format::Json => dump.write(),
        Format::Text | Format::Dot => {
            let why = "a dump is explained as html, trace or json: the other forms are written as a script runs";
            return Err(Failure::bad_input(why));
        }
    };
    let written = match &arguments.out {
        Some(file) => std::fs::write(file, text),
        None => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
    };
    written.map_err(|error| Failure::bad_input(format!("the explanation cannot be written: {error}")))?;
    Ok(Exit::Success)
}
