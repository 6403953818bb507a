//! Outcomes: how the server answered, and what it said the reason was (detectors §1 "AF", §6).

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use authtrace_parse::{Exchange, Kind, SecretStr};

use super::{
    body::BodyView,
    oauth, oauth_scopes,
    role::{Inferred, Role},
};
use crate::{
    challenge::Challenge,
    dictionary::{Answer, ErrorClass, SignatureHit, Stage, signatures},
    finding::Reason,
    scrub::scrub,
    text::{Interner, Text, start},
};

/// How an exchange ended, as far as authentication is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Class.
    pub class: OutcomeClass,
    /// Status of the answer; of a refused upgrade, too, which browsers name in their error text only.
    pub status: Option<u16>,
    /// Whether the answer holds no word at all, as far as the capture shows: an empty body, or one that was not kept.
    pub wordless: bool,
    #[serde(with = "super::columns::maybe_shared")]
    said: Option<Arc<Said>>,
}

/// What a server said of a refusal; an outcome derefs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The scopes that a denial asks for in its body, as it writes them.
    pub scope: Option<Text>,
}

static NOTHING: Said = Said {
    error: None,
    error_part: None,
    error_text: None,
    error_weight: None,
    stack: None,
    proves: Vec::new(),
    scope: None,
};

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
    "exception",
];

/// The outcome of `exchange` in its role.
pub(crate) fn extract(
    exchange: &Exchange,
    inferred: &Inferred,
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
    let grpc = grpc_status(exchange);
    // Slack and others answer 200 whatever happened, and say in the body whether it did.
    let not_ok = body.document().is_some_and(|d| d.get("ok") == Some(&serde_json::Value::Bool(false)));
    let refuses = status >= 400 || body.has("errors") || not_ok || grpc.is_some();
    // gRPC's own status counts; its words are looked up as those of the HTTP status that means the same.
    let reason = match status {
        // A redirect to sign in is no refusal; a header written for this purpose says why all the same.
        300..=399 => header_reason(exchange, status),
        _ => refuses.then(|| reason(exchange, grpc.unwrap_or(status), challenges, body)).flatten(),
    };
    let mut said = Said::default();
    if let Some(reason) = reason {
        said.error = Some(in_role(reason.hit.class, inferred.role));
        said.error_part = Some(interner.text(&reason.part));
        said.error_text = (!reason.text.is_empty()).then(|| interner.text(&scrub(&reason.text)));
        said.error_weight = Some(reason.weight);
        said.stack = reason.hit.stacks.first().filter(|_| reason.hit.stacks.len() == 1).map(|s| interner.text(s));
        said.proves = reason.hit.proves;
        said.scope = (said.error == Some(ErrorClass::Scope)).then(|| asked_scope(exchange, body, interner)).flatten();
    } else if status >= 400 {
        let words = plain_reason(body).map(|(_, text)| text).or_else(|| plain_text(exchange));
        said.error_text = words.map(|text| interner.text(&scrub(&text)));
    }
    let wordless = exchange.response.as_ref().is_none_or(|r| r.body.text().is_none_or(|t| t.expose().is_empty()));
    let said = (said != NOTHING).then(|| Arc::new(said));
    let mut outcome = Outcome { class: OutcomeClass::default(), status: Some(status), wordless, said };
    let waits = || body.string("error").is_some_and(|error| oauth::is_wait(error.expose()));
    outcome.class = match status {
        400..=499 if waits() => OutcomeClass::ClientError,
        _ => class(exchange, inferred, grpc.unwrap_or(status), &outcome, challenges),
    };
    outcome
}

/// The scopes that a denial names beside its error: `scope` as GitLab and Doorkeeper write it, Slack's `needed`, GitHub's
/// field.
fn asked_scope(exchange: &Exchange, body: &BodyView, interner: &mut Interner) -> Option<Text> {
    let named = ["scope", "needed"].into_iter().find_map(|key| body.string(key)).map(SecretStr::expose);
    let named = named.or_else(|| oauth_scopes::lacked(exchange))?;
    Some(interner.text(&scrub(start(named, 200))))
}

/// 401 or 403 where gRPC answers UNAUTHENTICATED or PERMISSION_DENIED; the HTTP status is 200 whatever happened
/// (gRPC over HTTP/2, "Status"; the codes are 16 and 7).
fn grpc_status(exchange: &Exchange) -> Option<u16> {
    match grpc_field(exchange, "grpc-status")?.1.expose().trim() {
        "16" => Some(401),
        "7" => Some(403),
        _ => None,
    }
}

/// A field of gRPC's verdict and the part of the response that holds it: behind the body, or in the head of an answer that
/// has none, and of gRPC-Web's.
fn grpc_field<'e>(exchange: &'e Exchange, name: &'e str) -> Option<(&'static str, SecretStr<'e>)> {
    let response = exchange.response.as_ref()?;
    let behind = response.trailers.get(name).map(|value| ("trailer", value));
    behind.or_else(|| response.headers.get(name).map(|value| ("header", value)))
}

/// "Token is invalid or expired" is said of refresh tokens where they are traded, and of access tokens elsewhere.
fn in_role(class: ErrorClass, role: Role) -> ErrorClass {
    if class == ErrorClass::RefreshInvalid && !role.delivers() { ErrorClass::Invalid } else { class }
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
    // FastAPI and Django REST Framework send a challenge without `error=` whatever was wrong; the body knows better.
    let bare = challenges.iter().all(|c| c.error().is_none());
    // "invalid_token" is said of a token that was read (RFC 6750 §3.1), whatever the body's stock phrase is.
    let read = from_challenge.as_ref().is_some_and(|stated| stated.hit.class == ErrorClass::Invalid);
    let from_body = from_body.filter(|stated| !(read && stated.hit.class.is_missing()));
    let contradicted = bare && from_body.as_ref().is_some_and(|stated| stated.hit.class == ErrorClass::Invalid);
    let from_challenge = from_challenge.filter(|_| !contradicted);
    // A challenge that says only "invalid_token" is less telling than a body that says which check failed.
    // Among equals the last one counts: a sentence says more than a code, but for the one code that says what is missing.
    let scope = from_challenge.as_ref().is_some_and(|stated| stated.hit.class == ErrorClass::Scope);
    let (first, last) = if scope { (None, from_challenge) } else { (from_challenge, None) };
    let candidates = [from_header, grpc_reason(exchange, status), scope_reason(exchange), first, from_body, last];
    candidates.into_iter().flatten().max_by_key(|stated| telling(stated.hit.class))
}

/// How much a class tells: "Forbidden" in a body only repeats the status that a challenge explains.
fn telling(class: ErrorClass) -> u8 {
    match class {
        class if class.is_general() => 0,
        ErrorClass::Forbidden => 1,
        _ => 2,
    }
}

fn body_reason(exchange: &Exchange, status: u16, body: &BodyView) -> Option<Stated> {
    let code = body.document().and_then(|document| document.pointer("/errors/0/extensions/code")?.as_str());
    if let Some(code) = code {
        // Signatures match the code where it stands in a document, since the bare word is in many a sentence.
        let hit = classify(status, &format!("\"code\":\"{code}\""), &[]);
        // Most codes say only that something was wrong; the message beside them often says what.
        let words = body.document().and_then(|document| document.pointer("/errors/0/message")?.as_str());
        let told = words.and_then(|words| Some((classify(status, words, &[])?, words)));
        let general = hit.as_ref().is_none_or(|hit| hit.class.is_general());
        if let Some((told, words)) = told.filter(|(told, _)| general && !told.class.is_general()) {
            let part = "response.body.errors.message".into();
            return Some(Stated { hit: told, part, text: words.into(), weight: Reason::ServerText });
        }
        let part = "response.body.errors.extensions.code".into();
        return Some(Stated { hit: hit?, part, text: code.into(), weight: Reason::ServerCode });
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
    if let Some(stated) = &mut best {
        stated.text = described(&stated.text, body);
    }
    best.or_else(|| stages_reason(status, body))
        .or_else(|| listed_reason(status, body))
        .or_else(|| text_reason(exchange, status))
}

/// A code with the words that stand beside it: they are the server's, whatever class they are of.
fn described(text: &str, body: &BodyView) -> String {
    const WORDS: [&str; 4] = ["error_description", "message", "detail", "error_msg"];
    if text.contains(char::is_whitespace) {
        return text.to_owned();
    }
    let words = WORDS.iter().find_map(|key| body.string(key)).map(|words| words.expose().to_owned());
    let words = words.filter(|words| words.contains(' ') && words != text);
    words.map_or_else(|| text.to_owned(), |words| format!("{text}: {words}"))
}

/// A body that names no error but the stages of an authentication that has only begun (Matrix, "user-interactive
/// authentication").
fn stages_reason(status: u16, body: &BodyView) -> Option<Stated> {
    body.document()?.pointer("/flows/0/stages")?;
    let hit = classify(status, "\"stages\":[", &[])?;
    Some(Stated { hit, part: "response.body.flows".into(), text: "stages".into(), weight: Reason::ServerCode })
}

/// What the first entry of a list of errors says: GraphQL servers that give no code, JSON:API, and those that list sentences.
fn listed_reason(status: u16, body: &BodyView) -> Option<Stated> {
    let first = body.document()?.pointer("/errors/0")?;
    let named = ["message", "detail", "title"].into_iter().find_map(|key| Some((key, first.get(key)?.as_str()?)));
    let (part, text) = match named {
        Some((key, text)) => (format!("response.body.errors.{key}"), text),
        None => ("response.body.errors".to_owned(), first.as_str()?),
    };
    let hit = classify(status, text, &[])?;
    Some(Stated { hit, part, text: text.to_owned(), weight: Reason::ServerText })
}

/// Plain-text and HTML refusals: only the first 2 KB are looked at.
fn text_reason(exchange: &Exchange, status: u16) -> Option<Stated> {
    let text = exchange.response.as_ref()?.body.text()?.expose();
    if status < 400 || text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let head = start(text, 2048);
    let hit = classify(status, head, &[])?;
    let shown = match xml_message(head) {
        Some(message) => message.to_owned(),
        None if head.contains('<') => String::new(),
        None => head.to_owned(),
    };
    Some(Stated { hit, part: "response.body".into(), text: shown, weight: Reason::ServerText })
}

/// What the errors of S3, Azure Storage and their like say to people.
fn xml_message(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once("<Message>")?;
    let (message, _) = behind.split_once("</Message>")?;
    (!message.contains('<')).then(|| message.trim()).filter(|message| !message.is_empty())
}

/// What gRPC says in words, percent-encoded in a field of its own.
fn grpc_reason(exchange: &Exchange, status: u16) -> Option<Stated> {
    let (place, message) = grpc_field(exchange, "grpc-message")?;
    let message = message.expose();
    let text: String = url::form_urlencoded::parse(message.replace('+', "%2B").as_bytes()).map(|(k, _)| k).collect();
    let hit = classify(status, &text, &[])?;
    Some(Stated { hit, part: format!("response.{place}.grpc-message"), text, weight: Reason::ServerText })
}

/// Headers in which a framework or gateway names its reason.
const REASON_HEADERS: &[&str] =
    &["cf-mitigated", "x-clerk-auth-reason", "x-amzn-errortype", "x-ms-failure-cause", "x-csrf-token"];

fn header_reason(exchange: &Exchange, status: u16) -> Option<Stated> {
    let headers = &exchange.response.as_ref()?.headers;
    REASON_HEADERS.iter().find_map(|name| {
        let text = headers.get(name)?.expose();
        let hit = signatures().classify(&Answer { status, text: "", challenges: &[], headers: Some(headers) })?;
        Some(Stated { hit, part: format!("response.header.{name}"), text: text.to_owned(), weight: Reason::ServerCode })
    })
}

/// A call that takes other scopes than the token has.
fn scope_reason(exchange: &Exchange) -> Option<Stated> {
    let lacked = oauth_scopes::lacked(exchange)?;
    let part = format!("response.header.{}", oauth_scopes::ACCEPTED);
    Some(Stated { hit: SignatureHit::of(ErrorClass::Scope), part, text: lacked.to_owned(), weight: Reason::ServerCode })
}

/// The words of a refusal in plain text, where it is one sentence.
fn plain_text(exchange: &Exchange) -> Option<String> {
    /// More is no sentence.
    const LONGEST: usize = 200;
    let body = &exchange.response.as_ref()?.body;
    let text = body.text().filter(|_| body.essence().as_deref() == Some("text/plain"))?.expose().trim();
    let sentence = text.len() <= LONGEST && !text.is_empty() && !text.contains(['\n', '<', '{']);
    sentence.then(|| text.to_owned())
}

fn plain_reason(body: &BodyView) -> Option<(&'static str, String)> {
    REASON_KEYS.iter().find_map(|key| Some((*key, body.string(key)?.expose().to_owned())))
}

fn class(
    exchange: &Exchange,
    inferred: &Inferred,
    status: u16,
    outcome: &Outcome,
    challenges: &[Challenge],
) -> OutcomeClass {
    use ErrorClass as E;
    let role = inferred.role;
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
        400 | 401 | 403 | 422 if refuses_typed_secret(exchange, inferred, outcome) => OutcomeClass::LoginFailed,
        401 | 407 => OutcomeClass::Refused,
        403 if matches!(outcome.error, Some(E::Forbidden | E::Scope | E::StepUp | E::Restricted)) => {
            OutcomeClass::Forbidden
        }
        404 if outcome.says(&[E::Scope]) => OutcomeClass::Forbidden,
        403 if auth_error || challenges.iter().any(|c| c.error() == Some("invalid_token")) => OutcomeClass::Refused,
        400..=499 if exchange.kind == Kind::WebSocket => OutcomeClass::Refused,
        400 if matches!(role, Role::Refresh | Role::Token | Role::Mint) => OutcomeClass::Refused,
        403 if matches!(role, Role::Refresh | Role::Token | Role::Mint) => OutcomeClass::Refused,
        400 if auth_error => OutcomeClass::Refused,
        // Flask-JWT-Extended answers 422 to a token that it cannot verify.
        422 if outcome.names_token_check() => OutcomeClass::Refused,
        403 => OutcomeClass::Forbidden,
        400..=499 => OutcomeClass::ClientError,
        _ => OutcomeClass::ServerError,
    }
}

/// Whether what was refused is a password or code that a person typed into the request (G5): at a login, or to confirm
/// who is at the keyboard. A server that names a check of the token that came along has refused that one.
fn refuses_typed_secret(exchange: &Exchange, inferred: &Inferred, outcome: &Outcome) -> bool {
    let missing = outcome.says(&[ErrorClass::Missing, ErrorClass::MissingOrWrongScheme]);
    let token_refused = outcome.names_token_check() && exchange.request.headers.contains("authorization");
    // A server that asks for more has not refused what was typed.
    let begun = outcome.says(&[ErrorClass::StepUp]);
    (inferred.role == Role::Login || inferred.typed_secret && !token_refused) && !missing && !begun
}

/// A page that navigates away aborts what it no longer needs; the server's answer stands all the same.
fn is_abort(exchange: &Exchange) -> bool {
    exchange.failure.as_deref().is_some_and(|f| f.contains("ERR_ABORTED") || f.contains("NS_BINDING_ABORTED"))
}
