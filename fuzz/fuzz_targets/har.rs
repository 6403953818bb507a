//! Fuzz target `har`: see `src/har.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authtrace_fuzz::har::run(bytes));
