//! AUTH040: the provider refused a refresh, and usually the user is signed out.

mod cause;

use std::{collections::BTreeMap, time::Duration};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::NOT_A_FAILURE, role::Role},
    finding::{Cap, Reason, Severity},
    refreshes::{self, in_words, times},
    rule::{Check, Draft, Findings, Rule},
    session_end,
    thresholds::{nanos, thresholds},
    tokens::TokenId,
};
use cause::{Cause, cause_of, damage, expired_for, left_for};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH040",
        id: "refresh-rejected",
        title: "Refresh refused",
        severity: Severity::High,
        layer: Layer::Session,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.circuit-breaker", "fe.proactive"],
    },
    check: Check::Timeline(check),
};

// How far the consequences of a refused refresh reach.
thresholds! {
    /// A sign-out within this time after the refusal is its consequence.
    forced_logout: time = Duration::from_secs(10),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let first_sign = case.facts().find(|f| is_sign_of_session(f)).map(Fact::started_nanos);
    for attempts in refreshes::grouped(case).values() {
        let won = Won::of(attempts);
        let counts =
            |f: &&Fact| f.refused() && !f.gates.any(NOT_A_FAILURE) && !won.beats(f) && !is_first_visit(first_sign, f);
        let refused = attempts.iter().copied().filter(counts);
        // One token may fail in two ways: refused as used, and then as revoked.
        for ((_, cause), refused) in Case::grouped(refused, |f| (f.request.refresh_token, cause_of(case, f))) {
            out.add(draft(case, attempts, &refused, cause));
        }
    }
}

/// The refreshes that succeeded, by refresh token: when each began, ascending, and the latest end so far.
struct Won(BTreeMap<Option<TokenId>, Vec<(i64, i64)>>);

impl Won {
    fn of(attempts: &[&Fact]) -> Self {
        let mut won: BTreeMap<Option<TokenId>, Vec<(i64, i64)>> = BTreeMap::new();
        for fact in attempts.iter().filter(|f| f.succeeded()) {
            let spans = won.entry(fact.request.refresh_token).or_default();
            let latest = spans.last().map_or(i64::MIN, |(_, latest)| *latest);
            spans.push((fact.started_nanos(), fact.ended_nanos().max(latest)));
        }
        Self(won)
    }

    /// Whether another refresh with the same token was in flight and succeeded: then the user stays signed in.
    fn beats(&self, fact: &Fact) -> bool {
        let spans = self.0.get(&fact.request.refresh_token).map_or(&[][..], Vec::as_slice);
        let begun = spans.partition_point(|(began, _)| began + refreshes::ROUNDING < fact.ended_nanos());
        spans[..begun].last().is_some_and(|(_, latest)| fact.started_nanos() + refreshes::ROUNDING < *latest)
    }
}

/// A page that asks for a session that nobody has yet: normal at the start of an application.
fn is_first_visit(first_sign: Option<i64>, fact: &Fact) -> bool {
    let nothing_sent = fact.credentials.is_empty() && fact.request.refresh_token.is_none() && !fact.has_cookies;
    nothing_sent && first_sign.is_none_or(|at| at >= fact.started_nanos())
}

fn is_sign_of_session(fact: &Fact) -> bool {
    !fact.credentials.is_empty() || !fact.delivered.is_empty() || fact.role == Role::Login
}

/// `refused` attempts with one token and for one reason, out of all `attempts` of the session.
fn draft(case: &Case<'_>, attempts: &[&Fact], refused: &[&Fact], cause: Cause) -> Draft {
    let (first, last) = (refused[0], refused[refused.len() - 1]);
    let recovered = attempts.iter().find(|f| f.succeeded() && f.started_nanos() > first.ended_nanos());
    let logout = forced_logout(case, last);
    let token = first.request.refresh_token;
    let mut draft = Draft::new(&RULE.meta, first)
        .variant(cause.variant())
        .title(cause.title())
        .message(message(case, first, cause, refused.len(), logout.as_ref()))
        .because(if first.role_proven { Reason::WireFact } else { Reason::PathName })
        .because_server_says(first)
        .capped((token.is_none() && case.capture().is_sanitized(first.source.input)).then_some(Cap::Sanitized))
        .primary(first.id, "response.status", first.status.unwrap_or_default().to_string())
        .server_says(first)
        .also(refused.iter().map(|f| f.id))
        .cause(format!("{} {} {}", first.origin, case.session_mark(first), case.token_mark(token)));
    if let Some(token) = token {
        draft = draft.credential(token).related(first.id, &refresh_part(first, token), described(case, token));
        if let Some(damage) = damage(first) {
            draft = draft.primary(first.id, &refresh_part(first, token), damage);
        }
        if signed_by_none(case, token) {
            draft = draft.related(first.id, "token.signature", "verifies with none of the given keys");
        }
    }
    if cause == Cause::Interaction {
        draft = draft.fixes(&["fe.step-up", "fe.circuit-breaker"]);
    }
    if let Some((at, part, says)) = logout {
        draft = draft.related(at.id, part, says);
    }
    match recovered {
        None if refused.len() == 1 && cause == Cause::Expired && signs_in_after(case, last) => {
            draft.severity(Severity::Low, "The session was over, and the user signed in again.")
        }
        None if session_end::is_ordinary(case, first) => draft.severity(Severity::Low, session_end::REASON),
        Some(ok) => draft
            .related(ok.id, "response.status", "a later refresh succeeded")
            .severity(Severity::Medium, "A later refresh of the same session succeeded."),
        None => draft,
    }
}

fn signs_in_after(case: &Case<'_>, fact: &Fact) -> bool {
    let signs_in = |f: &Fact| matches!(f.role, Role::Login | Role::Authorize | Role::Callback) && f.succeeded();
    case.facts().any(|f| f.started_nanos() > fact.ended_nanos() && signs_in(f))
}

/// Whether keys of the right family were given and none of them signed the token.
fn signed_by_none(case: &Case<'_>, token: TokenId) -> bool {
    let results = case.key_results(token);
    !results.is_empty() && !results.iter().any(|result| result.verified)
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
    let until = fact.ended_nanos() + nanos(Thresholds::of(case).forced_logout);
    case.lookup().between(fact.ended_nanos(), until).find_map(|f| {
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
    count: usize,
    logout: Option<&(&Fact, &'static str, String)>,
) -> String {
    let why = match cause {
        Cause::Expired => match expired_for(case, fact) {
            Some(late) => format!("the refresh token had expired {} before", in_words(late)),
            None => "the server says that the refresh token has expired".to_owned(),
        },
        Cause::Reused => "the server says that this refresh token had been traded already".to_owned(),
        Cause::Revoked => "the server says that the session was ended or revoked".to_owned(),
        Cause::Client => "the server does not accept the client's own credentials".to_owned(),
        Cause::Interaction => {
            "the provider asks for the user, for a second factor, consent or a fresh sign-in, which no refresh can give"
                .to_owned()
        }
        Cause::Absent => "the request carries no refresh token in body, cookie or header".to_owned(),
        Cause::Damaged => {
            let what = damage(fact).unwrap_or_default();
            format!(
                "the refresh token that is sent is {what}, so the client's store or the code that reads it has spoilt it"
            )
        }
        Cause::Unknown => unknown(case, fact),
    };
    let end = match logout {
        Some((at, "response.header.set-cookie", _)) if at.id == fact.id => "; the answer deletes the session's cookie",
        Some(_) => "; the user is sent to sign in again",
        None => "",
    };
    let status = fact.status.unwrap_or_default();
    format!("{} was refused {} with {status}: {why}{end}.", fact.route, times(count))
}

/// What is known of a refresh token that is refused without a clear reason.
fn unknown(case: &Case<'_>, fact: &Fact) -> String {
    let foreign = fact.request.refresh_token.is_some_and(|token| signed_by_none(case, token));
    match (foreign, left_for(case, fact)) {
        (true, _) => "the refresh token was signed with none of the given keys, so it was damaged in storage or comes from another issuer".to_owned(),
        (false, Some(left)) => format!("the server leaves the reason open; by its own exp the refresh token is good for another {}", in_words(left)),
        (false, None) => match fact.outcome.error_text.as_deref().filter(|text| text.contains(' ')) {
            Some(words) => format!("the server says \"{words}\""),
            None => "the server does not accept the refresh token and leaves the reason open".to_owned(),
        },
    }
}
