//! A program for every rule in whose plan the rule fires, kept as golden text: `BLESS=1` rewrites the files.
//!
//! Most programs are found by search: the left side of the rule over some larger shapes. Where a rule pays only in company or
//! needs facts that leaves do not have, the program is written here.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::MAX_ROUNDS;
use super::proofs::prove;
use lazurite::inspect::graph::Graph;
use lazurite::inspect::rules::{RuleCheck, RuleInput, RuleSides};
use lazurite::inspect::{Plan, PlanOptions};
use lazurite::unstable::planner::{expressions, plan};
use lazurite::{CostTable, DType, Numerics, Rules, Shape};

use lazurite::unstable::soundness::{Candidates, each_assignment, operator_choices};

/// Programs written by hand: rule, expression; arrays are named by their shapes in `inputs`.
const WRITTEN: &[(&str, &str)] = &[
    ("add-zero-nonneg", "square(X) + 0"),
    ("sub-self-finite", "select(gt(X, 0), like(1, X), like(0, X)) - select(gt(X, 0), like(1, X), like(0, X))"),
    ("maximum-nonneg", "maximum(square(X), 0)"),
    ("fmax-nonneg", "fmax(select(gt(X, 0), like(1, X), like(0.5, X)), 0)"),
    ("abs-nonneg", "abs(exp(X))"),
    ("exp-log", "exp(log(abs(X)))"),
    ("log-recip", "log(recip(abs(X)))"),
    ("log-pow", "log(pow(abs(X), s))"),
    ("pow-half-nonneg", "pow(abs(X), 0.5)"),
    ("pow-pow", "pow(pow(abs(X), s), t)"),
    ("square-sqrt", "square(sqrt(abs(X)))"),
    ("transpose-symmetric", "exp(X' @ X)'"),
    ("sum-reduced-nonneg", "sum(square(C), last)"),
    ("gram-congruence", "(X' @ ((X @ X') @ X))"),
    ("gram-congruence-left", "((X' @ (X @ X')) @ X)"),
    ("transpose-map1", "exp(X')'"),
    ("transpose-twice", "exp(X')'"),
    ("transpose-lift-map1", "sum(exp(X'), both)"),
    ("transpose-lift", "sum(X' * C', both)"),
    ("transpose-lift-left", "sum(X' - s, both)"),
    ("transpose-lift-right", "sum(s - X', both)"),
    ("transpose-pull-map1", "exp(X') @ exp(X)"),
    ("transpose-pull", "(X' * exp(X)') @ (X * exp(X))"),
    ("transpose-pull-left", "(X' - s) @ (X - s)"),
    ("transpose-pull-right", "(s - X') @ (s - X)"),
    ("transpose-pull-select", "select(gt(X, s)', X', exp(X)') @ select(gt(X, s), X, exp(X))"),
    ("transpose-product", "(X' @ Y')'"),
    ("diag-transpose", "diag(exp(X')) + diag(exp(X))"),
    ("transpose-single", "(exp(X') * sum(X, both))'"),
    ("epilogue-select-c", "select(gt(X @ Y, 0), C, 1)"),
    ("epilogue-select-all", "select(gt(X @ Y, 0), X @ Y, exp(X @ Y))"),
    ("rowsum-transpose", "sum(X', last)'"),
    ("reshape-reshape", "reshape(diag(X @ Y), column)"),
    ("ones-product", "like(1, X) @ Y"),
    ("product-ones", "Y @ like(1, X)"),
    ("bcast-bcast", "bcast(like(1, X) @ Y, twice)"),
    ("and-true", "and(gt(X, 0), like(1, gt(X, 0)))"),
    ("or-false", "or(gt(X, 0), like(0, gt(X, 0)))"),
    ("select-true", "select(like(1, gt(X, 0)), X, Y')"),
    ("select-false", "select(like(0, gt(X, 0)), X, Y')"),
    ("square-rsqrt", "square(rsqrt(abs(X)))"),
    ("expm1-log1p", "expm1(log1p(abs(X)))"),
    ("amax-sqrt", "amax(sqrt(abs(X)), last)"),
    ("amin-sqrt", "amin(sqrt(abs(X)), last)"),
    ("transpose-spread", "exp(like(s, X))'"),
    ("eye-product", "select(eq(I, J), like(1, Q), 0) @ X"),
    ("product-eye", "Y @ select(eq(I, J), like(1, Q), 0)"),
    ("eye-product-finite", "select(eq(I, J), like(1, Q), 0) @ select(gt(X, 0), like(1, X), like(0, X))"),
    ("product-eye-finite", "select(gt(Y, 0), like(1, Y), like(0, Y)) @ select(eq(I, J), like(1, Q), 0)"),
    ("diag-scales-rows", "select(eq(I, J), C', 0) @ X"),
    ("diag-scales-columns", "Y @ select(eq(I, J), C', 0)"),
    ("diag-scales-rows-finite", "select(eq(I, J), C', 0) @ select(gt(X, 0), like(1, X), like(0, X))"),
    ("diag-scales-columns-finite", "select(gt(Y, 0), like(1, Y), like(0, Y)) @ select(eq(I, J), C', 0)"),
    ("zeros-product", "like(0, X) @ Y"),
    ("product-zeros", "Y @ like(0, X)"),
    ("zeros-product-finite", "like(0, X) @ select(gt(Y, 0), like(1, Y), like(0, Y))"),
    ("product-zeros-finite", "select(gt(Y, 0), like(1, Y), like(0, Y)) @ like(0, X)"),
    ("diag-spread", "diag(exp(like(s, Q)))"),
    ("diag-of-identity", "diag(select(eq(I, J), like(1, Q), 0))"),
    ("rowsum-of-diagonal", "sum(select(eq(I, J), C', 0), last)"),
    ("colsum-of-diagonal", "sum(select(eq(I, J), C', 0), rows)"),
    ("total-of-diagonal", "sum(select(eq(I, J), C', 0), both)"),
    ("reshape-map1", "sum(square(reshape(X', flat)), rows)"),
    ("reshape-scalar", "sum(reshape(X', flat) - s, rows)"),
    ("reshape-scalar-left", "sum(s - reshape(X', flat), rows)"),
    ("rowsum-transpose", "sum(X', last)'"),
    ("transpose-map2", "(X' - Y)'"),
];

/// The arrays that written programs may name.
fn inputs() -> Vec<(&'static str, RuleInput)> {
    let array = |dims: &[usize]| RuleInput::Array(Shape::new(dims), DType::F32);
    vec![
        ("X", array(&[96, 64])),
        ("Y", array(&[64, 96])),
        ("C", array(&[96, 1])),
        ("R", array(&[1, 64])),
        ("Q", array(&[96, 96])),
        ("I", RuleInput::Coordinate(Shape::new(&[96, 96]), 0)),
        ("J", RuleInput::Coordinate(Shape::new(&[96, 96]), 1)),
        ("flat", RuleInput::Extents(Shape::new(&[96 * 64, 1]))),
        ("column", RuleInput::Extents(Shape::new(&[96, 1]))),
        ("twice", RuleInput::Extents(Shape::new(&[2, 96, 96]))),
        ("s", RuleInput::Slot(DType::F32)),
        ("t", RuleInput::Slot(DType::F32)),
    ]
}

const MODES: [Numerics; 3] = [Numerics::Strict, Numerics::Standard, Numerics::Fast];

fn planned(graph: &Graph, numerics: Numerics) -> Plan {
    plan(graph, &PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) })
}

/// The first mode in which the rule fires for this program.
fn fires(name: &str, graph: &Graph) -> Option<(Numerics, Plan)> {
    MODES.into_iter().map(|m| (m, planned(graph, m))).find(|(_, p)| {
        assert!(p.fallback.is_none(), "{:?}\n{graph}", p.fallback);
        p.fired.iter().any(|f| f.rule == name)
    })
}

fn search(rule: &RuleCheck) -> Option<(Graph, Numerics, Plan)> {
    let mut found = None;
    for dtype in [DType::F32, DType::I32, DType::Bool] {
        if rule.class(dtype).is_none() {
            continue;
        }
        for operators in operator_choices(rule, dtype) {
            if found.is_some() {
                break;
            }
            each_assignment(rule, dtype, &Candidates::large(), &mut |inputs| {
                if let RuleSides::Built(graph) = rule.sides(inputs, &operators) {
                    let graph = graph.subgraph(&graph.roots[..1]);
                    found = fires(rule.name(), &graph).map(|(mode, plan)| (graph, mode, plan));
                }
                found.is_none()
            });
        }
        if found.is_some() {
            break;
        }
    }
    found
}

#[test]
fn every_rule_fires_in_a_golden_plan() {
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut silent = Vec::new();
    for info in Rules::builtin().iter() {
        let written = WRITTEN.iter().find(|(n, _)| *n == info.name);
        let found = match written {
            Some((name, text)) => {
                let graph = expressions(&[text], &inputs()).unwrap_or_else(|e| panic!("{name}: {e}"));
                fires(name, &graph).map(|(mode, plan)| (graph, mode, plan))
            }
            None => Rules::builtin().checks().filter(|c| c.name() == info.name).find_map(|c| search(&c)),
        };
        let Some((graph, mode, plan)) = found else {
            silent.push(info.name);
            continue;
        };
        assert!(plan.saturated && plan.rounds <= MAX_ROUNDS, "{}: {} rounds\n{plan}", info.name, plan.rounds);
        let options = PlanOptions { numerics: mode, ..PlanOptions::new(CostTable::cpu()) };
        let proved = prove(&graph, &options, &plan);
        // Two rules may say the same of a program; a proof then takes one of them.
        let fired = |name: &String| plan.fired.iter().any(|f| f.rule == *name);
        assert!(proved.iter().any(fired), "no rule of the plan is in a proof of {plan}");
        if texts.last().is_none_or(|(s, _)| s != info.subject) {
            texts.push((info.subject.into(), String::new()));
        }
        let text = &mut texts.last_mut().unwrap().1;
        writeln!(text, "== {} ({}, {mode})\n{graph}-- becomes\n{}", info.name, info.class, plan.beside(&graph))
            .unwrap();
    }
    assert!(silent.is_empty(), "no plan was found in which these fire: {silent:?}");
    for (subject, text) in texts {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden-plans/{subject}.txt"));
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            let known = fs::read_to_string(&path).unwrap_or_default();
            assert!(known == text, "{} differs; BLESS=1 rewrites it. Now:\n{text}", path.display());
        }
    }
}
