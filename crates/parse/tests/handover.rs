//! Conversations behind something else: SOCKS, the PROXY protocol, CONNECT.
#![allow(clippy::unwrap_used, clippy::use_debug, reason = "tests")]

#[path = "support/h2.rs"]
mod h2;
#[path = "support/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod wire;

use std::net::SocketAddr;

use proptest::prelude::*;
use wire::{Wire, line, read};

const GET: &str = "GET /inside HTTP/1.1\r\nHost: in\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SHOWN: &str = r#"GET http://in/inside → 200 "ok""#;

/// Said by the client, or by the server.
type Words<'w> = &'w [(bool, &'w [u8])];

fn wire(words: Words<'_>, mss: usize) -> Wire {
    let mut wire = Wire::open();
    wire.mss = mss;
    for (from_client, bytes) in words {
        if *from_client {
            wire.client(bytes)
        } else {
            wire.server(bytes)
        };
    }
    wire
}

/// The same exchanges come out however the words are cut into segments.
#[track_caller]
fn check(words: Words<'_>, expected: &[&str]) {
    for mss in [1400, 1, 2, 3, 7] {
        let (exchanges, _) = wire(words, mss).read();
        let lines: Vec<String> = exchanges.iter().map(line).collect();
        assert_eq!(lines, expected, "in pieces of {mss}");
    }
}

/// The client that the only exchange of `words` has.
#[track_caller]
fn client_of(words: Words<'_>) -> SocketAddr {
    let (exchanges, _) = wire(words, 1400).read();
    assert_eq!(exchanges.iter().map(line).collect::<Vec<_>>(), [SHOWN]);
    assert_eq!(exchanges[0].server.unwrap().to_string(), "10.0.0.2:8000");
    exchanges[0].client.unwrap()
}

#[test]
fn socks_5() {
    let reply = b"\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x50";
    check(
        &[
            (true, b"\x05\x01\x00"),
            (false, b"\x05\x00"),
            (true, b"\x05\x01\x00\x03\x02in\x00\x50"),
            (false, reply),
            (true, GET.as_bytes()),
            (false, OK.as_bytes()),
        ],
        &[SHOWN],
    );
    // With a name and a password, and a TLS-like address.
    check(
        &[
            (true, b"\x05\x02\x00\x02"),
            (false, b"\x05\x02"),
            (true, b"\x01\x04user\x06secret"),
            (false, b"\x01\x00"),
            (true, b"\x05\x01\x00\x01\x16\x03\x01\x02\x00\x50"),
            (false, reply),
            (true, GET.as_bytes()),
            (false, OK.as_bytes()),
        ],
        &[SHOWN],
    );
}

#[test]
fn socks_4() {
    check(
        &[
            (true, b"\x04\x01\x00\x50\x00\x00\x00\x01user\x00in.example\x00"),
            (false, b"\x00\x5a\x00\x00\x00\x00\x00\x00"),
            (true, GET.as_bytes()),
            (false, OK.as_bytes()),
        ],
        &[SHOWN],
    );
}

#[test]
fn http2_behind_socks() {
    let (mut client, mut server) = (h2::Encoder::default(), h2::Encoder::default());
    let asked = [h2::PREFACE.to_vec(), h2::settings(), client.request(1, true, "GET", "/", &[])].concat();
    check(
        &[
            (true, b"\x05\x01\x00"),
            (false, b"\x05\x00"),
            (true, b"\x05\x01\x00\x03\x02in\x00\x50"),
            (false, b"\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x50"),
            (true, &asked),
            (false, &[h2::settings(), server.response(1, true, "401", &[])].concat()),
        ],
        &["GET http://h/ → 401"],
    );
}

#[test]
fn what_greets_like_socks_and_goes_on_otherwise() {
    let (exchanges, _) =
        wire(&[(true, b"\x05\x01\x00"), (false, b"what?"), (true, GET.as_bytes()), (false, OK.as_bytes())], 1400)
            .read();
    assert_eq!(exchanges.iter().map(line).collect::<Vec<_>>(), [SHOWN]);
}

#[test]
fn a_balancer_states_the_client() {
    let line = b"PROXY TCP4 203.0.113.9 10.0.0.2 51234 80\r\n";
    let stated = client_of(&[(true, line), (true, GET.as_bytes()), (false, OK.as_bytes())]);
    assert_eq!(stated.to_string(), "203.0.113.9:51234");
    let together = [line, GET.as_bytes()].concat();
    assert_eq!(client_of(&[(true, &together), (false, OK.as_bytes())]), stated);
    let block = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\x0a\x00\x00\x02\xc8\x22\x00\x50";
    let block = [block, GET.as_bytes()].concat();
    assert_eq!(client_of(&[(true, &block), (false, OK.as_bytes())]), stated);
    // A health check states none.
    let local = [b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", GET.as_bytes()].concat();
    assert_eq!(client_of(&[(true, &local), (false, OK.as_bytes())]).to_string(), "10.0.0.1:40000");
    check(&[(true, &block), (false, OK.as_bytes())], &[SHOWN]);
    check(&[(true, &together), (false, OK.as_bytes())], &[SHOWN]);
}

#[test]
fn a_balancer_may_speak_http2() {
    let mut client = h2::Encoder::default();
    let asked = [
        b"PROXY TCP6 2001:db8::9 ::1 7 80\r\n".to_vec(),
        h2::PREFACE.to_vec(),
        h2::settings(),
        client.request(1, true, "GET", "/", &[]),
    ];
    let (exchanges, _) = wire(&[(false, &h2::settings()), (true, &asked.concat())], 1400).read();
    assert_eq!(exchanges[0].client.unwrap().to_string(), "[2001:db8::9]:7");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in front ends without a panic, and HTTP behind it is not changed by it.
    #[test]
    fn noise_in_front_is_survived(
        start in prop::sample::select(vec![&b"\x05\x01\x00"[..], b"\x04\x01\x00\x50", b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n\x21"]),
        parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..30)), 0..8),
    ) {
        let mut wire = Wire::open();
        wire.client(start);
        for (from_client, bytes) in parts {
            if from_client { wire.client(bytes) } else { wire.server(bytes) };
        }
        let _ = read(&[&wire]);
    }
}
