//! AUTH026: a superseded or logged-out token is still in use.

use std::{collections::HashMap, time::Duration};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, SessionId, credential::Credential, role::Role},
    finding::{Reason, Severity},
    presented,
    refreshes::in_words,
    rule::{Check, Draft, Findings, Rule},
    thresholds::{nanos, thresholds},
    token::{Claims, Identifier, TokenKind},
    tokens::{Purpose, Token, TokenId},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH026",
        id: "stale-token-sent",
        title: "Superseded token still in use",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.fresh-token", "fe.single-client"],
    },
    check: Check::Timeline(check),
};

// How much older than its successor a token must be in use before that is a mistake.
thresholds! {
    /// Requests built this soon after the delivery may have read the token before it.
    in_flight: time = Duration::from_millis(500),
    /// Refusals this soon after a logout are its echo (G24).
    logout_grace: time = Duration::from_secs(2),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let history = History::of(case);
    for fact in case.refusals().filter(|f| !f.role.is_identity() && may_be_stale(f)) {
        let Some(old) = fact.main_credential().filter(|c| c.well_formed && c.kind != TokenKind::Redacted) else {
            continue;
        };
        if accepted_later(case, fact, old.token) {
            continue;
        }
        // Which cookie is newer a browser knows by itself; that a session was ended it does not.
        let successor = (!old.is_cookie()).then(|| successor(case, &history, fact, old)).flatten();
        if let Some((delivery, new)) = successor {
            out.add(superseded(case, fact, old, delivery, new));
        } else if let Some(logout) = logout_before(case, &history, fact, old) {
            out.add(after_logout(case, fact, old, logout));
        }
    }
}

/// What a server says of an old token, where it says anything.
fn may_be_stale(fact: &Fact) -> bool {
    presented::reason_is_open(fact) || fact.outcome.says(&[ErrorClass::Expired, ErrorClass::Revoked])
}

/// What a client was given, what it ended, and what it was refused, by what one looks for.
struct History<'a> {
    /// Deliveries of tokens by session, in time order.
    deliveries: HashMap<Option<SessionId>, Vec<&'a Fact>>,
    /// The same by issuer and subject of the access token, where it names both.
    by_holder: HashMap<(&'a str, &'a Identifier), Vec<&'a Fact>>,
    /// Logouts by session, in time order.
    logouts: HashMap<Option<SessionId>, Vec<&'a Fact>>,
    /// When a call was first refused with a token, by origin, route, call site and token.
    refused: HashMap<Call<'a>, i64>,
}

type Call<'a> = (&'a str, &'a str, Option<&'a str>, TokenId);

impl<'a> History<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut history = Self {
            deliveries: HashMap::new(),
            by_holder: HashMap::new(),
            logouts: HashMap::new(),
            refused: HashMap::new(),
        };
        for fact in case.facts().filter(|f| f.succeeded()) {
            if fact.role.delivers() {
                history.deliveries.entry(fact.session).or_default().push(fact);
                if let Some(holder) = access(fact).and_then(|token| holder(case.token(token))) {
                    history.by_holder.entry(holder).or_default().push(fact);
                }
            } else if fact.role == Role::Logout {
                history.logouts.entry(fact.session).or_default().push(fact);
            }
        }
        for fact in case.refusals() {
            let Some(credential) = fact.main_credential() else { continue };
            let first = history.refused.entry(call(fact, credential.token)).or_insert(i64::MAX);
            *first = (*first).min(fact.ended_nanos());
        }
        history
    }

    /// Whether the same call had been refused with the same token before the delivery was asked for: then it is a repeat.
    fn retried(&self, fact: &Fact, token: TokenId, delivery: &Fact) -> bool {
        self.refused.get(&call(fact, token)).is_some_and(|first| *first <= delivery.started_nanos())
    }
}

fn call(fact: &Fact, token: TokenId) -> Call<'_> {
    (&fact.origin, &fact.route, fact.call_site.as_deref(), token)
}

fn accepted_later(case: &Case<'_>, fact: &Fact, token: TokenId) -> bool {
    case.carrying(token).any(|f| {
        f.client == fact.client
            && f.started_nanos() > fact.started_nanos()
            && f.origin == fact.origin
            && f.succeeded()
            && f.main_credential().is_some_and(|c| c.token == token)
    })
}

/// The delivery that had replaced `old` before `fact` was built, with the newer token.
fn successor<'a>(case: &Case<'a>, history: &History<'a>, fact: &Fact, old: &Credential) -> Option<(&'a Fact, TokenId)> {
    let built = fact.started_nanos();
    let replaced = |delivery: &Fact| {
        let grace =
            if history.retried(fact, old.token, delivery) { Duration::ZERO } else { Thresholds::of(case).in_flight };
        let late = built.saturating_sub(delivery.ended_nanos()) > nanos(grace);
        let new = access(delivery)?;
        let same = delivery.session == fact.session;
        (late && replaces(case.token(new), case.token(old.token), same)).then_some(new)
    };
    // The last word counts: a provider may hand out the same token again, or one for another audience in between.
    let last = |deliveries: &[&'a Fact]| {
        let before = &deliveries[..deliveries.partition_point(|delivery| delivery.started_nanos() <= built)];
        before.iter().rev().find_map(|&delivery| Some((delivery, replaced(delivery)?)))
    };
    let in_session = history.deliveries.get(&fact.session).and_then(|found| last(found));
    let of_holder = holder(case.token(old.token)).and_then(|holder| last(history.by_holder.get(&holder)?));
    let (delivery, new) =
        in_session.into_iter().chain(of_holder).max_by_key(|(delivery, _)| delivery.started_nanos())?;
    let used_before = case.token(old.token).first.is_some_and(|first| first.nanos() < delivery.started_nanos());
    (new != old.token && used_before && works(case, fact, new)).then_some((delivery, new))
}

/// The access token that a response delivered.
fn access(delivery: &Fact) -> Option<TokenId> {
    delivery.delivered.iter().find(|d| d.purpose == Purpose::Access).map(|d| d.token)
}

/// Who a JWT was issued by and to; `None` where it does not name both.
fn holder(token: &Token) -> Option<(&str, &Identifier)> {
    let claims = token.claims()?;
    Some((claims.iss.as_deref()?, claims.sub.as_ref()?))
}

/// Whether one token stands in for the other: for JWTs the same issuer, audience and subject, which tell it even where no
/// exchange links the two; for others the same kind, within one session.
fn replaces(new: &Token, old: &Token, same_session: bool) -> bool {
    match (new.claims(), old.claims()) {
        (Some(new), Some(old)) => {
            let since = |claims: &Claims| claims.iat.map(|iat| iat.intended());
            let newer = since(new).zip(since(old)).is_none_or(|(new, old)| new >= old);
            let named = new.sub.is_some() && new.iss.is_some();
            newer && (named || same_session) && new.iss == old.iss && new.aud == old.aud && new.sub == old.sub
        }
        _ => same_session && new.classified.kind == old.classified.kind,
    }
}

/// Whether the newer token was not refused, too: then its age is not what matters.
fn works(case: &Case<'_>, fact: &Fact, new: TokenId) -> bool {
    case.token(new).refused == 0 || used_successfully(case, fact, new).is_some()
}

fn used_successfully<'a>(case: &Case<'a>, fact: &Fact, new: TokenId) -> Option<&'a Fact> {
    case.carrying(new).find(|f| {
        f.client == fact.client
            && f.origin == fact.origin
            && f.succeeded()
            && f.main_credential().is_some_and(|c| c.token == new)
    })
}

/// The logout that ended the session of `old`, where nobody has signed in since.
fn logout_before<'a>(case: &Case<'a>, history: &History<'a>, fact: &Fact, old: &Credential) -> Option<&'a Fact> {
    let built = fact.started_nanos();
    let logouts = history.logouts.get(&fact.session).map_or(&[][..], Vec::as_slice);
    let logouts = &logouts[..logouts.partition_point(|logout| logout.started_nanos() <= built)];
    let logout = logouts
        .iter()
        .copied()
        .rev()
        // A path alone makes no logout; one that presented this very token, which works no more, does.
        .filter(|f| f.role_proven || f.credentials.iter().any(|c| c.token == old.token))
        .find(|f| built.saturating_sub(f.ended_nanos()) > nanos(Thresholds::of(case).logout_grace))?;
    case.token(old.token).first.is_some_and(|first| first.nanos() < logout.started_nanos()).then_some(logout)
}

fn superseded(case: &Case<'_>, fact: &Fact, old: &Credential, delivery: &Fact, new: TokenId) -> Draft {
    let gap = in_words(fact.started_nanos() - delivery.ended_nanos());
    let success = used_successfully(case, fact, new);
    let draft = Draft::new(&RULE.meta, fact)
        .credential(old.token)
        .message(format!(
            "{} was sent with the old token {gap} after {} had delivered a new one, and answered {}.",
            fact.route,
            delivery.route,
            fact.status.unwrap_or_default()
        ))
        .because(Reason::WireFact)
        .because_if(success.is_some(), Reason::Control)
        .primary(fact.id, &old.carrier.to_string(), case.capture().describe(old.token))
        .related(delivery.id, "response", format!("delivered {} {gap} before", case.capture().describe(new)))
        .server_says(fact)
        .cause(format!("{} {}", fact.origin, case.session_mark(fact)));
    match success {
        Some(ok) => draft.related(ok.id, "request.header.authorization", "the new token, accepted"),
        None => draft,
    }
}

fn after_logout(case: &Case<'_>, fact: &Fact, old: &Credential, logout: &Fact) -> Draft {
    let gap = in_words(fact.started_nanos() - logout.ended_nanos());
    let what = if old.is_cookie() { "Cookie" } else { "Token" };
    let after = case.carrying(old.token).filter(|f| f.refused() && f.started_nanos() > logout.ended_nanos());
    let (severity, reason) = match after.take(2).count() {
        0 | 1 => (Severity::Low, "Another tab asks once and learns that the user has signed out."),
        _ => (Severity::Medium, "The user has signed out, so the refusal itself is right."),
    };
    Draft::new(&RULE.meta, fact)
        .variant("after-logout")
        .title(format!("{what} still in use after the logout"))
        .severity(severity, reason)
        .credential(old.token)
        .message(format!(
            "{} was sent {gap} after the logout with the {} of the ended session.",
            fact.route,
            what.to_lowercase()
        ))
        .because(Reason::WireFact)
        .because_server_says(fact)
        .primary(fact.id, &old.carrier.to_string(), case.capture().describe(old.token))
        .related(logout.id, "response.status", format!("the session ended {gap} before"))
        .server_says(fact)
        .cause(format!("{} logout {}", fact.origin, case.session_mark(fact)))
}
