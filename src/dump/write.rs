//! A dump as text: one object, with a line for each node, so that differences between dumps are readable.

use super::json::{Object, lines, list, quoted};
use super::{Data, Dump, Note, RecordedGraph, RuleFile, Run, Settings, VERSION, graph, record_text, scalar};
use crate::types::{DeviceChoice, Numerics, Origin};

pub(super) const DEVICES: [(&str, DeviceChoice); 3] =
    [("auto", DeviceChoice::Auto), ("gpu", DeviceChoice::Gpu), ("cpu", DeviceChoice::Cpu)];
pub(super) const NUMERICS: [(&str, Numerics); 3] =
    [("strict", Numerics::Strict), ("standard", Numerics::Standard), ("fast", Numerics::Fast)];

impl Dump {
    /// The text. Equal dumps have equal texts, and [`read`](Self::read) gives back an equal dump.
    #[must_use]
    pub fn write(&self) -> String {
        let mut object = Object::new().text("format", "lazurite-dump").field("version", VERSION);
        if !self.about.is_empty() {
            object = object.text("about", &self.about);
        }
        if let Some(source) = &self.source {
            object =
                object.field("source", Object::new().text("name", &source.name).text("text", &source.text).finish());
        }
        let mut text = object
            .field("settings", settings(&self.settings))
            .field("data", lines(self.data.iter().map(Data::write)))
            .field("programs", lines(self.programs.iter().map(program)))
            .field("runs", lines(self.runs.iter().map(run)))
            .finish();
        text.push('\n');
        text
    }
}

fn settings(settings: &Settings) -> String {
    let device = DEVICES.iter().find(|(_, d)| *d == settings.device).map_or("auto", |(name, _)| name);
    let rule = |r: &RuleFile| Object::new().text("name", &r.name).text("text", &r.text).finish();
    let mut object = Object::new()
        .text("device", device)
        .text("numerics", &settings.numerics.to_string())
        .field("plan", settings.plan)
        .field("fuse", settings.fuse);
    if !settings.rules.is_empty() {
        object = object.field("rules", list(settings.rules.iter().map(rule)));
    }
    object.maybe("ran_on", settings.ran_on.as_deref()).finish()
}

fn program(program: &RecordedGraph) -> String {
    let mut object = Object::new().field("graph", graph::write(&program.graph));
    if !program.notes.is_empty() {
        object = object.field("notes", lines(program.notes.iter().map(note)));
    }
    if let Some(record) = &program.record {
        object = object.field("record", record_text::write(record));
    }
    object.finish()
}

fn note(note: &Note) -> String {
    let mut object = Object::new();
    if !note.origins.is_empty() {
        object = object.field("at", list(note.origins.iter().map(origin)));
    }
    object.maybe("tag", note.tag.as_deref()).finish()
}

fn origin(origin: &Origin) -> String {
    let label = origin.label.as_deref();
    let place = [quoted(&origin.file), origin.line.to_string(), origin.col.to_string()];
    list(place.into_iter().chain(label.map(quoted)))
}

fn run(run: &Run) -> String {
    let mut object = Object::new().field("program", run.program).field("leaves", list(&run.leaves));
    object = object.field("slots", list(run.slots.iter().map(|s| scalar::write(*s))));
    if let Some(at) = &run.asked_at {
        object = object.field("asked_at", origin(at));
    }
    if run.cached {
        object = object.field("cached", true);
    }
    object = object.maybe("fallback", run.fallback.as_deref());
    if let Some(times) = &run.times {
        object = object.field("times", record_text::write_times(times));
    }
    object.finish()
}
