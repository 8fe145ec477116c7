//! Programs as users write them: other spellings get the same kernels, near-misses do not.

use std::collections::BTreeMap;

use lazurite::inspect::graph::{Graph, NodeId, Op};
use lazurite::inspect::rules::RuleInput;
use lazurite::inspect::{Class, Plan, PlanOptions};
use lazurite::unstable::planner::{expressions, plan};
use lazurite::{CostTable, DType, Numerics, Shape};

use lazurite::unstable::algorithms::{Random, SplitMix};

fn array(dims: &[usize]) -> RuleInput {
    RuleInput::Array(Shape::new(dims), DType::F32)
}

fn inputs() -> Vec<(&'static str, RuleInput)> {
    let extents = |dims: &[usize]| RuleInput::Extents(Shape::new(dims));
    vec![
        ("X", array(&[1797, 64])),
        ("Z", array(&[1797, 64])),
        ("w", array(&[1797, 1])),
        ("v", array(&[1, 64])),
        ("Q", array(&[64, 8])),
        ("S", array(&[64, 64])),
        ("A", array(&[256, 192])),
        ("B", array(&[192, 256])),
        ("r", array(&[256, 1])),
        ("c", array(&[1, 256])),
        ("M", array(&[256, 256])),
        ("n", RuleInput::Slot(DType::F32)),
        ("q", RuleInput::Slot(DType::F32)),
        ("s", RuleInput::Slot(DType::F32)),
        ("column", extents(&[8, 1])),
        ("flat", extents(&[256 * 256, 1])),
    ]
}

fn graph(texts: &[&str]) -> Graph {
    expressions(texts, &inputs()).unwrap_or_else(|e| panic!("{e}"))
}

fn planned(texts: &[&str]) -> Plan {
    let p = plan(&graph(texts), &PlanOptions::new(CostTable::gpu()));
    assert!(p.saturated && p.fallback.is_none(), "{p}");
    p
}

/// Kernels and everything else that is computed, views and host scalars left out.
fn signature(p: &Plan) -> Vec<String> {
    let g = &p.graph;
    let name = |id: &NodeId| match &g.node(*id).op {
        Op::View(_) => "diagonal".to_string(),
        op => op.name().to_string(),
    };
    let mut inside = vec![false; g.nodes.len()];
    let mut out = Vec::new();
    for k in &g.kernels {
        k.stages.iter().chain([&k.core]).for_each(|m| inside[m.index()] = true);
        let stages: Vec<String> = k.stages.iter().map(name).collect();
        let stored: Vec<String> = k.outputs.iter().map(|o| format!("{}{}", name(o), g.node(*o).shape)).collect();
        out.push(format!("{} then {} stores {}", name(&k.core), stages.join(" "), stored.join(" ")));
    }
    let host = g.host_scalars();
    for id in g.ids().filter(|id| !inside[id.index()] && !host[id.index()]) {
        let node = g.node(id);
        if !matches!(node.op, Op::View(_) | Op::Leaf(_)) {
            out.push(format!("{}{}", node.op.name(), node.shape));
        }
    }
    out.sort();
    out
}

fn same_plans(spellings: &[&[&str]], near_misses: &[&[&str]]) -> Plan {
    let first = planned(spellings[0]);
    let expected = signature(&first);
    for other in &spellings[1..] {
        let p = planned(other);
        assert_eq!(signature(&p), expected, "{other:?}\n{p}\nagainst\n{first}");
    }
    for miss in near_misses {
        let p = planned(miss);
        assert_ne!(signature(&p), expected, "{miss:?}\n{p}");
    }
    first
}

#[test]
fn a_covariance_is_one_syrk_however_it_is_written() {
    let p = same_plans(
        &[
            &["((X - sum(X, rows) / n)' @ (X - sum(X, rows) / n)) / q"],
            &["(X' - (sum(X, rows) / n)') @ (X - sum(X, rows) / n) / q"],
            &["(X' - sum(X', last) / n) @ (X - sum(X, rows) / n) / q"],
            &["((X - sum(X, rows) / n)' @ (X'' - sum(X, rows) / n))' / q"],
        ],
        &[
            &["((X - sum(X, rows) / n)' @ (X - sum(X, rows) / q)) / q"],
            &["((X - sum(X, rows) / n)' @ (Z - sum(Z, rows) / n)) / q"],
            &["((X - sum(X, rows) / n)' @ X) / q"],
            &["((X - sum(X, rows) / n)' @ (X + sum(X, rows) / n)) / q"],
            &["((X - sum(X, rows) / n) @ (X - sum(X, rows) / n)') / q"],
            &["((X - sum(X, rows) / n)' @ (X - sum(X, rows) / n)) - q"],
        ],
    );
    assert_eq!(signature(&p).iter().filter(|s| s.contains("contract_symmetric then div stores")).count(), 1, "{p}");
    // A divisor within stays within: it is there so that the product does not overflow.
    for within in [
        "(X - sum(X, rows) / n)' @ ((X - sum(X, rows) / n) / q)",
        "((X - sum(X, rows) / n) / q)' @ (X - sum(X, rows) / n)",
        "(X' / q) @ X",
        "(X / q) @ X'",
        "X @ (X' / q)",
        "X @ (X / q)'",
    ] {
        let p = planned(&[within]);
        let products = |s: &&String| s.contains("contract_symmetric then  stores");
        assert_eq!(signature(&p).iter().filter(products).count(), 1, "{within}\n{p}");
    }
}

#[test]
fn weighted_grams_are_syrks_and_near_misses_are_not() {
    let syrk = |t: &str| signature(&planned(&[t])).iter().any(|s| s.starts_with("contract_symmetric"));
    for yes in [
        "X' @ (w * X)",
        "X' @ (X * w)",
        "(X * w)' @ X",
        "(X' * w') @ X",
        "X' @ (X / w)",
        "(s * X)' @ X",
        "(X * w)' @ (X * w)",
        "(X * v)' @ (v * X)",
        // Where the Gram matrix comes first in the order that costs least.
        "B' @ ((A' @ A) @ B)",
        "(B' @ (A' @ A)) @ B",
    ] {
        assert!(syrk(yes), "{yes}\n{}", planned(&[yes]));
    }
    for no in [
        "X' @ (v * X)",
        "X' @ (w * Z)",
        "(X * w)' @ (X / w)",
        "X' @ (w + X)",
        "X' @ (w / X)",
        "Q' @ (S @ Q)",
        "X' @ exp(X)",
    ] {
        assert!(!syrk(no), "{no}\n{}", planned(&[no]));
    }
}

#[test]
fn an_explained_variance_is_a_row_dot() {
    let p = same_plans(
        &[
            &["reshape(diag(Q' @ S @ Q), column)"],
            &["reshape(diag((Q' @ S) @ Q), column)"],
            &["reshape(diag(((Q' @ S) @ Q)'), column)"],
            &["sum((Q' @ S) * Q', last)"],
        ],
        &[&["reshape(diag((Q' @ S) @ exp(Q)), column)"], &["reshape(sum(Q' @ S @ Q, last), column)"]],
    );
    assert_eq!(p.graph.kernels.len(), 1, "{p}");
    assert!(signature(&p).iter().any(|s| s.starts_with("sum[8, 1]")), "{p}");
}

#[test]
fn traces_and_sums_of_products_need_no_product() {
    for (text, biggest) in [
        ("sum(diag(A @ B), every)", 256 * 192),
        ("sum(diag(A' @ A), every)", 256 * 192),
        ("sum(A @ B, last)", 256),
        ("sum(A @ B, rows)", 256),
        ("sum(A @ B, both)", 192),
        ("(A @ B) @ r", 256),
    ] {
        let p = plan(&graph(&[text]), &PlanOptions::new(CostTable::cpu()));
        let computed = p.graph.nodes.iter().filter(|n| !matches!(n.op, Op::Leaf(_) | Op::View(_)));
        let largest = computed.map(|n| n.shape.len()).max().unwrap_or(0);
        assert!(largest <= biggest, "{text} computes {largest} elements\n{p}");
    }
}

const CHAIN: &str = "pow(minimum(maximum(s * (A @ B) * r * c + q, 0), n), q)";

#[test]
fn an_epilogue_keeps_its_order_and_stores_the_diagonal_too() {
    let diagonal = format!("diag({CHAIN})");
    let p = planned(&[CHAIN, &diagonal]);
    assert_eq!(
        signature(&p),
        ["contract then mul mul mul add maximum minimum pow diagonal stores pow[256, 256] diagonal[256]"],
        "{p}"
    );
    let strict = PlanOptions { numerics: Numerics::Strict, ..PlanOptions::new(CostTable::gpu()) };
    let alone = plan(&graph(&[&diagonal]), &strict);
    assert_eq!(alone.graph.kernels.len(), 1, "{alone}");
    assert!(signature(&alone)[0].starts_with("contract then"), "{alone}");
}

#[test]
fn operands_of_stages_stay_where_they_were_written() {
    for (text, left) in [("r / (A @ B)", false), ("(A @ B) / r", true), ("c - (A @ B)", false), ("(A @ B) - M", true)] {
        let p = planned(&[text]);
        let k = &p.graph.kernels[0];
        let stage = p.graph.node(k.stages[0]);
        assert_eq!(stage.operands[0] == k.core, left, "{text}\n{p}");
        assert_eq!(k.outputs, p.graph.roots, "{text}\n{p}");
    }
}

#[test]
fn a_second_user_neither_blocks_nor_repeats_the_product() {
    let p = planned(&["(A @ B) * 2 + M", "exp(A @ B)", "A @ B", "sum((A @ B) * 2, last)"]);
    assert_eq!(p.graph.kernels.len(), 1, "{p}");
    assert!(p.graph.kernels[0].outputs.len() >= 3, "{p}");
    assert_eq!(
        p.graph.nodes.iter().filter(|n| matches!(n.op, Op::Contract { .. }) && n.shape.len() > 256).count(),
        1,
        "{p}"
    );
}

#[test]
fn what_needs_a_kernels_own_result_stays_outside_it() {
    for text in ["(A @ B) - (A @ B)'", "(A @ B) / sum(A @ B, last)", "(A @ B) - diag(A @ B)", "(A @ B) + (M @ (A @ B))"]
    {
        let p = planned(&[text]);
        for k in &p.graph.kernels {
            // Whatever a kernel reads from outside must be computable before it.
            let mut behind = vec![false; p.graph.nodes.len()];
            k.stages.iter().chain([&k.core]).for_each(|m| behind[m.index()] = true);
            for id in p.graph.ids().filter(|id| !k.stages.contains(id) && *id != k.core) {
                behind[id.index()] = p.graph.node(id).operands.iter().any(|o| behind[o.index()]);
            }
            for m in &k.stages {
                for o in &p.graph.node(*m).operands {
                    assert!(k.stages.contains(o) || *o == k.core || !behind[o.index()], "{text}\n{p}");
                }
            }
        }
    }
    // Two products that each use the other's result behind it: one of the stages must give way.
    let p = planned(&["(A @ B) + (M @ M)", "(M @ M) * (A @ B)", "A @ B", "M @ M"]);
    assert_eq!(p.graph.kernels.len(), 2, "{p}");
}

#[test]
fn softmax_is_safe_however_it_is_written() {
    let p = same_plans(
        &[
            &["exp(X) / sum(exp(X), last)"],
            &["exp(X) * recip(sum(exp(X), last))"],
            &["exp(X) * (1 / sum(exp(X), last))"],
        ],
        &[&["exp(X) / sum(exp(Z), last)"], &["exp(X) / sum(exp(X) * 2, last)"], &["exp(X) / sum(X, last)"]],
    );
    assert!(signature(&p).iter().any(|s| s.starts_with("amax")), "{p}");
    let safe = planned(&["exp(X - amax(X, last)) / sum(exp(X - amax(X, last)), last)"]);
    assert_eq!(signature(&safe).iter().filter(|s| s.starts_with("amax")).count(), 1, "{safe}");
    assert!(safe.fired.iter().all(|f| f.rule != "softmax-safe"), "{safe}");
}

#[test]
fn flattening_does_not_hide_a_total() {
    for text in ["sum(reshape(M', flat), rows)", "nanmax(reshape(M', flat), rows)", "amin(reshape(M', flat), rows)"] {
        let p = planned(&[text]);
        let reads_leaf = p
            .graph
            .nodes
            .iter()
            .any(|n| matches!(n.op, Op::Reduce { .. }) && matches!(p.graph.node(n.operands[0]).op, Op::Leaf(_)));
        assert!(reads_leaf, "{text}\n{p}");
    }
}

#[test]
fn factors_and_terms_move_in_fast_alone() {
    for text in [
        "(A * s) @ B",
        "(A / s) @ B",
        "A @ (B * s)",
        "A @ (B / 4)",
        "sum(X * s, last)",
        "sum(X / 4, both)",
        "(X * s) * n",
        "(X / s) * n",
        "(X + s) + n",
    ] {
        let moves = |numerics| {
            let p = plan(&graph(&[text]), &PlanOptions { numerics, ..PlanOptions::new(CostTable::gpu()) });
            p.fired.iter().any(|f| f.class == Class::Rescales)
        };
        assert!(moves(Numerics::Fast), "{text}");
        assert!(!moves(Numerics::Standard) && !moves(Numerics::Strict), "{text}");
    }
}

/// A random graph of elementwise work, views, sums and products.
fn random_graph(random: &mut SplitMix, n: usize) -> Graph {
    let mut texts: Vec<String> = ["A", "B'", "M", "r", "c", "s", "2", "0", "1"].map(String::from).into();
    let mut roots: Vec<String> = Vec::new();
    while roots.len() < n {
        let pick = |random: &mut SplitMix| {
            let all = texts.len();
            let recent = roots.len().min(6);
            if recent > 0 && random.below(3) > 0 {
                roots[roots.len() - 1 - random.below(recent)].clone()
            } else {
                texts[random.below(all)].clone()
            }
        };
        let (x, y) = (pick(random), pick(random));
        let text = match random.below(12) {
            0 => format!("({x} + {y})"),
            1 => format!("({x} - {y})"),
            2 => format!("({x} * {y})"),
            3 => format!("({x} / {y})"),
            4 => format!("({x})'"),
            5 => format!("({x} @ {y})"),
            6 => format!("({x} @ ({y})')"),
            7 => format!("sum({x}, last)"),
            8 => format!("maximum({x}, {y})"),
            9 => format!("exp(-{x})"),
            10 => format!("sqrt(square({x}))"),
            _ => format!("-({x} @ {y})'"),
        };
        if text.len() < 400 && expressions(&[&text], &inputs()).is_ok() {
            roots.push(text);
        }
    }
    texts.clear();
    let refs: Vec<&str> = roots.iter().map(String::as_str).collect();
    graph(&refs)
}

#[test]
fn the_default_rules_saturate_on_random_graphs() {
    let mut worst: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for seed in 0..60 {
        let g = random_graph(&mut SplitMix(seed), 4 + seed as usize / 3);
        for numerics in [Numerics::Strict, Numerics::Standard, Numerics::Fast] {
            let p = plan(&g, &PlanOptions { numerics, ..PlanOptions::new(CostTable::gpu()) });
            assert!(p.fallback.is_none() && p.saturated, "seed {seed} {numerics}: {p}\nfrom\n{g}");
            let w = worst.entry(g.nodes.len()).or_default();
            *w = (w.0.max(p.terms), w.1.max(p.rounds));
        }
    }
    for (n, (terms, rounds)) in worst {
        assert!(terms <= 8 * n + 60 && rounds <= 40, "{n} nodes became {terms} terms in {rounds} rounds");
    }
}
