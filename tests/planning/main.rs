//! The planner and its rules: counts of saturation, plans, proofs, and every rule held against the reference.

mod planner;
mod rules;
