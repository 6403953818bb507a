//! What is said of each way to know that a hop in front of the application refused.

use super::{RULE, Sign, responder};
use crate::{
    case::{Case, Seen},
    facts::Fact,
    text::count,
};

pub(super) fn variant(sign: &Sign<'_>) -> &'static str {
    match sign {
        Sign::Proxy => "proxy-authentication",
        Sign::TooLarge => "fields-too-large",
        Sign::Identity => "gateway-identity",
        Sign::TwoLogins(_) => "two-logins",
        Sign::Key => "gateway-key",
        Sign::NoRoute => "no-such-route",
        Sign::Policy(_) => "gateway-policy",
        Sign::OtherServer(..) => "other-server",
    }
}

pub(super) fn title(sign: &Sign<'_>) -> &'static str {
    match sign {
        Sign::Proxy => "A forward proxy wants a credential of its own",
        Sign::TooLarge => "The request's cookies and fields are larger than the first hop reads",
        Sign::TwoLogins(_) => "Gateway and application both want Authorization",
        Sign::Key => "The gateway wants its own key beside the token",
        Sign::NoRoute => "The gateway knows no such route",
        _ => RULE.meta.title,
    }
}

pub(super) fn fixes(sign: &Sign<'_>) -> &'static [&'static str] {
    match sign {
        Sign::Proxy => &["client.proxy"],
        Sign::TooLarge => &["be.small-cookies"],
        Sign::TwoLogins(_) | Sign::Key | Sign::Identity => &["be.gateway-credential", "be.gateway-policy"],
        Sign::NoRoute => &["fe.base-url"],
        Sign::Policy(_) | Sign::OtherServer(..) => &["be.gateway-policy", "be.log-reason"],
    }
}

pub(super) fn part(fact: &Fact, sign: &Sign<'_>) -> &'static str {
    match sign {
        Sign::TooLarge if fact.head_bytes.is_some() => "request.header",
        Sign::Proxy | Sign::TooLarge => "response.status",
        Sign::TwoLogins(_) => "response.header.www-authenticate",
        Sign::OtherServer(..) => "response.header.server",
        _ => "response",
    }
}

pub(super) fn shows(fact: &Fact, sign: &Sign<'_>) -> String {
    let status = fact.status.unwrap_or_default();
    match sign {
        Sign::Proxy => "407, which only proxies send".into(),
        Sign::TooLarge => match fact.head_bytes {
            Some(bytes) => format!("{bytes} bytes of fields, answered {status}"),
            None => status.to_string(),
        },
        Sign::TwoLogins(_) => "Basic, while Authorization holds a Bearer token".into(),
        Sign::OtherServer(other, _) => {
            format!("\"{}\" where \"{}\" accepts", responder::server(fact), responder::server(other))
        }
        _ => match fact.hops.iter().find(|hop| hop.own) {
            Some(hop) => format!("{status} made by {}, not passed on", hop.name),
            None => format!("{status} in a gateway's words"),
        },
    }
}

pub(super) fn message(case: &Case<'_>, fact: &Fact, sign: &Sign<'_>, who: Option<&str>) -> String {
    let status = fact.status.unwrap_or_default();
    let who = who.unwrap_or("a gateway");
    let route = &fact.route;
    match sign {
        Sign::Proxy => format!(
            "A proxy in front of {} answered 407: it wants Proxy-Authorization, and the server never saw {route}.",
            fact.host
        ),
        Sign::TooLarge => {
            let cookies = case.facts().filter(|f| f.id == fact.id).flat_map(Fact::cookies).count();
            let size =
                fact.head_bytes.map_or_else(|| "larger fields".to_owned(), |bytes| format!("{bytes} bytes of fields"));
            format!(
                "{route} carried {size} ({}) and was answered {status}: {who} reads no more, so the application never saw it.",
                count(cookies, "session cookie")
            )
        }
        Sign::Identity => {
            let sent = match case.authorization(fact) {
                Seen::Present | Seen::Set(_) => {
                    "the credential that the request carries is the application's, not the gateway's"
                }
                _ => "the request carries no credential for it",
            };
            format!(
                "{route} was answered {status} by {who}, which wants to know the caller before it passes anything on; {sent}."
            )
        }
        Sign::TwoLogins(_) => format!(
            "{route} was answered {status} by {who}, which asks for Basic; the request carries a Bearer token for the application in the only Authorization field, so one of the two always fails."
        ),
        Sign::Key => format!(
            "{route} was answered {status}: the gateway wants a key of its own, and the request carries only the token for the application behind it."
        ),
        Sign::NoRoute => format!(
            "{route} was answered {status} by {who}, which says \"missing authentication token\" where it knows no such path or method: no credential helps."
        ),
        Sign::Policy(other) => format!(
            "{route} was answered {status} by {who} itself; {} is accepted with the same token, so a rule of the gateway for this route refused it.",
            other.route
        ),
        Sign::OtherServer(other, _) => format!(
            "{route} was answered {status} by another server than the one that accepts this token on {}: \"{}\", without the fields that the application sends.",
            other.route,
            responder::server(fact)
        ),
    }
}
