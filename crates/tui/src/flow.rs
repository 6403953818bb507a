//! Which exchanges each session has, in order of time, and with whom: written down once, since a session may have a million.

use authtrace_analyze::{
    capture::Capture,
    facts::{Fact, SessionId},
    text::Text,
};

/// Origins that have a column; calls to others share the last one.
const MOST: usize = 6;

/// The flows of all sessions.
#[derive(Default)]
pub struct Flows {
    /// Places among all facts, session by session.
    places: Vec<u32>,
    /// Where each session's places end.
    ends: Vec<usize>,
    /// The origins of each session, in order of first sight.
    origins: Vec<Vec<Text>>,
}

impl Flows {
    /// Looks through `capture`.
    pub fn new(capture: &Capture) -> Self {
        let session = |fact: &Fact| fact.session.map(|session| session.0);
        let facts = (0u32..).zip(&capture.facts);
        let mut keys: Vec<(u32, i64, u32)> =
            facts.filter_map(|(place, fact)| Some((session(fact)?, fact.started_nanos(), place))).collect();
        keys.sort_unstable();
        let mut flows = Self::default();
        for of_one in keys.chunk_by(|a, b| a.0 == b.0) {
            let number = of_one.first().map_or(0, |(session, ..)| *session as usize);
            flows.ends.resize(number, flows.places.len());
            flows.origins.resize(number, Vec::new());
            flows.places.extend(of_one.iter().map(|(_, _, place)| *place));
            flows.ends.push(flows.places.len());
            flows.origins.push(origins(capture, of_one.iter().map(|(_, _, place)| *place)));
        }
        flows
    }

    /// Places of the exchanges of `session`.
    pub fn places(&self, session: SessionId) -> &[u32] {
        let number = session.0 as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.places.get(start..end).unwrap_or_default()
    }

    /// The origins that `session` talks to.
    pub fn origins(&self, session: SessionId) -> &[Text] {
        self.origins.get(session.0 as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

fn origins(capture: &Capture, places: impl Iterator<Item = u32>) -> Vec<Text> {
    let mut origins: Vec<Text> = Vec::new();
    for fact in places.filter_map(|place| capture.facts.get(place as usize)) {
        if !origins.contains(&fact.origin) {
            origins.push(fact.origin.clone());
        }
        if origins.len() == MOST {
            break;
        }
    }
    origins
}
