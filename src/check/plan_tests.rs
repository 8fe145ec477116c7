//! The planner by itself: planned graphs, evaluated node by node by the reference, against the oracle of the graph as recorded.

use std::collections::BTreeMap;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::strategies::cases;
use super::{Allowance, compare, evaluate};
use crate::cpu::reference;
use crate::graph::{Case, Graph, NodeId};
use crate::planner::{Plan, PlanOptions, plan};
use crate::types::{CostTable, HostBuffer, Numerics};

fn values(graph: &Graph, case: &Case) -> Result<Vec<HostBuffer>, String> {
    let leaves: Vec<&HostBuffer> = case.leaves.iter().collect();
    reference::eval_graph(graph, &leaves, &case.slots).map_err(|e| e.to_string())
}

/// Nodes of the recorded graph with the nodes of the plan that compute them.
fn images(plan: &Plan) -> impl Iterator<Item = (NodeId, NodeId)> {
    plan.image.iter().enumerate().filter_map(|(i, at)| Some((NodeId(i as u32), (*at)?)))
}

fn for_cases(salt: u8, n: u32, test: impl Fn(&Case) -> Result<(), String>) {
    let n = std::env::var("LAZURITE_CASES").ok().and_then(|v| v.parse().ok()).unwrap_or(n);
    let config = Config { cases: n, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[salt; 32]));
    match runner.run(&cases(), |case| test(&case).map_err(TestCaseError::fail)) {
        Ok(()) => {}
        Err(TestError::Fail(report, _)) => panic!("{report}"),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn standard_plans_stay_within_the_bounds() {
    let fired = std::cell::RefCell::new(BTreeMap::<String, usize>::new());
    for_cases(11, 150, |case| {
        let tables = if case.graph.nodes.len().is_multiple_of(2) { [CostTable::cpu()] } else { [CostTable::gpu()] };
        let known = evaluate(case, Allowance::new(false, true)).map_err(|e| e.to_string())?;
        for costs in tables {
            let planned = plan(&case.graph, &PlanOptions::new(costs));
            let report =
                |what: String| format!("{what}\nplanned:\n{}fired: {:?}\n{case:?}", planned.graph, planned.fired);
            planned.graph.verify().map_err(|e| report(e.to_string()))?;
            for f in &planned.fired {
                *fired.borrow_mut().entry(f.rule.clone()).or_default() += 1;
            }
            let given = values(&planned.graph, case).map_err(&report)?;
            for (root, at) in case.graph.roots.iter().zip(&planned.graph.roots) {
                compare(&known[root.index()], &given[at.index()]).map_err(|m| report(format!("{root}: {m}")))?;
            }
            for (node, at) in images(&planned) {
                compare(&known[node.index()], &given[at.index()])
                    .map_err(|m| report(format!("{node}, computed as {at}: {m}")))?;
            }
        }
        Ok(())
    });
    println!("{:?}", fired.borrow());
}

#[test]
fn strict_plans_keep_every_bit() {
    for_cases(12, 150, |case| {
        let options = PlanOptions { numerics: Numerics::Strict, ..PlanOptions::new(CostTable::cpu()) };
        let planned = plan(&case.graph, &options);
        let (before, after) = (values(&case.graph, case)?, values(&planned.graph, case)?);
        let roots = case.graph.roots.iter().copied().zip(planned.graph.roots.iter().copied());
        for (root, at) in roots.chain(images(&planned)) {
            let (a, b) = (&before[root.index()], &after[at.index()]);
            if let Some(i) = a.first_difference(b) {
                return Err(format!(
                    "{root} element {i}: {:?} became {:?}\nplanned:\n{}fired: {:?}\n{case:?}",
                    a.get(i),
                    b.get(i),
                    planned.graph,
                    planned.fired
                ));
            }
        }
        Ok(())
    });
}
