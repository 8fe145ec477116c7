//! The program's commands, a file each.
//!
//! In: parsed arguments and the two output streams. Out: how the program ends. The library and the script language do the work; the
//! files here build engines and lay out the answers.

mod check;
mod devices;
mod engines;
mod explain;
mod output;
mod replay;
mod rules;
mod run;
mod scripts;

use std::io::Write;

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;
use crate::terminal::Terminal;

/// Executes a command. `terminal` says how explanations look on `out`.
pub fn execute(
    arguments: Arguments,
    terminal: Terminal,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> Exit {
    let result = match &arguments.command {
        Command::Run(arguments) => run::execute(arguments, out, errors),
        Command::Explain(arguments) => explain::execute(arguments, terminal, out, errors),
        Command::Replay(arguments) => replay::execute(arguments, out),
        Command::Check(arguments) => check::execute(arguments, out, errors),
        Command::Rules { files } => rules::execute(files, out, errors),
        Command::Devices { certify: true, .. } => devices::certify(out, errors),
        Command::Devices { calibrate, .. } => devices::execute(*calibrate, out),
    };
    result.unwrap_or_else(|failure| failure.report(errors))
}
