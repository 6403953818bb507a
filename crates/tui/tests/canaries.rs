//! Distinct secrets planted wherever an exchange can hold one: none comes onto a screen, a copy or an export.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write captures and may panic")]

mod support;

use authtrace_tui::{Setup, screen::Screen as Name};
use support::Screen;

const PLACES: [&str; 15] = [
    "authorization",
    "cookie",
    "setcookie",
    "query",
    "path",
    "requestbody",
    "password",
    "form",
    "responsebody",
    "nested",
    "location",
    "referer",
    "apikey",
    "csrf",
    "wsmessage",
];

/// A random-looking value that differs from place to place.
fn canary(place: &str) -> String {
    let mut state = place
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let letters = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    (0..40)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(letters[(state >> 33) as usize % letters.len()])
        })
        .collect()
}

fn capture() -> String {
    let c = canary;
    let entry = |second: u32, method: &str, path: String, mime: &str, post: String, answer: String, more: &str| {
        let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        format!(
            r#"{{"startedDateTime":"2026-11-21T10:00:{second:02}.000Z","time":20,{more}
            "request":{{"method":"{method}","url":"http://localhost:8000{path}","httpVersion":"HTTP/1.1","headers":[
              {{"name":"Authorization","value":"Bearer {}"}},{{"name":"Cookie","value":"theme=dark; session={}"}},
              {{"name":"Referer","value":"http://localhost:3000/cb?code={}"}},{{"name":"X-Api-Key","value":"{}"}},
              {{"name":"X-CSRF-Token","value":"{}"}},{{"name":"X-Pin","value":"4711"}}],
              "postData":{{"mimeType":"{mime}","text":{}}}}},
            "response":{{"status":401,"headers":[{{"name":"Set-Cookie","value":"sid={}; Path=/; HttpOnly"}},
              {{"name":"Location","value":"http://localhost:3000/#access_token={}"}}],
              "content":{{"mimeType":"application/json","size":10,"text":{}}}}}}}"#,
            c("authorization"),
            c("cookie"),
            c("referer"),
            c("apikey"),
            c("csrf"),
            quote(&post),
            c("setcookie"),
            c("location"),
            quote(&answer),
        )
    };
    let json = format!(r#"{{"refresh_token":"{}","password":"{}","pin":4711}}"#, c("requestbody"), c("password"));
    let form = format!("grant_type=password&username=ann&password={}&code={}", c("form"), c("requestbody"));
    let answer = format!(
        r#"{{"access_token":"{0}","detail":"token {0} refused","user":{{"secrets":["{1}"],"mail":"zoe4711@private.example"}}}}"#,
        c("responsebody"),
        c("nested")
    );
    let socket = format!(
        r#""_resourceType":"websocket","_webSocketMessages":[{{"type":"send","time":1.0,"opcode":1,"data":"{{\"auth\":{{\"token\":\"{}\"}}}}"}}],"#,
        c("wsmessage")
    );
    let entries = [
        entry(1, "GET", format!("/api/reset/{}", c("path")), "application/json", json.clone(), answer.clone(), ""),
        entry(
            2,
            "POST",
            format!("/api/items?access_token={}", c("query")),
            "application/json",
            json,
            answer.clone(),
            "",
        ),
        entry(3, "POST", "/oauth/token".to_owned(), "application/x-www-form-urlencoded", form, answer.clone(), ""),
        entry(4, "GET", "/socket".to_owned(), "application/json", String::new(), answer, &socket),
    ];
    let entries = entries.join(",");
    format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"t","version":"1"}},"entries":[{entries}]}}}}"#)
}

#[test]
fn no_planted_secret_comes_out() {
    let directory = std::env::temp_dir().join(format!("authtrace-tui-canaries-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("canaries.har");
    std::fs::write(&path, capture()).unwrap();
    let mut screen = Screen::open(std::slice::from_ref(&path), Setup::default(), 220, 120);
    let mut seen = String::new();
    for name in Name::ALL {
        screen.press(&(name.index() + 1).to_string());
        seen += &screen.text();
        seen += &screen.model.pane.all();
        screen.press("y e").enter("");
    }
    // A part of a value is on the screen, and nowhere else.
    screen.press("3 p y e").enter("").press("esc");
    for id in 0..4 {
        screen.press(":").enter(&format!("exchange {id}"));
        assert!(screen.model.pane.all().contains("request headers"), "{}", screen.model.pane.all());
        seen += &screen.model.pane.all();
        screen.press("c m e").enter("");
    }
    screen.press("d");
    seen += &screen.model.pane.all();
    seen += &screen.copied.join("\n");
    screen.files.written.lock().unwrap().iter().for_each(|(_, text)| seen += text);
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(screen.copied.iter().any(|text| text.starts_with("curl")), "{:?}", screen.copied);
    for place in PLACES {
        let secret = canary(place);
        // Even a part of it would be too much; four characters at the end are shown on purpose.
        assert!(!seen.contains(&secret[..12]), "{place}: {secret} came out");
    }
    assert!(!seen.contains("4711") && !seen.contains("zoe4711@private.example"), "guessable values came out");
}
