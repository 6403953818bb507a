//! The fixtures of the knowledge base (detectors §14, §16): small stories of a fault that must head the incident with what
//! it rules out and what it leaves open, and of healthy or unrelated traffic about which nothing may be said.
//!
//! The stories are in `fixtures/`; the command line's tests read the same ones from HAR and from packets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::{fixture, transcript};

#[test]
fn every_fixture_gets_its_verdict() {
    let fixtures = fixture::all();
    assert!(fixtures.len() >= 30, "only {} fixtures", fixtures.len());
    let faults = fixtures.iter().flat_map(|fixture| {
        let story = transcript::parse(&fixture.text);
        let analysis = support::analyze_input(&story.exchanges, story.settings, story.input);
        fixture.faults("transcript", &analysis)
    });
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
