//! What two ends of a TCP connection say, from segments to exchanges: HTTP/1, HTTP/2, WebSocket, TLS.
//!
//! Input: for each turn who speaks and whether bytes are missing before it (one byte), its length (two bytes), its bytes.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

use authtrace_parse::{BodyQuestion, Exchange, Flags, KeyLog, Reassembler, Segment, stream::Mark};

const SERVER: u8 = 1;
const HOLE: u8 = 2;
/// Bytes that a hole swallows.
const HOLE_BYTES: u32 = 40;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const UPGRADE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// A turn of a conversation.
#[derive(Clone, Copy)]
struct Turn<'a> {
    from_server: bool,
    hole: bool,
    bytes: &'a [u8],
}

/// Anything: told by its first bytes.
pub fn http1(bytes: &[u8]) {
    check(turns(bytes), KeyLog::none());
}

/// A client that begins with the preface of HTTP/2.
pub fn http2(bytes: &[u8]) {
    check(std::iter::once(said(PREFACE, false)).chain(turns(bytes)), KeyLog::none());
}

/// What follows a WebSocket handshake.
pub fn websocket(bytes: &[u8]) {
    check([said(UPGRADE, false), said(SWITCHED, true)].into_iter().chain(turns(bytes)), KeyLog::none());
}

/// TLS records, some of which the fixed key log opens.
pub fn tls(bytes: &[u8]) {
    check(turns(bytes), &KEYS);
}

/// The key logs of captures that are seeds.
static KEYS: LazyLock<Arc<KeyLog>> = LazyLock::new(|| {
    let mut log = KeyLog::new();
    for text in [
        include_str!("../../crates/capture/tests/data/tls/tls10-cbc.keys"),
        include_str!("../../crates/capture/tests/data/tls/tls11-cbc-etm.keys"),
        include_str!("../../crates/capture/tests/data/tls/tls12-ccm8.keys"),
        include_str!("../../crates/capture/tests/data/tls/tls12-chacha.keys"),
        include_str!("../../crates/capture/tests/data/tls/tls12-renegotiation.keys"),
        include_str!("../../crates/capture/tests/data/tls/tls13-early-data.keys"),
        include_str!("../../crates/capture/tests/data/tls/tls13-key-update.keys"),
    ] {
        log.read(text.as_bytes());
    }
    Arc::new(log)
});

/// Writes a turn as the targets read it.
pub fn encode(from_server: bool, bytes: &[u8], into: &mut Vec<u8>) {
    for bytes in bytes.chunks(usize::from(u16::MAX)) {
        into.push(u8::from(from_server));
        into.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
        into.extend_from_slice(bytes);
    }
}

fn said(bytes: &[u8], from_server: bool) -> Turn<'_> {
    Turn { from_server, hole: false, bytes }
}

fn turns(bytes: &[u8]) -> impl Iterator<Item = Turn<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&[kind, low, high], behind) = rest.split_first_chunk()?;
        let (bytes, behind) = behind.split_at(behind.len().min(usize::from(u16::from_le_bytes([low, high]))));
        rest = behind;
        Some(Turn { from_server: kind & SERVER != 0, hole: kind & HOLE != 0, bytes })
    })
}

/// Reads the conversation in segments of two sizes. However it is cut, a request that comes first and whole is the same; what
/// follows garbage is found at the start of segments and may not be.
fn check<'a>(turns: impl Iterator<Item = Turn<'a>>, keys: &Arc<KeyLog>) {
    let turns: Vec<Turn<'_>> = turns.collect();
    let long = read(&turns, 1400, keys);
    let short = read(&turns, 1 + turns.len() % 7 * 11, keys);
    if turns.first().is_some_and(|turn| begins_with_a_request(turn)) {
        assert!(!long.is_empty());
        assert_eq!(long.first(), short.first());
    }
}

fn begins_with_a_request(turn: &Turn<'_>) -> bool {
    let head = turn.bytes.strip_prefix(b"GET / HTTP/1.1\r\nHost: ").unwrap_or_default();
    let end = head.windows(4).position(|four| four == b"\r\n\r\n");
    // Whatever a field may hold, and nothing that a lenient reader could take for a line's end.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~');
    !turn.from_server
        && !turn.hole
        && end.is_some_and(|end| {
            head[..end]
                .split(|byte| *byte == b'\n')
                .all(|line| line.strip_suffix(b"\r").unwrap_or(line).iter().all(plain))
        })
}

/// The requests of all exchanges, in words.
fn read(turns: &[Turn<'_>], most: usize, keys: &Arc<KeyLog>) -> Vec<String> {
    let keep = |_: &BodyQuestion<'_>| 1 << 12;
    let reader = Reassembler::with_keys(0, 0, &keep, Arc::clone(keys));
    let mut wire = Wire { reader, frame: 0, next: [1000, 2000], exchanges: Vec::new() };
    wire.control(false, Flags { syn: true, ..Flags::default() });
    wire.control(true, Flags { syn: true, ..Flags::default() });
    for turn in turns {
        let own = &mut wire.next[usize::from(turn.from_server)];
        *own = own.wrapping_add(if turn.hole { HOLE_BYTES } else { 0 });
        turn.bytes.chunks(most).for_each(|payload| wire.segment(turn.from_server, Flags::default(), payload));
    }
    wire.control(false, Flags { fin: true, ..Flags::default() });
    wire.control(true, Flags { fin: true, ..Flags::default() });
    let Wire { reader, mut exchanges, .. } = wire;
    let summary = reader.finish(&mut |exchange| exchanges.push(exchange));
    assert_eq!(summary.exchanges as usize, exchanges.len());
    exchanges.iter().for_each(|exchange| assert!(exchange.id.0 < summary.next_id));
    exchanges.sort_by_key(|exchange| exchange.id);
    exchanges.iter().map(words).collect()
}

fn words(exchange: &Exchange) -> String {
    let request = &exchange.request;
    format!("{} {} {}", request.method, request.target.host, request.headers.len())
}

struct Wire<'p> {
    reader: Reassembler<'p>,
    frame: u32,
    next: [u32; 2],
    exchanges: Vec<Exchange>,
}

impl Wire<'_> {
    fn control(&mut self, from_server: bool, flags: Flags) {
        self.segment(from_server, flags, &[]);
        let own = &mut self.next[usize::from(from_server)];
        *own = own.wrapping_add(1);
    }

    fn segment(&mut self, from_server: bool, flags: Flags, payload: &[u8]) {
        let ends = [SocketAddr::from(([10, 0, 0, 1], 40_000)), SocketAddr::from(([10, 0, 0, 2], 443))];
        let (own, peer) = (usize::from(from_server), usize::from(!from_server));
        let first = flags.syn && !from_server;
        self.frame += 1;
        let segment = Segment {
            source: ends[own],
            destination: ends[peer],
            sequence: self.next[own],
            acknowledgment: (!first).then_some(self.next[peer]),
            flags,
            payload,
            cut: 0,
        };
        let exchanges = &mut self.exchanges;
        self.reader.segment(&segment, Mark { frame: self.frame, time: None }, &mut |exchange| exchanges.push(exchange));
        self.next[own] = self.next[own].wrapping_add(payload.len() as u32);
    }
}
