//! See `lazurite_fuzz::graph`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazurite_fuzz::graph(data));
