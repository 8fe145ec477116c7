//! The program `lazurite`: arguments in, exit code out.

use std::io::{BufWriter, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use lazurite_cli::{arguments::Arguments, commands, terminal::Terminal};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let terminal = Terminal::of(&stdout());
    let mut out = BufWriter::new(stdout());
    let mut errors = stderr();
    commands::execute(arguments, terminal, &mut out, &mut errors).into()
}
