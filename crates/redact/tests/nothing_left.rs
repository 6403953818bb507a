//! Property: whatever the secrets are and wherever they stand, no copy holds one of them.
#![allow(clippy::unwrap_used, reason = "a test")]

use authtrace_analyze::{Analyzer, BodyNeeds, Settings};
use authtrace_parse::{Connection, Exchange, TcpConnection, har::HarReader};
use authtrace_redact::{
    Preparation, Sweep,
    convert::{self, TextBodies},
    har::{HarRedactor, redact_entry},
    packets::{KeptFrames, PacketWriter},
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Where a secret stands in an entry.
const PLACES: usize = 12;

/// An entry with `secret` in place number `place`, and quoted in the answer.
fn entry(place: usize, secret: &str, index: usize) -> Value {
    let mut request = vec![json!({"name": "Host", "value": "api.dev"})];
    let mut response = vec![json!({"name": "Content-Type", "value": "application/json"})];
    let mut url = format!("https://api.dev/items/{index}");
    let mut post = json!({"mimeType": "application/json", "text": "{}"});
    let mut body = json!({"detail": format!("token {secret} refused")});
    let mut messages = json!([]);
    let header = |name: &str, value: String| json!({"name": name, "value": value});
    match place {
        0 => request.push(header("Authorization", format!("Bearer {secret}"))),
        1 => request.push(header("Cookie", format!("theme=dark; session={secret}"))),
        2 => request.push(header("X-Api-Key", secret.to_owned())),
        3 => url.push_str(&format!("?access_token={secret}&page=2")),
        4 => {
            post = json!({"mimeType": "application/x-www-form-urlencoded", "text": format!("grant_type=refresh_token&refresh_token={secret}")})
        }
        5 => {
            post =
                json!({"mimeType": "application/json", "text": json!({"auth": {"refresh_token": secret}}).to_string()})
        }
        6 => response.push(header("Set-Cookie", format!("sid={secret}; Path=/; HttpOnly"))),
        7 => response.push(header("Location", format!("https://app.dev/cb#access_token={secret}"))),
        8 => body = json!({"access_token": secret, "user": {"note": secret}}),
        9 => request.push(header("Referer", format!("https://app.dev/?token={secret}"))),
        10 => request.push(header("Sec-WebSocket-Protocol", format!("v1, {secret}"))),
        _ => {
            messages = json!([{"type": "send", "time": 1.0, "opcode": 1, "data": json!({"token": secret}).to_string()}])
        }
    }
    let socket = place >= 10;
    json!({
        "startedDateTime": format!("2026-11-21T10:00:{index:02}Z"), "time": 10,
        "_resourceType": if socket { "websocket" } else { "fetch" }, "_webSocketMessages": messages,
        "request": {"method": "POST", "url": url, "httpVersion": "HTTP/1.1", "headers": request, "postData": post},
        "response": {
            "status": if socket { 101 } else if place == 8 { 200 } else { 401 }, "headers": response,
            "content": {"mimeType": "application/json", "text": body.to_string()},
        },
    })
}

/// Opaque values, values with a vendor's prefix, and tokens with claims.
fn secret() -> impl Strategy<Value = String> {
    let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
    let jwt = ("[a-z]{3,12}", "[A-Za-z0-9_-]{43}").prop_map(move |(name, signature)| {
        let payload = format!(r#"{{"sub":"user_{name}","email":"{name}@mail.dev","exp":1795000000}}"#);
        format!("{}.{}.{signature}", encode(r#"{"alg":"HS256"}"#), encode(&payload))
    });
    prop_oneof!["[A-Za-z0-9]{24,64}", "[0-9a-f]{40}", "sess_[A-Za-z0-9]{27}", jwt]
}

fn read(text: &str, policy: &dyn authtrace_parse::BodyPolicy, sink: &mut dyn FnMut(Exchange)) {
    let mut reader = HarReader::new(0, 0, policy);
    reader.push(text.as_bytes(), sink);
    reader.finish(sink);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_copy_holds_a_secret(secrets in proptest::collection::vec((0..PLACES, secret()), 1..8)) {
        let entries: Vec<Value> = secrets.iter().enumerate().map(|(index, (place, secret))| entry(*place, secret, index)).collect();
        let text = json!({"log": {"version": "1.2", "entries": entries}}).to_string();
        let mut analyzer = Analyzer::new(Settings::default());
        let mut preparation = Preparation::default();
        read(&text, &BodyNeeds, &mut |exchange| {
            preparation.note(&exchange);
            analyzer.push(&exchange);
        });
        let analysis = analyzer.finish(Vec::new());
        let mut redactor = preparation.redactor(b"key", &analysis, Vec::new());
        let mut har = String::from(HarRedactor::head());
        let mut rewriter = HarRedactor::new(&mut redactor);
        // Pieces of an odd size.
        for piece in text.as_bytes().chunks(97) {
            rewriter.push(piece, &mut |text| har.push_str(text));
        }
        rewriter.finish(&mut |text| har.push_str(text));
        let document: Value = serde_json::from_str(&har).unwrap();
        prop_assert_eq!(document["log"]["entries"].as_array().map(Vec::len), Some(secrets.len()));
        let mut converted = String::new();
        let mut exchanges = Vec::new();
        read(&text, &TextBodies, &mut |exchange| exchanges.push(exchange));
        for exchange in &exchanges {
            converted.push_str(&redact_entry(&mut redactor, &convert::entry(exchange)).unwrap());
        }
        let mut writer = PacketWriter::new(&mut redactor, KeptFrames::default());
        for exchange in &mut exchanges {
            // As packets have it.
            exchange.client = Some("10.0.0.1:40000".parse().unwrap());
            exchange.server = Some("10.0.0.2:443".parse().unwrap());
            exchange.connection = Some(Connection::Tcp(TcpConnection { first_frame: exchange.id.0 + 1, opening: None }));
            writer.push(exchange);
        }
        let packets = writer.finish("test");
        let copies = [har.as_bytes(), converted.as_bytes(), &packets];
        let sweep = Sweep::certain(&analysis);
        for (index, copy) in copies.into_iter().enumerate() {
            prop_assert!(!sweep.finds(copy), "copy {}", index);
            let text = String::from_utf8_lossy(copy);
            for (place, secret) in &secrets {
                // The end is what differs between tokens of one issuer.
                prop_assert!(!text.contains(&secret[secret.len() - 16..]), "copy {} shows place {}", index, place);
            }
        }
    }
}
