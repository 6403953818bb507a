//! `token`: one token read apart, against a clock and with keys. Shows what may be shown, never the token.

use authtrace_analyze::{
    key::{KeyResult, KeyRing, can_verify},
    text::Text,
    token::{Claims, Classified, NumericDate, TokenKind, classify},
};
use authtrace_parse::{SecretStr, Timestamp};
use serde::Serialize;

use crate::{
    json,
    moment::{date_and_time, rfc3339, span},
    page::Page,
    style::Ink,
    terminal::Layout,
};

/// One token, read.
pub struct Reading {
    classified: Classified,
    results: Vec<KeyResult>,
    has_keys: bool,
    now: Timestamp,
    literal: Option<String>,
}

/// Columns of the labels.
const GUTTER: usize = 12;

impl Reading {
    /// Reads `raw` and tries `keys` on it; lifetimes are judged at `now`.
    pub fn new(raw: SecretStr<'_>, keys: &KeyRing, now: Timestamp) -> Self {
        let classified = classify(raw, None);
        let results = keys.verify(classified.value(raw));
        let literal = (classified.kind == TokenKind::Placeholder).then(|| raw.expose().to_owned());
        Self { classified, results, has_keys: !keys.is_empty(), now, literal }
    }

    /// Whether the text is no secret by its kind.
    pub fn is_harmless(&self) -> bool {
        !self.classified.kind.is_credential() || self.classified.kind == TokenKind::Redacted
    }

    fn claims(&self) -> Option<&Claims> {
        self.classified.jose.as_ref()?.claims.as_ref()
    }

    /// For people.
    pub fn text(&self, layout: &Layout) -> String {
        let mut page = Page::new(layout.width, layout.style);
        let mut field = |label: &str, text: &str| page.hanging(0, label, GUTTER, Ink::Plain, text);
        field("kind", &self.kind());
        if let Some(jose) = &self.classified.jose {
            let header = [
                ("alg", &jose.header.alg),
                ("enc", &jose.header.enc),
                ("typ", &jose.header.typ),
                ("kid", &jose.header.kid),
            ];
            let header = header.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)));
            field("header", &header.collect::<Vec<_>>().join(", "));
        }
        if let Some(claims) = self.claims() {
            for (name, value) in self.parties(claims) {
                field(name, &value);
            }
            for (name, date) in dates(claims) {
                field(name, &self.moment(name, date));
            }
            field("claims", &names(claims));
        }
        for defect in &self.classified.defects {
            field("defect", defect.name());
        }
        field("signature", &self.signature());
        for result in &self.results {
            field("", &verdict(result));
        }
        page.finish()
    }

    fn kind(&self) -> String {
        let name = self.classified.kind.name();
        match (&self.literal, &self.classified.vendor) {
            (Some(literal), _) => format!("{name} `{literal}`: this is no token"),
            (None, Some(vendor)) => format!("{name} ({vendor}), {} bytes", self.classified.length),
            (None, None) if self.classified.kind == TokenKind::LowEntropy => {
                "too short or too regular for a token".to_owned()
            }
            (None, None) => format!("{name}, {} bytes", self.classified.length),
        }
    }

    fn parties(&self, claims: &Claims) -> Vec<(&'static str, String)> {
        let one = |name, value: &Option<Box<str>>| value.as_deref().map(|value| (name, value.to_owned()));
        let list = |name, values: &[Box<str>]| (!values.is_empty()).then(|| (name, values.join(" ")));
        let sub = claims.sub.as_ref().map(|_| ("sub", "present, not shown".to_owned()));
        [
            one("iss", &claims.iss),
            list("aud", &claims.aud),
            one("azp", &claims.azp),
            one("client_id", &claims.client_id),
            sub,
            list("scope", &claims.scopes),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// `2026-11-21 10:22:03 UTC, 3 min 20 s ago: expired`
    fn moment(&self, name: &str, date: NumericDate) -> String {
        let at = date.intended();
        let ahead = at.nanos_since(self.now);
        let distance = if ahead >= 0 { format!("in {}", span(ahead)) } else { format!("{} ago", span(ahead)) };
        let verdict = match (name, ahead >= 0) {
            ("exp", false) => ": expired",
            ("nbf", true) => ": not valid yet",
            ("iat", true) => ": issued in the future",
            _ => "",
        };
        let odd = match (date.milliseconds, date.quoted) {
            (true, _) => "; written in milliseconds, verifiers read seconds",
            (_, true) => "; written as a string, some verifiers refuse that",
            _ => "",
        };
        format!("{} UTC, {distance}{verdict}{odd}", date_and_time(at, &jiff::tz::TimeZone::UTC))
    }

    fn signature(&self) -> String {
        let alg = self.classified.jose.as_ref().and_then(|jose| jose.header.alg.as_deref());
        match (alg, self.results.iter().find(|r| r.verified)) {
            (None, _) => "none to check".to_owned(),
            (Some(_), Some(result)) => format!("verified by {}", result.name),
            (Some(alg), None) if !can_verify(alg) => format!("{alg} cannot be checked by this program"),
            (Some(alg), None) if self.has_keys && self.results.is_empty() => {
                format!("not checked: no key given fits {alg}")
            }
            (Some(_), None) if self.has_keys => "not verified by any key given".to_owned(),
            (Some(_), None) => "not checked; give keys with --key or --env-file".to_owned(),
        }
    }

    fn document(&self) -> Document {
        let jose = self.classified.jose.as_ref();
        let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let date = |pick: fn(&Claims) -> Option<NumericDate>| self.claims().and_then(pick).map(NumericDate::intended);
        let named = |yes: bool| self.results.iter().filter(|r| r.verified == yes).map(|r| r.name.to_string()).collect();
        let (expires, starts) = (date(|c| c.exp), date(|c| c.nbf));
        Document {
            kind: self.classified.kind.name(),
            vendor: self.classified.vendor.clone(),
            literal: self.literal.clone(),
            length: (self.classified.kind != TokenKind::LowEntropy).then_some(self.classified.length),
            alg: jose.and_then(|j| owned(&j.header.alg)),
            typ: jose.and_then(|j| owned(&j.header.typ)),
            kid: jose.and_then(|j| owned(&j.header.kid)),
            iss: self.claims().and_then(|c| owned(&c.iss)),
            aud: self.claims().map(|c| c.aud.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            azp: self.claims().and_then(|c| owned(&c.azp)),
            client_id: self.claims().and_then(|c| owned(&c.client_id)),
            scope: self.claims().map(|c| c.scopes.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            claim_names: self.claims().map(|c| c.names.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            issued_at: date(|c| c.iat).or(self.classified.issued_at).map(rfc3339),
            not_before: starts.map(rfc3339),
            expires_at: expires.map(rfc3339),
            now: rfc3339(self.now),
            expired: expires.map(|at| at <= self.now),
            defects: self.classified.defects.iter().map(|d| d.name()).collect(),
            verified_by: named(true),
            rejected_by: named(false),
        }
    }

    /// One JSON document.
    pub fn json(&self) -> String {
        json::pretty(&self.document())
    }

    /// The same on one line.
    pub fn jsonl(&self) -> String {
        json::line(&self.document())
    }
}

fn dates(claims: &Claims) -> impl Iterator<Item = (&'static str, NumericDate)> {
    [("iat", claims.iat), ("nbf", claims.nbf), ("exp", claims.exp)]
        .into_iter()
        .filter_map(|(name, date)| Some((name, date?)))
}

/// Every claim by name; a token without `exp` says so.
fn names(claims: &Claims) -> String {
    let names = claims.names.join(", ");
    if claims.exp.is_none() { format!("{names} (no exp: it never expires)") } else { names }
}

/// `staging: verifies (trimmed; 21 bytes, fewer than the algorithm asks for)`
fn verdict(result: &KeyResult) -> String {
    let verdict = if result.verified { "verifies" } else { "does not verify" };
    let form = result.form.name();
    let short = if result.short { ", fewer than the algorithm asks for" } else { "" };
    let kid = match result.kid_known {
        Some(false) => "; the token's kid is not among its keys",
        _ => "",
    };
    format!("{}: {verdict} ({form}, {} bytes{short}{kid})", result.name, result.key_len_bytes)
}

/// The reading as programs get it.
#[derive(Serialize)]
struct Document {
    kind: &'static str,
    vendor: Option<Text>,
    literal: Option<String>,
    length: Option<usize>,
    alg: Option<String>,
    typ: Option<String>,
    kid: Option<String>,
    iss: Option<String>,
    aud: Vec<String>,
    azp: Option<String>,
    client_id: Option<String>,
    scope: Vec<String>,
    claim_names: Vec<String>,
    issued_at: Option<String>,
    not_before: Option<String>,
    expires_at: Option<String>,
    now: String,
    expired: Option<bool>,
    defects: Vec<&'static str>,
    verified_by: Vec<String>,
    rejected_by: Vec<String>,
}
