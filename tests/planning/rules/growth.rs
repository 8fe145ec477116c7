//! Rules that go in circles or grow for ever end at the caps, and what comes out is still the program.

use lazurite::inspect::graph::Graph;
use lazurite::inspect::rules::RuleInput;
use lazurite::inspect::{Plan, PlanOptions};
use lazurite::unstable::cpu::reference::eval_graph;
use lazurite::unstable::planner::{expressions, plan};
use lazurite::{CostTable, DType, HostBuffer, Numerics, Rules, Scalar, Shape};
use std::sync::Arc;

fn program(texts: &[&str]) -> Graph {
    let array = |dims: &[usize]| RuleInput::Array(Shape::new(dims), DType::F32);
    let literal = |x: f64| RuleInput::Literal(Scalar::from_f64(DType::F32, x));
    let inputs = [
        ("X", array(&[4, 3])),
        ("Y", array(&[3, 4])),
        ("nan", literal(f64::NAN)),
        ("inf", literal(f64::INFINITY)),
        ("ninf", literal(f64::NEG_INFINITY)),
    ];
    expressions(texts, &inputs).unwrap_or_else(|e| panic!("{e}"))
}

fn planned(graph: &Graph, rules: &Rules, numerics: Numerics) -> Plan {
    plan(graph, &PlanOptions { numerics, rules: Arc::new(rules.clone()), ..PlanOptions::new(CostTable::cpu()) })
}

/// The roots by the reference.
fn values(graph: &Graph) -> Vec<HostBuffer> {
    let leaves: Vec<HostBuffer> = graph
        .leaves
        .iter()
        .map(|leaf| {
            let mut b = HostBuffer::zeros(leaf.dtype, leaf.shape.len()).unwrap();
            (0..b.len()).for_each(|i| b.set(i, Scalar::from_f64(leaf.dtype, i as f64 * 0.75 - 3.0)));
            b
        })
        .collect();
    let all = eval_graph(graph, &leaves.iter().collect::<Vec<_>>(), &[]).unwrap();
    graph.roots.iter().map(|r| all[r.index()].clone()).collect()
}

fn same(a: &[HostBuffer], b: &[HostBuffer]) -> bool {
    let equal = |x: Scalar, y: Scalar| x == y || x.to_f64().is_nan() && y.to_f64().is_nan();
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (0..a.len()).all(|i| equal(a.get(i), b.get(i))))
}

#[test]
fn rules_that_never_end_are_stopped() {
    let graph = program(&["exp(X) + X", "sin(exp(X) @ Y)"]);
    let expected = values(&graph);
    for (text, ends) in [
        ("rule swap : exact for any x * y <=> y * x\nrule turn : exact -(x - y) <=> y - x\n", true),
        ("rule twice : exact exp(x) => exp(--x)\n", false),
        ("rule deeper : exact exp(x) => exp(x + (-0))\n", false),
        // Every round doubles what the next one finds.
        ("rule wider : exact x + y => (x + (-0)) + (y + (-0))\n", false),
        (
            "phase grow\nrule later : exact exp(x) => exp(x + (-0))\nrule wide : exact x + y => (x + (-0)) + (y + (-0))\n",
            true,
        ),
    ] {
        let rules = Rules::none().with("mine", text).unwrap_or_else(|e| panic!("{e}"));
        let p = planned(&graph, &rules, Numerics::Strict);
        assert!(p.rounds <= 110 && p.terms <= 13 * graph.nodes.len() + 5_000, "{text}{p}");
        assert_eq!(p.saturated, ends, "{text}{p}");
        assert!(same(&values(&p.graph), &expected), "{text}{p}");
        // Beside the built-in rules too.
        let both = Rules::builtin().with("mine", text).unwrap();
        let p = planned(&graph, &both, Numerics::Strict);
        assert!(p.terms <= 13 * graph.nodes.len() + 5_000 && same(&values(&p.graph), &expected), "{text}{p}");
    }
}

#[test]
fn literals_that_are_not_finite_stay_what_they_are() {
    let texts = [
        "X * nan",
        "X - inf",
        "inf - inf + X",
        "maximum(X, nan)",
        "fmax(X, nan)",
        "like(inf, X) @ Y",
        "like(nan, X) @ Y",
        "sum(like(inf, X), last)",
        "sum(like(ninf, X) * 0, last)",
        "select(gt(X, nan), X, inf)",
        "exp(ninf + X)",
        "amax(minimum(X, ninf), rows)",
    ];
    let graph = program(&texts);
    let expected = values(&graph);
    for numerics in [Numerics::Strict, Numerics::Standard] {
        let p = planned(&graph, Rules::builtin(), numerics);
        assert!(p.saturated && p.fallback.is_none(), "{p}");
        let found = values(&p.graph);
        for (i, text) in texts.iter().enumerate() {
            assert!(same(&found[i..=i], &expected[i..=i]), "{text} in {numerics}: {p}");
        }
    }
    let fast = planned(&graph, Rules::builtin(), Numerics::Fast);
    assert!(fast.saturated && fast.fallback.is_none(), "{fast}");
}

/// What is known of a member of a class, and what rules that use it then do to other members.
#[test]
fn what_is_known_of_one_member_never_reads_another_as_it() {
    let near = "phase simplify\nrule near-one : approximate  tanh(x) => like(1, x)\n";
    let rules = Rules::builtin().with("near", near).unwrap();
    // tanh(Z) is nearly one by the rule: products with it may use that, and then use ones, not tanh.
    let graph = program(&["tanh(X) @ Y", "abs(tanh(X) - 1)", "sqrt(tanh(X))"]);
    let strict = planned(&graph, &rules, Numerics::Strict);
    assert!(same(&values(&strict.graph), &values(&graph)), "{strict}");
    assert!(!strict.fired.iter().any(|f| f.rule == "near-one" || f.rule == "ones-product"), "{strict}");
    let standard = planned(&graph, &rules, Numerics::Standard);
    assert!(!standard.fired.iter().any(|f| f.rule == "near-one" || f.rule == "ones-product"), "{standard}");
    // In Fast the rule has its way: what comes out is what the program gives with ones in place of tanh.
    let fast = planned(&graph, &rules, Numerics::Fast);
    let ones = program(&["like(1, X) @ Y", "abs(like(1, X) - 1)", "sqrt(like(1, X))"]);
    let (found, expected) = (values(&fast.graph), values(&ones));
    let either = |i: usize| same(&found[i..=i], &expected[i..=i]) || same(&found[i..=i], &values(&graph)[i..=i]);
    assert!((0..3).all(either), "{fast}");
}
