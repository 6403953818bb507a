//! What is compared of an exchange: the columns of the fact table that may make a difference, each with its words.

use authtrace_parse::HeaderView;

use crate::{
    capture::Capture,
    case::good_authorization,
    facts::{Fact, credential::Credential},
    table,
    token::{Claims, TokenKind},
};

/// What a feature is of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// True or false.
    Flag(bool),
    /// One of several values.
    Value(String),
    /// Names that are there.
    Names(Vec<String>),
    /// A span of time in nanoseconds.
    Span(i64),
}

/// How a feature is put into words.
#[derive(Clone, Copy)]
pub(super) enum Words {
    /// A whole statement.
    Statement(&'static str),
    /// A subject that `is` something.
    Subject(&'static str),
    /// What stands before a name that is there, and behind it.
    Named(&'static str, &'static str),
}

/// A property of an exchange that may separate failures from successes.
pub(super) struct Feature {
    pub(super) words: Words,
    /// Features of one family say much the same: one of them is enough.
    pub(super) family: Family,
    read: fn(&Capture, &Fact) -> Option<Reading>,
}

impl Feature {
    /// What it is of `fact`; `None` where the capture does not show it.
    pub(super) fn read(&self, capture: &Capture, fact: &Fact) -> Option<Reading> {
        (self.read)(capture, fact)
    }
}

/// What a feature is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// How the credential travels, if there is one.
    Carrier,
    /// Whether what travels can be a credential at all.
    Form,
    /// What the credential is.
    Kind,
    /// A claim or header of a token.
    Claim(&'static str),
    /// Whether the token had expired.
    Expiry,
    /// The time that a token or a session has had, or has left.
    Age,
    /// Which key signed.
    Key,
    /// What sent it, and from where.
    Caller(&'static str),
    /// Where it went.
    Target(&'static str),
    /// What came before it.
    Before(&'static str),
    /// Who answered. This is no cause, but tells two verifiers apart.
    Responder,
}

impl Family {
    /// Whether a difference here is of authentication itself: it is worth saying even of a single failure.
    pub(super) fn is_authentication(self) -> bool {
        use Family::{Before, Carrier, Claim, Expiry, Form, Key, Kind};
        matches!(self, Carrier | Form | Kind | Claim(_) | Expiry | Key | Before("redirect"))
    }
}

const fn flag(family: Family, statement: &'static str, read: fn(&Capture, &Fact) -> Option<Reading>) -> Feature {
    Feature { words: Words::Statement(statement), family, read }
}

const fn value(family: Family, subject: &'static str, read: fn(&Capture, &Fact) -> Option<Reading>) -> Feature {
    Feature { words: Words::Subject(subject), family, read }
}

const fn names(
    family: Family,
    words: (&'static str, &'static str),
    read: fn(&Capture, &Fact) -> Option<Reading>,
) -> Feature {
    Feature { words: Words::Named(words.0, words.1), family, read }
}

/// Every feature, those that say most of authentication first: among equals the first is shown.
pub(super) const FEATURES: &[Feature] = &[
    flag(Family::Carrier, "request has Authorization", |c, f| {
        seen(c, f).then(|| Reading::Flag(f.authorization().is_some()))
    }),
    flag(Family::Form, "request has a well-formed Authorization", |c, f| {
        seen(c, f).then(|| Reading::Flag(good_authorization(f).is_some()))
    }),
    flag(Family::Kind, "credential is a JWT", |_, f| {
        f.authorization().map(|a| Reading::Flag(a.kind == TokenKind::Jwt))
    }),
    flag(Family::Expiry, "token was expired when sent", |c, f| Some(Reading::Flag(remaining(c, f)? < 0))),
    flag(Family::Carrier, "request has a session cookie", |c, f| {
        seen(c, f).then(|| Reading::Flag(f.cookies().next().is_some()))
    }),
    flag(Family::Before("redirect"), "request was redirected here", |_, f| {
        Some(Reading::Flag(f.redirected_from.is_some()))
    }),
    flag(Family::Key, "token verifies with a given key", |c, f| Some(Reading::Flag(!verified_by(c, f)?.is_empty()))),
    value(Family::Key, "the key that signed the token", |c, f| {
        let keys = verified_by(c, f).filter(|keys| !keys.is_empty())?;
        Some(Reading::Value(keys.join(" or ")))
    }),
    value(Family::Carrier, "the credential's place", |c, f| column(c, f, "credential")),
    value(Family::Kind, "the credential's kind", |c, f| column(c, f, "credential_kind")),
    value(Family::Kind, "the Authorization scheme", |c, f| column(c, f, "scheme_name")),
    value(Family::Claim("alg"), "alg", |c, f| column(c, f, "alg")),
    value(Family::Claim("kid"), "kid", |c, f| column(c, f, "kid")),
    value(Family::Claim("iss"), "iss", |c, f| column(c, f, "iss")),
    value(Family::Claim("aud"), "aud", |c, f| column(c, f, "aud")),
    value(Family::Claim("azp"), "azp", |c, f| Some(Reading::Value(claims(c, f)?.azp.as_deref()?.to_owned()))),
    value(Family::Claim("typ"), "typ", |c, f| {
        let token = c.tokens.get(f.main_credential()?.token);
        Some(Reading::Value(token.classified.jose.as_ref()?.header.typ.as_deref()?.to_owned()))
    }),
    names(Family::Claim("names"), ("token has the claim ", ""), |c, f| {
        Some(Reading::Names(claims(c, f)?.names.iter().map(ToString::to_string).collect()))
    }),
    value(Family::Age, "time since the token was issued", |c, f| {
        let issued = claims(c, f)?.iat?.intended();
        Some(Reading::Span(f.sent_nanos().checked_sub(issued.nanos())?))
    }),
    value(Family::Age, "life that the token had left", |c, f| remaining(c, f).map(Reading::Span)),
    value(Family::Age, "time since the session was first seen", |c, f| {
        let session = c.session(f.session?)?;
        Some(Reading::Span(f.sent_nanos().checked_sub(session.first?.nanos())?))
    }),
    names(Family::Caller("cookies"), ("request has the session cookie ", ""), |c, f| {
        let names = f.cookies().map(|cookie| cookie.carrier.to_string());
        seen(c, f).then(|| Reading::Names(names.collect()))
    }),
    names(Family::Caller("fields"), ("request has the header ", ""), |c, f| {
        let names = f.request_fields.split(' ').filter(|name| !OWN_FEATURES.contains(name));
        seen(c, f).then(|| Reading::Names(names.filter(|name| !name.is_empty()).map(str::to_owned).collect()))
    }),
    value(Family::Caller("call site"), "the call site", |c, f| column(c, f, "initiator")),
    names(Family::Caller("stack"), ("request was sent through ", ""), |_, f| {
        let stack: Vec<String> = f.stack.iter().map(ToString::to_string).collect();
        (!stack.is_empty()).then_some(Reading::Names(stack))
    }),
    value(Family::Caller("origin"), "Origin", |_, f| {
        Some(Reading::Value(f.cors.as_ref()?.origin.as_deref()?.to_owned()))
    }),
    value(Family::Caller("agent"), "User-Agent", |_, f| Some(Reading::Value(f.user_agent.as_deref()?.to_owned()))),
    value(Family::Caller("client"), "the client's address", |c, f| {
        Some(Reading::Value(c.client_socket(f)?.ip().to_string()))
    }),
    value(Family::Target("port"), "the port", |c, f| column(c, f, "port")),
    value(Family::Target("host"), "the host", |c, f| column(c, f, "host")),
    value(Family::Target("scheme"), "the scheme", |c, f| column(c, f, "scheme")),
    value(Family::Target("server"), "the server's address", |_, f| {
        let server = f.server?;
        // Some recordings know the address and not the port.
        Some(Reading::Value(if server.port() == 0 { server.ip().to_string() } else { server.to_string() }))
    }),
    value(Family::Target("protocol"), "the protocol", |c, f| column(c, f, "protocol")),
    flag(Family::Before("preflight"), "a preflight came before the request", |_, f| {
        Some(Reading::Flag(f.preflight.is_some()))
    }),
    value(Family::Target("instance"), "the server that answered", |_, f| {
        Some(Reading::Value(f.instance.as_deref()?.to_owned()))
    }),
    value(Family::Responder, "who answered", |_, f| {
        // Behind the bar stand names of fields, which answers of one server differ in, too.
        let server = f.responder.split(" | ").next()?.trim_end_matches(" -");
        (server != "-").then(|| Reading::Value(server.to_owned()))
    }),
];

/// Header fields that have features of their own, and those that differ from request to request.
const OWN_FEATURES: &[&str] =
    &["authorization", "cookie", "origin", "user-agent", "host", ":authority", "content-length"];

/// Whether the header list is the one that was sent.
fn seen(capture: &Capture, fact: &Fact) -> bool {
    fact.view == HeaderView::Full && !capture.hides_headers(fact.source.input)
}

fn column(capture: &Capture, fact: &Fact, name: &str) -> Option<Reading> {
    table::cell(name, fact, &capture.tokens).map(Reading::Value)
}

fn claims<'c>(capture: &'c Capture, fact: &Fact) -> Option<&'c Claims> {
    let credential: &Credential = fact.authorization().or_else(|| fact.main_credential())?;
    capture.tokens.get(credential.token).claims()
}

/// Nanoseconds until the token expires, as of the request; negative behind it.
fn remaining(capture: &Capture, fact: &Fact) -> Option<i64> {
    claims(capture, fact)?.exp?.intended().nanos().checked_sub(fact.sent_nanos())
}

fn verified_by<'c>(capture: &'c Capture, fact: &Fact) -> Option<Vec<&'c str>> {
    let results = capture.key_results.get(&fact.main_credential()?.token)?;
    Some(results.iter().filter(|result| result.verified).map(|result| &*result.name).collect())
}
