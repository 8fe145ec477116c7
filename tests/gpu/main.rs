//! The device, the kernels and their arithmetic on whatever adapter there is (a software one will do).

#![cfg(all(feature = "gpu", feature = "blocking"))]

mod certificates;
mod device;
mod divisors;
mod ieee;
mod numerics_epilogues;
mod numerics_functions;
mod range;
mod shaders;
mod sizes;
mod traps;

#[path = "../support/mod.rs"]
mod support;
