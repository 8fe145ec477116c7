//! The trial of one rule: every dtype it admits, all small shapes, several fillings each.

use std::fmt::Write as _;

use super::compare::compare;
use super::inputs::{Ground, each_assignment, operator_choices};
use super::values::{Mood, Values};
use crate::cpu::reference::eval_graph;
use crate::graph::{Graph, Op};
use crate::planner::{Class, Properties, Property, RuleCheck, RuleInput, RuleOperator, RuleSides};
use crate::types::{DType, HostBuffer, Scalar};

/// The dtypes that rules are tried on, with whether on all small shapes or on a few. Bytes are storage, which the engine reads
/// and converts but does not compute with: what few rules can be built for them are tried too.
const DTYPES: [(DType, bool); 8] = [
    (DType::F32, true),
    (DType::F64, false),
    (DType::F16, false),
    (DType::I32, true),
    (DType::U32, false),
    (DType::I64, false),
    (DType::U8, false),
    (DType::Bool, true),
];

/// Enough to show what is wrong.
const MOST_FAILURES: usize = 3;

/// What the trial of a rule met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Pairs of sides that were compared.
    pub tried: usize,
    /// Left sides whose right side would have had another shape or dtype.
    pub refused: usize,
    /// What was wrong, for the first few pairs.
    pub failures: Vec<String>,
}

impl Trial {
    /// What is suspicious about a rule that was not found wrong.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        if self.tried == 0 && self.refused == 0 {
            return Some("nothing was found that its left side and conditions admit: it was not tried".into());
        }
        (self.refused > self.tried).then(|| {
            format!(
                "its right side has another shape or dtype in {} of {} cases: say in conditions when it applies",
                self.refused,
                self.refused + self.tried
            )
        })
    }
}

/// Tries one direction of a rule on everything it admits.
#[must_use]
pub fn try_rule(rule: &RuleCheck) -> Trial {
    let mut trial = Trial::default();
    for (dtype, thorough) in DTYPES {
        if rule.class(dtype).is_none() {
            continue;
        }
        let ground = if thorough { Ground::small(rule) } else { Ground::few() };
        let operators = operator_choices(rule, dtype);
        for operators in operators.iter().take(if thorough { usize::MAX } else { 1 }) {
            each_assignment(rule, dtype, &ground, &mut |inputs| {
                let seed = trial.tried as u64;
                try_case(rule, dtype, inputs, operators, seed, &mut trial);
                trial.failures.len() < MOST_FAILURES
            });
        }
    }
    trial
}

/// Builds both sides from these inputs and compares them on several fillings.
pub fn try_case(
    rule: &RuleCheck,
    dtype: DType,
    inputs: &[RuleInput],
    operators: &[RuleOperator],
    seed: u64,
    trial: &mut Trial,
) {
    let Some(class) = rule.class(dtype) else { return };
    match rule.sides(inputs, operators) {
        RuleSides::Built(graph) => {
            trial.tried += 1;
            trial.failures.extend(hold(rule, class, inputs, operators, &graph, seed));
        }
        RuleSides::Refused => trial.refused += 1,
        RuleSides::IllFormed | RuleSides::Excluded => {}
    }
}

/// Whether an input has no elements, or is a product of or over nothing.
fn is_empty(input: &RuleInput) -> bool {
    match input {
        RuleInput::Array(shape, _) => shape.is_empty(),
        RuleInput::Product(a, b, _) | RuleInput::Mask(a, b, _) => a.is_empty() || b.is_empty(),
        _ => false,
    }
}

/// What is wrong with the sides, if anything is.
fn hold(
    rule: &RuleCheck,
    class: Class,
    inputs: &[RuleInput],
    operators: &[RuleOperator],
    graph: &Graph,
    seed: u64,
) -> Option<String> {
    let moods: &[Mood] = match class {
        Class::Exact => &[Mood::Ordinary, Mood::Finite, Mood::Special, Mood::Special],
        Class::Finite => &[Mood::Ordinary, Mood::Finite, Mood::Special],
        // Beyond infinities the truth in f64 says nothing: it overflows midway itself.
        Class::Improves => &[
            Mood::Ordinary,
            Mood::Positive,
            Mood::Finite,
            Mood::Finite,
            Mood::Finite,
            Mood::Finite,
            Mood::Finite,
            Mood::Infinite,
        ],
        // Where nothing is summed there is nothing to order, whatever infinities stand beside it.
        Class::Reassociates if inputs.iter().any(is_empty) => &[Mood::Ordinary, Mood::Special, Mood::Special],
        Class::Reassociates => &[Mood::Ordinary, Mood::Positive],
        Class::Rescales | Class::Approximate => &[Mood::Positive],
    };
    let required: Vec<Properties> = (0..inputs.len()).map(|v| rule.requirements(v).properties).collect();
    for (i, &mood) in moods.iter().enumerate() {
        let mut random = Values::new(i as u64 * 7919 + seed);
        let (leaves, slots) = fill(inputs, &required, mood, &mut random)?;
        let values = match evaluate(graph, &leaves, &slots) {
            Ok(values) => values?,
            Err(e) => return Some(format!("the sides cannot be computed: {e}\n{graph}")),
        };
        let truth = match class {
            Class::Improves => wider(graph, &leaves, &slots),
            _ => None,
        };
        if let Some(why) = compare(class, graph, &values, truth.as_ref()) {
            let given = shown(rule, inputs, operators, &leaves, &slots);
            return Some(format!("the rule is not {class}: {why}{given}"));
        }
    }
    None
}

/// The inputs of a failed case, a line for each variable.
fn shown(
    rule: &RuleCheck,
    inputs: &[RuleInput],
    operators: &[RuleOperator],
    leaves: &[HostBuffer],
    slots: &[Scalar],
) -> String {
    let mut out = String::new();
    let (mut leaves, mut slots) = (leaves.iter(), slots.iter());
    let elements = |b: Option<&HostBuffer>| {
        let Some(b) = b else { return String::new() };
        let all: Vec<String> = (0..b.len().min(12)).map(|i| b.get(i).to_string()).collect();
        format!("{}{}", all.join(" "), if b.len() > 12 { " …" } else { "" })
    };
    for (name, input) in rule.names().zip(inputs) {
        let text = match input {
            RuleInput::Array(s, d) | RuleInput::Viewed(s, d, _) => format!("{d}{s} of {}", elements(leaves.next())),
            RuleInput::Slot(d) => format!("{d} {}", slots.next().map_or(String::new(), Scalar::to_string)),
            RuleInput::Literal(s) => s.to_string(),
            RuleInput::Coordinate(s, axis) => format!("the coordinate along axis {axis} of {s}"),
            RuleInput::Product(a, b, d) | RuleInput::Mask(a, b, d) => {
                format!("{d}{a} of {} @ {d}{b} of {}", elements(leaves.next()), elements(leaves.next()))
            }
            RuleInput::Negated(of) => format!("-{}", rule.names().nth(*of).unwrap_or_default()),
            RuleInput::Axes(axes) => format!("axes {:?}", axes.as_slice()),
            RuleInput::Extents(s) => format!("extents {s}"),
            RuleInput::Int(n) => n.to_string(),
        };
        let _ = write!(out, "\n   | {name} = {text}");
    }
    for op in operators {
        let name = match op {
            RuleOperator::Unary(u) => u.name(),
            RuleOperator::Binary(b) => b.name(),
        };
        let _ = write!(out, "\n   | with the operation {name}");
    }
    out
}

/// Data for the leaves and slots of a case; `None` without memory for it.
#[must_use]
pub fn fill(
    inputs: &[RuleInput],
    required: &[Properties],
    mood: Mood,
    random: &mut Values,
) -> Option<(Vec<HostBuffer>, Vec<Scalar>)> {
    let (mut leaves, mut slots) = (Vec::new(), Vec::new());
    for (input, p) in inputs.iter().zip(required) {
        let (nonneg, finite) = (p.has(Property::Nonneg), p.has(Property::Finite));
        let identity = p.has(Property::Identity);
        match input {
            RuleInput::Array(s, d) | RuleInput::Viewed(s, d, _) => {
                let mut b = random.buffer(*d, s.len(), mood, nonneg, finite).ok()?;
                let [rows, columns] = match s.rank() {
                    0 => [1, 1],
                    1 => [1, s[0]],
                    r => [s[r - 2], s[r - 1]],
                };
                for i in 0..s.len() {
                    let (batch, r, c) = (i / (rows * columns), i / columns % rows, i % columns);
                    if p.has(Property::Symmetric) && rows == columns {
                        b.set(i, b.get(batch * rows * columns + r.min(c) * columns + r.max(c)));
                    }
                    if (p.has(Property::Diagonal) || identity) && r != c {
                        b.set(i, Scalar::from_i64(*d, 0));
                    }
                    if identity && r == c {
                        b.set(i, Scalar::from_i64(*d, 1));
                    }
                    if let Some(value) = p.fill() {
                        b.set(i, Scalar::from_i64(*d, value));
                    }
                }
                leaves.push(b);
            }
            RuleInput::Product(a, b, d) | RuleInput::Mask(a, b, d) => {
                for s in [a, b] {
                    leaves.push(random.buffer(*d, s.len(), mood, false, false).ok()?);
                }
            }
            RuleInput::Slot(d) => slots.push(random.value(*d, mood, nonneg, finite)),
            _ => {}
        }
    }
    Some((leaves, slots))
}

/// The value of every node; nothing in a build without the library routine that a node needs.
///
/// # Errors
/// What the reference says of an ill-formed graph.
pub fn evaluate(
    graph: &Graph,
    leaves: &[HostBuffer],
    slots: &[Scalar],
) -> crate::error::Result<Option<Vec<HostBuffer>>> {
    let leaves: Vec<&HostBuffer> = leaves.iter().collect();
    match eval_graph(graph, &leaves, slots) {
        Ok(values) => Ok(Some(values)),
        Err(e) if e.is_unsupported() => Ok(None),
        Err(e) => Err(e),
    }
}

/// The same graph in f64, which stands for the truth beside narrower floats.
fn wider(graph: &Graph, leaves: &[HostBuffer], slots: &[Scalar]) -> Option<Vec<HostBuffer>> {
    let up = |s: Scalar| if s.dtype().is_float() { Scalar::from_f64(DType::F64, s.to_f64()) } else { s };
    let mut g = graph.clone();
    for node in &mut g.nodes {
        if node.dtype.is_float() {
            node.dtype = DType::F64;
        }
        if let Op::Literal(s) = &mut node.op {
            *s = up(*s);
        }
    }
    let mut wide: Vec<HostBuffer> = Vec::with_capacity(leaves.len());
    for b in leaves {
        let dtype = if b.dtype().is_float() { DType::F64 } else { b.dtype() };
        let mut out = HostBuffer::zeros(dtype, b.len()).ok()?;
        (0..b.len()).for_each(|i| out.set(i, up(b.get(i))));
        wide.push(out);
    }
    let slots: Vec<Scalar> = slots.iter().map(|&s| up(s)).collect();
    evaluate(&g, &wide, &slots).ok()?
}
