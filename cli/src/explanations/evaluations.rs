//! What every evaluation of a run became, in the requested format.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lazurite::inspect::dump::{self, Dump};
use lazurite::{EngineBuilder, Evaluation};

use super::sections::{Section, titled};
use crate::arguments::Format;
use crate::script::diagnostic::SourceText;
use crate::terminal::Terminal;

/// The explanations of a run, collected as its evaluations happen.
pub struct Explanations {
    format: Option<Format>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    sections: Vec<Section>,
    dump: Dump,
}

impl Explanations {
    /// Explanations in a format; without one, nothing is collected.
    pub fn new(format: Option<Format>, settings: dump::Settings) -> Self {
        let dump = Dump { settings, ..Dump::default() };
        Self { format, kept: Arc::new(Mutex::new(Kept { dump, ..Kept::default() })) }
    }

    /// The builder of an engine whose evaluations are explained.
    pub fn watch(&self, builder: EngineBuilder) -> EngineBuilder {
        let Some(format) = self.format else { return builder };
        let kept = self.kept.clone();
        let observed = builder.observe(move |evaluation: &Arc<Evaluation>| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let text = match format {
                Format::Text => evaluation.to_string(),
                Format::Dot => evaluation.to_dot(),
                Format::Json | Format::Html | Format::Trace => {
                    // The engine inspects, see below, so every evaluation has its inputs.
                    let added = kept.dump.add(evaluation);
                    debug_assert!(added.is_ok(), "{added:?}");
                    return;
                }
            };
            kept.sections.push(Section { asked_at: evaluation.asked_at.clone(), text });
        });
        observed.inspect(matches!(format, Format::Json | Format::Html | Format::Trace))
    }

    /// The text of all explanations.
    pub fn text(&self, source: Option<&SourceText>, terminal: Terminal) -> String {
        let Some(format) = self.format else { return String::new() };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = source {
            kept.dump.source = Some(dump::Script { name: source.name().to_owned(), text: source.text().to_owned() });
        }
        match format {
            Format::Text => terminal.show(&titled(&kept.sections, source)),
            Format::Dot => {
                let graph = |(i, section): (usize, &Section)| format!("// evaluation {}\n{}", i + 1, section.text);
                kept.sections.iter().enumerate().map(graph).collect()
            }
            Format::Json => kept.dump.write(),
            Format::Html => dump::page(&kept.dump),
            Format::Trace => dump::trace(&kept.dump),
        }
    }

    /// Writes everything to a file; with `beside`, leaves of at least so many bytes go into files beside it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_to(&self, path: &Path, beside: Option<usize>, source: Option<&SourceText>) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new(""));
        if let (Some(Format::Json), Some(bytes)) = (self.format, beside) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.dump.set_beside(&stem, bytes);
            for (name, bytes) in kept.dump.files() {
                std::fs::write(folder.join(name), bytes)?;
            }
        }
        std::fs::write(path, self.text(source, Terminal::default()))
    }

    /// Writes everything to a stream, which the reader may close early.
    pub fn write(&self, source: Option<&SourceText>, terminal: Terminal, out: &mut dyn Write) {
        let _ = out.write_all(self.text(source, terminal).as_bytes()).and_then(|()| out.flush());
    }
}
