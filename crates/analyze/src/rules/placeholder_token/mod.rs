//! AUTH010: the credential is the text of a value that was not there.

use std::time::Duration;

use crate::{
    case::{Case, good_authorization},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{
        Fact,
        credential::{Carrier, Credential},
        gate::Gate,
    },
    finding::{Reason, Severity},
    rule::{Check, Draft, Findings, Rule},
    text::{answered, span, times},
    thresholds::{nanos, thresholds},
    token::{Defect, TokenKind},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH010",
        id: "placeholder-token",
        title: "Placeholder sent in place of a token",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.fail-fast", "fe.await-token"],
    },
    check: Check::Timeline(check),
};

// When a token that came later shows that the placeholder was only early.
thresholds! {
    /// The first good token follows within this time: SDKs load and mint within it.
    follow_up: time = Duration::from_secs(10),
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let sent =
        case.facts().filter(|f| !f.gates.any(&[Gate::Probe, Gate::Preflight, Gate::NotServer, Gate::ChallengeLeg]));
    let with = sent.filter_map(|fact| Some((fact, placeholder(fact)?)));
    let with: Vec<(&Fact, &Credential)> = with.collect();
    // One refused and one ignored placeholder of a route are two cases: only the first breaks anything.
    let groups = Case::grouped(with.iter().map(|(fact, _)| *fact), |f| {
        (f.origin.clone(), f.route.clone(), f.session, placeholder(f).map(|c| c.token), f.refused())
    });
    for facts in groups.into_values() {
        if let Some((&first, credential)) = facts.first().and_then(|first| Some((first, placeholder(first)?))) {
            out.add(draft(case, first, credential, &facts));
        }
    }
}

/// The placeholder that `fact` presents. In `Authorization` it is one whatever the answer; elsewhere a refusal must show
/// that the parameter was meant as a credential.
fn placeholder(fact: &Fact) -> Option<&Credential> {
    fact.credentials.iter().find(|c| {
        let carrier = match &c.carrier {
            Carrier::Header(name) if &**name == "proxy-authorization" => false,
            Carrier::Body(_) | Carrier::Cookie(_) => false,
            _ => c.is_authorization() || fact.refused(),
        };
        carrier && c.kind == TokenKind::Placeholder
    })
}

/// Where a literal comes from, as far as its text tells.
struct Origin {
    variant: &'static str,
    why: &'static str,
    fixes: &'static [&'static str],
}

fn origin(literal: &str) -> Origin {
    let folded = literal.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    let (variant, why, fixes): (_, _, &'static [&'static str]) = match folded.as_str() {
        "" => ("empty", "the token variable was an empty string", &["fe.fail-fast"]),
        "undefined" => (
            "undefined",
            "the code read a variable or property that was not set yet",
            &["fe.fail-fast", "fe.gate-ready"],
        ),
        "null" | "none" | "nil" => {
            ("null", "the token store was empty when the header was built", &["fe.fail-fast", "fe.token-store"])
        }
        "nan" | "true" | "false" => ("other", "the code put another value where the token belongs", &["fe.fail-fast"]),
        text if text.contains("promise") => {
            ("promise", "the code did not await the promise that yields the token", &["fe.await-token"])
        }
        text if text.starts_with("[object") || text.starts_with("function") || text == "object" => (
            "object",
            "the code put an object into the header instead of its token string",
            &["fe.await-token", "fe.header-format"],
        ),
        text if text.starts_with(['<', '{', '$', '%']) => {
            ("template", "a template was sent before anybody filled it in", &["fe.fail-fast"])
        }
        _ => ("sample", "a sample value was never replaced by a token", &["fe.fail-fast"]),
    };
    Origin { variant, why, fixes }
}

fn draft(case: &Case<'_>, first: &Fact, credential: &Credential, facts: &[&Fact]) -> Draft {
    let token = case.token(credential.token);
    let literal = token.literal().unwrap_or_default().trim();
    let origin = origin(literal);
    let empty = credential.defects.contains(&Defect::Empty) || literal.is_empty();
    let shown = if empty { "nothing at all".to_owned() } else { format!("the literal `{literal}`") };
    let good = follow_up(case, first);
    let draft = Draft::new(&RULE.meta, first)
        .variant(origin.variant)
        .message(message(first, credential, &shown, &origin, facts.len()))
        .because(Reason::WireFact)
        .because_if(good.is_some(), Reason::Control)
        .primary(first.id, &credential.carrier.to_string(), format!("{shown} in place of a token"))
        .server_says(first)
        .credential(credential.token)
        .also(facts.iter().map(|f| f.id))
        .fixes(origin.fixes)
        .cause(literal);
    let draft = match good {
        Some(good) => draft.related(
            good.id,
            "request.header.authorization",
            format!("a real token {} later", span(good.started_nanos() - first.started_nanos())),
        ),
        None => draft,
    };
    if first.refused() { draft } else { draft.severity(Severity::Low, "the request was not refused for it") }
}

/// The first request to the same origin with a real token, soon after the placeholder.
fn follow_up<'a>(case: &Case<'a>, fact: &Fact) -> Option<&'a Fact> {
    let sent = fact.started_nanos();
    case.lookup().between(sent + 1, sent + nanos(Thresholds::of(case).follow_up)).find(|f| {
        f.origin == fact.origin && good_authorization(f).is_some_and(|c| c.kind.is_credential()) && f.succeeded()
    })
}

fn message(fact: &Fact, credential: &Credential, shown: &str, origin: &Origin, n: usize) -> String {
    let place = match (&credential.carrier, &credential.scheme) {
        (Carrier::Header(name), Some(scheme)) if &**name == "authorization" => {
            format!("after `{scheme}` in Authorization")
        }
        (Carrier::Header(name), _) => format!("in the header `{name}`"),
        (Carrier::Query(name), _) => format!("in the query parameter `{name}`"),
        _ => "as its credential".to_owned(),
    };
    let times = times(n);
    format!("{} carried {shown} {place} and {}{times}: {}.", fact.route, answered(fact.status), origin.why)
}
