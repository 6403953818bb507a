//! WebSocket messages in packets: those of the lab against what the browser recorded of the same connection, and those of
//! public captures against what tshark shows.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test reads and reports")]

use std::path::{Path, PathBuf};

use authtrace_capture::{InputPath, Plan, read_input};
use authtrace_parse::{AnomalyKind, BodyQuestion, Exchange, websocket::WebSocket};

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: {} is not on this machine", path.display());
    None
}

fn keep_none(_: &BodyQuestion<'_>) -> usize {
    0
}

/// The handshakes in a capture that were answered with a WebSocket, with their path.
fn accepted(path: PathBuf) -> Vec<(String, WebSocket)> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    read_input(&InputPath::File(path), &Plan::new(&keep_none), &mut |exchange| exchanges.push(exchange)).unwrap();
    let answered = |exchange: &Exchange| exchange.response.as_ref().is_some_and(|response| response.status == 101);
    let websocket = |exchange: Exchange| {
        assert!(!exchange.anomalies.contains(&AnomalyKind::WebSocketHandshakeMismatch));
        Some((exchange.request.target.path.expose().to_owned(), exchange.websocket?))
    };
    exchanges.into_iter().filter(answered).filter_map(websocket).collect()
}

/// Who sent each message, and its text.
fn messages(websocket: &WebSocket) -> Vec<(bool, Option<&str>)> {
    websocket.messages.iter().map(|m| (m.from_client, m.text.as_ref().map(|text| text.expose()))).collect()
}

#[test]
fn packets_say_what_the_browser_recorded() {
    let Some(folder) = shared("lab/s6-healthy") else { return };
    let packets = accepted(folder.join("capture.pcapng"));
    for recording in ["playwright.har", "devtools.full.har"] {
        let recorded = accepted(folder.join(recording));
        assert_eq!((packets.len(), recorded.len()), (1, 1));
        assert_eq!(packets[0].0, recorded[0].0);
        assert!(packets[0].1.messages.len() == 3 && packets[0].1.messages.iter().all(|message| message.text.is_some()));
        assert!(messages(&packets[0].1) == messages(&recorded[0].1), "{recording}: other messages");
    }
    assert_eq!(packets[0].1.close_code, Some(1000));
}

/// permessage-deflate in both directions, from a client that is no browser.
#[test]
fn compressed_messages_of_the_lab_are_read() {
    for form in ["capture.pcapng", "capture-any.pcap"] {
        let Some(path) = shared(&format!("lab/s3-secret/{form}")) else { return };
        let packets = accepted(path);
        assert_eq!(packets.len(), 1);
        let websocket = &packets[0].1;
        let senders: Vec<bool> = websocket.messages.iter().map(|message| message.from_client).collect();
        assert_eq!(senders.iter().filter(|client| **client).count(), 1);
        assert_eq!((senders.len(), websocket.close_code), (3, Some(1000)));
        let readable = |text: Option<&str>| text.is_some_and(|text| !text.is_empty() && !text.contains('\u{fffd}'));
        assert!(messages(websocket).into_iter().all(|(_, text)| readable(text)));
    }
}

/// Data messages that tshark shows in a public capture, by sender, and the close code.
#[track_caller]
fn check(name: &str, from_client: usize, from_server: usize, close_code: Option<u16>) {
    let Some(path) = shared(&format!("public/pcap/websocket/{name}")) else { return };
    let packets = accepted(path);
    assert_eq!(packets.len(), 1, "{name}");
    let websocket = &packets[0].1;
    let sent = websocket.messages.iter().filter(|message| message.from_client).count();
    assert_eq!(
        (sent, websocket.messages.len() - sent, websocket.close_code),
        (from_client, from_server, close_code),
        "{name}"
    );
}

#[test]
fn public_captures_show_what_tshark_shows() {
    check("suricata-verify__websocket-control-frag.pcap", 1, 0, None);
    check("suricata-verify__websocket-ping.pcap", 0, 1, None);
    check("suricata-verify__websocket__basic_websockets.pcap", 3, 14, None);
    check("wireshark__websocket.pcapng.gz", 4, 4, None);
    check("nDPI__tls_heur__vmess-websocket.pcapng", 3, 13, None);
}
