//! What follows a WebSocket handshake: frames go in as segments, messages come out.
#![allow(clippy::unwrap_used, clippy::use_debug, reason = "tests")]

#[path = "support/h2.rs"]
mod h2;
#[path = "support/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod wire;

use authtrace_parse::{
    AnomalyKind, Exchange,
    websocket::{Message, WebSocket},
};
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use wire::{Wire, line, read};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
/// The last frame of its message.
const FIN: u8 = 0x80;
/// The message is compressed.
const RSV1: u8 = 0x40;

/// A frame; a client's is masked.
fn frame(from_client: bool, first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = if from_client { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(masked | u8::try_from(length).unwrap()),
        length @ 126..65536 => {
            frame.push(masked | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(masked | 127);
            frame.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    if from_client {
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        frame.extend(payload);
    }
    frame
}

fn close(from_client: bool, code: u16, reason: &str) -> Vec<u8> {
    frame(from_client, FIN | CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// A connection behind a handshake whose answer has these extra fields.
fn open_with(extensions: &str, accept: &str) -> Wire {
    let mut wire = Wire::open();
    wire.client(
        "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    let extensions =
        if extensions.is_empty() { String::new() } else { format!("Sec-WebSocket-Extensions: {extensions}\r\n") };
    wire.server(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n"
    ));
    wire
}

fn open(extensions: &str) -> Wire {
    open_with(extensions, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
}

/// What one end compresses its messages with.
struct Deflater {
    inner: Compress,
    no_context: bool,
}

impl Deflater {
    fn new(no_context: bool) -> Self {
        Self { inner: Compress::new(Compression::default(), false), no_context }
    }

    fn message(&mut self, text: &str) -> Vec<u8> {
        if self.no_context {
            self.inner.reset();
        }
        // A compressor with nothing to say says nothing (RFC 7692 §7.2.3.6).
        if text.is_empty() {
            return vec![0];
        }
        let mut packed = Vec::with_capacity(text.len() + 100);
        self.inner.compress_vec(text.as_bytes(), &mut packed, FlushCompress::Sync).unwrap();
        assert!(packed.ends_with(&[0, 0, 0xff, 0xff]));
        packed.truncate(packed.len() - 4);
        packed
    }
}

fn websocket(exchange: &Exchange) -> &WebSocket {
    exchange.websocket.as_ref().unwrap()
}

/// Messages and close, a word each: `>text`, `<text` from the server, `<?` where there is no text.
fn said(exchange: &Exchange) -> Vec<String> {
    let websocket = websocket(exchange);
    let message = |message: &Message| {
        let text = message.text.as_ref().map_or("?", |text| text.expose());
        format!("{}{text}", if message.from_client { '>' } else { '<' })
    };
    let close = websocket.close_code.map(|code| {
        let by = if websocket.closed_by_client.unwrap() { '>' } else { '<' };
        format!("{by}{code} {}", websocket.close_reason.as_ref().map_or("", |reason| reason.expose()))
    });
    websocket.messages.iter().map(message).chain(close).collect()
}

#[track_caller]
fn check(wire: &Wire, expected: &[&str]) -> Exchange {
    let (mut exchanges, _) = read(&[wire]);
    assert_eq!(exchanges.len(), 1);
    assert_eq!(line(&exchanges[0]), "GET http://h/ws → 101 (websocket)");
    assert_eq!(said(&exchanges[0]), expected);
    exchanges.remove(0)
}

#[test]
fn messages_and_what_stands_between_them() {
    let mut wire = open("");
    wire.client(frame(true, FIN | TEXT, br#"{"token":"t"}"#));
    wire.server(frame(false, TEXT, b"in "));
    wire.server([frame(false, FIN | PING, b"still there?"), frame(false, 0, b"three ")].concat());
    wire.client(frame(true, FIN | BINARY, &[0, 159, 146, 150]));
    wire.server(frame(false, FIN, "pärts".as_bytes()));
    wire.server(frame(false, FIN | TEXT, b""));
    wire.server(close(false, 4401, "token expired"));
    wire.client(close(true, 4401, ""));
    wire.close();
    let exchange = check(&wire, &[r#">{"token":"t"}"#, ">?", "<in three pärts", "<", "<4401 token expired"]);
    assert_eq!(websocket(&exchange).message_count, 4);
    assert!(exchange.anomalies.is_empty());
}

#[test]
fn frames_of_every_length() {
    let mut wire = open("");
    for length in [125, 126, 65_535, 65_536] {
        wire.client(frame(true, FIN | TEXT, &vec![b'x'; length]));
        wire.server(frame(false, FIN | TEXT, &vec![b'y'; length]));
    }
    let (exchanges, _) = read(&[&wire]);
    let lengths: Vec<usize> =
        websocket(&exchanges[0]).messages.iter().map(|message| message.text.as_ref().unwrap().len()).collect();
    let most = Message::KEPT_BYTES;
    assert_eq!(lengths, [125, 125, 126, 126, most, most, most, most]);
}

#[test]
fn compressed_messages() {
    let texts = ["hello hello hello", "hello hello hello", "", "the same hello again"];
    for (extensions, no_context) in [
        ("permessage-deflate", [false, false]),
        ("permessage-deflate; client_no_context_takeover", [true, false]),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", [true, true]),
    ] {
        let mut wire = open(extensions);
        let mut deflaters = no_context.map(Deflater::new);
        let mut expected = Vec::new();
        for text in texts {
            let packed = deflaters[0].message(text);
            let (start, end) = packed.split_at(packed.len() / 2);
            wire.client([frame(true, RSV1 | TEXT, start), frame(true, FIN, end)].concat());
            expected.push(format!(">{text}"));
            wire.server(frame(false, FIN | RSV1 | BINARY, &deflaters[1].message("binary hello")));
            expected.push("<?".to_owned());
            wire.server(frame(false, FIN | RSV1 | TEXT, &deflaters[1].message(text)));
            expected.push(format!("<{text}"));
        }
        // Not every message needs to be compressed.
        wire.server(frame(false, FIN | TEXT, b"plain"));
        expected.push("<plain".to_owned());
        check(&wire, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_lost_is_not_guessed() {
    let long = "not compressible: 0x8f3a9c ".repeat(3);
    for (no_context, after) in [(false, "<?"), (true, "<after")] {
        let mut wire =
            open(if no_context { "permessage-deflate; server_no_context_takeover" } else { "permessage-deflate" });
        let mut deflater = Deflater::new(no_context);
        wire.server(frame(false, FIN | RSV1 | TEXT, &deflater.message("before")));
        wire.mss = 10;
        let lost = wire.server(frame(false, FIN | RSV1 | TEXT, &deflater.message(&long)));
        wire.server(frame(false, FIN | RSV1 | TEXT, &deflater.message("after")));
        wire.segments.remove(lost.start + 1);
        let (exchanges, _) = read(&[&wire]);
        let said = said(&exchanges[0]);
        assert_eq!((said.len(), &*said[0], &*said[2]), (3, "<before", after));
        assert!(said[1] == "<?" || format!("<{long}").starts_with(&said[1]), "{}", said[1]);
    }
}

#[test]
fn frames_are_found_again_after_a_loss() {
    let mut wire = open("");
    let lost = wire.client(frame(true, FIN | TEXT, b"lost"));
    wire.client([frame(true, FIN | TEXT, b"whole"), frame(true, FIN | PING, b"")].concat());
    wire.client(close(true, 1000, ""));
    wire.segments.drain(lost);
    check(&wire, &[">whole", ">1000 "]);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut wire = open("permessage-deflate");
    let mut deflater = Deflater::new(false);
    for _ in 0..100 {
        wire.client(frame(true, FIN | RSV1 | TEXT, &deflater.message(&"0".repeat(100_000))));
    }
    wire.server(close(false, 1008, "policy"));
    let (exchanges, _) = read(&[&wire]);
    let websocket = websocket(&exchanges[0]);
    assert_eq!((websocket.messages.len(), websocket.message_count), (WebSocket::KEPT, 100));
    assert!(websocket.messages.iter().all(|message| message.text.as_ref().unwrap().len() == Message::KEPT_BYTES));
    assert_eq!(websocket.close_code, Some(1008));
}

#[test]
fn a_wrong_accept_key_is_odd() {
    let mut wire = open_with("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    wire.client(frame(true, FIN | TEXT, b"hi"));
    let (exchanges, _) = read(&[&wire]);
    assert_eq!(exchanges[0].anomalies, [AnomalyKind::WebSocketHandshakeMismatch]);
    assert_eq!(said(&exchanges[0]), [">hi"]);
}

#[test]
fn a_refused_handshake_stays_http() {
    let mut wire = Wire::open();
    for _ in 0..2 {
        wire.client("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
        wire.server("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    }
    let (exchanges, _) = read(&[&wire]);
    let lines: Vec<String> = exchanges.iter().map(line).collect();
    assert_eq!(lines, [r#"GET http://h/ws → 403 "no" (websocket)"#; 2]);
}

/// RFC 8441.
#[test]
fn a_stream_of_http2_may_carry_messages() {
    let mut wire = Wire::open();
    let (mut client, mut server) = (h2::Encoder::default(), h2::Encoder::default());
    wire.client([h2::PREFACE, &h2::settings()].concat());
    wire.server(h2::settings());
    let start = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "h")];
    let rest = [(":path", "/ws"), ("sec-websocket-protocol", "chat"), ("origin", "http://h")];
    wire.client(client.headers(1, false, &[&start[..], &rest].concat()));
    wire.server(server.response(1, false, "200", &[("sec-websocket-protocol", "chat")]));
    wire.client(client.request(3, true, "GET", "/other", &[]));
    wire.server(server.response(3, true, "200", &[]));
    wire.client(h2::frame(h2::DATA, 0, 1, frame(true, FIN | TEXT, b"over h2")));
    wire.server(h2::frame(h2::DATA, 1, 1, [frame(false, FIN | TEXT, b"yes"), close(false, 1000, "bye")].concat()));
    wire.client(h2::frame(h2::DATA, 1, 1, close(true, 1000, "")));
    let (exchanges, _) = read(&[&wire]);
    let lines: Vec<String> = exchanges.iter().map(line).collect();
    assert_eq!(lines, ["CONNECT http://h/ws → 200 (websocket)", "GET http://h/other → 200"]);
    assert_eq!(said(&exchanges[0]), [">over h2", "<yes", "<1000 bye"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_cut_into_segments_does_not_matter(mss in 1usize..60) {
        let conversation = |mss| {
            let mut wire = open("permessage-deflate");
            wire.mss = mss;
            let mut deflaters = [Deflater::new(false), Deflater::new(false)];
            for n in 0..6 {
                wire.client(frame(true, FIN | RSV1 | TEXT, &deflaters[0].message(&format!("message {n} of the client"))));
                wire.server(frame(false, TEXT, b"in "));
                wire.server([frame(false, FIN | PING, b"p"), frame(false, FIN, b"parts")].concat());
                wire.server(frame(false, FIN | RSV1 | TEXT, &deflaters[1].message(&format!("{n}").repeat(300))));
            }
            wire.server(close(false, 1000, "done"));
            wire
        };
        let (expected, _) = conversation(1400).read();
        let (exchanges, _) = conversation(mss).read();
        prop_assert_eq!(said(&exchanges[0]).len(), 19);
        prop_assert_eq!(said(&exchanges[0]), said(&expected[0]));
    }

    #[test]
    fn noise_is_survived(parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..40)) {
        let mut wire = open("permessage-deflate");
        for (from_client, bytes) in parts {
            if from_client { wire.client(bytes) } else { wire.server(bytes) };
        }
        let (exchanges, _) = wire.read();
        prop_assert_eq!(exchanges.len(), 1);
    }
}
