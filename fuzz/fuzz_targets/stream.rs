//! Fuzz target `stream`: see `src/stream.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authtrace_fuzz::stream::run(bytes));
