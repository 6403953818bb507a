//! What was told already: which incident of this look is which of the last one.

use std::collections::BTreeSet;

use authtrace_analyze::{Finding, FindingId, Incident, Severity, facts::Fact};
use authtrace_parse::ExchangeId;

use crate::view::View;

/// Findings that are announced at most: behind them only incidents are.
const MOST_FINDINGS: usize = 10_000;
/// Fingerprints by which one incident is known.
const MOST_FINGERPRINTS: usize = 256;
/// Exchanges of one incident by which it is seen that some are no longer at hand.
const MOST_WITNESSES: usize = 64;

/// Remembers what was told.
#[derive(Default)]
pub struct Chronicle {
    /// One bit for each exchange.
    exchanges: Vec<u64>,
    findings: BTreeSet<String>,
    open: Vec<Open>,
    incidents: u32,
}

/// An incident that was announced and still holds.
struct Open {
    number: u32,
    title: String,
    fingerprints: Vec<String>,
    told: Told,
    /// Some of its exchanges, from the first to the last.
    witnesses: Vec<ExchangeId>,
}

/// What was said of it last.
#[derive(Clone, Copy, PartialEq)]
struct Told {
    code: &'static str,
    severity: Severity,
    exchanges: usize,
    band: &'static str,
}

/// What is new.
#[derive(Default)]
pub struct News<'a> {
    /// Exchanges that were not told yet, by id.
    pub exchanges: Vec<&'a Fact>,
    /// Findings that were not told yet, one of each fingerprint.
    pub findings: Vec<(FindingId, &'a Finding)>,
    /// What happened to incidents.
    pub changes: Vec<Change<'a>>,
}

/// Something that happened to an incident.
pub struct Change<'a> {
    /// Its number, which it keeps.
    pub number: u32,
    /// What happened.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// Fingerprints of its findings, root first.
    pub fingerprints: Vec<String>,
    /// What is known of it now; `None` where it no longer holds.
    pub incident: Option<&'a Incident>,
}

/// What may happen to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was seen for the first time.
    Opened,
    /// It is worse, surer or much larger than it was said to be, or has another root.
    Updated,
    /// Nothing more will be said of it.
    Closed(Reason),
}

/// Why nothing more will be said of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What is known now does not support it.
    Withdrawn,
    /// Its findings belong to this one.
    Merged(u32),
    /// The capture is over.
    CaptureEnded,
}

impl Kind {
    /// Name of the event.
    pub fn event(self) -> &'static str {
        match self {
            Self::Opened => "incident-opened",
            Self::Updated => "incident-updated",
            Self::Closed(_) => "incident-closed",
        }
    }
}

impl Reason {
    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Merged(_) => "merged",
            Self::CaptureEnded => "capture-ended",
        }
    }

    /// The incident that goes on in its place.
    pub(super) fn into_incident(self) -> Option<u32> {
        match self {
            Self::Merged(into) => Some(into),
            Self::Withdrawn | Self::CaptureEnded => None,
        }
    }
}

impl Chronicle {
    /// What `view` shows that was not told yet.
    pub fn look<'a>(&mut self, view: &View<'a>) -> News<'a> {
        News {
            exchanges: view.facts().filter(|fact| self.is_new(fact.id)).collect(),
            findings: self.new_findings(view),
            changes: self.changes(view, false),
        }
    }

    /// The same at the end: everything is told as it stands, and closed.
    pub fn end<'a>(&mut self, view: &View<'a>) -> News<'a> {
        let mut changes = self.changes(view, true);
        let closed = self.open.drain(..).map(|open| Change {
            number: open.number,
            kind: Kind::Closed(Reason::CaptureEnded),
            title: open.title,
            fingerprints: open.fingerprints,
            incident: None,
        });
        changes.extend(closed);
        News {
            exchanges: view.facts().filter(|fact| self.is_new(fact.id)).collect(),
            findings: self.new_findings(view),
            changes,
        }
    }

    /// Incidents that are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn is_new(&mut self, id: ExchangeId) -> bool {
        let (word, bit) = (id.0 as usize / 64, 1 << (id.0 % 64));
        if self.exchanges.len() <= word {
            self.exchanges.resize(word + 1, 0);
        }
        let new = self.exchanges[word] & bit == 0;
        self.exchanges[word] |= bit;
        new
    }

    fn new_findings<'a>(&mut self, view: &View<'a>) -> Vec<(FindingId, &'a Finding)> {
        let new = |(_, finding): &(FindingId, &Finding)| {
            self.findings.len() < MOST_FINDINGS && self.findings.insert(finding.fingerprint())
        };
        view.findings().filter(new).collect()
    }

    fn changes<'a>(&mut self, view: &View<'a>, all: bool) -> Vec<Change<'a>> {
        let mut before = std::mem::take(&mut self.open);
        let mut changes = Vec::new();
        for incident in view.incidents() {
            let fingerprints = fingerprints(view, incident);
            let told = Told::of(view, incident);
            let title = incident.title.clone();
            let known = same(&before, &fingerprints, told.code).map(|place| before.swap_remove(place));
            let mut witnesses = witnesses(incident);
            let (number, kind) = match known {
                Some(known) if known.is_partly_aside(view) && !known.told.is_outgrown_by(&told) => {
                    // What is left of it says less than what was told.
                    self.open.push(known);
                    continue;
                }
                Some(known) if !(known.told.is_outdone_by(&told) || all && known.told != told) => {
                    // What was told stands, so that small steps add up to one that is worth telling.
                    self.open.push(Open { fingerprints, witnesses, ..known });
                    continue;
                }
                Some(known) => {
                    if known.is_partly_aside(view) {
                        witnesses = known.witnesses;
                    }
                    (known.number, Kind::Updated)
                }
                None => {
                    self.incidents += 1;
                    (self.incidents, Kind::Opened)
                }
            };
            self.open.push(Open { number, title: title.clone(), fingerprints: fingerprints.clone(), told, witnesses });
            changes.push(Change { number, kind, title, fingerprints, incident: Some(incident) });
        }
        for gone in before {
            let into = self.open.iter().find(|open| shared(&open.fingerprints, &gone.fingerprints) > 0);
            if into.is_none() && gone.is_partly_aside(view) {
                self.open.push(gone);
                continue;
            }
            let reason = into.map_or(Reason::Withdrawn, |into| Reason::Merged(into.number));
            changes.push(Change {
                number: gone.number,
                kind: Kind::Closed(reason),
                title: gone.title,
                fingerprints: gone.fingerprints,
                incident: None,
            });
        }
        changes
    }
}

impl Open {
    /// Whether exchanges that it rests on were set aside: then `view` cannot tell how it stands.
    fn is_partly_aside(&self, view: &View<'_>) -> bool {
        self.witnesses.iter().any(|id| view.analysis.capture.fact(*id).is_none())
    }
}

impl Told {
    fn of(view: &View<'_>, incident: &Incident) -> Self {
        Self {
            code: view.analysis.finding(incident.root).map_or("", |root| root.rule.code),
            severity: incident.severity,
            exchanges: incident.exchanges.len(),
            band: incident.confidence.band(),
        }
    }

    /// Whether `now` is worth another line: a storm is told a few times as it doubles, not with each request.
    fn is_outdone_by(&self, now: &Self) -> bool {
        now.code != self.code || now.severity != self.severity || now.band != self.band || self.is_outgrown_by(now)
    }

    /// Whether `now` is much larger, or worse.
    fn is_outgrown_by(&self, now: &Self) -> bool {
        now.severity > self.severity || now.exchanges >= self.exchanges.saturating_mul(2).max(self.exchanges + 2)
    }
}

/// The place in `before` of the incident that has most in common with this one: the cause may be seen better by now, so
/// its rule need not be the same.
fn same(before: &[Open], fingerprints: &[String], code: &str) -> Option<usize> {
    let common = |open: &Open| (shared(&open.fingerprints, fingerprints), open.told.code == code);
    let best = before.iter().enumerate().map(|(place, open)| (common(open), std::cmp::Reverse(open.number), place));
    best.filter(|((shared, _), ..)| *shared > 0).max().map(|(.., place)| place)
}

fn shared(one: &[String], other: &[String]) -> usize {
    one.iter().filter(|fingerprint| other.contains(fingerprint)).count()
}

/// Exchanges of `incident` at even distances.
fn witnesses(incident: &Incident) -> Vec<ExchangeId> {
    let step = incident.exchanges.len().div_ceil(MOST_WITNESSES).max(1);
    incident.exchanges.iter().copied().step_by(step).collect()
}

/// Each once, root first.
fn fingerprints(view: &View<'_>, incident: &Incident) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for finding in incident.findings.iter().filter_map(|id| view.analysis.finding(*id)) {
        let fingerprint = finding.fingerprint();
        if list.len() < MOST_FINGERPRINTS && !list.contains(&fingerprint) {
            list.push(fingerprint);
        }
    }
    list
}
