//! Outcomes: how the server answered, and what it said the reason was (detectors §1 "AF", §6).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use authtrace_parse::{Exchange, HeaderView, Kind};

use super::{Fact, body::BodyView, credential::Credential, role::Role};
use crate::{
    challenge::Challenge,
    dictionary::{Answer, ErrorClass, SignatureHit, Stage, signatures},
    finding::Reason,
    scrub::scrub,
    text::{Interner, Text},
    tokens::TokenId,
};

/// How an exchange ended, as far as authentication is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutcomeClass {
    /// Answered with 2xx, 304 or 101.
    Success,
    /// Answered with a redirect.
    Redirect,
    /// Refused for authentication.
    Refused,
    /// Authenticated and not allowed, or a 403 that names no reason.
    Forbidden,
    /// Refused by a firewall, a bot check or a rate limit (G20).
    Blocked,
    /// Refused by a check against forged requests.
    Csrf,
    /// A password or code was wrong (G5).
    LoginFailed,
    /// Another 4xx.
    ClientError,
    /// 5xx.
    ServerError,
    /// No answer: connection refused, aborted, or blocked before it was sent.
    NoAnswer,
    /// The server answered and the browser kept the answer from the page.
    Unreadable,
    /// Nothing is known.
    #[default]
    Unknown,
}

impl OutcomeClass {
    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Redirect => "redirect",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::Blocked => "blocked",
            Self::Csrf => "csrf",
            Self::LoginFailed => "login-failed",
            Self::ClientError => "client-error",
            Self::ServerError => "server-error",
            Self::NoAnswer => "no-answer",
            Self::Unreadable => "unreadable",
            Self::Unknown => "unknown",
        }
    }
}

/// How an exchange ended and why, in the server's words.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Class.
    pub class: OutcomeClass,
    said: Option<Arc<Said>>,
}

/// What a server said of a refusal; an outcome derefs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Said {
    /// What the server said was wrong, classified.
    pub error: Option<ErrorClass>,
    /// Where the server said so: `response.header.www-authenticate`, `response.body.detail`.
    pub error_part: Option<Text>,
    /// The server's words, scrubbed of secrets and personal data, at most 300 characters.
    pub error_text: Option<Text>,
    /// How much that statement weighs.
    pub error_weight: Option<Reason>,
    /// The framework whose words these are.
    pub stack: Option<Text>,
    /// Verification stages that the words prove to have passed (detectors §5.2).
    pub proves: Vec<Stage>,
}

static NOTHING: Said =
    Said { error: None, error_part: None, error_text: None, error_weight: None, stack: None, proves: Vec::new() };

impl std::ops::Deref for Outcome {
    type Target = Said;

    fn deref(&self) -> &Said {
        self.said.as_deref().unwrap_or(&NOTHING)
    }
}

impl Outcome {
    /// Whether the answer has a status of 200–399, and the client could read it.
    pub fn is_success(&self) -> bool {
        matches!(self.class, OutcomeClass::Success | OutcomeClass::Redirect)
    }

    /// Whether the server refused it for authentication.
    pub fn is_refusal(&self) -> bool {
        self.class == OutcomeClass::Refused
    }

    /// Whether the server named a check of the token itself, so it did see a token.
    pub fn names_token_check(&self) -> bool {
        self.error.and_then(ErrorClass::stage).is_some_and(|stage| stage > Stage::Present && stage < Stage::User)
            || self.error == Some(ErrorClass::Claim)
    }

    /// Whether the server named one of `classes`.
    pub fn says(&self, classes: &[ErrorClass]) -> bool {
        self.error.is_some_and(|error| classes.contains(&error))
    }
}

/// Body keys that hold a server's reason, most telling first (detectors §13 allow-list).
const REASON_KEYS: &[&str] = &[
    "error_description",
    "detail",
    "details",
    "message",
    "error",
    "error_code",
    "code",
    "title",
    "msg",
    "reason",
    "__type",
];

/// The outcome of `exchange` in its role.
pub(crate) fn extract(
    exchange: &Exchange,
    role: Role,
    challenges: &[Challenge],
    body: &BodyView,
    interner: &mut Interner,
) -> Outcome {
    let status = exchange.response.as_ref().map(|r| r.status);
    let refused_upgrade = exchange.websocket.as_ref().and_then(|ws| ws.refused_with);
    let Some(status) = status.or(refused_upgrade) else {
        let class = if exchange.failure.is_some() { OutcomeClass::NoAnswer } else { OutcomeClass::Unknown };
        return Outcome { class, ..Outcome::default() };
    };
    let reason = if status >= 400 || body.has("errors") { reason(exchange, status, challenges, body) } else { None };
    let mut said = Said::default();
    if let Some(reason) = reason {
        said.error = Some(reason.hit.class);
        said.error_part = Some(interner.text(&reason.part));
        said.error_text = (!reason.text.is_empty()).then(|| interner.text(&scrub(&reason.text)));
        said.error_weight = Some(reason.weight);
        said.stack = reason.hit.stacks.first().filter(|_| reason.hit.stacks.len() == 1).map(|s| interner.text(s));
        said.proves = reason.hit.proves;
    } else if status >= 400 {
        said.error_text = plain_reason(body).map(|(_, text)| interner.text(&scrub(&text)));
    }
    let mut outcome = Outcome { class: OutcomeClass::default(), said: (said != NOTHING).then(|| Arc::new(said)) };
    outcome.class = class(exchange, role, status, &outcome, challenges);
    outcome
}

struct Stated {
    hit: SignatureHit,
    part: String,
    text: String,
    weight: Reason,
}

fn classify(status: u16, text: &str, challenges: &[Challenge]) -> Option<SignatureHit> {
    signatures().classify(&Answer { status, text, challenges, headers: None })
}

/// What the server said, most specific source first: a challenge that names an error, the body, telling headers.
fn reason(exchange: &Exchange, status: u16, challenges: &[Challenge], body: &BodyView) -> Option<Stated> {
    let from_challenge = challenges.iter().find_map(|challenge| {
        let text =
            [challenge.error(), challenge.error_description()].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let hit = classify(status, "", std::slice::from_ref(challenge))?;
        Some(Stated { hit, part: "response.header.www-authenticate".into(), text, weight: Reason::ServerCode })
    });
    let from_body = body_reason(exchange, status, body);
    let from_header = header_reason(exchange, status);
    // A challenge that says only "invalid_token" is less telling than a body that says which check failed.
    let candidates = [from_header, from_challenge, from_body];
    candidates.into_iter().flatten().max_by_key(|stated| u8::from(!stated.hit.class.is_general()))
}

fn body_reason(exchange: &Exchange, status: u16, body: &BodyView) -> Option<Stated> {
    let code = body.document().and_then(|document| document.pointer("/errors/0/extensions/code")?.as_str());
    if let Some(code) = code {
        // Signatures match the code where it stands in a document, since the bare word is in many a sentence.
        let hit = classify(status, &format!("\"code\":\"{code}\""), &[])?;
        return Some(Stated {
            hit,
            part: "response.body.errors.extensions.code".into(),
            text: code.into(),
            weight: Reason::ServerCode,
        });
    }
    let mut best: Option<Stated> = None;
    for key in REASON_KEYS {
        let Some(text) = body.string(key).map(|v| v.expose().to_owned()) else { continue };
        let Some(hit) = classify(status, &text, &[]) else { continue };
        let weight = if matches!(*key, "error" | "code" | "error_code" | "__type") {
            Reason::ServerCode
        } else {
            Reason::ServerText
        };
        let stated = Stated { hit, part: format!("response.body.{key}"), text, weight };
        if best.as_ref().is_none_or(|b| b.hit.class.is_general() && !stated.hit.class.is_general()) {
            best = Some(stated);
        }
    }
    best.or_else(|| text_reason(exchange, status))
}

/// Plain-text and HTML refusals: only the first 2 KB are looked at.
fn text_reason(exchange: &Exchange, status: u16) -> Option<Stated> {
    let text = exchange.response.as_ref()?.body.text()?.expose();
    if status < 400 || text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let end = (0..=text.len().min(2048)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    let head = &text[..end];
    let hit = classify(status, head, &[])?;
    let shown = if head.contains('<') { String::new() } else { head.to_owned() };
    Some(Stated { hit, part: "response.body".into(), text: shown, weight: Reason::ServerText })
}

/// Headers in which a framework or gateway names its reason.
const REASON_HEADERS: &[&str] = &["x-clerk-auth-reason", "x-amzn-errortype", "x-ms-failure-cause"];

fn header_reason(exchange: &Exchange, status: u16) -> Option<Stated> {
    let headers = &exchange.response.as_ref()?.headers;
    REASON_HEADERS.iter().find_map(|name| {
        let text = headers.get(name)?.expose();
        let hit = signatures().classify(&Answer { status, text: "", challenges: &[], headers: Some(headers) })?;
        Some(Stated { hit, part: format!("response.header.{name}"), text: text.to_owned(), weight: Reason::ServerCode })
    })
}

fn plain_reason(body: &BodyView) -> Option<(&'static str, String)> {
    REASON_KEYS.iter().find_map(|key| Some((*key, body.string(key)?.expose().to_owned())))
}

fn class(exchange: &Exchange, role: Role, status: u16, outcome: &Outcome, challenges: &[Challenge]) -> OutcomeClass {
    use ErrorClass as E;
    if exchange.failure.is_some() && status < 400 && !is_abort(exchange) {
        return OutcomeClass::Unreadable;
    }
    if matches!(outcome.error, Some(E::Blocked | E::RateLimited)) || status == 429 {
        return OutcomeClass::Blocked;
    }
    if outcome.error == Some(E::Csrf) || status == 419 {
        return OutcomeClass::Csrf;
    }
    if status >= 400 && matches!(outcome.error, Some(E::LoginFailed | E::AccountLocked)) {
        return OutcomeClass::LoginFailed;
    }
    let auth_error = outcome.error.is_some_and(E::is_authentication);
    match status {
        200..=299 | 304 if auth_error => OutcomeClass::Refused,
        200..=299 | 304 | 101 => OutcomeClass::Success,
        300..=399 => OutcomeClass::Redirect,
        400 | 401 | 403 | 422 if role == Role::Login && !outcome.says(&[E::Missing, E::MissingOrWrongScheme]) => {
            OutcomeClass::LoginFailed
        }
        401 | 407 => OutcomeClass::Refused,
        403 if matches!(outcome.error, Some(E::Forbidden | E::Scope | E::StepUp)) => OutcomeClass::Forbidden,
        403 if auth_error || challenges.iter().any(|c| c.error() == Some("invalid_token")) => OutcomeClass::Refused,
        400..=499 if exchange.kind == Kind::WebSocket => OutcomeClass::Refused,
        400 if matches!(role, Role::Refresh | Role::Token | Role::Mint) => OutcomeClass::Refused,
        403 if matches!(role, Role::Refresh | Role::Token | Role::Mint) => OutcomeClass::Refused,
        400 if auth_error => OutcomeClass::Refused,
        403 => OutcomeClass::Forbidden,
        400..=499 => OutcomeClass::ClientError,
        _ => OutcomeClass::ServerError,
    }
}

/// A page that navigates away aborts what it no longer needs; the server's answer stands all the same.
fn is_abort(exchange: &Exchange) -> bool {
    exchange.failure.as_deref().is_some_and(|f| f.contains("ERR_ABORTED") || f.contains("NS_BINDING_ABORTED"))
}

/// Turns a 403 that names no reason into a refusal where authentication is the likelier reason (detectors §1, the weak
/// case of AF): its token was accepted nowhere on that origin, or it went without `Authorization` to an API group that
/// accepted nothing else. Authorization cannot be the reason when authentication never worked that way.
pub(crate) fn mark_silent_refusals(facts: &mut [Fact]) {
    let accepted: HashSet<(Text, TokenId)> = facts
        .iter()
        .filter(|f| f.succeeded())
        .flat_map(|f| f.credentials.iter().map(|c| (f.origin.clone(), c.token)))
        .collect();
    let groups = header_only_groups(facts);
    for fact in facts.iter_mut().filter(|f| f.status == Some(403) && f.outcome.class == OutcomeClass::Forbidden) {
        let refused = match fact.authorization() {
            Some(_) => !fact.credentials.iter().any(|c| accepted.contains(&(fact.origin.clone(), c.token))),
            None => groups.contains(&(fact.origin.clone(), fact.group.clone())) && takes_no_other(fact),
        };
        if fact.outcome.error.is_none() && refused {
            fact.outcome.class = OutcomeClass::Refused;
        }
    }
}

/// Whether the request has nothing that an API that reads `Authorization` would take in its place, and was seen whole.
fn takes_no_other(fact: &Fact) -> bool {
    fact.view == HeaderView::Full && fact.credentials.iter().all(Credential::is_cookie)
}

/// API groups of which every accepted request carried `Authorization`, and at least one did.
fn header_only_groups(facts: &[Fact]) -> HashSet<(Text, Text)> {
    let mut groups: HashMap<(Text, Text), bool> = HashMap::new();
    let api = facts.iter().filter(|f| !f.role.is_identity() && !matches!(f.role, Role::Static | Role::Preflight));
    for fact in api.filter(|f| f.outcome.class == OutcomeClass::Success) {
        let only = groups.entry((fact.origin.clone(), fact.group.clone())).or_insert(true);
        *only &= fact.authorization().is_some();
    }
    groups.into_iter().filter_map(|(group, only)| only.then_some(group)).collect()
}
