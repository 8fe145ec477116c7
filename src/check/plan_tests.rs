//! The planner by itself: planned graphs, evaluated node by node by the reference, against the oracle of the graph as recorded.

use std::collections::BTreeMap;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::runs::same_bits;
use super::strategies::{Case, cases};
use super::{Allowance, compare, evaluate};
use crate::cpu::reference;
use crate::graph::Graph;
use crate::planner::{PlanOptions, plan};
use crate::types::{CostTable, HostBuffer, Numerics};

fn roots(graph: &Graph, case: &Case) -> Result<Vec<HostBuffer>, String> {
    let leaves: Vec<&HostBuffer> = case.leaves.iter().collect();
    let all = reference::eval_graph(graph, &leaves, &case.slots).map_err(|e| e.to_string())?;
    Ok(graph.roots.iter().map(|r| all[r.index()].clone()).collect())
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
        let known = evaluate(&case.graph, &case.leaves, &case.slots, Allowance { gpu: false, planned: true })
            .map_err(|e| e.to_string())?;
        for costs in tables {
            let planned = plan(&case.graph, &PlanOptions::new(costs));
            let report =
                |what: String| format!("{what}\nplanned:\n{}fired: {:?}\n{case:?}", planned.graph, planned.fired);
            planned.graph.verify().map_err(|e| report(e.to_string()))?;
            for f in &planned.fired {
                *fired.borrow_mut().entry(f.rule.clone()).or_default() += 1;
            }
            let given = roots(&planned.graph, case).map_err(&report)?;
            for (root, given) in case.graph.roots.iter().zip(&given) {
                compare(&known[root.index()], given).map_err(|m| report(format!("{root}: {m}")))?;
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
        let (before, after) = (roots(&case.graph, case)?, roots(&planned.graph, case)?);
        for ((root, a), b) in case.graph.roots.iter().zip(&before).zip(&after) {
            if let Some(i) = same_bits(a, b) {
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
