//! AUTH053: a script asked for data and was sent to a login page.

mod destination;

use std::{
    cell::LazyCell,
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use authtrace_parse::{ExchangeId, Kind};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::Gate, login_page::LoginPage, outcome::OutcomeClass, role::Role},
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, answered},
    thresholds::{nanos, thresholds},
};
use destination::Destination;

/// Whether `fact` was answered by a redirect to a place where people sign in.
pub(super) fn leads_to_sign_in(fact: &Fact) -> bool {
    destination::of_redirect(fact).is_some()
}

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH053",
        id: "login-html-instead-of-api",
        title: "API call was sent to a login page",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["be.json-401", "gw.api-routes"],
    },
    check: Check::Timeline(check),
};

thresholds! {
    /// A page that goes to sign in this soon has understood.
    handled: time = Duration::from_secs(10),
    /// Hops that are followed.
    hops: count = 10,
}

/// A call for data, the hops that followed it, and where they led.
struct Diverted<'a> {
    call: &'a Fact,
    hops: Vec<&'a Fact>,
    to: Destination,
    /// The hop at which it shows.
    at: &'a Fact,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let next: HashMap<ExchangeId, &Fact> = case.facts().filter_map(|f| Some((f.redirected_from?, f))).collect();
    let timeline = LazyCell::new(|| Timeline::of(case));
    let of_call = |f: &Fact| f.redirected_from.and_then(|id| case.fact(id)).is_some_and(is_data_call);
    for call in case.facts().filter(|f| is_data_call(f) && !of_call(f)) {
        if let Some(diverted) = diverted(case, call, &next) {
            out.add(draft(case, &timeline, &diverted));
        }
    }
}

/// Whether a script asked for data: not for a page to show, not for a login or a logout.
fn is_data_call(fact: &Fact) -> bool {
    let by_server = !fact.gates.any(&[Gate::NotServer, Gate::Preflight, Gate::Probe, Gate::HealthCheck]);
    let scripted = match fact.resource_type.as_deref() {
        Some(kind) => matches!(kind, "xhr" | "fetch"),
        None => wants_json(fact),
    };
    by_server
        && fact.kind == Kind::Http
        && fact.is_api_call()
        && !fact.is_document
        && !fact.for_page
        && scripted
        && !fact.request.has_password
        && !destination::is_sign_in_path(&fact.path)
        && !is_for_html(&fact.path)
}

/// Whether the path names a piece of HTML, whatever the library that fetches it accepts.
fn is_for_html(path: &str) -> bool {
    let extension = path.rsplit('/').next().and_then(|last| last.rsplit_once('.')).map(|(_, extension)| extension);
    extension.is_some_and(|e| ["html", "htm", "xhtml", "tmpl"].iter().any(|known| e.eq_ignore_ascii_case(known)))
}

fn wants_json(fact: &Fact) -> bool {
    let signature = fact.client_signature.to_ascii_lowercase();
    signature.contains("json") || signature.ends_with("x-requested-with: xmlhttprequest")
}

fn diverted<'a>(case: &Case<'a>, call: &'a Fact, next: &HashMap<ExchangeId, &'a Fact>) -> Option<Diverted<'a>> {
    let mut hops = Vec::new();
    let mut at = call;
    for _ in 0..Thresholds::of(case).hops {
        if let Some(to) = destination::of(call, at) {
            let follower = next.get(&at.id).copied();
            hops.extend(follower);
            return Some(Diverted { call, hops, to, at });
        }
        at = next.get(&at.id).copied()?;
        hops.push(at);
    }
    None
}

/// What the client's timeline says of every diverted call: found once, however many there are.
struct Timeline<'a> {
    /// The first ordinary answer by origin and route: the API gives data.
    by_route: BTreeMap<(&'a Text, &'a Text), &'a Fact>,
    /// The same by origin and API group, to calls with a credential.
    by_group: BTreeMap<(&'a Text, &'a Text), &'a Fact>,
    /// When somebody first signed in, or was seen to be signed in.
    signed_in: i64,
    /// When somebody last began to sign in by a page or a password.
    last_sign_in: i64,
}

impl<'a> Timeline<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut all =
            Self { by_route: BTreeMap::new(), by_group: BTreeMap::new(), signed_in: i64::MAX, last_sign_in: i64::MIN };
        for fact in case.facts() {
            let signs_in = matches!(fact.role, Role::Login | Role::Authorize | Role::Callback) && fact.succeeded();
            let credentialed = fact.is_api_call() && fact.accepted() && !fact.credentials.is_empty();
            if signs_in || credentialed {
                all.signed_in = all.signed_in.min(fact.started_nanos());
            }
            if signs_in && (fact.is_document || fact.request.has_password) {
                all.last_sign_in = all.last_sign_in.max(fact.started_nanos());
            }
            if fact.accepted() && fact.login_page == LoginPage::No && is_data_call(fact) {
                all.by_route.entry((&fact.origin, &fact.route)).or_insert(fact);
                if !fact.credentials.is_empty() {
                    all.by_group.entry((&fact.origin, &fact.group)).or_insert(fact);
                }
            }
        }
        all
    }

    /// An ordinary answer to the same call, or to another call of the same API.
    fn control(&self, call: &Fact) -> Option<&'a Fact> {
        let same = self.by_route.get(&(&call.origin, &call.route));
        same.or_else(|| self.by_group.get(&(&call.origin, &call.group))).copied()
    }

    /// G25: the page asks before anybody signed in, and learns that it must send the user to sign in.
    fn is_before_sign_in(&self, call: &Fact) -> bool {
        let at = call.started_nanos();
        let asks_who = call.role == Role::Userinfo || self.last_sign_in > at;
        call.authorization().is_none() && asks_who && self.signed_in >= at
    }
}

fn draft(case: &Case<'_>, timeline: &Timeline<'_>, diverted: &Diverted<'_>) -> Draft {
    let Diverted { call, hops, to, at } = diverted;
    let control = timeline.control(call);
    let ended = control.is_some_and(|ok| ok.started_nanos() < call.started_nanos());
    let anonymous = !ended && timeline.is_before_sign_in(call);
    let handled = goes_to_sign_in(case, call);
    let blocked = hops.last().is_some_and(|f| {
        matches!(f.outcome.class, OutcomeClass::NoAnswer | OutcomeClass::Unreadable) && f.origin != call.origin
    });
    let sure = at.redirect.is_some() || at.login_page == LoginPage::Form;
    let mut draft = Draft::new(&RULE.meta, call)
        .variant(variant(to, ended, anonymous))
        .message(message(diverted, ended, blocked, control))
        .because(if sure { Reason::WireFact } else { Reason::ServerText })
        .because_if(control.is_some(), Reason::Control)
        .because_if(wants_json(call), Reason::Timing)
        .also(hops.iter().map(|f| f.id))
        .cause(format!("{} {}", call.origin, to.name()))
        .fixes(if to.is_gateway() { &["gw.api-routes", "fe.session-end"] } else { &["be.json-401", "fe.session-end"] });
    draft = match &at.redirect {
        Some(redirect) => {
            draft.primary(at.id, "response.header.location", format!("{}{}", redirect.origin, redirect.path))
        }
        None => draft.primary(at.id, "response.body", "HTML with a login form"),
    };
    if let Some(cookie) = call.cookies().next() {
        draft = draft.credential(cookie.token).related(call.id, &cookie.carrier.to_string(), "present");
    }
    if let Some(ok) = control {
        draft = draft.related(ok.id, "response.status", format!("{} gave data", ok.route));
    }
    if anonymous {
        draft.severity(Severity::Low, "nobody was signed in yet")
    } else if handled {
        draft.severity(Severity::Medium, "the page goes to sign in right after")
    } else {
        draft
    }
}

fn goes_to_sign_in(case: &Case<'_>, call: &Fact) -> bool {
    let within = nanos(Thresholds::of(case).handled);
    let mut after = case.lookup().between(call.ended_nanos(), call.ended_nanos() + within);
    after.any(|f| f.is_document && (destination::is_sign_in_path(&f.path) || destination::of_redirect(f).is_some()))
}

fn variant(to: &Destination, ended: bool, anonymous: bool) -> &'static str {
    match to {
        _ if anonymous => "not-signed-in",
        _ if to.is_gateway() => "gateway",
        _ if ended => "session-ended",
        _ => "login-page",
    }
}

fn message(diverted: &Diverted<'_>, ended: bool, blocked: bool, control: Option<&Fact>) -> String {
    let Diverted { call, to, at, hops } = diverted;
    let how = match (&at.redirect, at.id == call.id) {
        (Some(redirect), true) => {
            format!("{} and redirects to {}{}", answered(at.status), redirect.origin, redirect.path)
        }
        (Some(redirect), false) => format!("was redirected to {}{}", redirect.origin, redirect.path),
        (None, true) => format!("{} with an HTML page with a login form", answered(at.status)),
        (None, false) => format!("was redirected to {}, an HTML page with a login form", at.route),
    };
    let who = match to {
        Destination::Gateway(name) => format!("{name} in front of the API wants a session"),
        Destination::Provider(_) | Destination::Login => "the API wants a session".to_owned(),
    };
    let when = match control {
        Some(ok) if ended => format!("; {} gave data before, so the session ended meanwhile", ok.route),
        Some(ok) => format!("; {} gives data to others", ok.route),
        None => String::new(),
    };
    let result = match (blocked, hops.last().map_or(call.status, |last| last.status)) {
        (true, _) => {
            " The browser blocks the redirect to another origin, so the script sees a network or CORS error, not a status."
        }
        (false, Some(200..=299)) => {
            " The script gets 200 and HTML where it expects data, so no error handler for 401 runs."
        }
        _ => " The script gets no 401 that it could act on.",
    };
    format!("{} {how}: {who}{when}.{result}", call.route)
}
