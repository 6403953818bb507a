//! AUTH014: an ID token, refresh token or another token of other use where an access token belongs, or the reverse.

mod application_key;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::{Fact, credential::Carrier, role::Role},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{answered, times},
    thresholds::thresholds,
    token::{Claims, Jose, TokenUse},
    tokens::{Purpose, TokenId},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH014",
        id: "wrong-token-type",
        title: "Token is meant for another use",
        severity: Severity::High,
        layer: Layer::Token,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.right-token", "idp.audience"],
    },
    check: Check::Timeline(check),
};

// How many accepted tokens show that an API insists on one use.
thresholds! {
    /// Accepted requests, all with tokens of one use; fewer may be chance.
    typed_min: count = 2,
}

/// Refusals that a token of other use explains.
const EXPLAINED: &[ErrorClass] = &[
    ErrorClass::WrongTokenType,
    ErrorClass::Invalid,
    ErrorClass::MissingOrInvalid,
    ErrorClass::Audience,
    ErrorClass::Claim,
    ErrorClass::AuthorizedParty,
    ErrorClass::RefreshInvalid,
    ErrorClass::Algorithm,
];

/// A token of the wrong use: what it is, where one sees it, and how.
struct Wrong {
    token: TokenId,
    noun: &'static str,
    wanted: &'static str,
    part: String,
    says: String,
    reason: Reason,
    /// Whether the token itself says it, rather than the wire.
    claimed: bool,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    for facts in Case::by_credential(case.refusals().filter(|fact| wrong(case, fact).is_some()), |f| {
        wrong(case, f).map(|w| w.token)
    }) {
        if let Some((&first, wrong)) = facts.first().and_then(|first| Some((first, wrong(case, first)?))) {
            out.add(draft(case, first, &wrong, &facts));
        }
    }
}

fn wrong(case: &Case<'_>, fact: &Fact) -> Option<Wrong> {
    if let Some(wrong) = application_key::wrong(case, fact) {
        return Some(wrong);
    }
    // An opaque refresh token is malformed to a verifier that expects a JWT.
    let malformed = || fact.outcome.says(&[ErrorClass::Malformed]);
    if !(fact.outcome.error.is_none() || fact.outcome.says(EXPLAINED) || malformed()) {
        return None;
    }
    if fact.role == Role::Refresh {
        return access_for_refresh(case, fact);
    }
    if fact.role.is_identity() {
        return None;
    }
    let credential = fact.authorization().filter(|c| c.well_formed)?;
    refresh_as_access(case, credential.token)
        .or_else(|| by_claims(case, fact, credential.token).filter(|_| !malformed()))
        .or_else(|| untyped(case, fact, credential.token).filter(|_| !malformed()))
        .or_else(|| id_token_wanted(case, fact, credential.token).filter(|_| !malformed()))
        .filter(|wrong| !accepted_alike(case, fact, wrong) || is_for_others(case, fact, wrong))
}

/// Whether the origin takes ID tokens on other routes only (API Gateway asks for scopes on some, which ID tokens have not), and
/// the sign-in gave an access token with this one.
fn is_for_others(case: &Case<'_>, fact: &Fact, wrong: &Wrong) -> bool {
    let here = case.lookup().on_route(&fact.origin, &fact.route);
    let never = !here.iter().any(|f| f.accepted() && f.authorization().is_some());
    let with = case.token(wrong.token).delivered_by.and_then(|id| case.fact(id));
    let access = with.is_some_and(|f| f.delivered.iter().any(|d| d.purpose == Purpose::Access));
    wrong.noun == ID_TOKEN && wrong.claimed && never && access
}

const ID_TOKEN: &str = "an ID token";

/// The wire shows a refresh token: it was delivered or sent as one.
fn refresh_as_access(case: &Case<'_>, id: TokenId) -> Option<Wrong> {
    let token = case.token(id);
    let delivered = token.purpose == Some(Purpose::Refresh);
    let sent = token.carriers.iter().find(|c| matches!(c, Carrier::Body(key) if key.starts_with("refresh")));
    let carrier = token.carriers.iter().find(|c| matches!(c, Carrier::ResponseBody(_) | Carrier::SetCookie(_)));
    let says = match (delivered, carrier, sent) {
        (true, Some(carrier), _) => format!("the value that {carrier} delivered"),
        (_, _, Some(carrier)) => format!("the value that {carrier} carries"),
        _ => return None,
    };
    Some(Wrong {
        token: id,
        noun: "a refresh token",
        wanted: "an access token",
        part: "request.header.authorization".into(),
        says,
        reason: Reason::WireFact,
        claimed: false,
    })
}

fn by_claims(case: &Case<'_>, fact: &Fact, id: TokenId) -> Option<Wrong> {
    let token = case.token(id);
    let jose = token.classified.jose.as_ref()?;
    let claims = jose.claims.as_ref()?;
    let delivered_as_id = token.purpose == Some(Purpose::Id);
    let stated = claims.token_use(jose.header.typ.as_deref());
    let noun = match stated {
        Some(TokenUse::Id) => ID_TOKEN,
        Some(TokenUse::Refresh) => "a refresh token",
        Some(TokenUse::DpopProof) => "a DPoP proof",
        Some(TokenUse::Logout) => "a logout token",
        Some(TokenUse::SecurityEvent) => "a security event token",
        _ if delivered_as_id => ID_TOKEN,
        _ => return None,
    };
    let (part, says, sure) =
        mark(jose, claims).unwrap_or(("token.claim.aud", "names the client itself".to_owned(), delivered_as_id));
    // That `aud` is the client is only a hint: some APIs share their audience with the client.
    let named = fact.outcome.says(&[ErrorClass::WrongTokenType, ErrorClass::Audience]);
    (sure || named).then(|| Wrong {
        token: id,
        noun,
        wanted: "an access token",
        part: part.to_owned(),
        says,
        reason: if sure { Reason::WireFact } else { Reason::Timing },
        claimed: true,
    })
}

/// The header field or claim that tells the use, and whether it does so beyond doubt.
fn mark(jose: &Jose, claims: &Claims) -> Option<(&'static str, String, bool)> {
    let typ = jose.header.typ.as_deref().filter(|typ| typ.contains('+'));
    const USES: [&str; 6] = ["id", "refresh", "offline", "logout", "access", "bearer"];
    let known = |v: &&str| USES.iter().any(|known| v.eq_ignore_ascii_case(known));
    let claim = |name, value: &Option<Box<str>>| value.as_deref().filter(known).map(|v| (name, format!("`{v}`"), true));
    typ.map(|typ| ("token.header.typ", format!("`{typ}`"), true))
        .or_else(|| claim("token.claim.token_use", &claims.token_use))
        .or_else(|| claim("token.claim.token_type", &claims.token_type))
        .or_else(|| claim("token.claim.typ", &claims.typ))
        .or_else(|| {
            claims.has_at_hash.then(|| ("token.claim.at_hash", "present, as only ID tokens have it".to_owned(), true))
        })
        .or_else(|| {
            claims.has_c_hash.then(|| ("token.claim.c_hash", "present, as only ID tokens have it".to_owned(), true))
        })
        .or_else(|| {
            claims.has_nonce.then(|| ("token.claim.nonce", "present, and no scope: an ID token".to_owned(), true))
        })
}

/// The API's accepted tokens all say `at+jwt` (RFC 9068 §4), and this one does not.
fn untyped(case: &Case<'_>, fact: &Fact, id: TokenId) -> Option<Wrong> {
    let jose = |id: TokenId| case.token(id).classified.jose.as_ref();
    let own = jose(id)?.header.typ.as_deref().unwrap_or_default();
    let typed = |jose: &Jose| jose.header.typ.as_deref().is_some_and(|typ| typ.ends_with("at+jwt"));
    if own.ends_with("at+jwt") {
        return None;
    }
    let accepted = || {
        let calls = case.lookup().authorized_at(&fact.origin).filter(|a| a.fact.is_api_call());
        calls.filter_map(|a| Some((jose(a.credential.token)?, a.count)))
    };
    let all = accepted().all(|(jose, _)| typed(jose));
    let count: usize = if all { accepted().map(|(_, count)| count).sum() } else { 0 };
    let insists = count >= Thresholds::of(case).typed_min;
    insists.then(|| Wrong {
        token: id,
        noun: "a token that is not marked as an access token",
        wanted: "a token of typ `at+jwt`",
        part: "token.header.typ".into(),
        says: format!("`{own}`, where {count} accepted requests have `at+jwt`"),
        reason: Reason::Control,
        claimed: true,
    })
}

/// The API's accepted tokens all say that they are ID tokens (Cognito authorizers without scopes, Firebase), and this one
/// says that it is an access token.
fn id_token_wanted(case: &Case<'_>, fact: &Fact, id: TokenId) -> Option<Wrong> {
    let jose = |id: TokenId| case.token(id).classified.jose.as_ref();
    let stated = |jose: &Jose| jose.claims.as_ref()?.token_use(jose.header.typ.as_deref());
    let own = jose(id)?;
    if stated(own) != Some(TokenUse::Access) {
        return None;
    }
    let calls = case.lookup().authorized_at(&fact.origin).filter(|a| a.fact.is_api_call());
    let mut count = 0;
    for accepted in calls {
        if jose(accepted.credential.token).and_then(stated) != Some(TokenUse::Id) {
            return None;
        }
        count += accepted.count;
    }
    let (part, says, _) = mark(own, own.claims.as_ref()?)?;
    (count >= Thresholds::of(case).typed_min).then(|| Wrong {
        token: id,
        noun: "an access token",
        wanted: "an ID token",
        part: part.to_owned(),
        says: format!("{says}, where {count} accepted requests have ID tokens"),
        reason: Reason::Control,
        claimed: true,
    })
}

/// An access token presented to the refresh endpoint.
fn access_for_refresh(case: &Case<'_>, fact: &Fact) -> Option<Wrong> {
    let id = fact.request.refresh_token?;
    let token = case.token(id);
    let carrier = fact.credentials.iter().find(|c| c.token == id)?.carrier.to_string();
    let wrong = |says: String, claimed| Wrong {
        token: id,
        noun: "an access token",
        wanted: "a refresh token",
        part: carrier.clone(),
        says,
        reason: Reason::WireFact,
        claimed,
    };
    if token.purpose == Some(Purpose::Access) {
        return Some(wrong("the value that was delivered as access token".to_owned(), false));
    }
    let jose = token.classified.jose.as_ref()?;
    let (_, says, _) = mark(jose, jose.claims.as_ref()?)?;
    let access = jose.claims.as_ref()?.token_use(jose.header.typ.as_deref()) == Some(TokenUse::Access);
    access.then(|| wrong(format!("says {says}"), true))
}

/// Whether the origin accepts tokens of the same sort: Firebase and some gateways do take ID tokens.
fn accepted_alike(case: &Case<'_>, fact: &Fact, wrong: &Wrong) -> bool {
    let name = |id: TokenId| {
        let token = case.token(id);
        let jose = token.classified.jose.as_ref();
        let stated = jose.and_then(|j| j.claims.as_ref()?.token_use(j.header.typ.as_deref()));
        (token.purpose, stated)
    };
    let own = name(wrong.token);
    let mut accepted = case.lookup().authorized_at(&fact.origin).filter(|a| a.fact.is_api_call());
    accepted.any(|a| {
        let token = a.credential.token;
        token == wrong.token || (name(token) == own && wrong.reason != Reason::Control)
    })
}

fn draft(case: &Case<'_>, first: &Fact, wrong: &Wrong, facts: &[&Fact]) -> Draft {
    let mut accepted = case.lookup().authorized_at(&first.origin).filter(|a| a.fact.is_api_call());
    let good = accepted.find(|a| a.credential.token != wrong.token && a.credential.well_formed).map(|a| a.fact);
    let times = times(facts.len());
    let draft = Draft::new(&RULE.meta, first)
        .message(format!(
            "{} was sent with {} where {} belongs and {}{times}; {} is {}.",
            first.route,
            wrong.noun,
            wrong.wanted,
            answered(first.status),
            wrong.part,
            wrong.says
        ))
        .because(wrong.reason)
        .because_if(good.is_some(), Reason::Control)
        .because_if(first.outcome.says(&[ErrorClass::WrongTokenType]), Reason::ServerText)
        .capped(wrong.claimed.then_some(Cap::TokenSays))
        .primary(first.id, &wrong.part, wrong.says.clone())
        .related(first.id, "request.header.authorization", case.capture().describe(wrong.token))
        .server_says(first)
        .credential(wrong.token)
        .also(facts.iter().map(|f| f.id))
        .cause(wrong.noun);
    let draft = match wrong.noun {
        ID_TOKEN if accepted_alike(case, first, wrong) => {
            draft.severity(Severity::Medium, "other routes of the API accept the same token")
        }
        _ => draft,
    };
    match good {
        Some(good) => draft.related(good.id, "request.header.authorization", "another token, accepted"),
        None => draft,
    }
}
