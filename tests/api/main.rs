//! What a user of the library meets: arrays, evaluation, what stays in memory, the plan cache, threads, conversions, the README.

mod array;
mod composites;
mod interop;
mod keeping;
#[cfg(feature = "blocking")]
mod plan_cache;
mod readme;
mod threads;

#[path = "../support/mod.rs"]
mod support;
