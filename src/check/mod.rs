//! Checking: an oracle with error bounds, random graphs, and the comparison of a run against both.
//!
//! The oracle says for every element of every node of a graph which results a correct run may give, on which device and with
//! which liberties; the strategies make graphs worth running; `compare` finds the first element outside its set. This room
//! knows graphs, and engines only to run them.

mod allowance;
mod arith;
mod compare;
mod coverage;
mod dd;
#[cfg(feature = "blocking")]
mod diagnose;
mod discrete;
mod element;
#[cfg(feature = "blocking")]
mod equivalence;
#[cfg(feature = "blocking")]
mod finding;
mod folds;
mod functions;
mod host;
mod matrix;
pub mod minimise;
mod oracle;
mod philox;
mod report;
#[cfg(feature = "blocking")]
pub mod runs;
#[cfg(feature = "blocking")]
mod session;
pub mod strategies;
mod tensor;
#[cfg(feature = "blocking")]
mod ways;

pub use allowance::{Accuracy, Allowance};
pub use compare::{Mismatch, Tally, WrongRoot, compare, compare_roots};
pub use coverage::{Counts, Coverage, shape_kind};
pub use dd::Dd;
pub use element::{Element, Kinds};
#[cfg(feature = "blocking")]
pub use equivalence::{case_of, equivalence, equivalence_of};
#[cfg(feature = "blocking")]
pub use finding::Finding;
pub use oracle::evaluate;
pub use report::{Blame, Divergence, Report, Tolerance};
#[cfg(feature = "blocking")]
pub use session::{Session, SessionOptions};
pub use tensor::Tensor;

use crate::graph::{ArgOp, BinaryOp, Op, ReduceOp, ScanOp, UnaryOp};

/// The names of all operations that random graphs must contain, as [`Op::name`] gives them.
#[must_use]
pub fn operation_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = UnaryOp::ALL.iter().map(|o| o.name()).collect();
    names.push(Op::Unary(UnaryOp::Powi(2)).name());
    names.extend(BinaryOp::ALL.iter().map(|o| o.name()));
    names.extend(ReduceOp::ALL.iter().map(|o| o.name()));
    names.extend(ArgOp::ALL.iter().map(|o| o.name()));
    names.extend(ScanOp::ALL.iter().map(|o| o.name()));
    names.extend(["leaf", "literal", "slot", "iota", "rng_bits", "rng_uniform", "rng_normal", "select", "view"]);
    names.extend(["cast", "cast_round_saturate", "contract", "gather", "scatter", "slice_update", "concat", "pad"]);
    names.extend(["sort", "argsort"]);
    names
}

/// The names of the library routines, which random graphs contain where the feature `linalg` is on.
pub const ROUTINES: [&str; 8] = ["qr", "qr_complete", "solve", "inv", "cholesky", "det", "eigh", "svd"];

#[cfg(test)]
mod oracle_tests;
#[cfg(all(test, feature = "blocking"))]
mod plan_tests;
