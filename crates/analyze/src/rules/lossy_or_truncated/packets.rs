//! What a packet capture lost: frames, halves of connections, the rest of long frames.

use authtrace_parse::{AnomalyKind, HeaderView};

use super::RULE;
use crate::{
    coverage::{Coverage, Input, InputFormat},
    facts::Fact,
    text::count,
};

/// Rules that claim an absence, or count.
const BLINDED: &[&str] = &["AUTH001", "AUTH002", "AUTH003", "AUTH005", "AUTH042", "AUTH051"];

/// Everything that `input`, whose exchanges are `facts`, lost.
pub(super) fn check(input: &Input, facts: &[&Fact]) -> Vec<Coverage> {
    if input.format == InputFormat::Har {
        return Vec::new();
    }
    [cut_heads(input, facts), undecoded_heads(input, facts), lost_frames(input), unanswered(input), halves(input)]
        .into_iter()
        .flatten()
        .collect()
}

fn coverage(says: String, remedy: &'static str) -> Coverage {
    Coverage { rule: &RULE.meta, says, affects: BLINDED, remedy: Some(remedy) }
}

/// Heads whose end was not captured: a field that is not there may have stood behind the cut.
fn cut_heads(input: &Input, facts: &[&Fact]) -> Option<Coverage> {
    let cut = facts.iter().filter(|fact| fact.view == HeaderView::Partial && !is_undecoded(fact)).count();
    (cut > 0).then(|| {
        coverage(
            format!(
                "{cut} of {} in {} were not captured whole: which fields stood behind the cut is unknown.",
                count(facts.len(), "request head"),
                input.path
            ),
            "Capture whole frames: tcpdump -s 0, dumpcap without -s; and let nothing drop (tcpdump -B 65536).",
        )
    })
}

/// Heads that refer to what an earlier part of their HTTP/2 connection said.
fn undecoded_heads(input: &Input, facts: &[&Fact]) -> Option<Coverage> {
    let undecoded = facts.iter().filter(|fact| fact.view == HeaderView::Partial && is_undecoded(fact)).count();
    (undecoded > 0).then(|| {
        coverage(
            format!(
                "{undecoded} of {} in {} refer to a part of their HTTP/2 connection that was not captured: the fields that \
                 they take from there are unknown.",
                count(facts.len(), "request head"),
                input.path
            ),
            "Start the capture before the client connects, and let nothing drop (tcpdump -B 65536).",
        )
    })
}

fn is_undecoded(fact: &Fact) -> bool {
    fact.anomalies.contains(&AnomalyKind::UndecodedFields)
}

/// Frames that the capturing side itself says it lost.
fn lost_frames(input: &Input) -> Option<Coverage> {
    let lost = usize::try_from(input.dropped).unwrap_or(usize::MAX);
    (lost > 0).then(|| {
        coverage(
            format!("{} lost {} while it was captured: exchanges may be missing or without an answer.", input.path, count(lost, "frame")),
            "Give the capture a larger buffer (tcpdump -B 65536, dumpcap -B 64) and a filter, such as \"tcp port 8000\".",
        )
    })
}

/// Answers without their request, and requests whose answer was on the wire all the same.
fn unanswered(input: &Input) -> Option<Coverage> {
    let told = |name: &str, noun: &str| {
        let times = usize::try_from(input.anomalies.get(name).copied().unwrap_or(0)).unwrap_or(usize::MAX);
        (times > 0).then(|| count(times, noun))
    };
    let lost = [
        told("response-without-request", "answer without its request"),
        told("response-lost", "request whose answer was lost"),
    ];
    let lost: Vec<String> = lost.into_iter().flatten().collect();
    (!lost.is_empty()).then(|| {
        coverage(
            format!(
                "{} holds {}: it begins in the middle of connections, or lost frames.",
                input.path,
                lost.join(" and ")
            ),
            "Start the capture before the client connects, and let nothing drop (tcpdump -B 65536).",
        )
    })
}

/// Connections of which only one end was heard.
fn halves(input: &Input) -> Option<Coverage> {
    let halves = input.anomalies.get("one-sided-connection").copied().unwrap_or(0);
    (halves > 0).then(|| {
        coverage(
            format!(
                "Of {} in {} only one direction was captured: what the other end said is unknown.",
                count(usize::try_from(halves).unwrap_or(usize::MAX), "connection"),
                input.path
            ),
            "Capture where both directions pass: on the host itself, or on both links of a bond or an asymmetric route.",
        )
    })
}
