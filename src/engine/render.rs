//! An evaluation for other programs: Graphviz DOT with groups as boxes, and JSON.

use std::fmt::Write;

use super::Evaluation;
use crate::graph::Graph;
use crate::schedule::{Place, Step};

/// The version of the JSON form; it changes when a field changes its meaning or goes.
const JSON_VERSION: u32 = 1;

impl Evaluation {
    /// The graph that ran as Graphviz DOT, one box for each group.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let graph = &self.prepared.graph;
        let mut out = String::from("digraph lazurite {\n  node [shape=box, fontname=\"monospace\"];\n");
        let mut inside = vec![false; graph.nodes.len()];
        for group in self.prepared.schedule.groups() {
            let place = if group.place == Place::Gpu { "GPU" } else { "CPU" };
            let _ = writeln!(
                out,
                "  subgraph cluster_g{} {{\n    label=\"g{} {} on the {place}\";",
                group.id,
                group.id,
                group.core.name()
            );
            for n in &group.nodes {
                if !std::mem::replace(&mut inside[n.index()], true) {
                    let _ = writeln!(out, "    n{};", n.0);
                }
            }
            out.push_str("  }\n");
        }
        for id in graph.ids() {
            let node = graph.node(id);
            let label = format!("{id} {}\n{}{}", node.op, node.dtype, node.shape);
            let _ = writeln!(out, "  n{} [label={}];", id.0, quoted(&label));
            for (port, o) in node.operands.iter().enumerate() {
                let _ = writeln!(out, "  n{} -> n{} [label=\"{port}\"];", o.0, id.0);
            }
        }
        for (i, root) in graph.roots.iter().enumerate() {
            let _ = writeln!(out, "  root{i} [shape=plaintext, label=\"root {i}\"];\n  n{} -> root{i};", root.0);
        }
        out.push_str("}\n");
        out
    }

    /// Everything about the evaluation as one JSON object: `version`, `graph`, `planned`, `rules`, `steps`, `refusals`, `memory`,
    /// `kernels`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let schedule = &self.prepared.schedule;
        let rules = self.prepared.plan.as_ref().map_or_else(Vec::new, |p| {
            let rule = |f: &crate::planner::Fired| {
                format!(
                    "{{\"rule\":{},\"class\":{},\"count\":{}}}",
                    quoted(&f.rule),
                    quoted(&f.class.to_string()),
                    f.count
                )
            };
            p.fired.iter().map(rule).collect()
        });
        let steps = schedule.steps.iter().map(|s| self.step_json(s)).collect();
        let refusals = schedule
            .refusals
            .iter()
            .map(|r| format!("{{\"node\":{},\"user\":{},\"why\":{}}}", r.node.0, r.user.0, quoted(&r.why)))
            .collect();
        let memory = schedule
            .blocks
            .iter()
            .map(|b| {
                let values: Vec<String> = b.values.iter().map(|v| v.0.to_string()).collect();
                format!("{{\"place\":{},\"bytes\":{},\"values\":[{}]}}", place_json(b.place), b.bytes, values.join(","))
            })
            .collect();
        let kernels = self.prepared.lowered.iter().flatten().flat_map(|l| &l.kernels);
        let kernels = kernels
            .map(|k| {
                format!(
                    "{{\"label\":{},\"workgroups\":{:?},\"wgsl\":{}}}",
                    quoted(&k.label),
                    k.workgroups,
                    quoted(&k.wgsl)
                )
            })
            .collect();
        format!(
            "{{\"version\":{JSON_VERSION},\"cached\":{},\"fallback\":{},\"graph\":{},\"planned\":{},\"rules\":{},\"steps\":{},\"refusals\":{},\"memory\":{},\"kernels\":{}}}\n",
            self.cached,
            self.fallback.as_ref().map_or_else(|| "null".into(), |r| quoted(r)),
            graph_json(&self.graph, |id| self.note(id)),
            graph_json(&self.prepared.graph, |_| String::new()),
            list(rules),
            list(steps),
            list(refusals),
            list(memory),
            list(kernels),
        )
    }

    fn step_json(&self, step: &Step) -> String {
        let ids = |ids: &[crate::graph::NodeId]| list(ids.iter().map(|n| n.0.to_string()).collect());
        match step {
            Step::Upload(v) => format!("{{\"step\":\"upload\",\"value\":{}}}", v.0),
            Step::Readback(v) => format!("{{\"step\":\"readback\",\"value\":{}}}", v.0),
            Step::Empty(v) => format!("{{\"step\":\"empty\",\"value\":{}}}", v.0),
            Step::Free(v) => format!("{{\"step\":\"free\",\"value\":{}}}", v.0),
            Step::Host { nodes, reason, .. } => {
                format!("{{\"step\":\"host\",\"nodes\":{},\"reason\":{}}}", ids(nodes), quoted(reason))
            }
            Step::Run(g) => format!(
                "{{\"step\":\"group\",\"id\":{},\"core\":{},\"place\":{},\"domain\":{:?},\"nodes\":{},\"reason\":{},\"program\":{}}}",
                g.id,
                quoted(g.core.name()),
                place_json(g.place),
                g.domain.dims(),
                ids(&g.nodes),
                quoted(&g.reason),
                quoted(&g.body.to_string())
            ),
        }
    }
}

fn place_json(place: Place) -> &'static str {
    match place {
        Place::Gpu => "\"gpu\"",
        Place::Cpu => "\"cpu\"",
    }
}

fn graph_json(graph: &Graph, note: impl Fn(crate::graph::NodeId) -> String) -> String {
    let nodes = graph
        .ids()
        .map(|id| {
            let n = graph.node(id);
            let operands: Vec<String> = n.operands.iter().map(|o| o.0.to_string()).collect();
            let note = note(id);
            let note = if note.is_empty() {
                String::new()
            } else {
                format!(",\"note\":{}", quoted(note.trim_start_matches("  # ")))
            };
            format!(
                "{{\"id\":{},\"op\":{},\"operands\":[{}],\"dtype\":\"{}\",\"shape\":{:?}{note}}}",
                id.0,
                quoted(&n.op.to_string()),
                operands.join(","),
                n.dtype,
                n.shape.dims()
            )
        })
        .collect();
    let roots: Vec<String> = graph.roots.iter().map(|r| r.0.to_string()).collect();
    format!("{{\"nodes\":{},\"roots\":[{}]}}", list(nodes), roots.join(","))
}

fn list(items: Vec<String>) -> String {
    format!("[{}]", items.join(","))
}

/// A JSON string, which is also a DOT string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(quoted("a\"b\\c\nd\u{1}"), "\"a\\\"b\\\\c\\nd\\u0001\"");
    }
}
