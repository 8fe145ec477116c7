//! The matrix language: a subset of what MATLAB and GNU Octave share.
//!
//! In: the text of a script. Out: its effects, through the library's public interface alone, apart from the `.npy` headers. The stages are
//! `lexer` → `parser` → `liveness` → `interpreter`; only the interpreter knows about values.

pub mod ast;
pub mod classes;
pub mod cnumber;
pub mod concat;
pub mod diagnostic;
pub mod display;
pub mod functions;
pub mod host;
pub mod index;
pub mod interpreter;
pub mod io;
pub mod lexer;
pub mod liveness;
pub mod operators;
pub mod parser;
pub mod printf;
pub mod runtime;
pub mod settings;
pub mod value;

use std::io::Write;

use lazurite::Engine;

use diagnostic::{Cause, Diagnostic, SourceText, Span};
use functions::files;
use host::HostValue;
use runtime::Runtime;
use settings::{RunSettings, VariableFile};
use value::Value;

/// Stack for parsing and running a script. Both recurse at most [`parser::MAX_NESTING`] levels deep, but unoptimised code
/// spends several kilobytes on a level.
const STACK_BYTES: usize = 256 << 20;

/// Runs `work` on a thread whose stack holds the deepest script that is accepted.
///
/// # Errors
/// The system refused to start a thread, or `work` panicked.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, diagnostic::Diagnostic> {
    let failure = |what: String| diagnostic::Diagnostic::unplaced(what).caused_by_engine();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| failure(format!("no thread could be started: {error}")))?;
        thread.join().map_err(|_| failure("the program failed inside; this is a bug".into()))
    })
}

/// Runs a whole script: parses it, executes it and saves what `settings` asks for.
///
/// Results go to `out`, warnings to `warnings`. Call it within [`on_deep_stack`].
///
/// # Errors
/// The first error, placed in the script where that is possible.
pub fn run(
    source: &SourceText,
    settings: &RunSettings,
    engine: &Engine,
    out: &mut dyn Write,
    warnings: &mut dyn Write,
) -> Result<(), Diagnostic> {
    let wanted: Vec<&str> = settings.outputs.iter().map(|output| output.name.as_str()).collect();
    execute(source, settings, engine, &wanted, out, warnings, |rt, values| {
        for (output, value) in settings.outputs.iter().zip(values) {
            // An error of the path has no place in the script.
            files::write(rt, &output.path, &value)
                .map_err(|error| if error.cause() == Cause::Input { error.without_place() } else { error })?;
        }
        Ok(())
    })
}

/// Runs a whole script and returns the elements of the variables in `wanted`, instead of saving any.
///
/// # Errors
/// As [`run`]; a wanted variable that the script does not assign.
pub fn run_and_read(
    source: &SourceText,
    settings: &RunSettings,
    engine: &Engine,
    wanted: &[&str],
    out: &mut dyn Write,
    warnings: &mut dyn Write,
) -> Result<Vec<HostValue>, Diagnostic> {
    execute(source, settings, engine, wanted, out, warnings, |rt, values| rt.hosts(&values))
}

fn execute<T>(
    source: &SourceText,
    settings: &RunSettings,
    engine: &Engine,
    wanted: &[&str],
    out: &mut dyn Write,
    warnings: &mut dyn Write,
    finish: impl FnOnce(&mut Runtime, Vec<Value>) -> Result<T, Diagnostic>,
) -> Result<T, Diagnostic> {
    let mut program = parser::parse(source)?;
    let unknown = |name: &str| Diagnostic::unplaced(format!("the script has no variable '{name}'"));
    let symbols: Vec<_> =
        wanted.iter().map(|name| program.names.find(name).ok_or_else(|| unknown(name))).collect::<Result<_, _>>()?;
    let last = liveness::analyse(&mut program, &symbols);
    let names = program.names.clone();
    let mut rt = Runtime::new(engine.clone(), source, &names, settings, out, warnings);
    for VariableFile { name, path } in &settings.inputs {
        let symbol = names.find(name).ok_or_else(|| unknown(name))?;
        let value = files::read(&mut rt, path).map_err(Diagnostic::without_place)?;
        rt.variables.set(symbol, value);
    }
    interpreter::run(&mut rt, &program, &last)?;
    rt.location.span = Span::new(source.text().len(), source.text().len());
    let mut values = Vec::with_capacity(wanted.len());
    for (name, symbol) in wanted.iter().zip(symbols) {
        let value = rt.variables.get(symbol).cloned();
        values.push(value.ok_or_else(|| Diagnostic::unplaced(format!("the script assigned no value to '{name}'")))?);
    }
    finish(&mut rt, values)
}
