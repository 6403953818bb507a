//! A connection that was refused while it was still polled: it never became a WebSocket.

use super::RULE;
use crate::{
    case::Case,
    facts::Fact,
    finding::{Reason, Severity},
    rule::{Draft, Findings},
    text::{Text, times},
    thresholds::nanos,
};

/// Reports every connection that the server refused over long polling.
pub(super) fn check(case: &Case<'_>, out: &mut Findings) {
    let refused = case.facts().filter(|f| f.kind == authtrace_parse::Kind::Http && says(f).is_some());
    for facts in Case::grouped(refused, |f| (f.origin.clone(), f.route.clone(), says(f).cloned())).into_values() {
        out.add_all(facts.first().and_then(|first| draft(case, first, &facts)));
    }
}

fn says(fact: &Fact) -> Option<&Text> {
    Some(&fact.socket()?.refusal.as_ref()?.text)
}

fn draft(case: &Case<'_>, first: &Fact, facts: &[&Fact]) -> Option<Draft> {
    let refusal = first.socket()?.refusal.as_ref()?;
    let thresholds = super::Thresholds::of(case);
    let window = nanos(thresholds.storm_window);
    let storm = facts.windows(thresholds.storm.max(1)).any(|near| match near {
        [from, .., to] => to.started_nanos() - from.started_nanos() <= window,
        _ => true,
    });
    let draft = Draft::new(&RULE.meta, first)
        .variant("refused-while-polling")
        .title("Socket.IO connection refused in its first message")
        .because(Reason::ServerText)
        .because_if(refusal.class.is_some(), Reason::WireFact)
        .primary(first.id, "response.body", format!("\"{}\"", refusal.text))
        .also(facts.iter().map(|f| f.id))
        .cause(format!("{} {} polling", first.origin, first.route))
        .message(format!(
            "{} answered 200 to a poll, and in it refused the connection{} with \"{}\"; what the client's first message carries is not accepted.",
            first.route,
            times(facts.len()),
            refusal.text
        ));
    Some(match storm {
        true => draft.severity(Severity::High, "the client connects again and again"),
        false => draft,
    })
}
