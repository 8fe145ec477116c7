//! Random graphs for the equivalence tests.
//!
//! A case grows from a recipe. While it grows, the oracle evaluates every node under the widest allowance; a node most of whose
//! elements could not be compared tightly is removed again, which keeps conditioning sane without leaving an operation out.

mod algebra;
mod case_builder;
mod dice;
mod elementwise;
mod grow;
mod hazards;
mod leaves;
mod moves;
mod near;
mod patterns;
mod recipe;
mod rule_cases;
mod structure;

pub(super) use dice::Words;
pub use grow::{cases, grow, grow_with, recipes};
pub use recipe::Recipe;
pub use rule_cases::{Above, RuleCase, Variation, rule_case};
