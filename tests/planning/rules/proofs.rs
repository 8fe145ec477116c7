//! Proofs of the plans that the tests beside this file make, and of graphs out of every rule.

use std::collections::BTreeSet;

use lazurite::check::strategies::{Above, Recipe, Variation, grow, rule_case};
use lazurite::inspect::graph::Graph;
use lazurite::inspect::{Plan, PlanOptions, Prover};
use lazurite::{CostTable, Numerics, Rules};

/// Proves every node that a plan computes and checks the proofs; the rules in them.
pub fn prove(graph: &Graph, options: &PlanOptions, plan: &Plan) -> BTreeSet<String> {
    let mut prover = Prover::new(graph, options);
    assert_eq!(prover.plan().graph, plan.graph, "the plan that is proved is another one");
    let mut rules = BTreeSet::new();
    for id in graph.ids() {
        let Some(image) = plan.image[id.index()] else { continue };
        let proof = prover.proof(id).unwrap_or_else(|e| panic!("{id}: {e}\n{graph}\n{plan}"));
        assert_eq!((proof.node(), proof.image()), (id, image));
        if let Err(why) = proof.check(graph, &plan.graph, options) {
            panic!("{id}: {why}\n{proof}\n{graph}\n{plan}");
        }
        rules.extend(proof.steps(&|_| None).into_iter().map(|s| s.rule));
    }
    rules
}

const MODES: [Numerics; 3] = [Numerics::Standard, Numerics::Fast, Numerics::Strict];

fn options(numerics: Numerics) -> PlanOptions {
    PlanOptions { numerics, ..PlanOptions::new(CostTable::gpu()) }
}

#[test]
fn graphs_out_of_every_rule_have_proofs() {
    let rules = Rules::builtin();
    for (i, rule) in rules.checks().enumerate() {
        let i = i as u64;
        let variation = Variation { edited: i % 4 == 3, above: Above::ALL[(i % 5) as usize] };
        let Some(made) = rule_case(rules, &rule, variation, 7, i) else { continue };
        let options = options(MODES[(i % 2) as usize]);
        let plan = lazurite::unstable::planner::plan(&made.case.graph, &options);
        prove(&made.case.graph, &options, &plan);
    }
}

#[test]
fn random_graphs_of_all_operations_have_proofs() {
    for index in 0..100 {
        let case = grow(&Recipe::random(31, index, 30));
        let options = options(MODES[index as usize % 3]);
        let plan = lazurite::unstable::planner::plan(&case.graph, &options);
        prove(&case.graph, &options, &plan);
    }
}
