//! AUTH060: the preflight fails, so the request with the credential never leaves the browser.

use std::{cell::LazyCell, collections::BTreeSet};

use authtrace_parse::{HeaderView, Kind};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, cors::Cors, credential::Method, role::Role, site},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH060",
        id: "preflight-blocked",
        title: "Preflight fails, so the request is never sent",
        severity: Severity::High,
        layer: Layer::Transport,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.cors-order"],
    },
    check: Check::Timeline(check),
};

/// What the browser found wrong with the answer to a preflight (Fetch, "CORS-preflight fetch").
enum Defect {
    /// Something in front of the application asks preflights for credentials.
    WantsCredentials(u16),
    /// Preflights may not be redirected.
    Redirected(u16),
    /// No 2xx, and nobody who answers preflights.
    Status(u16),
    /// `Access-Control-Allow-Origin` is absent or names another origin.
    Origin(Option<String>),
    /// Header names that were asked for and are not allowed.
    Headers(Vec<String>),
    /// The method is not allowed.
    Method(String),
    /// Everything is allowed but credentials, and the request was held back all the same.
    Credentials,
}

/// What the origins of a timeline take: a page may have ten thousand preflights.
struct Origins<'a> {
    /// A request got through its preflight.
    passed: BTreeSet<&'a Text>,
    /// A request brought a credential, or was given one.
    credentialed: BTreeSet<&'a Text>,
}

impl<'a> Origins<'a> {
    fn of(case: &Case<'a>) -> Self {
        let of = |holds: fn(&Fact) -> bool| case.facts().filter(|f| holds(f)).map(|f| &f.origin).collect();
        Self {
            passed: of(|f| f.preflight.is_some() && f.status.is_some()),
            credentialed: of(|f| !f.credentials.is_empty() || !f.delivered.is_empty()),
        }
    }
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let origins = LazyCell::new(|| Origins::of(case));
    for fact in case.facts().filter(|f| f.role == Role::Preflight) {
        let request = fact.preflight_of.and_then(|id| case.fact(id));
        // The request got an answer: whatever the preflight looks like, it did not block.
        if request.is_some_and(|r| r.status.is_some() || unreachable(r)) {
            continue;
        }
        let Some(cors) = fact.cors.as_ref().filter(|c| c.origin.is_some() && c.request_method.is_some()) else {
            continue;
        };
        // A server that is down for a moment answers preflights no better than the rest.
        if fact.status.is_some_and(|status| status >= 500) && origins.passed.contains(&fact.origin) {
            continue;
        }
        if let Some(defect) = fact.status.and_then(|status| defect(status, cors, request)) {
            out.add(draft(&origins, fact, cors, request, &defect));
        }
    }
    let lists_preflights = case.facts().any(|f| f.role == Role::Preflight);
    for fact in case.facts().filter(|f| !lists_preflights && held_back(f)) {
        if let Some(page) = page_origin(case, fact).filter(|page| **page != *fact.origin) {
            out.add(unseen(fact, page));
        }
    }
}

/// Nobody answered at that address, or the page went away: no question of CORS.
fn unreachable(fact: &Fact) -> bool {
    const ELSEWHERE: &[&str] = &["REFUSED", "NAME_NOT", "TIMED_OUT", "RESET", "ABORTED", "INTERNET", "CLOSED", "SSL"];
    fact.failure.as_deref().is_some_and(|f| ELSEWHERE.iter().any(|word| f.contains(word)))
}

/// The most telling defect: who answered, before what the answer lacks.
fn defect(status: u16, cors: &Cors, request: Option<&Fact>) -> Option<Defect> {
    let refused: Vec<String> = cors.refused_headers().iter().map(ToString::to_string).collect();
    match status {
        401 | 403 | 407 => return Some(Defect::WantsCredentials(status)),
        300..=399 => return Some(Defect::Redirected(status)),
        // 400 is how Starlette says "disallowed"; its other headers say what.
        400 | 200..=299 => {}
        _ => return Some(Defect::Status(status)),
    }
    if !cors.allows_origin() {
        return Some(Defect::Origin(cors.allow_origin.as_deref().map(str::to_owned)));
    }
    if !refused.is_empty() {
        return Some(Defect::Headers(refused));
    }
    if !cors.allows_method() {
        return Some(Defect::Method(cors.request_method.as_deref().unwrap_or_default().to_owned()));
    }
    if status == 400 {
        return Some(Defect::Status(status));
    }
    let wildcard = cors.allow_origin.as_deref() == Some("*");
    (request.is_some() && (wildcard || !cors.allow_credentials)).then_some(Defect::Credentials)
}

fn draft(origins: &Origins<'_>, fact: &Fact, cors: &Cors, request: Option<&Fact>, defect: &Defect) -> Draft {
    let page = cors.origin.as_deref().unwrap_or_default();
    let method = cors.request_method.as_deref().unwrap_or_default();
    let path = fact.route.split_once(' ').map_or(&*fact.route, |(_, path)| path);
    let (at, shows) = evidence(defect);
    let held = match request {
        Some(_) => format!("so the browser held {method} {path} back"),
        None => format!("and no {method} {path} follows"),
    };
    let draft = Draft::new(&RULE.meta, fact)
        .variant(variant(defect))
        .because(Reason::WireFact)
        .because_if(request.is_some(), Reason::Timing)
        .because_if(request.is_some() && origins.passed.contains(&fact.origin), Reason::Control)
        .capped((matches!(defect, Defect::Credentials)).then_some(Cap::NoControl))
        .primary(fact.id, at, shows)
        .related(fact.id, "request.header.access-control-request-headers", asked(cors))
        .cause(format!("{} {}", fact.origin, variant(defect)))
        .message(format!("The preflight of {method} {path} from {page} {}, {held}.", explain(fact, defect)));
    let draft = match is_no_matter_of_login(origins, fact, cors) {
        true => draft.severity(Severity::Low, "a service of another site, to which nothing here sends a credential"),
        false => draft,
    };
    match request {
        Some(request) => draft.also([request.id]).related(
            request.id,
            "request",
            format!("not sent: {}", request.failure.as_deref().unwrap_or("no answer")),
        ),
        None => draft,
    }
}

/// Whether the request goes to another site without a credential, and so does every other one to it: an advertisement, a
/// counter of visitors.
fn is_no_matter_of_login(origins: &Origins<'_>, fact: &Fact, cors: &Cors) -> bool {
    let page = site::host_of(cors.origin.as_deref().unwrap_or_default());
    !cors.request_headers.iter().any(|name| is_credential_header(name))
        && !site::same_site(page, &fact.host)
        && !origins.credentialed.contains(&fact.origin)
}

/// Whether a header of this name may hold a credential; those of content and of tracing do not.
fn is_credential_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["auth", "token", "key", "session", "csrf", "xsrf"].iter().any(|part| lower.contains(part))
}

fn asked(cors: &Cors) -> String {
    let names: Vec<&str> = cors.request_headers.iter().map(|h| &**h).collect();
    if names.is_empty() { "asks for no header".into() } else { format!("asks for {}", names.join(", ")) }
}

fn variant(defect: &Defect) -> &'static str {
    match defect {
        Defect::WantsCredentials(_) => "wants-credentials",
        Defect::Redirected(_) => "redirected",
        Defect::Status(_) => "no-preflight-route",
        Defect::Origin(_) => "origin-not-allowed",
        Defect::Headers(_) => "header-not-allowed",
        Defect::Method(_) => "method-not-allowed",
        Defect::Credentials => "credentials-not-allowed",
    }
}

/// The part of the answer that shows the defect, and what stands there.
fn evidence(defect: &Defect) -> (&'static str, String) {
    match defect {
        Defect::WantsCredentials(status) | Defect::Redirected(status) | Defect::Status(status) => {
            ("response.status", status.to_string())
        }
        Defect::Origin(allowed) => {
            ("response.header.access-control-allow-origin", allowed.clone().unwrap_or_else(|| "absent".into()))
        }
        Defect::Headers(names) => {
            ("response.header.access-control-allow-headers", format!("does not list {}", names.join(", ")))
        }
        Defect::Method(method) => ("response.header.access-control-allow-methods", format!("does not list {method}")),
        Defect::Credentials => ("response.header.access-control-allow-credentials", "not \"true\"".into()),
    }
}

/// Completes "The preflight of … from …".
fn explain(fact: &Fact, defect: &Defect) -> String {
    match defect {
        Defect::WantsCredentials(status) => {
            format!("was answered {status}: something asks preflights for credentials, which they never carry")
        }
        Defect::Redirected(status) => format!("was redirected ({status}), which preflights may not be"),
        Defect::Status(status) => format!("was answered {status}, not 2xx"),
        Defect::Origin(None) => "got no Access-Control-Allow-Origin".into(),
        Defect::Origin(Some(allowed)) => format!("got Access-Control-Allow-Origin: {allowed}, another origin"),
        Defect::Headers(names) => {
            let wildcard = fact.cors.as_ref().and_then(|c| c.allow_headers.as_ref());
            let star = wildcard.is_some_and(|allowed| allowed.iter().any(|h| &**h == "*"));
            let note = if star { " (* does not cover Authorization)" } else { "" };
            format!("does not allow the header {}{note}", names.join(", "))
        }
        Defect::Method(method) => format!("does not allow the method {method}"),
        Defect::Credentials => "allows the request but no credentials".into(),
    }
}

/// Whether a request was held back by its browser although it needs a preflight, in a recording that lists none.
fn held_back(fact: &Fact) -> bool {
    let needs = fact.has_method(Method::Authorization) || !matches!(&*fact.method, "GET" | "HEAD" | "POST");
    let blocked = fact.failure.as_deref().is_some_and(|f| f.contains("ERR_FAILED") || f.contains("CORS"));
    fact.kind == Kind::Http && fact.status.is_none() && fact.view == HeaderView::Provisional && blocked && needs
}

/// The origin of the page that sent `fact`: its `Origin`, else its document's.
fn page_origin<'a>(case: &Case<'a>, fact: &'a Fact) -> Option<&'a str> {
    let stated = fact.cors.as_ref().and_then(|c| c.origin.as_deref());
    stated.or_else(|| {
        let document = case.facts().rfind(|f| f.is_document && f.lifetime == fact.lifetime && f.succeeded())?;
        Some(&*document.origin)
    })
}

/// A request that was held back where the recorder lists no preflights: the likely reason, not a proven one.
fn unseen(fact: &Fact, page: &str) -> Draft {
    let failure = fact.failure.as_deref().unwrap_or("no answer");
    Draft::new(&RULE.meta, fact)
        .variant("unseen")
        .title("Cross-origin request held back, probably by its preflight")
        .because(Reason::WireFact)
        .capped([Cap::NoControl])
        .severity(Severity::Low, "the recording lists no preflights, so nothing shows what was refused")
        .primary(fact.id, "request", format!("not sent: {failure}"))
        .cause(format!("{} unseen", fact.origin))
        .message(format!(
            "{} from {page} to {} needs a preflight and ended with {failure} before it was sent; this recording lists no preflights, so what the preflight lacked is unknown.",
            fact.route, fact.origin
        ))
}
