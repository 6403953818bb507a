//! What may be wrong with the binding of a token, and what is said of each.

use crate::{facts::Fact, text::span};

/// What is wrong.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fault {
    Bearer,
    NoProof,
    Malformed,
    Method,
    OtherOrigin,
    Url,
    Stale(i64),
    Repeated,
    NoHash,
    OtherToken,
    OtherKey,
    NonceLoop,
    Certificate,
    /// The server says so, and nothing on the wire shows why.
    Said,
}

pub(super) fn variant(fault: Fault) -> &'static str {
    match fault {
        Fault::Bearer => "sent-as-bearer",
        Fault::NoProof => "no-proof",
        Fault::Malformed => "malformed-proof",
        Fault::Method => "htm-mismatch",
        Fault::OtherOrigin => "htu-origin",
        Fault::Url => "htu-mismatch",
        Fault::Stale(_) => "iat-outside-window",
        Fault::Repeated => "jti-reused",
        Fault::NoHash => "ath-missing",
        Fault::OtherToken => "ath-mismatch",
        Fault::OtherKey => "key-mismatch",
        Fault::NonceLoop => "nonce-loop",
        Fault::Certificate => "client-certificate",
        Fault::Said => "proof-refused",
    }
}

pub(super) fn evidence(fault: Fault) -> (&'static str, &'static str) {
    const PROOF: &str = "request.header.dpop";
    match fault {
        Fault::Bearer => ("token.claim.cnf", "jkt is there, and the scheme is Bearer"),
        Fault::NoProof => (PROOF, "absent"),
        Fault::Malformed => (PROOF, "no single JWT of type dpop+jwt with a key"),
        Fault::Method => (PROOF, "htm is another method"),
        Fault::OtherOrigin => (PROOF, "htu names another scheme, host or port"),
        Fault::Url => (PROOF, "htu is another URL, or absent"),
        Fault::Stale(_) => (PROOF, "iat is outside the window"),
        Fault::Repeated => (PROOF, "its jti was used before"),
        Fault::NoHash => (PROOF, "no ath"),
        Fault::OtherToken => (PROOF, "ath is the hash of another token"),
        Fault::OtherKey => (PROOF, "its key is not the one in cnf.jkt"),
        Fault::NonceLoop => ("response.status", "use_dpop_nonce, again"),
        Fault::Certificate => ("response.status", "the server wants a client certificate"),
        Fault::Said => ("response.status", "invalid_dpop_proof"),
    }
}

pub(super) fn fixes(fault: Fault) -> &'static [&'static str] {
    match fault {
        Fault::OtherOrigin => &["be.proxy-url", "fe.dpop-proof"],
        Fault::NonceLoop => &["fe.dpop-nonce"],
        Fault::Certificate => &["be.client-certificate"],
        Fault::Stale(_) => &["be.leeway", "fe.dpop-proof"],
        Fault::Said => &["fe.dpop-proof", "be.log-reason"],
        _ => &["fe.dpop-proof"],
    }
}

pub(super) fn message(fact: &Fact, fault: Fault) -> String {
    let status = fact.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let why = match fault {
        Fault::Bearer => "the token is bound to a key (cnf.jkt) and came as a plain Bearer token; it must come under the scheme DPoP with a proof".to_owned(),
        Fault::NoProof => "no DPoP proof came with it".to_owned(),
        Fault::Malformed => "the DPoP header is not one JWT of type dpop+jwt with a public key".to_owned(),
        Fault::Method => "the proof is for another method (htm)".to_owned(),
        Fault::OtherOrigin => "the proof names the same path at another scheme, host or port (htu): client and server see different URLs, as behind a proxy that rewrites Host".to_owned(),
        Fault::Url => "the proof is for another URL (htu)".to_owned(),
        Fault::Stale(off) if off > 0 => format!("the proof was {} old", span(off)),
        Fault::Stale(off) => format!("the proof was made {} in the future of the server's clock", span(off)),
        Fault::Repeated => "the proof had been used before (jti), and each is good for one request".to_owned(),
        Fault::NoHash => "the proof does not say which token it belongs to (ath)".to_owned(),
        Fault::OtherToken => "the proof belongs to another token (ath), as after a refresh that only one of the two heard of".to_owned(),
        Fault::OtherKey => "the proof is signed with another key than the one that the token is bound to (cnf.jkt): the key pair was made anew or comes from another tab or device".to_owned(),
        Fault::NonceLoop => "the server asks for a nonce again and again; the client does not send the one that it was given, or the server does not remember it".to_owned(),
        Fault::Certificate => "the server wants a TLS client certificate (mTLS), and none came or another one".to_owned(),
        Fault::Said => "the server does not accept the DPoP proof; its form, method, URL, time and token are as they should be".to_owned(),
    };
    format!("{} was answered {status}: {why}.", fact.route)
}
