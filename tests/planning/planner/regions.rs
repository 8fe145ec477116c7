//! Graphs that are planned by regions compute what was written, everything once, and the same plan every time.

use lazurite::inspect::graph::Graph;
use lazurite::inspect::{Plan, PlanOptions};
use lazurite::unstable::cpu::reference::eval_graph;
use lazurite::unstable::planner::plan;
use lazurite::{CostTable, DType, HostBuffer, Numerics, Scalar};

use super::graphs::random_of;

fn planned(graph: &Graph, numerics: Numerics) -> Plan {
    let p = plan(graph, &PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) });
    assert!(p.fallback.is_none() && p.saturated, "{:?}", p.fallback);
    p
}

/// Every node by the reference.
fn values(graph: &Graph) -> Vec<HostBuffer> {
    let leaves: Vec<HostBuffer> = graph
        .leaves
        .iter()
        .enumerate()
        .map(|(l, leaf)| {
            let mut b = HostBuffer::zeros(leaf.dtype, leaf.shape.len()).unwrap();
            (0..b.len()).for_each(|i| b.set(i, Scalar::from_f64(leaf.dtype, ((i * 7 + l * 3) % 11) as f64 - 4.0)));
            b
        })
        .collect();
    let slots: Vec<Scalar> = graph.slots.iter().map(|&d| Scalar::from_f64(d, 3.0)).collect();
    eval_graph(graph, &leaves.iter().collect::<Vec<_>>(), &slots).unwrap()
}

fn same(a: &HostBuffer, b: &HostBuffer) -> bool {
    let equal = |x: Scalar, y: Scalar| x == y || x.to_f64().is_nan() && y.to_f64().is_nan();
    a.len() == b.len() && (0..a.len()).all(|i| equal(a.get(i), b.get(i)))
}

/// The roots are the same bits, and so is every image of a node.
fn check(graph: &Graph, numerics: Numerics) -> Plan {
    let p = planned(graph, numerics);
    let (expected, found) = (values(graph), values(&p.graph));
    assert_eq!(graph.roots.len(), p.graph.roots.len());
    for (a, b) in graph.roots.iter().zip(&p.graph.roots) {
        assert!(same(&expected[a.index()], &found[b.index()]), "{numerics}: root {a} of {} nodes", graph.nodes.len());
    }
    let mut images = 0;
    for (id, image) in graph.ids().zip(&p.image) {
        if let Some(image) = image {
            images += 1;
            assert!(same(&expected[id.index()], &found[image.index()]), "{numerics}: the image of {id}");
        }
    }
    assert!(images > graph.nodes.len() / 3, "{images} images of {} nodes", graph.nodes.len());
    p
}

#[test]
fn large_graphs_compute_the_same_bits() {
    // Rules for floats that are not exact have no say in Strict; for integers nearly all are exact.
    check(&random_of(10_000, 4, 3, DType::F32), Numerics::Strict);
    check(&random_of(3_000, 6, 3, DType::I32), Numerics::Fast);
}

#[test]
fn nothing_is_computed_twice_and_plans_are_the_same_every_time() {
    let graph = random_of(3_000, 7, 64, DType::F32);
    let p = planned(&graph, Numerics::Standard);
    let mut nodes: Vec<_> =
        p.graph.nodes.iter().map(|n| (format!("{:?}", n.op), n.operands.clone(), n.dtype)).collect();
    let n = nodes.len();
    nodes.sort();
    nodes.dedup();
    assert_eq!(nodes.len(), n, "two nodes are equal");
    assert_eq!(p.to_string(), planned(&graph, Numerics::Standard).to_string());
}

#[test]
fn terms_grow_with_the_graph_and_no_faster() {
    let graph = random_of(10_000, 1, 64, DType::F32);
    let p = planned(&graph, Numerics::Standard);
    assert!(p.rounds <= 30, "{} rounds", p.rounds);
    assert!(p.terms <= 3 * graph.nodes.len(), "{} terms", p.terms);
}
