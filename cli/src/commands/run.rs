//! `lazurite run`: runs a script for its effects.

use std::io::Write;

use super::scripts::{Results, dump_settings, run_script};
use crate::arguments::{Format, RunArguments};
use crate::exit::{Exit, Failure};
use crate::explanations::Explanations;
use crate::terminal::Terminal;

/// Runs a script; with `--explain`, explanations of its evaluations are written to `errors`.
pub(super) fn execute(
    arguments: &RunArguments,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> Result<Exit, Failure> {
    let format = arguments.explain.then_some(Format::Text);
    let explanations = Explanations::new(format, dump_settings(&arguments.script, Vec::new()));
    let results = Results { saved: &arguments.outputs, quiet: false };
    let ran = run_script(&arguments.script, &results, |builder| explanations.watch(builder), out, errors);
    let exit = ran.result.map_or_else(|failure| failure.report(errors), |()| Exit::Success);
    explanations.write(ran.source.as_ref(), Terminal::default(), errors);
    Ok(exit)
}
