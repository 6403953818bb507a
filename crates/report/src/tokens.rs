//! `tokens`: every distinct credential, what it says of itself, where it went and how it fared. Never its value.

mod matrix;
pub mod page;

use std::collections::BTreeSet;

use authtrace_analyze::{
    capture::Capture,
    token::{Claims, Jose, TokenKind},
    tokens::{Purpose, Token, TokenId},
};

use crate::{
    columns::{Column, table},
    csv,
    json::{self, document as doc},
    moment::{Ticker, rfc3339, span},
    page::Page,
    style::Ink,
    terminal::Layout,
    view::View,
};

/// One JSON document.
pub fn json(view: &View<'_>) -> String {
    json::pretty(&documents(view))
}

/// One credential a line.
pub fn jsonl(view: &View<'_>) -> String {
    documents(view).iter().map(json::line).collect()
}

/// One credential a row, for a spreadsheet.
pub fn csv(view: &View<'_>) -> String {
    const COLUMNS: &[&str] = &[
        "id",
        "kind",
        "vendor",
        "fingerprint",
        "literal",
        "length",
        "purpose",
        "defects",
        "carriers",
        "alg",
        "kid",
        "claims",
        "issued_at",
        "expires_at",
        "first",
        "last",
        "delivered_by",
        "sent_in_count",
        "accepted",
        "refused",
        "verified_by",
        "rejected_by",
    ];
    csv::table(COLUMNS, documents(view))
}

/// A table, and with details the claims below each row.
pub fn text(view: &View<'_>, layout: &Layout, width: Option<usize>) -> String {
    let tokens = in_focus(view);
    if tokens.is_empty() {
        return "No credential in any exchange in focus.\n".to_owned();
    }
    let columns = [
        Column::left("id"),
        Column::flexible("credential", 24),
        Column::left("for").dispensable(4),
        Column::flexible("carrier", 16),
        Column::right("sent"),
        Column::right("ok"),
        Column::right("refused"),
        Column::left("first").dispensable(3),
        Column::left("lifetime").dispensable(2),
        Column::flexible("signed with", 10).dispensable(1),
    ];
    let clock = layout.clock.clone().unwrap_or_default();
    let mut ticker = Ticker::new(&clock, view.begins());
    let capture = &view.analysis.capture;
    let rows: Vec<Vec<String>> = tokens.iter().map(|(id, token)| row(capture, *id, token, &mut ticker)).collect();
    let mut out = table(&columns, &rows, width, layout.style);
    if let Some(matrix) = matrix::text(capture, &tokens, width, layout.style) {
        out.push('\n');
        out.push_str(&matrix);
    }
    if layout.detail == crate::terminal::Detail::Everything {
        out.push('\n');
        out.push_str(&details(capture, &tokens, layout));
    }
    out
}

fn row(capture: &Capture, id: TokenId, token: &Token, ticker: &mut Ticker<'_>) -> Vec<String> {
    let carriers: Vec<String> = token.carriers.iter().map(ToString::to_string).collect();
    let lifetime = claims(token).and_then(|c| Some(c.exp?.intended().nanos_since(c.iat?.intended())));
    vec![
        id.to_string(),
        name(capture, id, token),
        token.purpose.map_or("-", Purpose::name).to_owned(),
        carriers.join(", "),
        token.sent_count.to_string(),
        token.accepted.to_string(),
        token.refused.to_string(),
        ticker.show(token.first),
        lifetime.map_or_else(|| "-".to_owned(), span),
        signed_with(capture, id, token),
    ]
}

/// What a credential is called: `jwt:412:…x9Qk#1b2c3d4e`, or the placeholder itself.
pub fn name(capture: &Capture, id: TokenId, token: &Token) -> String {
    match token.literal() {
        Some(literal) => format!("placeholder `{literal}`"),
        None => capture.describe(id),
    }
}

fn signed_with(capture: &Capture, id: TokenId, token: &Token) -> String {
    let alg = jose(token).and_then(|j| j.header.alg.as_deref());
    let (verified, rejected) = verdicts(capture, id);
    match (alg, verified.is_empty(), rejected.is_empty()) {
        (None, ..) => "-".to_owned(),
        (Some(alg), false, _) => format!("{alg}, key {}", verified.join(", ")),
        (Some(alg), true, false) => format!("{alg}, not {}", rejected.join(", ")),
        (Some(alg), true, true) => alg.to_owned(),
    }
}

fn details(capture: &Capture, tokens: &[(TokenId, &Token)], layout: &Layout) -> String {
    let mut page = Page::new(layout.width, layout.style);
    for (id, token) in tokens {
        let Some(claims) = safe_claims(capture, token) else { continue };
        let fields = serde_json::to_value(&claims).unwrap_or_default();
        let fields = fields.as_object().into_iter().flatten().map(|(name, value)| format!("{name} {value}"));
        page.hanging(0, &id.to_string(), 6, Ink::Plain, &fields.collect::<Vec<_>>().join(", "));
    }
    page.finish()
}

/// Tokens as objects of the document.
pub(crate) fn documents(view: &View<'_>) -> Vec<doc::Token> {
    let capture = &view.analysis.capture;
    in_focus(view).into_iter().map(|(id, token)| document(capture, id, token)).collect()
}

fn document(capture: &Capture, id: TokenId, token: &Token) -> doc::Token {
    let classified = &token.classified;
    let shown = !matches!(classified.kind, TokenKind::Placeholder | TokenKind::Redacted);
    let fingerprint = capture.token_fingerprint(id);
    let (verified_by, rejected_by) = verdicts(capture, id);
    let claims = claims(token);
    let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    doc::Token {
        id: id.to_string(),
        kind: classified.kind.name(),
        vendor: classified.vendor.clone(),
        length: (fingerprint.is_some() || !shown).then_some(classified.length),
        fingerprint,
        literal: token.literal().map(str::to_owned),
        purpose: token.purpose.map(Purpose::name),
        defects: classified.defects.iter().map(|defect| defect.name()).collect(),
        carriers: token.carriers.iter().map(ToString::to_string).collect(),
        alg: jose(token).and_then(|j| owned(&j.header.alg)),
        kid: jose(token).and_then(|j| owned(&j.header.kid)),
        claims: safe_claims(capture, token),
        issued_at: claims.and_then(|c| c.iat).map(|d| d.intended()).or(classified.issued_at).map(rfc3339),
        expires_at: claims.and_then(|c| c.exp).map(|d| rfc3339(d.intended())),
        first: token.first.map(rfc3339),
        last: token.last.map(rfc3339),
        delivered_by: token.delivered_by.map(|id| id.0),
        sent_in: token.sent_in.iter().map(|id| id.0).collect(),
        sent_in_count: token.sent_count,
        accepted: token.accepted,
        refused: token.refused,
        verified_by,
        rejected_by,
        keys: matrix::documents(capture, id),
    }
}

fn jose(token: &Token) -> Option<&Jose> {
    token.classified.jose.as_ref()
}

pub(crate) fn claims(token: &Token) -> Option<&Claims> {
    jose(token)?.claims.as_ref()
}

/// The claims that may be shown (detectors §13); a subject only as its fingerprint.
fn safe_claims(capture: &Capture, token: &Token) -> Option<doc::Claims> {
    let claims = claims(token)?;
    let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let list = |items: &[Box<str>]| items.iter().map(|item| item.to_string()).collect();
    Some(doc::Claims {
        iss: owned(&claims.iss),
        aud: list(&claims.aud),
        azp: owned(&claims.azp),
        client_id: owned(&claims.client_id),
        sub_fingerprint: claims.sub.as_ref().map(|sub| capture.fingerprint(sub)),
        iat: claims.iat.map(|date| date.value),
        nbf: claims.nbf.map(|date| date.value),
        exp: claims.exp.map(|date| date.value),
        scope: list(&claims.scopes),
    })
}

/// Names of the keys that verify the token, and of those that do not.
fn verdicts(capture: &Capture, id: TokenId) -> (Vec<String>, Vec<String>) {
    let named = |verified: bool| {
        let results = matrix::results(capture, id).filter(move |(r, _)| r.verified == verified);
        results.map(|(r, _)| r.name.to_string()).collect()
    };
    (named(true), named(false))
}

/// Credentials that exchanges in focus send or deliver, by number.
pub fn in_focus<'a>(view: &View<'a>) -> Vec<(TokenId, &'a Token)> {
    let seen: BTreeSet<TokenId> = view
        .facts()
        .flat_map(|f| {
            f.credentials
                .iter()
                .map(|c| c.token)
                .chain(f.delivered.iter().map(|d| d.token))
                .chain(f.request.refresh_token)
        })
        .collect();
    view.analysis.capture.tokens.iter().filter(|(id, _)| seen.contains(id)).collect()
}
