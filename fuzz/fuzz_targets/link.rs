//! Fuzz target `link`: see `src/link.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authtrace_fuzz::link::run(bytes));
