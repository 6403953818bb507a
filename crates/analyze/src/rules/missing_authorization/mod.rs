//! AUTH001: a protected request went out without any credential that its API accepts.

use super::credentials_not_ready::{RENEWED, is_renewal};
use crate::{
    case::{Case, Lack},
    catalogue::{Layer, RuleMeta, Tier},
    facts::{Fact, credential::Method, outcome::OutcomeClass, role::Role},
    finding::{Cap, Reason, Severity},
    profile::Counts,
    rule::{Check, Draft, Findings, Rule},
    text::{Text, answered, count},
    thresholds::thresholds,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "AUTH001",
        id: "missing-authorization",
        title: "Protected request sent without credentials",
        severity: Severity::High,
        layer: Layer::Client,
        tier: Tier::T1,
        thresholds: Thresholds::LIST,
        spec: include_str!("spec.md"),
        fixes: &["fe.single-client", "fe.fail-fast"],
    },
    check: Check::Timeline(check),
};

// How much of an API must carry credentials before one without counts as the exception.
thresholds! {
    /// Requests to compare with; fewer is no control group.
    cohort_min: count = 4,
    /// Share of them that carries a credential.
    cohort_ratio: share = 0.5,
    /// Accepted requests without a credential that show an API to serve strangers.
    strangers_min: count = 3,
}

fn check(case: &Case<'_>, out: &mut Findings) {
    // An endpoint that hands out tokens takes its credential in the body or in a cookie; other rules know how.
    // A visitor who never signs in asks for "my messages" all the same; that is no fault of anybody.
    let stranger = !case.facts().any(shows_sign_in);
    let turned_away = TurnedAway::of(case);
    for fact in case.refusals().filter(|f| !f.role.delivers()) {
        if let Some(lack) = case.lacks_credential(fact) {
            let draft = draft(case, fact, &lack, stranger);
            out.add(if turned_away.holds(fact) { draft.severity(Severity::Low, TURNED_AWAY) } else { draft });
        }
    }
}

/// Why a refusal of somebody who was [`TurnedAway`] does no harm of its own.
const TURNED_AWAY: &str = "the sign-in before was refused, so nobody is signed in";

/// When the client was first refused a sign-in, and when it first had another answer to one, or was given anything.
struct TurnedAway {
    refused: Option<i64>,
    otherwise: Option<i64>,
}

impl TurnedAway {
    fn of(case: &Case<'_>) -> Self {
        let signs = || case.facts().filter(|f| f.role == Role::Login || !f.delivered.is_empty());
        let first = |refused: bool| {
            signs().find(|f| (f.outcome.class == OutcomeClass::LoginFailed) == refused).map(Fact::started_nanos)
        };
        Self { refused: first(true), otherwise: first(false) }
    }

    /// Whether every sign-in before `fact` was refused, and there was one.
    fn holds(&self, fact: &Fact) -> bool {
        let before = |at: Option<i64>| at.is_some_and(|at| at < fact.started_nanos());
        before(self.refused) && !before(self.otherwise)
    }
}

/// Whether somebody is signed in, or tries to be.
fn shows_sign_in(fact: &Fact) -> bool {
    !fact.credentials.is_empty() || !fact.delivered.is_empty() || fact.role.is_identity()
}

fn draft(case: &Case<'_>, fact: &Fact, lack: &Lack, stranger: bool) -> Draft {
    let (control, _) = case.control(fact);
    let thin = !is_cohort(case, control);
    let key = case.key_header(fact);
    let missing =
        key.map_or_else(|| "request.header.authorization".to_owned(), |name| format!("request.header.{name}"));
    let draft = Draft::new(&RULE.meta, fact)
        .message(message(fact, lack, control, key))
        .because(Reason::WireFact)
        .because_if(lack.has_control && !thin, Reason::Control)
        .because_server_says(fact)
        .because_if(lack.declared.is_some(), Reason::Document)
        .capped(
            lack.caps
                .iter()
                .copied()
                .chain((thin && !lack.says_missing && lack.declared.is_none()).then_some(Cap::NoControl)),
        )
        .server_says(fact)
        .cause(&fact.origin);
    let draft = match &lack.declared {
        Some((from, wants)) => draft.related(fact.id, "request", format!("{from}: {wants}")),
        None => draft,
    };
    let serves_strangers = control.bare_ok as usize >= Thresholds::of(case).strangers_min;
    let draft = match lack.has_control || lack.says_missing || lack.declared.is_some() {
        true if stranger && serves_strangers && lack.declared.is_none() => {
            draft.severity(Severity::Low, "nobody signs in within the capture, and the API serves strangers")
        }
        true => draft,
        // Neither a control nor a word of the server: an exporter that removed the header would leave the same bytes.
        false => draft.severity(Severity::Low, "nothing shows that this API wants a credential"),
    };
    let draft = if is_renewal(case, fact) { draft.severity(Severity::Low, RENEWED) } else { draft };
    match lack.preflight {
        _ if lack.cookie_left_out => draft.fixes(&["fe.include-credentials", "fe.single-client"]).primary(
            fact.id,
            "request.header.cookie",
            "absent",
        ),
        Some(preflight) => draft.primary(fact.id, "request.header.authorization", "absent").related(
            preflight,
            "request.header.access-control-request-headers",
            "does not ask for authorization",
        ),
        None => draft.primary(fact.id, &missing, "absent"),
    }
}

fn is_cohort(case: &Case<'_>, control: &Counts) -> bool {
    let (with, without) = (control.credentialed(), control.bare_ok + control.bare_refused);
    let all = with + without;
    let thresholds = Thresholds::of(case);
    all as usize >= thresholds.cohort_min && f64::from(with) >= thresholds.cohort_ratio * f64::from(all)
}

fn message(fact: &Fact, lack: &Lack, control: &Counts, key: Option<&Text>) -> String {
    let without = key.map_or("Authorization", |name| name);
    let what = format!("{} went out without {without} and {}", fact.route, answered(fact.status));
    if lack.cookie_left_out {
        return format!(
            "{} went out without any cookie and {}; the page's calls to the same API just before carried its session cookie and were accepted.",
            fact.route,
            answered(fact.status)
        );
    }
    let accepted = control.accepted_methods.get(&Method::Authorization).copied().unwrap_or_default();
    match (accepted, lack.has_control) {
        (0, false) => format!("{what}; no accepted request shows which credential it wants."),
        (0, true) => format!("{what}; requests to the same API that carried a credential were accepted."),
        (n, _) => format!(
            "{what}; {} to the same API carried it and {} accepted.",
            count(n as usize, "request"),
            if n == 1 { "was" } else { "were" }
        ),
    }
}
