//! Everything that reaches an `unsafe` block without a GPU, at sizes that Miri gets through: groups of every core, threads, graphs
//! scheduled with fusion and without, and a whole engine. docs/reliability.md says how to run it there and what stays out of its
//! reach; as a plain test it is one of the quickest.

#[path = "../schedule/random.rs"]
mod cases;
#[cfg(feature = "blocking")]
mod engine;
#[allow(dead_code, reason = "the tests of the executor use the rest")]
#[path = "../cpu/gen.rs"]
mod r#gen;
mod graphs;
mod groups;
mod host;
#[path = "../schedule/interpret.rs"]
mod interpret;
#[path = "../cpu/oracle.rs"]
mod oracle;
mod products;
mod threads;

/// Elements of a tile of the executor.
const TILE: usize = if cfg!(miri) { 16 } else { 512 };

/// Runs a group and compares it with the oracle, which is left out in Miri: the same values are compared without it, and there only
/// how they come about is looked at.
fn check(case: &r#gen::Case, name: &str, tolerance: Option<f64>) {
    if cfg!(miri) {
        case.run();
    } else {
        case.check(name, tolerance);
    }
}
