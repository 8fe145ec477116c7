//! What a check has covered: counts of operations, rules, kinds of groups, shapes and configurations.
//!
//! Graphs and the records of their evaluations come in; a table goes out, which also names what was never covered.

use std::collections::BTreeMap;
use std::fmt;

use super::compare::Tally;
use super::operations::{ROUTINES, operation_names};
use super::promise::{computes, promised};
use crate::graph::{Graph, NodeId, Op};
use crate::planner::{Plan, Rules};
use crate::schedule::{Place, Schedule, Step};
use crate::types::Shape;

/// What the planner may do in a configuration.
pub(super) const PLANNERS: [&str; 4] = ["off", "strict", "standard", "fast"];
/// How a configuration evaluates: what follows the planner's mode in its name.
pub(super) const HOW: [&str; 4] = ["", ", cached", ", one by one", ", one by one, cached"];

/// Counts by name.
pub type Counts = BTreeMap<String, u64>;

/// What a check has covered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Cases.
    pub cases: u64,
    /// Runs, by configuration.
    pub configurations: Counts,
    /// Nodes, by operation.
    pub ops: Counts,
    /// Array nodes, by dtype.
    pub dtypes: Counts,
    /// Array nodes, by what is odd about their shape; see [`shape_kind`].
    pub shapes: Counts,
    /// Terms of plans that ran, by the rule that gave them.
    pub rules: Counts,
    /// Groups that ran, by place and core; what several stores or views make of them is named too.
    pub groups: Counts,
    /// Nodes of strict plans whose results have the same bits on every device, by where they ran.
    pub promised: Promised,
    /// How tightly elements were compared.
    pub tally: Tally,
}

/// Nodes whose results have the same bits on every device: those that a GPU computed, and those that it left to the CPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promised {
    /// Nodes that stayed on the GPU.
    pub stayed: u64,
    /// Nodes that ran on the CPU, by reason.
    pub left: Counts,
}

impl Promised {
    /// The share that stayed; `None` where there were no such nodes.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let all = self.stayed + self.left.values().sum::<u64>();
        (all > 0).then(|| self.stayed as f64 / all as f64)
    }
}

/// What a shape is like: its rank, and whether an extent is 0, 1 or no multiple of 4.
#[must_use]
pub fn shape_kind(shape: &Shape) -> String {
    let mut kind = format!("rank {}", shape.rank());
    if shape.is_empty() {
        kind.push_str(", empty");
    } else if shape.rank() > 0 && shape.len() == 1 {
        kind.push_str(", one element");
    } else if shape.contains(&1) {
        kind.push_str(", with 1");
    } else if shape.iter().any(|d| d % 4 != 0) {
        kind.push_str(", uneven");
    }
    kind
}

fn add(counts: &mut Counts, name: &str, n: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += n,
        None => drop(counts.insert(name.to_string(), n)),
    }
}

impl Coverage {
    /// Counts the nodes of a case.
    pub fn graph(&mut self, graph: &Graph) {
        self.cases += 1;
        for node in &graph.nodes {
            add(&mut self.ops, node.op.name(), 1);
            if !matches!(node.op, Op::Literal(_) | Op::Slot(_)) {
                add(&mut self.dtypes, node.dtype.name(), 1);
                add(&mut self.shapes, &shape_kind(&node.shape), 1);
            }
        }
    }

    /// Counts a run in this configuration.
    pub fn run(&mut self, configuration: &str) {
        add(&mut self.configurations, configuration, 1);
    }

    /// Counts the rules whose terms a plan took.
    pub fn plan(&mut self, plan: &Plan) {
        for fired in &plan.fired {
            add(&mut self.rules, &fired.rule, fired.count as u64);
        }
    }

    /// Counts the groups and host steps of a schedule.
    pub fn schedule(&mut self, schedule: &Schedule) {
        for step in &schedule.steps {
            match step {
                Step::Run(group) => {
                    let place = if group.place == Place::Gpu { "gpu" } else { "cpu" };
                    add(&mut self.groups, &format!("{place} {}", group.core.name()), 1);
                    if group.stores.len() > 1 {
                        add(&mut self.groups, &format!("{place} {} with several results", group.core.name()), 1);
                    }
                }
                Step::Host { .. } => add(&mut self.groups, "host", 1),
                Step::Empty(_) => add(&mut self.groups, "empty", 1),
                _ => {}
            }
        }
    }

    /// Counts the nodes of a strict plan that promise bits by where they ran.
    pub fn promised(&mut self, graph: &Graph, schedule: &Schedule) {
        let promised = promised(graph);
        let count = |nodes: &[NodeId]| {
            nodes.iter().filter(|id| promised[id.index()] && computes(graph.node(**id))).count() as u64
        };
        for step in &schedule.steps {
            let (nodes, reason) = match step {
                Step::Run(group) if group.place == Place::Gpu => {
                    self.promised.stayed += count(&group.nodes);
                    continue;
                }
                Step::Run(group) => (&group.nodes, &group.reason),
                Step::Host { nodes, reason, .. } => (nodes, reason),
                _ => continue,
            };
            // A reason begins with the node that it is about.
            let words =
                reason.split_once(": ").filter(|(node, _)| !node.contains(' ')).map_or(&**reason, |(_, why)| why);
            let n = count(nodes);
            if n > 0 {
                add(&mut self.promised.left, words, n);
            }
        }
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Self) {
        self.cases += other.cases;
        self.tally.add(other.tally);
        self.promised.stayed += other.promised.stayed;
        let pairs = [
            (&mut self.configurations, &other.configurations),
            (&mut self.ops, &other.ops),
            (&mut self.dtypes, &other.dtypes),
            (&mut self.shapes, &other.shapes),
            (&mut self.rules, &other.rules),
            (&mut self.groups, &other.groups),
            (&mut self.promised.left, &other.promised.left),
        ];
        for (mine, theirs) in pairs {
            theirs.iter().for_each(|(name, n)| add(mine, name, *n));
        }
    }

    /// The rules of a set that never gave a term of a plan that ran.
    #[must_use]
    pub fn silent_rules<'a>(&self, rules: &'a Rules) -> Vec<&'a str> {
        rules.iter().map(|r| r.name).filter(|name| !self.rules.contains_key(*name)).collect()
    }

    /// The operations of random graphs that were never met.
    #[must_use]
    pub fn missing_operations(&self) -> Vec<&'static str> {
        let routines: &[&'static str] = if cfg!(feature = "linalg") { &ROUTINES } else { &[] };
        let wanted = operation_names().into_iter().chain(routines.iter().copied());
        wanted.filter(|name| !self.ops.contains_key(*name)).collect()
    }

    /// The table, with rules held against a set.
    #[must_use]
    pub fn summary(&self, rules: &Rules) -> String {
        let silent = self.silent_rules(rules);
        let missing = self.missing_operations();
        let mut text = self.to_string();
        text.push_str(&format!("rules       {} of {} fired", rules.len() - silent.len(), rules.len()));
        if !silent.is_empty() {
            text.push_str(&format!("; never: {}", silent.join(" ")));
        }
        if !missing.is_empty() {
            text.push_str(&format!("\nnever met   {}", missing.join(" ")));
        }
        text.push('\n');
        text
    }
}

impl Coverage {
    /// Runs of each mode of the planner, by how it was evaluated, and all others behind these.
    fn runs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |name: &str| self.configurations.get(name).copied().unwrap_or(0);
        let combinations = PLANNERS.map(|planner| HOW.map(|how| format!("{planner}{how}")));
        if combinations.iter().flatten().any(|name| of(name) > 0) {
            writeln!(f, "runs        planner   together    cached  one by one  one by one, cached")?;
            for (planner, names) in PLANNERS.iter().zip(&combinations) {
                let [together, cached, apart, apart_cached] = [0, 1, 2, 3].map(|i| of(&names[i]));
                writeln!(f, "            {planner:8} {together:9} {cached:9} {apart:11} {apart_cached:19}")?;
            }
        }
        let named = |name: &String| combinations.iter().flatten().any(|n| n == name);
        let others: Vec<String> =
            self.configurations.iter().filter(|(n, _)| !named(n)).map(|(n, count)| format!("{n} {count}")).collect();
        if others.is_empty() { Ok(()) } else { writeln!(f, "other runs  {}", others.join(", ")) }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |counts: &Counts| counts.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ");
        let Tally { elements, tight, loose } = self.tally;
        writeln!(f, "cases       {}", self.cases)?;
        writeln!(f, "elements    {elements} compared, {tight} tightly, {loose} could be anything")?;
        self.runs(f)?;
        writeln!(f, "operations  {}", list(&self.ops))?;
        writeln!(f, "dtypes      {}", list(&self.dtypes))?;
        writeln!(f, "shapes      {}", list(&self.shapes))?;
        writeln!(f, "groups      {}", list(&self.groups))?;
        if let Some(share) = self.promised.share() {
            let Promised { stayed, left } = &self.promised;
            let others = if left.is_empty() { String::new() } else { format!("; on the CPU: {}", list(left)) };
            writeln!(
                f,
                "same bits   {stayed} nodes stayed on the GPU, {:.1} % of those that promise them{others}",
                100.0 * share
            )?;
        }
        Ok(())
    }
}
