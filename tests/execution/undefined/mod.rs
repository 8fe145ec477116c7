//! Everything that reaches an `unsafe` block without a GPU, at sizes that Miri gets through: groups of every core, threads, graphs
//! scheduled with fusion and without, and a whole engine. docs/reliability.md says how to run it there and what stays out of its
//! reach; as a plain test it is one of the quickest.

#[cfg(feature = "blocking")]
mod engine;
mod graphs;
mod groups;
mod host;
mod products;
mod threads;

use super::cpu::r#gen::Case;

/// Elements of a tile of the executor.
const TILE: usize = if cfg!(miri) { 16 } else { 512 };

/// Runs a group and compares it with the oracle, which is left out in Miri: the same values are compared without it, and there only
/// how they come about is looked at.
fn check(case: &Case, name: &str, tolerance: Option<f64>) {
    if cfg!(miri) {
        case.run();
    } else {
        case.check(name, tolerance);
    }
}
