//! Explanations of the evaluations of a run: their plans and kernels, and proofs of how each value is computed.
//!
//! In: evaluations as they happen, and the script. Out: text, DOT, or a dump and what is made from one (JSON, a page, a trace).

mod evaluations;
mod proofs;
mod sections;

pub use evaluations::Explanations;
pub use proofs::Proofs;
