//! CAP203: the capture leaves out what came before a refusal, or the preflights that would explain it.

use authtrace_parse::HeaderView;

use crate::{
    capture::Capture,
    case::delivers_token,
    catalogue::{Layer, RuleMeta, Tier},
    coverage::{Coverage, Input, InputFormat},
    facts::{
        Fact,
        credential::{Credential, Method},
        gate::NOT_A_FAILURE,
        role::Role,
    },
    finding::Severity,
    rule::{Check, Rule},
    token::TokenKind,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "CAP203",
        id: "incomplete-flow",
        title: "The capture leaves out a part of the story",
        severity: Severity::Info,
        layer: Layer::Capture,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &[],
    },
    check: Check::Coverage(check),
};

fn check(capture: &Capture) -> Vec<Coverage> {
    let each = capture.inputs.iter().enumerate().filter_map(|(index, input)| {
        let facts: Vec<&Fact> = capture.facts.iter().filter(|f| usize::from(f.source.input) == index).collect();
        // One sentence per input: the gap that says most.
        forgotten(input).or_else(|| no_preflights(input, &facts)).or_else(|| no_sign_in(input, &facts))
    });
    each.collect()
}

/// A live capture that is longer than what is kept of it.
fn forgotten(input: &Input) -> Option<Coverage> {
    (input.forgotten > 0).then(|| Coverage {
        rule: &RULE.meta,
        says: format!(
            "The first {} requests of {} are no longer known: more came than are kept.",
            input.forgotten, input.path
        ),
        affects: &["AUTH002", "AUTH005", "AUTH026", "AUTH040", "AUTH043"],
        remedy: Some("Keep more with --spill-limit, or analyse the file of -w, which holds all packets."),
    })
}

/// A request that its browser held back, in a recording that lists no preflight at all.
fn no_preflights(input: &Input, facts: &[&Fact]) -> Option<Coverage> {
    let held = |f: &&&Fact| {
        let blocked = f.failure.as_deref().is_some_and(|text| text.contains("ERR_FAILED"));
        f.status.is_none() && f.view == HeaderView::Provisional && blocked && f.has_method(Method::Authorization)
    };
    let held = facts.iter().filter(held).count();
    let lists = facts.iter().any(|f| f.role == Role::Preflight);
    (input.format == InputFormat::Har && held > 0 && !lists).then(|| Coverage {
        rule: &RULE.meta,
        says: format!(
            "{} lists no preflights, and {held} of its requests never left the browser: what held them back is not recorded.",
            input.path
        ),
        affects: &["AUTH060", "AUTH061"],
        remedy: Some(
            "Record with Chrome DevTools, which lists preflights: Network panel, reproduce, Export HAR; Playwright's recordHar \
             leaves them out.",
        ),
    })
}

/// Keys and passwords, which a program has from its configuration.
fn is_lasting(kind: TokenKind) -> bool {
    use TokenKind as K;
    matches!(kind, K::ApiKey { .. } | K::Basic | K::Digest | K::Negotiate | K::Ntlm | K::SigV4 | K::SignedRequest)
}

/// A refusal whose credential, or lack of one, goes back to a time before the capture.
fn no_sign_in(input: &Input, facts: &[&Fact]) -> Option<Coverage> {
    let refused = |f: &&&Fact| f.refused() && !f.gates.any(NOT_A_FAILURE) && !f.role.is_identity();
    let first = facts.iter().filter(refused).min_by_key(|f| f.started_nanos())?;
    let begun = |f: &&Fact| {
        // A sign-in that was refused is shown, too: nobody has a token after it.
        let signs_in = delivers_token(f) || (matches!(f.role, Role::Login | Role::Callback) && f.status.is_some());
        signs_in && f.ended_nanos() <= first.started_nanos()
    };
    if facts.iter().any(begun) {
        return None;
    }
    // What nobody signs in for was never given out in a capture.
    if first.main_credential().is_some_and(|c| is_lasting(c.kind)) {
        return None;
    }
    let usable = |c: &Credential| c.well_formed && c.kind.is_credential();
    let says = if first.credentials.iter().any(usable) {
        "where its token came from, and whether it was renewed, is unknown"
    } else if facts.iter().any(|f| f.credentials.iter().any(usable) || delivers_token(f)) {
        // Another request shows the credential: the difference between the two tells more than the sign-in would.
        return None;
    } else {
        "whether a token was ever there is unknown"
    };
    Some(Coverage {
        rule: &RULE.meta,
        says: format!("{} shows no sign-in before {} was refused: {says}.", input.path, first.route),
        affects: &["AUTH002", "AUTH005", "AUTH026", "AUTH040", "AUTH043"],
        remedy: Some(match input.format {
            InputFormat::Har => {
                "Start recording before signing in and reproduce from there (Chrome DevTools: Network panel › tick \"Preserve log\")."
            }
            InputFormat::Pcap | InputFormat::Pcapng => {
                "Start capturing before the client signs in, where its login passes by, and reproduce from there."
            }
        }),
    })
}
