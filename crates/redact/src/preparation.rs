//! The first look at a capture: what must be known of all of it before anything is replaced.

use std::collections::BTreeMap;

use authtrace_analyze::{Analysis, private::is_private, token::classify};
use authtrace_parse::{Connection, Exchange, HeaderView, Kind, Protocol, Secret, SecretStr};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use regex::Regex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{redactor::Redactor, surrogate::Surrogates, sweep::Sweep};

/// Collects, exchange by exchange, what the analysis does not keep.
#[derive(Default)]
pub struct Preparation {
    /// Code verifiers: challenges are computed from them (RFC 7636 §4.2).
    verifiers: Vec<Secret>,
    /// Values under telling names that could be quoted elsewhere.
    quoted: Vec<Secret>,
    /// Exchanges of each TCP connection, by its first frame; `None` where not all of them are plain HTTP/1.
    connections: BTreeMap<u32, Option<u64>>,
}

/// Values remembered of one capture.
const MOST: usize = 100_000;

impl Preparation {
    /// Looks at one exchange.
    pub fn note(&mut self, exchange: &Exchange) {
        self.connection(exchange);
        let request = &exchange.request;
        for (name, value) in request.target.query_pairs() {
            self.value(name, value.expose());
        }
        let bodies = [request.body.text(), exchange.response.as_ref().and_then(|response| response.body.text())];
        for text in bodies.into_iter().flatten() {
            self.body(text.expose());
        }
    }

    fn connection(&mut self, exchange: &Exchange) {
        let Some(Connection::Tcp(connection)) = exchange.connection else { return };
        let response = exchange.response.as_ref();
        let plain = exchange.security.is_none()
            && matches!(exchange.protocol, Some(Protocol::Http10 | Protocol::Http11))
            && matches!(exchange.kind, Kind::Http | Kind::Preflight)
            && exchange.request.view == HeaderView::Full
            && response.is_none_or(|response| response.view == HeaderView::Full && response.status != 101);
        let count = self.connections.entry(connection.first_frame).or_insert(Some(0));
        *count = count.filter(|_| plain).map(|count| count + 1);
    }

    /// The connections of a packet capture that speak plain HTTP/1 only, by their first frame, with their exchanges.
    pub fn plain_connections(&self) -> BTreeMap<u32, u64> {
        self.connections.iter().filter_map(|(first, count)| count.map(|count| (*first, count))).collect()
    }

    fn body(&mut self, text: &str) {
        if let Ok(document) = serde_json::from_str::<Value>(text) {
            self.json("", &document);
        } else if !text.contains(['\n', '<', '{']) {
            for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
                self.value(&name, &value);
            }
        }
    }

    fn json(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| self.json(name, value)),
            Value::Array(items) => items.iter().for_each(|item| self.json(name, item)),
            Value::String(text) => self.value(name, text),
            _ => {}
        }
    }

    fn value(&mut self, name: &str, value: &str) {
        if name == "code_verifier" {
            self.verifiers.push(Secret::new(value));
        }
        let telling = is_private(name) || matches!(name, "sub" | "email" | "preferred_username");
        if telling && is_distinctive(value) && self.quoted.len() < MOST {
            self.quoted.push(Secret::new(value));
        }
    }

    /// Who takes the secrets of `analysis`, and what was noted, out of the capture that both are of.
    pub fn redactor(self, key: &[u8], analysis: &Analysis, patterns: Vec<(String, Regex)>) -> Redactor {
        let mut surrogates = Surrogates::new(key);
        for verifier in &self.verifiers {
            let made = surrogates.value(verifier.expose());
            surrogates.learn(&s256(verifier.expose()), &s256(&made));
        }
        // A proof of possession holds the hash of the token that it belongs to (RFC 9449 §4.2).
        let uses_proofs = analysis.capture.tokens.iter().any(|(_, token)| {
            let typ = token.classified.jose.as_ref().and_then(|jose| jose.header.typ.as_deref());
            typ.is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt"))
        });
        let values = analysis.capture.tokens.iter().filter_map(|(_, token)| token.cleaned());
        for value in values.filter(|_| uses_proofs).map(SecretStr::expose) {
            let made = surrogates.value(value);
            surrogates.learn(&s256(value), &s256(&made));
        }
        Redactor::new(surrogates, Sweep::new(analysis, self.quoted), patterns)
    }
}

/// Base64url of the SHA-256.
fn s256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Whether a value is not an ordinary word: only such a one can be searched for in texts.
fn is_distinctive(value: &str) -> bool {
    let digit = value.bytes().any(|b| b.is_ascii_digit());
    let letter = value.bytes().any(|b| b.is_ascii_alphabetic());
    let word = value.contains(char::is_whitespace) || value.contains("://");
    (8..=8192).contains(&value.len())
        && !word
        && (value.contains('@') || (digit && letter))
        && classify(SecretStr::new(value), None).kind.is_credential()
}
