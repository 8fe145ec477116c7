//! The trial of one rule: every dtype it admits, all small shapes, several fillings each.

use std::fmt::Write as _;

use super::compare::{Evaluated, compare};
use super::data::{CaseData, evaluate, wider};
use super::inputs::{Candidates, each_assignment, operator_choices};
use super::sizes::Sizes;
use super::values::{Filling, Values};
use crate::graph::Graph;
use crate::planner::{Class, Properties, Property, RuleCheck, RuleInput, RuleOperator, RuleSides};
use crate::types::{DType, HostBuffer, Scalar, Shape};

/// The dtypes that rules are tried on, with whether on all small shapes or on a few. Bytes are storage, which the engine reads
/// and converts but does not compute with; the few rules that can be built for them are tried too.
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
        let candidates = if thorough { Candidates::small(rule) } else { Candidates::few() };
        let operators = operator_choices(rule, dtype);
        for operators in operators.iter().take(if thorough { usize::MAX } else { 1 }) {
            each_assignment(rule, dtype, &candidates, &mut |inputs| {
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
            let sides = Sides { rule, class, inputs, operators, graph: &graph };
            trial.failures.extend(sides.fault(seed));
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

/// The fillings on which the two sides of a rule of some class must agree. Rules that an engine uses where it was not told to
/// give up anything are tried at the edges of the range too.
fn fillings(class: Class, inputs: &[RuleInput]) -> &'static [Filling] {
    match class {
        Class::Exact => &[Filling::Ordinary, Filling::Finite, Filling::Special, Filling::Special],
        Class::Finite => &[Filling::Ordinary, Filling::Finite, Filling::Special],
        // Beyond infinities the truth in f64 says nothing: it overflows midway itself.
        Class::Improves => &[
            Filling::Ordinary,
            Filling::Positive,
            Filling::Finite,
            Filling::Finite,
            Filling::Finite,
            Filling::Finite,
            Filling::Finite,
            Filling::Infinite,
            Filling::Edges,
            Filling::Largest,
            Filling::Smallest,
        ],
        // Where nothing is summed there is nothing to order, whatever infinities stand beside it.
        Class::Reassociates | Class::Rebrackets if inputs.iter().any(is_empty) => {
            &[Filling::Ordinary, Filling::Special, Filling::Special]
        }
        Class::Reassociates => {
            &[Filling::Ordinary, Filling::Positive, Filling::Edges, Filling::Edges, Filling::Largest, Filling::Smallest]
        }
        Class::Rebrackets => &[Filling::Ordinary, Filling::Positive, Filling::Edges, Filling::Edges],
        Class::Rescales => &[Filling::Positive, Filling::Edges],
        Class::Approximate => &[Filling::Positive],
    }
}

/// Both sides of a rule for some inputs, as one graph with two roots.
struct Sides<'a> {
    rule: &'a RuleCheck,
    class: Class,
    inputs: &'a [RuleInput],
    operators: &'a [RuleOperator],
    graph: &'a Graph,
}

impl Sides<'_> {
    /// What is wrong with the sides, if anything is.
    fn fault(&self, seed: u64) -> Option<String> {
        let required: Vec<Properties> = (0..self.inputs.len()).map(|v| self.rule.requirements(v).properties).collect();
        for (i, &filling) in fillings(self.class, self.inputs).iter().enumerate() {
            let mut random = Values::new(i as u64 * 7919 + seed);
            let data = fill(self.inputs, &required, filling, &mut random)?;
            let values = match evaluate(self.graph, &data) {
                Ok(values) => values?,
                Err(e) => return Some(format!("the sides cannot be computed: {e}\n{}", self.graph)),
            };
            let at_edges = filling.at_edges();
            let improves = self.class == Class::Improves;
            let evaluated = Evaluated {
                graph: self.graph,
                values,
                truth: if improves { wider(self.graph, &data) } else { None },
                sizes: if improves || at_edges { Sizes::of(self.graph, &data) } else { None },
            };
            if let Some(why) = compare(self.class, &evaluated, at_edges) {
                return Some(format!("the rule is not {}: {why}{}", self.class, self.shown(&data)));
            }
        }
        None
    }

    /// What the sides were computed of, a line for each variable.
    fn shown(&self, data: &CaseData) -> String {
        let mut out = String::new();
        let (mut leaves, mut slots) = (data.leaves.iter(), data.slots.iter());
        for (name, input) in self.rule.names().zip(self.inputs) {
            let text = match input {
                RuleInput::Array(s, d) | RuleInput::Viewed(s, d, _) => {
                    format!("{d}{s} of {}", first_elements(leaves.next()))
                }
                RuleInput::Slot(d) => format!("{d} {}", slots.next().map_or(String::new(), Scalar::to_string)),
                RuleInput::Literal(s) => s.to_string(),
                RuleInput::Coordinate(s, axis) => format!("the coordinate along axis {axis} of {s}"),
                RuleInput::Product(a, b, d) | RuleInput::Mask(a, b, d) => {
                    let (left, right) = (first_elements(leaves.next()), first_elements(leaves.next()));
                    format!("{d}{a} of {left} @ {d}{b} of {right}")
                }
                RuleInput::Negated(of) => format!("-{}", self.rule.names().nth(*of).unwrap_or_default()),
                RuleInput::Axes(axes) => format!("axes {:?}", axes.as_slice()),
                RuleInput::Extents(s) => format!("extents {s}"),
                RuleInput::Int(n) => n.to_string(),
            };
            let _ = write!(out, "\n   | {name} = {text}");
        }
        for op in self.operators {
            let name = match op {
                RuleOperator::Unary(u) => u.name(),
                RuleOperator::Binary(b) => b.name(),
            };
            let _ = write!(out, "\n   | with the operation {name}");
        }
        out
    }
}

fn first_elements(b: Option<&HostBuffer>) -> String {
    let Some(b) = b else { return String::new() };
    let first: Vec<String> = (0..b.len().min(12)).map(|i| b.get(i).to_string()).collect();
    format!("{}{}", first.join(" "), if b.len() > 12 { " …" } else { "" })
}

/// Data for the inputs of a case; `None` without memory for it.
#[must_use]
pub fn fill(inputs: &[RuleInput], required: &[Properties], filling: Filling, random: &mut Values) -> Option<CaseData> {
    let mut data = CaseData::default();
    for (input, p) in inputs.iter().zip(required) {
        let (nonneg, finite) = (p.has(Property::Nonneg), p.has(Property::Finite));
        match input {
            RuleInput::Array(s, d) | RuleInput::Viewed(s, d, _) => {
                let mut b = random.buffer(*d, s.len(), filling, nonneg, finite).ok()?;
                give_structure(&mut b, s, p);
                data.leaves.push(b);
            }
            RuleInput::Product(a, b, d) | RuleInput::Mask(a, b, d) => {
                for s in [a, b] {
                    data.leaves.push(random.buffer(*d, s.len(), filling, false, false).ok()?);
                }
            }
            RuleInput::Slot(d) => data.slots.push(random.value(*d, filling, nonneg, finite)),
            _ => {}
        }
    }
    Some(data)
}

/// Changes elements so that the matrices of an array have the structure that is required.
fn give_structure(b: &mut HostBuffer, shape: &Shape, required: &Properties) {
    let identity = required.has(Property::Identity);
    let dtype = b.dtype();
    let [rows, columns] = match shape.rank() {
        0 => [1, 1],
        1 => [1, shape[0]],
        r => [shape[r - 2], shape[r - 1]],
    };
    for i in 0..shape.len() {
        let (batch, r, c) = (i / (rows * columns), i / columns % rows, i % columns);
        if required.has(Property::Symmetric) && rows == columns {
            b.set(i, b.get(batch * rows * columns + r.min(c) * columns + r.max(c)));
        }
        if (required.has(Property::Diagonal) || identity) && r != c {
            b.set(i, Scalar::from_i64(dtype, 0));
        }
        if identity && r == c {
            b.set(i, Scalar::from_i64(dtype, 1));
        }
        if let Some(value) = required.fill() {
            b.set(i, Scalar::from_i64(dtype, value));
        }
    }
}
