//! HTTP/1 on reassembled connections: what was said goes in as segments, exchanges come out.
#![allow(clippy::unwrap_used, clippy::use_debug, reason = "tests")]

#[path = "support/wire.rs"]
mod wire;

use proptest::prelude::*;
use wire::{Wire, line, read};

/// What was read of `wire`, a line each; then the oddities of the capture.
fn lines(wires: &[&Wire]) -> Vec<String> {
    let (exchanges, summary) = read(wires);
    let anomalies = summary.anomalies.iter().map(|(kind, count)| format!("{} ×{count}", kind.name()));
    exchanges.iter().map(line).chain(anomalies).collect()
}

#[track_caller]
fn check(wire: &Wire, expected: &[&str]) {
    assert_eq!(lines(&[wire]), expected);
}

/// A request without a body.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")
}

/// An answer with a body of known length.
fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn requests_and_their_answers() {
    let mut wire = Wire::open();
    wire.client(get("/a?b=c"));
    wire.server(ok("one"));
    wire.client("POST /p HTTP/1.1\r\nHost: h:81\r\nContent-Length: 4\r\n\r\nbody");
    wire.server("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    wire.client("GET http://other.example/x HTTP/1.0\r\n\r\n");
    wire.server("HTTP/1.0 200 OK\r\n\r\nto the end");
    wire.close();
    check(
        &wire,
        &[
            r#"GET http://h/a?b=c → 200 "one""#,
            r#"POST http://h:81/p "body" → 401"#,
            r#"GET http://other.example/x → 200 "to the end""#,
        ],
    );
}

#[test]
fn answers_without_a_body() {
    let mut wire = Wire::open();
    wire.client("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n");
    wire.server("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n");
    wire.client(get("/304"));
    wire.server("HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n");
    wire.client("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    wire.server("HTTP/1.1 100 Continue\r\n\r\n");
    wire.client("ab");
    wire.server("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    wire.client(get("/last"));
    wire.server(ok("!"));
    check(
        &wire,
        &[
            "HEAD http://h/h → 200",
            "GET http://h/304 → 304",
            r#"PUT http://h/e "ab" → 204"#,
            r#"GET http://h/last → 200 "!""#,
        ],
    );
}

#[test]
fn chunks_and_trailers() {
    let mut wire = Wire::open();
    wire.mss = 3;
    wire.client(get("/"));
    wire.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;ext=\"v\"\r\nhello\r\n 01 \r\n!\r\n0\r\nT: x\r\n\r\n");
    wire.client(get("/2"));
    wire.server(ok("2"));
    check(&wire, &[r#"GET http://h/ → 200 "hello!""#, r#"GET http://h/2 → 200 "2""#]);
}

#[test]
fn pipelining_keeps_the_order() {
    let mut wire = Wire::open();
    wire.client(get("/1") + &get("/2") + &get("/3"));
    wire.server(ok("1") + &ok("2"));
    wire.server(ok("3"));
    check(&wire, &[r#"GET http://h/1 → 200 "1""#, r#"GET http://h/2 → 200 "2""#, r#"GET http://h/3 → 200 "3""#]);
}

#[test]
fn an_answer_may_come_before_the_request_is_whole() {
    let mut wire = Wire::open();
    wire.client("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
    wire.server("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    wire.client("def");
    wire.client(get("/next"));
    wire.server(ok("n"));
    check(&wire, &[r#"POST http://h/up "abcdef" → 401"#, r#"GET http://h/next → 200 "n""#]);
}

#[test]
fn other_protocols_follow_an_upgrade() {
    let mut wire = Wire::open();
    wire.client("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
    wire.server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x01\x02");
    wire.client("\x01GET /not HTTP/1.1\r\n\r\n");
    check(&wire, &["GET http://h/ws → 101 (websocket)"]);
}

#[test]
fn a_tunnel_may_carry_http() {
    let mut wire = Wire::open();
    wire.client("CONNECT in.example:80 HTTP/1.1\r\nHost: in.example:80\r\n\r\n");
    wire.server("HTTP/1.1 200 Connection established\r\n\r\n");
    wire.client(get("/inside"));
    wire.server(ok("in"));
    check(&wire, &["CONNECT http://in.examplein.example:80 → 200 (connect)", r#"GET http://h/inside → 200 "in""#]);
}

#[test]
fn odd_heads_do_not_cost_the_stream() {
    let mut wire = Wire::open();
    wire.client("\r\n\r\nGET  /a HTTP/1.1\nHost: h\nFolded: a\n b\nno colon\nBad Name : x\n\n");
    wire.server("HTTP/1.1 200\r\nContent-Length: 1, 1\r\n\r\nA");
    wire.client(get("/b"));
    wire.server(ok("B"));
    check(&wire, &[r#"GET http://h/a → 200 "A" [malformed-head]"#, r#"GET http://h/b → 200 "B""#]);
}

#[test]
fn a_hole_in_a_body_is_stepped_over() {
    let mut wire = Wire::open();
    wire.mss = 10;
    wire.client(get("/1"));
    let body = wire.server(ok(&"x".repeat(100)));
    wire.client(get("/2"));
    wire.server(ok("2"));
    wire.segments.remove(body.start + 8);
    check(&wire, &[r#"GET http://h/1 → 200 "xxxxxxxxxxxxxxxxxxxx"… [body-cut]"#, r#"GET http://h/2 → 200 "2""#]);
}

#[test]
fn a_lost_answer_is_not_given_to_the_wrong_request() {
    let mut wire = Wire::open();
    wire.client(get("/1"));
    let lost = wire.server(ok("1"));
    wire.client(get("/2"));
    wire.server(ok("2"));
    wire.segments.drain(lost);
    check(&wire, &["GET http://h/1 → ∅ [response-lost]", r#"GET http://h/2 → 200 "2""#]);
}

#[test]
fn an_answer_to_a_lost_request_is_nobodys() {
    let mut wire = Wire::open();
    wire.client(get("/1"));
    wire.server(ok("1"));
    let lost = wire.client(get("/2"));
    wire.server(ok("2"));
    wire.client(get("/3"));
    wire.server(ok("3"));
    wire.segments.drain(lost);
    check(&wire, &[r#"GET http://h/1 → 200 "1""#, r#"GET http://h/3 → 200 "3""#, "response-without-request ×1"]);
}

#[test]
fn a_capture_may_begin_anywhere() {
    let mut wire = Wire::midway();
    wire.server("the rest of a body");
    wire.client("t of a request\r\n\r\n");
    wire.server(ok("orphan"));
    wire.client(get("/1"));
    wire.server(ok("1"));
    check(&wire, &[r#"GET http://h/1 → 200 "1""#, "response-without-request ×1"]);
}

#[test]
fn one_direction_alone_gives_requests_without_answers() {
    let mut wire = Wire::open();
    wire.client(get("/1"));
    wire.server(ok("1"));
    wire.client(get("/2"));
    wire.server(ok("2"));
    wire.close();
    wire.segments.retain(|segment| segment.from_client);
    check(&wire, &["GET http://h/1 → ∅", "GET http://h/2 → ∅", "one-sided-connection ×1"]);
}

#[test]
fn a_head_cut_by_the_snap_length_says_so() {
    let mut wire = Wire::open();
    let request = wire.client("GET /cut HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nAuthorization: Bearer x\r\n\r\n");
    wire.server(ok("1"));
    wire.client(get("/2"));
    wire.server(ok("2"));
    let segment = &mut wire.segments[request.start];
    segment.cut = 30;
    segment.payload.truncate(segment.payload.len() - 30);
    check(&wire, &[r#"GET http://h/cut not captured → 200 "1" [head-cut] [body-cut]"#, r#"GET http://h/2 → 200 "2""#]);
}

#[test]
fn a_reset_leaves_what_was_seen() {
    let mut wire = Wire::open();
    wire.client(get("/1"));
    wire.server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    wire.reset();
    check(&wire, &[r#"GET http://h/1 → 200 "abc"… [body-cut]"#]);
}

#[test]
fn the_same_ports_may_be_used_again() {
    let conversation = |path: &str| {
        let mut wire = Wire::open();
        wire.client(get(path));
        wire.server(ok("x"));
        wire.close();
        wire
    };
    let (first, mut second) = (conversation("/1"), conversation("/2"));
    for segment in &mut second.segments {
        segment.sequence = segment.sequence.wrapping_add(5_000_000);
        segment.acknowledgment = segment.acknowledgment.map(|number| number.wrapping_add(5_000_000));
    }
    assert_eq!(lines(&[&first, &second]), [r#"GET http://h/1 → 200 "x""#, r#"GET http://h/2 → 200 "x""#]);
}

#[test]
fn mail_is_not_http() {
    let mut wire = Wire::open();
    wire.server("220 mail ESMTP\r\n");
    for _ in 0..20 {
        wire.client("MAIL FROM:<a@b>\r\nGET / is what he said\r\n");
        wire.server("250 OK\r\n");
    }
    check(&wire, &[]);
}

/// A long conversation of every framing.
fn conversation(mss: usize) -> Wire {
    let mut wire = Wire::open();
    wire.mss = mss;
    for n in 0..6 {
        wire.client(format!("POST /{n} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nrequest-{n}"));
        wire.server(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nchunk{n}\r\n3\r\nend\r\n0\r\n\r\n"
        ));
        wire.client(get(&format!("/{n}/get")));
        wire.server(ok(&format!("{n}").repeat(40)));
    }
    wire.close();
    wire
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
        let expected = lines(&[&conversation(1400)]);
        let mut wire = conversation(mss);
        let count = wire.segments.len();
        for index in doubled {
            let index = index.index(count - 2) + 2;
            let copy = wire.segments[index].clone();
            wire.segments.push(copy.clone());
            wire.segments.insert(index, copy);
        }
        for (index, by) in swapped {
            // The handshake and the end stay where they are.
            let index = index.index(count - 12) + 3;
            wire.segments.swap(index, index + by);
        }
        prop_assert_eq!(lines(&[&wire]), expected);
    }

    /// Holes cost what they must: never a panic, never an exchange that was not there, never a wrong status.
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
        for exchange in &exchanges {
            let path = exchange.request.target.path.expose();
            prop_assert!(path.starts_with('/'), "{path}");
            prop_assert!(exchange.response.as_ref().is_none_or(|response| response.status == 200));
        }
        prop_assert!(exchanges.len() <= 12);
    }

    /// Any bytes in any direction end without a panic.
    #[test]
    fn noise_is_survived(
        parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..40),
        http in any::<bool>(),
    ) {
        let mut wire = Wire::open();
        if http {
            wire.client(get("/"));
        }
        for (from_client, bytes) in parts {
            if from_client { wire.client(bytes) } else { wire.server(bytes) };
        }
        let _ = wire.read();
    }
}
