//! Explanations: what every evaluation of a run became, in the form that was asked for.
//!
//! In: evaluations as they happen, and the script. Out: text, DOT, or a dump and what is made from one (JSON, a page, a trace).

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lazurite::Evaluation;
use lazurite::inspect::dump::{self, Dump};
use lazurite::{EngineBuilder, Origin};

use crate::arguments::{Format, Wanted};
use crate::script::diagnostic::{Diagnostic, Source};
use crate::terminal::Terminal;

/// Explanations in the making.
pub struct Explanations {
    format: Option<Format>,
    /// Whether evaluations themselves are kept, to be asked about.
    ask: bool,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    texts: Vec<(Option<Origin>, String)>,
    dump: Dump,
    evaluations: Vec<Arc<Evaluation>>,
}

impl Explanations {
    /// None, or some of a format.
    pub fn new(format: Option<Format>, settings: dump::Settings) -> Self {
        let dump = Dump { settings, ..Dump::default() };
        Self { format, ask: false, kept: Arc::new(Mutex::new(Kept { dump, ..Kept::default() })) }
    }

    /// Evaluations that can be asked about, see [`why`](Self::why).
    pub fn asked(settings: dump::Settings) -> Self {
        Self { ask: true, ..Self::new(Some(Format::Text), settings) }
    }

    /// The builder of an engine whose evaluations are explained.
    pub fn watch(&self, builder: EngineBuilder) -> EngineBuilder {
        let Some(format) = self.format else { return builder };
        let (kept, ask) = (self.kept.clone(), self.ask);
        let observed = builder.observe(move |evaluation: &Arc<Evaluation>| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if ask {
                kept.evaluations.push(evaluation.clone());
                return;
            }
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

    /// The proofs of what somebody asks about, in every evaluation that has it.
    ///
    /// # Errors
    /// No evaluation has it, or none computes its value; the message lists what there is.
    pub fn why(&self, wanted: &Wanted, source: Option<&Source>) -> Result<String, Diagnostic> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let all = &kept.evaluations;
        let chosen = |i: usize| wanted.evaluation.is_none_or(|n| n == i + 1);
        if let Some(n) = wanted.evaluation.filter(|&n| n > all.len()) {
            return Err(Diagnostic::unplaced(format!("there is no evaluation {n}: the script has {}", all.len())));
        }
        let (mut texts, mut refused) = (Vec::new(), None);
        for (i, evaluation) in all.iter().enumerate() {
            let mut nodes = if chosen(i) { evaluation.find(&wanted.node) } else { Vec::new() };
            if nodes.iter().any(|n| !wanted.node.ends_with(&n.0.to_string())) {
                // A variable that was computed earlier comes in as data: there is nothing to ask about it.
                nodes.retain(|n| !evaluation.graph.node(*n).operands.is_empty());
            }
            let mut text = String::new();
            if !nodes.is_empty() {
                let mut prover = match evaluation.prover() {
                    Ok(prover) => prover,
                    Err(error) => return Err(Diagnostic::unplaced(error.message().to_owned())),
                };
                for node in nodes {
                    match prover.proof(node) {
                        Ok(proof) => text += &proof.text(&|id| evaluation.name(id).map(str::to_owned)),
                        Err(error) => refused = Some(error.message().to_owned()),
                    }
                }
            }
            texts.push((evaluation.asked_at.clone(), text));
        }
        if texts.iter().any(|(_, text)| !text.is_empty()) {
            return Ok(sections(&texts, source));
        }
        let why = refused.unwrap_or_else(|| unknown(wanted, all.iter().enumerate().filter(|(i, _)| chosen(*i))));
        Err(Diagnostic::unplaced(why))
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

/// What there is instead of a node that nobody knows.
fn unknown<'a>(wanted: &Wanted, all: impl Iterator<Item = (usize, &'a Arc<Evaluation>)>) -> String {
    let (mut names, mut sizes): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for (i, evaluation) in all {
        names.extend(evaluation.graph.ids().filter_map(|id| evaluation.name(id)));
        sizes.push(format!("%0 to %{} in evaluation {}", evaluation.graph.nodes.len().saturating_sub(1), i + 1));
    }
    names.sort_unstable();
    names.dedup();
    let known =
        if names.is_empty() { String::from("no variables") } else { format!("the variables {}", names.join(", ")) };
    let more = if sizes.len() > 4 { format!(" and {} more evaluations", sizes.len() - 4) } else { String::new() };
    sizes.truncate(4);
    let nodes = if sizes.is_empty() { String::from("no evaluations") } else { sizes.join(", ") + &more };
    format!("no evaluation has a node or a variable {}: there are {known}, and {nodes}", wanted.node)
}

/// One section for each evaluation, titled with the line that asked for it. What was said already is not said again.
fn sections(texts: &[(Option<Origin>, String)], source: Option<&Source>) -> String {
    let mut out = String::new();
    for (i, (asked_at, text)) in texts.iter().enumerate().filter(|(_, (_, text))| !text.is_empty()) {
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
