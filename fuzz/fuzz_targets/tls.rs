//! Fuzz target `tls`: see `src/conversation.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authtrace_fuzz::conversation::tls(bytes));
