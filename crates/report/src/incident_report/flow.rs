//! Expected against actual flow: the few steps that this kind of call takes, each looked up in the capture.

use authtrace_analyze::facts::{Fact, role::Role};

use authtrace_parse::{ExchangeId, Timestamp};

use super::{
    family::Family,
    model::{Mark, Step},
    scene::{Scene, began},
};
use crate::{
    moment::span,
    words::{answer, count, request_line},
};

/// The steps of the incident's kind of call.
pub(super) fn steps(scene: &Scene<'_>, family: Family) -> Vec<Step> {
    let mut steps = match family {
        Family::Missing => missing(scene),
        Family::Rejected => rejected(scene),
        Family::Refresh => refresh(scene),
        Family::WebSocket => websocket(scene),
        Family::Cors => cors(scene),
        Family::Redirect => redirect(scene),
        Family::Address | Family::Exposure => other(scene),
    };
    steps.extend(control(scene, family));
    number(steps)
}

/// A step before it has its number.
struct Draft<'a> {
    expected: &'static str,
    actual: String,
    mark: Mark,
    fact: Option<&'a Fact>,
}

impl<'a> Draft<'a> {
    fn new(mark: Mark, expected: &'static str, actual: impl Into<String>, fact: Option<&'a Fact>) -> Self {
        Self { expected, actual: actual.into(), mark, fact }
    }

    fn unseen(expected: &'static str) -> Self {
        Self::new(Mark::Unseen, expected, "not in this capture", None)
    }
}

/// Numbers, and the time since the step before.
fn number(drafts: Vec<Draft<'_>>) -> Vec<Step> {
    let mut before = None;
    let mut steps = Vec::with_capacity(drafts.len());
    for (number, draft) in (1..).zip(drafts) {
        let at = draft.fact.and_then(|fact| Some((fact.id, began(fact)?)));
        let since = at.zip(before).filter(|((id, _), (earlier, _))| id != earlier);
        let since = since.map(|((_, at), (_, before)): ((_, Timestamp), (ExchangeId, _))| at.nanos_since(before));
        before = at.or(before);
        steps.push(Step {
            number,
            mark: draft.mark,
            expected: draft.expected.to_owned(),
            actual: draft.actual,
            after: since.map(|nanos| format!("{}{}", if nanos < 0 { "−" } else { "+" }, span(nanos))),
            exchange: draft.fact.map(|f| f.id.0),
        });
    }
    steps
}

fn sign_in<'a>(scene: &Scene<'a>) -> Draft<'a> {
    const EXPECTED: &str = "The user signs in";
    match scene.sign_in() {
        Some(fact) => Draft::new(Mark::Ok, EXPECTED, request_line(fact), Some(fact)),
        None => Draft::unseen(EXPECTED),
    }
}

fn delivery<'a>(scene: &Scene<'a>) -> Draft<'a> {
    const EXPECTED: &str = "The client receives an access token before it calls the API";
    match scene.delivery() {
        Some((fact, true)) => {
            Draft::new(Mark::Ok, EXPECTED, format!("{}, with a token", request_line(fact)), Some(fact))
        }
        Some((fact, false)) => {
            let late = fact.ended_nanos() - scene.failing.first().map_or(0, |f| f.started_nanos());
            let actual =
                format!("{}: the token arrived {} after the first call was sent", request_line(fact), span(late));
            Draft::new(Mark::Late, EXPECTED, actual, Some(fact))
        }
        None => Draft::unseen(EXPECTED),
    }
}

/// The failing call as a step: what `told` says of it, and its answer.
fn failure<'a>(scene: &Scene<'a>, expected: &'static str, told: &str) -> Draft<'a> {
    let Some(first) = scene.failing.first() else { return Draft::unseen(expected) };
    let more = scene.failing.len() - 1;
    let more = if more > 0 { format!("; {} alike", count(more, "more call")) } else { String::new() };
    Draft::new(Mark::Bad, expected, format!("{} {told}{more}", first.route), Some(first))
}

fn refusal<'a>(scene: &Scene<'a>, expected: &'static str) -> Draft<'a> {
    let Some(first) = scene.failing.first() else { return Draft::unseen(expected) };
    let said = first.outcome.error_text.as_deref().map(|text| format!(": “{text}”")).unwrap_or_default();
    Draft::new(Mark::Bad, expected, format!("{}{said}", answer(first)), Some(first))
}

fn missing<'a>(scene: &Scene<'a>) -> Vec<Draft<'a>> {
    let carried = scene.failing.first().is_some_and(|f| f.cookies().next().is_some());
    let told = if carried { "left with cookies only" } else { "left without the credential" };
    vec![
        sign_in(scene),
        delivery(scene),
        failure(scene, "The call carries the credential that the API takes", told),
        refusal(scene, "The API answers the call"),
    ]
}

fn rejected<'a>(scene: &Scene<'a>) -> Vec<Draft<'a>> {
    let expected = "The call carries the token";
    let formed = !matches!(scene.root.rule.code, "AUTH010" | "AUTH011" | "AUTH012" | "AUTH013" | "AUTH014" | "AUTH015");
    let carried = match (scene.failing.first(), formed) {
        (Some(first), true) => {
            let named = first.main_credential().map(|c| scene.view.analysis.capture.describe(c.token));
            Draft::new(
                Mark::Ok,
                expected,
                named.map_or_else(|| first.route.to_string(), |name| format!("{} with {name}", first.route)),
                Some(first),
            )
        }
        _ => failure(scene, expected, &format!("carried {}", carried(scene))),
    };
    vec![sign_in(scene), delivery(scene), carried, refusal(scene, "The API verifies the token and answers the call")]
}

/// What the first failing call carried instead, in the words of the proof.
fn carried(scene: &Scene<'_>) -> String {
    let first = scene.failing.first().map(|f| f.id);
    let proof = scene.root.evidence.iter().find(|e| Some(e.exchange) == first && e.part.starts_with("request"));
    proof.map_or_else(|| "something else".to_owned(), |e| e.says.clone())
}

fn refresh<'a>(scene: &Scene<'a>) -> Vec<Draft<'a>> {
    let attempts: Vec<&Fact> =
        scene.of_role(&[Role::Refresh, Role::Mint]).filter(|f| scene.incident.exchanges.contains(&f.id)).collect();
    let first = attempts.first().copied();
    let trigger = scene.incident.exchanges.iter().filter_map(|id| scene.view.analysis.fact(*id));
    let trigger = trigger.filter(|f| !f.role.is_identity() && f.refused()).min_by_key(|f| f.started_nanos());
    let won = attempts.iter().copied().find(|f| f.succeeded());
    let refused = attempts.iter().filter(|f| !f.succeeded()).count();
    let span = match (first, attempts.last()) {
        (Some(first), Some(last)) => format!(" within {}", span(last.started_nanos() - first.started_nanos())),
        _ => String::new(),
    };
    let expected = "The access token is renewed ahead of its expiry, or one call is refused";
    let one = "Exactly one refresh is sent; other calls wait for it";
    let outcome = "The refresh gives a new token, or the client stops and signs the user out once";
    vec![
        sign_in(scene),
        trigger.map_or_else(|| Draft::unseen(expected), |f| Draft::new(Mark::Ok, expected, request_line(f), Some(f))),
        Draft::new(
            if attempts.len() > 1 { Mark::Bad } else { Mark::Ok },
            one,
            format!("{} sent{span}", count(attempts.len(), "refresh").replace("refreshs", "refreshes")),
            first,
        ),
        match won {
            Some(won) if refused > 0 => {
                Draft::new(Mark::Bad, outcome, format!("one succeeded, {refused} refused"), Some(won))
            }
            Some(won) => Draft::new(Mark::Ok, outcome, request_line(won), Some(won)),
            None => Draft::new(Mark::Bad, outcome, format!("all {refused} refused"), attempts.last().copied()),
        },
    ]
}

fn websocket<'a>(scene: &Scene<'a>) -> Vec<Draft<'a>> {
    let carried = scene.failing.first().and_then(|f| f.main_credential());
    let told = carried.map_or_else(
        || "without any credential that this capture shows".to_owned(),
        |c| format!("{} in {}", scene.view.analysis.capture.describe(c.token), c.carrier),
    );
    let mark = if carried.is_some() { Mark::Ok } else { Mark::Unseen };
    vec![
        delivery(scene),
        Draft::new(mark, "The handshake carries the credential", told, scene.failing.first().copied()),
        refusal(scene, "The server answers 101 Switching Protocols"),
    ]
}

fn cors<'a>(scene: &Scene<'a>) -> Vec<Draft<'a>> {
    let facts = || scene.incident.exchanges.iter().filter_map(|id| scene.view.analysis.fact(*id));
    let preflight = facts().find(|f| f.role == Role::Preflight);
    let real = facts().find(|f| f.role != Role::Preflight);
    let asked = "The browser's preflight is answered with the origin, method and headers that the call needs";
    let sent = "The call is sent and the page may read its answer";
    let refused = scene.root.evidence.first().map(|e| format!("{}: {}", e.part, e.says)).unwrap_or_default();
    vec![
        preflight.map_or_else(
            || Draft::unseen(asked),
            |f| Draft::new(Mark::Bad, asked, format!("{}; {refused}", request_line(f)), Some(f)),
        ),
        real.map_or_else(|| Draft::unseen(sent), |f| Draft::new(Mark::Bad, sent, request_line(f), Some(f))),
    ]
}

fn redirect<'a>(scene: &Scene<'a>) -> Vec<Draft<'a>> {
    let hop = scene.failing.first().and_then(|f| scene.view.analysis.fact(f.redirected_from?));
    let expected = "The call carries the credential";
    vec![
        delivery(scene),
        hop.map_or_else(|| Draft::unseen(expected), |f| Draft::new(Mark::Ok, expected, request_line(f), Some(f))),
        failure(
            scene,
            "No redirect, or one that stays on the same origin, so that the credential is kept",
            "followed a redirect to another origin without it",
        ),
        refusal(scene, "The API answers the call"),
    ]
}

fn other<'a>(scene: &Scene<'a>) -> Vec<Draft<'a>> {
    vec![sign_in(scene), refusal(scene, "The call reaches the API and is answered")]
}

/// The same call, working: what proves that the route and the user are fine.
fn control<'a>(scene: &Scene<'a>, family: Family) -> Option<Draft<'a>> {
    let fact = scene.control().filter(|_| !matches!(family, Family::Refresh | Family::Exposure))?;
    let later = scene.failing.first().is_some_and(|first| fact.started_nanos() > first.started_nanos());
    let expected = if later {
        "Control: the same call later in this capture"
    } else {
        "Control: the same call earlier in this capture"
    };
    Some(Draft::new(Mark::Ok, expected, format!("{}, with a credential", request_line(fact)), Some(fact)))
}
