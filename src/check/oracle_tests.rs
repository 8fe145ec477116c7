//! The oracle against the reference: every node of random graphs lies in its set, sets are narrow, and no operation is left out.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::strategies::cases;
use super::{Allowance, Tally, compare, evaluate};
use crate::cpu::reference;
use crate::graph::{Case, Op};
use crate::types::HostBuffer;

/// Nodes of `n` cases with how each compared.
fn run(n: usize, mut each: impl FnMut(&Case, &[(Tally, &Op)])) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for _ in 0..n {
        let case = cases().new_tree(&mut runner).unwrap().current();
        case.graph.verify().unwrap();
        let leaves: Vec<&HostBuffer> = case.leaves.iter().collect();
        let known = evaluate(&case, Allowance::CPU).unwrap();
        let found = match reference::eval_graph(&case.graph, &leaves, &case.slots) {
            Ok(found) => found,
            Err(e) if e.is_unsupported() => continue,
            Err(e) => panic!("{e}\n{case:?}"),
        };
        let mut tallies = Vec::new();
        for ((id, known), found) in case.graph.ids().zip(&known).zip(&found) {
            let tally =
                compare(known, found).unwrap_or_else(|m| panic!("{id} = {}: {m}\n{case:?}", case.graph.node(id).op));
            tallies.push((tally, &case.graph.node(id).op));
        }
        each(&case, &tallies);
    }
}

#[test]
fn the_reference_lies_in_every_set() {
    let mut total = Tally::default();
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut operations = 0;
    let n = std::env::var("LAZURITE_CASES").ok().and_then(|s| s.parse().ok()).unwrap_or(400);
    run(n, |case, tallies| {
        for (tally, op) in tallies {
            total.add(*tally);
            *seen.entry(op.name()).or_default() += 1;
        }
        operations += case.graph.nodes.iter().filter(|n| !n.operands.is_empty()).count();
    });
    println!("{total:?}, {operations} operations, {seen:?}");
    assert!(total.tight as f64 >= 0.9 * total.elements as f64, "too loose: {total:?}");
    assert!(operations >= n * 8, "cases are too small: {operations} operations");
    let wanted = super::operation_names();
    let missing: Vec<&&str> = wanted.iter().filter(|w| !seen.contains_key(*w)).collect();
    assert!(missing.is_empty(), "never generated: {missing:?}");
}
