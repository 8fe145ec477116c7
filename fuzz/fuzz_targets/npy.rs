//! See `lazurite_fuzz::npy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazurite_fuzz::npy(data));
