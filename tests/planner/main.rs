//! Saturation, plans and their proofs on graphs of all sizes: counts, never clocks.

mod graphs;
mod proofs;
mod saturation;
