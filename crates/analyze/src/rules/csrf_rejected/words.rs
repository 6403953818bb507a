//! What failed in the check against forged requests, in words.

use super::{Fault, Sign};
use crate::{
    facts::{Fact, credential::Method},
    text::answered,
};

pub(super) fn variant(sign: Sign, fault: Fault) -> &'static str {
    match (sign, fault) {
        (Sign::Stateless, _) => "stateful-domain",
        (_, Fault::NoToken) => "no-token",
        (_, Fault::NotDecoded) => "not-decoded",
        (_, Fault::Mismatch) => "mismatch",
        (_, Fault::NoCookie) => "no-cookie",
        (_, Fault::Origin) => "origin",
        (_, Fault::Unknown) => "refused",
    }
}

pub(super) fn fixes(fact: &Fact, sign: Sign, fault: Fault) -> &'static [&'static str] {
    match (sign, fault) {
        (Sign::Stateless, _) => &["be.csrf-origins", "be.cookie-attributes"],
        _ if fact.has_method(Method::Authorization) => &["be.csrf-bearer", "fe.csrf"],
        (_, Fault::Origin) => &["be.csrf-origins"],
        (_, Fault::NoCookie) => &["fe.include-credentials", "be.cookie-attributes"],
        _ => &["fe.csrf", "be.csrf-origins"],
    }
}

/// Where a token was, and where none was.
pub(super) fn carriers(fact: &Fact, is_complete: bool) -> Vec<(String, String)> {
    let csrf = fact.csrf.as_deref().cloned().unwrap_or_default();
    let mut carriers = Vec::new();
    if let Some(header) = &csrf.header {
        carriers.push((format!("request.header.{header}"), "present".to_owned()));
    }
    if let Some(field) = &csrf.field {
        carriers.push((format!("request.body.{field}"), "present".to_owned()));
    }
    if let Some(cookie) = &csrf.cookie {
        carriers.push((format!("request.cookie.{cookie}"), "present".to_owned()));
    }
    if carriers.is_empty() && is_complete {
        carriers.push(("request".to_owned(), "no CSRF token in header, field, query or cookie".to_owned()));
    }
    carriers
}

pub(super) fn message(
    fact: &Fact,
    sign: Sign,
    fault: Fault,
    passed: Option<&Fact>,
    recovered: Option<&Fact>,
) -> String {
    let head = format!("{} {}", fact.route, answered(fact.status));
    let csrf = fact.csrf.as_deref().cloned().unwrap_or_default();
    let cookie = csrf.cookie.as_deref().unwrap_or("with the token");
    let header = csrf.header.as_deref().unwrap_or("with the token");
    let page = fact.cors.as_ref().and_then(|c| c.origin.as_deref()).unwrap_or("the page's origin");
    let says = match sign {
        Sign::Said => "the check against forged requests refused it, not the sign-in",
        Sign::SentBack => "the server sends the client back for an anti-forgery token",
        Sign::Silent => "the answer names no reason, and its anti-forgery token is not there as it should be",
        Sign::Foreign => {
            "the answer names no reason, and the same call passes with the same cookie where no other site sends it"
        }
        Sign::Stateless => {
            "the login passed, session cookie and CSRF token are there, and the API does not look at them"
        }
    };
    let what = match fault {
        Fault::NoToken if csrf.cookie.is_some() => {
            format!("The cookie {cookie} was sent, its value in no header, field or query.")
        }
        Fault::NoToken => "The request carried no CSRF token in header, field or query.".to_owned(),
        Fault::NotDecoded => {
            format!(
                "The header {header} repeats the cookie {cookie} with its percent-encoding, which the server compares decoded."
            )
        }
        Fault::Mismatch => {
            format!("The header {header} differs from the cookie {cookie}: it was read before the last one was set.")
        }
        Fault::NoCookie => {
            let token = match (&csrf.header, &csrf.field) {
                (None, Some(field)) => format!("field {field}"),
                _ => format!("header {header}"),
            };
            format!("The {token} was sent without any cookie, so there is nothing to compare it with.")
        }
        Fault::Origin if sign == Sign::Stateless => format!("It does not count {page} among its own front ends."),
        Fault::Origin => format!("It does not trust {page}."),
        Fault::Unknown => "The request does not show what was wrong with the token.".to_owned(),
    };
    let bearer = match fact.has_method(Method::Authorization) {
        true => " The request authenticates by Authorization, which no other site can forge: it needs no such check.",
        false => "",
    };
    let control = match (recovered, passed) {
        (Some(_), _) => " The client repeated it and was accepted.".to_owned(),
        (None, Some(ok)) => format!(" {} passed with a token.", ok.route),
        (None, None) => String::new(),
    };
    format!("{head}: {says}. {what}{bearer}{control}")
}
