//! The planner: rewrites a graph in an e-graph, by rules that are data, and extracts the cheapest equal graph.
//!
//! In: a [`Graph`](crate::graph::Graph) and a cost table. Out: a graph with the same roots, and the rules that were used. It knows
//! no device, no kernel text and no buffer. Planning cannot fail: when it exceeds its budget, the plan is the input graph.

mod chain;
mod check;
mod class_facts;
mod class_mask;
mod cost;
mod decode;
mod encode;
mod extract;
#[cfg(test)]
mod extract_tests;
mod index;
mod inputs;
mod instances;
mod kernels;
mod knowledge;
mod language;
mod matching;
mod plan;
mod planning;
mod print;
mod promises;
mod proof;
mod properties;
mod prune;
mod regions;
mod rule_set;
mod rules;
mod saturate;
mod structure;
#[cfg(test)]
mod tests;
mod views;

pub use check::{Requirements, RuleCheck, RuleSides, VariableSort, expressions};
pub use inputs::{RuleInput, RuleOperator};
pub use instances::RuleInstance;
pub use plan::{Fired, Plan, PlanOptions};
pub use planning::plan;
pub use proof::{Proof, ProofStep, Prover, why};
pub use properties::{Properties, Property};
pub use rule_set::{RuleInfo, Rules};
pub use rules::{Class, Phase, RuleClasses};
