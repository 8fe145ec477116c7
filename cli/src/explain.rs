//! Explanations: what every evaluation of a run became, in the form that was asked for.
//!
//! In: evaluations as they happen, and the script. Out: text, DOT, or a dump and what is made from one (JSON, a page, a trace).

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lazurite::dump::{self, Dump};
use lazurite::engine::Evaluation;
use lazurite::{EngineBuilder, Origin};

use crate::arguments::Format;
use crate::script::diagnostic::Source;
use crate::terminal::Terminal;

/// Explanations in the making.
pub struct Explanations {
    format: Option<Format>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    texts: Vec<(Option<Origin>, String)>,
    dump: Dump,
}

impl Explanations {
    /// None, or some of a format.
    pub fn new(format: Option<Format>, settings: dump::Settings) -> Self {
        let dump = Dump { settings, ..Dump::default() };
        Self { format, kept: Arc::new(Mutex::new(Kept { texts: Vec::new(), dump })) }
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
            kept.texts.push((evaluation.asked_at.clone(), text));
        });
        observed.inspect(matches!(format, Format::Json | Format::Html | Format::Trace))
    }

    /// Everything there is to say.
    pub fn text(&self, source: Option<&Source>, terminal: Terminal) -> String {
        let Some(format) = self.format else { return String::new() };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = source {
            kept.dump.source = Some(dump::Source { name: source.name().to_owned(), text: source.text().to_owned() });
        }
        match format {
            Format::Text => terminal.show(&sections(&kept.texts, source)),
            Format::Dot => {
                let graph = |(i, (_, text)): (usize, &(_, String))| format!("// evaluation {}\n{text}", i + 1);
                kept.texts.iter().enumerate().map(graph).collect()
            }
            Format::Json => kept.dump.write(),
            Format::Html => dump::page(&kept.dump),
            Format::Trace => dump::trace(&kept.dump),
        }
    }

    /// Writes everything to a file; large leaves of a dump go into files beside it when it is asked for.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_to(&self, path: &Path, beside: Option<usize>, source: Option<&Source>) -> std::io::Result<()> {
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

    /// Writes everything to a stream. A closed stream is the reader's choice.
    pub fn write(&self, source: Option<&Source>, terminal: Terminal, out: &mut dyn Write) {
        let _ = out.write_all(self.text(source, terminal).as_bytes()).and_then(|()| out.flush());
    }
}

/// One section for each evaluation, titled with the line that asked for it. What was said already is not said again.
fn sections(texts: &[(Option<Origin>, String)], source: Option<&Source>) -> String {
    let mut out = String::new();
    for (i, (asked_at, text)) in texts.iter().enumerate() {
        out.push_str(&format!("=== evaluation {}", i + 1));
        if let Some(at) = asked_at {
            out.push_str(&format!(", asked for at {}:{}", at.file, at.line));
            if let Some(line) = source.filter(|s| *s.name() == *at.file).map(|s| s.line(at.line)) {
                out.push_str(&format!(": {}", line.trim()));
            }
        }
        out.push('\n');
        match texts[..i].iter().position(|(_, earlier)| earlier == text) {
            Some(same) => out.push_str(&format!("as evaluation {}\n", same + 1)),
            None => out.push_str(text),
        }
    }
    out
}
