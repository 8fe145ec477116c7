//! The tiled executor: whole groups in one pass, as bytecode over tiles that stay in the first-level cache.
//!
//! A group, its inputs and the run's scalars come in; the stored values go out. Programs are bound to data and checked first
//! (`body`), turned into passes (`code`) over a space of merged axes (`space`), and interpreted a tile at a time (`interpret`) by
//! loops over slices (`elementwise`, `access`). The cores differ in how tiles are ordered and what is carried between them:
//! `map`, `rows` with `fold` and `layout`, `scan`, `contract` with `operand` and `product`. Nothing here knows what an
//! operation means; that is the reference's.

mod access;
mod body;
mod code;
mod compiled;
mod contract;
mod elementwise;
mod fold;
mod group;
mod interpret;
mod layout;
mod map;
mod operand;
mod output;
mod product;
mod remap;
mod rows;
mod scan;
mod space;
mod threads;
mod tile;

pub use compiled::Compiled;
pub use group::run_group;
