//! Security schemes as API descriptions name them (OpenAPI 3.1 §4.8.27), and whether a request carries what they ask for.

use crate::facts::{Fact, credential::Carrier};

/// One way to present a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization` with this scheme, in lower case.
    Http(Box<str>),
    /// A header of its own, by lower-case name.
    Header(Box<str>),
    /// A cookie, by name.
    Cookie(Box<str>),
    /// A query parameter, by name.
    Query(Box<str>),
    /// An access token of a provider, presented as a bearer token (RFC 6750).
    OAuth,
    /// A client certificate, which no exchange shows.
    MutualTls,
}

impl Scheme {
    /// Whether a cookie carries it.
    pub fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }

    /// The `Authorization` scheme that it uses.
    pub fn authorization(&self) -> Option<&str> {
        match self {
            Self::Http(scheme) => Some(scheme),
            Self::OAuth => Some("bearer"),
            _ => None,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Http(scheme) => scheme.to_string(),
            Self::Header(name) => format!("header {name}"),
            Self::Cookie(name) => format!("cookie {name}"),
            Self::Query(name) => format!("query parameter {name}"),
            Self::OAuth => "a bearer token".to_owned(),
            Self::MutualTls => "a client certificate".to_owned(),
        }
    }

    fn is_met_by(&self, fact: &Fact) -> bool {
        let carried = |carrier: &dyn Fn(&Carrier) -> bool| fact.credentials.iter().any(|c| carrier(&c.carrier));
        match self {
            Self::Http(_) | Self::OAuth => {
                let sent = fact.authorization().and_then(|c| c.scheme.as_deref()).unwrap_or_default();
                // A sender-constrained token is presented under a scheme of its own (RFC 9449 §7.1).
                self.authorization().is_some_and(|wanted| {
                    wanted.eq_ignore_ascii_case(sent) || (wanted == "bearer" && sent.eq_ignore_ascii_case("dpop"))
                })
            }
            Self::Header(name) => {
                carried(&|c| matches!(c, Carrier::Header(n) if n.eq_ignore_ascii_case(name)))
                    || fact.request_fields.split([' ', ',', '\n']).any(|field| field.eq_ignore_ascii_case(name))
            }
            // Cookies that look like no credential are not listed by name.
            Self::Cookie(name) => carried(&|c| matches!(c, Carrier::Cookie(n) if **n == **name)) || fact.has_cookies,
            Self::Query(name) => {
                carried(&|c| matches!(c, Carrier::Query(n) if **n == **name))
                    || fact.query_keys.iter().any(|key| **key == **name)
            }
            Self::MutualTls => true,
        }
    }
}

/// One scheme that an operation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Its name in the document.
    pub name: Box<str>,
    /// What it is.
    pub scheme: Scheme,
    /// Scopes or roles that are wanted with it.
    pub scopes: Vec<Box<str>>,
}

/// Schemes that must all be met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternative {
    /// Every one of them.
    pub required: Vec<Required>,
}

impl Alternative {
    pub(super) fn in_words(&self) -> String {
        let one = |required: &Required| {
            let scopes = required.scopes.join(" ");
            let scopes = if scopes.is_empty() { String::new() } else { format!(" with {scopes}") };
            format!("{} ({}){scopes}", required.scheme.in_words(), required.name)
        };
        self.required.iter().map(one).collect::<Vec<_>>().join(" and ")
    }

    pub(super) fn is_met_by(&self, fact: &Fact) -> bool {
        self.required.iter().all(|required| required.scheme.is_met_by(fact))
    }
}
