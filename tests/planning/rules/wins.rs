//! What users should get although most engines do not give it: one program for each, with the first mode in which it happens,
//! the rules that must be in the plan and what must be gone from it; the plans are golden text (`BLESS=1` rewrites it).

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::MAX_ROUNDS;
use super::proofs::prove;
use lazurite::inspect::graph::{Graph, Op};
use lazurite::inspect::rules::RuleInput;
use lazurite::inspect::{Plan, PlanOptions};
use lazurite::unstable::planner::{expressions, plan};
use lazurite::{CostTable, DType, Numerics, Shape};

use Numerics::{Fast, Standard};

/// What was promised, the expressions, the first mode in which it happens, a rule that fires, and the largest number of
/// multiply-adds that products may still take.
type Win = (&'static str, &'static [&'static str], Numerics, &'static str, usize);

const EYE: &str = "select(eq(I, J), like(1, Q), 0)";
const SCALE: &str = "select(eq(I, J), w', 0)";
const KNOWN: &str = "tanh(select(gt(X, 0), like(1, X), like(0.5, X)))";

const M: usize = 512;
const N: usize = 64;

fn wins() -> Vec<(&'static str, Vec<String>, Numerics, &'static str, usize)> {
    let plain: &[Win] = &[
        ("the diagonal of a product as row-dots", &["diag(X @ Y)"], Standard, "diag-of-product", 0),
        ("a trace as a sum of products", &["sum(diag(X @ Y), last)"], Standard, "diag-of-product", 0),
        ("the trace of a Gram matrix", &["sum(diag(X' @ X), last)"], Standard, "diag-of-product", 0),
        ("the total of a product", &["sum(X @ Y, both)"], Standard, "total-of-product", N),
        ("row sums of a product", &["sum(X @ Y, last)"], Standard, "rowsum-of-product", M * N),
        ("column sums of a product", &["sum(X @ Y, rows)"], Standard, "colsum-of-product", M * N),
        ("X'X as SYRK", &["X' @ X"], Standard, "gram", M * N * N),
        ("a weighted Gram matrix as SYRK", &["X' @ (w * X)"], Standard, "gram-weighted", M * N * N),
        (
            "a centred Gram matrix as SYRK",
            &["(X - sum(X, rows) / n)' @ (X - sum(X, rows) / n)"],
            Standard,
            "gram",
            M * N * N,
        ),
        ("a product with ones", &["like(1, Y) @ X"], Standard, "ones-product", 0),
        ("ones on the right", &["X @ like(1, Y)"], Standard, "product-ones", 0),
        ("a product with a constant matrix", &["like(n, Y) @ X"], Standard, "spread-product", 0),
        ("a product with equal rows", &["bcast(r, big) @ X"], Standard, "equal-rows-product", M * N),
        ("(A B) v as A (B v)", &["(X @ Y) @ w"], Standard, "matrix-chain", 2 * M * N),
        ("inv(A) @ b as one solve", &["inv(Q) @ w"], Fast, "inverse-product", 0),
        ("softmax without overflow", &["exp(X) / sum(exp(X), last)"], Standard, "softmax-safe", 0),
        ("logsumexp without overflow", &["log(sum(exp(X), last))"], Standard, "logsumexp-safe", 0),
        (
            "a variance without cancellation",
            &["sum(square(X), rows) / 512 - square(sum(X, rows) / 512)"],
            Standard,
            "var-from-moments",
            0,
        ),
        (
            "an expression as the epilogue of its product",
            &["minimum(maximum(X @ Y * n + w, 0), 4)"],
            Numerics::Strict,
            "epilogue-left",
            M * M * N,
        ),
        (
            "the diagonal stored from the epilogue",
            &["exp(X @ Y)", "diag(exp(X @ Y))"],
            Standard,
            "diagonal-kernel",
            M * M * N,
        ),
    ];
    let mut all: Vec<_> = plain
        .iter()
        .map(|&(what, texts, mode, rule, most)| (what, texts.iter().map(|t| t.to_string()).collect(), mode, rule, most))
        .collect();
    for (what, text, mode, rule, most) in [
        ("an identity on the left", format!("{EYE} @ X"), Fast, "eye-product", 0),
        ("an identity beside what is finite", format!("{EYE} @ {KNOWN}"), Standard, "eye-product-finite", 0),
        ("a diagonal scales rows", format!("{SCALE} @ X"), Fast, "diag-scales-rows", 0),
        ("a diagonal scales columns", format!("Y @ {SCALE}"), Fast, "diag-scales-columns", 0),
        (
            "a diagonal scales rows of what is finite",
            format!("{SCALE} @ {KNOWN}"),
            Standard,
            "diag-scales-rows-finite",
            0,
        ),
        ("a diagonal weight in a Gram matrix", format!("X' @ ({SCALE} @ X)"), Fast, "diag-scales-rows", M * N * N),
        (
            "a diagonal weight, bracketed otherwise",
            format!("(X' @ {SCALE}) @ X"),
            Fast,
            "diag-scales-columns",
            M * N * N,
        ),
        ("a scaled identity", format!("({EYE} * n) @ X"), Fast, "eye-product", 0),
    ] {
        all.push((what, vec![text], mode, rule, most));
    }
    all
}

fn graph(texts: &[String]) -> Graph {
    let array = |dims: &[usize]| RuleInput::Array(Shape::new(dims), DType::F32);
    let inputs = [
        ("X", array(&[M, N])),
        ("Y", array(&[N, M])),
        ("Q", array(&[M, M])),
        ("w", array(&[M, 1])),
        ("r", array(&[1, M])),
        ("n", RuleInput::Slot(DType::F32)),
        ("I", RuleInput::Coordinate(Shape::new(&[M, M]), 0)),
        ("J", RuleInput::Coordinate(Shape::new(&[M, M]), 1)),
        ("big", RuleInput::Extents(Shape::new(&[N, M]))),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    expressions(&texts, &inputs).unwrap_or_else(|e| panic!("{e}"))
}

fn planned(graph: &Graph, numerics: Numerics) -> Plan {
    let p = plan(graph, &PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) });
    assert!(p.saturated && p.rounds <= MAX_ROUNDS && p.fallback.is_none(), "{} rounds\n{p}", p.rounds);
    p
}

/// Multiply-adds of all products.
fn work(graph: &Graph) -> usize {
    let products = graph.nodes.iter().filter(|n| matches!(n.op, Op::Contract { .. }));
    products.map(|n| n.shape.len() * graph.node(n.operands[0]).shape.last().copied().unwrap_or(1)).sum()
}

#[test]
fn every_win_happens_in_its_mode() {
    let mut text = String::new();
    let mut wrong = Vec::new();
    for (what, texts, mode, rule, most) in wins() {
        let graph = graph(&texts);
        let fires = |m: Numerics| planned(&graph, m).fired.iter().any(|f| f.rule == rule);
        let first = [Numerics::Strict, Standard, Fast].into_iter().find(|&m| fires(m));
        let p = planned(&graph, mode);
        prove(&graph, &PlanOptions { numerics: mode, ..PlanOptions::new(CostTable::cpu()) }, &p);
        if first != Some(mode) {
            wrong.push(format!("{what}: {rule} fires first in {first:?}, not in {mode}\n{p}"));
        } else if work(&p.graph) > most {
            wrong.push(format!("{what}: {} multiply-adds, of at most {most}\n{p}", work(&p.graph)));
        }
        writeln!(text, "== {what} ({mode})\n{}\n{p}", texts.join("\n")).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden-plans/wins.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, text).unwrap();
    } else {
        let known = fs::read_to_string(&path).unwrap_or_default();
        assert!(known == text, "{} differs; BLESS=1 rewrites it. Now:\n{text}", path.display());
    }
}
