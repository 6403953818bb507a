//! Fuzz target `pcapng`: see `src/containers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authtrace_fuzz::containers::pcapng(bytes));
