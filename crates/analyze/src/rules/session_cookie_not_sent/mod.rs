//! AUTH051: a session cookie was set, and a request that needs it went out without it; or a sign-in set none.

mod never_set;

use std::collections::HashMap;

use authtrace_parse::HeaderView;

use crate::{
    capture::Protection,
    case::{Case, Seen},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Fact,
        cookie_jar::{self, Jar, Stored, Withheld},
        credential::{Carrier, Credential, Method},
        role::Role,
        site,
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    tokens::Purpose,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH051",
        id: "session-cookie-not-sent",
        title: "Session cookie missing on a request that needs it",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.cookie-attributes", "fe.include-credentials"],
    },
    check: Check::Timeline(check),
};

/// Why the cookie stayed behind.
#[derive(Clone, Copy, PartialEq)]
enum Why {
    /// The jar holds it back for one of its attributes.
    Held(Withheld),
    /// A cross-origin script request that does not ask for credentials.
    CredentialsMode,
    /// A cross-site request: the browser blocks third-party cookies, or the script does not ask for credentials.
    ThirdParty,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let mut setters: Vec<&Fact> =
        case.facts().filter(|f| !f.set_cookies.is_empty() || f.role == Role::Logout).collect();
    setters.sort_by_key(|f| f.answered_nanos());
    let (mut jar, mut next) = (Jar::default(), 0);
    let accepting = Accepting::of(case);
    for fact in case.refusals() {
        while let Some(setter) = setters.get(next).filter(|s| s.answered_nanos() <= fact.started_nanos()) {
            jar.observe(setter);
            next += 1;
        }
        // Absence is claimed from complete headers only (G1, G10).
        if fact.view != HeaderView::Full || fact.status.is_none() || case.capture().is_sanitized(fact.source.input) {
            continue;
        }
        let missing = jar.cookies().filter(|stored| !carries(fact, stored) && needs(case, &accepting, fact, stored));
        let explained = missing.filter_map(|stored| Some((stored, why(fact, stored)?)));
        let explained = explained.filter(|(_, why)| !is_of_other_part(&accepting, fact, *why));
        // The cookie of the same origin says most; among its equals the latest one is the session.
        if let Some((stored, why)) = explained.max_by_key(|(s, _)| (s.origin == fact.origin, s.at)) {
            out.add(draft(case, &accepting, fact, stored, why));
        }
    }
    never_set::check(case, out);
}

/// Whether the cookie is that of another part of the site, and the request has the one that its own part takes.
fn is_of_other_part(accepting: &Accepting<'_>, fact: &Fact, why: Why) -> bool {
    let own = |c: &Credential| accepting.0.contains_key(&(&*fact.origin, &c.carrier));
    why == Why::Held(Withheld::Path) && fact.cookies().any(own)
}

fn carries(fact: &Fact, stored: &Stored) -> bool {
    fact.cookies().any(|c| c.carrier == Carrier::Cookie(stored.cookie.name.clone()))
}

/// Whether the request stands or falls with this cookie: nothing else speaks for its sender, and the API was seen to take
/// the cookie, or set it itself and was never seen to take anything else.
fn needs(case: &Case<'_>, accepting: &Accepting<'_>, fact: &Fact, stored: &Stored) -> bool {
    if matches!(fact.role, Role::Refresh | Role::Mint) {
        let presented = fact.request.refresh_token.is_some() || !fact.request.body_seen;
        return !presented && stored.purpose == Purpose::Refresh && related(fact, stored);
    }
    // What trades a grant or a password for tokens, and what is open to all, asks for no session; what a callback misses is
    // the state of its login (AUTH091).
    if matches!(fact.role, Role::Token | Role::Login | Role::Callback | Role::Introspect | Role::Jwks | Role::Discovery)
    {
        return false;
    }
    let other =
        fact.credentials.iter().any(|c| !c.is_cookie() || c.carrier == Carrier::Cookie(stored.cookie.name.clone()));
    if other || !matches!(case.authorization(fact), Seen::Absent { .. }) {
        return false;
    }
    let (control, _) = case.control(fact);
    let takes_header = control.accepts(Method::Authorization) || control.accepts(Method::ApiKey);
    accepting.first(fact, stored).is_some() || (!takes_header && related(fact, stored))
}

/// Whether the cookie is this service's own: set by this origin, or by the same service under another host name.
fn related(fact: &Fact, stored: &Stored) -> bool {
    let alias = site::is_loopback(&fact.host) && site::is_loopback(&stored.host);
    let service = fact.origin.rsplit(':').next() == stored.origin.rsplit(':').next();
    fact.origin == stored.origin || (alias && service) || (!alias && site::same_site(&fact.host, &stored.host))
}

/// The first request of a protected route that each origin accepted with cookies alone, by the cookie's carrier.
struct Accepting<'a>(HashMap<(&'a str, &'a Carrier), &'a Fact>);

impl<'a> Accepting<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut first = HashMap::new();
        let by_cookie = |f: &&Fact| f.accepted() && f.credentials.iter().all(Credential::is_cookie);
        for fact in case.api_calls().filter(by_cookie) {
            if fact.credentials.is_empty() || case.capture().protection(fact) != Protection::Protected {
                continue;
            }
            for cookie in fact.cookies() {
                first.entry((&*fact.origin, &cookie.carrier)).or_insert(fact);
            }
        }
        Self(first)
    }

    fn first(&self, fact: &Fact, stored: &Stored) -> Option<&'a Fact> {
        self.0.get(&(&*fact.origin, &Carrier::Cookie(stored.cookie.name.clone()))).copied()
    }
}

fn why(fact: &Fact, stored: &Stored) -> Option<Why> {
    match stored.withheld(fact).as_slice() {
        [] if !fact.is_cross_origin() || !cookie_jar::is_subresource(fact) || fact.has_cookies => None,
        [] if cookie_jar::is_cross_site(fact) => Some(Why::ThirdParty),
        [] => Some(Why::CredentialsMode),
        [one] => Some(Why::Held(*one)),
        // `localhost` and `127.0.0.1` are two sites because they are two hosts: one reason, seen twice.
        [Withheld::Host, Withheld::SameSite] => Some(Why::Held(Withheld::Host)),
        // Two attributes that disagree with a request mean that it was never meant to go there.
        _ => None,
    }
}

fn draft(case: &Case<'_>, accepting: &Accepting<'_>, fact: &Fact, stored: &Stored, why: Why) -> Draft {
    let name = &stored.cookie.name;
    let accepted = accepting.first(fact, stored);
    let says_missing = fact.outcome.error.is_some_and(|e| e.is_missing());
    let sure = accepted.is_some() || says_missing || fact.role == Role::Refresh;
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(why))
        .credential(stored.token)
        .because(Reason::WireFact)
        .because_if(accepted.is_some(), Reason::Control)
        .because_server_says(fact)
        .capped((!sure).then_some(Cap::NoControl))
        .primary(fact.id, &format!("request.cookie.{name}"), "absent")
        .related(stored.set_by, &format!("response.cookie.{name}"), stored.attributes())
        .server_says(fact)
        .fixes(fixes(why))
        .cause(format!("{} {name} {}", fact.origin, variant(why)))
        .message(message(case, fact, stored, why));
    match accepted {
        Some(control) => draft.related(control.id, &format!("request.cookie.{name}"), "present, and accepted"),
        None => draft,
    }
}

fn variant(why: Why) -> &'static str {
    match why {
        Why::Held(Withheld::Rejected(_)) => "never-kept",
        Why::Held(Withheld::Host) => "other-host",
        Why::Held(Withheld::Path) => "other-path",
        Why::Held(Withheld::Secure) => "secure-over-http",
        Why::Held(Withheld::SameSite) => "same-site",
        Why::Held(Withheld::Expired) => "expired",
        Why::CredentialsMode => "credentials-mode",
        Why::ThirdParty => "third-party",
    }
}

fn fixes(why: Why) -> &'static [&'static str] {
    match why {
        Why::CredentialsMode => &["fe.include-credentials"],
        Why::ThirdParty => &["fe.include-credentials", "be.cookie-attributes"],
        Why::Held(Withheld::Host) => &["fe.base-url", "be.cookie-attributes"],
        Why::Held(_) => &["be.cookie-attributes"],
    }
}

fn message(case: &Case<'_>, fact: &Fact, stored: &Stored, why: Why) -> String {
    let name = &stored.cookie.name;
    let setter = case.fact(stored.set_by).map_or_else(String::new, |f| f.route.to_string());
    let status = fact.status.unwrap_or_default();
    let seconds = (fact.started_nanos() - stored.at) / 1_000_000_000;
    let page = fact.cors.as_ref().and_then(|c| c.origin.as_deref()).unwrap_or("another site");
    let because = match why {
        Why::Held(Withheld::Rejected(_)) => format!("the browser had refused to keep what {setter} set"),
        Why::Held(Withheld::Host) => {
            format!("{setter} set it for {}, and this request went to {}", stored.host, fact.host)
        }
        Why::Held(Withheld::Path) => format!(
            "{setter} set it with Path={}, which does not cover this path",
            stored.cookie.path.as_deref().unwrap_or("(the default)")
        ),
        Why::Held(Withheld::Secure) => format!("it is Secure, and {} has no TLS", fact.origin),
        Why::Held(Withheld::SameSite) => {
            let attribute = stored.cookie.same_site.map_or("Lax by default".to_owned(), |s| format!("{s:?}"));
            format!("it is SameSite={attribute}, and the request comes from {page}, another site")
        }
        Why::Held(Withheld::Expired) => format!("{setter} set it {seconds} s before, and its lifetime was over"),
        Why::CredentialsMode => format!(
            "{setter} set it {seconds} s before; a script of {page} sends it to another origin only with credentials: 'include'"
        ),
        Why::ThirdParty => format!(
            "{setter} set it {seconds} s before; either the script of {page} does not ask for credentials, or the browser blocks third-party cookies"
        ),
    };
    format!("{} was sent without the cookie {name} and answered {status}: {because}.", fact.route)
}
