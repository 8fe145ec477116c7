//! A plan as text: how it ended, the rules that fired, and the planned graph, whole or as what differs from the recorded one.
//!
//! Counts of rounds and terms are left out: they change whenever rules are tuned, and a reader of plans has no use for them. They are
//! fields of [`Plan`].

use std::fmt;

use super::plan::Plan;
use crate::graph::{Graph, NodeId};

impl Plan {
    /// The plan as text for a reader who has the recorded graph at hand. Where a planned node does what a recorded
    /// one does, on whatever its operands became, the two numbers are printed, in runs. Every other node is written out, with the recorded
    /// node whose value it computes, if there is one.
    ///
    /// `recorded` is the graph the plan was made of, or one with the same plan key. Linear in the size of both graphs.
    pub fn beside<'a>(&'a self, recorded: &'a Graph) -> impl fmt::Display + use<'a> {
        Beside { plan: self, recorded }
    }

    fn heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fallback {
            Some(why) => writeln!(f, "plan: the graph as written, because of {why}")?,
            None if self.saturated => writeln!(f, "plan: saturated")?,
            None => writeln!(f, "plan: stopped by a limit")?,
        }
        for fired in &self.fired {
            let nodes: Vec<String> = fired.nodes.iter().map(ToString::to_string).collect();
            writeln!(f, "rule {} ({}) {}x at {}", fired.rule, fired.class, fired.count, nodes.join(" "))?;
        }
        writeln!(f, "weakest class {}", self.weakest())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heading(f)?;
        fmt::Display::fmt(&self.graph, f)
    }
}

/// What [`Plan::beside`] prints.
struct Beside<'a> {
    plan: &'a Plan,
    recorded: &'a Graph,
}

impl Beside<'_> {
    /// For each planned node the first recorded node whose value it computes, and whether it does so by the same operation on what
    /// became of the same operands.
    fn origins(&self) -> Vec<Option<(NodeId, bool)>> {
        let (recorded, planned) = (self.recorded, &self.plan.graph);
        let image = |id: NodeId| self.plan.image.get(id.index()).copied().flatten();
        let mut origins: Vec<Option<(NodeId, bool)>> = vec![None; planned.nodes.len()];
        for id in recorded.ids() {
            let Some(at) = image(id) else { continue };
            let (ours, theirs) = (recorded.node(id), planned.node(at));
            let same = ours.op == theirs.op
                && ours.operands.len() == theirs.operands.len()
                && ours.operands.iter().zip(&theirs.operands).all(|(&o, &t)| image(o) == Some(t));
            let origin = &mut origins[at.index()];
            if origin.is_none() || (same && !origin.is_some_and(|(_, same)| same)) {
                *origin = Some((id, same));
            }
        }
        origins
    }
}

impl fmt::Display for Beside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plan.heading(f)?;
        let (graph, origins) = (&self.plan.graph, self.origins());
        let mut ids = graph.ids().peekable();
        while let Some(first) = ids.next() {
            let from = match origins[first.index()] {
                Some((from, true)) => from,
                changed => {
                    graph.write_node(f, first)?;
                    match changed {
                        Some((id, _)) => writeln!(f, "  # recorded {id}")?,
                        None => writeln!(f)?,
                    }
                    continue;
                }
            };
            let (mut last, mut to) = (first, from);
            while let Some(next) = ids.next_if(|next| origins[next.index()] == Some((NodeId(to.0 + 1), true))) {
                (last, to) = (next, NodeId(to.0 + 1));
            }
            let run = |a: NodeId, b: NodeId| if a == b { a.to_string() } else { format!("{a}..{b}") };
            if first == from {
                writeln!(f, "{} as recorded", run(first, last))?;
            } else {
                writeln!(f, "{} = recorded {}", run(first, last), run(from, to))?;
            }
        }
        graph.write_outcome(f)
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{BinaryOp, Graph, LeafInfo, Op, UnaryOp};
    use crate::planner::{PlanOptions, plan};
    use crate::types::{CostTable, DType, Shape, View};

    #[test]
    fn what_stays_is_named_and_what_changes_is_written_out() {
        let mut g = Graph::default();
        for _ in 0..2 {
            g.leaves.push(LeafInfo { shape: Shape::new(&[4, 3]), dtype: DType::F32 });
        }
        let a = g.add(Op::Leaf(0), &[]).unwrap();
        let b = g.add(Op::Leaf(1), &[]).unwrap();
        let sum = g.add(Op::Binary(BinaryOp::Add), &[a, b]).unwrap();
        let exp = g.add(Op::Unary(UnaryOp::Exp), &[sum]).unwrap();
        let negated = g.add(Op::Unary(UnaryOp::Neg), &[exp]).unwrap();
        let twice = g.add(Op::Unary(UnaryOp::Neg), &[negated]).unwrap();
        g.roots = vec![twice];
        let p = plan(&g, &PlanOptions::new(CostTable::cpu()));
        let text = p.beside(&g).to_string();
        assert!(text.starts_with("plan: saturated\nrule "), "{text}");
        assert!(text.ends_with("%0..%3 as recorded\nroots [%3]\n"), "{text}");

        let diagonal = View::from_parts(Shape::new(&[3]), &[4], 0).unwrap();
        let picked = g.add(Op::View(diagonal), &[negated]).unwrap();
        g.roots = vec![picked];
        let p = plan(&g, &PlanOptions::new(CostTable::cpu()));
        let text = p.beside(&g).to_string();
        assert!(text.contains("  # recorded %"), "{text}");
    }
}
