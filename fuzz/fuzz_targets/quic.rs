//! Fuzz target `quic`: see `src/quic.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authtrace_fuzz::quic::run(bytes));
