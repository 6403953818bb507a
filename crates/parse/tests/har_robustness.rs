//! Whatever the bytes and however they are cut: no panic, no blow-up, and chunking changes nothing.

mod support;

use proptest::prelude::*;
use support::{fingerprint, read, read_in};

/// A small HAR with most flavours in it.
const SAMPLE: &str = r#"{
  "log": {"version": "1.2", "creator": {"name": "T", "version": "1"}, "comment": "a \"quoted\" } ] text",
    "pages": [{"id": "p", "startedDateTime": "2026-01-01T00:00:00Z", "title": "t"}],
    "entries": [
      {"startedDateTime": "2026-01-01T00:00:00.5Z", "time": 3, "pageref": "p",
       "request": {"method": "POST", "url": "https://x.dev/a?b=\u00e9", "httpVersion": "h2",
         "headers": [{"name": "Host", "value": "x.dev"}, {"name": "x", "value": "1\n2\\"}],
         "cookies": [], "postData": {"mimeType": "application/json", "text": "{\"a\":\"}\\\"\"}"}},
       "response": {"status": 200, "headers": {"set-cookie": "é=1"}, "content": {"size": 2, "text": "aGk=", "encoding": "base64"}},
       "timings": {"send": 1, "wait": 1, "receive": 1}},
      {"_resourceType": "websocket", "request": {"url": "wss://x.dev/ws"}, "response": {"status": 0},
       "_webSocketMessages": [{"type": "error", "data": "Unexpected response code: 403"}]},
      null, {"request": {"url": "data:,"}}
    ]
  }
}"#;

#[test]
fn split_at_every_byte() {
    let (exchanges, summary) = read(SAMPLE.as_bytes());
    let whole = fingerprint(&exchanges, &summary);
    for size in 1..SAMPLE.len() {
        let (exchanges, summary) = read_in(SAMPLE.as_bytes(), size);
        assert!(fingerprint(&exchanges, &summary) == whole, "chunks of {size} bytes read otherwise");
    }
}

#[test]
fn deep_nesting_and_long_values() {
    let har = |entry: &str| format!("{{\"log\":{{\"version\":\"1.2\",\"entries\":[{entry}]}}}}");
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let nested = [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        deep("{\"cache\":", "}"),
        "[".repeat(200_000),
        "{\"request\":".repeat(100_000),
    ];
    for text in nested {
        read(text.as_bytes());
        read(har(&text).as_bytes());
        read(har(&format!("{{\"request\":{{\"url\":\"http://x.dev/\",\"headers\":{text}}}}}")).as_bytes());
        read(har(&format!("{{\"request\":{{\"url\":\"http://x.dev/\"}},\"_initiator\":{text}}}")).as_bytes());
    }
    let long = "v".repeat(10 << 20);
    let entry = format!(r#"{{"request":{{"url":"http://x.dev/","headers":[{{"name":"a","value":"{long}"}}]}}}}"#);
    let (exchanges, _) = read_in(har(&entry).as_bytes(), 4096);
    let value = exchanges[0].request.headers.get("a").map(|v| v.expose().len());
    assert_eq!(value, Some(10 << 20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn mutations_never_panic_and_chunking_is_irrelevant(
        flips in prop::collection::vec((0..SAMPLE.len(), any::<u8>()), 0..6),
        cut in 0..=SAMPLE.len(),
        size in 1usize..400,
    ) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, byte) in flips {
            bytes[at] = byte;
        }
        if cut % 3 == 0 {
            bytes.truncate(cut);
        }
        let (exchanges, summary) = read(&bytes);
        let whole = fingerprint(&exchanges, &summary);
        let (exchanges, summary) = read_in(&bytes, size);
        prop_assert!(fingerprint(&exchanges, &summary) == whole);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_in(&bytes, 7);
    }
}
