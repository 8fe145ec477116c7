//! An evaluation for Graphviz: the graph that ran, its groups as boxes, with the names and places of the program.

use std::fmt::Write;

use super::evaluation::Evaluation;
use crate::graph::NodeId;
use crate::schedule::Place;

impl Evaluation {
    /// The graph that ran as Graphviz DOT, one box for each group. Nodes carry the names the program gave their values and the
    /// first place each was written at; ids are those of the dump, so equal evaluations are equal texts.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let graph = &self.prepared.graph;
        let written = self.written();
        let mut out = String::from("digraph lazurite {\n  node [shape=box, fontname=\"monospace\"];\n");
        if let Some(at) = &self.asked_at {
            let _ = writeln!(out, "  label={};", quoted(&format!("asked for at {at}")));
        }
        let mut inside = vec![false; graph.nodes.len()];
        for group in self.prepared.schedule.groups() {
            let place = if group.place == Place::Gpu { "GPU" } else { "CPU" };
            let _ = writeln!(
                out,
                "  subgraph cluster_g{} {{\n    label=\"g{} {} over {} on the {place}\";",
                group.id,
                group.id,
                group.core.name(),
                group.domain
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
            let label = format!("{id} {}\n{}{}{}", node.op, node.dtype, node.shape, written[id.index()]);
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

    /// For each node that ran, a line with the names of its value and where it was written, or nothing.
    fn written(&self) -> Vec<String> {
        let mut lines = vec![String::new(); self.prepared.graph.nodes.len()];
        for (id, (origins, _)) in self.graph.ids().zip(self.origins()) {
            let image = match &self.prepared.plan {
                Some(plan) => plan.image.get(id.index()).copied().flatten(),
                None => Some(id),
            };
            let Some(line) = image.and_then(|n: NodeId| lines.get_mut(n.index())) else { continue };
            if let Some(first) = origins.first().filter(|_| line.is_empty()) {
                *line = format!("\n{first}");
                for name in origins.iter().filter_map(|o| o.label.as_deref()) {
                    let _ = write!(line, " {name}");
                }
            }
        }
        lines
    }
}

/// A DOT string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
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
        assert_eq!(quoted("a\"b\\c\nd\u{1}"), "\"a\\\"b\\\\c\\nd \"");
    }
}
