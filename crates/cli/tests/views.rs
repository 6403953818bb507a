//! One call that a capture shows twice is one call: in front of a proxy and behind it, in a HAR and in packets.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

mod support;

use authtrace_analyze::{Analysis, Severity, facts::Fact};
use serde_json::Value;

fn views(analysis: &Analysis) -> impl Iterator<Item = (&Fact, &Fact)> {
    analysis.capture.facts.iter().filter_map(|fact| Some((fact, analysis.capture.fact(fact.leg_of()?)?)))
}

/// The code that heads the first incident.
fn root(analysis: &Analysis) -> Option<&'static str> {
    analysis.incidents.first().and_then(|incident| analysis.finding(incident.root)).map(|finding| finding.rule.code)
}

#[test]
fn what_a_proxy_passes_on_counts_once() {
    let Some(lab) = support::shared("lab") else { return };
    let folder = lab.join("s5-storm");
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
    let inner = truth["wire_requests"].as_array().unwrap().iter().filter(|r| r["leg"] == "proxy->api").count();
    let analysis = support::analyze(&folder.join("capture.pcapng"), None);
    assert_eq!(views(&analysis).count(), inner);
    for (view, call) in views(&analysis) {
        assert_eq!((&view.method, &view.path, view.status), (&call.method, &call.path, call.status));
        assert_eq!((view.server.unwrap().port(), call.server.unwrap().port()), (8000, 3000));
    }
    let storm = truth["findings_expected"].as_array().unwrap().iter().find(|e| e["kind"] == "refresh_storm").unwrap();
    let refreshes = usize::try_from(storm["count"].as_u64().unwrap()).unwrap();
    let most = analysis.findings.iter().filter(|f| &*f.route == "POST /auth/refresh/").map(|f| f.exchanges.len()).max();
    assert_eq!(most, Some(refreshes));
}

#[test]
fn no_other_recording_of_the_lab_has_a_proxy() {
    let Some(lab) = support::shared("lab") else { return };
    for entry in std::fs::read_dir(lab).unwrap() {
        let folder = entry.unwrap().path();
        if folder.ends_with("s5-storm") || !folder.join("truth.json").is_file() {
            continue;
        }
        let analysis = support::analyze(&folder.join("capture.pcapng"), None);
        assert_eq!(views(&analysis).count(), 0, "{}", folder.display());
    }
}

/// What a HAR and packets of one incident say together is what the HAR says; the recorded calls find their packets.
#[test]
fn a_har_and_its_packets_are_joined() {
    let Some(lab) = support::shared("lab") else { return };
    for entry in std::fs::read_dir(lab).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("truth.json").is_file() || folder.join("keylog.txt").is_file() {
            continue;
        }
        let keys = Some(folder.join("secrets.env")).filter(|path| path.is_file());
        for form in ["devtools.full.har", "playwright.har"] {
            let alone = support::analyze(&folder.join(form), keys.as_deref());
            let both = [folder.join(form), folder.join("capture.pcapng")];
            let joined = support::analyze_all(&both, keys.as_deref());
            let called = |fact: &&Fact| fact.source.input == 0 && !fact.from_cache && fact.status.is_some();
            let (recorded, found) = (joined.capture.facts.iter().filter(called).count(), views(&joined).count());
            println!("{} {form}: {found} views of {recorded} recorded calls", folder.display());
            assert!(found * 10 >= recorded * 9, "{} {form}: {found} of {recorded}", folder.display());
            assert_eq!(root(&joined), root(&alone), "{} {form}", folder.display());
            let loud = |analysis: &Analysis| analysis.findings.iter().filter(|f| f.severity > Severity::Low).count();
            if loud(&alone) == 0 {
                assert_eq!(loud(&joined), 0, "{} {form}", folder.display());
            }
        }
    }
}

/// The packets put back what the exporter removed, and the recording puts call sites to what the packets show.
#[test]
fn samples_of_one_run_complete_each_other() {
    let captures = support::root().join("captures");
    let joined = support::analyze_all(&[captures.join("race.har"), captures.join("race.pcapng")], None);
    assert_eq!(root(&joined), Some("AUTH002"));
    let call_site = joined.finding(joined.incidents[0].root).unwrap().call_site.clone();
    assert!(call_site.is_some());
    assert!(views(&joined).count() > 15);
}
