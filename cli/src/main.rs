//! The program `lazurite`: arguments in, exit code out.

use std::io::{BufWriter, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use lazurite_cli::{arguments::Arguments, commands};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = BufWriter::new(stdout());
    let mut errors = stderr();
    ExitCode::from(commands::execute(arguments, &mut out, &mut errors))
}
