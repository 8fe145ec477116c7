//! Tests that touch the whole process, and therefore run one at a time: seeded faults, which corrupt every engine, and counts of
//! memory, threads and files.

use std::sync::{Mutex, MutexGuard, PoisonError};

mod engines;
mod faults;
mod plan_memory;
mod quarantine;

#[path = "../support/mod.rs"]
mod support;

/// Held by each test of this executable for as long as it runs.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
