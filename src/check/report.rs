//! What a check found: whether a graph's results are right, and if not, the first node that diverges, what computed it, both
//! values and the tolerance with its reasons.
//!
//! Plain data with one printed form. `diagnose` produces it.

use std::fmt;

use super::allowance::Allowance;
use super::compare::Mismatch;
use super::coverage::Coverage;
use super::element::Element;
use super::oracle::evaluate_node;
use super::tensor::Tensor;
use crate::graph::{Case, NodeId, Op};
use crate::planner::{Class, Fired};

/// The outcome of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was compared.
    pub coverage: Coverage,
    /// What is wrong, if anything.
    pub divergence: Option<Divergence>,
}

impl Report {
    /// Whether every result is one that a correct run may give.
    #[must_use]
    pub fn is_equivalent(&self) -> bool {
        self.divergence.is_none()
    }
}

/// A result that no correct run would give.
#[derive(Clone, Debug)]
pub struct Divergence {
    /// The graph as recorded, with its data.
    pub case: Case,
    /// The root that is wrong, by its place among the roots.
    pub root: usize,
    /// The first node, in topological order, whose value diverges.
    pub node: NodeId,
    /// Where it does: the element's index in the dense array, what was given and what would have been accepted.
    pub mismatch: Mismatch,
    /// How far the value may lie from the oracle's, and why.
    pub tolerance: Tolerance,
    /// What computed the value.
    pub blame: Blame,
}

/// A rule that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlamedRule {
    /// Its name.
    pub name: String,
    /// Its numerics class.
    pub class: Class,
}

impl BlamedRule {
    pub(super) fn of(fired: &Fired) -> Self {
        Self { name: fired.rule.clone(), class: fired.class }
    }
}

/// What is to blame for a wrong value.
#[derive(Clone, Debug, PartialEq)]
pub enum Blame {
    /// Rules without any of which the plan is right: one, or several that are wrong only together.
    Rules(Vec<BlamedRule>),
    /// A group: the nodes by themselves are right, together they are not.
    Group {
        /// Its line in the schedule, with the program.
        text: String,
        /// Rules that gave nodes of the group.
        rules: Vec<String>,
    },
    /// One operation by itself, without planner and fusion, as this step computes it.
    Operation(String),
    /// The evaluation failed instead of giving a value.
    Failure(String),
    /// A cached plan: the same graph with the same data is right on an engine that plans it again.
    Cached,
    /// Only the whole evaluation is wrong: each part by itself is right.
    Together,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules(rules) => {
                let named: Vec<String> = rules.iter().map(|r| format!("{} ({})", r.name, r.class)).collect();
                write!(f, "rule{} {}", if named.len() == 1 { "" } else { "s together:" }, named.join(", "))
            }
            Self::Group { text, rules } if rules.is_empty() => write!(f, "group\n{text}"),
            Self::Group { text, rules } => write!(f, "group (with terms of {})\n{text}", rules.join(", ")),
            Self::Operation(text) => write!(f, "the operation by itself\n{text}"),
            Self::Failure(text) => write!(f, "the evaluation failed: {text}"),
            Self::Cached => f.write_str("a plan out of the cache: planned anew it is right"),
            Self::Together => f.write_str("the evaluation as a whole; each part by itself is right"),
        }
    }
}

impl Blame {
    /// Whether a rule of this name is to blame, alone or with others.
    #[must_use]
    pub fn names_rule(&self, name: &str) -> bool {
        matches!(self, Self::Rules(rules) if rules.iter().any(|r| r.name == name))
    }
}

/// How far a value may lie from the oracle's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// The whole of it.
    pub radius: f64,
    /// The part that the roundings of the operation itself make, with exact operands.
    pub own: f64,
    /// Where it comes from, in words.
    pub because: String,
}

impl Tolerance {
    /// The tolerance of a mismatch under approximate rules: that of the operations that ran.
    #[must_use]
    pub fn as_it_ran(mismatch: &Mismatch) -> Self {
        let radius = mismatch.expected.map_or(0.0, |e| e.radius);
        let because = "the roundings of the operations of the planned graph, around the recorded one over the reals";
        Self { radius, own: radius, because: because.into() }
    }

    /// The tolerance of one element of a node, given what is known of all nodes.
    #[must_use]
    pub fn of(case: &Case, node: NodeId, index: usize, known: &[Tensor], allow: Allowance) -> Self {
        let Some(&e) = known.get(node.index()).and_then(|t| t.elements.get(index)) else { return Self::default() };
        let n = case.graph.node(node);
        let exact = |t: &Tensor| {
            let elements = t.elements.iter().map(|e| if e.is_any() { *e } else { e.with_radius(0.0) }).collect();
            Tensor { elements, ..t.clone() }
        };
        let operands: Vec<Tensor> = n.operands.iter().map(|o| exact(&known[o.index()])).collect();
        let operands: Vec<&Tensor> = operands.iter().collect();
        let alone = evaluate_node(n, &operands, &case.leaves, &case.slots, allow);
        let own = alone.get(index).map_or(0.0, |e| e.radius).min(e.radius);
        Self { radius: e.radius, own, because: because(case, node, e, own, allow) }
    }
}

fn because(case: &Case, node: NodeId, e: Element, own: f64, allow: Allowance) -> String {
    let n = case.graph.node(node);
    if e.is_any() {
        return "nothing is promised of this element".into();
    }
    if e.radius == 0.0 {
        return "none: the value is exact".into();
    }
    let first = n.operands.first().map(|&o| case.graph.node(o));
    let terms = match (&n.op, first) {
        (Op::Reduce { axes, .. }, Some(x)) => axes.iter().map(|&a| x.shape[a]).product(),
        (Op::Scan { axis, .. }, Some(x)) => x.shape[*axis],
        (Op::Contract { .. }, Some(x)) => x.shape.last().copied().unwrap_or(1),
        _ => 1usize,
    };
    let accuracy = match &n.op {
        Op::Unary(op) => Some(allow.unary(*op, n.dtype)),
        Op::Binary(op) => Some(allow.binary(*op, n.dtype)),
        _ => None,
    };
    let mut text = format!("{own:e} for the roundings of {}", n.op.name());
    if terms > 1 {
        text.push_str(&format!(" over {terms} terms, whose magnitudes add up to {:e}", e.size));
    } else if let Some(a) = accuracy {
        text.push_str(&format!(" ({} ulp", a.relative));
        if a.absolute > 0.0 {
            text.push_str(&format!(" and {} ulp of 1", a.absolute));
        }
        text.push(')');
    }
    if allow.planned {
        text.push_str(", in any order that the rules allow");
    }
    text.push_str(&format!("; {:e} carried over from its operands", (e.radius - own).max(0.0)));
    if allow.gpu {
        text.push_str("; a GPU may flush subnormals");
    }
    text
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.divergence {
            Some(divergence) => write!(f, "{divergence}"),
            None => write!(f, "equivalent\n{}", self.coverage),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.case.graph.node(self.node);
        writeln!(f, "root {} is wrong", self.root)?;
        writeln!(f, "first diverging node: {} = {} : {}{}", self.node, node.op, node.dtype, node.shape)?;
        writeln!(f, "  {}", self.mismatch)?;
        writeln!(f, "tolerance: {:e}: {}", self.tolerance.radius, self.tolerance.because)?;
        writeln!(f, "made by: {}", self.blame)?;
        write!(f, "{:?}", self.case)
    }
}
