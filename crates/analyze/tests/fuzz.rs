//! The fuzz target `jose` over tokens of every kind and a fixed set of mutations of them.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test of shared files"
)]

use std::{collections::BTreeSet, path::Path};

#[path = "../../../fuzz/src/jose.rs"]
mod jose;
#[path = "../../../fuzz/src/mutation.rs"]
mod mutation;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;

/// A JWS, an unsecured one, a JWE, a PASETO, an opaque token, Basic, what is pasted with its scheme.
const SEEDS: &[&str] = &[
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODAsImF1ZCI6WyJhIiwiYiJdfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.",
    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZ.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9o.XFBoMYUZodetZdvTiFvSkQ",
    "v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoiMjAyMi0wMS0wMVQwMDowMDowMCswMDowMCJ9bg_XBBzds8lTZShVlwwKSgeKpLT3yukTw6JUz3W4h_ExsQV",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "Basic YW5uOnNlY3JldA==",
    "Bearer \"Bearer ey%4AhbGciOiJIUzI1NiJ9.e30.c2ln\"",
    "Digest username=\"ann\", realm=\"x\", nonce=\"abc\", uri=\"/\", response=\"00\"",
];

#[test]
fn the_target_survives_its_seeds() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let seeds: BTreeSet<Vec<u8>> = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    println!("jose: {} inputs", replay::replay("jose", jose::run, &seeds, &fuzz, 20_000));
}
