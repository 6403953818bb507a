//! HTTP/2 on reassembled connections: what was said goes in as segments, exchanges come out.
#![allow(clippy::unwrap_used, clippy::use_debug, reason = "tests")]

#[path = "support/h2.rs"]
mod h2;
#[path = "support/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod wire;

use authtrace_parse::{AnomalyKind, Exchange, HeaderView, Protocol, ReassemblySummary};
use h2::*;
use proptest::prelude::*;
use wire::{Wire, line, read};

/// A connection with an encoder at each end.
struct Talk {
    wire: Wire,
    client: Encoder,
    server: Encoder,
}

impl Talk {
    /// From its start, preface included.
    fn open() -> Self {
        let mut wire = Wire::open();
        wire.client([PREFACE, &settings()].concat());
        wire.server(settings());
        Self { wire, client: Encoder::default(), server: Encoder::default() }
    }

    /// A request without a body, and its answer with one.
    fn get(&mut self, stream: u32, path: &str, status: &str, body: &str) {
        self.wire.client(self.client.request(stream, true, "GET", path, &[("authorization", "Bearer t")]));
        let head = self.server.response(stream, false, status, &[("server", "s")]);
        self.wire.server([head, data(stream, true, body)].concat());
    }
}

/// An exchange in one line, its stream in front.
fn numbered(exchange: &Exchange) -> String {
    assert_eq!(exchange.protocol, Some(Protocol::Http2));
    format!("#{} {}", exchange.source.locator.stream().unwrap(), line(exchange))
}

fn lines_of(exchanges: &[Exchange], summary: &ReassemblySummary) -> Vec<String> {
    let anomalies = summary.anomalies.iter().map(|(kind, count)| format!("{} ×{count}", kind.name()));
    exchanges.iter().map(numbered).chain(anomalies).collect()
}

#[track_caller]
fn check(wire: &Wire, expected: &[&str]) -> Vec<Exchange> {
    let (exchanges, summary) = read(&[wire]);
    assert_eq!(lines_of(&exchanges, &summary), expected);
    exchanges
}

/// The values of one request field, with how complete its head is.
fn field(exchange: &Exchange, name: &str) -> (Vec<String>, HeaderView) {
    let values = exchange.request.headers.get_all(name).map(|value| value.expose().to_owned());
    (values.collect(), exchange.request.view)
}

#[test]
fn streams_become_exchanges() {
    let mut talk = Talk::open();
    let Talk { wire, client, server } = &mut talk;
    wire.client(client.request(1, true, "GET", "/a?b=c", &[]));
    wire.client(client.request(3, false, "POST", "/p", &[("content-type", "text/plain")]));
    wire.client([data(3, false, "bo"), data(3, true, "dy")].concat());
    wire.server(server.response(3, true, "401", &[("www-authenticate", "Bearer")]));
    wire.server([server.response(1, false, "200", &[]), data(1, false, "on")].concat());
    wire.server(data(1, true, "e"));
    wire.client(client.request(5, true, "HEAD", "/never", &[]));
    let exchanges = check(
        wire,
        &[r#"#1 GET http://h/a?b=c → 200 "one""#, r#"#3 POST http://h/p "body" → 401"#, "#5 HEAD http://h/never → ∅"],
    );
    let timing = exchanges[0].timing;
    assert!(timing.sent < timing.first_byte && timing.first_byte < timing.ended);
}

#[test]
fn blocks_in_several_frames_padding_and_priority() {
    let mut talk = Talk::open();
    let Talk { wire, client, server } = &mut talk;
    let block = client.block(&[(":method", "GET"), (":scheme", "http"), (":path", "/p"), (":authority", "h")]);
    let start = [&[4][..], &[0, 0, 0, 0, 200], &block[..10], &[0; 4]].concat();
    wire.client(frame(HEADERS, END_STREAM | PADDED | PRIORITY, 1, start));
    wire.client(frame(CONTINUATION, 0, 1, &block[10..20]));
    wire.client(frame(CONTINUATION, END_HEADERS, 1, &block[20..]));
    wire.server(server.response(1, false, "200", &[]));
    wire.server(frame(DATA, PADDED | END_STREAM, 1, [&[3][..], b"text", &[0; 3]].concat()));
    wire.client(client.request(3, true, "GET", "/p", &[]));
    wire.server([server.response(3, false, "200", &[]), frame(DATA, PADDED | END_STREAM, 3, [0])].concat());
    check(wire, &[r#"#1 GET http://h/p → 200 "text""#, "#3 GET http://h/p → 200"]);
}

#[test]
fn crumbs_of_a_cookie_are_one_field() {
    let mut talk = Talk::open();
    talk.wire.client(talk.client.request(1, true, "GET", "/", &[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")]));
    let exchanges = check(&talk.wire, &["#1 GET http://h/ → ∅"]);
    assert_eq!(field(&exchanges[0], "cookie"), (vec!["a=1; b=2".to_owned()], HeaderView::Full));
}

#[test]
fn interim_responses_and_trailers() {
    let mut talk = Talk::open();
    let Talk { wire, client, server } = &mut talk;
    wire.client(client.request(1, false, "POST", "/pkg.Service/Method", &[("content-type", "application/grpc")]));
    wire.server(server.response(1, false, "100", &[]));
    wire.client(data(1, true, "x"));
    wire.server(server.response(1, false, "103", &[("link", "l")]));
    wire.server(server.response(1, false, "200", &[("content-type", "application/grpc")]));
    wire.server(data(1, false, "partial"));
    wire.server(server.headers(1, true, &[("grpc-status", "16"), ("grpc-message", "token%20expired")]));
    let exchanges = check(wire, &[r#"#1 POST http://h/pkg.Service/Method "x" → 200 "partial""#]);
    let trailers = &exchanges[0].response.as_ref().unwrap().trailers;
    assert_eq!(trailers.get("grpc-status").unwrap().expose(), "16");
}

#[test]
fn resets_and_refusals() {
    let mut talk = Talk::open();
    let Talk { wire, client, server } = &mut talk;
    for stream in [1, 3, 5, 7] {
        wire.client(client.request(stream, true, "GET", &format!("/{stream}"), &[]));
    }
    // An answer, then word that the rest of the request is of no interest.
    wire.server(server.response(1, true, "403", &[]));
    wire.server(frame(RST_STREAM, 0, 1, [0; 4]));
    wire.client(frame(RST_STREAM, 0, 3, [0, 0, 0, 8]));
    // It was under way when the stream was reset.
    wire.server(server.response(3, true, "200", &[]));
    wire.server(frame(GOAWAY, 0, 0, [0, 0, 0, 5, 0, 0, 0, 0]));
    wire.server(server.response(5, true, "204", &[]));
    check(
        wire,
        &[
            "#1 GET http://h/1 → 403",
            "#3 GET http://h/3 → ∅ [stream-reset]",
            "#5 GET http://h/5 → 204",
            "#7 GET http://h/7 → ∅ [stream-reset]",
        ],
    );
}

#[test]
fn the_rest_of_a_request_that_nobody_wants_is_read() {
    let mut talk = Talk::open();
    let Talk { wire, client, server } = &mut talk;
    for stream in [1, 3, 5] {
        wire.client(client.request(stream, false, "POST", &format!("/{stream}"), &[]));
    }
    // Whole answers, then word that there was no need to ask any further (RFC 9113 §8.1): the rest was on its way.
    for stream in [1, 3] {
        wire.server(server.response(stream, true, "200", &[]));
        wire.server(frame(RST_STREAM, 0, stream, [0; 4]));
    }
    wire.client(data(1, true, "grant_type=refresh_token"));
    // No answer, no such word.
    wire.server(frame(RST_STREAM, 0, 5, [0; 4]));
    wire.client(data(5, true, "too late"));
    check(
        wire,
        &[
            r#"#1 POST http://h/1 "grant_type=refresh_t" → 200"#,
            "#5 POST http://h/5 not captured → ∅ [body-cut] [stream-reset]",
            "#3 POST http://h/3 not captured → 200 [body-cut]",
        ],
    );
}

#[test]
fn pushed_answers_say_so() {
    let mut talk = Talk::open();
    let Talk { wire, client, server } = &mut talk;
    wire.client(client.request(1, true, "GET", "/", &[]));
    let promised = server.block(&[(":method", "GET"), (":scheme", "http"), (":path", "/s.css"), (":authority", "h")]);
    wire.server(frame(PUSH_PROMISE, END_HEADERS, 1, [&[0, 0, 0, 2][..], &promised].concat()));
    wire.server(server.response(1, true, "200", &[]));
    wire.server([server.response(2, false, "200", &[]), data(2, true, "css")].concat());
    check(wire, &["#1 GET http://h/ → 200", r#"#2 GET http://h/s.css → 200 "css" [server-push]"#]);
}

#[test]
fn an_upgrade_is_answered_on_stream_1() {
    let mut wire = Wire::open();
    let (mut client, mut server) = (Encoder::default(), Encoder::default());
    wire.client(
        "GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAABAA\r\n\r\n",
    );
    let answer = [server.response(1, false, "401", &[]), data(1, true, "no")].concat();
    let switching = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    wire.server([&switching[..], &settings(), &answer].concat());
    wire.client([PREFACE, &settings()].concat());
    wire.client(client.request(3, true, "GET", "/next", &[]));
    wire.server(server.response(3, true, "204", &[]));
    check(&wire, &[r#"#1 GET http://h/up → 401 "no""#, "#3 GET http://h/next → 204"]);
}

#[test]
fn the_server_may_speak_first() {
    let mut wire = Wire::open();
    let (mut client, mut server) = (Encoder::default(), Encoder::default());
    wire.server(settings());
    wire.client([PREFACE.to_vec(), settings(), client.request(1, true, "GET", "/", &[])].concat());
    wire.server(server.response(1, true, "200", &[]));
    check(&wire, &["#1 GET http://h/ → 200"]);
}

#[test]
fn connect_opens_a_connection_within_a_stream() {
    let mut talk = Talk::open();
    let Talk { wire, client, server } = &mut talk;
    wire.client(client.headers(1, false, &[(":method", "CONNECT"), (":authority", "in.example:80")]));
    wire.server(server.response(1, false, "200", &[]));
    wire.client(data(1, false, "GET /inside HTTP/1.1\r\nHost: in\r\n\r\n"));
    wire.server(data(1, true, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"));
    let (exchanges, _) = read(&[wire]);
    let lines: Vec<String> = exchanges.iter().map(line).collect();
    assert_eq!(lines, ["CONNECT http://in.examplein.example:80 → 200 (connect)", "GET http://in/inside → 401"]);
}

#[test]
fn a_late_start_knows_what_it_can() {
    let mut talk = Talk::open();
    talk.get(1, "/first", "200", "one");
    let begins = talk.wire.segments.len();
    // The first answer that says something new tells what the connection speaks; its request was not understood yet.
    talk.get(3, "/second", "200", "two");
    let Talk { wire, client, server } = &mut talk;
    wire.client(client.request(5, true, "GET", "/second", &[]));
    wire.server(server.response(5, true, "403", &[("date", "today")]));
    // Method and credential were said before the capture began.
    wire.client(client.request(7, true, "GET", "/third", &[("authorization", "Bearer t"), ("x-new", "n")]));
    wire.server(server.response(7, true, "403", &[("server", "s")]));
    wire.client(client.request(9, true, "PUT", "/fourth", &[("authorization", "Bearer u")]));
    // Status 200 was said before, too.
    wire.server(server.response(9, true, "200", &[]));
    wire.segments.drain(..begins);
    let (exchanges, summary) = read(&[wire]);
    assert_eq!(
        lines_of(&exchanges, &summary),
        [
            "#7  http://10.0.0.2:8000/third → 403 [undecoded-fields]",
            "#9 PUT http://10.0.0.2:8000/fourth → ∅ [response-lost] [undecoded-fields]",
            "response-without-request ×1",
        ]
    );
    assert_eq!(field(&exchanges[0], "x-new"), (vec!["n".to_owned()], HeaderView::Partial));
    assert_eq!(field(&exchanges[0], "authorization"), (vec![], HeaderView::Partial));
    assert_eq!(field(&exchanges[1], "authorization"), (vec!["Bearer u".to_owned()], HeaderView::Partial));
}

/// Length-prefixed records of other protocols have something of frames.
#[test]
fn other_protocols_are_not_taken_for_frames() {
    let records = |kind: u8, payload: &[u8]| frame(kind, 4, 1, payload);
    let mut wire = Wire::midway();
    for n in 0..50_u8 {
        wire.client([records(1, &[n; 40]), records(0, &[0; 9])].concat());
        wire.server(records(n % 10, &[0x88, n, n]));
        wire.client([0; 200]);
        wire.server([&[0, 0, 5, n, 0, 0, 0, 0, 1][..], b"hello"].concat());
    }
    check(&wire, &[]);
}

#[test]
fn a_hole_in_data_costs_the_data() {
    let mut talk = Talk::open();
    talk.wire.mss = 20;
    talk.get(1, "/1", "200", &"x".repeat(100));
    let holed = talk.wire.segments.len() - 3;
    talk.get(3, "/2", "200", "two");
    talk.wire.segments.remove(holed);
    check(
        &talk.wire,
        &[r#"#1 GET http://h/1 → 200 "xxxxxxxxxxxxxxxxxxxx"… [body-cut]"#, r#"#3 GET http://h/2 → 200 "two""#],
    );
}

#[test]
fn a_lost_block_spoils_what_refers_to_it() {
    let mut talk = Talk::open();
    talk.get(1, "/1", "200", "one");
    let lost = talk.wire.client(talk.client.request(3, true, "GET", "/2", &[("x-id", "7")]));
    talk.wire.server(talk.server.response(3, true, "200", &[]));
    talk.wire.client(talk.client.request(5, true, "DELETE", "/3", &[("x-id", "7"), ("authorization", "Bearer u")]));
    talk.wire.server(talk.server.response(5, true, "204", &[]));
    talk.wire.segments.drain(lost);
    let (exchanges, summary) = read(&[&talk.wire]);
    assert_eq!(
        lines_of(&exchanges, &summary),
        [
            r#"#1 GET http://h/1 → 200 "one""#,
            "#5 DELETE http://10.0.0.2:8000/3 → 204 [undecoded-fields]",
            "response-without-request ×1"
        ]
    );
    assert_eq!(field(&exchanges[1], "authorization"), (vec!["Bearer u".to_owned()], HeaderView::Partial));
    assert_eq!(field(&exchanges[1], "x-id"), (vec![], HeaderView::Partial));
}

#[test]
fn floods_are_bounded() {
    // Streams without an answer.
    let mut talk = Talk::open();
    for number in 0..3000 {
        talk.wire.client(talk.client.request(2 * number + 1, true, "GET", "/", &[]));
    }
    let (exchanges, _) = read(&[&talk.wire]);
    assert_eq!(exchanges.len(), 3000);
    assert!(exchanges[0].anomalies.contains(&AnomalyKind::ConnectionLimit));

    // A block without an end.
    let mut talk = Talk::open();
    talk.wire.mss = 60_000;
    let block = talk.client.block(&[(":method", "GET"), (":path", "/flood"), (":scheme", "http"), (":authority", "h")]);
    talk.wire.client(frame(HEADERS, END_STREAM, 1, block));
    let never_indexed = [&[0x10, 1, b'x', 125][..], &[b'y'; 125]].concat().repeat(100);
    for _ in 0..3000 {
        talk.wire.client(frame(CONTINUATION, 0, 1, &never_indexed));
    }
    talk.wire.client(talk.client.request(3, true, "GET", "/next", &[]));
    let (exchanges, _) = read(&[&talk.wire]);
    let bytes: usize = exchanges[0].request.headers.iter().map(|(name, value)| name.len() + value.expose().len()).sum();
    assert!(bytes <= 1 << 20, "{bytes}");
    let lines: Vec<String> = exchanges.iter().map(numbered).collect();
    assert_eq!(lines[0], "#1 GET http://h/flood → ∅ [head-cut]");
    assert_eq!(lines.len(), 2);

    // A short block that stands for very much: a value of 3,583 bytes, twelve thousand times.
    let mut talk = Talk::open();
    talk.wire.mss = 60_000;
    let block = talk.client.block(&[(":method", "GET"), (":path", "/bomb"), (":scheme", "http"), (":authority", "h")]);
    let fill = [&[0x40, 1, b'z', 0x7f, 0x80, 0x1b][..], &[b'v'; 3583]].concat();
    let bomb = [block, fill, vec![0xbe; 12_000]].concat();
    talk.wire.client(frame(HEADERS, END_STREAM | END_HEADERS, 1, bomb));
    talk.wire.server(talk.server.response(1, true, "431", &[]));
    let (exchanges, _) = read(&[&talk.wire]);
    let bytes: usize = exchanges[0].request.headers.iter().map(|(name, value)| name.len() + value.expose().len()).sum();
    assert!((1 << 17..=1 << 18).contains(&bytes), "{bytes}");
    assert_eq!(numbered(&exchanges[0]), "#1 GET http://h/bomb → 431 [head-cut]");

    // Many of them: what stands open together is bounded, too.
    let mut talk = Talk::open();
    talk.wire.mss = 60_000;
    let fill = [&[0x40, 1, b'z', 0x7f, 0x80, 0x1b][..], &[b'v'; 3583]].concat();
    let start = talk.client.block(&[(":method", "GET"), (":path", "/bomb"), (":scheme", "http"), (":authority", "h")]);
    let mut open = Vec::new();
    for number in 0..40 {
        let start = if number == 0 { [start.clone(), fill.clone()].concat() } else { vec![0x82, 0x84, 0x86] };
        let bomb = [start, vec![0xbe; 200]].concat();
        talk.wire.client(frame(HEADERS, END_STREAM | END_HEADERS, 2 * number + 1, bomb));
        let (exchanges, _) = read(&[&talk.wire]);
        let limited = |exchange: &&Exchange| exchange.anomalies.contains(&AnomalyKind::ConnectionLimit);
        open.push(exchanges.len() - exchanges.iter().filter(limited).count());
    }
    assert!(open.iter().all(|open| *open <= 16) && open.contains(&10), "{open:?}");
}

#[test]
fn tunnels_within_tunnels_have_an_end() {
    let mut wire = Wire::open();
    for depth in 0..100_000 {
        let host = format!("h{depth}:80");
        wire.client(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        wire.server("HTTP/1.1 200 OK\r\n\r\n");
    }
    let (exchanges, _) = read(&[&wire]);
    assert!((5..20).contains(&exchanges.len()), "{}", exchanges.len());
}

/// A conversation with every kind of frame.
fn conversation(mss: usize) -> Wire {
    let mut talk = Talk::open();
    talk.wire.mss = mss;
    for n in 0..4_u32 {
        let stream = 4 * n + 1;
        talk.get(stream, &format!("/{n}"), "200", &"body".repeat(20));
        let Talk { wire, client, server } = &mut talk;
        wire.client(frame(WINDOW_UPDATE, 0, 0, [0, 0, 1, 0]));
        let block = client.block(&[(":method", "POST"), (":scheme", "http"), (":path", "/p"), (":authority", "h")]);
        wire.client(frame(HEADERS, 0, stream + 2, &block[..3]));
        wire.client(frame(CONTINUATION, END_HEADERS, stream + 2, &block[3..]));
        wire.client(frame(DATA, PADDED | END_STREAM, stream + 2, [&[5][..], b"request", &[0; 5]].concat()));
        wire.server(server.response(stream + 2, false, "200", &[("n", &n.to_string())]));
        wire.server(data(stream + 2, false, "answer"));
        wire.server(server.headers(stream + 2, true, &[("trailer", "t")]));
    }
    talk.wire.close();
    talk.wire
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Segments of any size, doubled, and out of order by a few frames, tell the same.
    #[test]
    fn the_path_of_a_segment_does_not_matter(
        mss in 1usize..200,
        doubled in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        swapped in prop::collection::vec((any::<prop::sample::Index>(), 1usize..6), 0..40),
    ) {
        let (exchanges, summary) = read(&[&conversation(1400)]);
        let expected = lines_of(&exchanges, &summary);
        prop_assert_eq!(expected.len(), 8);
        let mut wire = conversation(mss);
        let count = wire.segments.len();
        for index in doubled {
            let index = index.index(count - 2) + 2;
            let copy = wire.segments[index].clone();
            wire.segments.push(copy.clone());
            wire.segments.insert(index, copy);
        }
        for (index, by) in swapped {
            let index = index.index(count - 12) + 3;
            wire.segments.swap(index, index + by);
        }
        let (exchanges, summary) = read(&[&wire]);
        prop_assert_eq!(lines_of(&exchanges, &summary), expected);
    }

    /// Holes cost what they must: never a panic, never an exchange, a field or a status that was not there.
    #[test]
    fn holes_invent_nothing(
        mss in 5usize..120,
        lost in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut wire = conversation(mss);
        for index in lost {
            let index = index.index(wire.segments.len() - 3) + 2;
            wire.segments.remove(index);
        }
        let (exchanges, _) = wire.read();
        prop_assert!(exchanges.len() <= 8);
        for exchange in &exchanges {
            let path = exchange.request.target.path.expose();
            prop_assert!(["/0", "/1", "/2", "/3", "/p", ""].contains(&path), "{path}");
            prop_assert!(["GET", "POST", ""].contains(&&*exchange.request.method));
            prop_assert!(exchange.response.as_ref().is_none_or(|response| response.status == 200));
            let whole = exchange.request.view == HeaderView::Full;
            prop_assert!(!whole || (!path.is_empty() && !exchange.request.method.is_empty()));
            prop_assert!(!whole || (exchange.request.method.as_ref() == "GET") == exchange.request.headers.contains("authorization"));
        }
    }

    /// Any bytes behind a preface end without a panic.
    #[test]
    fn noise_is_survived(
        parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..40),
        kinds in prop::collection::vec((0_u8..10, any::<u8>(), 0_u32..4), 0..40),
    ) {
        let mut talk = Talk::open();
        for ((from_client, bytes), (kind, flags, stream)) in parts.into_iter().zip(kinds) {
            let bytes = frame(kind, flags, stream, bytes);
            if from_client { talk.wire.client(bytes) } else { talk.wire.server(bytes) };
        }
        let _ = talk.wire.read();
    }
}
