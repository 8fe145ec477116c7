//! The tiled executor: whole groups in one pass, as bytecode over tiles that stay in the first-level cache.
//!
//! A group is compiled once (`compiled`), and then run with any inputs and scalars of the sizes that its plan says; out come the
//! values it stores. Programs are checked (`check`, `checked`), turned into code (`code`) over a space of merged axes (`space`), and
//! interpreted a tile at a time (`interpret`) by loops over slices (`elementwise`, `access`). The cores differ in how tiles are
//! ordered and what is carried between them: `map`, `rows` with `phases`, `fold` and `layout`, `scan` with `carry`, and `contract`
//! with `gemm`, `operand` and `product_rows`. Nothing here knows what an operation means; that is the reference's.

mod access;
mod carry;
mod check;
mod checked;
mod code;
mod compiled;
#[cfg(test)]
mod compiled_tests;
mod contract;
mod contraction;
mod data;
mod elementwise;
mod fold;
mod gemm;
mod interpret;
mod layout;
mod map;
mod matrix;
mod operand;
mod output;
mod phases;
mod product_rows;
mod remap;
mod rows;
mod scan;
mod space;
mod threads;
mod tile;
mod uniform;

pub use compiled::{Compiled, run_group};
