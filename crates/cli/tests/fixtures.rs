//! The fixtures of the knowledge base as files: each story is written as a HAR and, where packets can tell it, as a packet
//! capture, and both are read and judged as the program does it.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read captures and report")]

#[path = "support/pcap.rs"]
mod pcap;
#[path = "../../analyze/tests/support/mod.rs"]
mod stories;
#[path = "support/story.rs"]
mod story;
mod support;

use std::path::Path;

use stories::{
    fixture::{self, Fixture},
    transcript,
};

/// What is wrong with the judgement of the story as a file of this form, with its bytes.
fn faults(fixture: &Fixture, form: &str, bytes: Vec<u8>, folder: &Path) -> Vec<String> {
    let story = transcript::parse(&fixture.text);
    let path = folder.join(format!("{}.{form}", fixture.name));
    std::fs::write(&path, bytes).unwrap();
    let analysis = support::judge(&path, story.settings);
    let mut faults = fixture.faults(form, &analysis);
    let (read, told) = (analysis.capture.facts.len(), story.exchanges.len());
    if read != told {
        faults.push(format!("{} as {form}: {read} of {told} exchanges were read", fixture.name));
    }
    faults
}

#[test]
fn every_fixture_gets_its_verdict_from_har_and_from_packets() {
    let folder = tempfile::tempdir().unwrap();
    let (mut told, mut wrong) = (0, Vec::new());
    for fixture in fixture::all() {
        let exchanges = transcript::parse(&fixture.text).exchanges;
        wrong.extend(faults(&fixture, "har", story::har(&exchanges), folder.path()));
        if fixture.has_packets() {
            told += 1;
            wrong.extend(faults(&fixture, "packets", story::packets(&exchanges), folder.path()));
        }
    }
    assert!(told >= 20, "only {told} stories are told in packets");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
