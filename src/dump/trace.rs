//! The times of a dump as trace events for Chrome's viewer and Perfetto: stages, steps, kernels, and the memory that is in use.
//!
//! The format is "Trace Event Format" (JSON, microseconds). A device tells how long kernels took, not when on the host's clock, so they
//! are drawn one after the other from the step that submitted them.

use super::json::{Object, lines};
use super::{Dump, RecordedGraph, Run};
use crate::engine::{Span, Times};
use crate::schedule::Place;

/// The rows of the picture.
const ROWS: [&str; 4] = ["evaluations", "planning", "steps on the host", "kernels on the device"];

/// The trace of a dump. Runs without times give nothing.
#[must_use]
pub fn trace(dump: &Dump) -> String {
    let mut events: Vec<String> = ROWS
        .iter()
        .enumerate()
        .map(|(row, name)| {
            let args = Object::new().text("name", name).finish();
            event("thread_name", "M", row).field("args", args).finish()
        })
        .collect();
    for (i, run) in dump.runs.iter().enumerate() {
        let Some(program) = dump.programs.get(run.program) else { continue };
        if let Some(times) = &run.times {
            of_run(i, run, program, times, &mut events);
        }
    }
    format!("{{\"displayTimeUnit\":\"ns\",\"traceEvents\":{}}}\n", lines(events))
}

fn event(name: &str, phase: &str, row: usize) -> Object {
    Object::new().text("name", name).text("ph", phase).field("pid", 1).field("tid", row + 1)
}

fn span(name: &str, row: usize, span: Span, args: Object) -> String {
    event(name, "X", row)
        .field("ts", micros(span.start))
        .field("dur", micros(span.ns))
        .field("args", args.finish())
        .finish()
}

fn micros(ns: u64) -> String {
    format!("{}.{:03}", ns / 1000, ns % 1000)
}

fn of_run(number: usize, run: &Run, program: &RecordedGraph, times: &Times, events: &mut Vec<String>) {
    let asked = run.asked_at.as_ref().map_or_else(|| format!("run {number}"), |at| format!("run {number} · {at}"));
    let whole = Object::new().field("cached", run.cached).field("program", run.program);
    events.push(span(&asked, 0, times.whole, whole));
    let Some(record) = &program.record else { return };
    if !run.cached {
        let mut at = times.whole.start;
        for (name, ns) in
            [("plan", record.times.plan), ("schedule", record.times.schedule), ("kernels", record.times.lower)]
        {
            events.push(span(name, 1, Span { start: at, ns }, Object::new()));
            at += ns;
        }
    }
    let mut free_from = 0;
    for (i, (step, time)) in record.steps.iter().zip(&times.steps).enumerate() {
        let args = match &step.group {
            Some(g) => Object::new()
                .text("domain", &g.domain.to_string())
                .field("flops", format!("{:?}", g.work.flops))
                .field("bytes", g.work.read + g.work.written),
            None => Object::new(),
        };
        events.push(span(&record.step_name(i), 2, *time, args));
        for k in times.kernels.iter().filter(|k| k.step as usize == i) {
            let label =
                step.group.as_ref().and_then(|g| g.kernels.get(k.kernel as usize)).map_or("kernel", |k| &k.label);
            let start = time.start.max(free_from);
            free_from = start + k.ns;
            events.push(span(label, 3, Span { start, ns: k.ns }, Object::new()));
        }
        let live = Object::new()
            .field("device", record.bytes_in_use(i, Place::Gpu))
            .field("host", record.bytes_in_use(i, Place::Cpu))
            .finish();
        events.push(
            event("planned memory in use (bytes)", "C", 0).field("ts", micros(time.start)).field("args", live).finish(),
        );
    }
}
