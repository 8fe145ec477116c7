//! Proofs: how the graph that runs follows from the graph that was recorded, rule by rule.
//!
//! In: a graph, the options it is planned with, and a node of it. Out: a [`Proof`], a chain of equalities from the recorded term to
//! the planned one. Each equality is an instance of a rule, the same operation on operands that were proved equal, or a step that
//! the planner takes without a rule. `check` verifies a proof and trusts nothing in it. Nothing here knows what runs a plan.
//!
//! Planning keeps nothing for proofs, so a plan without questions costs nothing more. A [`Prover`] plans the graph once more with a
//! journal of the rules applied (planning depends on its arguments only, so it is the same plan) and replays the journal over
//! terms written out in full. egg's own explanations are not used. They would slow down every plan, or have to be requested in
//! advance just as well; they print programs as trees, with a shared operation once for each path to it; and they do not know that
//! kernels with the same stored result are the same kernel.

mod check;
mod closure;
mod lemma;
mod lemmas;
mod normal_form;
mod notation;
mod own_terms;
mod prover;
mod replay;
mod replayed_plan;
mod show;
#[cfg(test)]
mod tests;

pub use lemma::Proof;
pub use prover::{Prover, why};
pub use show::ProofStep;
