//! `verify`: gone is said only where the broken calls were made again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;

use authtrace_analyze::Analysis;
use authtrace_report::{
    Focus, View,
    incident_report::{About, IncidentReport},
    verify::{Baseline, Standing, Verification},
};

fn baseline(analysis: &Analysis) -> Baseline {
    let view = View::all(analysis);
    Baseline::parse(&IncidentReport::new(&view, &About::default()).json()).unwrap()
}

#[track_caller]
fn check(before: &str, after: &str, standing: Standing) {
    let (before, after) = (support::sample(before), support::sample(after));
    let verification = Verification::new(&View::all(&after), &baseline(&before)).unwrap();
    let text = verification.json();
    for other in [Standing::Gone, Standing::StillThere, Standing::NotProvable] {
        assert_eq!(verification.any(other), other == standing, "{text}");
    }
}

#[test]
fn the_same_capture_still_has_it() {
    for name in ["race.har", "storm.har", "herd.har", "secret-mismatch.har", "wrong-token.har", "preflight.har"] {
        check(name, name, Standing::StillThere);
    }
    // The same run seen by another recorder.
    check("race.har", "race.pcapng", Standing::StillThere);
}

#[test]
fn a_mended_run_has_it_no_more() {
    // The same calls with the right secret: REST is mended; the WebSocket is refused for another reason.
    let (before, after) = (support::sample("secret-mismatch.har"), support::sample("websocket-403.har"));
    let verification = Verification::new(&View::all(&after), &baseline(&before)).unwrap();
    assert!(verification.any(Standing::Gone) || verification.any(Standing::NotProvable), "{}", verification.json());
    assert!(!verification.any(Standing::StillThere), "{}", verification.json());
}

#[test]
fn calls_that_were_not_made_prove_nothing() {
    check("storm.har", "race.har", Standing::NotProvable);
    check("race.har", "redirect.har", Standing::NotProvable);
}

/// What the fix changes is all that is looked at: with only the calls that worked, the race is gone.
#[test]
fn gone_needs_the_calls_to_be_accepted() {
    let analysis = support::sample("race.har");
    let broken: BTreeSet<_> = analysis.incidents[0].exchanges.iter().copied().collect();
    let good = analysis.capture.facts.iter().map(|f| f.id).filter(|id| !broken.contains(id)).collect();
    let view = View::new(&analysis, Focus { exchanges: Some(good), ..Focus::default() });
    assert!(view.incidents().is_empty());
    let verification = Verification::new(&view, &baseline(&analysis)).unwrap();
    // The assertions are evaluated on the whole capture, which still holds the refusals.
    assert!(verification.any(Standing::StillThere), "{}", verification.json());
}

#[test]
fn other_files_are_no_baseline() {
    for text in ["", "{}", "[]", r#"{"schema":"x/1","incidents":[],"findings":[]}"#] {
        assert!(Baseline::parse(text).is_err(), "{text}");
    }
}
