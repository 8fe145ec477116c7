//! The names of the operations that random graphs must contain, against which coverage is held.

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
