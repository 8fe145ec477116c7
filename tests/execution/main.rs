//! Schedules and the CPU executor, held against the reference; `undefined` is the part that Miri interprets.

mod cpu;
mod schedule;
mod undefined;
