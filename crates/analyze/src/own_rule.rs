//! Rules of a team's own: an SQL condition over the exchange columns, counted per group and window.
//!
//! What they find becomes a finding like any other. They see the whole fact table, not one client's timeline, so they are
//! judged apart from the catalogue and explain nothing to it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    capture::Capture,
    catalogue::{self, Layer, RuleMeta, Tier},
    facts::Fact,
    finding::{Finding, Reason, Severity},
    rule::{Draft, Findings},
    table::{self, SCHEMA},
    text::span,
    thresholds::nanos,
};

/// Most exchanges of a group that a finding lists.
const MOST_LISTED: usize = 10_000;
/// Longest condition, in bytes.
const LONGEST: usize = 4096;

/// A rule as it is written down.
#[derive(Clone, Debug, Default)]
pub struct OwnRuleSpec {
    /// Name in kebab case; the code is `OWN-` and the name.
    pub name: String,
    /// One line that names the pattern; the name where absent.
    pub title: Option<String>,
    /// SQL condition over the exchange columns.
    pub when: String,
    /// Columns whose values make a group; one client's route where empty.
    pub group_by: Vec<String>,
    /// Only exchanges that lie within this time of each other count together.
    pub window: Option<Duration>,
    /// How many must be in a group.
    pub at_least: usize,
    /// Severity of a finding.
    pub severity: Option<Severity>,
    /// What a finding says: text with `{count}`, `{window}` and `{column}` of the group.
    pub message: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

/// The part of a specification that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct OwnRuleFault {
    /// Name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
    /// Where in the field, in bytes.
    pub at: Option<usize>,
}

/// A rule that can be judged by.
#[derive(Clone, Debug)]
pub struct OwnRule {
    meta: &'static RuleMeta,
    when: String,
    group_by: Vec<&'static str>,
    window: Option<Duration>,
    at_least: usize,
    message: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Count,
    Window,
    Column(&'static str),
}

impl OwnRule {
    /// Checks a specification. The rule's metadata live as long as the program, like those of the catalogue, so this is for
    /// settings that are read once.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn new(spec: OwnRuleSpec) -> Result<Self, OwnRuleFault> {
        let fault = |field, reason: String| OwnRuleFault { field, reason, at: None };
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if spec.name.is_empty() || spec.name.len() > 40 || !spec.name.chars().all(kebab) {
            return Err(fault("name", "a name has lower-case letters, digits and hyphens, 40 at most".to_owned()));
        }
        if catalogue::find(&spec.name).is_some() {
            return Err(fault("name", format!("{} is a rule of the catalogue; choose another name", spec.name)));
        }
        if spec.when.len() > LONGEST {
            return Err(fault("when", format!("a condition has at most {LONGEST} bytes")));
        }
        table::check(&spec.when).map_err(|error| OwnRuleFault {
            at: error.at().map(|at| at.start),
            ..fault("when", error.reason().to_owned())
        })?;
        if spec.at_least == 0 {
            return Err(fault("at_least", "at least one exchange makes a finding".to_owned()));
        }
        let columns = spec.group_by.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>();
        let group_by = columns.map_err(|name| fault("group_by", format!("no column is called {name}")))?;
        let group_by = if group_by.is_empty() { vec!["client_key", "origin", "route"] } else { group_by };
        let message = spec.message.as_deref().unwrap_or("{count} exchanges match.");
        let message = pieces(message, &group_by).map_err(|reason| fault("message", reason))?;
        Ok(Self {
            meta: Box::leak(Box::new(meta(&spec))),
            when: spec.when,
            group_by,
            window: spec.window,
            at_least: spec.at_least,
            message,
        })
    }

    /// What the rule is called and how severe it is.
    pub fn meta(&self) -> &'static RuleMeta {
        self.meta
    }
}

fn meta(spec: &OwnRuleSpec) -> RuleMeta {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let title = spec.title.clone().unwrap_or_else(|| spec.name.replace('-', " "));
    let help = spec.help.clone().unwrap_or_else(|| "The team that wrote the rule says what to do.".to_owned());
    let page = format!(
        "# OWN-{} `{}`\n\n## What it detects\n\n{title}: at least {} exchanges with `{}`.\n\n## Why it matters\n\n{help}\n",
        spec.name,
        spec.name,
        spec.at_least,
        spec.when.replace('`', "'")
    );
    RuleMeta {
        code: leak(format!("OWN-{}", spec.name)),
        id: leak(spec.name.clone()),
        title: leak(title),
        severity: spec.severity.unwrap_or(Severity::Medium),
        layer: Layer::Hygiene,
        tier: Tier::T1,
        thresholds: &[],
        spec: leak(page),
        fixes: &[],
    }
}

fn column(name: &str) -> Result<&'static str, &str> {
    SCHEMA.iter().map(|column| column.name).find(|column| *column == name).ok_or(name)
}

/// Takes `text with {count} and {column}` apart; `{{` is a brace.
fn pieces(text: &str, group_by: &[&'static str]) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        pieces.push(Piece::Text(rest[..at].to_owned()));
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            pieces.push(Piece::Text("{".to_owned()));
            rest = after;
            continue;
        }
        let (name, after) = rest.split_once('}').ok_or("a { is never closed; write {{ for a brace")?;
        pieces.push(match name {
            "count" => Piece::Count,
            "window" => Piece::Window,
            _ => match group_by.iter().find(|column| **column == name) {
                Some(column) => Piece::Column(column),
                None => return Err(format!("{{{name}}} is neither count, window nor a column of group_by")),
            },
        });
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

/// What each rule finds in `capture`.
pub(crate) fn judge(capture: &Capture, rules: &[OwnRule]) -> Vec<Finding> {
    if rules.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let conditions: Vec<&str> = rules.iter().map(|rule| rule.when.as_str()).collect();
    for (rule, matching) in rules.iter().zip(table::matching_each(&capture.facts, &capture.tokens, &conditions)) {
        // It was checked against an empty table; what fails here alone fails for every row.
        let facts = matching.unwrap_or_default().into_iter().filter_map(|id| capture.fact(id));
        let mut found = Findings::default();
        for (values, group) in groups(capture, rule, facts.filter(|fact| fact.leg_of().is_none())) {
            let members = members(rule, group);
            if members.len() >= rule.at_least {
                found.add(draft(rule, &values, &members));
            }
        }
        findings.extend(found.into_vec());
    }
    findings
}

type Values = Vec<Option<String>>;

fn groups<'a>(
    capture: &Capture,
    rule: &OwnRule,
    facts: impl Iterator<Item = &'a Fact>,
) -> BTreeMap<Values, Vec<&'a Fact>> {
    let mut groups: BTreeMap<Values, Vec<&Fact>> = BTreeMap::new();
    for fact in facts {
        let values = rule.group_by.iter().map(|column| table::cell(column, fact, &capture.tokens)).collect();
        groups.entry(values).or_default().push(fact);
    }
    groups
}

/// The exchanges of a group that lie in some window with enough of them; all of them where there is no window.
fn members<'a>(rule: &OwnRule, mut group: Vec<&'a Fact>) -> Vec<&'a Fact> {
    group.sort_by_key(|fact| (fact.started_nanos(), fact.id));
    let Some(window) = rule.window.map(nanos) else { return group };
    let mut inside = vec![false; group.len()];
    let (mut from, mut settled) = (0, 0);
    for to in 0..group.len() {
        while group[to].started_nanos() - group[from].started_nanos() > window {
            from += 1;
        }
        if to + 1 - from >= rule.at_least {
            inside[from.max(settled)..=to].fill(true);
            settled = to + 1;
        }
    }
    group.into_iter().zip(inside).filter_map(|(fact, inside)| inside.then_some(fact)).collect()
}

fn draft(rule: &OwnRule, values: &Values, members: &[&Fact]) -> Draft {
    let (first, last) = (members[0], members[members.len() - 1]);
    let mut routes: BTreeMap<_, usize> = BTreeMap::new();
    members.iter().for_each(|fact| *routes.entry(fact.route.clone()).or_default() += 1);
    let mut routes: Vec<_> = routes.into_iter().collect();
    routes.sort_by(|(a_route, a), (b_route, b)| b.cmp(a).then(a_route.cmp(b_route)));
    let most = routes
        .first()
        .map_or(first, |(route, _)| members.iter().copied().find(|fact| fact.route == *route).unwrap_or(first));
    let within = span(last.started_nanos() - first.started_nanos());
    let draft = Draft::new(rule.meta, most)
        .message(message(rule, values, members.len()))
        .because(Reason::WireFact)
        .because(Reason::Document)
        .primary(first.id, "request", format!("the first of {} that match", members.len()))
        .also(members.iter().take(MOST_LISTED).map(|fact| fact.id))
        .routes(routes.into_iter().map(|(route, _)| route).take(100).collect())
        .cause(format!("{} {values:?}", rule.meta.code));
    if first.id == last.id {
        draft
    } else {
        draft.related(last.id, "request", format!("the last of them, {within} later"))
    }
}

fn message(rule: &OwnRule, values: &Values, count: usize) -> String {
    let value = |column: &str| {
        let at = rule.group_by.iter().position(|name| *name == column)?;
        values.get(at)?.clone()
    };
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Count => count.to_string(),
        Piece::Window => rule.window.map_or_else(|| "the capture".to_owned(), |window| span(nanos(window))),
        Piece::Column(column) => value(column).unwrap_or_else(|| "-".to_owned()),
    };
    rule.message.iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(when: &str) -> OwnRuleSpec {
        OwnRuleSpec { name: "slow-login".to_owned(), when: when.to_owned(), at_least: 1, ..OwnRuleSpec::default() }
    }

    #[track_caller]
    fn check(spec: OwnRuleSpec, field: &str, says: &str) {
        let fault = OwnRule::new(spec).unwrap_err();
        assert_eq!(fault.field, field, "{fault}");
        assert!(fault.reason.contains(says), "{fault}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(OwnRule::new(spec("status = 401 and credential is null")).unwrap().meta().code, "OWN-slow-login");
        check(spec("status = = 1"), "when", "");
        check(spec("no_column = 1"), "when", "no_column");
        check(spec("status"), "when", "");
        check(spec(&"status = 1 or ".repeat(500)), "when", "bytes");
        check(OwnRuleSpec { name: "Slow".to_owned(), ..spec("status = 1") }, "name", "lower-case");
        check(OwnRuleSpec { name: "refresh-storm".to_owned(), ..spec("status = 1") }, "name", "catalogue");
        check(OwnRuleSpec { at_least: 0, ..spec("status = 1") }, "at_least", "one");
        check(OwnRuleSpec { group_by: vec!["nothing".to_owned()], ..spec("status = 1") }, "group_by", "nothing");
        let message = |text: &str| OwnRuleSpec { message: Some(text.to_owned()), ..spec("status = 1") };
        check(message("{path}"), "message", "path");
        check(message("{count"), "message", "closed");
    }

    #[test]
    fn deep_conditions_are_refused_or_read() {
        let _ = OwnRule::new(spec(&format!("{}status = 1{}", "(".repeat(1500), ")".repeat(1500))));
        let _ = OwnRule::new(spec(&format!("{}true", "not ".repeat(1000))));
        let _ = OwnRule::new(spec(&vec!["status=1"; 400].join(" or ")));
    }
}
