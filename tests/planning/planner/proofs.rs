//! Every node that a plan computes has a proof, and the check accepts it.

use super::graphs::{pca, random, transposes};
use lazurite::inspect::graph::Graph;
use lazurite::inspect::{PlanOptions, Prover};
use lazurite::unstable::planner::plan;
use lazurite::{CostTable, Numerics};

fn options(numerics: Numerics) -> PlanOptions {
    PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) }
}

/// Proves and checks every node with an image; how many there are.
pub fn all_proved(graph: &Graph, options: &PlanOptions) -> usize {
    let mut prover = Prover::new(graph, options);
    let planned = plan(graph, options);
    assert_eq!(prover.plan().graph, planned.graph, "the plan that is proved is another one");
    let mut proved = 0;
    for id in graph.ids() {
        match (planned.image[id.index()], prover.proof(id)) {
            (Some(image), Ok(proof)) => {
                assert_eq!((proof.node(), proof.image()), (id, image));
                if let Err(why) = proof.check(graph, &planned.graph, options) {
                    panic!("{why}\n{proof}\n{graph}\n{planned}");
                }
                proved += 1;
            }
            (None, Err(error)) => assert!(error.to_string().contains("does not compute"), "{error}"),
            (_, Err(error)) => panic!("{id}: {error}\n{graph}\n{planned}"),
            (None, Ok(proof)) => panic!("a proof of what is not computed\n{proof}"),
        }
    }
    proved
}

#[test]
fn every_node_of_a_principal_component_analysis_has_a_proof() {
    for numerics in [Numerics::Strict, Numerics::Standard, Numerics::Fast] {
        assert!(all_proved(&pca(), &options(numerics)) > 25);
    }
}

#[test]
fn every_node_of_random_graphs_has_a_proof() {
    for seed in 0..200 {
        let numerics = [Numerics::Standard, Numerics::Fast, Numerics::Strict, Numerics::Standard][seed as usize % 4];
        all_proved(&random(10 + seed as usize % 41, seed), &options(numerics));
    }
    all_proved(&transposes(60), &options(Numerics::Standard));
}

#[test]
fn a_node_of_a_large_graph_has_a_proof() {
    for (graph, most) in [(random(1_000, 3), 4), (transposes(1_000), 1)] {
        let options = options(Numerics::Standard);
        let mut prover = Prover::new(&graph, &options);
        let planned = prover.plan().graph.clone();
        for root in graph.roots.iter().step_by(graph.roots.len().div_ceil(most)) {
            let proof = prover.proof(*root).unwrap();
            proof.check(&graph, &planned, &options).unwrap();
            let steps = proof.steps(&|_| None);
            // What a long chain says of other nodes it leaves to their proofs.
            assert!(steps.len() <= 60, "{} steps", steps.len());
        }
    }
}
