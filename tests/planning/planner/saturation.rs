//! The default rules saturate: rounds, terms and what becomes of the graph, on graphs of ten to ten thousand operations.

use lazurite::inspect::graph::{Graph, Op};
use lazurite::inspect::{Plan, PlanOptions};
use lazurite::unstable::planner::plan;
use lazurite::{CostTable, Numerics};

use super::graphs::{pca, random, statements, transposes};

fn planned(graph: &Graph, numerics: Numerics) -> Plan {
    let p = plan(graph, &PlanOptions { numerics, ..PlanOptions::new(CostTable::gpu()) });
    assert!(p.fallback.is_none() && p.saturated, "{numerics}, {} nodes: {:?}", graph.nodes.len(), p.fallback);
    p
}

const MODES: [Numerics; 3] = [Numerics::Strict, Numerics::Standard, Numerics::Fast];

#[test]
fn random_graphs_of_all_sizes_saturate() {
    for (n, seeds) in [(10, 40), (100, 8), (1_000, 1)] {
        for seed in 0..seeds {
            let g = random(n, seed);
            for numerics in MODES {
                let p = planned(&g, numerics);
                assert!(p.rounds <= 30, "{n} operations, seed {seed}, {numerics}: {} rounds", p.rounds);
                assert!(p.terms <= 3 * g.nodes.len(), "{n} operations, seed {seed}, {numerics}: {} terms", p.terms);
            }
        }
    }
}

#[test]
fn a_transpose_travels_through_any_depth() {
    for n in [10, 100, 1_000, 10_000] {
        let g = transposes(n);
        let p = planned(&g, Numerics::Standard);
        assert!(p.rounds <= 3, "{n}: {} rounds", p.rounds);
        assert!(p.terms <= 3 * g.nodes.len(), "{n}: {} terms", p.terms);
        let views = p.graph.nodes.iter().filter(|n| matches!(n.op, Op::View(_))).count();
        assert!(views <= 2, "{n}: {views} transposes are left");
    }
}

#[test]
fn what_a_rule_moves_through_folds_takes_no_round_for_each() {
    for n in [30, 300, 3_000] {
        let g = statements(n);
        for numerics in MODES {
            let p = planned(&g, numerics);
            assert!(p.rounds <= 4, "{n} statements, {numerics}: {} rounds", p.rounds);
            assert!(p.terms <= 3 * g.nodes.len(), "{n} statements, {numerics}: {} terms", p.terms);
        }
    }
}

#[test]
fn an_analysis_of_principal_components_saturates_in_few_terms() {
    let g = pca();
    assert_eq!(g.nodes.iter().filter(|n| !n.operands.is_empty()).count(), 33);
    for numerics in [Numerics::Strict, Numerics::Standard, Numerics::Fast] {
        let p = planned(&g, numerics);
        assert!(p.rounds <= 14, "{numerics}: {} rounds", p.rounds);
        assert!(p.terms <= 3 * g.nodes.len(), "{numerics}: {} terms", p.terms);
    }
}
