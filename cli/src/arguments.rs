//! The command line.
//!
//! In: the program's arguments. Out: a command with its paths and choices, typed. It knows nothing about scripts.

use std::path::PathBuf;

use lazurite::{DeviceChoice, Numerics};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs matrix scripts on lazurite and explains how they were fused.
#[derive(Parser, Debug)]
#[command(name = "lazurite", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a script.
    Run(RunArguments),
    /// Run a script and print an explanation of each evaluation instead of the script's output. For a dump (.json), make a page or a
    /// trace of what it recorded.
    Explain(ExplainArguments),
    /// Run a dump again, as written by `explain --format json` and `check`.
    Replay(ReplayArguments),
    /// Check the engine: run random graphs, and graphs made from the rules, in every configuration and compare them with an
    /// oracle. Exits with 1 when a result is wrong, and writes a file for each.
    Check(CheckArguments),
    /// List the planner's rules with their classes, or check rule files and test their claims.
    Rules {
        /// Rule files to check; each may use the built-in rules and the files before it.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// List the devices that can evaluate.
    Devices {
        /// Measure what work costs on each device, and show it beside the costs that plans assume.
        #[arg(long)]
        calibrate: bool,
        /// Print only the certificate of the GPU: what its driver computes as the CPU does, what is worked around, what goes to the
        /// CPU, and what each mode promises. Takes about a second.
        #[arg(long, conflicts_with = "calibrate")]
        certify: bool,
    },
}

/// A script to run for its effects.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The script and how to run it.
    #[command(flatten)]
    pub script: ScriptArguments,
    /// Save a variable when the script has ended.
    #[arg(long = "out", value_name = "NAME=FILE.npy")]
    pub outputs: Vec<Assignment>,
    /// Also explain each evaluation on stderr.
    #[arg(long)]
    pub explain: bool,
}

/// A script or a dump to explain.
#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// The script and how to run it.
    #[command(flatten)]
    pub script: ScriptArguments,
    /// The format of the explanation.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write to a file instead of stdout.
    #[arg(long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print only why a node is computed the way it is: the chain of rules from what was written to what ran, each with its
    /// class. NODE is a number in the explained graph (%21 or 21) or the name of a variable; 2:NODE asks about the second
    /// evaluation alone. Text format only.
    #[arg(long, value_name = "NODE", conflicts_with_all = ["beside", "out"])]
    pub why: Option<NodeQuery>,
    /// With json and --out: arrays of at least this many bytes are written to .npy files beside the dump.
    #[arg(long, value_name = "BYTES", requires = "out")]
    pub beside: Option<usize>,
}

/// What to check.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// The number of cases.
    #[arg(long, default_value_t = 1000)]
    pub cases: u64,
    /// The seed of the cases: the same seed gives the same cases in every run.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The number of the first case; with --cases 1, the only one.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub first: u64,
    /// Where to evaluate.
    #[arg(long, value_enum, default_value_t = Device::Cpu)]
    pub device: Device,
    /// A rule file to check in addition to the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// Make every case from a rule, all rules in turn, instead of one case in three.
    #[arg(long)]
    pub only_rules: bool,
    /// The folder for mismatch files; it is created when there is one to write.
    #[arg(long, value_name = "DIR", default_value = "lazurite-check")]
    pub out: PathBuf,
}

/// A script and how to run it.
#[derive(Args, Debug)]
pub struct ScriptArguments {
    /// The script.
    #[arg(value_name = "SCRIPT.m")]
    pub script: PathBuf,
    /// Files (.npy or .csv) that replace what the script loads into a variable, or that define one.
    #[arg(value_name = "NAME=FILE")]
    pub inputs: Vec<Assignment>,
    /// Where to evaluate.
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    pub device: Device,
    /// The default class of real numbers.
    #[arg(long, value_enum, default_value_t = Real::Double)]
    pub real: Real,
    /// Which rewrites are allowed.
    #[arg(long, value_enum, default_value_t = Rewrites::Standard)]
    pub numerics: Rewrites,
    /// A rule file to use in addition to the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
}

/// A dump and what to do with it.
#[derive(Args, Debug)]
pub struct ReplayArguments {
    /// The dump.
    #[arg(value_name = "FILE.json")]
    pub file: PathBuf,
    /// Only this run of the dump, counted from 0.
    #[arg(long)]
    pub run: Option<usize>,
    /// Where to evaluate, instead of where the dump says.
    #[arg(long, value_enum)]
    pub device: Option<Device>,
    /// Which rewrites are allowed, instead of those of the dump.
    #[arg(long, value_enum)]
    pub numerics: Option<Rewrites>,
    /// A rule file to use in addition to those of the dump.
    #[arg(long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// Compare every element with the oracle.
    #[arg(long)]
    pub check: bool,
    /// If the results are wrong, find a minimal set of rules and groups without which they are right.
    #[arg(long)]
    pub bisect: bool,
}

/// Where to evaluate.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The GPU where there is one and it is faster, else the CPU.
    Auto,
    /// The GPU for everything that it can run.
    Gpu,
    /// Never a GPU.
    Cpu,
}

/// The class of real numbers.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Real {
    /// 64 bits.
    Double,
    /// 32 bits.
    Single,
}

/// Which rewrites are allowed.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrites {
    /// Only those that preserve every bit.
    Strict,
    /// Also those that keep the usual error bounds.
    Standard,
    /// Also those that may change accuracy, domain or range.
    Fast,
}

/// The format of an explanation.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For Graphviz.
    Dot,
    /// For programs, and for `replay`: a dump.
    Json,
    /// For people, in a browser: one file that needs no network.
    Html,
    /// For Chrome's trace viewer and Perfetto.
    Trace,
}

impl From<Device> for DeviceChoice {
    fn from(device: Device) -> Self {
        match device {
            Device::Auto => Self::Auto,
            Device::Gpu => Self::Gpu,
            Device::Cpu => Self::Cpu,
        }
    }
}

impl From<Rewrites> for Numerics {
    fn from(rewrites: Rewrites) -> Self {
        match rewrites {
            Rewrites::Strict => Self::Strict,
            Rewrites::Standard => Self::Standard,
            Rewrites::Fast => Self::Fast,
        }
    }
}

/// `NAME=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// A variable.
    pub name: String,
    /// A path.
    pub file: PathBuf,
}

impl std::str::FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').ok_or("expected NAME=FILE")?;
        let mut characters = name.chars();
        let starts_well = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !starts_well || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("'{name}' is not a variable name"));
        }
        if file.is_empty() {
            return Err("the file name is empty".into());
        }
        Ok(Self { name: name.to_owned(), file: PathBuf::from(file) })
    }
}

/// The node that `--why` asks about: `[EVALUATION:]NODE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeQuery {
    /// The evaluation, counted from 1; all if absent.
    pub evaluation: Option<usize>,
    /// A node number or a variable name.
    pub node: String,
}

impl std::str::FromStr for NodeQuery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (evaluation, node) = match text.split_once(':') {
            Some((number, node)) => match number.parse() {
                Ok(n) if n > 0 => (Some(n), node),
                _ => return Err(format!("'{number}' is not an evaluation number: evaluations are counted from 1")),
            },
            None => (None, text),
        };
        let name = node.trim_start_matches('%');
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("'{node}' is neither a node number nor a name"));
        }
        Ok(Self { evaluation, node: node.to_owned() })
    }
}
