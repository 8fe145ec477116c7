//! Saturation, plans and their proofs on graphs of all sizes: counts, never clocks.

mod chains;
mod graphs;
mod proofs;
mod regions;
mod saturation;
