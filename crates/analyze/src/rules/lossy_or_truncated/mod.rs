//! CAP202: parts of the capture are missing, and an answer may stand in them.

mod packets;

use crate::{
    capture::Capture,
    catalogue::{Layer, RuleMeta, Tier},
    coverage::{Coverage, Input, InputFormat},
    facts::{Fact, gate::NOT_A_FAILURE, outcome::OutcomeClass},
    finding::Severity,
    rule::{Check, Rule},
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "CAP202",
        id: "lossy-or-truncated",
        title: "Parts of the capture are missing",
        severity: Severity::Info,
        layer: Layer::Capture,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &[],
    },
    check: Check::Coverage(check),
};

/// Oddities after which the rest of an input is unknown, and what they are called in a sentence.
const ENDINGS: &[(&str, &str)] = &[
    ("truncated", "ends in the middle"),
    ("damaged-compression", "is damaged"),
    ("decompression-limit", "unpacks to more than is read"),
    ("read-failed", "could not be read to its end"),
];

/// Oddities that cost single entries.
const SKIPPED: &[&str] = &["unreadable-entry", "oversized-entry", "entry-without-url"];

fn check(capture: &Capture) -> Vec<Coverage> {
    let each = capture.inputs.iter().enumerate().flat_map(|(index, input)| {
        let facts: Vec<&Fact> = capture.facts.iter().filter(|f| usize::from(f.source.input) == index).collect();
        let refusals: Vec<&Fact> = facts.iter().copied().filter(|f| is_refusal(f)).collect();
        let common = [cut(input), skipped(input), wordless(input, &refusals)];
        common.into_iter().flatten().chain(packets::check(input, &facts))
    });
    each.collect()
}

/// An input of which only the beginning was read.
fn cut(input: &Input) -> Option<Coverage> {
    let named = ENDINGS.iter().find(|(name, _)| input.anomalies.contains_key(*name)).map(|(_, words)| *words);
    let words = named.or(input.truncated.then_some("ends in the middle"))?;
    Some(Coverage {
        rule: &RULE.meta,
        says: format!(
            "{} {words}: {} were read, and what follows them is unknown.",
            input.path,
            match input.format {
                InputFormat::Har => count(input.exchanges, "entry", "entries"),
                InputFormat::Pcap | InputFormat::Pcapng => count(input.exchanges, "request", "requests"),
            }
        ),
        affects: &["AUTH001", "AUTH005", "AUTH040", "AUTH042", "AUTH051"],
        remedy: Some(
            "Save the recording again and wait until the file is complete (Chrome: Network panel › Export HAR; dumpcap and \
             tcpdump: stop with Ctrl-C, not kill -9), then copy it whole.",
        ),
    })
}

/// Entries that were skipped.
fn skipped(input: &Input) -> Option<Coverage> {
    let lost: u64 = SKIPPED.iter().filter_map(|name| input.anomalies.get(*name)).sum();
    (lost > 0).then(|| Coverage {
        rule: &RULE.meta,
        says: format!(
            "{} of {} could not be read and left out; {} were read.",
            count(u32::try_from(lost).unwrap_or(u32::MAX), "entry", "entries"),
            input.path,
            input.exchanges
        ),
        affects: &["AUTH001", "AUTH005", "AUTH042"],
        remedy: Some("Export the HAR again without editing it by hand (Chrome: Network panel › Export HAR)."),
    })
}

/// Refusals whose body the recording lacks: the server's reason is not known.
fn wordless(input: &Input, refusals: &[&Fact]) -> Option<Coverage> {
    let lost = refusals.iter().filter(|f| !f.response_body_seen && f.outcome.error.is_none()).count();
    (lost > 0).then(|| Coverage {
        rule: &RULE.meta,
        says: format!(
            "{lost} of {} in {} came without the answer's body: what the server said is unknown there.",
            count(u32::try_from(refusals.len()).unwrap_or(u32::MAX), "refusal", "refusals"),
            input.path
        ),
        affects: &["AUTH020", "AUTH023", "AUTH024", "AUTH030", "AUTH073"],
        remedy: Some(match input.format {
            InputFormat::Har => {
                "Export the HAR before leaving the page: DevTools drops bodies of pages that were navigated away from; or record \
                 with Playwright's recordHar: { content: 'embed' }."
            }
            InputFormat::Pcap | InputFormat::Pcapng => {
                "Capture whole frames (tcpdump -s 0) and let nothing drop (tcpdump -B 65536)."
            }
        }),
    })
}

fn count(n: u32, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Refused for authentication, or with a 403 that may be one once its words are known.
fn is_refusal(fact: &Fact) -> bool {
    let refused = fact.refused() || fact.outcome.class == OutcomeClass::Forbidden;
    refused && fact.status.is_some() && !fact.gates.any(NOT_A_FAILURE)
}
