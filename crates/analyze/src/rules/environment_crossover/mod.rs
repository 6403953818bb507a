//! AUTH033: a token of one environment was used against another.

mod project;

use crate::{
    case::Case,
    catalogue::{Layer, RuleMeta, Tier},
    dictionary::ErrorClass,
    facts::Fact,
    finding::{Cap, Reason, Severity},
    presented::{self, Judged, Presented, quoted, reason_is_open},
    rule::{Check, Draft, Findings, Rule},
    text::{answered, times},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH033",
        id: "environment-crossover",
        title: "Token of one environment used against another",
        severity: Severity::High,
        layer: Layer::Key,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &["be.env", "idp.instance"],
    },
    check: Check::Timeline(check),
};

/// An environment, whatever word names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Environment {
    Development,
    Test,
    Staging,
    Production,
}

const WORDS: &[(Environment, &[&str])] = &[
    (Environment::Development, &["dev", "development", "local", "localhost"]),
    (Environment::Test, &["test", "qa", "uat"]),
    (Environment::Staging, &["stag", "stage", "staging", "preview", "sandbox"]),
    (Environment::Production, &["prod", "production", "live"]),
];

/// An environment, the value that names it and where that was read.
struct Label<'a> {
    environment: Environment,
    value: &'a str,
    part: &'static str,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    project::check(case, out);
    for origin in presented::by_origin(case) {
        check_origin(case, &origin, out);
    }
    for facts in Case::by_credential(case.facts().filter(|f| says_so(f)), |f| f.main_credential().map(|c| c.token)) {
        out.add_all(facts.first().map(|first| said(case, first, &facts)));
    }
}

/// Whether the server itself says that the credential is of another environment, whatever the status: Stripe answers 404.
fn says_so(fact: &Fact) -> bool {
    fact.outcome.says(&[ErrorClass::OtherEnvironment]) && fact.main_credential().is_some()
}

fn said(case: &Case<'_>, first: &Fact, facts: &[&Fact]) -> Draft {
    let draft = Draft::new(&RULE.meta, first)
        .variant("said")
        .because(Reason::WireFact)
        .because_server_says(first)
        .server_says(first)
        .also(facts.iter().map(|f| f.id))
        .cause(format!("{} said", first.origin))
        .message(format!(
            "{} {}{}: the server says that what is asked for is of another environment than the key.",
            first.route,
            answered(first.status),
            times(facts.len())
        ));
    match first.main_credential() {
        Some(credential) => draft.credential(credential.token).primary(
            first.id,
            &credential.carrier.to_string(),
            case.capture().describe(credential.token),
        ),
        None => draft,
    }
}

fn check_origin(case: &Case<'_>, origin: &Judged<'_>, out: &mut Findings) {
    let controls = &origin.controls;
    let labels = controls.iter().filter_map(|(ok, other)| Some((*ok, label_of_token(other)?)));
    let labels: Vec<(&Fact, Label<'_>)> = labels.collect();
    for (fact, jwt) in origin.refused.iter().filter(|(fact, _)| may_be_crossover(fact)) {
        let Some(own) = label_of_token(jwt) else { continue };
        // A provider whose tokens are accepted here serves this environment, whatever its name.
        let shared = labels.iter().any(|(_, label)| label.environment == own.environment)
            || controls.iter().any(|(_, other)| other.claims.iss.is_some() && other.same_signer(jwt));
        if shared {
            continue;
        }
        if let Some((ok, theirs)) = labels.first() {
            out.add(
                draft(case, fact, jwt, &own)
                    .because(Reason::Control)
                    .message(against_tokens(fact, &own, theirs, ok))
                    .related(
                        ok.id,
                        theirs.part,
                        format!("{}, accepted on {}", quoted([theirs.value].into_iter()), ok.route),
                    ),
            );
        } else if let Some(host) = label_of_host(&fact.host).filter(|host| *host != own.environment) {
            if host == Environment::Development && reason_is_open(fact) {
                continue; // A local service that uses a shared provider is how people develop.
            }
            out.add(
                draft(case, fact, jwt, &own)
                    .message(against_host(fact, &own))
                    .capped(reason_is_open(fact).then_some(Cap::NoControl))
                    .related(fact.id, "request.header.host", quoted([&*fact.host].into_iter())),
            );
        }
    }
}

/// Whether the refusal can come from a wrong environment: key, issuer, audience, or no reason at all.
fn may_be_crossover(fact: &Fact) -> bool {
    use ErrorClass as E;
    reason_is_open(fact)
        || fact.outcome.says(&[E::Signature, E::UnknownKey, E::Issuer, E::Audience, E::AuthorizedParty])
}

/// The environment that a token names: in its issuer, else its key, else its audience.
fn label_of_token<'a>(jwt: &Presented<'a>) -> Option<Label<'a>> {
    let label = |part, value: &'a str| find(value).map(|environment| Label { environment, value, part });
    let iss = jwt.claims.iss.as_deref().and_then(|iss| label("token.claim.iss", iss));
    let kid = || jwt.jose.header.kid.as_deref().and_then(|kid| label("token.header.kid", kid));
    let aud = || jwt.claims.aud.iter().find_map(|aud| label("token.claim.aud", aud));
    iss.or_else(kid).or_else(aud)
}

/// The environment that whole words of `text` name; `None` where they name none or several.
fn find(text: &str) -> Option<Environment> {
    let lower = text.to_ascii_lowercase();
    let rest = lower.split_once("://").map_or(&*lower, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let of_host = label_of_host(host);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(word);
    one_of(of_host.into_iter().chain(words))
}

/// The environment of a host name or key id. The last label of a domain is a registry, not an environment: `x.dev`,
/// `example.test`; Clerk's `*.accounts.dev` are development instances.
fn label_of_host(host: &str) -> Option<Environment> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    if name.ends_with(".accounts.dev") || name.starts_with("127.") {
        return Some(Environment::Development);
    }
    let labels =
        name.rsplit_once('.').map_or(&*name, |(labels, last)| if last == "localhost" { &*name } else { labels });
    one_of(labels.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(word))
}

fn word(word: &str) -> Option<Environment> {
    WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(environment, _)| *environment)
}

fn one_of(mut found: impl Iterator<Item = Environment>) -> Option<Environment> {
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

fn draft(case: &Case<'_>, fact: &Fact, jwt: &Presented<'_>, own: &Label<'_>) -> Draft {
    Draft::new(&RULE.meta, fact)
        .credential(jwt.id())
        .because(Reason::WireFact)
        .because_server_says(fact)
        .capped([Cap::TokenSays])
        .primary(fact.id, own.part, quoted([own.value].into_iter()))
        .related(fact.id, &jwt.part(), case.capture().describe(jwt.id()))
        .server_says(fact)
        .cause(format!("{} {:?}", fact.origin, own.environment))
}

fn against_tokens(fact: &Fact, own: &Label<'_>, theirs: &Label<'_>, ok: &Fact) -> String {
    format!(
        "{} answered {} to a token of {}; the tokens that this API accepts, as on {}, are of {}.",
        fact.route,
        fact.status.unwrap_or_default(),
        quoted([own.value].into_iter()),
        ok.route,
        quoted([theirs.value].into_iter())
    )
}

fn against_host(fact: &Fact, own: &Label<'_>) -> String {
    format!(
        "{} on {} answered {} to a token of {}: the names belong to two environments.",
        fact.route,
        fact.host,
        fact.status.unwrap_or_default(),
        quoted([own.value].into_iter())
    )
}
