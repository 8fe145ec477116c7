//! A dump as one HTML page that needs no network: the graph as written and as run, memory and time as pictures.
//!
//! In: a dump. Out: a text with everything in it, styles and script included. Layouts are computed here, so the page only draws; it
//! escapes every text that comes from a dump. The same dump gives the same page.

mod graph;
mod layout;

use super::content::{Dump, RecordedGraph, Run};
use super::json::{Object, lines, list, number, quoted};
use super::record::{FiredRecord, GroupRecord, KernelRecord, PlanRecord, Record};
use super::record_text::write_why;
use crate::engine::Times;
use crate::schedule::{Block, Lifetime, Place, Refusal, Value};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page of a dump.
#[must_use]
pub fn page(dump: &Dump) -> String {
    let title = dump.source.as_ref().map_or("lazurite", |s| s.name.as_str());
    let mut out = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + (64 << 10));
    let mut rest = PAGE;
    // Filled in from the front, so that no text of the dump is taken for a mark.
    for (mark, text) in [
        ("{{title}}", escaped(title)),
        ("{{style}}", STYLE.to_owned()),
        ("{{data}}", data(dump)),
        ("{{script}}", SCRIPT.to_owned()),
    ] {
        if let Some((before, after)) = rest.split_once(mark) {
            out.push_str(before);
            out.push_str(&text);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn data(dump: &Dump) -> String {
    let mut object = Object::new();
    if let Some(source) = &dump.source {
        object = object.field("source", Object::new().text("name", &source.name).text("text", &source.text).finish());
    }
    let programs = dump.programs.iter().enumerate().map(|(i, p)| {
        let runs = dump.runs.iter().enumerate().filter(|(_, run)| run.program == i);
        let runs: Vec<NumberedRun<'_>> = runs.map(|(number, run)| NumberedRun { number, run }).collect();
        program(dump, p, &runs)
    });
    object
        .text("about", &dump.about)
        .text("device", dump.settings.ran_on.as_deref().unwrap_or("CPU"))
        .text("numerics", &dump.settings.numerics.to_string())
        .field("programs", lines(programs))
        .finish()
}

/// A run with its number in the dump.
struct NumberedRun<'a> {
    number: usize,
    run: &'a Run,
}

fn program(dump: &Dump, program: &RecordedGraph, runs: &[NumberedRun<'_>]) -> String {
    let asked = runs.iter().find_map(|r| r.run.asked_at.as_ref());
    let line = asked.zip(dump.source.as_ref()).filter(|(at, s)| *at.file == *s.name);
    let line = line.and_then(|(at, s)| s.text.lines().nth((at.line as usize).checked_sub(1)?));
    let fallback = runs.iter().find_map(|r| r.run.fallback.as_deref());
    let mut object = Object::new()
        .field("runs", list(runs.iter().map(|r| r.number)))
        .maybe("asked", asked.map(ToString::to_string).as_deref())
        .maybe("line", line.map(str::trim))
        .maybe("fallback", fallback)
        .field("before", graph::before(program))
        .field("nodes", lines(program.graph.ids().map(|id| graph::node(&program.graph, id, Some(&program.notes)))));
    if let Some(record) = &program.record {
        object = object
            .field("after", graph::after(record, program))
            .field("planned", lines(record.graph.ids().map(|id| graph::node(&record.graph, id, None))))
            .field("sources", list(record.sources(&program.graph).iter().map(|s| list(s.iter().map(|n| n.0)))))
            .field("record", of_record(record))
            .field("times", times(record, runs));
    }
    object.finish()
}

fn of_record(record: &Record) -> String {
    let value = |(v, l): (&Value, &Lifetime)| {
        Object::new()
            .field("node", v.node.0)
            .text("what", &format!("{}{}", v.dtype, v.shape))
            .field("bytes", v.bytes())
            .field("life", list([l.from, l.to]))
            .finish()
    };
    let block = |b: &Block| {
        Object::new()
            .text("place", side(b.place))
            .field("bytes", b.bytes)
            .field("values", list(b.values.iter().map(|v| v.0)))
            .finish()
    };
    let refusal =
        |r: &Refusal| Object::new().field("node", r.node.0).field("user", r.user.0).text("why", &r.why).finish();
    let object = match &record.plan {
        Some(plan) => with_plan(Object::new(), plan),
        None => Object::new(),
    };
    object
        .field("steps", lines((0..record.steps.len()).map(|i| of_step(record, i))))
        .field("values", list(record.values.iter().zip(&record.lifetimes).map(value)))
        .field("blocks", list(record.blocks.iter().map(block)))
        .field("refusals", list(record.refusals.iter().map(refusal)))
        .field("costs", list(record.costs.iter().map(|c| quoted(c))))
        .finish()
}

fn side(place: Place) -> &'static str {
    if place == Place::Gpu { "GPU" } else { "CPU" }
}

/// The fields that say what the planner did.
fn with_plan(object: Object, plan: &PlanRecord) -> Object {
    let rule = |f: &FiredRecord| {
        Object::new()
            .text("rule", &f.rule)
            .text("class", &f.class)
            .field("count", f.count)
            .field("nodes", list(f.nodes.iter().map(|n| n.0)))
            .finish()
    };
    object
        .field("rules", list(plan.fired.iter().map(rule)))
        .field("why", lines(plan.why.iter().map(write_why)))
        .maybe("unproved", plan.unproved.as_deref())
        .field("rounds", plan.rounds)
        .field("terms", plan.terms)
        .maybe("kept", plan.fallback.as_deref())
}

fn of_step(record: &Record, i: usize) -> String {
    let step = &record.steps[i];
    let object = Object::new()
        .text("name", &record.step_name(i))
        .field("reads", list(step.reads.iter().map(|v| v.0)))
        .field("writes", list(step.writes.iter().map(|v| v.0)))
        .field("nodes", list(step.nodes.iter().map(|n| n.0)))
        .text("reason", &step.reason)
        .field("device", record.bytes_in_use(i, Place::Gpu))
        .field("host", record.bytes_in_use(i, Place::Cpu));
    let object = match &step.group {
        Some(group) => with_group(object, group),
        None => object,
    };
    object.finish()
}

/// The fields of a step that runs a group.
fn with_group(object: Object, group: &GroupRecord) -> Object {
    let kernel = |k: &KernelRecord| {
        Object::new().text("label", &k.label).field("workgroups", list(k.workgroups)).text("wgsl", &k.wgsl).finish()
    };
    object
        .field("group", group.id)
        .text("core", &group.core)
        .text("place", side(group.place))
        .text("domain", &group.domain.to_string())
        .field("read", group.work.read)
        .field("written", group.work.written)
        .field("flops", number(group.work.flops))
        .field("least", number(group.work.least_ns))
        .text("program", &group.program)
        .field("kernels", list(group.kernels.iter().map(kernel)))
}

/// The quickest time of each step over all runs, on the host and (for kernels) on the device, in nanoseconds.
fn times(record: &Record, runs: &[NumberedRun<'_>]) -> String {
    let measured: Vec<_> = runs.iter().filter_map(|r| r.run.times.as_ref()).collect();
    let host = (0..record.steps.len()).map(|i| {
        let all = measured.iter().filter_map(|t| t.steps.get(i)).map(|s| s.ns);
        all.min().map_or_else(|| String::from("null"), |ns| ns.to_string())
    });
    let device = (0..record.steps.len()).map(|i| {
        let of = |t: &&Times| {
            let own = t.kernels.iter().filter(|k| k.step as usize == i).map(|k| k.ns);
            t.kernels.iter().any(|k| k.step as usize == i).then(|| own.sum::<u64>())
        };
        measured.iter().filter_map(of).min().map_or_else(|| String::from("null"), |ns| ns.to_string())
    });
    let whole = measured.iter().map(|t| t.whole.ns).min();
    let prepare = record.times;
    Object::new()
        .field("host", list(host))
        .field("device", list(device))
        .field("whole", whole.map_or_else(|| String::from("null"), |ns| ns.to_string()))
        .field("prepare", list([prepare.plan, prepare.schedule, prepare.lower]))
        .finish()
}
