//! The table `tokens`: one row a distinct credential, never its value.

use super::{ColumnDef, ColumnType, Values};
use crate::{
    capture::Capture,
    token::{Jose, TokenKind},
    tokens::{Purpose, Token, TokenId},
};

/// Every column of the table.
pub(super) const SCHEMA: &[ColumnDef] = &[
    ColumnDef::new("id", ColumnType::Text, "credential (T1, T2…), as exchanges.token names it"),
    ColumnDef::new("kind", ColumnType::Text, "jwt, opaque, api-key, cookie…"),
    ColumnDef::new("vendor", ColumnType::Text, "who issues values of this shape"),
    ColumnDef::new("fingerprint", ColumnType::Text, "keyed hash of the value; null where the value is guessable"),
    ColumnDef::new("length", ColumnType::Int, "bytes as sent; null where the value is guessable"),
    ColumnDef::new("purpose", ColumnType::Text, "what it was delivered as: access, refresh, id or session"),
    ColumnDef::new("defects", ColumnType::Text, "what is wrong with it, with blanks between"),
    ColumnDef::new("carriers", ColumnType::Text, "where it was seen, with blanks between"),
    ColumnDef::new("alg", ColumnType::Text, "algorithm that its header names"),
    ColumnDef::new("kid", ColumnType::Text, "key id that its header names"),
    ColumnDef::new("iss", ColumnType::Text, "issuer claim"),
    ColumnDef::new("aud", ColumnType::Text, "audience claim, with blanks between several"),
    ColumnDef::new("azp", ColumnType::Text, "authorised party claim"),
    ColumnDef::new("client_id", ColumnType::Text, "client id claim"),
    ColumnDef::new("subject", ColumnType::Text, "fingerprint of the sub claim"),
    ColumnDef::new("scope", ColumnType::Text, "scopes, with blanks between"),
    ColumnDef::new("issued_at", ColumnType::Int, "when it was issued, as it says, in nanoseconds since 1970"),
    ColumnDef::new("expires_at", ColumnType::Int, "when it expires, as it says, in nanoseconds since 1970"),
    ColumnDef::new("first", ColumnType::Int, "when it was first seen, in nanoseconds since 1970"),
    ColumnDef::new("last", ColumnType::Int, "when it was last seen, in nanoseconds since 1970"),
    ColumnDef::new("delivered_by", ColumnType::Int, "exchange that delivered it first"),
    ColumnDef::new("sent", ColumnType::Int, "requests that carried it"),
    ColumnDef::new("accepted", ColumnType::Int, "of those, accepted"),
    ColumnDef::new("refused", ColumnType::Int, "of those, refused for authentication"),
    ColumnDef::new("verified_by", ColumnType::Text, "names of the keys that verify its signature, with blanks between"),
    ColumnDef::new("rejected_by", ColumnType::Text, "names of the keys that do not, with blanks between"),
];

pub(super) fn values(column: &ColumnDef, ids: &[TokenId], capture: &Capture) -> Values {
    let tokens = ids.iter().map(|&id| (id, capture.tokens.get(id)));
    match column.kind {
        ColumnType::Int => Values::Int(tokens.map(|(id, token)| int(column.name, id, token, capture)).collect()),
        _ => Values::Text(tokens.map(|(id, token)| text(column.name, id, token, capture)).collect()),
    }
}

fn int(name: &str, id: TokenId, token: &Token, capture: &Capture) -> Option<i64> {
    let claims = token.claims();
    match name {
        "length" => {
            let shown = is_literal(token) || capture.token_fingerprint(id).is_some();
            i64::try_from(token.classified.length).ok().filter(|_| shown)
        }
        "issued_at" => {
            let stated = claims.and_then(|claims| claims.iat).map(|date| date.intended());
            stated.or(token.classified.issued_at).map(|at| at.nanos())
        }
        "expires_at" => Some(claims?.exp?.intended().nanos()),
        "first" => token.first.map(|at| at.nanos()),
        "last" => token.last.map(|at| at.nanos()),
        "delivered_by" => token.delivered_by.map(|id| i64::from(id.0)),
        "sent" => Some(i64::from(token.sent_count)),
        "accepted" => Some(i64::from(token.accepted)),
        "refused" => Some(i64::from(token.refused)),
        _ => None,
    }
}

fn text(name: &str, id: TokenId, token: &Token, capture: &Capture) -> Option<String> {
    let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    match name {
        "id" => Some(id.to_string()),
        "kind" => Some(token.classified.kind.name().to_owned()),
        "vendor" => token.classified.vendor.as_deref().map(str::to_owned),
        "fingerprint" => capture.token_fingerprint(id),
        "purpose" => token.purpose.map(|purpose| purpose.name().to_owned()),
        "defects" => joined(token.classified.defects.iter().map(|defect| defect.name().to_owned())),
        "carriers" => joined(token.carriers.iter().map(ToString::to_string)),
        "alg" => owned(&jose(token)?.header.alg),
        "kid" => owned(&jose(token)?.header.kid),
        "iss" => owned(&token.claims()?.iss),
        "aud" => joined(token.claims()?.aud.iter().map(ToString::to_string)),
        "azp" => owned(&token.claims()?.azp),
        "client_id" => owned(&token.claims()?.client_id),
        "subject" => Some(capture.fingerprint(token.claims()?.sub.as_ref()?)),
        "scope" => joined(token.claims()?.scopes.iter().map(ToString::to_string)),
        "verified_by" | "rejected_by" => {
            let results = capture.key_results.get(&id)?.iter();
            joined(results.filter(|r| r.verified == (name == "verified_by")).map(|r| r.name.to_string()))
        }
        _ => None,
    }
}

fn joined(items: impl Iterator<Item = String>) -> Option<String> {
    let items: Vec<String> = items.collect();
    (!items.is_empty()).then(|| items.join(" "))
}

fn is_literal(token: &Token) -> bool {
    matches!(token.classified.kind, TokenKind::Placeholder | TokenKind::Redacted)
}

fn jose(token: &Token) -> Option<&Jose> {
    token.classified.jose.as_ref()
}

impl Purpose {
    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Id => "id",
            Self::Session => "session",
        }
    }
}
