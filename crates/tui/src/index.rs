//! What screens look up again and again, computed once: findings by exchange, lanes of sessions, the span of the capture.

use std::collections::HashMap;

use authtrace_analyze::{Analysis, FindingId, facts::SessionId};
use authtrace_parse::{ExchangeId, Timestamp};

/// Sessions that have a lane at one moment; more share the view without one.
pub const LANES: usize = 6;

/// One session's stay in a lane, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stay {
    session: SessionId,
    from: i64,
    until: i64,
}

/// Look-ups into one analysis.
#[derive(Default)]
pub struct Index {
    findings: HashMap<ExchangeId, Vec<FindingId>>,
    lanes: Vec<Vec<Stay>>,
    lane_of: HashMap<SessionId, usize>,
    /// When the first exchange began, and when the last one ended.
    pub span: Option<(i64, i64)>,
}

impl Index {
    /// Looks through `analysis`.
    pub fn new(analysis: &Analysis) -> Self {
        let mut index = Self::default();
        for (id, finding) in (0u32..).map(FindingId).zip(&analysis.findings) {
            for exchange in &finding.exchanges {
                index.findings.entry(*exchange).or_default().push(id);
            }
        }
        index.assign_lanes(analysis);
        let timed = || analysis.capture.facts.iter().filter(|f| f.timing.started().or(f.timing.sent()).is_some());
        let begin = timed().map(|f| f.started_nanos()).min();
        let end = timed().map(|f| f.ended_nanos().max(f.started_nanos())).max();
        index.span = begin.zip(end);
        index
    }

    /// Findings about `exchange`, by number.
    pub fn findings(&self, exchange: ExchangeId) -> &[FindingId] {
        self.findings.get(&exchange).map_or(&[], Vec::as_slice)
    }

    /// Number of lanes in use.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The lane of `session`.
    pub fn lane(&self, session: SessionId) -> Option<usize> {
        self.lane_of.get(&session).copied()
    }

    /// Whether a session lives in `lane` at `nanos`.
    pub fn is_alive(&self, lane: usize, nanos: i64) -> bool {
        let Some(stays) = self.lanes.get(lane) else { return false };
        let after = stays.partition_point(|stay| stay.from <= nanos);
        after.checked_sub(1).is_some_and(|last| stays[last].until >= nanos)
    }

    /// Each session takes the first lane that is free when it begins.
    fn assign_lanes(&mut self, analysis: &Analysis) {
        let sessions = (0u32..).map(SessionId).zip(&analysis.capture.sessions);
        let stay = |(session, s): (SessionId, &authtrace_analyze::facts::session::Session)| {
            Some(Stay { session, from: s.first.map(Timestamp::nanos)?, until: s.last.map(Timestamp::nanos)? })
        };
        let mut stays: Vec<Stay> = sessions.filter_map(stay).collect();
        stays.sort_by_key(|stay| (stay.from, stay.session));
        for stay in stays {
            let free = self.lanes.iter().position(|lane| lane.last().is_none_or(|last| last.until < stay.from));
            let lane = match free {
                Some(lane) => lane,
                None if self.lanes.len() < LANES => {
                    self.lanes.push(Vec::new());
                    self.lanes.len() - 1
                }
                None => continue,
            };
            self.lanes[lane].push(stay);
            self.lane_of.insert(stay.session, lane);
        }
    }
}
