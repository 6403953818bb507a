//! Facts that were set aside and taken back do not show: the document is that of a capture that was kept as a whole, and
//! what was written in the meantime tells nobody anything.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read captures and may panic")]

mod support;

use authtrace_analyze::{
    Analyzer, Settings,
    sealed::{Seal, Sealed},
};
use authtrace_parse::Exchange;
use authtrace_report::{View, json};
use zeroize::Zeroizing;

fn seal() -> Seal {
    Seal::new(&Zeroizing::new([7; 32]))
}

/// Draws facts and sets some aside where there are more than `most`.
fn drawn(exchanges: &[Exchange], most: usize, seal: &mut Seal) -> (Analyzer, Vec<Sealed>) {
    let mut analyzer = Analyzer::new(Settings::default());
    let mut kept = Vec::new();
    for exchange in exchanges {
        analyzer.push(exchange);
        if analyzer.known() > most {
            analyzer.set_aside(most / 2, |part| kept.push(seal.seal(part).unwrap()));
        }
    }
    (analyzer, kept)
}

#[test]
fn what_was_set_aside_does_not_show_in_the_end() {
    let mut parts = 0;
    for (name, exchanges) in support::exchanges_of_samples_in(&["har", "pcap", "pcapng"]) {
        let mut whole = Analyzer::new(Settings::default());
        exchanges.iter().for_each(|exchange| whole.push(exchange));
        let whole = json::render(&View::all(&whole.finish(Vec::new())));
        for most in [1, 7, 40] {
            let mut seal = seal();
            let (mut analyzer, kept) = drawn(&exchanges, most, &mut seal);
            parts += kept.len();
            let open = |sealed: &Sealed| seal.open(sealed.number(), sealed.bytes().to_vec()).unwrap();
            analyzer.take_back(kept.iter().map(open));
            let again = json::render(&View::all(&analyzer.finish(Vec::new())));
            assert!(again == whole, "{name}, {most} at hand:\n{}", difference(&whole, &again));
        }
    }
    assert!(parts > 100, "only {parts} parts");
}

fn difference(one: &str, other: &str) -> String {
    let lines = one.lines().zip(other.lines()).enumerate().filter(|(_, (a, b))| a != b);
    lines.take(5).map(|(at, (a, b))| format!("{at}: {a}\n{at}: {b}\n")).collect()
}

#[test]
fn what_was_sealed_tells_nothing_and_opens_once() {
    let canary = "cnry9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";
    let exchanges = support::exchanges(&format!(
        r#"{{"startedDateTime":"2026-01-01T00:00:00Z","time":5,"request":{{"method":"GET","url":"https://api.x.dev/reset/{canary}","headers":[{{"name":"host","value":"api.x.dev"}},{{"name":"authorization","value":"Bearer {canary}"}}]}},"response":{{"status":401,"headers":[]}}}}"#
    ));
    let mut seal = seal();
    let (mut analyzer, _) = drawn(&exchanges, 10, &mut seal);
    let mut parts = Vec::new();
    analyzer.set_aside(0, |part| parts.push(part));
    assert!(parts[0].tokens[0].held().is_some(), "the part holds the value");
    assert!(serde_json::to_string(&parts[0].tokens[0]).is_err(), "which nothing else may write");
    let sealed = seal.seal(parts[0].clone()).unwrap();
    let again = seal.seal(parts[0].clone()).unwrap();
    assert!(sealed.bytes() != again.bytes(), "equal parts do not look alike");
    let tells = |bytes: &[u8]| {
        ["cnry9f86", "api.x.dev"].iter().any(|word| bytes.windows(8).any(|w| word.as_bytes().starts_with(w)))
    };
    assert!(!tells(sealed.bytes()) && tells(canary.as_bytes()));

    let mut changed = sealed.bytes().to_vec();
    changed[3] ^= 1;
    assert!(seal.open(0, changed).is_none(), "bytes that were changed");
    assert!(seal.open(1, sealed.bytes().to_vec()).is_none(), "another part's place");
    assert!(seal.open(0, sealed.bytes()[..12].to_vec()).is_none(), "a part that was cut");
    let back = seal.open(0, sealed.bytes().to_vec()).unwrap();
    assert_eq!(back.tokens[0].held().map(|held| held.expose()), Some(canary));
}

/// A credential of the past is still none to be shown where a path repeats it, and what it taught still counts.
#[test]
fn what_is_at_hand_is_judged_as_if_the_rest_were_there() {
    let value = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";
    let entry = |path: &str, field: &str, status: u16| {
        format!(
            r#"{{"startedDateTime":"2026-01-01T00:00:00Z","time":5,"request":{{"method":"GET","url":"https://api.x.dev{path}","headers":[{{"name":"host","value":"api.x.dev"}}{field}]}},"response":{{"status":{status},"headers":[]}}}}"#
        )
    };
    let carrying = format!(r#",{{"name":"authorization","value":"Bearer {value}"}}"#);
    let entries = [entry("/a", &carrying, 200), entry(&format!("/reset/{value}"), "", 200)].join(",");
    let mut analyzer = Analyzer::new(Settings::default());
    support::exchanges(&entries).iter().for_each(|exchange| analyzer.push(exchange));
    analyzer.set_aside(1, |part| assert_eq!(part.facts.len(), 1));
    let analysis = analyzer.so_far().judge(Vec::new());
    let [fact] = analysis.capture.facts.as_slice() else { panic!("one is at hand") };
    assert_eq!(&*fact.path, "/reset/{token}");
    assert_eq!(analysis.capture.profile.route(&"https://api.x.dev".into(), &"GET /a".into()).credentialed_ok, 1);
}
