//! The plan cache: where plans hold, what they save, and what they may cost.

mod bounds;
mod holds;
