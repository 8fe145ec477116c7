//! The CPU executor against the reference: every instruction, dtype, kind of view and core, on random programs; and the promises
//! that no tiling, thread or neighbour changes a bit of a reduction.

mod contract;
mod elementwise;
pub mod r#gen;
mod host;
mod oracle;
mod rows;
mod scan;
