//! Checking: an oracle with error bounds, random graphs, and the comparison of runs with the oracle.
//!
//! The oracle says for every element of every node which results a correct run may give, on a given device and with given liberties;
//! the strategies make graphs worth running; `compare` finds the first element outside its set. This room knows graphs, and
//! engines only to run them.

#[cfg(feature = "blocking")]
mod across;
mod allowance;
mod arith;
mod compare;
#[cfg(feature = "blocking")]
mod configurations;
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
#[cfg(feature = "blocking")]
mod known;
mod matrix;
pub mod minimise;
mod moved;
mod operations;
mod oracle;
mod philox;
mod promise;
mod report;
#[cfg(feature = "blocking")]
pub mod runs;
#[cfg(feature = "blocking")]
mod session;
pub mod strategies;
mod tensor;
#[cfg(feature = "blocking")]
mod variants;

pub use allowance::{Accuracy, Allowance};
pub use compare::{Mismatch, Tally, WrongRoot, compare, compare_roots};
pub use coverage::{Counts, Coverage, Promised, shape_kind};
pub use dd::Dd;
pub use element::{Categories, Element, Zeros};
#[cfg(feature = "blocking")]
pub use equivalence::{case_of, equivalence, equivalence_of};
#[cfg(feature = "blocking")]
pub use finding::Finding;
pub use operations::{ROUTINES, operation_names};
pub use oracle::evaluate;
pub use report::{Blame, BlamedRule, Divergence, Report, Tolerance};
#[cfg(feature = "blocking")]
pub use session::{Session, SessionOptions};
pub use tensor::Tensor;
#[cfg(feature = "blocking")]
pub use variants::with_other_data;

#[cfg(test)]
mod oracle_tests;
#[cfg(all(test, feature = "blocking"))]
mod plan_tests;
