//! AUTH025: signed in, and not allowed: an authorisation that must not be taken for a broken authentication.

mod lacking;
mod scopes;

use std::{cell::LazyCell, collections::BTreeMap, time::Duration};

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, credential::Method, gate::NOT_A_FAILURE, outcome::OutcomeClass, role::Role},
    finding::{Cap, Reason, Severity},
    presented::quoted,
    rule::{Check, Draft, Findings, Rule},
    session_end,
    text::{Text, times},
    thresholds::{nanos, thresholds},
    tokens::TokenId,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH025",
        id: "insufficient-scope",
        title: "Signed in, but not allowed",
        severity: Severity::Low,
        layer: Layer::Token,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["idp.scope", "fe.no-refresh-on-403"],
    },
    check: Check::Timeline(check),
};

thresholds! {
    /// This many denials within this time are more than a page that shows a button too many (detectors AUTH025).
    repeated_count: count = 3,
    /// Within this time.
    repeated_within: time = Duration::from_secs(60),
    /// What a client does this soon after a denial, it does because of it.
    follows: time = Duration::from_secs(2),
}

/// What was denied, in order of how clearly the server says it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Denial {
    /// A scope is missing.
    Scope,
    /// The user must sign in again or more strongly (RFC 9470).
    StepUp,
    /// The account is locked or disabled, whatever it signs in with.
    Account,
    /// An address, site, application or tenant that is not admitted.
    Restriction,
    /// Role or policy, in words.
    Policy,
    /// No words, but the same token is accepted elsewhere.
    Silent,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let accepting = LazyCell::new(|| Accepting::of(case));
    let denied = case.facts().filter(|f| denial(case, &accepting, f).is_some());
    let token = |f: &Fact| f.main_credential().map(|c| c.token);
    for facts in Case::by_credential(denied, token) {
        let denials = facts.iter().filter_map(|&f| Some((denial(case, &accepting, f)?, f)));
        if let Some((denial, fact)) = denials.min_by_key(|(denial, f)| (*denial, f.id)) {
            out.add(draft(case, &accepting, denial, fact, &facts));
        }
    }
}

/// The first request of a protected route that each origin accepted with each credential: found once for all denials.
struct Accepting<'a>(BTreeMap<(&'a Text, TokenId), &'a Fact>);

impl<'a> Accepting<'a> {
    fn of(case: &Case<'a>) -> Self {
        let mut first = BTreeMap::new();
        for fact in case.api_calls().filter(|f| f.accepted() && !f.bare_accepted && f.outcome.error.is_none()) {
            if let Some(credential) = fact.main_credential() {
                first.entry((&fact.origin, credential.token)).or_insert(fact);
            }
        }
        Self(first)
    }

    fn with(&self, fact: &Fact) -> Option<&'a Fact> {
        self.0.get(&(&fact.origin, fact.main_credential()?.token)).copied()
    }
}

fn denial(case: &Case<'_>, accepting: &Accepting<'_>, fact: &Fact) -> Option<Denial> {
    if is_locked(fact) {
        return Some(Denial::Account);
    }
    if fact.gates.any(NOT_A_FAILURE) || matches!(fact.role, Role::Static | Role::Preflight) {
        return None;
    }
    if fact.outcome.says(&[ErrorClass::Restricted]) {
        return Some(Denial::Restriction);
    }
    if fact.role.delivers() {
        return None;
    }
    if session_end::is_lost(case, fact) {
        return None;
    }
    let known = fact.main_credential().is_some();
    // A sanitised export shows no credential; a server that names a scope has read one.
    let hidden = !known && case.capture().hides_headers(fact.source.input);
    match fact.outcome.error {
        Some(ErrorClass::Scope) if known || hidden => Some(Denial::Scope),
        Some(ErrorClass::StepUp) if known || hidden => Some(Denial::StepUp),
        // "Forbidden" is also what firewalls and servers of files say: only beside an accepted token it is about this user.
        Some(ErrorClass::Forbidden) if known && (is_spoken(fact) || accepting.with(fact).is_some()) => {
            Some(Denial::Policy)
        }
        None if fact.outcome.class == OutcomeClass::Forbidden && fact.has_method(Method::Authorization) => {
            accepting.with(fact).map(|_| Denial::Silent)
        }
        _ => None,
    }
}

/// Whether a sign-in was refused for the account, and not for what was typed (G5).
fn is_locked(fact: &Fact) -> bool {
    let of_account = fact.outcome.says(&[ErrorClass::AccountLocked, ErrorClass::UserUnknown]);
    fact.outcome.class == OutcomeClass::LoginFailed && of_account
}

/// Whether the server says more than the name of its status.
fn is_spoken(fact: &Fact) -> bool {
    let text = fact.outcome.error_text.as_deref().unwrap_or_default();
    text.split_whitespace().count() > 1 && !text.contains('<')
}

/// What the client did right after a denial as if the token were bad: sign out, or renew it and ask again. A renewal alone
/// may be due anyway.
fn reaction<'a>(case: &Case<'a>, facts: &[&Fact]) -> Option<&'a Fact> {
    let follows = nanos(Thresholds::of(case).follows);
    facts.iter().find_map(|fact| {
        let end = fact.ended_nanos();
        let mut after = case.lookup().between(end, end + follows);
        let next = after.find(|f| matches!(f.role, Role::Refresh | Role::Mint | Role::Logout))?;
        let repeats = |f: &Fact| f.route == fact.route && f.origin == fact.origin;
        let again = case.lookup().between(next.started_nanos(), next.ended_nanos() + follows).any(repeats);
        // A refusal in between is a better reason.
        let refused =
            case.lookup().between(end - follows, next.started_nanos()).any(|f| f.refused() && f.id != fact.id);
        (!refused && (next.role == Role::Logout || again)).then_some(next)
    })
}

fn is_repeated(case: &Case<'_>, facts: &[&Fact]) -> bool {
    let thresholds = Thresholds::of(case);
    let (n, within) = (thresholds.repeated_count, nanos(thresholds.repeated_within));
    facts.windows(n).any(|w| w[n - 1].started_nanos() - w[0].started_nanos() <= within)
}

fn draft(case: &Case<'_>, accepting: &Accepting<'_>, denial: Denial, fact: &Fact, facts: &[&Fact]) -> Draft {
    let elsewhere = accepting.with(fact);
    let missing = scopes::missing(case, fact);
    let lacking = lacking::field(case, facts);
    let reaction = reaction(case, facts);
    let status = fact.status.map_or_else(|| "no status".to_owned(), |status| status.to_string());
    let mut draft = Draft::new(&RULE.meta, fact)
        .message(
            message(case, denial, fact, facts.len(), &missing, elsewhere, reaction) + &lacking::words(lacking.as_ref()),
        )
        .because_server_says(fact)
        .because_if(denial != Denial::Silent && fact.main_credential().is_some(), Reason::WireFact)
        .because_if(elsewhere.is_some(), Reason::Control)
        .capped((denial == Denial::Policy && elsewhere.is_none()).then_some(Cap::NoControl))
        .also(facts.iter().map(|f| f.id))
        .cause(format!("{} {:?}", fact.origin, missing));
    draft = match (&fact.outcome.error_part, &fact.outcome.error_text) {
        (Some(at), Some(text)) => draft.primary(fact.id, at, format!("{status}: \"{text}\"")),
        _ => draft.primary(fact.id, "response.status", status),
    };
    if let Some(credential) = fact.main_credential() {
        draft = draft.credential(credential.token).related(
            fact.id,
            &credential.carrier.to_string(),
            case.capture().describe(credential.token),
        );
    }
    if let Some(held) = scopes::held(case, fact) {
        draft = draft.related(fact.id, "token.claim.scope", held);
    }
    if let Some(ok) = elsewhere {
        draft = draft.related(ok.id, "response.status", format!("the same credential, accepted on {}", ok.route));
    }
    if let Some(next) = reaction {
        draft = draft.related(next.id, "request", format!("{} right after the denial", next.route));
    }
    if let Some((ok, field)) = &lacking {
        draft = draft.because(Reason::Control).related(ok.id, field, format!("there, and {} is accepted", ok.route));
    }
    draft = match denial {
        Denial::Account => draft.variant("account").title("The account is locked or disabled").fixes(&["idp.account"]),
        Denial::Restriction => draft
            .variant("restriction")
            .title("Signed in, but not admitted from here")
            .fixes(&["idp.admit", "fe.no-refresh-on-403"]),
        Denial::StepUp => draft
            .variant("step-up")
            .title("Signed in, but not strongly or recently enough")
            .fixes(&["fe.step-up", "fe.no-refresh-on-403"]),
        Denial::Policy | Denial::Silent => draft.variant("policy").fixes(&["be.policy", "fe.no-refresh-on-403"]),
        Denial::Scope => draft,
    };
    if !missing.is_empty() {
        draft.severity(Severity::Medium, "the server names the scope that the token lacks")
    } else if matches!(denial, Denial::Account | Denial::Restriction) {
        draft.severity(Severity::Medium, "the server names what somebody has to change")
    } else if lacking.is_some() {
        draft.severity(Severity::Medium, "an accepted call carries a field that this one lacks")
    } else if denial == Denial::StepUp && stepped_up(case, facts) {
        draft
    } else if reaction.is_some() {
        draft.severity(Severity::Medium, "the client treats it as a broken sign-in")
    } else if denial == Denial::StepUp && names_level(fact) {
        draft.severity(Severity::Medium, "the server names the sign-in that it wants")
    } else if is_repeated(case, facts) && denial != Denial::Silent {
        draft.severity(Severity::Medium, "three or more within a minute")
    } else {
        draft
    }
}

/// Whether the challenge says how the user must sign in (RFC 9470 §3; `claims` as Entra ID writes it, `OTP` as npm does).
fn names_level(fact: &Fact) -> bool {
    let names = ["acr_values", "max_age", "claims"];
    fact.challenges.iter().any(|c| c.is("otp") || names.iter().any(|name| c.get(name).is_some()))
}

/// Whether the client did what was asked: the same call was accepted afterwards.
fn stepped_up(case: &Case<'_>, facts: &[&Fact]) -> bool {
    let last = facts.last();
    last.is_some_and(|last| {
        case.lookup().on_route(&last.origin, &last.route).since(last.ended_nanos()).iter().any(|f| f.accepted())
    })
}

fn message(
    case: &Case<'_>,
    denial: Denial,
    fact: &Fact,
    n: usize,
    missing: &[String],
    elsewhere: Option<&Fact>,
    reaction: Option<&Fact>,
) -> String {
    let (route, times) = (&fact.route, times(n));
    let status = fact.status.unwrap_or_default();
    let named = quoted(missing.iter().map(String::as_str));
    let head = match denial {
        Denial::Scope if !missing.is_empty() => {
            let has = scopes::held(case, fact).map_or_else(String::new, |has| format!("; the token has {has}"));
            format!("{route} was answered {status}{times}: it asks for the scope {named}{has}.")
        }
        Denial::Scope => format!("{route} was answered {status}{times}: the token lacks a scope that it asks for."),
        Denial::StepUp => format!(
            "{route} was answered {status}{times}: the token is good, and the user must sign in again or with a second factor."
        ),
        Denial::Account => format!(
            "{route} was answered {status}{times}: the server says that the account is locked or disabled, so nothing that it signs in with is accepted."
        ),
        Denial::Restriction => format!(
            "{route} was answered {status}{times}: the server knows the caller, and admits it only from another address, site, application or tenant, or after a sign-on that was not granted."
        ),
        Denial::Policy => {
            format!("{route} was answered {status}{times}: the server knows the caller and does not allow this.")
        }
        Denial::Silent => match fact.outcome.error_text.as_deref() {
            Some(words) => format!("{route} was answered {status}{times}: \"{words}\"."),
            None => format!("{route} was answered {status}{times} without a reason."),
        },
    };
    let control = elsewhere.map_or_else(String::new, |ok| {
        format!(" {} accepts the same credential, so the sign-in itself is fine.", ok.route)
    });
    // Who is asked to sign in again does well to do so.
    let reacts = reaction.filter(|_| denial != Denial::StepUp).map_or_else(String::new, |next| {
        format!(" The client answers with {}, which cannot help: the next token will be denied, too.", next.route)
    });
    format!("{head}{control}{reacts}")
}
