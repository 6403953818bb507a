//! AUTH040: the provider refused a refresh, and usually the user is signed out.

use std::time::Duration;

use authtrace_parse::HeaderView;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta},
    dictionary::ErrorClass,
    facts::{Fact, role::Role},
    finding::{Cap, Reason, Severity},
    refreshes::{self, in_words, times},
    rule::{Check, Draft, Findings, Rule},
    tokens::TokenId,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH040",
        id: "refresh-rejected",
        title: "Refresh refused",
        severity: Severity::High,
        layer: Layer::Session,
        spec: include_str!("spec.md"),
        fixes: &["fe.circuit-breaker", "fe.proactive"],
    },
    check: Check::Timeline(check),
};

/// How far the consequences of a refused refresh reach.
struct Thresholds {
    /// A sign-out within this time after the refusal is its consequence.
    forced_logout: Duration,
}

const THRESHOLDS: Thresholds = Thresholds { forced_logout: Duration::from_secs(10) };

/// Why it was refused, as far as the wire shows.
#[derive(Clone, Copy, PartialEq)]
enum Cause {
    Expired,
    Reused,
    Revoked,
    Client,
    Absent,
    Unknown,
}

impl Cause {
    fn variant(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Reused => "reused",
            Self::Revoked => "revoked",
            Self::Client => "client",
            Self::Absent => "no-refresh-token",
            Self::Unknown => "invalid",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Expired => "Refresh refused: the refresh token has expired",
            Self::Reused => "Refresh refused: the refresh token had been used before",
            Self::Revoked => "Refresh refused: the session was ended or revoked",
            Self::Client => "Refresh refused: the client could not authenticate itself",
            Self::Absent => "Refresh refused: no refresh token was sent",
            Self::Unknown => "Refresh refused: the refresh token is not accepted",
        }
    }
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for attempts in refreshes::grouped(case).values() {
        let refused: Vec<&Fact> = case.refusals().filter(|f| attempts.iter().any(|a| a.id == f.id)).collect();
        for (index, fact) in refused.iter().enumerate() {
            if is_client_error(fact) && !lost_a_race(attempts, fact) && !is_first_visit(case, fact) {
                let repeats = refused.len() - index;
                out.add(draft(case, attempts, fact, repeats));
            }
        }
    }
}

/// Statuses with which providers refuse a grant; RFC 6749 §5.2 says 400, many say 401 or 403 (detectors §0).
fn is_client_error(fact: &Fact) -> bool {
    fact.status.is_some_and(|status| (400..500).contains(&status) && status != 429)
}

/// Whether another refresh with the same token was in flight and succeeded: then the user stays signed in.
fn lost_a_race(attempts: &[&Fact], fact: &Fact) -> bool {
    attempts.iter().any(|other| {
        other.succeeded()
            && other.request.refresh_token == fact.request.refresh_token
            && (refreshes::overlap(other, fact) && refreshes::overlap(fact, other))
    })
}

/// A page that asks for a session that nobody has yet: normal at the start of an application.
fn is_first_visit(case: &Case<'_>, fact: &Fact) -> bool {
    let nothing_sent = fact.credentials.is_empty() && fact.request.refresh_token.is_none() && !fact.has_cookies;
    let mut before = case.facts().take_while(|f| f.started_nanos() < fact.started_nanos());
    nothing_sent && !before.any(|f| !f.credentials.is_empty() || !f.delivered.is_empty() || f.role == Role::Login)
}

fn cause_of(case: &Case<'_>, fact: &Fact) -> Cause {
    use ErrorClass as E;
    let text_is_open = fact.outcome.error_text.as_deref().is_some_and(|t| t.to_ascii_lowercase().contains(" or "));
    if expired_for(case, fact).is_some() {
        return Cause::Expired;
    }
    match fact.outcome.error {
        Some(E::RefreshExpired) if !text_is_open => Cause::Expired,
        Some(E::RefreshReused) => Cause::Reused,
        Some(E::Revoked) => Cause::Revoked,
        Some(E::ClientAuth) => Cause::Client,
        _ if sent_none(case, fact) => Cause::Absent,
        _ => Cause::Unknown,
    }
}

/// How long ago the refresh token expired by its own `exp`, where that is certain (G19).
fn expired_for(case: &Case<'_>, fact: &Fact) -> Option<i64> {
    let token = case.token(fact.request.refresh_token?);
    let exp = token.classified.jose.as_ref()?.claims.as_ref()?.exp?.intended().nanos();
    let late = fact.sent_nanos().saturating_add(case.clock(fact).low).saturating_sub(exp);
    (late >= 0).then_some(late)
}

/// Whether the whole request was seen and holds no refresh token in any carrier.
fn sent_none(case: &Case<'_>, fact: &Fact) -> bool {
    let seen =
        fact.request.body_seen && fact.view == HeaderView::Full && !case.capture().is_sanitized(fact.source.input);
    seen && fact.request.refresh_token.is_none() && !fact.has_cookies && fact.credentials.is_empty()
}

fn draft(case: &Case<'_>, attempts: &[&Fact], fact: &Fact, repeats: usize) -> Draft {
    let cause = cause_of(case, fact);
    let recovered = attempts.iter().find(|f| f.succeeded() && f.started_nanos() > fact.ended_nanos());
    let logout = forced_logout(case, fact);
    let token = fact.request.refresh_token;
    let mut draft = Draft::new(&RULE.meta, fact)
        .variant(cause.variant())
        .title(cause.title())
        .message(message(case, fact, cause, repeats, logout.as_ref()))
        .because(if fact.role_proven { Reason::WireFact } else { Reason::PathName })
        .because_server_says(fact)
        .capped((token.is_none() && case.capture().is_sanitized(fact.source.input)).then_some(Cap::Sanitized))
        .primary(fact.id, "response.status", fact.status.unwrap_or_default().to_string())
        .server_says(fact)
        .cause(format!("{} {:?} {token:?}", fact.origin, fact.session));
    if let Some(token) = token {
        draft = draft.credential(token).related(fact.id, &refresh_part(fact, token), described(case, token));
    }
    if let Some((at, part, says)) = logout {
        draft = draft.related(at.id, part, says);
    }
    match recovered {
        Some(ok) => draft
            .related(ok.id, "response.status", "a later refresh succeeded")
            .severity(Severity::Medium, "A later refresh of the same session succeeded."),
        None => draft,
    }
}

fn refresh_part(fact: &Fact, token: TokenId) -> String {
    let carrier = fact.credentials.iter().find(|c| c.token == token).map(|c| c.carrier.to_string());
    carrier.unwrap_or_else(|| "request.body.refresh_token".to_owned())
}

fn described(case: &Case<'_>, token: TokenId) -> String {
    let issued = case.token(token).delivered_by.and_then(|id| case.fact(id));
    let origin = issued.map_or_else(|| "not issued in this capture".to_owned(), |f| format!("issued by {}", f.route));
    format!("{}, {origin}", case.capture().describe(token))
}

/// The sign-out that followed, with the part that shows it.
fn forced_logout<'a>(case: &Case<'a>, fact: &'a Fact) -> Option<(&'a Fact, &'static str, String)> {
    if let Some(cookie) = fact.set_cookies.iter().find(|c| c.deletes) {
        return Some((fact, "response.header.set-cookie", format!("deletes the cookie {}", cookie.name)));
    }
    let until = fact.ended_nanos() + i64::try_from(THRESHOLDS.forced_logout.as_nanos()).unwrap_or(i64::MAX);
    let mut after = case.facts().filter(|f| (fact.ended_nanos()..=until).contains(&f.started_nanos()));
    after.find_map(|f| {
        let gap = in_words(f.started_nanos() - fact.ended_nanos());
        let leaves = f.role == Role::Logout || f.role == Role::Authorize || (f.is_document && is_sign_in(&f.path));
        leaves.then(|| (f, "request.path", format!("{} {gap} later", f.route)))
    })
}

fn is_sign_in(path: &str) -> bool {
    const WORDS: &[&str] = &["login", "log-in", "signin", "sign-in", "sign_in", "logout", "auth"];
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .is_some_and(|last| WORDS.contains(&last.to_ascii_lowercase().as_str()))
}

fn message(
    case: &Case<'_>,
    fact: &Fact,
    cause: Cause,
    repeats: usize,
    logout: Option<&(&Fact, &str, String)>,
) -> String {
    let (route, status) = (&fact.route, fact.status.unwrap_or_default());
    let why = match (cause, expired_for(case, fact)) {
        (Cause::Expired, Some(late)) => format!("the refresh token had expired {} before", in_words(late)),
        (Cause::Expired, None) => "the server says that the refresh token has expired".to_owned(),
        (Cause::Reused, _) => "the server says that this refresh token had been traded already".to_owned(),
        (Cause::Revoked, _) => "the server says that the session was ended or revoked".to_owned(),
        (Cause::Client, _) => "the server does not accept the client's own credentials".to_owned(),
        (Cause::Absent, _) => "the request carries no refresh token in body, cookie or header".to_owned(),
        (Cause::Unknown, _) => "the refresh token is not accepted, for a reason that the server leaves open".to_owned(),
    };
    let end = match logout {
        Some((at, "response.header.set-cookie", _)) if at.id == fact.id => "; the answer deletes the session's cookie",
        Some(_) => "; the user is sent to sign in again",
        None => "",
    };
    format!("{route} answered {status} ({}): {why}{end}.", times(repeats))
}
