//! What the program's commands do.
//!
//! In: parsed arguments and the two output streams. Out: an exit code: 0 when all went well, 2 for bad input, 1 for a failure
//! of the engine. The script language does the work; this file builds the engine.

use std::io::Write;
use std::path::{Path, PathBuf};

use lazurite::CostTable;
use lazurite::inspect::dump;
use lazurite::{DeviceChoice, Engine};

use crate::arguments::{Arguments, Assignment, Command, Format, Real, ScriptArguments};
use crate::explain::Explanations;
use crate::replay::{read as read_dump, replay};
use crate::rules::rules;
use crate::script::classes::Class;
use crate::script::diagnostic::{Blame, Diagnostic, Source};
use crate::script::runtime::{Bounds, Settings};
use crate::script::{on_deep_stack, run as run_script};
use crate::terminal::Terminal;

/// The exit code when all went well.
pub const OK: u8 = 0;
/// The exit code for a failure of the engine or the device.
pub const ENGINE_FAILED: u8 = 1;
/// The exit code for bad input.
pub const BAD_INPUT: u8 = 2;

/// Carries out a command. `terminal` says how explanations look on `out`.
pub fn execute(
    arguments: Arguments,
    terminal: Terminal,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> u8 {
    match arguments.command {
        Command::Run { script, outputs, explain } => {
            let explanations = Explanations::new(explain.then_some(Format::Text), settings(&script, Vec::new()));
            let (code, source) = run(&script, &outputs, false, &explanations, out, errors);
            explanations.write(source.as_ref(), Terminal::default(), errors);
            code
        }
        Command::Explain { script, format, out: file, .. }
            if script.script.extension().is_some_and(|e| e == "json") =>
        {
            explain_dump(&script.script, format, file.as_deref(), out, errors)
        }
        Command::Explain { script, format: Format::Text, why: Some(wanted), .. } => {
            let explanations = Explanations::asked(settings(&script, Vec::new()));
            let (code, source) = run(&script, &[], true, &explanations, out, errors);
            if code != OK {
                return code;
            }
            match explanations.why(&wanted, source.as_ref()) {
                Ok(text) => {
                    let _ = out.write_all(terminal.show(&text).as_bytes()).and_then(|()| out.flush());
                    OK
                }
                Err(error) => fail(&error, None, errors),
            }
        }
        Command::Explain { why: Some(_), .. } => {
            fail(&Diagnostic::unplaced("--why is answered as text: leave --format out"), None, errors)
        }
        Command::Explain { script, format, out: file, beside, .. } => {
            let rules = match read_rules(&script) {
                Ok(rules) => rules,
                Err(error) => return fail(&error, None, errors),
            };
            let explanations = Explanations::new(Some(format), settings(&script, rules));
            let (code, source) = run(&script, &[], true, &explanations, out, errors);
            match file {
                None => explanations.write(source.as_ref(), terminal, out),
                Some(path) => {
                    if let Err(error) = explanations.write_to(&path, beside, source.as_ref()) {
                        return fail(&Diagnostic::unplaced(format!("{}: {error}", path.display())), None, errors);
                    }
                }
            }
            code
        }
        Command::Replay { replay: arguments } => replay(&arguments, out, errors),
        Command::Check(arguments) => crate::check::execute(&arguments, out, errors),
        Command::Rules { files } => rules(&files, out, errors),
        Command::Devices { calibrate } => devices(calibrate, out),
    }
}

/// Makes a page, a trace or a dump of what a dump recorded; nothing is evaluated.
fn explain_dump(
    path: &Path,
    format: Format,
    file: Option<&Path>,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> u8 {
    let text = match (read_dump(path), format) {
        (Err(error), _) => return fail(&Diagnostic::unplaced(error.to_string()), None, errors),
        (Ok(dump), Format::Html) => dump::page(&dump),
        (Ok(dump), Format::Trace) => dump::trace(&dump),
        (Ok(dump), Format::Json) => dump.write(),
        (Ok(_), Format::Text | Format::Dot) => {
            let why = "a dump is explained as html, trace or json: the other forms are written as a script runs";
            return fail(&Diagnostic::unplaced(why), None, errors);
        }
    };
    let written = match file {
        Some(file) => std::fs::write(file, text),
        None => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
    };
    match written {
        Ok(()) => OK,
        Err(error) => fail(&Diagnostic::unplaced(format!("the explanation cannot be written: {error}")), None, errors),
    }
}

/// What a dump says of the engine.
fn settings(arguments: &ScriptArguments, rules: Vec<(String, String)>) -> dump::Settings {
    dump::Settings {
        device: arguments.device.into(),
        numerics: arguments.numerics.into(),
        rules,
        ..dump::Settings::default()
    }
}

fn read_rules(arguments: &ScriptArguments) -> Result<Vec<(String, String)>, Diagnostic> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Diagnostic::unplaced(format!("{}: {error}", path.display())))?;
        Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text))
    };
    arguments.rules.iter().map(read).collect()
}

fn run(
    arguments: &ScriptArguments,
    outputs: &[Assignment],
    quiet: bool,
    explanations: &Explanations,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> (u8, Option<Source>) {
    let source = match read_script(&arguments.script) {
        Ok(source) => source,
        Err(error) => return (fail(&error, None, errors), None),
    };
    let engine = match read_rules(arguments).and_then(|rules| build_engine(arguments, &rules, explanations)) {
        Ok(engine) => engine,
        Err(error) => return (fail(&error, None, errors), Some(source)),
    };
    let pairs = |list: &[Assignment]| list.iter().map(|a| (a.name.clone(), a.file.clone())).collect();
    let settings = Settings {
        real: if arguments.real == Real::Single { Class::Single } else { Class::Double },
        inputs: pairs(&arguments.inputs),
        outputs: pairs(outputs),
        folder: arguments.script.parent().unwrap_or(Path::new("")).to_path_buf(),
        quiet,
        bounds: Bounds::default(),
    };
    let result = on_deep_stack(|| run_script(&source, &settings, &engine, out, errors)).and_then(|result| result);
    let flushed = out.flush();
    let code = match (result, flushed) {
        (Err(error), _) => fail(&error, Some(&source), errors),
        (Ok(()), Err(error)) => {
            fail(&Diagnostic::unplaced(format!("results cannot be written: {error}")).blame_engine(), None, errors)
        }
        (Ok(()), Ok(())) => OK,
    };
    (code, Some(source))
}

fn fail(error: &Diagnostic, source: Option<&Source>, errors: &mut dyn Write) -> u8 {
    let text = match source {
        Some(source) => error.render(source),
        None => format!("error: {error}\n"),
    };
    // Nobody is left to be told when this fails; the exit code still says it.
    let _ = errors.write_all(text.as_bytes());
    if error.blame() == Blame::Engine { ENGINE_FAILED } else { BAD_INPUT }
}

fn read_script(path: &Path) -> Result<Source, Diagnostic> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| Diagnostic::unplaced(format!("{name}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Diagnostic::unplaced(format!("{name}: byte {} is not UTF-8", error.utf8_error().valid_up_to()))
    })?;
    Source::new(name.to_string(), text)
}

fn build_engine(
    arguments: &ScriptArguments,
    rules: &[(String, String)],
    explanations: &Explanations,
) -> Result<Engine, Diagnostic> {
    let mut builder = Engine::builder().device(arguments.device.into()).numerics(arguments.numerics.into());
    for (name, text) in rules {
        builder = builder.rules(name, text);
    }
    explanations.watch(builder).build().map_err(|error| {
        let diagnostic = Diagnostic::unplaced(error.to_string());
        if error.is_rules() { diagnostic } else { diagnostic.blame_engine() }
    })
}

/// A cost table, a line for each cost, with those of a measured one beside.
fn table(assumed: &CostTable, measured: &CostTable) -> String {
    let of = |t: &CostTable| {
        [
            ("launch_ns", t.launch_ns),
            ("byte_ns", t.byte_ns),
            ("op_ns", t.op_ns),
            ("transcendental_ns", t.transcendental_ns),
            ("fma_ns", t.fma_ns),
            ("f64_factor", t.f64_factor),
            ("transfer_byte_ns", t.transfer_byte_ns),
            ("transfer_ns", t.transfer_ns),
        ]
    };
    let mut text = format!("  {assumed}\n  {measured}\n  {:18} {:>14} {:>14}\n", "", "plans go by", "measured");
    for ((name, a), (_, m)) in of(assumed).into_iter().zip(of(measured)) {
        text.push_str(&format!("  {name:18} {a:>14.6} {m:>14.6}\n"));
    }
    text
}

fn devices(calibrate: bool, out: &mut dyn Write) -> u8 {
    let mut text = String::new();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    text.push_str(&format!("cpu: {threads} threads\n"));
    let measure = |text: &mut String, device: DeviceChoice, assumed: CostTable| {
        if calibrate {
            match lazurite::calibrate(device) {
                Ok(measured) => text.push_str(&table(&assumed, &measured)),
                Err(error) => text.push_str(&format!("  not measured: {error}\n")),
            }
        }
    };
    measure(&mut text, DeviceChoice::Cpu, CostTable::cpu());
    match Engine::builder().device(DeviceChoice::Gpu).build() {
        Ok(engine) => {
            text.push_str(&format!("gpu: {}\n", engine.device_name().unwrap_or_default()));
            measure(&mut text, DeviceChoice::Gpu, CostTable::gpu());
        }
        Err(error) => text.push_str(&format!("gpu: none ({error})\n")),
    }
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => OK,
        Err(_) => ENGINE_FAILED,
    }
}
