//! AUTH052: a request was refused by a check against forged requests, not for its credential.

mod words;

use std::{cell::LazyCell, collections::BTreeMap, time::Duration};

use authtrace_parse::HeaderView;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{
        Fact, cookie_jar,
        credential::Method,
        csrf::{Compared, Csrf},
        gate::Gate,
        outcome::OutcomeClass,
        role::Role,
    },
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    thresholds::{nanos, thresholds},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH052",
        id: "csrf-rejected",
        title: "Refused by the check against forged requests (CSRF)",
        severity: Severity::Medium,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.csrf", "be.csrf-origins"],
    },
    check: Check::Timeline(check),
};

thresholds! {
    /// A repetition that passes this soon shows a client that fetches a new token by itself.
    recovered: time = Duration::from_secs(10),
    /// A person who loads the form anew and sends it again takes this long.
    recovered_by_hand: time = Duration::from_secs(120),
}

/// How one knows that it was this check.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    /// The server says so, by words or by status 419.
    Said,
    /// The server sends the client back for a token (Auth.js).
    SentBack,
    /// A 403, or ASP.NET Core's 400, without words to a changing request that lacks the token for which it has the cookie.
    Silent,
    /// A page of another site sent it, and the same call passes with the same cookie where none did.
    Foreign,
    /// A first-party session is set up and not recognised: the page's host is no stateful domain (Laravel Sanctum).
    Stateless,
}

/// What is wrong with the token, as the request shows it.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// None was sent in header, field or query.
    NoToken,
    /// The header holds the cookie's value still percent-encoded.
    NotDecoded,
    /// Header and cookie differ.
    Mismatch,
    /// The cookie that the token is compared with was not sent.
    NoCookie,
    /// The page's origin is not trusted.
    Origin,
    /// The request does not show it.
    Unknown,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let passed = LazyCell::new(|| Passed::of(case));
    for fact in
        case.facts().filter(|f| !f.gates.any(&[Gate::NotServer, Gate::Preflight, Gate::Probe, Gate::HealthCheck]))
    {
        if let Some(sign) = sign(case, &passed, fact) {
            out.add(draft(case, &passed, fact, sign));
        }
    }
}

fn sign(case: &Case<'_>, passed: &Passed<'_>, fact: &Fact) -> Option<Sign> {
    if fact.outcome.class == OutcomeClass::Csrf {
        return Some(Sign::Said);
    }
    if changes(fact) && fact.csrf.as_ref().is_some_and(|csrf| csrf.asks) {
        return Some(Sign::SentBack);
    }
    if is_silent(case, passed, fact) {
        return Some(Sign::Silent);
    }
    if is_foreign(case, fact) {
        return Some(Sign::Foreign);
    }
    is_stateless(case, passed, fact).then_some(Sign::Stateless)
}

/// Whether the method may change something (RFC 9110 §9.2.1): only such requests are checked.
fn changes(fact: &Fact) -> bool {
    !matches!(&*fact.method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

fn shows_all(case: &Case<'_>, fact: &Fact) -> bool {
    fact.view == HeaderView::Full && !case.capture().is_sanitized(fact.source.input)
}

/// A 403 that names no reason, where cookies speak for the sender, the page has a CSRF cookie, and the token that belongs
/// to it is missing or another one; a request that had it passed, or nothing else was ever wrong.
fn is_silent(case: &Case<'_>, passed: &Passed<'_>, fact: &Fact) -> bool {
    let Some(csrf) = fact.csrf.as_deref().filter(|csrf| csrf.cookie.is_some()) else { return false };
    let open = fact.outcome.error.is_none() || fact.outcome.says(&[ErrorClass::Forbidden]);
    let nameless = open && fact.outcome.error_text.as_deref().is_none_or(is_one_word);
    let lacks = !csrf.is_sent() || matches!(csrf.compared, Some(Compared::NotDecoded));
    changes(fact)
        && (fact.status == Some(403) && fact.cookies().next().is_some() || is_bare_400(fact, csrf))
        && nameless
        && lacks
        && shows_all(case, fact)
        && !fact.has_method(Method::Authorization)
        && !fact.role.delivers()
        && !passed.without(fact)
}

/// A refusal without a reason to a page of another site, whose user's cookie the same call takes otherwise.
fn is_foreign(case: &Case<'_>, fact: &Fact) -> bool {
    let open = fact.outcome.error.is_none_or(|error| error.is_general() || error == ErrorClass::Forbidden);
    let denied = fact.refused() || fact.outcome.class == OutcomeClass::Forbidden;
    let cookie = fact.main_credential().filter(|c| c.is_cookie() && open && denied && cookie_jar::is_cross_site(fact));
    let passes = |f: &Fact| f.accepted() && f.route == fact.route && !cookie_jar::is_cross_site(f);
    cookie.is_some_and(|c| case.lookup().succeeded_with(&fact.origin, c.token).iter().any(passes))
}

/// What ASP.NET Core answers where its own check fails: a 400 without a word, whoever asks.
fn is_bare_400(fact: &Fact, csrf: &Csrf) -> bool {
    let own = csrf.cookie.as_deref().is_some_and(|name| name.to_ascii_lowercase().contains("antiforgery"));
    fact.status == Some(400) && fact.outcome.wordless && own
}

fn is_one_word(text: &str) -> bool {
    text.split_whitespace().count() < 2
}

/// How each origin treated changing requests that it accepted: found once, however many it refused.
struct Passed<'a>(BTreeMap<&'a Text, Treated<'a>>);

#[derive(Default)]
struct Treated<'a> {
    /// The first with a token.
    with: Option<&'a Fact>,
    /// Whether one with cookies passed without: then nothing checks.
    without: bool,
    /// Whether any call to a protected route was accepted.
    protected: bool,
}

impl<'a> Passed<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut origins: BTreeMap<&Text, Treated<'a>> = BTreeMap::new();
        for fact in case.facts().filter(|f| f.accepted()) {
            let treated = origins.entry(&fact.origin).or_default();
            let has_token = fact.csrf.as_ref().is_some_and(|csrf| csrf.is_sent());
            treated.protected |= fact.is_api_call() && !fact.bare_accepted;
            if changes(fact) && has_token {
                treated.with.get_or_insert(fact);
            }
            treated.without |= changes(fact) && !has_token && fact.cookies().next().is_some();
        }
        Self(origins)
    }

    fn with(&self, fact: &Fact) -> Option<&'a Fact> {
        self.0.get(&fact.origin).and_then(|treated| treated.with)
    }

    fn without(&self, fact: &Fact) -> bool {
        self.0.get(&fact.origin).is_some_and(|treated| treated.without)
    }

    fn protected(&self, fact: &Fact) -> bool {
        self.0.get(&fact.origin).is_some_and(|treated| treated.protected)
    }
}

/// Sanctum answers 401 to a session that came from a page whose host it does not count as its own: the CSRF cookie was
/// fetched, the login passed, the session cookie and the right token are there.
fn is_stateless(case: &Case<'_>, passed: &Passed<'_>, fact: &Fact) -> bool {
    let says = fact.outcome.error_text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("unauthenticated."));
    let unauthenticated = fact.status == Some(401) && says;
    let Some(csrf) = fact.csrf.as_deref().filter(|_| unauthenticated) else { return false };
    let session = fact.cookies().next().is_some() && !fact.has_method(Method::Authorization);
    let before =
        || case.facts().take_while(|f| f.started_nanos() < fact.started_nanos()).filter(|f| f.origin == fact.origin);
    csrf.compared == Some(Compared::Same)
        && session
        && !fact.gates.has(Gate::LoggingOut)
        && before().any(|f| f.role == Role::Csrf && f.role_proven && f.succeeded())
        && before().any(|f| f.role == Role::Login && f.accepted())
        && !passed.protected(fact)
}

fn fault(case: &Case<'_>, fact: &Fact, sign: Sign) -> Fault {
    let text = fact.outcome.error_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    let csrf = fact.csrf.as_deref().cloned().unwrap_or_default();
    let Csrf { cookie, compared, .. } = &csrf;
    if matches!(sign, Sign::Stateless | Sign::Foreign)
        || ["origin", "referer", "referrer", "cross-site post"].iter().any(|word| text.contains(word))
    {
        return Fault::Origin;
    }
    match compared {
        _ if !shows_all(case, fact) => Fault::Unknown,
        Some(Compared::NotDecoded) => Fault::NotDecoded,
        _ if !csrf.is_sent() && may_hide_field(fact) => Fault::Unknown,
        _ if !csrf.is_sent() => Fault::NoToken,
        Some(Compared::Differ) if is_double_submit(cookie.as_deref()) => Fault::Mismatch,
        None if cookie.is_none() && !fact.has_cookies => Fault::NoCookie,
        _ => Fault::Unknown,
    }
}

/// Whether the token may stand in a body that was not read: files travel with it in `multipart/form-data`.
fn may_hide_field(fact: &Fact) -> bool {
    !fact.request.body_seen || fact.client_signature.contains("multipart/form-data")
}

/// Whether the cookie is the one that scripts copy as it is. Django and Rails mask theirs anew each time.
fn is_double_submit(cookie: Option<&str>) -> bool {
    cookie.is_some_and(|name| name.to_ascii_lowercase().contains("xsrf"))
}

/// The repetition that passed soon after.
fn recovered<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let thresholds = Thresholds::of(case);
    let within = nanos(if fact.is_document { thresholds.recovered_by_hand } else { thresholds.recovered });
    let same = case.lookup().on_route(&fact.origin, &fact.route).since(fact.ended_nanos());
    // A form that was taken leads on; one that was not leads back to itself.
    let leads_on = |f: &Fact| f.is_document && f.redirect.as_ref().is_some_and(|to| to.path != fact.path);
    let mut soon = same.iter().take_while(|f| f.started_nanos() - fact.ended_nanos() <= within);
    soon.find(|f| f.accepted() || leads_on(f))
}

fn draft(case: &Case<'_>, passed: &Passed<'_>, fact: &Fact, sign: Sign) -> Draft {
    let fault = fault(case, fact, sign);
    let passed = passed.with(fact);
    // Another site's page repeats nothing: the user's own page passed.
    let recovered = (sign != Sign::Foreign).then(|| recovered(case, fact)).flatten();
    let shown = match fault {
        Fault::NoToken | Fault::NotDecoded | Fault::Mismatch | Fault::NoCookie => true,
        Fault::Origin => fact.is_cross_origin(),
        Fault::Unknown => false,
    };
    let by_status = fact.status == Some(419) || sign == Sign::SentBack;
    let mut draft = Draft::new(&RULE.meta, fact)
        .variant(words::variant(sign, fault))
        .message(words::message(fact, sign, fault, passed, recovered))
        .because_server_says(fact)
        .because_if(shown || by_status, Reason::WireFact)
        .because_if(passed.is_some() && shown, Reason::Control)
        .because_if(sign == Sign::Stateless, Reason::Timing)
        .capped((sign == Sign::Silent && passed.is_none()).then_some(Cap::NoControl))
        .cause(format!("{} {}", fact.origin, words::variant(sign, fault)))
        .fixes(words::fixes(fact, sign, fault));
    draft = match (&fact.outcome.error_part, &fact.outcome.error_text) {
        (Some(at), Some(text)) => draft.primary(fact.id, at, format!("\"{text}\"")),
        _ if sign == Sign::SentBack => {
            draft.primary(fact.id, "response", "csrf=true in the address that it is sent back to")
        }
        _ => draft.primary(fact.id, "response.status", fact.status.map_or_else(String::new, |s| s.to_string())),
    };
    for (at, says) in words::carriers(fact, shows_all(case, fact)) {
        draft = draft.related(fact.id, &at, says);
    }
    if let Some(ok) = passed {
        draft = draft.related(ok.id, "response.status", format!("{} had a token and passed", ok.route));
    }
    if let Some(again) = recovered {
        return draft
            .related(again.id, "response.status", "the repetition passed")
            .severity(Severity::Low, "the client repeated the request with a new token and was accepted");
    }
    match sign {
        Sign::Stateless => draft.severity(Severity::High, "nobody stays signed in"),
        _ => draft,
    }
}
