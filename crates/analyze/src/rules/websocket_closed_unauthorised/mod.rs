//! AUTH082: a WebSocket was accepted, and then closed because of the credential.

mod polled;

use std::{collections::BTreeMap, time::Duration};

use authtrace_parse::Kind;

use super::websocket_credential_missing::Client;
use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::Gate, socket::Socket},
    finding::{Cap, Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{Text, span, times},
    thresholds::{nanos, thresholds},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH082",
        id: "websocket-closed-unauthorised",
        title: "WebSocket accepted, then closed for its credential",
        severity: Severity::Medium,
        layer: Layer::Token,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["be.ws", "fe.ws-renew"],
    },
    check: Check::Timeline(check),
};

// When a close is about authentication.
thresholds! {
    /// A refusal comes within this time of the handshake.
    early: time = Duration::from_secs(10),
    /// A close this near to the token's expiry is its consequence.
    near_expiry: time = Duration::from_secs(5),
    /// So many handshakes within [`Self::storm_window`] are a storm.
    storm: count = 3,
    /// See there.
    storm_window: time = Duration::from_secs(30),
}

/// How an accepted WebSocket was refused.
pub(super) struct Refused<'a> {
    pub(super) fact: &'a Fact,
    pub(super) socket: &'a Socket,
    /// When, in nanoseconds, where one knows.
    pub(super) at: Option<i64>,
    /// The server's words.
    pub(super) says: Option<&'a str>,
    /// The close code, where it is one that speaks of authentication.
    pub(super) code: Option<u16>,
}

impl Refused<'_> {
    /// Time from the handshake to the refusal.
    pub(super) fn after(&self) -> Option<i64> {
        Some(self.at? - self.fact.started_nanos())
    }
}

fn check(case: &Case<'_>, out: &mut Findings) {
    polled::check(case, out);
    let Some(client) = Client::of(case) else { return };
    // Without any credential it is AUTH081's.
    let refused: Vec<Refused<'_>> = refused(case).filter(|r| !client.lacks(r.fact)).collect();
    let mut times: BTreeMap<(&Text, &Text), Vec<i64>> = BTreeMap::new();
    for one in &refused {
        times.entry((&one.fact.origin, &one.fact.route)).or_default().push(one.fact.started_nanos());
    }
    for one in &refused {
        // The timeline is in order of time, so each list is, too.
        let list = &times[&(&one.fact.origin, &one.fact.route)];
        let (at, window) = (one.fact.started_nanos(), nanos(Thresholds::of(case).storm_window));
        let near = list.partition_point(|t| *t <= at + window) - list.partition_point(|t| *t < at - window);
        out.add(draft(case, one, near));
    }
}

/// The client's accepted WebSockets that the server then refused.
pub(super) fn refused<'a>(case: &Case<'a>) -> impl Iterator<Item = Refused<'a>> + use<'a> {
    let case = *case;
    let sockets = case.facts().filter(|f| f.kind == Kind::WebSocket && f.status == Some(101));
    sockets.filter(|f| !f.gates.any(&[Gate::Probe, Gate::HealthCheck])).filter_map(move |fact| of(&case, fact))
}

fn of<'a>(case: &Case<'a>, fact: &'a Fact) -> Option<Refused<'a>> {
    let socket = fact.socket()?;
    let refusal = socket.refusal.as_ref();
    let end = socket.last;
    let at = refusal.and_then(|r| r.at).or(end);
    let code =
        socket.close_code.filter(|code| speaks_of_authentication(*code) && !(socket.other_reason && *code == 1008));
    // A policy may be about anything: 1008 counts where nothing had been served, or next to the token's expiry.
    let generic = code == Some(1008) && refusal.is_none();
    let early = at.is_none_or(|at| at - fact.started_nanos() <= nanos(Thresholds::of(case).early));
    let served = socket.received > 0;
    if generic && !((!served && early) || expires_near(case, fact, at).is_some()) {
        return None;
    }
    (code.is_some() || refusal.is_some()).then(|| Refused { fact, socket, at, says: refusal.map(|r| &*r.text), code })
}

/// Close codes that are used to refuse a credential: policy (RFC 6455 §7.4.1), Unauthorized and Forbidden (IANA registry),
/// graphql-ws, and what applications make of HTTP's.
fn speaks_of_authentication(code: u16) -> bool {
    matches!(code, 1008 | 3000 | 3003 | 3500 | 4001 | 4003 | 4009 | 4400..=4403 | 4408)
}

/// The `exp` of the socket's token where the refusal came next to it, in nanoseconds from the request.
fn expires_near(case: &Case<'_>, fact: &Fact, at: Option<i64>) -> Option<i64> {
    let token = case.token(fact.main_credential()?.token);
    let exp = token.claims()?.exp?.intended().nanos();
    let clock = case.clock(fact);
    let at = at?;
    let near = nanos(Thresholds::of(case).near_expiry);
    let from = at.saturating_add(clock.low).saturating_sub(near);
    let to = at.saturating_add(clock.high).saturating_add(near);
    ((from..=to).contains(&exp) && exp > fact.started_nanos()).then_some(exp.saturating_sub(fact.started_nanos()))
}

/// Whether the token had expired when the handshake was sent.
fn was_expired(case: &Case<'_>, fact: &Fact) -> bool {
    let exp = || {
        let token = case.token(fact.main_credential()?.token);
        Some(token.claims()?.exp?.intended().nanos())
    };
    exp().is_some_and(|exp| case.clock(fact).behind(fact, exp) > 0)
}

fn variant(case: &Case<'_>, refused: &Refused<'_>) -> &'static str {
    if refused.code == Some(4408) {
        "init-timeout"
    } else if expires_near(case, refused.fact, refused.at).is_some() {
        "expired-meanwhile"
    } else if was_expired(case, refused.fact) {
        "expired-token"
    } else if refused.socket.introduces {
        "first-message-refused"
    } else {
        "refused-after-accept"
    }
}

fn draft(case: &Case<'_>, refused: &Refused<'_>, count: usize) -> Draft {
    let fact = refused.fact;
    let variant = variant(case, refused);
    let storm = count >= Thresholds::of(case).storm;
    // Codes from 4000 on belong to the application; 1008 to any policy.
    let named = refused.code.is_some_and(|code| matches!(code, 3000 | 3003 | 4401 | 4403 | 4408));
    let worded = refused.socket.refusal.as_ref().is_some_and(|r| r.class.is_some());
    let reason = if named { Reason::ServerCode } else { Reason::ServerText };
    let mut draft = Draft::new(&RULE.meta, fact)
        .variant(variant)
        .because_if(refused.code.is_some(), reason)
        .because_if(refused.says.is_some(), Reason::ServerText)
        .because_if(worded || variant == "expired-meanwhile" || variant == "expired-token", Reason::WireFact)
        .because_if(refused.after().is_some_and(|after| after <= nanos(Thresholds::of(case).early)), Reason::Timing)
        .capped(
            (refused.code == Some(1008) && refused.says.is_none() && variant != "expired-meanwhile")
                .then_some(Cap::NoControl),
        )
        .cause(format!("{} {} {variant}", fact.origin, fact.route))
        .message(message(case, refused, variant, count));
    if let Some(words) = refused.says {
        draft = draft.primary(fact.id, "websocket.frame", format!("\"{words}\""));
    }
    if let Some(code) = refused.code {
        draft = draft.primary(fact.id, "websocket.close", code.to_string());
    }
    if let Some(credential) = fact.main_credential() {
        draft = draft.credential(credential.token).related(
            fact.id,
            &credential.carrier.to_string(),
            case.capture().describe(credential.token),
        );
    }
    match storm {
        true => draft.severity(Severity::High, "the client connects again and again"),
        false => draft,
    }
}

fn message(case: &Case<'_>, refused: &Refused<'_>, variant: &str, count: usize) -> String {
    let fact = refused.fact;
    let how = match (refused.says, refused.code) {
        (Some(words), Some(code)) => format!("\"{words}\" and the close code {code}"),
        (Some(words), None) => format!("\"{words}\""),
        (None, code) => format!("the close code {}", code.unwrap_or_default()),
    };
    let when =
        refused.after().filter(|after| *after >= 0).map_or_else(String::new, |after| format!(" {} later", span(after)));
    let why = match variant {
        "init-timeout" => {
            "; the client never sent connection_init, as when it waits for a token that does not come".to_owned()
        }
        "expired-meanwhile" => match expires_near(case, fact, refused.at) {
            Some(life) => format!("; the token of the handshake expired at that moment, {} after it", span(life)),
            None => String::new(),
        },
        "expired-token" => "; the token had expired when the handshake was sent".to_owned(),
        "first-message-refused" => "; what the client's first message carries is not accepted".to_owned(),
        _ => String::new(),
    };
    format!("{} was accepted with 101 and refused{when} with {how}{}{why}.", fact.route, times(count))
}
