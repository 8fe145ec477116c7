//! Whole programs on the CPU and the GPU: the examples' numbers, what is evaluated when, and what each evaluation becomes.

#[path = "../support/mod.rs"]
mod support;

mod examples;
mod golden;
mod laziness;
mod spellings;
