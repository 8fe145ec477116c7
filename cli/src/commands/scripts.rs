//! Runs a script on an engine built for it: what `run` and `explain` have in common.
//!
//! In: the script's path and how to run it. Out: the script's effects, and how it ended. The script language does the work.

use std::io::Write;
use std::path::{Path, PathBuf};

use lazurite::inspect::dump;
use lazurite::{Engine, EngineBuilder};

use super::engines::builder;
use crate::arguments::{Assignment, Real, ScriptArguments};
use crate::exit::Failure;
use crate::script::classes::Class;
use crate::script::diagnostic::{Diagnostic, SourceText};
use crate::script::settings::{Bounds, RunSettings, VariableFile};
use crate::script::{on_deep_stack, run};

/// A script that has run.
pub(super) struct Ran {
    /// The script, if it could be read.
    pub source: Option<SourceText>,
    /// How it ended.
    pub result: Result<(), Failure>,
}

/// What happens to a script's results.
pub(super) struct Results<'a> {
    /// Variables to save when it has ended.
    pub saved: &'a [Assignment],
    /// Whether its output is dropped.
    pub quiet: bool,
}

/// Runs a script. `watch` adds an observer to the builder of its engine.
pub(super) fn run_script(
    arguments: &ScriptArguments,
    results: &Results,
    watch: impl FnOnce(EngineBuilder) -> EngineBuilder,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> Ran {
    let source = match read_script(&arguments.script) {
        Ok(source) => source,
        Err(failure) => return Ran { source: None, result: Err(failure) },
    };
    let result = run_source(&source, arguments, results, watch, out, errors);
    Ran { source: Some(source), result }
}

fn run_source(
    source: &SourceText,
    arguments: &ScriptArguments,
    results: &Results,
    watch: impl FnOnce(EngineBuilder) -> EngineBuilder,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let engine = build_engine(arguments, &read_rules(&arguments.rules)?, watch)?;
    let settings = settings(arguments, results);
    let result = on_deep_stack(|| run(source, &settings, &engine, out, errors)).and_then(|result| result);
    // Output before an error is shown too.
    let flushed = out.flush();
    result.map_err(|error| Failure::in_script(&error, source))?;
    flushed.map_err(|error| Failure::engine(format!("results cannot be written: {error}")))
}

fn settings(arguments: &ScriptArguments, results: &Results) -> RunSettings {
    let files = |list: &[Assignment]| {
        list.iter().map(|a| VariableFile { name: a.name.clone(), path: a.file.clone() }).collect()
    };
    RunSettings {
        real: if arguments.real == Real::Single { Class::Single } else { Class::Double },
        inputs: files(&arguments.inputs),
        outputs: files(results.saved),
        folder: arguments.script.parent().unwrap_or(Path::new("")).to_path_buf(),
        quiet: results.quiet,
        bounds: Bounds::default(),
    }
}

/// What a dump of the script's evaluations says of the engine.
pub(super) fn dump_settings(arguments: &ScriptArguments, rules: Vec<dump::RuleFile>) -> dump::Settings {
    dump::Settings {
        device: arguments.device.into(),
        numerics: arguments.numerics.into(),
        rules,
        ..dump::Settings::default()
    }
}

/// The names and texts of rule files.
pub(super) fn read_rules(paths: &[PathBuf]) -> Result<Vec<dump::RuleFile>, Failure> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(dump::RuleFile { name, text })
    };
    paths.iter().map(read).collect()
}

fn read_script(path: &Path) -> Result<SourceText, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| Failure::bad_input(format!("{name}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::bad_input(format!("{name}: byte {} is not UTF-8", error.utf8_error().valid_up_to()))
    })?;
    SourceText::new(name.to_string(), text).map_err(|error: Diagnostic| Failure::from(&error))
}

fn build_engine(
    arguments: &ScriptArguments,
    rules: &[dump::RuleFile],
    watch: impl FnOnce(EngineBuilder) -> EngineBuilder,
) -> Result<Engine, Failure> {
    let mut builder = builder().device(arguments.device.into()).numerics(arguments.numerics.into());
    for dump::RuleFile { name, text } in rules {
        builder = builder.rules(name, text);
    }
    watch(builder)
        .build()
        .map_err(|error| if error.is_rules() { Failure::bad_input(error) } else { Failure::engine(error) })
}
