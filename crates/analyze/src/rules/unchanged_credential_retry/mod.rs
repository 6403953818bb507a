//! AUTH044: a refused request was repeated with the same credential.

use std::time::Duration;

use crate::{
    case::{Case, Seen},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, gate::Gate},
    finding::{Reason, Severity},
    refreshes::in_words,
    rule::{Check, Draft, Findings, Rule},
    text::Text,
    thresholds::{nanos, thresholds},
    token::TokenKind,
    tokens::TokenId,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH044",
        id: "unchanged-credential-retry",
        title: "Refused request repeated with the same credential",
        severity: Severity::Medium,
        layer: Layer::Client,
        tier: Tier::T2,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.no-blind-retry"],
    },
    check: Check::Timeline(check),
};

// When repeats are a retry and not three calls that happen to look alike.
thresholds! {
    /// Refusals of one call with one credential.
    count: count = 3,
    /// All within this time.
    within: time = Duration::from_secs(30),
    /// Calls in even steps of at least this length are a poll, which repeats by design (G22).
    poll_step: time = Duration::from_secs(5),
    /// Even means that no step differs from the mean by more than this share.
    poll_jitter: share = 0.1,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    let calls = case.refusals().filter(|f| {
        // Two GraphQL queries without a name may be two different calls (G16).
        let unnamed_query = f.path.ends_with("/graphql") && !f.route.contains('#');
        !f.role.is_identity() && !f.gates.has(Gate::Provisional) && !unnamed_query
    });
    let same_call = |f: &Fact| (f.origin.clone(), f.route.clone(), f.path.clone(), f.lifetime, credential(case, f));
    for ((_, _, _, _, credential), calls) in Case::grouped(calls, same_call) {
        let Some(credential) = credential else { continue };
        for run in runs(case, &calls) {
            if run.len() >= Thresholds::of(case).count && !is_poll(case, &run) {
                out.add(draft(case, &run, credential));
            }
        }
    }
}

/// The credential of a call: `Some(None)` where it certainly has none, `None` where the capture cannot tell.
fn credential(case: &Case<'_>, fact: &Fact) -> Option<Option<TokenId>> {
    match fact.main_credential().filter(|c| !c.is_cookie()) {
        // What a sanitiser wrote is the same for every token.
        Some(credential) => (credential.kind != TokenKind::Redacted).then_some(Some(credential.token)),
        None => matches!(case.authorization(fact), Seen::Absent { .. })
            .then(|| fact.main_credential().map(|credential| credential.token)),
    }
}

/// Calls that follow each other within the window; one that was sent while another was in flight is no repeat of it.
fn runs<'a>(case: &Case<'a>, calls: &[&'a Fact]) -> Vec<Vec<&'a Fact>> {
    let window = nanos(Thresholds::of(case).within);
    let mut runs: Vec<Vec<&Fact>> = Vec::new();
    for &fact in calls {
        let open = runs.last_mut().filter(|run| {
            let (first, last) = (run[0], run[run.len() - 1]);
            fact.started_nanos() - first.started_nanos() <= window && !accepted_between(case, last, fact)
        });
        match open {
            Some(run) if run[run.len() - 1].ended_nanos() > fact.started_nanos() => {}
            Some(run) => run.push(fact),
            None => runs.push(vec![fact]),
        }
    }
    runs
}

/// Whether the same call was accepted between two refusals: then something did change.
fn accepted_between(case: &Case<'_>, from: &Fact, to: &Fact) -> bool {
    let same = case.lookup().on_route(&from.origin, &from.route);
    let between = same.since(from.ended_nanos()).before(to.started_nanos());
    between.iter().any(|f| f.is_api_call() && f.succeeded())
}

fn is_poll(case: &Case<'_>, run: &[&Fact]) -> bool {
    let steps = steps(run);
    let mean = steps.iter().sum::<i64>() as f64 / steps.len().max(1) as f64;
    let thresholds = Thresholds::of(case);
    mean >= thresholds.poll_step.as_nanos() as f64
        && steps.iter().all(|step| (*step as f64 - mean).abs() <= thresholds.poll_jitter * mean)
}

fn steps(run: &[&Fact]) -> Vec<i64> {
    run.windows(2).map(|pair| pair[1].started_nanos() - pair[0].started_nanos()).collect()
}

fn draft(case: &Case<'_>, run: &[&Fact], credential: Option<TokenId>) -> Draft {
    let (first, last) = (run[0], run[run.len() - 1]);
    let span = in_words(last.started_nanos() - first.started_nanos());
    let part = part(first);
    let name = credential.map_or_else(|| "no credential".to_owned(), |token| case.capture().describe(token));
    let carrying = if credential.is_some() { "the same credential" } else { "no credential" };
    let mut draft = Draft::new(&RULE.meta, first)
        .message(format!(
            "{} was refused and sent again {} times in {span} with {carrying}; the answer cannot change.",
            first.route,
            run.len() - 1
        ))
        .because(Reason::WireFact)
        .because(Reason::Timing)
        .primary(first.id, &part, name.clone())
        .server_says(first)
        .also(run.iter().map(|f| f.id))
        .cause(format!("{} {} {}", first.origin, first.route, case.token_mark(credential)));
    if let Some(token) = credential {
        draft = draft.credential(token);
    }
    for pair in run.windows(2).take(3) {
        let after = in_words(pair[1].started_nanos() - pair[0].ended_nanos());
        draft = draft.related(pair[1].id, &part, format!("{name} again, {after} after the refusal"));
    }
    draft
}

fn part(fact: &Fact) -> Text {
    fact.main_credential().map_or_else(|| "request.header.authorization".into(), |c| c.carrier.to_string().into())
}
