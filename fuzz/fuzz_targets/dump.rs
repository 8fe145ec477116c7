//! See `lazurite_fuzz::dump`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazurite_fuzz::dump(data));
