//! One call that a capture shows twice is one call: in front of a proxy and behind it, in a HAR and in packets.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests read captures and report"
)]

#[path = "support/pcap.rs"]
mod pcap;
mod support;

use authtrace_analyze::{Analysis, Severity, facts::Fact};
use pcap::{ACK, FileOfPackets, Packet, SYN, record};
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

/// Who [`Packet::server`] 0 is as a client.
const GATEWAY: u32 = 0x00FF_0001;

/// A gateway asks another service whether to let a request through; with the answer it refuses the request by a page of its
/// own, or sends the client to sign in.
fn asked(gateway_answers: &str) -> Vec<u8> {
    const QUESTION: &str = "GET /verify HTTP/1.0\r\nHost: auth\r\nX-Original-URI: /api/me?x=1\r\nAuthorization: Bearer mF_9B5f41JqMxQ2rT8vYzL0aKcEdWnPh\r\n\r\n";
    const VERDICT: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n{\"error\":\"token is expired\"}";
    let request =
        "GET /api/me?x=1 HTTP/1.1\r\nHost: x.dev\r\nAuthorization: Bearer mF_9B5f41JqMxQ2rT8vYzL0aKcEdWnPh\r\n\r\n";
    let client = Packet { acknowledgment: 5000, sequence: 1000, flags: ACK, ..Packet::default() };
    let gateway = Packet { client: GATEWAY, server: 1, connection: 1, ..client };
    let back = |packet: Packet<'static>, asked: usize| Packet {
        from_server: true,
        sequence: 5000,
        acknowledgment: 1000 + u32::try_from(asked).unwrap(),
        ..packet
    };
    let sent = [
        Packet { sequence: 999, acknowledgment: 0, flags: SYN, ..client },
        Packet { from_server: true, sequence: 4999, acknowledgment: 1000, flags: SYN | ACK, ..client },
        Packet { payload: request.as_bytes(), ..client },
        Packet { sequence: 999, acknowledgment: 0, flags: SYN, ..gateway },
        Packet { from_server: true, sequence: 4999, acknowledgment: 1000, flags: SYN | ACK, ..gateway },
        Packet { payload: QUESTION.as_bytes(), ..gateway },
        Packet { payload: VERDICT.as_bytes(), ..back(gateway, QUESTION.len()) },
        Packet { payload: gateway_answers.as_bytes(), ..back(client, request.len()) },
    ];
    let records = (0..).zip(&sent).flat_map(|(at, packet)| record([1_795_000_000, at * 1000], packet));
    FileOfPackets::new().head().into_iter().chain(records).collect()
}

fn judged(packets: &[u8]) -> Analysis {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.pcap");
    std::fs::write(&path, packets).unwrap();
    support::analyze(&path, None)
}

#[test]
fn what_a_gateway_asks_is_part_of_the_request() {
    let analysis = judged(&asked("HTTP/1.1 401 Unauthorized\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(
        views(&analysis).map(|(view, call)| (&*view.path, &*call.path)).collect::<Vec<_>>(),
        [("/verify", "/api/me")]
    );
    let finding = analysis.finding(analysis.incidents[0].root).unwrap();
    // The reason is the other service's word, the call is the client's.
    assert_eq!((finding.rule.code, &*finding.route), ("AUTH020", "GET /api/me"));
}

#[test]
fn a_gateway_that_sends_to_sign_in_refuses_nothing() {
    let analysis = judged(&asked("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!((views(&analysis).count(), analysis.incidents.len(), analysis.unexplained().count()), (1, 0, 0));
}
