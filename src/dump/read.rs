//! Text to dump, believing nothing.

use super::data::{Beside, MAX_BYTES};
use super::json::{At, Document, parse};
use super::version::Version;
use super::write::{DEVICES, NUMERICS};
use super::{Data, Dump, Note, RecordedGraph, RuleFile, Run, Script, Settings, graph, record_text, scalar};
use crate::error::Result;
use crate::types::Origin;

/// The longest text that is read.
const MAX_TEXT: usize = 2 << 30;

impl Dump {
    /// The dump that a text holds. `name` is for errors; `beside` gives the files beside it.
    ///
    /// # Errors
    /// An argument error with line, column and path for the first thing that is wrong; out of memory.
    pub fn read(name: &str, text: &str, beside: &Beside<'_>) -> Result<Self> {
        let document = Document { name, text };
        if text.len() > MAX_TEXT {
            return Err(document.error(0, &format!("expected at most {MAX_TEXT} bytes, given {}", text.len())));
        }
        let json = parse(&document)?;
        let at = At::root(&document, &json);
        let format = at.field("format")?;
        if format.text()? != "lazurite-dump" {
            return Err(format.error("expected \"lazurite-dump\""));
        }
        let version = Version::read(&at.field("version")?)?;
        let mut room = MAX_BYTES;
        let data = at.field("data")?.items(|_, at| Data::read(at, beside, &mut room))?;
        let programs = at.field("programs")?.items(|_, at| program(at, version))?;
        let runs = at.field("runs")?.items(|_, at| run(at, &data, &programs))?;
        Ok(Self {
            about: at.maybe("about")?.map(|a| a.text().map(str::to_owned)).transpose()?.unwrap_or_default(),
            source: at.maybe("source")?.map(|s| script(&s)).transpose()?,
            settings: at.maybe("settings")?.map(|s| settings(&s)).transpose()?.unwrap_or_default(),
            data,
            programs,
            runs,
        })
    }
}

fn script(at: &At<'_>) -> Result<Script> {
    Ok(Script { name: at.field("name")?.text()?.to_owned(), text: at.field("text")?.text()?.to_owned() })
}

fn settings(at: &At<'_>) -> Result<Settings> {
    let mut settings = Settings::default();
    if let Some(device) = at.maybe("device")? {
        settings.device = device.word(&DEVICES)?;
    }
    if let Some(numerics) = at.maybe("numerics")? {
        settings.numerics = numerics.word(&NUMERICS)?;
    }
    if let Some(plan) = at.maybe("plan")? {
        settings.plan = plan.bool()?;
    }
    if let Some(fuse) = at.maybe("fuse")? {
        settings.fuse = fuse.bool()?;
    }
    if let Some(rules) = at.maybe("rules")? {
        settings.rules = rules.items(|_, at| rule_file(at))?;
    }
    if let Some(ran_on) = at.maybe("ran_on")? {
        settings.ran_on = Some(ran_on.text()?.to_owned());
    }
    Ok(settings)
}

fn rule_file(at: &At<'_>) -> Result<RuleFile> {
    Ok(RuleFile { name: at.field("name")?.text()?.to_owned(), text: at.field("text")?.text()?.to_owned() })
}

fn program(at: &At<'_>, version: Version) -> Result<RecordedGraph> {
    let graph = graph::read(&at.field("graph")?, version)?;
    let notes = match at.maybe("notes")? {
        None => Vec::new(),
        Some(notes) if notes.len()? != graph.nodes.len() && notes.len()? != 0 => {
            return Err(notes.error(format!(
                "expected a note for each of {} nodes, given {}",
                graph.nodes.len(),
                notes.len()?
            )));
        }
        Some(notes) => notes.items(|_, at| note(at))?,
    };
    let record = at.maybe("record")?.map(|r| record_text::read(&r, version, graph.nodes.len())).transpose()?;
    Ok(RecordedGraph { notes, record, ..RecordedGraph::new(graph) })
}

fn note(at: &At<'_>) -> Result<Note> {
    let origins = at.maybe("at")?.map(|list| list.items(|_, at| origin(at))).transpose()?.unwrap_or_default();
    let tag = at.maybe("tag")?.map(|t| t.text().map(str::to_owned)).transpose()?;
    Ok(Note { origins, tag })
}

/// `[file, line, column]` or `[file, line, column, name]`.
fn origin(at: &At<'_>) -> Result<Origin> {
    let n = at.len()?;
    if !(3..=4).contains(&n) {
        return Err(at.error(format!("expected [file, line, column] or [file, line, column, name], given {n} entries")));
    }
    let mut origin = Origin { file: "".into(), line: 0, col: 0, label: None };
    at.items(|i, item| {
        match i {
            0 => origin.file = item.text()?.into(),
            1 => origin.line = item.int()?,
            2 => origin.col = item.int()?,
            _ => origin.label = Some(item.text()?.into()),
        }
        Ok(())
    })?;
    Ok(origin)
}

fn run(at: &At<'_>, data: &[Data], programs: &[RecordedGraph]) -> Result<Run> {
    let program_at = at.field("program")?;
    let number: usize = program_at.int()?;
    let Some(program) = programs.get(number) else {
        return Err(program_at.error(format!("there is no program {number}: the dump has {}", programs.len())));
    };
    let graph = &program.graph;
    let leaves_at = at.field("leaves")?;
    if leaves_at.len()? != graph.leaves.len() {
        return Err(leaves_at.error(format!(
            "expected data for {} leaves, given {}",
            graph.leaves.len(),
            leaves_at.len()?
        )));
    }
    let leaves = leaves_at.items(|i, item| {
        let (d, leaf) = (item.int::<usize>()?, &graph.leaves[i]);
        match data.get(d) {
            Some(found) if found.dtype == leaf.dtype && found.len == leaf.shape.len() => Ok(d),
            Some(found) => Err(item.error(format!(
                "leaf {i} is {}{}, but data {d} has {} elements of {}",
                leaf.dtype, leaf.shape, found.len, found.dtype
            ))),
            None => Err(item.error(format!("there is no data {d}: the dump has {}", data.len()))),
        }
    })?;
    let slots_at = at.field("slots")?;
    if slots_at.len()? != graph.slots.len() {
        return Err(slots_at.error(format!(
            "expected values for {} slots, given {}",
            graph.slots.len(),
            slots_at.len()?
        )));
    }
    let slots = slots_at.items(|i, item| scalar::read(item, graph.slots[i]))?;
    let asked_at = at.maybe("asked_at")?.map(|at| origin(&at)).transpose()?;
    Ok(Run {
        program: number,
        leaves,
        slots,
        asked_at,
        cached: at.maybe("cached")?.map(|c| c.bool()).transpose()?.unwrap_or_default(),
        fallback: at.maybe("fallback")?.map(|f| f.text().map(str::to_owned)).transpose()?,
        times: at.maybe("times")?.map(|t| record_text::read_times(&t)).transpose()?,
    })
}
