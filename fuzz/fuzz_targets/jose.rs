//! Fuzz target `jose`: see `src/jose.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authtrace_fuzz::jose::run(bytes));
