//! Both sides of each rule, evaluated by the reference and compared by what the rule's class promises.

use std::collections::BTreeMap;

use lazurite::cpu::reference::eval_graph;
use lazurite::graph::{Graph, Op};
use lazurite::planner::{Case, Class, Input, Operator, RuleCheck, Rules, Wanted};
use lazurite::types::{DType, HostBuffer, Scalar};

use crate::inputs::{Ground, each_assignment, operator_choices};
use crate::values::{Dice, Mood};

/// The dtypes a rule is tried on.
pub const DTYPES: [DType; 6] = [DType::F32, DType::F64, DType::I32, DType::U32, DType::I64, DType::Bool];

/// What the trial of a rule met.
#[derive(Debug, Default)]
pub struct Trial {
    pub tried: usize,
    pub refused: usize,
    pub failures: Vec<String>,
}

/// Tries one direction of a rule on everything it admits.
pub fn try_rule(rule: &RuleCheck) -> Trial {
    let mut trial = Trial::default();
    for dtype in DTYPES {
        let Some(class) = rule.class(dtype) else { continue };
        for operators in operator_choices(rule, dtype) {
            each_assignment(rule, dtype, &Ground::small(rule), &mut |inputs| match rule.case(inputs, &operators) {
                Case::Sides(graph) => {
                    trial.tried += 1;
                    if trial.failures.len() < 3 {
                        hold(rule, class, inputs, &operators, &graph, &mut trial);
                    }
                }
                Case::Refused => trial.refused += 1,
                Case::IllFormed | Case::Excluded => {}
            });
        }
    }
    trial
}

/// Compares both sides on several fillings.
fn hold(rule: &RuleCheck, class: Class, inputs: &[Input], operators: &[Operator], graph: &Graph, trial: &mut Trial) {
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
        Class::Reassociates => &[Mood::Ordinary, Mood::Positive],
        Class::Rescales | Class::Approximate => &[Mood::Positive],
    };
    let promises: Vec<Wanted> = (0..inputs.len()).map(|v| rule.wanted(v)).collect();
    for (i, &mood) in moods.iter().enumerate() {
        let mut dice = Dice::new(i as u64 * 7919 + trial.tried as u64);
        let (leaves, slots) = fill(inputs, &promises, mood, &mut dice);
        let Some(sides) = evaluate(graph, &leaves, &slots) else { return };
        let truth = if class == Class::Improves { wider(graph, &leaves, &slots) } else { None };
        if let Some(why) = compare(class, graph, &sides, truth.as_ref()) {
            trial.failures.push(format!(
                "{} ({class}) on {inputs:?} {operators:?} {mood:?} {leaves:?} {slots:?}: {why}\n{graph}",
                rule.name()
            ));
            return;
        }
    }
}

fn fill(inputs: &[Input], promises: &[Wanted], mood: Mood, dice: &mut Dice) -> (Vec<HostBuffer>, Vec<Scalar>) {
    let (mut leaves, mut slots) = (Vec::new(), Vec::new());
    for (input, p) in inputs.iter().zip(promises) {
        match input {
            Input::Array(s, d) => {
                let mut b = dice.buffer(*d, s.len(), mood, p.nonneg, p.finite);
                if p.symmetric && s.rank() >= 2 {
                    let n = s[s.rank() - 1];
                    for i in 0..s.len() {
                        let (batch, r, c) = (i / (n * n), i / n % n, i % n);
                        b.set(i, b.get(batch * n * n + r.min(c) * n + r.max(c)));
                    }
                }
                leaves.push(b);
            }
            Input::Product(a, b, d) | Input::Mask(a, b, d) => {
                leaves.extend([a, b].map(|s| dice.buffer(*d, s.len(), mood, false, false)))
            }
            Input::Slot(d) => slots.push(dice.value(*d, mood, p.nonneg, p.finite)),
            _ => {}
        }
    }
    (leaves, slots)
}

/// The value of every node; `None` in a build without the library routine that a node needs.
fn evaluate(graph: &Graph, leaves: &[HostBuffer], slots: &[Scalar]) -> Option<Vec<HostBuffer>> {
    let leaves: Vec<&HostBuffer> = leaves.iter().collect();
    match eval_graph(graph, &leaves, slots) {
        Ok(values) => Some(values),
        Err(e) => {
            assert!(e.is_unsupported(), "{e}\n{graph}");
            None
        }
    }
}

/// The same graph in f64, which stands for the truth beside f32.
fn wider(graph: &Graph, leaves: &[HostBuffer], slots: &[Scalar]) -> Option<Vec<HostBuffer>> {
    let up = |s: Scalar| if s.dtype() == DType::F32 { Scalar::from_f64(DType::F64, s.to_f64()) } else { s };
    let mut g = graph.clone();
    for node in &mut g.nodes {
        if node.dtype == DType::F32 {
            node.dtype = DType::F64;
        }
        if let Op::Literal(s) = &mut node.op {
            *s = up(*s);
        }
    }
    let leaves: Vec<HostBuffer> = leaves
        .iter()
        .map(|b| {
            let dtype = if b.dtype() == DType::F32 { DType::F64 } else { b.dtype() };
            let mut out = HostBuffer::zeros(dtype, b.len()).unwrap();
            (0..b.len()).for_each(|i| out.set(i, up(b.get(i))));
            out
        })
        .collect();
    let slots: Vec<Scalar> = slots.iter().map(|&s| up(s)).collect();
    evaluate(&g, &leaves, &slots)
}

fn same_bits(a: Scalar, b: Scalar) -> bool {
    a == b || a.dtype().is_float() && a.to_f64().is_nan() && b.to_f64().is_nan()
}

/// Whether everything that was computed is finite.
fn all_finite(values: &[HostBuffer]) -> bool {
    values.iter().all(|b| !b.dtype().is_float() || (0..b.len()).all(|i| b.get(i).to_f64().is_finite()))
}

/// What is wrong, if anything is.
fn compare(class: Class, graph: &Graph, values: &[HostBuffer], truth: Option<&Vec<HostBuffer>>) -> Option<String> {
    let (l, r) = (graph.roots[0].index(), graph.roots[1].index());
    let (left, right) = (&values[l], &values[r]);
    let float = left.dtype().is_float();
    if class == Class::Finite && !all_finite(values) {
        return None;
    }
    let largest = values
        .iter()
        .filter(|b| b.dtype().is_float())
        .flat_map(|b| (0..b.len()).map(|i| b.get(i).to_f64().abs()))
        .filter(|v| v.is_finite())
        .fold(1.0, f64::max);
    let u = left.dtype().unit_roundoff();
    for i in 0..left.len() {
        let (a, b) = (left.get(i), right.get(i));
        let (x, y) = (a.to_f64(), b.to_f64());
        let good = match class {
            _ if !float => a == b,
            Class::Exact => same_bits(a, b),
            Class::Finite => same_bits(a, b) || x == 0.0 && y == 0.0,
            Class::Reassociates | Class::Rescales => (x - y).abs() <= 64.0 * u * largest || same_bits(a, b),
            Class::Approximate => {
                !x.is_finite() || !y.is_finite() || (x - y).abs() <= (1e4 * u).max(1e-9) * largest.max(1.0)
            }
            Class::Improves => truth.is_none_or(|t| improves(graph, values, t, i)),
        };
        if !good {
            return Some(format!("element {i}: left {a:?}, right {b:?}"));
        }
    }
    None
}

/// Whether the right side is as near to the truth as the left one, up to a few roundings. Where the truth itself overflowed
/// midway it says nothing.
fn improves(graph: &Graph, values: &[HostBuffer], truth: &[HostBuffer], i: usize) -> bool {
    let (l, r) = (graph.roots[0].index(), graph.roots[1].index());
    let of = |values: &[HostBuffer], n: usize| values[n].get(i).to_f64();
    let given_finite = graph
        .ids()
        .filter(|&n| matches!(graph.node(n).op, Op::Leaf(_) | Op::Slot(_)))
        .all(|n| all_finite(&truth[n.index()..=n.index()]));
    let (x, y, t) = (of(values, l), of(values, r), of(truth, l));
    if values[l].dtype() == DType::F64 {
        // Nothing wider is at hand: both must agree where neither overflowed.
        return !all_finite(values) || (x - y).abs() <= 1e-9 * x.abs().max(1.0);
    }
    if given_finite && !all_finite(truth) {
        return true;
    }
    if !t.is_finite() {
        return t.is_nan() == y.is_nan() && (t.is_nan() || t == y || !y.is_finite());
    }
    let u = values[l].dtype().unit_roundoff();
    // Sums are judged beside their terms, single elements by themselves.
    let sums = graph.nodes.iter().any(|n| matches!(n.op, Op::Reduce { .. }));
    let scale = if sums { t.abs().max(1.0) } else { t.abs() };
    // The truth comes from f64, which cancels too, only later: where its two sides differ by no more than its own rounding it
    // says nothing, and where they differ by more the rule is wrong.
    let other = of(truth, r);
    if (t - other).abs() > 1e-7 * scale {
        let largest =
            truth.iter().filter(|b| b.dtype().is_float()).flat_map(|b| (0..b.len()).map(|i| b.get(i).to_f64().abs()));
        return (t - other).abs() <= 1e-12 * largest.fold(1.0, f64::max);
    }
    if t.abs() > f64::from(f32::MAX) {
        return y.is_infinite() || (y - t).abs() <= 8.0 * u * scale;
    }
    let before = if x.is_finite() { (x - t).abs() } else { f64::INFINITY };
    y.is_finite() && (y - t).abs() <= before + 8.0 * u * scale
}

#[test]
fn every_rule_is_sound_in_its_class() {
    let mut failures = Vec::new();
    let mut untried = Vec::new();
    let mut refused = Vec::new();
    let mut total = 0;
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for rule in Rules::builtin().checks() {
        let trial = try_rule(&rule);
        total += trial.tried;
        *tried.entry(rule.name().into()).or_default() += trial.tried;
        if trial.tried == 0 {
            untried.push(rule.name().to_string());
        }
        if trial.refused > trial.tried {
            refused.push(format!("{}: {} refused, {} tried", rule.name(), trial.refused, trial.tried));
        }
        failures.extend(trial.failures.into_iter().take(1));
    }
    assert!(failures.is_empty(), "{} rules are unsound:\n{}", failures.len(), failures.join("\n"));
    assert!(untried.is_empty(), "no case was found for {untried:?}");
    assert!(refused.is_empty(), "the shape guard does the work of conditions:\n{}", refused.join("\n"));
    assert!(total > 20_000, "only {total} cases");
}
