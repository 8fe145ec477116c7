//! See `lazurite_fuzz::rules`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazurite_fuzz::rules(data));
