//! What may stand around HAR entries: wrappers, encodings, missing parts, cuts and damage.

mod support;

use authtrace_parse::{AnomalyKind, Locator, exchange::ExchangeId};
use support::{read, read_in};

/// A minimal entry for `path`.
fn entry(path: &str) -> String {
    format!(
        r#"{{"startedDateTime":"2026-01-01T00:00:00Z","request":{{"method":"GET","url":"http://x.dev/{path}"}},"response":{{"status":200}}}}"#
    )
}

fn log(entries: &[String]) -> String {
    format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"T","version":"1"}},"entries":[{}]}}}}"#, entries.join(","))
}

/// Reads `har` and compares the paths of its exchanges and the oddities of the document.
#[track_caller]
fn check(har: &[u8], paths: &str, anomalies: &[AnomalyKind]) {
    let (exchanges, summary) = read(har);
    let got: Vec<_> = exchanges.iter().map(|e| e.request.target.path.expose().trim_start_matches('/')).collect();
    assert_eq!(got.join(" "), paths, "{}", String::from_utf8_lossy(har));
    let mut kinds: Vec<_> = summary.anomalies.iter().map(|a| a.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, anomalies, "{}", String::from_utf8_lossy(har));
    assert!(summary.recognised);
}

#[test]
fn wrappers() {
    use AnomalyKind::WrappedDocument as Wrapped;
    let har = log(&[entry("a"), entry("b")]);
    check(har.as_bytes(), "a b", &[]);
    check(format!("  \n{har}\n").as_bytes(), "a b", &[]);
    check(format!("\u{feff}{har}").as_bytes(), "a b", &[Wrapped]);
    check(format!("onInputData({har});").as_bytes(), "a b", &[Wrapped]);
    check(format!(")]}}',\n{har}").as_bytes(), "a b", &[Wrapped]);
    check(format!("[{har},{har}]").as_bytes(), "a b a b", &[]);
    check(format!("{har}\n{har}").as_bytes(), "a b a b", &[]);
    check(format!(r#"{{"entries":[{}]}}"#, entry("a")).as_bytes(), "a", &[]);
    check(
        format!(r#"{{"log":{{"entries":[{}],"version":"1.2","x":{{"entries":[1]}}}},"entries2":[]}}"#, entry("a"))
            .as_bytes(),
        "a",
        &[],
    );
}

#[test]
fn utf16() {
    let har = log(&[entry("é😀")]);
    let units: Vec<u16> = har.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
    let wrapped = [AnomalyKind::WrappedDocument];
    for bytes in [[&[0xff, 0xfe][..], &little].concat(), [&[0xfe, 0xff][..], &big].concat(), little, big] {
        check(&bytes, "é😀", &wrapped);
        assert_eq!(read_in(&bytes, 1).0.len(), 1);
    }
}

#[test]
fn creator_browser_pages_in_any_order() {
    let har = format!(
        r#"{{"log":{{"entries":[{}],"pages":[{{"title":"t","id":"p1","startedDateTime":"2026-01-01T00:00:00Z"}},{{"id":2}}],"browser":{{"version":"9","name":"B"}},"creator":{{"name":"C"}}}}}}"#,
        entry("a")
    );
    let (_, summary) = read(har.as_bytes());
    assert_eq!((summary.creator.as_deref(), summary.browser.as_deref()), (Some("C"), Some("B 9")));
    assert_eq!(summary.pages.iter().map(|p| &*p.id).collect::<Vec<_>>(), ["p1", "2"]);
}

#[test]
fn not_a_har() {
    for text in
        ["", "{}", "[]", "[1,2]", r#"{"a":{"log":{"entries":[]}}}"#, r#"{"log":"x"}"#, r#"{"entries":[1,{"a":2}]}"#]
    {
        assert!(!read(text.as_bytes()).1.recognised, "{text}");
    }
    let (_, empty) = read(br#"{"log":{"pages":[]}}"#);
    assert!(empty.recognised && empty.entries == 0 && !empty.truncated);
}

#[test]
fn skipped_entries_keep_their_index() {
    let har = log(&[
        r#"{"request":{"url":"data:text/plain,x"}}"#.into(),
        entry("b"),
        "null".into(),
        r#""text""#.into(),
        "[{}]".into(),
        r#"{"request":{"method":"GET"}}"#.into(),
        r#"{"request":{"url":"/relative"}}"#.into(),
        entry("h"),
    ]);
    let (exchanges, summary) = read(har.as_bytes());
    let at: Vec<_> = exchanges.iter().map(|e| (e.id, e.source.locator)).collect();
    assert_eq!(at, [(ExchangeId(101), Locator::Entry(1)), (ExchangeId(107), Locator::Entry(7))]);
    let skipped: Vec<_> = summary.anomalies.iter().map(|a| (a.kind.name(), a.at)).collect();
    let expected = [
        ("not-http", 0),
        ("unreadable-entry", 2),
        ("unreadable-entry", 3),
        ("unreadable-entry", 4),
        ("entry-without-url", 5),
        ("entry-without-url", 6),
    ];
    assert_eq!(skipped, expected.map(|(name, n)| (name, Some(Locator::Entry(n)))));
    assert_eq!(summary.entries, 8);
}

#[test]
fn every_cut_keeps_what_stands_before_it() {
    let har = log(&[entry("a"), entry("b"), entry("c")]);
    for end in 0..har.len() {
        let (exchanges, summary) = read(&har.as_bytes()[..end]);
        let whole = har[..end].matches(r#""status":200}}"#).count();
        assert_eq!(exchanges.len(), whole, "{}", &har[..end]);
        assert_eq!(summary.truncated, end > 0, "{}", &har[..end]);
        assert!(summary.anomalies.iter().all(|a| a.kind == AnomalyKind::Truncated));
    }
}

#[test]
fn damage_costs_the_damaged_entry_only() {
    use AnomalyKind::UnreadableEntry as Unreadable;
    let har = log(&[entry("a"), entry("b"), entry("c")]);
    // Each of these breaks entry b in another way.
    for (sound, broken) in [
        (r#""url":"http://x.dev/b""#, r##""url":#http://x.dev/b""##),
        (r#""url":"http://x.dev/b""#, r##""url":"http://x.dev/b#"##),
        (r#"x.dev/b"}"#, r#"x.dev/b"|"#),
        (r#"x.dev/b"}"#, r#"x.dev/b"u"#),
        (r#"x.dev/b"}"#, r#"x.dev/b"}}"#),
        (r#"x.dev/b"}"#, r#"x.dev/b"]"#),
        (r#"{"method":"GET","url":"http://x.dev/b"#, r#"s"method":"GET","url":"http://x.dev/b"#),
        (r#""url":"http://x.dev/b""#, r#""url":NaN"#),
    ] {
        let damaged = har.replacen(sound, broken, 1);
        assert_ne!(damaged, har);
        let (exchanges, summary) = read(damaged.as_bytes());
        let got: Vec<_> = exchanges.iter().map(|e| e.request.target.path.expose()).collect();
        // A brace too many ends an entry early: what stood before it is read.
        let kept: &[&str] = if broken.ends_with("}}") { &["/a", "/b", "/c"] } else { &["/a", "/c"] };
        assert!(got == kept, "{broken}: {got:?}");
        assert!(summary.anomalies.iter().any(|a| a.kind == Unreadable && a.at == Some(Locator::Entry(1))), "{broken}");
    }
}

#[test]
fn odd_characters_cost_nothing() {
    let [lone, raw] = [entry("a").replace("GET", r"G\ud800T"), entry("b").replace("GET", "G\tT")];
    let har = log(&[lone, raw, entry("c")]).into_bytes();
    let (exchanges, _) = read(&har);
    assert_eq!(exchanges.iter().map(|e| &*e.request.method).collect::<Vec<_>>(), ["G\u{fffd}T", "G T", "GET"]);
    let mut latin = har;
    let at = latin.windows(3).rposition(|w| w == b"GET").expect("a method");
    latin[at] = 0xe9;
    let (exchanges, _) = read(&latin);
    assert_eq!(exchanges.len(), 3);
    assert_eq!(exchanges[2].anomalies, [AnomalyKind::InvalidUtf8]);
}
