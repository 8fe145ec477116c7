//! Checking: an oracle with error bounds, random graphs, and the comparison of a run against both.
//!
//! The oracle says for every element of every node of a graph which results a correct run may give, on which device and with
//! which liberties; the strategies make graphs worth running; `compare` finds the first element outside its set. This room
//! knows graphs and host buffers; whoever uses it brings the runs.

mod allowance;
mod arith;
mod compare;
mod dd;
mod discrete;
mod element;
mod folds;
mod functions;
mod host;
mod matrix;
mod oracle;
mod philox;
pub mod strategies;
mod tensor;

pub use allowance::{Accuracy, Allowance};
pub use compare::{Mismatch, Tally, compare};
pub use dd::Dd;
pub use element::{Element, Kinds};
pub use oracle::evaluate;
pub use tensor::Tensor;

#[cfg(test)]
mod oracle_tests;
