//! What the program's commands do.
//!
//! In: parsed arguments and the two output streams. Out: an exit code: 0 when all went well, 2 for bad input, 1 for a failure
//! of the engine. The script language does the work; this file builds the engine and writes explanations.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lazurite::engine::Evaluation;
use lazurite::{DeviceChoice, Engine, Numerics};

use crate::arguments::{Arguments, Assignment, Command, Device, Format, Real, Rewrites, ScriptArguments};
use crate::script::classes::Class;
use crate::script::diagnostic::{Blame, Diagnostic, Source};
use crate::script::runtime::{Bounds, Settings};
use crate::script::{on_deep_stack, run as run_script};

/// The exit code when all went well.
pub const OK: u8 = 0;
/// The exit code for a failure of the engine or the device.
pub const ENGINE_FAILED: u8 = 1;
/// The exit code for bad input.
pub const BAD_INPUT: u8 = 2;

/// Carries out a command.
pub fn execute(arguments: Arguments, out: &mut (dyn Write + Send), errors: &mut (dyn Write + Send)) -> u8 {
    match arguments.command {
        Command::Run { script, outputs, explain } => {
            let format = explain.then_some(Format::Text);
            let mut sections = Sections::new(format);
            let code = run(&script, &outputs, false, &sections, out, errors);
            sections.write(errors);
            code
        }
        Command::Explain { script, format } => {
            let mut sections = Sections::new(Some(format));
            let code = run(&script, &[], true, &sections, out, errors);
            sections.write(out);
            code
        }
        Command::Devices => devices(out),
    }
}

fn run(
    arguments: &ScriptArguments,
    outputs: &[Assignment],
    quiet: bool,
    sections: &Sections,
    out: &mut (dyn Write + Send),
    errors: &mut (dyn Write + Send),
) -> u8 {
    let source = match read_script(&arguments.script) {
        Ok(source) => source,
        Err(error) => return fail(&error, None, errors),
    };
    let engine = match build_engine(arguments, sections) {
        Ok(engine) => engine,
        Err(error) => return fail(&Diagnostic::unplaced(error.to_string()).blame_engine(), None, errors),
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
    match (result, flushed) {
        (Err(error), _) => fail(&error, Some(&source), errors),
        (Ok(()), Err(error)) => {
            fail(&Diagnostic::unplaced(format!("results cannot be written: {error}")).blame_engine(), None, errors)
        }
        (Ok(()), Ok(())) => OK,
    }
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

fn build_engine(arguments: &ScriptArguments, sections: &Sections) -> lazurite::Result<Engine> {
    let device = match arguments.device {
        Device::Auto => DeviceChoice::Auto,
        Device::Gpu => DeviceChoice::Gpu,
        Device::Cpu => DeviceChoice::Cpu,
    };
    let numerics = match arguments.numerics {
        Rewrites::Strict => Numerics::Strict,
        Rewrites::Standard => Numerics::Standard,
        Rewrites::Fast => Numerics::Fast,
    };
    let builder = Engine::builder().device(device).numerics(numerics);
    match sections.observer() {
        Some(observer) => builder.observe(observer).build(),
        None => builder.build(),
    }
}

/// The explanations of a run, one for each evaluation, in order.
struct Sections {
    format: Option<Format>,
    texts: Arc<Mutex<Vec<String>>>,
}

impl Sections {
    fn new(format: Option<Format>) -> Self {
        Self { format, texts: Arc::default() }
    }

    fn observer(&self) -> Option<impl Fn(&Arc<Evaluation>) + Send + Sync + 'static> {
        let format = self.format?;
        let texts = self.texts.clone();
        Some(move |evaluation: &Arc<Evaluation>| {
            let text = match format {
                Format::Text => evaluation.to_string(),
                Format::Dot => evaluation.to_dot(),
                Format::Json => evaluation.to_json(),
            };
            texts.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        })
    }

    fn write(&mut self, out: &mut dyn Write) {
        let Some(format) = self.format else { return };
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = match format {
            Format::Text => {
                texts.iter().enumerate().map(|(i, text)| format!("=== evaluation {}\n{text}", i + 1)).collect()
            }
            Format::Dot => {
                texts.iter().enumerate().map(|(i, text)| format!("// evaluation {}\n{text}", i + 1)).collect()
            }
            Format::Json => format!("[{}]\n", texts.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join(",\n")),
        };
        // A closed stream is the reader's choice.
        let _ = out.write_all(whole.as_bytes()).and_then(|()| out.flush());
    }
}

fn devices(out: &mut dyn Write) -> u8 {
    let mut text = String::new();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    text.push_str(&format!("cpu: {threads} threads\n"));
    match Engine::builder().device(DeviceChoice::Gpu).build() {
        Ok(engine) => text.push_str(&format!("gpu: {}\n", engine.device_name().unwrap_or_default())),
        Err(error) => text.push_str(&format!("gpu: none ({error})\n")),
    }
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => OK,
        Err(_) => ENGINE_FAILED,
    }
}
