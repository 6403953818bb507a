//! What the incidents broke, in numbers: "2 of 8 protected calls", by API group.

use std::collections::{BTreeMap, BTreeSet};

use authtrace_analyze::{
    capture::Protection,
    facts::{Fact, role::Role},
};
use authtrace_parse::{ExchangeId, Kind};

use super::{
    front::period,
    model::{GroupLine, Impact, Line},
    scene::began,
};
use crate::{view::View, words::count};

/// Groups that are listed.
const GROUPS: usize = 20;

/// Section 3, and the same in one sentence.
pub(super) fn impact(view: &View<'_>) -> (Impact, String) {
    let hit: BTreeSet<ExchangeId> = view.incidents().iter().flat_map(|i| i.exchanges.iter().copied()).collect();
    let counted: Vec<&Fact> = view.facts().filter(|f| f.counts()).collect();
    let protected: Vec<&&Fact> = counted
        .iter()
        .filter(|f| {
            view.analysis.capture.protection(f) == Protection::Protected || hit.contains(&f.id) && !f.succeeded()
        })
        .collect();
    let failed: Vec<&&Fact> = protected.iter().copied().filter(|f| hit.contains(&f.id) && !f.succeeded()).collect();
    let sessions: BTreeSet<_> = failed.iter().filter_map(|f| f.session).collect();
    let clients: BTreeSet<_> = failed.iter().map(|f| f.client).collect();
    let sentence = format!(
        "{} of {} failed; {} of {}, {} concerned",
        failed.len(),
        calls(protected.len()),
        sessions.len(),
        count(view.analysis.capture.sessions.len(), "session"),
        count(clients.len(), "client"),
    );
    let mut lines =
        vec![Line { label: "Calls", text: format!("{} of {} failed", failed.len(), calls(protected.len())) }];
    lines.push(Line {
        label: "Who",
        text: format!(
            "{} of {}, {}",
            sessions.len(),
            count(view.analysis.capture.sessions.len(), "session"),
            count(clients.len(), "client")
        ),
    });
    let times = || failed.iter().filter_map(|f| began(f));
    if let (Some(first), Some(last)) = (times().min(), times().max()) {
        lines.push(Line { label: "When", text: period(first, last) });
    }
    let sockets = failed.iter().filter(|f| f.kind == Kind::WebSocket).count();
    if sockets > 0 {
        lines.push(Line { label: "WebSocket", text: format!("{} refused", count(sockets, "handshake")) });
    }
    let refreshes = failed.iter().filter(|f| f.role == Role::Refresh).count();
    if refreshes > 0 {
        lines.push(Line { label: "Refresh", text: format!("{refreshes} refused") });
    }
    (Impact { lines, groups: groups(&protected, &failed) }, sentence)
}

fn calls(number: usize) -> String {
    format!("{} that need{} a credential", count(number, "call"), if number == 1 { "s" } else { "" })
}

fn groups(protected: &[&&Fact], failed: &[&&Fact]) -> Vec<GroupLine> {
    let name = |f: &Fact| format!("{} {}", f.origin, f.group);
    let touched: BTreeSet<String> = failed.iter().map(|f| name(f)).collect();
    let mut groups: BTreeMap<String, GroupLine> = BTreeMap::new();
    for fact in protected.iter().filter(|f| touched.contains(&name(f))) {
        let group = name(fact);
        let line = groups.entry(group.clone()).or_insert(GroupLine { group, requests: 0, refused: 0, accepted: 0 });
        line.requests += 1;
        line.refused += usize::from(fact.refused());
        line.accepted += usize::from(fact.accepted());
    }
    let mut groups: Vec<GroupLine> = groups.into_values().collect();
    groups.sort_by(|a, b| b.refused.cmp(&a.refused).then(a.group.cmp(&b.group)));
    groups.truncate(GROUPS);
    groups
}
