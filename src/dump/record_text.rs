//! A record as JSON and back. What is read is held against the graph it speaks of, so pages made from a dump cannot index past it.

use super::graph::{self, id, ids};
use super::json::{At, Object, lines, list, quoted};
use super::op::shape;
use super::record::{
    FiredRecord, GroupRecord, KernelRecord, PlanRecord, Record, StepKind, StepRecord, WhyRecord, WhyStep,
};
use super::scalar::dtype;
use super::version::Version;
use super::work::Work;
use crate::engine::{KernelTime, PrepareTimes, Span, Times};
use crate::error::Result;
use crate::graph::NodeId;
use crate::schedule::{Block, Lifetime, Place, Refusal, Value, ValueId, ValueKind};

const PLACES: [(&str, Place); 2] = [("gpu", Place::Gpu), ("cpu", Place::Cpu)];
const KINDS: [(&str, StepKind); 6] = [
    ("upload", StepKind::Upload),
    ("readback", StepKind::Readback),
    ("group", StepKind::Group),
    ("host", StepKind::Host),
    ("empty", StepKind::Empty),
    ("free", StepKind::Free),
];

fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, v)| v == value).map_or("", |(word, _)| word)
}

fn nodes(ids: &[NodeId]) -> String {
    list(ids.iter().map(|n| n.0))
}

fn values(ids: &[ValueId]) -> String {
    list(ids.iter().map(|v| v.0))
}

pub(super) fn write(record: &Record) -> String {
    let mut object = Object::new();
    if let Some(plan) = &record.plan {
        object = object.field("plan", write_plan(plan));
    }
    let value = |v: &Value| {
        let object = Object::new().field("node", v.node.0);
        match v.kind {
            ValueKind::Leaf(i) => object.field("leaf", i),
            ValueKind::Root => object.field("kept", true),
            ValueKind::Scratch => object,
        }
        .text("dtype", v.dtype.name())
        .field("shape", list(v.shape.dims()))
        .finish()
    };
    let block = |b: &Block| {
        Object::new()
            .text("place", word(&PLACES, &b.place))
            .field("bytes", b.bytes)
            .field("values", values(&b.values))
            .finish()
    };
    let refusal =
        |r: &Refusal| Object::new().field("node", r.node.0).field("user", r.user.0).text("why", &r.why).finish();
    let times = record.times;
    object
        .field("graph", graph::write(&record.graph))
        .field("values", lines(record.values.iter().map(value)))
        .field("scalars", nodes(&record.scalars))
        .field("steps", lines(record.steps.iter().map(write_step)))
        .field("roots", values(&record.roots))
        .field("lifetimes", list(record.lifetimes.iter().map(|l| list([l.from, l.to]))))
        .field("memory", lines(record.blocks.iter().map(block)))
        .field("refusals", lines(record.refusals.iter().map(refusal)))
        .field("costs", list(record.costs.iter().map(|c| quoted(c))))
        .field("times", list([times.plan, times.schedule, times.lower]))
        .finish()
}

fn write_plan(plan: &PlanRecord) -> String {
    let rule = |f: &FiredRecord| {
        Object::new()
            .text("rule", &f.rule)
            .text("class", &f.class)
            .field("count", f.count)
            .field("nodes", nodes(&f.nodes))
            .finish()
    };
    let image = plan.image.iter().map(|i| i.map_or_else(|| String::from("null"), |n| n.0.to_string()));
    let mut object = Object::new()
        .field("saturated", plan.saturated)
        .field("rounds", plan.rounds)
        .field("terms", plan.terms)
        .maybe("fallback", plan.fallback.as_deref())
        .field("rules", lines(plan.fired.iter().map(rule)))
        .field("image", list(image));
    if !plan.why.is_empty() {
        object = object.field("why", lines(plan.why.iter().map(write_why)));
    }
    object.maybe("unproved", plan.unproved.as_deref()).finish()
}

/// A proof as JSON, in dumps and on pages.
pub(super) fn write_why(why: &WhyRecord) -> String {
    let step = |s: &WhyStep| {
        let mut object = Object::new().text("rule", &s.rule).text("class", &s.class);
        if s.backwards {
            object = object.field("backwards", true);
        }
        if !s.place.is_empty() {
            object = object.text("place", &s.place);
        }
        object.text("before", &s.before).text("after", &s.after).finish()
    };
    Object::new()
        .field("node", why.node)
        .field("image", why.image)
        .text("weakest", &why.weakest)
        .text("written", &why.written)
        .text("runs", &why.runs)
        .field("steps", list(why.steps.iter().map(step)))
        .finish()
}

fn write_step(step: &StepRecord) -> String {
    let mut object = Object::new().text("step", word(&KINDS, &step.kind));
    if let Some(g) = &step.group {
        object = object
            .field("id", g.id)
            .text("core", &g.core)
            .text("place", word(&PLACES, &g.place))
            .field("domain", list(g.domain.dims()));
    }
    object = object.field("reads", values(&step.reads)).field("writes", values(&step.writes));
    if !step.nodes.is_empty() {
        object = object.field("nodes", nodes(&step.nodes));
    }
    if !step.reason.is_empty() {
        object = object.text("reason", &step.reason);
    }
    if let Some(g) = &step.group {
        let kernel = |k: &KernelRecord| {
            Object::new().text("label", &k.label).field("workgroups", list(k.workgroups)).text("wgsl", &k.wgsl).finish()
        };
        object = object
            .field("bytes", list([g.work.read, g.work.written]))
            .field("flops", format!("{:?}", g.work.flops))
            .field("least_ns", format!("{:?}", g.work.least_ns))
            .text("program", &g.program)
            .field("kernels", list(g.kernels.iter().map(kernel)));
    }
    object.finish()
}

pub(super) fn read(at: &At<'_>, version: Version, n_recorded: usize) -> Result<Record> {
    let graph = graph::read(&at.field("graph")?, version)?;
    let total = graph.nodes.len();
    let stored = at.field("values")?.items(|_, at| value(at, total))?;
    let n = stored.len();
    let steps = at.field("steps")?.items(|_, at| step(at, total, n))?;
    let lifetimes = at.field("lifetimes")?;
    if lifetimes.len()? != n {
        return Err(lifetimes.error(format!("expected one for each of {n} values, given {}", lifetimes.len()?)));
    }
    let lifetime = |_, at: &At<'_>| numbers::<u32, 2>(at).map(|[from, to]| Lifetime { from, to });
    let block = |_, at: &At<'_>| {
        Ok(Block {
            place: at.field("place")?.word(&PLACES)?,
            bytes: at.field("bytes")?.int()?,
            values: value_ids(&at.field("values")?, n)?,
        })
    };
    let refusal = |_, at: &At<'_>| {
        Ok(Refusal {
            node: id(&at.field("node")?, total)?,
            user: id(&at.field("user")?, total)?,
            why: at.field("why")?.text()?.to_owned(),
        })
    };
    let [plan, schedule, lower] = numbers(&at.field("times")?)?;
    Ok(Record {
        plan: at.maybe("plan")?.map(|p| read_plan(&p, total, n_recorded)).transpose()?,
        values: stored,
        scalars: ids(&at.field("scalars")?, total)?,
        steps,
        roots: value_ids(&at.field("roots")?, n)?,
        lifetimes: lifetimes.items(lifetime)?,
        blocks: at.field("memory")?.items(block)?,
        refusals: at.field("refusals")?.items(refusal)?,
        costs: match at.maybe("costs")? {
            Some(costs) => costs.items(|_, at| Ok(at.text()?.to_owned()))?,
            None => Vec::new(),
        },
        times: PrepareTimes { plan, schedule, lower },
        graph,
    })
}

/// Exactly so many numbers.
fn numbers<T: TryFrom<i128> + Copy + Default, const N: usize>(at: &At<'_>) -> Result<[T; N]> {
    if at.len()? != N {
        return Err(at.error(format!("expected {N} entries, given {}", at.len()?)));
    }
    let mut out = [T::default(); N];
    at.items(|i, item| {
        out[i] = item.int()?;
        Ok(())
    })?;
    Ok(out)
}

fn value_ids(at: &At<'_>, total: usize) -> Result<Vec<ValueId>> {
    at.items(|_, item| match item.int::<u32>()? {
        v if (v as usize) < total => Ok(ValueId(v)),
        v => Err(item.error(format!("there is no value {v}: the record has {total}"))),
    })
}

fn value(at: &At<'_>, total: usize) -> Result<Value> {
    let kind = match (at.maybe("leaf")?, at.maybe("kept")?) {
        (Some(leaf), _) => ValueKind::Leaf(leaf.int()?),
        (None, Some(kept)) if kept.bool()? => ValueKind::Root,
        _ => ValueKind::Scratch,
    };
    Ok(Value {
        node: id(&at.field("node")?, total)?,
        kind,
        shape: shape(&at.field("shape")?)?,
        dtype: dtype(&at.field("dtype")?)?,
    })
}

fn read_plan(at: &At<'_>, total: usize, n_recorded: usize) -> Result<PlanRecord> {
    let image = at.field("image")?;
    if image.len()? != n_recorded {
        return Err(image.error(format!("expected one for each of {n_recorded} nodes, given {}", image.len()?)));
    }
    let rule = |_, at: &At<'_>| {
        Ok(FiredRecord {
            rule: at.field("rule")?.text()?.to_owned(),
            class: at.field("class")?.text()?.to_owned(),
            count: at.field("count")?.int()?,
            nodes: ids(&at.field("nodes")?, total)?,
        })
    };
    let why = at.maybe("why")?.map(|w| w.items(|_, w| read_why(w, total, n_recorded))).transpose()?.unwrap_or_default();
    Ok(PlanRecord {
        image: image.items(|_, item| if item.is_null() { Ok(None) } else { id(item, total).map(Some) })?,
        fired: at.field("rules")?.items(rule)?,
        saturated: at.field("saturated")?.bool()?,
        rounds: at.field("rounds")?.int()?,
        terms: at.field("terms")?.int()?,
        fallback: at.maybe("fallback")?.map(|f| f.text().map(str::to_owned)).transpose()?,
        why,
        unproved: at.maybe("unproved")?.map(|u| u.text().map(str::to_owned)).transpose()?,
    })
}

fn read_why(at: &At<'_>, total: usize, n_recorded: usize) -> Result<WhyRecord> {
    let text = |at: &At<'_>, name: &str| at.field(name)?.text().map(str::to_owned);
    let step = |_, at: &At<'_>| {
        Ok(WhyStep {
            rule: text(at, "rule")?,
            class: text(at, "class")?,
            backwards: at.maybe("backwards")?.map(|b| b.bool()).transpose()?.unwrap_or_default(),
            place: at.maybe("place")?.map(|p| p.text().map(str::to_owned)).transpose()?.unwrap_or_default(),
            before: text(at, "before")?,
            after: text(at, "after")?,
        })
    };
    Ok(WhyRecord {
        node: id(&at.field("node")?, n_recorded)?.0,
        image: id(&at.field("image")?, total)?.0,
        weakest: text(at, "weakest")?,
        written: text(at, "written")?,
        runs: text(at, "runs")?,
        steps: at.field("steps")?.items(step)?,
    })
}

fn step(at: &At<'_>, total: usize, n_values: usize) -> Result<StepRecord> {
    let kind = at.field("step")?.word(&KINDS)?;
    let nodes = at.maybe("nodes")?.map(|list| ids(&list, total)).transpose()?.unwrap_or_default();
    let reason = at.maybe("reason")?.map(|r| r.text().map(str::to_owned)).transpose()?.unwrap_or_default();
    Ok(StepRecord {
        kind,
        reads: value_ids(&at.field("reads")?, n_values)?,
        writes: value_ids(&at.field("writes")?, n_values)?,
        nodes,
        reason,
        group: (kind == StepKind::Group).then(|| group(at)).transpose()?,
    })
}

fn group(at: &At<'_>) -> Result<GroupRecord> {
    let [read, written] = numbers(&at.field("bytes")?)?;
    let kernel = |_, at: &At<'_>| {
        Ok(KernelRecord {
            label: at.field("label")?.text()?.to_owned(),
            workgroups: numbers(&at.field("workgroups")?)?,
            wgsl: at.field("wgsl")?.text()?.to_owned(),
        })
    };
    Ok(GroupRecord {
        id: at.field("id")?.int()?,
        core: at.field("core")?.text()?.to_owned(),
        place: at.field("place")?.word(&PLACES)?,
        domain: shape(&at.field("domain")?)?,
        program: at.field("program")?.text()?.to_owned(),
        work: Work { read, written, flops: at.field("flops")?.number()?, least_ns: at.field("least_ns")?.number()? },
        kernels: at.field("kernels")?.items(kernel)?,
    })
}

pub(super) fn write_times(times: &Times) -> String {
    Object::new()
        .field("whole", list([times.whole.start, times.whole.ns]))
        .field("steps", list(times.steps.iter().map(|s| list([s.start, s.ns]))))
        .field("kernels", list(times.kernels.iter().map(|k| list([k.step.into(), k.kernel.into(), k.ns]))))
        .finish()
}

pub(super) fn read_times(at: &At<'_>) -> Result<Times> {
    let span = |at: &At<'_>| numbers(at).map(|[start, ns]| Span { start, ns });
    let kernel = |_, at: &At<'_>| {
        let [step, kernel, ns] = numbers::<u64, 3>(at)?;
        match (u32::try_from(step), u32::try_from(kernel)) {
            (Ok(step), Ok(kernel)) => Ok(KernelTime { step, kernel, ns }),
            _ => Err(at.error("expected the number of a step and of a kernel")),
        }
    };
    Ok(Times {
        whole: span(&at.field("whole")?)?,
        steps: at.field("steps")?.items(|_, at| span(at))?,
        kernels: at.field("kernels")?.items(kernel)?,
    })
}
