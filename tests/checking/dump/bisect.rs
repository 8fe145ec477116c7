//! Bisection: a wrong rule given beside the right ones is named alone, among many rules that fire with it; a wrong group likewise;
//! and a program that is right, or wrong without any fusion, is said to be so.

use std::sync::Arc;

use lazurite::check::{Allowance, compare_roots, evaluate};
use lazurite::inspect::dump::{Outcome, bisect};
use lazurite::inspect::graph::{BinaryOp, Case, Graph, LeafInfo, NodeId, Op, ReduceOp, UnaryOp, View};
use lazurite::{DType, DeviceChoice, Engine, HostBuffer, Scalar, Shape};

/// Statistics of columns, a product, elementwise chains: a dozen rules fire and there are several groups.
fn program() -> Case {
    let (n, p) = (12usize, 5usize);
    let mut g = Graph { leaves: vec![LeafInfo { shape: Shape::new(&[n, p]), dtype: DType::F64 }], ..Graph::default() };
    let mut add = |op: Op, operands: &[NodeId]| g.add(op, operands).unwrap();
    let literal = |v: f64| Op::Literal(Scalar::from_f64(DType::F64, v));
    let x = add(Op::Leaf(0), &[]);
    let total = add(Op::Reduce { op: ReduceOp::Sum, axes: [0].into_iter().collect() }, &[x]);
    let count = add(literal(n as f64), &[]);
    let mean = add(Op::Binary(BinaryOp::Div), &[total, count]);
    let centred = add(Op::Binary(BinaryOp::Sub), &[x, mean]);
    let turned = View::dense(&Shape::new(&[n, p])).permute(&[1, 0]).unwrap();
    let turned = add(Op::View(turned), &[centred]);
    let gram = add(Op::Contract { symmetric: false }, &[turned, centred]);
    let scaled = add(Op::Binary(BinaryOp::Div), &[gram, count]);
    let grown = add(Op::Unary(UnaryOp::Exp), &[centred]);
    let one = add(literal(1.0), &[]);
    let less = add(Op::Binary(BinaryOp::Sub), &[grown, one]);
    let flipped = add(Op::Binary(BinaryOp::Sub), &[less, x]);
    g.roots = vec![scaled, flipped];
    let data: Vec<f64> = (0..n * p).map(|i| ((i * 7919) % 101) as f64 / 50.0 - 1.0).collect();
    Case { graph: g, leaves: vec![HostBuffer::from_slice(&data).unwrap()], slots: vec![] }
}

fn judge(case: &Case) -> impl Fn(&[Arc<HostBuffer>]) -> Result<(), String> {
    let known = evaluate(case, Allowance::new(false, true)).unwrap();
    let graph = case.graph.clone();
    move |given| compare_roots(&graph, &known, given).map(drop).map_err(|wrong| wrong.to_string())
}

fn engine(rules: &str) -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).rules_on_trust("seeded", rules).build().unwrap()
}

#[test]
fn a_right_program_is_right() {
    let case = program();
    let search = bisect(&engine("# nothing"), &case, &judge(&case));
    assert_eq!((search.outcome, search.runs), (Outcome::Right, 1));
}

#[test]
fn a_wrong_rule_is_found_alone() {
    for (name, text) in [
        ("exchanged", "rule exchanged : improves (x - y) - z => x - (y - z)"),
        ("lost-one", "rule lost-one : improves exp(x) - 1 => exp(x)"),
        ("half-gram", "rule half-gram : improves (X' @ X) / n => X' @ X when constant(n)"),
    ] {
        let case = program();
        let engine = engine(text);
        let search = bisect(&engine, &case, &judge(&case));
        let Outcome::Culprits { rules, groups } = &search.outcome else { panic!("{name}: {search:?}") };
        assert_eq!((rules, groups.len()), (&vec![name.to_owned()], 0), "{search:?}");
        assert!(search.runs < 60, "{search:?}");
    }
}

#[test]
fn a_group_at_fault_is_found_alone() {
    // No group of the engine is wrong, so the judge is: it will not have the exponentials come out of a group.
    let case = program();
    let engine = engine("# nothing");
    let right = judge(&case);
    let fused = |engine: &Engine| {
        let ran = engine.last_evaluation().unwrap();
        let is_exp = |n: &NodeId| {
            let name = ran.prepared.graph.node(*n).op.name();
            name == "exp" || name == "expm1"
        };
        ran.prepared.schedule.groups().any(|g| g.nodes.len() > 1 && g.nodes.iter().any(is_exp))
    };
    let search = bisect(&engine, &case, &|given| {
        right(given)?;
        if fused(&engine) { Err("fused".into()) } else { Ok(()) }
    });
    let Outcome::Culprits { rules, groups } = &search.outcome else { panic!("{search:?}") };
    assert_eq!((rules.len(), groups.len()), (0, 1), "{search:?}");
    assert!(!groups[0].nodes.is_empty() && groups[0].name.contains(" over "), "{search:?}");
}

#[test]
fn what_is_wrong_without_fusion_is_said_to_be() {
    let case = program();
    let search = bisect(&engine("# nothing"), &case, &|_| Err("never".into()));
    assert_eq!(search.outcome, Outcome::WrongUnfused("never".into()));
}
