//! See `lazurite_fuzz::script`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazurite_fuzz::script(data));
